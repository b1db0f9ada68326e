//! What the page itself asks the reader to have.

use crate::Lines;
use crate::page::{Item, ItemKind, Page, Span, Style};
use crate::phrase::contains as has_phrase;
use crate::sentence::{self, Sentence};
use crate::shell;
use crate::step::{Requirement, Role, Tutorial};

/// Names that readers know programs by, and the names used here.
const NAMES: &[(&str, &str)] = &[
    ("node.js", "node"),
    ("nodejs", "node"),
    ("node", "node"),
    ("npm", "npm"),
    ("yarn", "yarn"),
    ("pnpm", "pnpm"),
    ("bun", "bun"),
    ("deno", "deno"),
    ("python3", "python3"),
    ("python", "python"),
    ("pip", "pip"),
    ("uv", "uv"),
    ("poetry", "poetry"),
    ("rust", "rust"),
    ("rustup", "rustup"),
    ("cargo", "cargo"),
    ("golang", "go"),
    ("go", "go"),
    ("java", "java"),
    ("jdk", "java"),
    ("maven", "mvn"),
    ("gradle", "gradle"),
    ("docker compose", "docker-compose"),
    ("docker-compose", "docker-compose"),
    ("docker", "docker"),
    ("podman", "podman"),
    ("kubernetes", "kubernetes"),
    ("kubectl", "kubectl"),
    ("minikube", "minikube"),
    ("kind", "kind"),
    ("helm", "helm"),
    ("terraform", "terraform"),
    ("git", "git"),
    ("curl", "curl"),
    ("wget", "wget"),
    ("cmake", "cmake"),
    ("make", "make"),
    ("gnu make", "make"),
    ("ninja", "ninja"),
    ("meson", "meson"),
    ("bazel", "bazel"),
    ("c++ compiler", "c++"),
    ("c compiler", "cc"),
    ("gcc", "gcc"),
    ("g++", "g++"),
    ("clang", "clang"),
    ("ruby", "ruby"),
    ("rails", "rails"),
    ("php", "php"),
    ("composer", "composer"),
    ("postgresql", "postgresql"),
    ("postgres", "postgresql"),
    ("mysql", "mysql"),
    ("redis", "redis"),
    ("sqlite", "sqlite3"),
    ("mongodb", "mongodb"),
    ("bash", "bash"),
    ("jq", "jq"),
    ("tree", "tree"),
    ("nano", "nano"),
    ("vim", "vim"),
    (".net sdk", "dotnet"),
    ("dotnet", "dotnet"),
    ("elixir", "elixir"),
    ("erlang", "erlang"),
    ("julia", "julia"),
    ("zig", "zig"),
    ("hugo", "hugo"),
    ("ffmpeg", "ffmpeg"),
    ("openssl", "openssl"),
    ("gtk", "gtk"),
    ("aws cli", "aws"),
    ("azure cli", "az"),
    ("gcloud", "gcloud"),
    ("ansible", "ansible"),
    ("vagrant", "vagrant"),
];

/// How sentences say that something must be there.
const ASKS: &str = "you need|you'll need|you will need|need to have|needs to be installed|\
    have installed|be installed|assumes that you have|assumes you have|assume you have|\
    already installed|installed on your|available on the system|you have installed|\
    it is recommended to have|assume that you have|before you begin|is installed|are installed|\
    installed and";

/// How sentences say so of what may be anything; they count with a version or an installation.
const ASKS_WEAKLY: &str = "requires|is required|also required|are required|must have|should have|make sure|ensure|\
    prerequisite|prerequisites|recommended";

