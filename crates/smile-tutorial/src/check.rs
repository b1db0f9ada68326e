//! The static reading: what can be said about a page without running anything.

use std::collections::BTreeSet;
use std::fmt;

use crate::finding::{Finding, Kind, Severity};
use crate::page::{Link, Page, slug};
use crate::step::{Action, Tutorial};
use crate::{Lines, Location};

/// What the caller knows about the world around the page.
pub struct CheckContext<'a> {
    /// Whether a relative target of a link or an image exists, by its path as the page gives it
    /// (without `#anchor` and `?query`, percent escapes decoded). None where nobody can tell, such
    /// as for a target outside of the page's folder.
    pub exists: &'a dyn Fn(&str) -> Option<bool>,
}

impl fmt::Debug for CheckContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CheckContext").finish_non_exhaustive()
    }
}

/// Reads the page statically; the findings come in the order of their first lines.
pub fn check(tutorial: &Tutorial, context: &CheckContext<'_>) -> Vec<Finding> {
    let page = Page::read(&tutorial.text);
    let mut checker = Checker { tutorial, page: &page, findings: Vec::new() };
    checker.links(context);
    checker.fences();
    checker.placeholders();
    if let Some(why) = &tutorial.reference {
        checker.reference(why);
    }
    let mut findings = checker.findings;
    findings.sort_by_key(|finding| finding.locations.first().map(|place| place.first_line));
    findings
}

struct Checker<'a> {
    tutorial: &'a Tutorial,
    page: &'a Page,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn add(
        &mut self,
        (kind, severity): (Kind, Severity),
        places: &[Lines],
        problem: String,
        suggestion: String,
    ) {
        let locations: Vec<Location> =
            places.iter().map(|lines| self.tutorial.location(*lines)).collect();
        self.findings.push(Finding { kind, severity, locations, problem, suggestion });
    }

    fn links(&mut self, context: &CheckContext<'_>) {
        let anchors: BTreeSet<String> = self
            .page
            .anchors
            .iter()
            .flat_map(|anchor| [anchor.clone(), anchor.to_lowercase(), slug(anchor)])
            .collect();
        let links = self.page.links.clone();
        let mut seen = BTreeSet::new();
        for link in &links {
            let Some(target) = local_target(&link.url) else { continue };
            if !seen.insert((link.url.clone(), link.image)) {
                continue;
            }
            match target {
                Target::Anchor(name) => {
                    let known = anchors.contains(&name)
                        || anchors.contains(&name.to_lowercase())
                        || is_numbered(&name, &anchors);
                    if !known && !name.is_empty() {
                        self.broken_anchor(link, &name);
                    }
                }
                Target::Path(path) => {
                    if (context.exists)(&path) == Some(false) {
                        self.broken_path(link, &path);
                    }
                }
            }
        }
    }

    fn broken_anchor(&mut self, link: &Link, name: &str) {
        self.add(
            (Kind::BrokenLink, Severity::Minor),
            &[link.lines],
            format!("the link leads to `#{name}`, and no heading of the page has that name"),
            "name a heading that exists, or take the link out".to_owned(),
        );
    }

    fn broken_path(&mut self, link: &Link, path: &str) {
        let (kind, what) = if link.image {
            (Kind::MissingImage, "image")
        } else {
            (Kind::BrokenLink, "link's target")
        };
        self.add(
            (kind, Severity::Minor),
            &[link.lines],
            format!("the {what} `{path}` is not there"),
            format!("add `{path}` beside the page, or mend the path"),
        );
    }

    fn fences(&mut self) {
        for line in self.page.unclosed.clone() {
            self.add(
                (Kind::AmbiguousInstruction, Severity::Minor),
                &[Lines::one(line)],
                "this fence is never closed: a renderer takes the rest of the page for code"
                    .to_owned(),
                "close the block with a fence of the same signs and length".to_owned(),
            );
        }
    }

    /// The same stand-in at several places is one finding.
    fn placeholders(&mut self) {
        if self.tutorial.reference.is_some() {
            return;
        }
        let mut found: Vec<(String, Vec<Lines>)> = Vec::new();
        for step in &self.tutorial.steps {
            let Action::Run(command) = &step.action else { continue };
            for text in &command.placeholders {
                match found.iter_mut().find(|(known, _)| known == text) {
                    Some((_, places)) => places.push(step.lines),
                    None => found.push((text.clone(), vec![step.lines])),
                }
            }
        }
        for (text, places) in found {
            self.add(
                (Kind::Placeholder, Severity::Minor),
                &places,
                format!("`{text}` stands for something, and the reader is not told for what"),
                format!("say what to put in the place of `{text}`, or give a value that works"),
            );
        }
    }

    fn reference(&mut self, why: &str) {
        let first = self.tutorial.blocks.first().map_or(Lines::one(1), |block| block.lines);
        self.add(
            (Kind::NotASequence, Severity::Minor),
            &[first],
            format!("the page is reference material and no sequence of steps: {why}"),
            "say at the top that the commands are examples and need not be run in order".to_owned(),
        );
    }
}

