//! Files, folders, rights and ports that are not as a step needs them.

use smile_tutorial::{Kind, Severity, Step};

use super::{Context, Diagnosis, plain, shorten};
use crate::{Suggestion, Trigger, cause::Cause, locate, product, shell};

#[expect(clippy::too_many_lines, reason = "one case after the other, the surest first")]
pub(super) fn missing_path(
    cause: &Cause,
    context: &Context<'_>,
    index: usize,
    path: &str,
    text: &str,
) -> Diagnosis {
    let step = context.step(index);
    let short = shorten(text);
    let shown = shown_path(path, text);
    let hard = context.hurts(cause);
    let base = Diagnosis {
        kind: Kind::MissingFile,
        trigger: Trigger::MissingDependency,
        ..plain(String::new(), "")
    };
    let changes_directory = shell::read(text).iter().any(|simple| {
        matches!(simple.program(), Some("cd" | "pushd"))
            && simple.words.iter().any(|word| {
                product::is_or_holds(&word.text, path)
                    || path.ends_with(word.text.trim_end_matches('/'))
            })
    });
    let is_foreign = ["/home/", "/Users/", "/opt/homebrew/", "C:\\", "/mnt/c/"]
        .iter()
        .any(|start| shown.starts_with(start) && !shown.starts_with(&context.facts.home));
    if is_foreign {
        return Diagnosis {
            kind: Kind::HardCodedPath,
            severity: hard,
            problem: format!(
                "`{short}` names `{shown}`, a path of the author's own machine; readers do not have it."
            ),
            suggestion: Suggestion {
                text: "Use a path that every reader has, or tell how to find one's own.".to_owned(),
                patch: None,
            },
            ..base
        };
    }
    if let Some(line) = context.made_later(index, path) {
        return Diagnosis {
            severity: hard,
            problem: format!(
                "`{short}` needs `{shown}`, which is not there yet: it is only made at line {line}."
            ),
            suggestion: Suggestion {
                text: format!(
                    "Move the step after line {line}, or say that this is what one would see later."
                ),
                patch: None,
            },
            ..base
        };
    }
    let name = product::components(path).last().copied().unwrap_or(path).to_owned();
    if !path.contains('*')
        && let Some((line, folder)) = context.made_elsewhere(index, &name)
    {
        return Diagnosis {
            kind: Kind::WrongDirectory,
            problem: format!(
                "`{short}` does not find `{shown}`: line {line} has put it into `{}`, and the reader is in `{}` now.",
                tidy(context, &folder),
                tidy(context, &cwd(context, index))
            ),
            suggestion: Suggestion {
                text: format!("Say to go back first, for example `cd {}`.", tidy(context, &folder)),
                patch: None,
            },
            ..base
        };
    }
    if changes_directory {
        let from_home = shown.starts_with('~') || shown.starts_with('/');
        if from_home || !context.page_has_made_something(index) {
            return Diagnosis {
                kind: Kind::MissingPrerequisite,
                severity: hard,
                problem: format!("A reader who begins with this page cannot do `{short}`: no step makes the folder `{shown}`. It seems to come from an earlier page or a download that is not named here."),
                suggestion: Suggestion { text: "Say before the first step where the folder comes from, or show the commands that make it.".to_owned(), patch: None },
                ..base
            };
        }
        return Diagnosis {
            severity: hard,
            problem: format!(
                "`{short}` fails: no step makes the folder `{shown}`. The reader stays where they are, and what follows happens in the wrong place."
            ),
            suggestion: mkdir_first(context, step, text, &shown),
            ..base
        };
    }
    if let Some(line) = context.told_to_make(step, path) {
        return Diagnosis {
            kind: Kind::AmbiguousInstruction,
            severity: Severity::Minor,
            trigger: Trigger::AmbiguousInstruction,
            problem: format!(
                "The reader is told at line {line} to make `{name}`, but not what to write into it; without it `{short}` fails."
            ),
            suggestion: Suggestion {
                text: format!("Show an example of `{name}`'s content."),
                patch: None,
            },
            ..base
        };
    }
    Diagnosis {
        severity: hard,
        problem: format!(
            "`{short}` needs `{shown}`, which no step makes and the page does not offer."
        ),
        suggestion: Suggestion {
            text: if name.contains('.') {
                format!("Show the content of `{name}`, link it, or say where the reader gets it.")
            } else {
                format!("Say where `{name}` comes from, or show the command that makes it.")
            },
            patch: None,
        },
        stray_file: Some(shown),
        ..base
    }
}

fn mkdir_first(context: &Context<'_>, step: &Step, text: &str, path: &str) -> Suggestion {
    let line = locate::line(context.tutorial, step.lines.first);
    let edit = vec![format!("{}mkdir -p {path}", locate::lead(line, text)), line.to_owned()];
    Suggestion {
        text: format!("Make the folder first: `mkdir -p {path}`."),
        patch: locate::patch(context.tutorial, &[(step.lines.first, edit)]),
    }
}

