//! Links and images of a page that was given without the files around it.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use smile_tutorial::{Finding, Kind, Tutorial};

use crate::EnvironmentNote;

/// With fewer targets it cannot be told whether the files around the page were left out.
const TARGETS_MIN: usize = 3;

static TARGET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:\]\(|^\[[^\]]+\]: *|(?:src|href)=["'])<?([^)\s>"'#?]+)"#)
        .expect("a tested pattern")
});

/// Splits off findings about links where not one of the page's own targets is there: then the
/// page stands here without its surroundings, which says nothing about it. Else the findings of a
/// kind become one with several places.
pub(crate) fn stand_alone(
    findings: &[Finding],
    tutorial: &Tutorial,
) -> (Option<EnvironmentNote>, Vec<Finding>) {
    let of_links = |finding: &&Finding| is_of_links(finding);
    let broken: usize =
        findings.iter().filter(of_links).map(|finding| finding.locations.len()).sum();
    let others: Vec<Finding> =
        findings.iter().filter(|finding| !of_links(finding)).cloned().collect();
    let targets = own_targets(&tutorial.text);
    if targets >= TARGETS_MIN && broken >= targets {
        let note = EnvironmentNote {
            code: "page-stands-alone".to_owned(),
            line: None,
            text: format!(
                "none of the {targets} files that the page links or shows is here, so its links and images could not be checked"
            ),
        };
        return (Some(note), others);
    }
    let mut merged = others;
    for kind in [Kind::MissingImage, Kind::BrokenLink] {
        let mut same =
            findings.iter().filter(|finding| finding.kind == kind && is_of_links(finding));
        let Some(first) = same.next() else { continue };
        let mut joined = first.clone();
        let mut number = 1;
        for finding in same {
            joined.locations.extend(finding.locations.iter().cloned());
            number += 1;
        }
        if number > 1 {
            let what = if kind == Kind::MissingImage { "images" } else { "links" };
            joined.problem = format!("{number} {what} lead nowhere. The first: {}", first.problem);
        }
        merged.push(joined);
    }
    (None, merged)
}

/// What the static reading says about targets; a run says other things about links.
fn is_of_links(finding: &Finding) -> bool {
    matches!(finding.kind, Kind::MissingImage | Kind::BrokenLink)
}

/// How many different files beside the page it links or shows.
fn own_targets(text: &str) -> usize {
    let targets: BTreeSet<&str> = text
        .lines()
        .flat_map(|line| TARGET.captures_iter(line))
        .filter_map(|found| found.get(1))
        .map(|target| target.as_str())
        .filter(|target| {
            let other =
                target.contains("://") || target.starts_with("mailto:") || target.starts_with('/');
            !other && target.contains('.') && !target.contains(['{', '$', '@'])
        })
        .collect();
    targets.len()
}

#[cfg(test)]
mod tests {
    use smile_tutorial::{Location, Severity};

    use super::*;

    fn finding(kind: Kind, line: u32) -> Finding {
        Finding {
            kind,
            severity: Severity::Minor,
            locations: vec![Location {
                file: "t.md".to_owned(),
                first_line: line,
                last_line: line,
                quote: String::new(),
                headings: Vec::new(),
            }],
            problem: format!("the target of line {line} is not there"),
            suggestion: String::new(),
        }
    }

    fn page(text: &str) -> Tutorial {
        smile_tutorial::parse("t.md", text.as_bytes()).expect("a page")
    }

    #[test]
    fn a_lone_page_is_no_heap_of_broken_links() {
        let page =
            page("[a](a.md) [b](b/c.md#x)\n![i](i.png)\n[web](https://x.org/a.html)\n[r]: r.md\n");
        let all: Vec<Finding> = [1, 1, 4]
            .map(|line| finding(Kind::BrokenLink, line))
            .into_iter()
            .chain([finding(Kind::MissingImage, 2)])
            .collect();
        let (note, rest) = stand_alone(&all, &page);
        assert!(note.is_some_and(|note| note.text.contains("none of the 4 files")));
        assert!(rest.is_empty());

        let (note, rest) = stand_alone(&all[1..], &page);
        assert_eq!(note, None, "one of them is there");
        assert_eq!(rest.len(), 2, "one finding a kind");
        assert_eq!(rest[1].locations.len(), 2);
    }

    #[test]
    fn two_targets_are_too_few_to_tell() {
        let page = page("[a](a.md)\n![i](i.png)\n");
        let (note, rest) =
            stand_alone(&[finding(Kind::BrokenLink, 1), finding(Kind::MissingImage, 2)], &page);
        assert_eq!((note, rest.len()), (None, 2));
    }
}
