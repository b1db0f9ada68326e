//! Several tutorials in one table: for the terminal, for people, for programs.

use std::{fmt::Write as _, path::Path};

use serde_json::json;
use smile_server::{Finished, RunStatus};
use smile_tutorial::Severity;

use super::count;
use crate::output::Paint;

/// One tutorial of several.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The tutorial's file.
    pub(crate) path: String,
    /// How it came out; none where it has nothing to carry out.
    pub(crate) finished: Option<Finished>,
}

impl Entry {
    /// The exit code that it deserves.
    pub(crate) fn exit_code(&self) -> u8 {
        self.finished.as_ref().map_or(0, |finished| finished.exit_code)
    }

    fn words(&self) -> String {
        let Some(finished) = &self.finished else {
            return "nothing to carry out".to_owned();
        };
        let record = &finished.record;
        let gaps = if record.gaps.is_empty() {
            "no gaps".to_owned()
        } else {
            let worst = [Severity::Critical, Severity::Major, Severity::Minor]
                .into_iter()
                .map(|severity| {
                    (severity, record.gaps.iter().filter(|gap| gap.severity == severity).count())
                })
                .filter(|(_, number)| *number > 0)
                .map(|(severity, number)| match severity {
                    Severity::Critical => format!("{number} critical"),
                    Severity::Major => format!("{number} major"),
                    Severity::Minor => format!("{number} minor"),
                });
            let parts: Vec<_> = worst.collect();
            format!("{}: {}", count(record.gaps.len(), "gap"), parts.join(", "))
        };
        match record.status {
            RunStatus::Completed => gaps,
            RunStatus::Blocker => format!("stopped at the first; {gaps}"),
            RunStatus::MaxIterations => format!("not through; {gaps}"),
            RunStatus::Timeout => format!("out of time; {gaps}"),
            RunStatus::Stopped => format!("stopped; {gaps}"),
            _ => "inconclusive: smile's own trouble".to_owned(),
        }
    }

    fn report(&self) -> Option<&Path> {
        self.finished.as_ref()?.reports.first().map(std::path::PathBuf::as_path)
    }
}

/// The table on the terminal.
pub(crate) fn index(entries: &[Entry], folder: &Path, paint: &Paint) -> String {
    let mut out = String::from("\n");
    let width = entries.iter().map(|entry| entry.path.len()).max().unwrap_or(0).min(60);
    for entry in entries {
        let mark = match (&entry.finished, entry.exit_code()) {
            (None, _) => paint.dim.apply_to("·"),
            (Some(_), 0) => paint.good.apply_to("✓"),
            (Some(_), _) => paint.bad.apply_to("✗"),
        };
        let _ = writeln!(out, "  {mark} {:width$}  {}", entry.path, entry.words());
    }
    let _ = writeln!(
        out,
        "\n  {}   {}",
        paint.dim.apply_to("Index"),
        paint.strong.apply_to(folder.join("index.md").display())
    );
    out
}

/// `index.md`, with links relative to its folder.
pub(crate) fn index_markdown(entries: &[Entry], folder: &Path) -> String {
    let mut out = String::from("# Tutorials\n\n| tutorial | result |\n|---|---|\n");
    for entry in entries {
        let name = entry.path.replace('|', "\\|");
        let name = match entry.report().and_then(|path| path.strip_prefix(folder).ok()) {
            Some(link) => format!("[{name}](<{}>)", link.display()),
            None => name,
        };
        let _ = writeln!(out, "| {name} | {} |", entry.words());
    }
    out
}

/// `index.json`.
pub(crate) fn index_json(entries: &[Entry], exit_code: u8) -> String {
    let tutorials: Vec<_> = entries
        .iter()
        .map(|entry| {
            let record = entry.finished.as_ref().map(|finished| &finished.record);
            json!({
                "tutorial": entry.path,
                "status": record.map(|record| record.status),
                "exitCode": entry.exit_code(),
                "gaps": record.map(|record| record.gaps.len()),
                "reports": entry.finished.as_ref().map(|finished| &finished.reports),
            })
        })
        .collect();
    let index = json!({ "version": 1, "exitCode": exit_code, "tutorials": tutorials });
    format!("{index:#}\n")
}
