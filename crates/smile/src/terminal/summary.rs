//! The end of a run in a few lines: how far a newcomer gets, what is in the way, where the report
//! is, what to do next.

use std::fmt::Write as _;

use console::Style;
use smile_server::{Finished, Gap, RunStatus};
use smile_tutorial::Severity;

use super::{count, spoken};
use crate::output::{Paint, columns, wrapped};

/// Gaps shown one by one; the report has them all.
const GAPS_SHOWN_MAX: usize = 20;

/// Notes on the sandbox, which stand above the first step already.
const SAID_AT_START: [&str; 3] = ["network-missing", "limits-missing", "changes-in-memory"];

/// The style of a severity.
pub(crate) fn severity_paint(paint: &Paint, severity: Severity) -> &Style {
    match severity {
        Severity::Critical => &paint.bad,
        Severity::Major => &paint.warn,
        Severity::Minor => &paint.accent,
    }
}

/// The summary of one run.
pub(crate) fn summary(finished: &Finished, paint: &Paint) -> String {
    let mut out = String::from("\n");
    headline(&mut out, finished, paint);
    gaps(&mut out, &finished.record.gaps, paint);
    notes(&mut out, finished, paint);
    next(&mut out, finished, paint);
    out
}

fn headline(out: &mut String, finished: &Finished, paint: &Paint) {
    let record = &finished.record;
    let style = match record.status {
        RunStatus::Completed if record.gaps.is_empty() => &paint.good,
        RunStatus::Completed => &paint.strong,
        RunStatus::Stopped => &paint.warn,
        _ => &paint.bad,
    };
    for line in wrapped(&smile_report::verdict(record), columns().saturating_sub(4).min(110)) {
        let _ = writeln!(out, "  {}", style.apply_to(line));
    }
    let coverage = record.coverage;
    let left = coverage.steps.saturating_sub(coverage.carried_out);
    let mut text = format!(
        "{} of {} carried out, {} as promised, in {}",
        coverage.carried_out,
        count(coverage.steps as usize, "step"),
        coverage.as_promised,
        spoken(record.duration_ms),
    );
    if left > 0 {
        let were = if left == 1 { "was" } else { "were" };
        let _ = write!(text, "; the report says why {left} {were} not");
    }
    for line in wrapped(&(text + "."), columns().saturating_sub(4).min(110)) {
        let _ = writeln!(out, "  {line}");
    }
}

fn gaps(out: &mut String, gaps: &[Gap], paint: &Paint) {
    if gaps.is_empty() {
        return;
    }
    out.push('\n');
    let width = gaps.iter().map(|gap| place(gap).len()).max().unwrap_or(0);
    let indent = 2 + 8 + 2 + width + 2;
    for gap in gaps.iter().take(GAPS_SHOWN_MAX) {
        let severity = match gap.severity {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
        };
        let mut text = gap.problem.clone();
        if !gap.consequences.is_empty() {
            let _ = write!(text, " ({} because of it)", failures(gap.consequences.len()));
        }
        let lines = wrapped(&text, columns().saturating_sub(indent + 1).clamp(24, 100));
        for (index, line) in lines.iter().enumerate() {
            let _ = if index == 0 {
                writeln!(
                    out,
                    "  {}  {:width$}  {line}",
                    severity_paint(paint, gap.severity).apply_to(format!("{severity:<8}")),
                    place(gap),
                )
            } else {
                writeln!(out, "{}{line}", " ".repeat(indent))
            };
        }
    }
    if gaps.len() > GAPS_SHOWN_MAX {
        let _ = writeln!(out, "  … and {} more in the report.", gaps.len() - GAPS_SHOWN_MAX);
    }
}

fn failures(number: usize) -> String {
    if number == 1 { "1 later step fails".to_owned() } else { format!("{number} later steps fail") }
}

fn place(gap: &Gap) -> String {
    let location = &gap.location;
    if location.first_line == location.last_line {
        format!("line {}", location.first_line)
    } else {
        format!("lines {}–{}", location.first_line, location.last_line)
    }
}

fn notes(out: &mut String, finished: &Finished, paint: &Paint) {
    let notes: Vec<_> = finished
        .record
        .notes
        .iter()
        .filter(|note| !SAID_AT_START.contains(&note.code.as_str()))
        .collect();
    if notes.is_empty() {
        return;
    }
    out.push('\n');
    for note in notes.iter().take(5) {
        let place = note.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let text = format!("{place}{}", note.text);
        for (index, line) in
            wrapped(&text, columns().saturating_sub(10).min(110)).iter().enumerate()
        {
            let head = if index == 0 { "note  " } else { "      " };
            let _ = writeln!(out, "  {}{line}", paint.dim.apply_to(head));
        }
    }
    if notes.len() > 5 {
        let _ = writeln!(out, "        and {} in the report", count(notes.len() - 5, "more note"));
    }
}

fn next(out: &mut String, finished: &Finished, paint: &Paint) {
    out.push('\n');
    let mut reports = finished.reports.iter().map(|path| path.display().to_string());
    if let Some(first) = reports.next() {
        let others: Vec<_> = reports.collect();
        let others = match others.join(", ") {
            others if others.is_empty() || first.len() + others.len() + 22 > columns() => {
                String::new()
            }
            others => format!("  (and {others})"),
        };
        let _ = writeln!(
            out,
            "  {}  {}{}",
            paint.dim.apply_to("Report"),
            paint.strong.apply_to(first),
            paint.dim.apply_to(others)
        );
    }
    let record = &finished.record;
    let worst = record
        .gaps
        .iter()
        .max_by_key(|gap| (gap.severity, std::cmp::Reverse(gap.location.first_line)));
    let action = match (record.status, worst) {
        (RunStatus::HarnessError, _) => {
            Some("`smile doctor` says what this machine lacks".to_owned())
        }
        (RunStatus::Timeout, _) => Some(
            "give it longer with `--timeout 2h`, or see which step took the time in the report"
                .to_owned(),
        ),
        (_, Some(gap)) => {
            Some(format!("mend line {} first, then run it again", gap.location.first_line))
        }
        _ => None,
    };
    if let Some(action) = action {
        let _ = writeln!(out, "  {}    {action}", paint.dim.apply_to("Next"));
    }
}