/// The requirements that the page states.
pub(crate) fn requirements(page: &Page, tutorial: &Tutorial) -> Vec<Requirement> {
    let mut out: Vec<Requirement> = Vec::new();
    for item in &page.items {
        let ItemKind::Text(spans) = &item.kind else { continue };
        let under = item.headings.iter().any(|heading| is_prerequisites(heading));
        let sentences = sentence::sentences(spans);
        for (index, sentence) in sentences.iter().enumerate() {
            let listed = under && index == 0 && is_list_entry(item, page);
            if under && (listed || sentence.has(ASKS) || sentence.has(ASKS_WEAKLY))
                || asks(sentence)
            {
                named(sentence, spans, &mut out);
            }
        }
    }
    let text: Vec<&str> = tutorial.text.lines().collect();
    for block in &tutorial.blocks {
        if matches!(block.role, Role::Command | Role::Session | Role::Alternative) {
            installed(&text, block.lines, &mut out);
        }
    }
    out.sort_by_key(|requirement| requirement.lines.first);
    out
}

pub(crate) fn is_prerequisites(heading: &str) -> bool {
    let lower = heading.to_lowercase();
    [
        "prerequisite",
        "requirement",
        "before you begin",
        "before you start",
        "what you need",
        "what you'll need",
        "what you’ll need",
        "you will need",
        "you'll need",
        "dependencies",
        "system requirements",
        "setup requirements",
    ]
    .iter()
    .any(|name| lower.starts_with(name))
}

/// A short text that stands in a list: its lines start with a list marker.
fn is_list_entry(item: &Item, _page: &Page) -> bool {
    item.lines.last.saturating_sub(item.lines.first) < 6
}

fn asks(sentence: &Sentence) -> bool {
    let weakly = sentence.has(ASKS_WEAKLY)
        && (sentence.has("installed|available|version|newer|later|higher|you have")
            || sentence.text.chars().any(|c| c.is_ascii_digit()));
    if !sentence.has(ASKS) && !weakly {
        return false;
    }
    // What a step needs of its own ("you need to run") and what is ruled out asks for nothing.
    let denied = sentence
        .has("don't need|do not need|not need|no need|doesn't require|not required|without");
    let conditional = sentence.text.starts_with("if ");
    let acts = sentence.has("need to") && !sentence.has("need to have|need to install")
        || sentence.has("make sure you are|make sure you're|make sure they|you need it");
    !denied && !conditional && !acts
}

/// The programs that a sentence names.
fn named(sentence: &Sentence, spans: &[Span], out: &mut Vec<Requirement>) {
    let text = expanded(sentence);
    let linked: Vec<&Span> =
        spans.iter().filter(|span| span.url.is_some() || span.style == Style::Code).collect();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut names: Vec<&(&str, &str)> = NAMES.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, program) in names {
        if !has_phrase(&text, name) {
            continue;
        }
        let Some(start) = text.find(name) else { continue };
        let end = start + name.len();
        if taken.iter().any(|(from, to)| start < *to && *from < end) {
            continue;
        }
        // Words that are also English stand for programs only where they are marked or versioned.
        let version = version_after(text.get(end..).unwrap_or_default());
        let ambiguous =
            matches!(*name, "go" | "make" | "kind" | "rust" | "node" | "tree" | "helm" | "java");
        let marked = linked.iter().any(|span| span.text.trim().eq_ignore_ascii_case(name));
        let capital = sentence.raw.contains(&capitalised(name));
        if ambiguous
            && version.is_none()
            && !marked
            && !(capital && *name != "make" && *name != "kind")
        {
            continue;
        }
        taken.push((start, end));
        add(out, program, version, sentence.lines);
    }
}

/// The sentence with its inline code put back in lower case.
fn expanded(sentence: &Sentence) -> String {
    let mut text = sentence.text.clone();
    for (index, code) in sentence.codes.iter().enumerate() {
        text = text.replace(&format!("`{index}`"), &format!(" {} ", code.text.to_lowercase()));
    }
    text
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// "3.14 or newer", "(version 18+)", "v2.4" right after a name.
fn version_after(rest: &str) -> Option<String> {
    let skipped = rest.trim_start_matches([' ', '(', '>', '=', ',', ']', ')']);
    let skipped = ["version ", "versions ", "at least ", "at least version ", "v"]
        .iter()
        .find_map(|word| skipped.strip_prefix(word))
        .unwrap_or(skipped);
    let end = skipped
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'x')))
        .unwrap_or(skipped.len());
    let version = skipped.get(..end)?.trim_end_matches(['.', 'x']);
    let plausible = version.starts_with(|c: char| c.is_ascii_digit()) && version.len() <= 12;
    plausible.then(|| version.to_owned())
}

