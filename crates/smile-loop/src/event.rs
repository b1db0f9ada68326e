//! What the driver tells the machine, and what the machine asks of the driver.

use std::{collections::BTreeSet, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Observation, RunStatus, StepRecord, Trigger};

/// What happened outside. Each answer belongs to the one effect that is under way.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// [`Effect::CreateSandbox`] or [`Effect::ResetSandbox`] is done.
    SandboxReady {
        /// What kind of machine it is.
        facts: SandboxFacts,
    },
    /// The sandbox could not be made: the tool's own trouble.
    SandboxFailed {
        /// Why, for people.
        reason: String,
    },
    /// [`Effect::OpenSession`] is done.
    SessionOpened,
    /// [`Effect::Inspect`] is done.
    Inspected {
        /// Which of the programs are there.
        present: BTreeSet<String>,
    },
    /// [`Effect::Perform`] is done; also when it failed, hung or was never answered.
    ActionDone {
        /// What the sandbox recorded.
        observation: Observation,
    },
    /// [`Effect::WriteFile`] is done.
    FileWritten {
        /// The absolute path.
        path: String,
        /// Whether it was there before.
        existed: bool,
        /// Its size now.
        bytes: u64,
    },
    /// The file could not be written, for a reason that a reader would meet too.
    FileFailed {
        /// Why, for people.
        reason: String,
    },
    /// [`Effect::ReadFile`] is done.
    FileRead {
        /// Its text; none where there is no such file.
        content: Option<String>,
    },
    /// [`Effect::Visit`] got an answer.
    Visited {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// [`Effect::Visit`] got none.
    VisitFailed {
        /// Why, for people.
        reason: String,
    },
    /// The mentor has the question.
    MentorStarted,
    /// The mentor's answer.
    MentorAnswered {
        /// What it said.
        answer: MentorAnswer,
    },
    /// Somebody wants the run to end.
    StopRequested,
    /// The run's whole time is over.
    TimeUp,
    /// The tool's own trouble (the engine is gone, the guest does not answer).
    HarnessTrouble {
        /// What, for people.
        reason: String,
    },
}

/// What a mentor can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MentorAnswer {
    /// Notes for the student, who begins again with them.
    Notes(Vec<String>),
    /// Nothing helps here.
    Unresolvable,
}

/// What the driver is to do, in order. At most one of them has an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make the sandbox.
    CreateSandbox,
    /// Throw the sandbox away and make a clean one.
    ResetSandbox,
    /// Open the shell session that the tutorial is followed in.
    OpenSession,
    /// Look which of these programs are there, outside the session's history.
    Inspect {
        /// Names to look up as the shell would.
        programs: Vec<String>,
    },
    /// Type a command.
    Perform(Perform),
    /// Write a file, with the folders above it where `make_folders`.
    WriteFile {
        /// As the page says, relative to the session's directory.
        path: String,
        /// The text.
        content: String,
        /// Add to the end.
        append: bool,
    },
    /// Read a file, to fit a part into it.
    ReadFile {
        /// As the page says, relative to the session's directory.
        path: String,
    },
    /// Open an address from inside.
    Visit {
        /// The address.
        url: String,
        /// How long to wait for something that listens.
        patience: Duration,
    },
    /// Ask the mentor; answer with [`Event::MentorStarted`], then [`Event::MentorAnswered`].
    AskMentor {
        /// What made the student stuck.
        trigger: Trigger,
        /// The step's number.
        step: u32,
        /// What it asks.
        question: String,
    },
    /// No answer needed: a step begins (for progress and journal).
    StepStarted {
        /// Its number.
        step: u32,
        /// The line it stands at.
        line: u32,
        /// The command, or what else is done.
        what: String,
    },
    /// No answer needed: a step has ended (for progress and journal).
    StepFinished(Box<StepRecord>),
    /// The run is over: abort what is under way, remove the sandbox, make the record.
    Finish(RunStatus),
}

/// One command to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Perform {
    /// The step's number.
    pub step: u32,
    /// Counted from 1; more where a failure may have passed by itself.
    pub attempt: u32,
    /// How long to wait first, for something to pass by itself.
    pub after: Duration,
    /// The command, possibly of several lines.
    pub text: String,
    /// End it after this long without a sign of life.
    pub silence: Duration,
    /// End it after this long, whatever it does.
    pub limit: Duration,
    /// What to type when it asks, in order.
    pub answers: Vec<String>,
    /// Type Enter where no answer is left.
    pub accept_defaults: bool,
    /// The text for the editor it opens: file and content.
    pub editor_input: Option<(String, String)>,
}

/// What kind of machine the sandbox is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SandboxFacts {
    /// The home folder.
    pub home: String,
    /// The directory that the student starts in.
    pub cwd: String,
    /// The user's name.
    pub user: String,
    /// Whether the user is root.
    pub root: bool,
    /// The machine's name.
    pub hostname: String,
    /// The system's id and version as in os-release, such as `debian 12`; empty if unknown.
    pub system: String,
    /// What it may reach.
    pub network: NetworkFact,
    /// Which of the programs that the tutorial uses were there at the start.
    pub programs_present: BTreeSet<String>,
    /// Which of them were looked for.
    pub programs_asked: BTreeSet<String>,
    /// Files that the author gave along, by path relative to `cwd` or absolute.
    pub files_given: Vec<String>,
}

/// What the sandbox may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkFact {
    /// Only itself: what fails for want of a network says nothing about the tutorial.
    #[default]
    None,
    /// The internet.
    Internet,
}
