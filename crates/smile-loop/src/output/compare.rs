//! Whether an output is what the page promises, as a reader would judge.

use std::sync::LazyLock;

use regex::Regex;
use similar::TextDiff;
use smile_tutorial::{Expected, Match};

use super::{normalise, terminal};
use crate::{SandboxFacts, shell};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Comparison {
    /// A reader sees what was promised.
    Same,
    /// Nothing to compare: random, or shown for orientation.
    NotComparable,
    /// A reader wonders.
    Differs(Difference),
}

/// How an output differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// Lines of the page that did not come, as the page has them.
    pub(crate) missing: Vec<String>,
    /// Whether every missing line came in other words, as another version of a program says it.
    pub(crate) reworded: bool,
    /// The part of the promised stable text that did not come, 0 to 1.
    pub(crate) share: f32,
    /// A line diff, page against here.
    pub(crate) diff: String,
}

/// Programs whose output describes the machine or the moment.
const VOLATILE: &[&str] = &[
    "shuf", "uuidgen", "mktemp", "date", "ps", "top", "htop", "df", "free", "uptime", "who", "w",
    "id", "uname", "hostname", "whoami", "lscpu", "lsblk", "cal", "env", "printenv", "history",
    "ip", "ifconfig", "du", "ping", "groups", "last", "stat", "lsof", "ss", "netstat", "vmstat",
    "tty", "locale", "nproc", "jobs", "time",
];
/// Programs that list in an order, or in columns, that depends on the machine.
const LISTERS: &[&str] =
    &["ls", "find", "dir", "tree", "cargo", "go", "pytest", "npm", "docker", "fd", "rg", "grep"];

/// More lines than these are not looked at for other words.
const REWORDED_MAX: usize = 40;
/// The widest comparison; what is longer is compared by its beginning.
const LINES_MAX: usize = 2_000;

static RANDOM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\$RANDOM|\$\$|\$SRANDOM|\$EPOCH|\$SECONDS|/dev/u?random|\brand(?:om|int)?\b|\bshuffle\b|urandom|sort -[a-zA-Z]*R|%N")
        .expect("a tested pattern")
});
/// A prompt that was copied at the end of an output.
static PROMPT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[\w.@:~/\[\]() -]{0,40}[$#%>]|>>>|\.\.\.|In \[\d+\]:)\s*_?$")
        .expect("a tested pattern")
});

/// Whether no two runs of the command print the same.
pub(crate) fn is_volatile(command: &str) -> bool {
    RANDOM.is_match(command)
        || shell::read(command).iter().any(|simple| {
            simple.inner_program().is_some_and(|program| VOLATILE.contains(&program))
                && !simple.inner().iter().any(|word| word.text == "--version")
        })
}

/// Compares what the page shows for a command with what came.
pub(crate) fn compare(
    command: &str,
    expected: &Expected,
    actual: &str,
    facts: &SandboxFacts,
) -> Comparison {
    let actual = terminal::plain(actual);
    let wanted = terminal::plain(&expected.text);
    if wanted.trim().is_empty() || wanted.trim_end() == actual.trim_end() {
        return Comparison::Same;
    }
    if is_volatile(command) || expected.matching == Match::Loose {
        return Comparison::NotComparable;
    }
    let here = Lines::read(&actual, facts, false);
    let page = Lines::read(&wanted, facts, true);
    if expected.matching == Match::Contains && contains(&page, &here) {
        return Comparison::Same;
    }
    let lister = shell::read(command)
        .iter()
        .any(|simple| simple.inner_program().is_some_and(|program| LISTERS.contains(&program)));
    if same_flow(&page, &here) || (lister && same_words(&page, &here)) {
        return Comparison::Same;
    }
    let result = align(&page, &here, lister);
    if result.missing.is_empty() {
        return Comparison::Same; // More came than is shown: hints, warnings, progress.
    }
    let total: usize = page.stable.iter().map(|line| words(line)).sum();
    let lost: usize = result.missing.iter().map(|&at| words(&page.stable[at])).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = lost as f32 / total.max(1) as f32;
    Comparison::Differs(Difference {
        missing: result.missing.iter().map(|&at| page.shown[at].clone()).collect(),
        reworded: result.reworded,
        share,
        diff: diff(&page.shown, &actual),
    })
}

/// Whether two texts tell the same, as far as stable words go; for shown errors.
pub(crate) fn tells_the_same(page: &str, here: &str, facts: &SandboxFacts) -> bool {
    let page = Lines::read(&terminal::plain(page), facts, true);
    let here = Lines::read(&terminal::plain(here), facts, false);
    if page.stable.is_empty() || here.stable.is_empty() {
        return false;
    }
    let found = page
        .stable
        .iter()
        .take(REWORDED_MAX)
        .filter(|line| {
            here.stable
                .iter()
                .take(LINES_MAX / 10)
                .any(|other| line_matches(line, other) || similar(line, other) > 0.6)
        })
        .count();
    2 * found >= page.stable.len().min(REWORDED_MAX)
}

fn words(line: &str) -> usize {
    line.split(' ').count()
}

/// The lines of an output: as shown, and with only what is stable.
struct Lines {
    shown: Vec<String>,
    stable: Vec<String>,
}

