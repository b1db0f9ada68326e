//! Reads a Markdown tutorial the way a newcomer does: steps with positions, roles and reasons.
//!
//! Everything here is pure: text in, values out. [`parse`] turns one file into a [`Tutorial`];
//! [`check`] reads it statically. The vocabulary of findings ([`Kind`], [`Severity`],
//! [`Location`]) lives here too, because static findings and those of a run are one list.

mod about;
mod branch;
mod check;
mod choice;
mod command;
mod container;
mod directive;
mod explain;
mod failure;
mod finding;
mod html;
mod info;
mod inline;
mod language;
mod lead;
mod link;
mod page;
mod phrase;
mod place;
mod placeholder;
mod platform;
mod prompt;
mod read;
mod reference;
mod requirement;
mod role;
mod scan;
mod sentence;
mod session;
pub mod shell;
mod step;
mod steps;

pub use check::{CheckContext, check};
pub use explain::{ExplainLine, explain};
pub use finding::{Finding, Kind, Severity};
pub use place::{Lines, Location};
pub use placeholder::placeholders;
pub use read::{ReadError, TEXT_BYTES_MAX, parse, parse_with_limit};
pub use step::{
    Action, Block, BlockId, Command, Expected, Match, Requirement, Role, Step, Tutorial, WriteMode,
};
