//! Commands that fail, by what they say.

use smile_tutorial::{Kind, Severity};

use super::{Context, Diagnosis, path, placeholder, plain, shorten};
use crate::{Confidence, Suggestion, Trigger, cause::Cause, locate, package, symptom::Symptom};

#[expect(clippy::too_many_lines, reason = "one flat match over symptoms")]
pub(super) fn failure(cause: &Cause, context: &Context<'_>, index: usize, text: &str) -> Diagnosis {
    let step = context.step(index);
    let short = shorten(text);
    let hard = context.hurts(cause);
    let stand_ins = context.command(index).is_some_and(|command| !command.placeholders.is_empty());
    if stand_ins && !matches!(cause.symptom, Some(Symptom::CommandNotFound(_))) {
        return placeholder(context, index, text);
    }
    match &cause.symptom {
        Some(Symptom::CommandNotFound(name)) => missing_program(cause, context, name),
        Some(Symptom::ModuleMissing(name)) => Diagnosis {
            kind: Kind::MissingPrerequisite,
            severity: hard,
            trigger: Trigger::MissingDependency,
            ..plain(
                format!(
                    "`{short}` needs `{name}`, which no step installs and the page does not ask for."
                ),
                &format!(
                    "Add the command that installs `{name}`, or list it among the prerequisites."
                ),
            )
        },
        Some(Symptom::LibraryMissing(name)) => Diagnosis {
            kind: Kind::MissingPrerequisite,
            severity: hard,
            trigger: Trigger::MissingDependency,
            ..plain(
                format!(
                    "`{short}` needs the development files of `{name}`, which are not there and not asked for."
                ),
                &format!("Name the package that has `{name}` and how to install it."),
            )
        },
        Some(Symptom::NoSuchFile(path)) => path::missing_path(cause, context, index, path, text),
        Some(Symptom::ManifestMissing(name)) => {
            path::missing_manifest(cause, context, index, name, text)
        }
        Some(Symptom::NotARepository) => Diagnosis {
            kind: Kind::MissingPrerequisite,
            severity: hard,
            trigger: Trigger::MissingDependency,
            ..plain(
                format!(
                    "`{short}` fails: the reader is not inside a repository, and no step before makes one."
                ),
                "Begin with the commands that make or clone the repository, or say which page ends with it.",
            )
        },
        Some(Symptom::IdentityUnknown) => {
            let line = locate::line(context.tutorial, step.lines.first);
            let lead = locate::lead(line, text).to_owned();
            let edit = vec![
                format!("{lead}git config --global user.name \"Your Name\""),
                format!("{lead}git config --global user.email \"you@example.org\""),
                line.to_owned(),
            ];
            let patch = locate::patch(context.tutorial, &[(step.lines.first, edit)]);
            let mut diagnosis = Diagnosis {
                kind: Kind::MissingPrerequisite,
                trigger: Trigger::MissingDependency,
                ..plain(
                    format!(
                        "`{short}` fails on a machine where Git has no name and e-mail address yet (\"Author identity unknown\"); no step sets them."
                    ),
                    "Show the two `git config` lines before the first commit.",
                )
            };
            diagnosis.suggestion.patch = patch;
            diagnosis
        }
        Some(Symptom::ExternallyManaged) => {
            let line = locate::line(context.tutorial, step.lines.first);
            let lead = locate::lead(line, text).to_owned();
            let edit = vec![
                format!("{lead}python3 -m venv .venv"),
                format!("{lead}. .venv/bin/activate"),
                line.to_owned(),
            ];
            let mut diagnosis = Diagnosis {
                severity: hard,
                ..plain(
                    format!(
                        "On current Debian, Ubuntu and others `{short}` is refused (externally-managed-environment): packages go into a virtual environment, which the page does not make."
                    ),
                    "Make and activate a virtual environment first.",
                )
            };
            diagnosis.suggestion.patch =
                locate::patch(context.tutorial, &[(step.lines.first, edit)]);
            diagnosis
        }
        Some(Symptom::PermissionDenied(path)) => path::permission(context, index, path, text),
        Some(Symptom::PortInUse(port)) => path::port_in_use(context, index, *port, text),
        Some(Symptom::HostUnreachable(host)) => {
            let host = host
                .as_deref()
                .map_or_else(|| "the network".to_owned(), |host| format!("`{host}`"));
            Diagnosis {
                kind: Kind::Network,
                confidence: Confidence::Medium,
                ..plain(
                    format!("`{short}` needs {host}, which could not be reached."),
                    "Check the address, and say that the step needs the internet; show what it brings, so that a reader can go on without.",
                )
            }
        }
        Some(Symptom::NothingListens(port)) => {
            let place = port.map_or_else(String::new, |port| format!(" on port {port}"));
            plain(
                format!(
                    "`{short}` finds nobody that listens{place}: no step has started it, or it listens elsewhere."
                ),
                "Show the step that starts it, and check the port.",
            )
        }
        Some(Symptom::AlreadyExists(path)) => {
            let maker = context.records[..index].iter().find(|record| {
                record.last_seen().is_some_and(|seen| {
                    seen.files.iter().any(|file| {
                        file.path.trim_end_matches('/').ends_with(path.trim_end_matches('/'))
                    })
                })
            });
            let why = maker.map_or_else(String::new, |record| {
                format!(": line {} has made it", record.lines.first)
            });
            Diagnosis {
                kind: Kind::AmbiguousInstruction,
                severity: Severity::Minor,
                trigger: Trigger::AmbiguousInstruction,
                ..plain(
                    format!(
                        "`{short}` fails, because `{path}` is there already{why}. Where this is another way to do the same, the page does not say so."
                    ),
                    "Say \"instead\", or use another name.",
                )
            }
        }
        Some(Symptom::PackageUnknown(name)) => plain(
            format!("`{short}` does not find the package `{name}` on this system."),
            &format!(
                "Name the package as the distributions call it, or another source for `{name}`; after a fresh install the package lists must be fetched first."
            ),
        ),
        Some(Symptom::NoDisplay) => Diagnosis {
            kind: Kind::NeedsDisplay,
            ..plain(
                format!(
                    "`{short}` needs a screen, and there is none on a server, in a container or over SSH."
                ),
                "Say that a desktop is needed, and offer a way without.",
            )
        },
        Some(Symptom::NoTerminal) => Diagnosis {
            kind: Kind::InteractiveCommand,
            ..plain(
                format!("`{short}` wants a terminal of another kind than it gets."),
                "Offer the options that make it work without a terminal.",
            )
        },
        Some(Symptom::DaemonDown(name)) => Diagnosis {
            kind: Kind::MissingPrerequisite,
            severity: hard,
            trigger: Trigger::MissingDependency,
            ..plain(
                format!(
                    "`{short}` needs a running {name}, which no step starts and the page does not ask for."
                ),
                &format!("List a running {name} among the prerequisites, with how to start it."),
            )
        },
        Some(Symptom::VersionUnfit(name)) => Diagnosis {
            kind: Kind::VersionDrift,
            ..plain(
                format!(
                    "`{short}` refuses the version that is there{}.",
                    if name.is_empty() { String::new() } else { format!(" of `{name}`") }
                ),
                "State the versions that the page was written for.",
            )
        },
        Some(Symptom::UsageError(word)) => {
            let word = if word.is_empty() { String::new() } else { format!(" `{word}`") };
            plain(
                format!(
                    "`{short}` is refused: the program does not know{word} in the version at hand."
                ),
                "Check the command against the current version, and state the version that is needed.",
            )
        }
        _ => {
            let words = context
                .last_words(index)
                .map_or_else(String::new, |words| format!(" (\"{words}\")"));
            let code = match context.records[index].last_seen().map(|seen| &seen.end) {
                Some(crate::CommandEnd::Exited { code }) => format!(" with exit code {code}"),
                _ => String::new(),
            };
            Diagnosis {
                severity: hard,
                confidence: Confidence::Medium,
                ..plain(
                    format!("`{short}` fails{code}{words}, and the page does not say that it may."),
                    "Check the command on a clean machine; where the failure is meant, show it.",
                )
            }
        }
    }
}

