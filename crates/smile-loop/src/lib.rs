//! The loop as a pure machine: literal student, triggers, gaps and their causes, the run record.
//!
//! [`Machine`] takes [`Event`]s and gives [`Effect`]s; a thin driver carries these out. What it
//! leaves behind, an [`Outcome`], becomes a [`RunRecord`] by [`RunRecord::assemble`], which looks
//! for the gaps ([`analyse`]). Nothing here does I/O, reads a clock or draws random numbers.

mod analyse;
mod cause;
mod diagnose;
mod event;
mod exit;
mod gap;
mod judge;
mod links;
mod locate;
mod machine;
mod merge;
mod output;
mod package;
mod product;
mod record;
mod settings;
mod shell;
mod state;
mod student;
mod symptom;

pub use analyse::{Analysis, RunHeader, analyse, kind_name};
pub use event::{Effect, Event, MentorAnswer, NetworkFact, Perform, SandboxFacts};
pub use exit::{FailOn, exit_code, exit_code_of_many};
pub use gap::{Confidence, Consequence, Evidence, Gap, Proof, Suggestion, Trigger};
pub use machine::{Machine, Outcome};
pub use output::plain;
pub use record::{
    BlockedAt, CommandEnd, Coverage, Detour, EnvironmentNote, FileChange, Observation, OutputText,
    Prompt, RunRecord, RunStatus, StepOutcome, StepRecord,
};
pub use settings::{GoingOn, Mentor, Patience, Settings, StudentBehavior};
pub use state::{IllegalTransition, Order, Signal, State};
