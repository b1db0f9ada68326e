//! The loop as a pure machine: literal student, triggers, gaps and their causes, the run record.

mod gap;
mod record;

pub use gap::{Confidence, Consequence, Evidence, Gap, Proof, Suggestion, Trigger};
pub use record::{
    CommandEnd, EnvironmentNote, FileChange, Observation, OutputText, Prompt, RunRecord, RunStatus,
    StepOutcome, StepRecord,
};
