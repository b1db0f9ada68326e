//! What GitHub Actions shows: annotations at the lines, and the summary of a step.

use std::{cmp::Reverse, fmt::Write as _};

use smile_loop::{Gap, RunRecord, kind_name};
use smile_tutorial::Severity;

use crate::{
    Followed,
    case::{came_to_an_end, one_line},
    text::{cell, cell_code, line_list, machine, prose},
};

/// So many gaps are listed in a summary, which may have at most 1 MiB in all.
const SUMMARY_GAPS_MAX: usize = 200;

/// Workflow commands, one a gap, the heaviest first: GitHub shows only the first ten of each level
/// that a step prints.
pub fn github_annotations(followed: &[Followed<'_>]) -> String {
    let mut out = String::new();
    for page in followed.iter().filter(|page| !came_to_an_end(page.record.status)) {
        let _ = writeln!(
            out,
            "::error file={},title={}::{}",
            property(page.file),
            property("SMILE: inconclusive"),
            data(&crate::verdict(page.record)),
        );
    }
    for (page, gap) in by_weight(followed) {
        let level = match gap.severity {
            Severity::Critical => "error",
            Severity::Major => "warning",
            Severity::Minor => "notice",
        };
        let mut message = machine(&gap.problem);
        if gap.locations.len() > 1 {
            let others = gap.locations.iter().skip(1).map(|place| place.first_line);
            let _ = write!(message, "\nThe same at: line {}.", line_list(others, 30));
        }
        if !gap.suggestion.text.is_empty() {
            let _ = write!(message, "\nWhat would help: {}", machine(&gap.suggestion.text));
        }
        let _ = writeln!(
            out,
            "::{level} file={},line={},endLine={},title={}::{}",
            property(page.file),
            gap.location.first_line,
            gap.location.last_line,
            property(&format!("SMILE: {}", kind_name(gap.kind).replace('-', " "))),
            data(&message),
        );
    }
    out
}

/// The summary of a step in Markdown: a table of the tutorials, then the gaps.
pub fn github_summary(followed: &[Followed<'_>]) -> String {
    let mut out =
        String::from("## How a newcomer fares\n\n| tutorial | result | steps |\n|---|---|---|\n");
    for page in followed {
        let record = page.record;
        let _ = writeln!(
            out,
            "| {} {} | {} | {} of {} |",
            mark(record),
            cell_code(page.file, 120),
            cell(&prose(&crate::verdict(record))),
            record.coverage.carried_out,
            record.coverage.steps,
        );
    }
    let gaps = by_weight(followed);
    if gaps.is_empty() {
        return out + "\n";
    }
    out.push_str(
        "\n| place | severity | what a newcomer meets | what would help |\n|---|---|---|---|\n",
    );
    for (page, gap) in gaps.iter().take(SUMMARY_GAPS_MAX) {
        let place = format!("{}:{}", page.file, gap.location.first_line);
        let severity = match gap.severity {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
        };
        let _ = writeln!(
            out,
            "| {} | {severity} | {} | {} |",
            cell_code(&place, 160),
            cell(&prose(&gap.problem)),
            cell(&prose(&gap.suggestion.text)),
        );
    }
    if gaps.len() > SUMMARY_GAPS_MAX {
        let _ = writeln!(out, "\n… and {} more in the reports.", gaps.len() - SUMMARY_GAPS_MAX);
    }
    out + "\n"
}

fn mark(record: &RunRecord) -> &'static str {
    if !came_to_an_end(record.status) {
        "⚠️"
    } else if record.gaps.is_empty() {
        "✅"
    } else {
        "❌"
    }
}

fn by_weight<'a, 'b>(followed: &'b [Followed<'a>]) -> Vec<(&'b Followed<'a>, &'a Gap)> {
    let mut gaps: Vec<_> = followed
        .iter()
        .flat_map(|page| page.record.gaps.iter().map(move |gap| (page, gap)))
        .collect();
    gaps.sort_by_key(|(_, gap)| Reverse(gap.severity));
    gaps
}

/// A message, escaped as GitHub's own toolkit does it.
fn data(text: &str) -> String {
    machine(text).trim().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, where a colon and a comma would end it as well.
fn property(text: &str) -> String {
    data(&one_line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_escaped_as_documented() {
        let check = |text: &str, as_data: &str, as_property: &str| {
            assert_eq!((data(text).as_str(), property(text).as_str()), (as_data, as_property));
        };
        check("plain", "plain", "plain");
        check("100 %", "100 %25", "100 %25");
        check("%0A", "%250A", "%250A");
        check("a\nb", "a%0Ab", "a b");
        check("a: b, c", "a: b, c", "a%3A b%2C c");
        check("\n::error::x", "::error::x", "%3A%3Aerror%3A%3Ax");
        check("\u{1b}[31mred\u{1b}[0m\u{7}", "red", "red");
        check("", "", "");
    }
}
