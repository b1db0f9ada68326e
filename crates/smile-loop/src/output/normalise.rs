//! What of an output may differ between two readers, replaced by the name of its class.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::SandboxFacts;

struct Rule {
    pattern: Regex,
    class: &'static str,
}

/// In this order: what comes first is not looked at again.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    [
        // Identifiers.
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "‹uuid›"),
        (r"\b0x[0-9a-fA-F]{4,}\b", "‹address›"),
        (r"\bsha(?:1|256|512)[:-][0-9a-zA-Z+/=]{6,}", "‹hash›"),
        // Addresses.
        (r"\b(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[::1?\])(?::\d{2,5})?\b", "‹host›"),
        (r"(?i)\bport:? \d{2,5}\b", "‹port›"),
        // Dates with or without a clock.
        (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +(?:\d{1,2} +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*(?: +\d{1,2})?,?(?: +\d{4})?(?: +\d{1,2}:\d{2}(?::\d{2})?)?(?: +(?:[AP]M|[A-Z]{2,5}))?(?: +\d{4})?(?: +[+-]\d{4})?", "‹date›"),
        (r"\b\d{4}[-/]\d{2}[-/]\d{2}(?:[T_ ]\d{2}[:.]\d{2}(?:[:.]\d{2})?(?:[.,]\d+)?)?(?: ?(?:Z\b|UTC\b|[+-]\d{2}:?\d{2}))?", "‹date›"),
        (r"\b\d{1,2}[/ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[/ -]\d{2,4}(?:[: ]+\d{2}:\d{2}(?::\d{2})?)?(?: [+-]\d{4})?", "‹date›"),
        (r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +\d{1,2}(?:,? +\d{4}| +\d{1,2}:\d{2}(?::\d{2})?)?(?:,? +\d{2}:\d{2}:\d{2})?\b", "‹date›"),
        (r"\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b", "‹date›"),
        (r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm]\b)?(?: ?(?:UTC|GMT|[A-Z]{2,4}T)\b)?", "‹time›"),
        // Spans and sizes.
        (r"\b\d+m ?\d+(?:\.\d+)?s\b", "‹span›"),
        (r"(?i)\b\d+(?:[.,]\d+)? ?(?:ms|µs|us|ns|s|secs?|seconds?|mins?|minutes?|hours?)\b", "‹span›"),
        (r"\b\d+(?:[.,]\d+)? ?(?:[kKMGT]i?B|bytes?|B)(?:/s(?:ec)?)?\b", "‹size›"),
        // Versions: with a letter, two points, or after the word.
        (r"(?i)\bversion:? ?v?\d+(?:\.\d+)*[-+.\w]*(?: \([^)]*\))?", "version ‹version›"),
        (r"\bv\d+(?:\.\d+)+[-+.\w]*", "‹version›"),
        (r"\b\d+\.\d+\.\d+(?:[-+.~]?[0-9A-Za-z]+)*", "‹version›"),
        // Process numbers.
        (r"(?i)\b(pid|process)(?: id)?[:=#]? ?\d+\b", "‹process›"),
        (r"^\[\d+\] \d+$", "‹job›"),
        (r"\b\d{1,3}(?:\.\d+)?%", "‹percent›"),
    ]
    .into_iter()
    .map(|(pattern, class)| Rule { pattern: regex(pattern), class })
    .collect()
});

/// A line of `ls -l`; mode and name are kept.
static LONG_LISTING: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^([-dlbcps][-rwxsStT]{9})[.+@]? +\d+ +\S+ +\S+ +[\d.,]+[kKMGT]? +(?:\S+ +\d{1,2} +[\d:]{4,5}|\d{1,2} +\S+ +[\d:]{4,5}|[\d-]{10}(?: [\d:.]+)?(?: [+-]\d{4})?) +(.+)$",
    )
});
/// A line of `tar -tv`.
static TAR_LISTING: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^([-dlbcph][-rwxsStT]{9}) +\S+/\S+ +\d+ +[\d-]{10} [\d:]+ +(.+)$"));
static TOTAL: LazyLock<Regex> = LazyLock::new(|| regex(r"^total \d+(?:[.,]\d+)?[KMG]?$"));
static HASH: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[0-9a-f]{7,64}\b"));
static FOREIGN_HOME: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:/(?:home|Users)/[A-Za-z0-9._-]+|[A-Z]:\\Users\\[A-Za-z0-9._-]+)"));
static ABSOLUTE: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(^|[\s'\x22(=`:,\[])((?:file://)?(?:‹home›|~|/[\w.+@-]+)(?:/[\w.+@‹›-]+)+/?)")
});
static ROOT_HOME: LazyLock<Regex> = LazyLock::new(|| regex(r"(^|[\s'\x22(=`:,])/root\b"));
static AUTHOR: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^(Author|Committer|Date|Signed-off-by): .*"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this table are tested")
}

/// A place that only the author's machine has, with everything below it.
static FOREIGN_PLACE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:/opt/homebrew|/usr/local/Cellar|/Users/[A-Za-z0-9._-]+/(?:Library|\.\w+)|/home/linuxbrew|[A-Z]:\\(?:Program Files|Users))[^\s'\x22,;:)]*",
    )
});

/// A line of the page, with `...` where it shows a place of the author's own machine.
pub(crate) fn page_line(text: &str, facts: &SandboxFacts) -> String {
    line(&FOREIGN_PLACE.replace_all(text, "..."), facts)
}

