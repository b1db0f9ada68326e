//! Steps as test points: TAP version 14, which readers of version 13 understand, too.

use std::fmt::Write as _;

use smile_loop::{FailOn, Gap, kind_name};
use smile_tutorial::Severity;

use crate::{
    Followed,
    case::{Case, Verdict, cases, one_line, told},
    text::machine,
};

/// One document with a point a step over all tutorials. Gaps that `fail_on` counts make a point
/// fail; lighter ones stand in its diagnostics.
pub fn tap(followed: &[Followed<'_>], fail_on: FailOn) -> String {
    let pages: Vec<(&Followed<'_>, Vec<Case<'_>>)> =
        followed.iter().map(|page| (page, cases(page, fail_on))).collect();
    let total: usize = pages.iter().map(|(_, cases)| cases.len()).sum();
    let mut out = format!("TAP version 14\n1..{total}\n");
    let mut number = 0_usize;
    for (page, cases) in &pages {
        // A comment may hold anything but a line's end.
        let _ =
            writeln!(out, "# {}: {}", one_line(page.file), one_line(&crate::verdict(page.record)));
        for case in cases {
            number += 1;
            point(&mut out, number, page, case);
        }
    }
    out
}

fn point(out: &mut String, number: usize, page: &Followed<'_>, case: &Case<'_>) {
    let failed = matches!(case.verdict, Verdict::Failed(_) | Verdict::Inconclusive(_));
    let place = match case.lines {
        Some(lines) => format!("{}:{}", page.file, lines.first),
        None => page.file.to_owned(),
    };
    let name = described(&format!("{place} {}", case.name));
    let mark = if failed { "not ok" } else { "ok" };
    let _ = match &case.verdict {
        Verdict::Skipped(why) => {
            writeln!(out, "{mark} {number} - {name} # SKIP {}", described(why))
        }
        _ => writeln!(out, "{mark} {number} - {name}"),
    };
    match &case.verdict {
        Verdict::Passed(gaps) | Verdict::Failed(gaps) => diagnostics(out, page, case, gaps),
        Verdict::Inconclusive(why) => {
            let _ =
                writeln!(out, "  ---\n  message: {}\n  severity: \"error\"\n  ...", scalar(why));
        }
        Verdict::Skipped(_) => {}
    }
}

fn diagnostics(out: &mut String, page: &Followed<'_>, case: &Case<'_>, gaps: &[&Gap]) {
    if gaps.is_empty() {
        return;
    }
    let _ = writeln!(out, "  ---\n  duration_ms: {}\n  gaps:", case.duration_ms);
    for gap in gaps {
        let severity = match gap.severity {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
        };
        let rows = [
            ("message", scalar(&machine(&gap.problem))),
            ("kind", scalar(&kind_name(gap.kind))),
            ("severity", scalar(severity)),
            ("id", scalar(&machine(&gap.id))),
            ("file", scalar(&machine(page.file))),
            ("line", gap.location.first_line.to_string()),
            ("endLine", gap.location.last_line.to_string()),
            ("details", scalar(&told(gap))),
        ];
        for (at, (key, value)) in rows.iter().enumerate() {
            let _ = writeln!(out, "    {} {key}: {value}", if at == 0 { '-' } else { ' ' });
        }
    }
    out.push_str("  ...\n");
}

/// A string of JSON is one of YAML as well, on one line, whatever it holds.
fn scalar(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A description: on one line, and nothing in it is taken for a directive.
fn described(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}
