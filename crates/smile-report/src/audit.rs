//! The audit log: every action, one after the other, in plain lines.

use std::fmt::Write as _;

use smile_loop::{CommandEnd, RunRecord, StepOutcome};

use crate::text::{short, span};

/// Every action of the run with its end, files and ports; one line each, indented details.
pub fn audit_log(record: &RunRecord) -> String {
    let mut out = String::new();
    let line = |text: &str| short(&text.replace('\n', " ⏎ "), 400);
    let _ = writeln!(
        out,
        "run {} of {} (sha256 {}) with SMILE {}, started {}, sandbox: {}",
        line(&record.run_id),
        line(&record.tutorial),
        line(&record.tutorial_sha256),
        line(&record.smile_version),
        line(&record.started_at),
        line(&record.sandbox),
    );
    for step in &record.steps {
        let outcome = match &step.outcome {
            StepOutcome::Passed => "passed".to_owned(),
            StepOutcome::FailedAsShown => "failed as shown".to_owned(),
            StepOutcome::Failed(why) => format!("failed: {}", line(why)),
            StepOutcome::Skipped(why) => format!("skipped: {}", line(why)),
            StepOutcome::SandboxLimited(why) => format!("sandbox-limited: {}", line(why)),
            _ => "unknown".to_owned(),
        };
        let _ = writeln!(
            out,
            "{:>9} ms  step {:>3}  line {:>4}  {}  [{outcome}]",
            step.at_ms,
            step.number,
            step.lines.first,
            line(&step.what),
        );
        let Some(seen) = &step.observation else { continue };
        let end = match &seen.end {
            CommandEnd::Exited { code } => format!("exit {code}"),
            CommandEnd::MovedAside => "moved aside".to_owned(),
            CommandEnd::Waiting => "waited for input".to_owned(),
            CommandEnd::Silent { limit_s } => format!("silent for {limit_s} s"),
            CommandEnd::OverTime { limit_s } => format!("over {limit_s} s"),
            CommandEnd::ShellEnded { code } => format!("shell ended with {code}"),
            CommandEnd::Stopped => "stopped".to_owned(),
            _ => "unknown".to_owned(),
        };
        let _ = writeln!(
            out,
            "              {end}, {}, {} bytes of output, in {}",
            span(seen.duration_ms),
            seen.output.bytes_total,
            line(&seen.cwd_before),
        );
        for prompt in &seen.prompts {
            let answer = prompt
                .answer
                .as_deref()
                .map_or("nothing".to_owned(), |a| format!("\"{}\"", line(a)));
            let _ =
                writeln!(out, "              asked \"{}\", typed {answer}", line(&prompt.question));
        }
        for file in &seen.files {
            let _ = writeln!(
                out,
                "              {} {} ({} bytes)",
                line(&file.what),
                line(&file.path),
                file.bytes
            );
        }
        for port in &seen.listening {
            let _ = writeln!(out, "              listens on port {port}");
        }
    }
    let _ = writeln!(out, "{:>9} ms  end: {}", record.duration_ms, crate::verdict(record));
    out
}
