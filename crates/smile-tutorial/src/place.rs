//! Places in a tutorial: looked up while parsing, never guessed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An inclusive range of lines, counted from 1 in the file as it is on disk.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Lines {
    /// First line, from 1.
    pub first: u32,
    /// Last line, at least `first`.
    pub last: u32,
}

impl Lines {
    /// A range of one line.
    pub const fn one(line: u32) -> Self {
        Self { first: line, last: line }
    }

    /// A range; the ends are put in order.
    pub const fn new(first: u32, last: u32) -> Self {
        if first <= last { Self { first, last } } else { Self { first: last, last: first } }
    }

    /// Whether the two ranges share a line.
    pub const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Where something stands in a tutorial, as reports show it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The file, relative to where `smile` was started.
    pub file: String,
    /// First line, from 1.
    pub first_line: u32,
    /// Last line, inclusive.
    pub last_line: u32,
    /// The exact text of those lines, at most 2,000 bytes (cut at a character, marked with `…`).
    pub quote: String,
    /// The headings above, outermost first.
    pub headings: Vec<String>,
}
