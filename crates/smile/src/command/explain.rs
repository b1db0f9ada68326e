//! `smile explain`: how each block of a tutorial is understood, and why. Nothing is run.

use std::fmt::Write as _;

use smile_tutorial::Tutorial;

use crate::{
    cli::ExplainArguments,
    command::pages,
    config::{self, Options},
    failure::{Failure, exit},
    output::{self, Paint, columns, one_line, wrapped},
    terminal::count,
};

/// Runs the command.
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<u8, Failure> {
    let paths: Vec<_> = arguments.path.iter().cloned().collect();
    let loaded = config::load(&arguments.config, &paths, Options::default())?;
    let readings = pages::read(&paths, &loaded)?;
    let paint = Paint::for_stdout();
    for reading in &readings {
        output::print(&text(&reading.tutorial, &paint))?;
    }
    Ok(exit::OK)
}

fn text(tutorial: &Tutorial, paint: &Paint) -> String {
    let mut out = String::new();
    let title = tutorial.title.as_deref().unwrap_or(&tutorial.file);
    let _ = writeln!(out, "\n{} {}", paint.accent.apply_to("SMILE"), paint.strong.apply_to(title));
    let blocks = count(tutorial.blocks.len(), "block");
    let steps = count(tutorial.steps.len(), "step");
    let about = format!("{} · {blocks} · {steps}", tutorial.file);
    let _ = writeln!(out, "      {}\n", paint.dim.apply_to(about));
    if let Some(why) = &tutorial.reference {
        let _ = writeln!(out, "  {} {why}\n", paint.warn.apply_to("Reference, no sequence:"));
    }
    for requirement in &tutorial.requirements {
        let version = requirement.version.as_deref().unwrap_or_default();
        let line = requirement.lines.first;
        let _ = writeln!(out, "  line {line:<5} requires      {} {version}", requirement.name);
    }
    for line in smile_tutorial::explain(tutorial) {
        let lines = if line.lines.first == line.lines.last {
            line.lines.first.to_string()
        } else {
            format!("{}-{}", line.lines.first, line.lines.last)
        };
        let lines = paint.dim.apply_to(format!("{lines:>9}"));
        if line.inside {
            let room = columns().saturating_sub(15);
            let _ = writeln!(out, "  {lines}    {}", one_line(&line.what, room));
            for part in wrapped(&line.why, columns().saturating_sub(19)) {
                if !part.is_empty() {
                    let _ = writeln!(out, "                 {}", paint.dim.apply_to(part));
                }
            }
            continue;
        }
        let what = one_line(&line.what, columns().saturating_sub(13));
        let _ = writeln!(out, "  {lines}  {}", paint.strong.apply_to(what));
        for part in wrapped(&line.why, columns().saturating_sub(15)) {
            let _ = writeln!(out, "             {}", paint.dim.apply_to(part));
        }
    }
    out.push('\n');
    out
}