impl Lines {
    fn read(text: &str, facts: &SandboxFacts, page: bool) -> Self {
        let mut lines = Self { shown: Vec::new(), stable: Vec::new() };
        let all: Vec<&str> = text.lines().take(LINES_MAX).collect();
        for (at, &line) in all.iter().enumerate() {
            if page && at + 1 == all.len() && at > 0 && PROMPT.is_match(line.trim()) {
                continue;
            }
            let stable =
                if page { normalise::page_line(line, facts) } else { normalise::line(line, facts) };
            if !stable.is_empty() {
                lines.shown.push(line.trim_end().to_owned());
                lines.stable.push(stable);
            }
        }
        lines
    }
}

/// Whether the same words come in the same order, however they are broken into lines.
fn same_flow(page: &Lines, here: &Lines) -> bool {
    let mut wanted = page.stable.iter().flat_map(|line| line.split(' '));
    let mut came = here.stable.iter().flat_map(|line| line.split(' '));
    loop {
        match (wanted.next(), came.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

fn same_words(page: &Lines, here: &Lines) -> bool {
    let sorted = |lines: &Lines| {
        let mut words: Vec<String> = lines
            .stable
            .iter()
            .flat_map(|line| line.split(' '))
            .map(|word| word.trim_end_matches(['/', '*', '@']).to_owned())
            .collect();
        words.sort_unstable();
        words
    };
    sorted(page) == sorted(here)
}

fn contains(page: &Lines, here: &Lines) -> bool {
    let wanted = page.stable.join(" ");
    let came = here.stable.join(" ");
    let bare = |text: &str| text.trim_end_matches(['.', '!', ':', ',']).to_lowercase();
    came.to_lowercase().contains(&bare(&wanted))
        || line_matches(&format!("... {wanted} ..."), &came)
}

/// Whether a line stands for lines that were left out.
fn is_elision(line: &str) -> bool {
    let bare = line.trim_matches(|c: char| c.is_whitespace() || "#/*;-[](){}<>|".contains(c));
    matches!(bare, "..." | "…" | ".." | "snip" | "etc" | "etc." | "output omitted" | "truncated")
        || (bare.starts_with("...") && bare.ends_with("..."))
}

/// Whether a line of the page matches one that came, with `...` standing for anything.
fn line_matches(page: &str, here: &str) -> bool {
    if page == here {
        return true;
    }
    if !page.contains("...") && !page.contains('…') {
        return false;
    }
    let page = page.replace('…', "...").replace("[...]", "...").replace("(...)", "...");
    let mut parts = page.split("...").map(str::trim);
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = here.strip_prefix(first) else { return false };
    let mut last = "";
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = part;
    }
    last.is_empty() || rest.is_empty() || here.ends_with(last)
}

fn similar(a: &str, b: &str) -> f32 {
    if a.len() > 400 || b.len() > 400 {
        return 0.0;
    }
    // Lines of very different lengths cannot be alike; comparing letters is dear.
    if a.len().min(b.len()) * 3 < a.len().max(b.len()) {
        return 0.0;
    }
    let by_words = TextDiff::from_words(a, b).ratio();
    let by_letters = TextDiff::from_chars(a, b).ratio();
    by_words.max(by_letters - 0.2)
}

/// Whether the numbers in two lines are the same: another count is never only another wording.
fn same_numbers(a: &str, b: &str) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    numbers(a) == numbers(b)
}

struct Alignment {
    missing: Vec<usize>,
    reworded: bool,
}

/// Finds each line of the page among those that came, in order unless `any_order`.
fn align(page: &Lines, here: &Lines, any_order: bool) -> Alignment {
    let mut missing = Vec::new();
    let mut from = 0;
    for (at, line) in page.stable.iter().enumerate() {
        if is_elision(line) {
            continue;
        }
        let start = if any_order { 0 } else { from };
        match here.stable.iter().skip(start).position(|other| line_matches(line, other)) {
            Some(offset) => from = start + offset + 1,
            None => missing.push(at),
        }
    }
    // What an author wrote between outputs is no output.
    missing.retain(|&at| {
        !page.shown[at].trim_start().starts_with("# ")
            && !page.shown[at].trim_start().starts_with("// ")
    });
    let nothing_else = missing.len() == page.stable.len();
    let reworded = !missing.is_empty()
        && missing.len() <= REWORDED_MAX
        && missing.iter().all(|&at| {
            here.stable.iter().take(LINES_MAX / 5).any(|other| {
                *other != page.stable[at]
                    && same_numbers(&page.stable[at], other)
                    && similar(&page.stable[at], other) >= if nothing_else { 0.6 } else { 0.5 }
            })
        });
    Alignment { missing, reworded }
}

/// A line diff for people: the page's lines with `-`, those that came with `+`.
fn diff(page: &[String], actual: &str) -> String {
    const DIFF_LINES_MAX: usize = 40;
    let page: Vec<&str> = page.iter().map(String::as_str).collect();
    let here: Vec<&str> =
        actual.lines().map(str::trim_end).filter(|l| !l.is_empty()).take(400).collect();
    let diff = TextDiff::from_slices(&page, &here);
    let mut out = String::new();
    for (count, change) in diff.iter_all_changes().enumerate() {
        if count == DIFF_LINES_MAX {
            out.push_str("  …\n");
            break;
        }
        let sign = match change.tag() {
            similar::ChangeTag::Delete => "- ",
            similar::ChangeTag::Insert => "+ ",
            similar::ChangeTag::Equal => "  ",
        };
        out.extend([sign, change.value(), "\n"]);
    }
    out
}
