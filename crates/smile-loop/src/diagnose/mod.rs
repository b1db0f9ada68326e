//! From a cause to what an author reads: kind, severity, problem, suggestion.

mod failure;
mod path;

use smile_tutorial::{Action, Command, Kind, Severity, Step, Tutorial};

use crate::{
    Confidence, SandboxFacts, StepRecord, Suggestion, Trigger,
    cause::{Cause, Key},
    judge::{self, Complaint, Judgement},
    locate,
    product::{self, Product},
    shell,
};

/// What is said about a cause.
#[derive(Debug, Clone)]
pub(crate) struct Diagnosis {
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) problem: String,
    pub(crate) suggestion: Suggestion,
    pub(crate) confidence: Confidence,
    pub(crate) trigger: Trigger,
    /// A file that nothing on the page makes: several of these have one reason.
    pub(crate) stray_file: Option<String>,
}

/// What a diagnosis can look at.
pub(crate) struct Context<'a> {
    pub(crate) tutorial: &'a Tutorial,
    pub(crate) records: &'a [StepRecord],
    pub(crate) judgements: &'a [Judgement],
    pub(crate) facts: &'a SandboxFacts,
}

/// How far above a step its own explanation is looked for, in lines.
const PROSE_LINES: u32 = 25;

impl Context<'_> {
    fn step(&self, index: usize) -> &Step {
        &self.tutorial.steps[index]
    }

    fn command(&self, index: usize) -> Option<&Command> {
        match &self.step(index).action {
            Action::Run(command) => Some(command),
            _ => None,
        }
    }

    /// The line of the first later step that is meant to make this path.
    fn made_later(&self, index: usize, path: &str) -> Option<u32> {
        let name = product::components(path).last().copied()?.to_owned();
        self.tutorial.steps.iter().skip(index + 1).find_map(|step| {
            let makes = product::of_step(step).iter().any(|made| {
                matches!(made, Product::Path(made) if product::components(made).last() == Some(&name.as_str()))
            });
            let names_it = !matches!(&step.action, Action::Run(_)) || makes_by_name(step, &name);
            (makes && names_it).then_some(step.lines.first)
        }).or_else(|| {
            // Not announced, but seen: a later step has left it behind.
            self.records.iter().skip(index + 1).find_map(|record| {
                let files = &record.last_seen()?.files;
                let made = files.iter().any(|f| f.what == "made" && f.path.rsplit('/').next() == Some(name.as_str()));
                made.then_some(record.lines.first)
            })
        })
    }

    /// Where an earlier step has left a file of this name, if in another directory.
    fn made_elsewhere(&self, index: usize, name: &str) -> Option<(u32, String)> {
        let here = self.records[index].last_seen()?.cwd_before.clone();
        self.records[..index].iter().rev().find_map(|record| {
            let files = &record.last_seen()?.files;
            let file = files.iter().find(|file| {
                file.what != "removed" && file.path.rsplit('/').next() == Some(name)
            })?;
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            (folder != here).then(|| (record.lines.first, folder.to_owned()))
        })
    }

    /// Whether the running text above tells to make this file.
    fn told_to_make(&self, step: &Step, path: &str) -> Option<u32> {
        let name = product::components(path).last().copied()?;
        let first = step.lines.first.saturating_sub(PROSE_LINES).max(1);
        (first..step.lines.first).rev().find(|&number| {
            let line = locate::line(self.tutorial, number).to_lowercase();
            let named = line.contains(&format!("`{}`", name.to_lowercase()))
                || line.contains(&format!("*{}*", name.to_lowercase()));
            named
                && ["create", "write", "make", "add ", "save", "put "]
                    .iter()
                    .any(|verb| line.contains(verb))
        })
    }

    /// Whether a step before this one has made or changed anything.
    fn page_has_made_something(&self, index: usize) -> bool {
        self.records[..index].iter().any(|record| {
            record
                .last_seen()
                .is_some_and(|seen| !seen.files.is_empty() || seen.cwd_before != seen.cwd_after)
        })
    }

    fn present(&self, program: &str) -> bool {
        self.facts.programs_present.contains(program.split(' ').next().unwrap_or(program))
    }

    /// How much a failure hurts: who is kept from about half of what follows is blocked.
    pub(super) fn hurts(&self, cause: &Cause) -> Severity {
        let first = cause.steps[0];
        let carried = |at: usize| self.records[at].observation.is_some();
        let left = (first + 1..self.records.len()).filter(|&at| carried(at)).count();
        let hit: std::collections::BTreeSet<usize> = cause
            .steps
            .iter()
            .skip(1)
            .chain(&cause.consequences)
            .copied()
            .filter(|&at| at != first)
            .collect();
        if hit.len() >= 2 && hit.len() * 100 >= left * 45 {
            Severity::Critical
        } else {
            Severity::Major
        }
    }

    /// The last line that a program printed, for a sentence.
    fn last_words(&self, index: usize) -> Option<String> {
        let seen = self.records[index].last_seen()?;
        let plain = crate::plain(&seen.output.text);
        let errors = crate::symptom::error_lines(&plain);
        let line = errors
            .first()
            .copied()
            .or_else(|| plain.lines().rev().find(|line| !line.trim().is_empty()))?;
        let line = line.trim();
        let short: String = line.chars().take(160).collect();
        Some(if short.len() < line.len() { format!("{short}…") } else { short })
    }
}