fn add(out: &mut Vec<Requirement>, name: &str, version: Option<String>, lines: Lines) {
    match out.iter_mut().find(|known| known.name == name) {
        Some(known) => known.version = known.version.take().or(version),
        None => out.push(Requirement { name: name.to_owned(), version, lines }),
    }
}

/// Packages that commands on some lines install.
fn installed(text: &[&str], lines: Lines, out: &mut Vec<Requirement>) {
    let at = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
    let block = text.get(at(lines.first) - 1..at(lines.last)).unwrap_or_default();
    for (index, line) in block.iter().enumerate() {
        // Nearly no line installs anything: those that do say so.
        if !(line.contains("install") || line.contains(" add ") || line.contains("-S")) {
            continue;
        }
        let typed = crate::prompt::read(line).map_or(*line, |found| found.typed);
        let line = lines.first.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
        for program in shell::read(typed).programs {
            for package in packages(&program.name, &program.arguments) {
                add(out, &package, None, Lines::one(line));
            }
        }
    }
}

/// The packages that a call of a package manager installs on the machine.
fn packages(program: &str, arguments: &[String]) -> Vec<String> {
    let plain: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let global = arguments.iter().any(|word| matches!(word.as_str(), "-g" | "--global"));
    let from = match (program, plain.first().copied()) {
        (
            "apt" | "apt-get" | "brew" | "dnf" | "yum" | "apk" | "zypper" | "pip" | "pip3" | "pipx"
            | "cargo" | "gem" | "snap" | "choco" | "winget" | "scoop" | "conda" | "port",
            Some("install" | "add"),
        ) => 1,
        ("npm" | "pnpm", Some("install" | "i" | "add")) if global => 1,
        ("pacman", _) if arguments.iter().any(|word| word.starts_with("-S")) => 0,
        ("python" | "python3", Some("pip")) if plain.get(1) == Some(&"install") => 2,
        _ => return Vec::new(),
    };
    let name = |word: &&str| {
        let end = word.find(['=', '<', '>', '[', '~', '!']).unwrap_or(word.len());
        let name = word.get(..end).unwrap_or_default().to_lowercase();
        let valid = !name.is_empty()
            && !name.contains(['/', '.', '$', ':', '\\'])
            && name.starts_with(|c: char| c.is_alphanumeric());
        valid.then_some(name)
    };
    plain.iter().skip(from).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let tutorial = parse("a.md", text.as_bytes()).unwrap();
        let seen: Vec<_> =
            tutorial.requirements.iter().map(|r| (r.name.as_str(), r.version.as_deref())).collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn what_pages_ask_for() {
        check("You need CMake 3.14 or newer.", &[("cmake", Some("3.14"))]);
        check("Make sure that `docker` is installed.", &[("docker", None)]);
        check(
            "# P\n\n## Prerequisites\n\n- [Node.js](https://nodejs.org) version 18+\n- Git\n",
            &[("node", Some("18")), ("git", None)],
        );
        check("All you need is a terminal and Bash 4 or newer.", &[("bash", Some("4"))]);
        check("This guide requires Python 3.9.", &[("python", Some("3.9"))]);
        check("```sh\nsudo apt-get install -y tree jq\n```", &[("tree", None), ("jq", None)]);
        check(
            "```sh\npip install -r requirements.txt\nnpm install -g typescript\n```",
            &[("typescript", None)],
        );
    }

    #[test]
    fn what_asks_for_nothing() {
        check("You don't need Docker for this.", &[]);
        check("You need to make a choice, and go on.", &[]);
        check("Git is a tool.", &[]);
        check("That is all you need to know about Cargo.", &[]);
    }
}
