//! Reads a Markdown tutorial the way a newcomer does: steps with positions, roles and reasons.
//!
//! Everything here is pure: text in, values out. [`parse`] turns one file into a [`Tutorial`];
//! [`check`] reads it statically. The vocabulary of findings ([`Kind`], [`Severity`],
//! [`Location`]) lives here too, because static findings and those of a run are one list.

mod finding;
mod place;
mod step;

pub use finding::{Finding, Kind, Severity};
pub use place::{Lines, Location};
pub use step::{
    Action, Block, BlockId, Command, Expected, Match, Requirement, Role, Step, Tutorial, WriteMode,
};