fn missing_program(cause: &Cause, context: &Context<'_>, name: &str) -> Diagnosis {
    let places = cause.steps.len();
    let often = if places > 1 { format!(" (used in {places} places)") } else { String::new() };
    let stand_in = package::stand_in_for(name).filter(|other| context.present(other));
    let package = package::of_program(name);
    if let Some(other) = stand_in {
        let edits: Vec<(u32, Vec<String>)> = cause
            .steps
            .iter()
            .map(|&index| context.step(index).lines.first)
            .map(|number| {
                (
                    number,
                    vec![locate::replace_word(locate::line(context.tutorial, number), name, other)],
                )
            })
            .collect();
        let mut diagnosis = plain(
            format!(
                "`{name}` is not a command on this system, `{other}` is{often}. A newcomer on Debian, Ubuntu or a fresh container gets \"command not found\"."
            ),
            &format!("Write `{other}`."),
        );
        diagnosis.trigger = Trigger::MissingDependency;
        diagnosis.suggestion.patch = locate::patch(context.tutorial, &edits);
        return diagnosis;
    }
    let base = Diagnosis {
        kind: Kind::MissingPrerequisite,
        trigger: Trigger::MissingDependency,
        ..plain(String::new(), "")
    };
    if name == "sudo" {
        return Diagnosis {
            problem: format!(
                "`sudo` is not there{often}: in a container, or where the reader is root already, the command is not found."
            ),
            suggestion: Suggestion {
                text: "Say \"as root\", or show the command without `sudo` as well.".to_owned(),
                patch: None,
            },
            ..base
        };
    }
    let packages: Vec<&str> = std::iter::once(name)
        .chain(cause.also.iter().map(String::as_str))
        .filter_map(package::of_program)
        .collect();
    let packages =
        if packages.len() > cause.also.len() { packages.join(" ") } else { String::new() };
    let how = match (package, package::home_of(name)) {
        _ if !cause.also.is_empty() && !packages.is_empty() => {
            format!(" (on Debian and Ubuntu: `apt install {packages}`)")
        }
        _ if !cause.also.is_empty() => String::new(),
        (_, Some(home)) => format!(" (it comes from {home})"),
        (Some(package), None) => format!(" (on Debian and Ubuntu: `apt install {package}`)"),
        (None, None) => String::new(),
    };
    if package::is_editor(name) {
        return Diagnosis {
            problem: format!(
                "`{name}` is not there on a minimal system{often}, and the page neither lists it nor offers another way to write the file."
            ),
            suggestion: Suggestion {
                text: format!(
                    "List `{name}` among the prerequisites{how}, or say that any editor will do and show the file's content."
                ),
                patch: None,
            },
            ..base
        };
    }
    Diagnosis {
        severity: context.hurts(cause),
        problem: if cause.also.is_empty() {
            format!(
                "`{name}` is needed here{often}, but the page neither lists it as a prerequisite nor installs it: a newcomer gets \"command not found\"."
            )
        } else {
            format!(
                "{} are needed, but the page neither lists them as prerequisites nor installs them: a newcomer gets \"command not found\" from here on.",
                listed(name, &cause.also)
            )
        },
        suggestion: Suggestion {
            text: format!(
                "Add {} to the prerequisites, with how to install {}{how}.",
                listed(name, &cause.also),
                if cause.also.is_empty() { "it" } else { "them" }
            ),
            patch: None,
        },
        ..base
    }
}

/// "`a`", "`a` and `b`", "`a`, `b` and `c`".
fn listed(first: &str, more: &[String]) -> String {
    match more.split_last() {
        None => format!("`{first}`"),
        Some((last, middle)) => {
            let names: Vec<&str> =
                std::iter::once(first).chain(middle.iter().map(String::as_str)).collect();
            format!("`{}` and `{last}`", names.join("`, `"))
        }
    }
}
