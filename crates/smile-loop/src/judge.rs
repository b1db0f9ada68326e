//! Whether a step did what the page promises.

use smile_tutorial::{Action, Command, Step};

use crate::{
    CommandEnd, Observation, SandboxFacts, StepOutcome, StepRecord, Trigger,
    output::{Comparison, Difference, compare, plain, tells_the_same},
    shell,
    student::{is_offline, is_own_address},
    symptom::{self, Symptom},
};

/// Why a part of a file could not be fitted in.
pub(crate) const NO_PLACE: &str = "the page does not say where in the file this part belongs";

/// What is wrong with a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Complaint {
    /// It ended with a failure.
    Failed,
    /// The output is not the one shown.
    Mismatch(Difference),
    /// It ended with success, and a part of it failed.
    PartFailed,
    /// It ended with success, and a download is empty.
    EmptyDownload(String),
    /// It did not come back by itself.
    LongRunning,
    /// It asked, and nobody could answer.
    Unanswered(String),
    /// It was meant to fail and did not.
    DidNotFail,
    /// It ended the shell.
    ShellEnded,
    /// A stand-in must be replaced first.
    StandIn,
    /// A file could not be written or fitted together.
    NotWritten,
    /// An address does not answer as it should.
    NoAnswer,
    /// The sandbox's own limits.
    Limited(String),
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) outcome: StepOutcome,
    pub(crate) complaint: Option<Complaint>,
    pub(crate) symptoms: Vec<Symptom>,
    /// What made the student stop, where it did.
    pub(crate) trigger: Option<Trigger>,
    /// Whether the failure may pass by itself.
    pub(crate) transient: bool,
    /// Whether an output was compared.
    pub(crate) compared: bool,
}

impl Judgement {
    fn fine(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            complaint: None,
            symptoms: Vec::new(),
            trigger: None,
            transient: false,
            compared: false,
        }
    }

    fn wrong(complaint: Complaint, trigger: Trigger, why: String) -> Self {
        Self {
            complaint: Some(complaint),
            trigger: Some(trigger),
            ..Self::fine(StepOutcome::Failed(why))
        }
    }
}

/// What a step does, in a few words.
pub(crate) fn what(action: &Action) -> String {
    match action {
        Action::Run(command) => command.text.clone(),
        Action::WriteFile { path, .. } => format!("write {path}"),
        Action::Visit { url } => format!("open {url}"),
        _ => "look".to_owned(),
    }
}

/// Why a step is not carried out, if it is not.
pub(crate) fn reason_to_skip(step: &Step, facts: &SandboxFacts) -> Option<String> {
    match &step.action {
        Action::Run(command) => stand_in(command)
            .map(|name| format!("holds the stand-in `{name}`, which only the reader can replace")),
        Action::WriteFile { .. } => None,
        Action::Visit { url } => (is_offline(facts) && !is_own_address(url))
            .then(|| "the sandbox has no network".to_owned()),
        _ => Some(step.why.clone()),
    }
}

/// A stand-in that the shell would misread, or that can be no real value: `<host>`, `____`.
pub(crate) fn stand_in(command: &Command) -> Option<&str> {
    command.placeholders.iter().map(String::as_str).find(|name| {
        let blank = name.chars().filter(char::is_ascii_alphanumeric).count() == 0;
        let angle = name.starts_with('<') && name.ends_with('>');
        blank || (angle && !is_quoted(&command.text, name))
    })
}

fn is_quoted(text: &str, part: &str) -> bool {
    let Some(at) = text.find(part) else { return false };
    let before = &text[..at];
    before.matches('\'').count() % 2 == 1 || before.matches('"').count() % 2 == 1
}

/// Judges a step from its record alone.
pub(crate) fn judge_record(step: &Step, record: &StepRecord, facts: &SandboxFacts) -> Judgement {
    let failed = |complaint| {
        let trigger = Trigger::CommandFailure;
        let mut judgement = Judgement::wrong(complaint, trigger, String::new());
        judgement.outcome = record.outcome.clone();
        judgement
    };
    match (&step.action, &record.observation, &record.outcome) {
        (Action::Run(command), Some(seen), _) => judge_command(command, seen, facts),
        (Action::Run(command), None, StepOutcome::Skipped(_)) if stand_in(command).is_some() => {
            failed(Complaint::StandIn)
        }
        (Action::WriteFile { .. }, Some(_), StepOutcome::Failed(why)) => {
            Judgement { symptoms: symptom::find(why), ..failed(Complaint::NotWritten) }
        }
        (Action::Visit { .. }, Some(_), StepOutcome::Failed(_)) => failed(Complaint::NoAnswer),
        (_, _, outcome) => Judgement::fine(outcome.clone()),
    }
}