enum Target {
    Anchor(String),
    Path(String),
}

/// Where a link leads inside of the project; none for addresses elsewhere.
fn local_target(url: &str) -> Option<Target> {
    let url = url.trim();
    if let Some(anchor) = url.strip_prefix('#') {
        return Some(Target::Anchor(decode(anchor)));
    }
    let scheme = url.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    // Absolute paths belong to the site, templates to its generator.
    if url.is_empty() || scheme || url.starts_with('/') || url.contains(['{', '<', '$', '@']) {
        return None;
    }
    let path = url.split(['#', '?']).next().unwrap_or_default();
    // Without an extension a site generator may make the page elsewhere.
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains('.').then(|| Target::Path(decode(path)))
}

/// Percent escapes decoded.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%'
            && let [high, low, tail @ ..] = after
            && let (Some(high), Some(low)) =
                ((*high as char).to_digit(16), (*low as char).to_digit(16))
        {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = tail;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `#setup-1` is the second heading of that name.
fn is_numbered(name: &str, anchors: &BTreeSet<String>) -> bool {
    name.rsplit_once(['-', '_']).is_some_and(|(stem, number)| {
        number.chars().all(|c| c.is_ascii_digit()) && anchors.contains(stem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn check_page(text: &str, expected: &[(Kind, u32)]) {
        let tutorial = parse("a.md", text.as_bytes()).unwrap();
        let exists = |path: &str| Some(path == "there.md");
        let findings = check(&tutorial, &CheckContext { exists: &exists });
        let seen: Vec<(Kind, u32)> =
            findings.iter().map(|f| (f.kind, f.locations[0].first_line)).collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn links_and_images() {
        check_page("# A\n\n[b](there.md) [c](gone.md#x)", &[(Kind::BrokenLink, 3)]);
        check_page("![shot](img/a%20b.png)", &[(Kind::MissingImage, 1)]);
        check_page("# Set up it\n\n[a](#set-up-it) [b](#nowhere)", &[(Kind::BrokenLink, 3)]);
        check_page("<a id=\"x\"></a>\n\n[a](#x) [b](/site/page) [c](https://a.b/c.md)", &[]);
        check_page("<img src=\"no.png\">", &[(Kind::MissingImage, 1)]);
    }

    #[test]
    fn one_stand_in_is_one_finding() {
        let page = "```console\n$ ssh <user>@<host>\n$ scp a <user>@<host>:\n```\n";
        check_page(page, &[(Kind::Placeholder, 2), (Kind::Placeholder, 2)]);
    }

    #[test]
    fn a_fence_that_nothing_closes() {
        check_page("Run:\n\n```sh\nls\n\nText.\n", &[(Kind::AmbiguousInstruction, 3)]);
    }
}