/// Whether a command makes a file on purpose, not only names it.
fn makes_by_name(step: &Step, name: &str) -> bool {
    let Action::Run(command) = &step.action else { return true };
    shell::read(&command.text).iter().any(|simple| {
        let maker = matches!(
            simple.inner_program(),
            Some(
                "mkdir"
                    | "touch"
                    | "cp"
                    | "mv"
                    | "tee"
                    | "nano"
                    | "vi"
                    | "vim"
                    | "curl"
                    | "wget"
                    | "git"
                    | "cargo"
                    | "npm"
                    | "tar"
                    | "unzip"
                    | "ln"
                    | "install"
                    | "uv"
            )
        ) && simple.inner().iter().skip(1).any(|word| word.text.contains(name));
        maker || simple.redirects.iter().any(|r| r.writes && r.target.text.ends_with(name))
    })
}

fn shorten(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default().trim();
    let short: String = first.chars().take(70).collect();
    let cut = short.len() < first.len() || text.lines().count() > 1;
    if cut { format!("{short} …") } else { short }
}

/// Says what is to be said about a cause.
pub(crate) fn diagnose(cause: &Cause, context: &Context<'_>) -> Diagnosis {
    let index = cause.steps[0];
    let step = context.step(index);
    let text = judge::what(&step.action);
    let mut diagnosis = match (&cause.complaint, &cause.key) {
        (_, Key::Variable(name)) => undefined_variable(name, &text),
        (Complaint::Mismatch(difference), _) => mismatch(context, index, difference, &text),
        (Complaint::LongRunning, _) => long_running(context, index, &text),
        (Complaint::Unanswered(question), _) => unanswered(context, index, question, &text),
        (Complaint::StandIn, _) => placeholder(context, index, &text),
        (Complaint::NoAnswer, _) => no_answer(context, index, &text),
        (Complaint::DidNotFail, _) => Diagnosis {
            kind: Kind::OutputMismatch,
            severity: Severity::Minor,
            trigger: Trigger::OutputMismatch,
            ..plain(
                format!("The page says that `{}` fails here, but it succeeds.", shorten(&text)),
                "Say when it fails, or drop the remark and the error shown.",
            )
        },
        (Complaint::EmptyDownload(path), _) => Diagnosis {
            kind: Kind::SilentFailure,
            ..plain(
                format!(
                    "`{}` ends with success and leaves an empty file `{}`. The reader goes on with nothing in hand.",
                    shorten(&text),
                    path.rsplit('/').next().unwrap_or(path)
                ),
                "Use `curl -f`, so that a failed download fails, or show the content on the page.",
            )
        },
        (Complaint::ShellEnded, _) => plain(
            format!(
                "`{}` ends the reader's shell: its directory, variables and functions are gone.",
                shorten(&text)
            ),
            "Run it in a subshell, or say that a new terminal is needed afterwards.",
        ),
        (Complaint::NotWritten, _) if cause.symptom.is_none() => Diagnosis {
            kind: Kind::AmbiguousInstruction,
            trigger: Trigger::AmbiguousInstruction,
            ..plain(
                format!("The reader is to {text}, but cannot tell where: {}.", judge::NO_PLACE),
                "Show the whole file, or a known line before and after the new part.",
            )
        },
        (
            Complaint::Failed
            | Complaint::PartFailed
            | Complaint::NotWritten
            | Complaint::Limited(_),
            _,
        ) => failure::failure(cause, context, index, &text),
    };
    if matches!(cause.complaint, Complaint::PartFailed)
        && !matches!(cause.key, Key::Variable(_))
        && cause
            .steps
            .iter()
            .all(|&at| context.judgements[at].complaint == Some(Complaint::PartFailed))
    {
        diagnosis.kind = Kind::SilentFailure;
        diagnosis
            .problem
            .push_str(" The exit code is 0 all the same, so nothing warns the reader.");
        diagnosis.stray_file = None;
    }
    diagnosis
}