/// Judges what came under another name, where a step has such a detour.
pub(crate) fn judge_detour(
    step: &Step,
    record: &StepRecord,
    facts: &SandboxFacts,
) -> Option<Judgement> {
    let (Action::Run(command), Some(detour)) = (&step.action, &record.detour) else { return None };
    let command = Command { text: detour.command.clone(), ..command.clone() };
    Some(judge_command(&command, &detour.observation, facts))
}

/// Judges one observed command against what the page says about it.
pub(crate) fn judge_command(
    command: &Command,
    seen: &Observation,
    facts: &SandboxFacts,
) -> Judgement {
    if let Some(limit) = &seen.limited {
        let why = format!("the sandbox's limit of {limit} was met");
        return limited(why, Vec::new());
    }
    let output = plain(&seen.output.text);
    let mut symptoms = symptoms_of(seen, &output);
    if symptoms.is_empty() {
        symptoms.extend(told_by_code(command, seen));
    }
    let judgement = match &seen.end {
        CommandEnd::Stopped => {
            Judgement::fine(StepOutcome::Skipped("the run was stopped meanwhile".to_owned()))
        }
        CommandEnd::Waiting => {
            let question = seen.prompts.last().map_or_else(
                || output.lines().last().unwrap_or_default().trim().to_owned(),
                |prompt| prompt.question.clone(),
            );
            let why = "waits for input that the page does not give".to_owned();
            Judgement::wrong(Complaint::Unanswered(question), Trigger::UnansweredPrompt, why)
        }
        CommandEnd::MovedAside if announced(command) => Judgement::fine(StepOutcome::Passed),
        // It serves, as it should; that nobody said so is the complaint.
        CommandEnd::MovedAside => Judgement {
            complaint: Some(Complaint::LongRunning),
            ..Judgement::fine(StepOutcome::Passed)
        },
        CommandEnd::Silent { .. } | CommandEnd::OverTime { .. } if announced(command) => {
            Judgement::fine(StepOutcome::Passed)
        }
        CommandEnd::Silent { limit_s } => {
            let why = format!("no sign of life for {limit_s} s");
            Judgement::wrong(Complaint::LongRunning, Trigger::Timeout, why)
        }
        CommandEnd::OverTime { limit_s } => {
            let why = format!("not done after {limit_s} s");
            Judgement::wrong(Complaint::LongRunning, Trigger::Timeout, why)
        }
        CommandEnd::ShellEnded { .. } if leaves_shell(&command.text) => {
            Judgement::fine(StepOutcome::Passed)
        }
        CommandEnd::ShellEnded { code } => {
            let why = format!("ends the reader's shell (code {code})");
            Judgement::wrong(Complaint::ShellEnded, Trigger::CommandFailure, why)
        }
        CommandEnd::Exited { code } => {
            return judge_exit(command, seen, facts, &output, symptoms, *code);
        }
    };
    if is_offline(facts) && judgement.trigger.is_some() && needs_network(&symptoms) {
        return limited("the sandbox has no network".to_owned(), symptoms);
    }
    Judgement { symptoms, ..judgement }
}

fn announced(command: &Command) -> bool {
    command.keeps_running.is_some() || command.text.trim_end().ends_with('&')
}

fn leaves_shell(text: &str) -> bool {
    shell::read(text).iter().any(|simple| {
        matches!(simple.program(), Some("exit" | "logout" | "exec" | "su" | "newgrp"))
    })
}

fn limited(why: String, symptoms: Vec<Symptom>) -> Judgement {
    Judgement {
        complaint: Some(Complaint::Limited(why.clone())),
        symptoms,
        ..Judgement::fine(StepOutcome::SandboxLimited(why))
    }
}

fn symptoms_of(seen: &Observation, output: &str) -> Vec<Symptom> {
    let mut symptoms: Vec<Symptom> = seen
        .commands_not_found
        .iter()
        .map(|name| {
            // `./demo` and the like are files, not programs to install.
            if name.contains('/') {
                Symptom::NoSuchFile(name.clone())
            } else {
                Symptom::CommandNotFound(name.clone())
            }
        })
        .collect();
    for symptom in symptom::find(output) {
        if !symptoms.contains(&symptom) {
            symptoms.push(symptom);
        }
    }
    symptoms
}

