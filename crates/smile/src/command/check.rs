//! `smile check`: the static reading alone.

use std::fmt::Write as _;

use smile_tutorial::Severity;

use crate::{
    cli::CheckArguments,
    command::pages::{self, Reading},
    config::{self, Options},
    failure::{Failure, exit},
    output::{self, Paint, columns, wrapped},
    terminal::{count, severity_paint},
};

/// Runs the command.
pub(crate) fn check(arguments: &CheckArguments) -> Result<u8, Failure> {
    let flags = Options { fail_on: arguments.fail_on, ..Options::default() };
    let loaded = config::load(&arguments.config, &arguments.paths, flags)?;
    let readings = pages::read(&arguments.paths, &loaded)?;
    if arguments.json {
        let pages: Vec<_> = readings
            .iter()
            .map(|reading| {
                serde_json::json!({ "tutorial": reading.path, "findings": reading.findings })
            })
            .collect();
        output::print(&format!("{:#}\n", serde_json::json!({ "version": 1, "pages": pages })))?;
    } else {
        let paint = Paint::for_stdout();
        for reading in &readings {
            output::print(&text(reading, &paint))?;
        }
    }
    let threshold = loaded.settings.fail_on;
    let failed = readings
        .iter()
        .flat_map(|reading| &reading.findings)
        .any(|finding| threshold.counts(finding.severity));
    Ok(if failed { exit::GAPS } else { exit::OK })
}

fn text(reading: &Reading, paint: &Paint) -> String {
    let mut out = String::new();
    let path = reading.path.display();
    if reading.findings.is_empty() {
        let _ =
            writeln!(out, "{} {path}: nothing found by reading alone", paint.good.apply_to("✓"));
        return out;
    }
    let found = count(reading.findings.len(), "finding");
    let _ = writeln!(out, "{}", paint.strong.apply_to(format!("{path}: {found}")));
    for finding in &reading.findings {
        let severity = match finding.severity {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
        };
        let lines: Vec<_> =
            finding.locations.iter().map(|place| place.first_line.to_string()).collect();
        let (first, rest) =
            lines.split_first().map_or(("?", &[][..]), |(first, rest)| (first, rest));
        let mut text = finding.problem.clone();
        if !rest.is_empty() {
            let _ = write!(text, " (also at {})", rest.join(", "));
        }
        for (index, line) in
            wrapped(&text, columns().saturating_sub(24).min(100)).iter().enumerate()
        {
            let _ = if index == 0 {
                let severity =
                    severity_paint(paint, finding.severity).apply_to(format!("{severity:<8}"));
                writeln!(out, "  {severity}  line {first:<5} {line}")
            } else {
                writeln!(out, "{}{line}", " ".repeat(23))
            };
        }
        for line in wrapped(&finding.suggestion, columns().saturating_sub(24).min(100)) {
            if !line.is_empty() {
                let _ = writeln!(out, "{}{}", " ".repeat(23), paint.dim.apply_to(line));
            }
        }
    }
    out
}
