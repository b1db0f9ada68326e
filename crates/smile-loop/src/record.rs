//! What happened in a run: the only source of reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smile_tutorial::Lines;

use crate::{Gap, SandboxFacts};

/// Everything that a report is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The version of this format.
    pub version: u32,
    /// The run's id.
    pub run_id: String,
    /// The version of SMILE.
    pub smile_version: String,
    /// The tutorial's file, relative to where `smile` was started.
    pub tutorial: String,
    /// Its title.
    pub title: Option<String>,
    /// SHA-256 of its text, in hex.
    pub tutorial_sha256: String,
    /// How the run ended.
    pub status: RunStatus,
    /// One sentence about the end, where there is something to say.
    pub status_detail: Option<String>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The sandbox: backend, base, user, network, as `smile run` prints it.
    pub sandbox: String,
    /// The persona.
    pub persona: String,
    /// The student.
    pub student: String,
    /// The mentor.
    pub mentor: String,
    /// How often the student began.
    pub iterations: u32,
    /// The steps, in order.
    pub steps: Vec<StepRecord>,
    /// The machine that it took place on.
    pub facts: SandboxFacts,
    /// How much of the page was carried out.
    pub coverage: Coverage,
    /// The step at which a reader without help is blocked; none where there is none.
    pub blocked_at: Option<BlockedAt>,
    /// The gaps, by place.
    pub gaps: Vec<Gap>,
    /// What the sandbox lacked or refused; never a gap.
    pub notes: Vec<EnvironmentNote>,
}

impl RunRecord {
    /// The version of the format that this program writes.
    pub const VERSION: u32 = 1;
}

/// How much of a page was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Steps on the page.
    pub steps: u32,
    /// Those carried out.
    pub carried_out: u32,
    /// Of these, how many did what the page promises.
    pub as_promised: u32,
    /// Those whose output the page shows and that could be compared.
    pub outputs_compared: u32,
}

/// Where a reader without help is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockedAt {
    /// The step's number.
    pub step: u32,
    /// Its first line.
    pub line: u32,
    /// The id of the gap that blocks.
    pub gap: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunStatus {
    /// The last step was carried out.
    Completed,
    /// The student could not go on, and nobody could help.
    Blocker,
    /// As often as allowed, and not through.
    MaxIterations,
    /// The run's time was over.
    Timeout,
    /// Somebody stopped it.
    Stopped,
    /// The tool's own trouble; says nothing about the tutorial.
    HarnessError,
}

/// One step and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The step's number in the tutorial.
    pub number: u32,
    /// Its lines.
    pub lines: Lines,
    /// What was done: the command, "write app.py", "open http://…".
    pub what: String,
    /// What came of it.
    pub outcome: StepOutcome,
    /// Milliseconds after the run's start.
    pub at_ms: u64,
    /// How often it was tried; 0 for what was not carried out.
    pub attempts: u32,
    /// What was observed, where something was carried out.
    pub observation: Option<Observation>,
    /// Where the page's program goes by another name here: what came of it under that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detour: Option<Detour>,
}

impl StepRecord {
    /// What was observed last: of the detour, where one was taken.
    pub fn last_seen(&self) -> Option<&Observation> {
        self.detour.as_ref().map(|detour| &detour.observation).or(self.observation.as_ref())
    }
}

/// A command as the reader types it after the page's own did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Detour {
    /// What was typed instead.
    pub command: String,
    /// What was observed.
    pub observation: Observation,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
#[non_exhaustive]
pub enum StepOutcome {
    /// As the page promised.
    Passed,
    /// Failed, as the page says it does.
    FailedAsShown,
    /// Not as promised; a gap of its own or a consequence of one.
    Failed(String),
    /// Was not carried out, and why.
    Skipped(String),
    /// The sandbox's own limits were the cause; says nothing about the tutorial.
    SandboxLimited(String),
}

/// What the sandbox recorded of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// How it ended.
    pub end: CommandEnd,
    /// What it printed.
    pub output: OutputText,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The directory before.
    pub cwd_before: String,
    /// The directory after.
    pub cwd_after: String,
    /// The exit codes of the last pipeline's parts.
    pub pipe_status: Vec<i32>,
    /// Names that the shell could not find as commands, wherever in the line.
    pub commands_not_found: Vec<String>,
    /// Files made, changed or removed under the home and work folders.
    pub files: Vec<FileChange>,
    /// Ports that began to listen during the command.
    pub listening: Vec<u16>,
    /// What it asked, and what was answered.
    pub prompts: Vec<Prompt>,
    /// What it met of the sandbox's own limits (memory, processes, disk, network policy).
    pub limited: Option<String>,
}

/// A question of a program, and the answer given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// The end of what the program had printed.
    pub question: String,
    /// What was typed; none where nobody could answer.
    pub answer: Option<String>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "how")]
#[non_exhaustive]
pub enum CommandEnd {
    /// It ended with this code (128 + N for signal N).
    Exited {
        /// The exit code.
        code: i32,
    },
    /// It serves and stays: moved to another terminal.
    MovedAside,
    /// It waited for input that nobody gave, and was ended.
    Waiting,
    /// It made no progress for the silence limit, and was ended.
    Silent {
        /// The limit in seconds.
        limit_s: u64,
    },
    /// It was over the step's limit, and was ended.
    OverTime {
        /// The limit in seconds.
        limit_s: u64,
    },
    /// It ended the shell itself; a new one was opened.
    ShellEnded {
        /// The shell's exit code.
        code: i32,
    },
    /// The run was stopped meanwhile.
    Stopped,
}

/// Output, bounded: the beginning and the end are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputText {
    /// As a person would see it: invalid UTF-8 replaced, terminal codes kept.
    pub text: String,
    /// All bytes that came.
    pub bytes_total: u64,
    /// Whether the middle is left out.
    pub cut: bool,
}

/// A file that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileChange {
    /// Absolute path in the sandbox.
    pub path: String,
    /// `made`, `changed` or `removed`.
    pub what: String,
    /// Its size after, in bytes.
    pub bytes: u64,
}

/// Something about the environment, no gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentNote {
    /// `prerequisite-not-met`, `sandbox-limited`, `moved-aside`, …
    pub code: String,
    /// The line that it is about.
    pub line: Option<u32>,
    /// In words.
    pub text: String,
}