fn plain(problem: String, suggestion: &str) -> Diagnosis {
    Diagnosis {
        kind: Kind::FailingCommand,
        severity: Severity::Major,
        problem,
        suggestion: Suggestion { text: suggestion.to_owned(), patch: None },
        confidence: Confidence::High,
        trigger: Trigger::CommandFailure,
        stray_file: None,
    }
}

fn undefined_variable(name: &str, text: &str) -> Diagnosis {
    Diagnosis {
        kind: Kind::UndefinedVariable,
        confidence: Confidence::Medium,
        ..plain(
            format!(
                "`{}` uses `${name}`, which no step sets: the shell puts nothing in its place, without a word.",
                shorten(text)
            ),
            &format!(
                "Have the reader set it first (`export {name}=…`) and say which value is meant, or write the value itself."
            ),
        )
    }
}

fn mismatch(
    context: &Context<'_>,
    index: usize,
    difference: &crate::output::Difference,
    text: &str,
) -> Diagnosis {
    let seen = context.records[index].last_seen();
    let output = seen.map(|seen| crate::plain(&seen.output.text)).unwrap_or_default();
    let silent = output.trim().is_empty();
    let errors = !crate::symptom::error_lines(&output).is_empty();
    let own_program =
        shell::read(text).last().and_then(shell::Simple::inner_program).is_some_and(|program| {
            program.contains('/')
                || matches!(
                    program,
                    "make" | "cat" | "ls" | "echo" | "bash" | "sh" | "python3" | "python" | "node"
                )
        });
    let first = difference.missing.first().map(|line| line.trim()).unwrap_or_default();
    if shell::read(text).last().and_then(shell::Simple::inner_program) == Some("pwd") {
        let here = seen.map(|seen| seen.cwd_before.clone()).unwrap_or_default();
        return Diagnosis {
            kind: Kind::WrongDirectory,
            severity: Severity::Minor,
            trigger: Trigger::OutputMismatch,
            ..plain(
                format!(
                    "The page takes for granted that the reader is in `{first}`; no step goes there, and a newcomer is in `{here}`."
                ),
                "Say which folder to start in, and where it comes from.",
            )
        };
    }
    let first: String = first.chars().take(100).collect();
    if difference.reworded && !own_program {
        return Diagnosis {
            kind: Kind::VersionDrift,
            severity: Severity::Minor,
            trigger: Trigger::OutputMismatch,
            confidence: Confidence::Low,
            ..plain(
                format!(
                    "`{}` says it in other words than the page, which shows `{first}`: the output is from another version of the program.",
                    shorten(text)
                ),
                "Refresh the output shown, or name the version it is from.",
            )
        };
    }
    let what = if silent {
        "prints nothing".to_owned()
    } else {
        let lines = difference.missing.len();
        let others = if lines > 1 { format!(" and {} more", lines - 1) } else { String::new() };
        return Diagnosis {
            kind: Kind::OutputMismatch,
            severity: if errors { Severity::Major } else { Severity::Minor },
            trigger: Trigger::OutputMismatch,
            confidence: if difference.share > 0.3 { Confidence::High } else { Confidence::Medium },
            ..plain(
                format!(
                    "The page shows `{first}`{others} as the output of `{}`; something else comes out.",
                    shorten(text)
                ),
                "Refresh the output shown, or mark with `...` what may differ.",
            )
        };
    };
    Diagnosis {
        kind: Kind::OutputMismatch,
        trigger: Trigger::OutputMismatch,
        ..plain(
            format!(
                "The page promises an output of `{}` (`{first}` …), but it {what}.",
                shorten(text)
            ),
            "Check the command, or take the output off the page.",
        )
    }
}