/// What a silent program says by its exit code alone.
fn told_by_code(command: &Command, seen: &Observation) -> Option<Symptom> {
    let CommandEnd::Exited { code } = seen.end else { return None };
    let commands = shell::read(&command.text);
    let last = commands.last()?;
    let address =
        last.inner().iter().map(|word| word.text.as_str()).find(|word| word.contains("://"));
    let own = address.is_some_and(is_own_address);
    match (last.inner_program()?, code) {
        ("curl", 7) | ("wget", 4) if own => {
            Some(Symptom::NothingListens(address.and_then(port_of)))
        }
        ("curl", 5..=7 | 28 | 35) | ("wget", 4) => Some(Symptom::HostUnreachable(None)),
        _ => None,
    }
}

fn port_of(address: &str) -> Option<u16> {
    let rest = address.split_once("://")?.1;
    rest.split(['/', '?']).next()?.rsplit_once(':')?.1.parse().ok()
}

fn needs_network(symptoms: &[Symptom]) -> bool {
    symptoms.iter().any(|s| matches!(s, Symptom::HostUnreachable(_) | Symptom::PackageUnknown(_)))
}

fn judge_exit(
    command: &Command,
    seen: &Observation,
    facts: &SandboxFacts,
    output: &str,
    symptoms: Vec<Symptom>,
    code: i32,
) -> Judgement {
    let comparison =
        command.expected.as_ref().map(|expected| compare(&command.text, expected, output, facts));
    let compared = matches!(comparison, Some(Comparison::Same | Comparison::Differs(_)));
    let same = comparison == Some(Comparison::Same);
    let shown_text = command.expected.as_ref().map_or("", |expected| expected.text.as_str());
    let failed = command.exit.map_or(code != 0, |wanted| code != wanted);
    let base =
        |judgement: Judgement| Judgement { symptoms: symptoms.clone(), compared, ..judgement };

    if !failed {
        let no_failure = command.expected_failure.is_some()
            && command.exit.is_none()
            && !same
            && symptoms.is_empty()
            && symptom::error_lines(output).is_empty();
        if no_failure {
            let why = "ends with success, though the page says that it fails".to_owned();
            return base(Judgement::wrong(Complaint::DidNotFail, Trigger::OutputMismatch, why));
        }
        return base(judge_success(command, seen, output, &symptoms, comparison));
    }

    // A failure that the page shows is a promise kept; another failure in its place is none.
    let shown = same
        || ((!symptom::find(shown_text).is_empty()
            || !symptom::error_lines(shown_text).is_empty())
            && tells_the_same(shown_text, output, facts));
    let other_reason = symptoms.iter().any(|symptom| {
        matches!(symptom, Symptom::CommandNotFound(name) if !shown_text.contains(name.as_str()))
    });
    if same && harmless(command, output, &symptoms, code) {
        return base(Judgement::fine(StepOutcome::Passed));
    }
    if shown || (command.expected_failure.is_some() && !other_reason) {
        return base(Judgement::fine(StepOutcome::FailedAsShown));
    }
    if harmless(command, output, &symptoms, code) {
        return base(judge_success(command, seen, output, &symptoms, comparison));
    }
    if is_offline(facts) && needs_network(&symptoms) {
        return limited("the sandbox has no network".to_owned(), symptoms);
    }
    if symptoms.contains(&Symptom::OutOfRoom) {
        return limited("the sandbox ran out of room".to_owned(), symptoms);
    }
    let unanswered = seen
        .prompts
        .iter()
        .find(|prompt| prompt.answer.as_deref().is_none_or(|answer| answer.trim().is_empty()));
    if let Some(prompt) = unanswered {
        let why = "asks something that the page does not answer".to_owned();
        let complaint = Complaint::Unanswered(prompt.question.clone());
        return base(Judgement::wrong(complaint, Trigger::UnansweredPrompt, why));
    }
    let transient = symptoms.iter().any(Symptom::transient)
        || symptoms.iter().any(|symptom| matches!(symptom, Symptom::NothingListens(_)));
    let trigger = match symptoms.first() {
        Some(
            Symptom::CommandNotFound(_)
            | Symptom::ModuleMissing(_)
            | Symptom::LibraryMissing(_)
            | Symptom::ManifestMissing(_)
            | Symptom::NoSuchFile(_),
        ) => Trigger::MissingDependency,
        _ => Trigger::CommandFailure,
    };
    let why = format!("exit code {code}");
    base(Judgement { transient, ..Judgement::wrong(Complaint::Failed, trigger, why) })
}

