//! Whether a step did what the page promises.

use smile_tutorial::{Action, Command, Step};

use crate::{
    CommandEnd, Observation, SandboxFacts, StepOutcome, Trigger, student::is_offline,
    student::is_own_address,
};

/// Why a part of a file could not be fitted in.
pub(crate) const NO_PLACE: &str = "the page does not say where in the file this part belongs";

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) outcome: StepOutcome,
    /// What made the student stop, where it did.
    pub(crate) trigger: Option<Trigger>,
    /// Whether the failure may pass by itself.
    pub(crate) transient: bool,
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
        Action::Run(_) | Action::WriteFile { .. } => None,
        Action::Visit { url } => (is_offline(facts) && !is_own_address(url))
            .then(|| "the sandbox has no network".to_owned()),
        _ => Some(step.why.clone()),
    }
}

/// Judges one observed command against what the page says about it.
pub(crate) fn judge_command(
    command: &Command,
    seen: &Observation,
    _facts: &SandboxFacts,
) -> Judgement {
    let outcome = match &seen.end {
        CommandEnd::Exited { code } if *code == command.exit.unwrap_or(0) => StepOutcome::Passed,
        CommandEnd::Exited { code } => StepOutcome::Failed(format!("exit code {code}")),
        CommandEnd::MovedAside => StepOutcome::Passed,
        other => StepOutcome::Failed(format!("{other:?}")),
    };
    let failed = matches!(outcome, StepOutcome::Failed(_));
    Judgement { outcome, trigger: failed.then_some(Trigger::CommandFailure), transient: false }
}