fn long_running(context: &Context<'_>, index: usize, text: &str) -> Diagnosis {
    let seen = context.records[index].last_seen();
    let ports: Vec<String> =
        seen.map(|s| s.listening.iter().map(u16::to_string).collect()).unwrap_or_default();
    let learnt = context.tutorial.steps[..index].iter().any(
        |step| matches!(&step.action, Action::Run(command) if command.keeps_running.is_some()),
    );
    if !ports.is_empty() || seen.is_some_and(|s| matches!(s.end, crate::CommandEnd::MovedAside)) {
        let place =
            if ports.is_empty() { String::new() } else { format!(" on port {}", ports.join(", ")) };
        return Diagnosis {
            kind: Kind::LongRunning,
            severity: if learnt { Severity::Minor } else { Severity::Major },
            trigger: Trigger::Timeout,
            ..plain(
                format!(
                    "`{}` serves{place} and does not come back; the page does not say so. A newcomer waits, or does not know how to go on.",
                    shorten(text)
                ),
                "Say that it keeps running, that the next commands need a second terminal, and that Ctrl+C ends it.",
            )
        };
    }
    let limit = match seen.map(|s| &s.end) {
        Some(crate::CommandEnd::Silent { limit_s }) => {
            format!("showed no sign of life for {limit_s} s")
        }
        Some(crate::CommandEnd::OverTime { limit_s }) => format!("was not done after {limit_s} s"),
        _ => "did not come back".to_owned(),
    };
    Diagnosis {
        kind: Kind::LongRunning,
        trigger: Trigger::Timeout,
        ..plain(
            format!(
                "`{}` {limit} and was ended; the page does not say that it takes long or waits.",
                shorten(text)
            ),
            "Say how long it takes, how to see that it works, and how to end it.",
        )
    }
}

fn unanswered(context: &Context<'_>, index: usize, question: &str, text: &str) -> Diagnosis {
    let question = crate::plain(question);
    let question = question.lines().last().unwrap_or_default().trim().to_owned();
    let console =
        question.ends_with(">>>") || question.ends_with('>') || question.starts_with("In [");
    let last = context.command(index).is_some_and(|command| command.expected.is_none());
    let asked = if question.is_empty() {
        "waits for input".to_owned()
    } else {
        format!("asks `{question}`")
    };
    Diagnosis {
        kind: Kind::InteractiveCommand,
        severity: if console && last { Severity::Minor } else { Severity::Major },
        trigger: Trigger::UnansweredPrompt,
        ..plain(
            if console {
                format!(
                    "`{}` opens a console of its own and waits; the page does not say how to leave it.",
                    shorten(text)
                )
            } else {
                format!("`{}` {asked}, and the page does not say what to answer.", shorten(text))
            },
            if console {
                "Say how to leave it (Ctrl+D, `exit`)."
            } else {
                "Tell the reader what to type, or give the answer as an argument."
            },
        )
    }
}

fn placeholder(context: &Context<'_>, index: usize, text: &str) -> Diagnosis {
    let command = context.command(index);
    let name = command
        .and_then(judge::stand_in)
        .or_else(|| command.and_then(|c| c.placeholders.first().map(String::as_str)))
        .unwrap_or("…");
    let blank = !name.chars().any(|c| c.is_ascii_alphanumeric());
    Diagnosis {
        kind: Kind::Placeholder,
        severity: if blank { Severity::Minor } else { Severity::Major },
        trigger: Trigger::Placeholder,
        ..plain(
            format!(
                "`{}` holds the stand-in `{name}`, and nothing says what to put in its place. Typed as it stands it cannot work.",
                shorten(text)
            ),
            "Say what the reader is to put there and where to find it, or use a value that works.",
        )
    }
}

fn no_answer(context: &Context<'_>, index: usize, text: &str) -> Diagnosis {
    let ports: Vec<String> = context.records[..index]
        .iter()
        .filter_map(|record| record.last_seen())
        .flat_map(|seen| seen.listening.iter().map(u16::to_string))
        .collect();
    let address = text.strip_prefix("open ").unwrap_or(text);
    let (why, help) = if ports.is_empty() {
        (
            "no step so far has started anything that answers".to_owned(),
            "Add the step that starts the server, or correct the address.".to_owned(),
        )
    } else {
        let last = ports.last().cloned().unwrap_or_default();
        (
            format!("what was started listens on port {last}"),
            format!("Correct the address; port {last} answers."),
        )
    };
    Diagnosis {
        kind: Kind::BrokenLink,
        ..plain(format!("Nothing answers at `{address}`: {why}."), &help)
    }
}