/// One line with everything variable replaced; empty where nothing stable is in it.
pub(crate) fn line(text: &str, facts: &SandboxFacts) -> String {
    let text = straight_quotes(text.trim());
    // Most lines have nothing variable in them.
    if !text.contains(|c: char| c.is_ascii_digit() || "/\\:".contains(c)) {
        return squeeze(&text);
    }
    if TOTAL.is_match(&text) {
        return String::new();
    }
    if let Some(parts) = LONG_LISTING.captures(&text).or_else(|| TAR_LISTING.captures(&text)) {
        return squeeze(&format!("{} {}", &parts[1], own_paths(&parts[2], facts)));
    }
    let text = AUTHOR.replace(&text, "$1: ‹author›");
    let mut text = own_paths(&text, facts);
    let variable = text.contains("localhost") || text.bytes().any(|b| b.is_ascii_digit());
    for rule in RULES.iter().filter(|_| variable) {
        if rule.pattern.is_match(&text) {
            text = rule.pattern.replace_all(&text, rule.class).into_owned();
        }
    }
    // A hash has letters and digits: a word of seven letters is none, a number neither.
    let text = HASH.replace_all(&text, |found: &Captures<'_>| {
        let word = &found[0];
        let digits = word.bytes().any(|b| b.is_ascii_digit());
        let letters = word.bytes().any(|b| b.is_ascii_alphabetic());
        let hash = (digits && letters) || word.len() >= 32;
        if hash { "‹hash›".to_owned() } else { word.to_owned() }
    });
    squeeze(&text)
}

/// Home folders and the folders above a project are the reader's own.
fn own_paths(text: &str, facts: &SandboxFacts) -> String {
    let mut text = FOREIGN_HOME.replace_all(text, "‹home›").into_owned();
    for own in [&facts.cwd, &facts.home] {
        if own.len() > 1 {
            text = replace_path(&text, own);
        }
    }
    let text = ROOT_HOME.replace_all(&text, "$1‹home›");
    let text = ABSOLUTE.replace_all(&text, |found: &Captures<'_>| {
        let path = found[2].trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or(path);
        format!("{}‹path›/{last}", &found[1])
    });
    text.into_owned()
}

/// Replaces a path where it is a whole path or the beginning of one.
fn replace_path(text: &str, path: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(path) {
        let after = &rest[at + path.len()..];
        let whole = !after.starts_with(|c: char| c.is_alphanumeric() || "-_.".contains(c))
            && !rest[..at].ends_with(|c: char| c.is_alphanumeric() || "-_./".contains(c));
        out.push_str(&rest[..at]);
        out.push_str(if whole { "‹home›" } else { path });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn straight_quotes(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '‘' | '’' | '‚' | '´' => '\'',
            '“' | '”' | '„' => '"',
            '\u{a0}' => ' ',
            '–' | '—' => '-',
            c => c,
        })
        .collect()
}

fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> SandboxFacts {
        SandboxFacts {
            home: "/root".to_owned(),
            cwd: "/root/work".to_owned(),
            user: "root".to_owned(),
            ..SandboxFacts::default()
        }
    }

    #[test]
    fn what_readers_do_not_share_is_equal() {
        for (page, here) in [
            ("/home/maria/todo-list", "/root/work/todo-list"),
            ("/Users/nelle", "/root"),
            ("/Users/nelle", "/root/work"),
            (
                "Compiling blah v0.1.0 (file:///nobackup/blah)",
                "Compiling blah v0.1.0 (/root/work/blah)",
            ),
            ("target(s) in 0.89 secs", "target(s) in 1.2s"),
            ("[main 34961b1] Add it", "[main 0a1b2c3] Add it"),
            (
                "commit f22b25e3233b4645dabd0d81e651fe074bd8e73b",
                "commit 02b25e3233b4645dabd0d81e651fe074bd8e73ba",
            ),
            ("Date:   Thu Aug 22 09:51:46 2013 -0400", "Date:   Sat Nov 21 12:00:00 2026 +0000"),
            ("Author: A B <a@b.fr>", "Author: x <x@y>"),
            (
                "-rwxr-xr-x maria/maria     696 2024-03-02 18:40 todo",
                "-rwxr-xr-x root/root  711 2026-11-21 12:40 todo",
            ),
            (
                "-rw-r--r-- 1 nelle staff 12 Jan 3 10:00 a.txt",
                "-rw-r--r-- 1 root root 4.0K Nov 21 2026 a.txt",
            ),
            ("Python 3.10.12", "Python 3.11.2"),
            ("git version 2.34.1", "git version 2.39.5"),
            ("GNU Make version 4.3", "GNU Make version 4.4.1"),
            ("Serving at http://127.0.0.1:8000/", "Serving at http://localhost:8000/"),
            ("[1] 4711", "[1] 23"),
            ("real\t0m0.003s", "real 0m1.020s"),
            ("2024-01-01T10:00:00Z started", "2026-11-21 12:00:00.123 started"),
            ("downloaded 1.2 MB (3.4 MB/s)", "downloaded 1.3 MB (900 kB/s)"),
            ("can’t open ‘x’", "can't open 'x'"),
            ("<object at 0x7f001234>", "<object at 0x5588abcd>"),
        ] {
            assert_eq!(line(page, &facts()), line(here, &facts()));
        }
    }

    #[test]
    fn what_matters_stays_different() {
        for (page, here) in [
            ("running 4 tests", "running 1 test"),
            ("3 tasks", "4 tasks"),
            ("3.14", "2.71"),
            ("deadbeef is food", "cafebabe is drink"),
            ("ok", "FAILED"),
            ("/etc/passwd", "/etc/group"),
            ("-rw-r--r-- 1 a a 1 Jan 3 10:00 a.txt", "-rw-r--r-- 1 a a 1 Jan 3 10:00 b.txt"),
            ("total sum is 12", "total sum is 13"),
        ] {
            assert_ne!(line(page, &facts()), line(here, &facts()));
        }
    }
}
