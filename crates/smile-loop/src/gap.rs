//! A gap: where, what, the evidence, and what would help.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smile_tutorial::{Kind, Location, Severity};

/// A place where the tutorial left its reader alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Stable over runs: from location and kind.
    pub id: String,
    /// What is wrong.
    pub kind: Kind,
    /// What made the student stop here; none for findings of the static reading.
    pub trigger: Option<Trigger>,
    /// How much it hurts.
    pub severity: Severity,
    /// The first place.
    pub location: Location,
    /// Every place of the same cause, the first included.
    pub locations: Vec<Location>,
    /// Later lines that fail because of it.
    pub consequences: Vec<Consequence>,
    /// One to three sentences to the author.
    pub problem: String,
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// The personas that met it.
    pub personas: Vec<String>,
    /// What a mentor said.
    pub mentor_notes: Vec<String>,
    /// What would help.
    pub suggestion: Suggestion,
    /// Whether the suggestion was tried.
    pub proof: Proof,
    /// How sure the tool is.
    pub confidence: Confidence,
}

/// What made the student stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Trigger {
    /// A program, module or package is not there.
    MissingDependency,
    /// A command failed.
    CommandFailure,
    /// The text leaves open what to do.
    AmbiguousInstruction,
    /// A step made no progress for too long.
    Timeout,
    /// One step failed too often.
    RepeatedFailure,
    /// The promised output did not come.
    OutputMismatch,
    /// A stand-in was left in the text.
    Placeholder,
    /// A program waited for an answer.
    UnansweredPrompt,
}

/// A later failure that follows from a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Consequence {
    /// The line, from 1.
    pub first_line: u32,
    /// The command or instruction that failed.
    pub what: String,
}

/// What was seen: one command with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The command.
    pub command: String,
    /// Its exit code, where it ended.
    pub exit_code: Option<i32>,
    /// The end of its output, at most 4,000 bytes.
    pub output: String,
    /// A diff or another remark.
    pub note: Option<String>,
}

/// What would help.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// In words.
    pub text: String,
    /// As a unified diff of the tutorial.
    pub patch: Option<String>,
}

/// Whether a suggested edit was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The mended tutorial passed here.
    Proven,
    /// It did not.
    Refuted,
    /// It was not tried.
    Untested,
}

/// How sure the tool is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Perhaps.
    Low,
    /// Probably.
    Medium,
    /// Seen.
    High,
}