/// An exit code that tells something else than failure: no match, a difference, a closed pipe.
fn harmless(command: &Command, output: &str, symptoms: &[Symptom], code: i32) -> bool {
    const ANSWERS: &[&str] = &[
        "grep", "egrep", "fgrep", "rg", "diff", "cmp", "test", "[", "[[", "pgrep", "which",
        "false", "expr",
    ];
    if !symptoms.is_empty() || !symptom::error_lines(output).is_empty() {
        return false;
    }
    if code == 141 || (code == 130 && announced(command)) {
        return true;
    }
    let simple = shell::read(&command.text);
    let last = simple.last().and_then(|simple| simple.inner_program());
    code == 1 && last.is_some_and(|program| ANSWERS.contains(&program))
        || code <= 16 && last == Some("pylint")
}

fn judge_success(
    command: &Command,
    seen: &Observation,
    output: &str,
    symptoms: &[Symptom],
    comparison: Option<Comparison>,
) -> Judgement {
    let shown_text = command.expected.as_ref().map_or("", |expected| expected.text.as_str());
    let unshown = symptoms.iter().find(|symptom| match symptom {
        Symptom::CommandNotFound(name) | Symptom::NoSuchFile(name) => {
            !shown_text.contains(name.as_str())
        }
        _ => shown_text.is_empty(),
    });
    if let Some(symptom) = unshown
        && part_failed(command, seen, output, symptom)
    {
        let why = "ends with success, though a part of it failed".to_owned();
        return Judgement::wrong(Complaint::PartFailed, Trigger::CommandFailure, why);
    }
    if let Some(path) = empty_download(command, seen) {
        let why = format!("leaves an empty file `{path}`");
        let complaint = Complaint::EmptyDownload(path);
        return Judgement::wrong(complaint, Trigger::CommandFailure, why);
    }
    match comparison {
        Some(Comparison::Differs(difference)) => {
            let why = "prints something else than the page shows".to_owned();
            Judgement::wrong(Complaint::Mismatch(difference), Trigger::OutputMismatch, why)
        }
        None | Some(Comparison::Same | Comparison::NotComparable) => {
            Judgement::fine(StepOutcome::Passed)
        }
    }
}

/// Whether a trouble comes from a part of the command, not from a text that it only shows.
fn part_failed(command: &Command, seen: &Observation, output: &str, symptom: &Symptom) -> bool {
    if let Symptom::CommandNotFound(name) = symptom {
        return seen.commands_not_found.iter().any(|missing| missing == name);
    }
    let serious = matches!(
        symptom,
        Symptom::NoSuchFile(_)
            | Symptom::PermissionDenied(_)
            | Symptom::HostUnreachable(_)
            | Symptom::ManifestMissing(_)
            | Symptom::NotARepository
    );
    if !serious || command.text.contains("|| true") || command.text.contains("|| :") {
        return false;
    }
    let parts = shell::read(&command.text);
    let broken_pipe_part =
        seen.pipe_status.len() > 1 && seen.pipe_status.iter().any(|&code| code != 0 && code != 141);
    let own_line = output.lines().any(|line| {
        let speaker = line.split(':').next().unwrap_or(line);
        let speaks = speaker.ends_with("bash")
            || parts.iter().any(|part| part.inner_program().is_some_and(|name| name == speaker));
        speaks && symptom::find(line).contains(symptom)
    });
    own_line && (broken_pipe_part || parts.len() > 1)
}

fn empty_download(command: &Command, seen: &Observation) -> Option<String> {
    let downloads = shell::read(&command.text)
        .iter()
        .any(|simple| matches!(simple.inner_program(), Some("curl" | "wget" | "http" | "fetch")));
    if !downloads {
        return None;
    }
    let empty = seen.files.iter().find(|file| file.bytes == 0 && file.what != "removed")?;
    let name = empty.path.rsplit('/').next().unwrap_or(&empty.path);
    command.text.contains(name).then(|| empty.path.clone())
}

#[cfg(test)]
mod tests;