pub(super) fn missing_manifest(
    cause: &Cause,
    context: &Context<'_>,
    index: usize,
    name: &str,
    text: &str,
) -> Diagnosis {
    let short = shorten(text);
    let file = name.split(' ').next().unwrap_or(name);
    let base = Diagnosis {
        kind: Kind::MissingPrerequisite,
        trigger: Trigger::MissingDependency,
        ..plain(String::new(), "")
    };
    if let Some((line, folder)) = context.made_elsewhere(index, file) {
        return Diagnosis {
            kind: Kind::WrongDirectory,
            problem: format!(
                "`{short}` is typed in `{}`, but the `{file}` of line {line} is in `{}`.",
                tidy(context, &cwd(context, index)),
                tidy(context, &folder)
            ),
            suggestion: go_back(context, index, text, &folder),
            ..base
        };
    }
    if let Some(line) = context.made_later(index, file) {
        return Diagnosis {
            kind: Kind::MissingFile,
            problem: format!("`{short}` needs a {name}, which is only made at line {line}."),
            suggestion: Suggestion {
                text: format!("Move the step after line {line}."),
                patch: None,
            },
            ..base
        };
    }
    Diagnosis {
        severity: context.hurts(cause),
        problem: format!("`{short}` needs a {name}, and no step makes the project that it belongs to. A reader who begins with this page is stuck here."),
        suggestion: Suggestion { text: "Begin with the command that makes the project, show its files, or say which page ends with them.".to_owned(), patch: None },
        ..base
    }
}

fn go_back(context: &Context<'_>, index: usize, text: &str, folder: &str) -> Suggestion {
    let here = cwd(context, index);
    let parent = here.rsplit_once('/').map_or("", |(parent, _)| parent);
    let target = if parent == folder { "..".to_owned() } else { tidy(context, folder) };
    let step = context.step(index);
    let line = locate::line(context.tutorial, step.lines.first);
    let edit = vec![format!("{}cd {target}", locate::lead(line, text)), line.to_owned()];
    Suggestion {
        text: format!("Go back first: `cd {target}`."),
        patch: locate::patch(context.tutorial, &[(step.lines.first, edit)]),
    }
}

pub(super) fn permission(context: &Context<'_>, index: usize, path: &str, text: &str) -> Diagnosis {
    let step = context.step(index);
    let short = shorten(text);
    let base = Diagnosis { kind: Kind::Permission, ..plain(String::new(), "") };
    let own = path.starts_with("./") || context.made_elsewhere(index, path).is_some();
    if own && text.contains(path) {
        let line = locate::line(context.tutorial, step.lines.first);
        let edit = vec![format!("{}chmod +x {path}", locate::lead(line, text)), line.to_owned()];
        return Diagnosis {
            problem: format!(
                "`{short}` is refused (\"Permission denied\"): no step makes `{path}` executable."
            ),
            suggestion: Suggestion {
                text: format!("Add `chmod +x {path}` before."),
                patch: locate::patch(context.tutorial, &[(step.lines.first, edit)]),
            },
            ..base
        };
    }
    let who = if context.facts.root { "even as root" } else { "as an ordinary user" };
    let what = if path.is_empty() { String::new() } else { format!(" to `{path}`") };
    Diagnosis {
        problem: format!("`{short}` is refused {who}: a right{what} is missing, and the page does not say which one is needed."),
        suggestion: Suggestion { text: "Say which rights are needed, and show the command with `sudo` or without the need for it.".to_owned(), patch: None },
        ..base
    }
}

pub(super) fn port_in_use(
    context: &Context<'_>,
    index: usize,
    port: Option<u16>,
    text: &str,
) -> Diagnosis {
    let short = shorten(text);
    let holder = context.records[..index].iter().rev().find(|record| {
        record.last_seen().is_some_and(|seen| match port {
            Some(port) => seen.listening.contains(&port),
            None => !seen.listening.is_empty(),
        })
    });
    let place = port.map_or_else(|| "its port".to_owned(), |port| format!("port {port}"));
    match holder {
        Some(record) => plain(
            format!(
                "`{short}` fails, because {place} is taken: `{}` of line {} is still running.",
                shorten(&record.what),
                record.lines.first
            ),
            &format!(
                "Say to stop the program of line {} first (Ctrl+C), or use another port.",
                record.lines.first
            ),
        ),
        None => plain(
            format!("`{short}` fails, because {place} is taken."),
            "Say which port is needed and how to choose another.",
        ),
    }
}

fn cwd(context: &Context<'_>, index: usize) -> String {
    context.records[index].last_seen().map(|seen| seen.cwd_before.clone()).unwrap_or_default()
}

/// A path as a reader would write it.
fn tidy(context: &Context<'_>, path: &str) -> String {
    match path.strip_prefix(context.facts.home.as_str()) {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with('/') && !context.facts.home.is_empty() => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// The path as the page has it, where the page has it.
fn shown_path(path: &str, text: &str) -> String {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    shell::read(text)
        .iter()
        .flat_map(|simple| {
            simple
                .words
                .iter()
                .map(|word| word.text.clone())
                .chain(simple.redirects.iter().map(|r| r.target.text.clone()))
                .collect::<Vec<_>>()
        })
        .find(|word| !name.is_empty() && word.trim_end_matches('/').ends_with(name))
        .map_or_else(
            || path.to_owned(),
            |word| if word.len() > 1 { word.trim_end_matches('/').to_owned() } else { word },
        )
}
