//! How a command fails: what, why, what to do next, and the exit code.

use std::{error::Error, fmt::Write as _};

/// The exit codes that commands end with; a run adds 1, 4 and 130.
pub(crate) mod exit {
    /// All is well.
    pub(crate) const OK: u8 = 0;
    /// Gaps were found.
    pub(crate) const GAPS: u8 = 1;
    /// Wrong usage, configuration or input.
    pub(crate) const USAGE: u8 = 2;
    /// The tool's own trouble.
    pub(crate) const HARNESS: u8 = 3;
    /// Somebody stopped it.
    pub(crate) const STOPPED: u8 = 130;
}

/// Why a command ends without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// What failed, with its causes.
    pub(crate) message: String,
    /// What to do next; empty where nothing helps.
    pub(crate) hint: String,
}

impl Failure {
    /// Wrong usage, configuration or input.
    pub(crate) fn usage(error: &dyn Error, hint: impl Into<String>) -> Self {
        Self { code: exit::USAGE, message: chain(error), hint: hint.into() }
    }

    /// The tool's own trouble.
    pub(crate) fn harness(error: &dyn Error, hint: impl Into<String>) -> Self {
        Self { code: exit::HARNESS, message: chain(error), hint: hint.into() }
    }
}

/// An error and everything that led to it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}"); // Writing to a string cannot fail.
        source = cause.source();
    }
    text
}
