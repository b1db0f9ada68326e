//! A run record as people and programs read it: Markdown, JSON, an audit log; and for other tools
//! SARIF, JUnit XML, TAP and the annotations of GitHub Actions.
//!
//! All text from a tutorial or a program is data: nothing in it can break out of a fence or a
//! table, and no terminal code or control character reaches a report.

mod audit;
mod case;
mod github;
mod junit;
mod markdown;
mod sarif;
mod tap;
mod text;

use smile_loop::RunRecord;

pub use audit::audit_log;
pub use github::{github_annotations, github_summary};
pub use junit::junit;
pub use markdown::{markdown, verdict};
pub use sarif::sarif;
pub use tap::tap;

/// One tutorial of several in a document for other tools.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'a> {
    /// What happened.
    pub record: &'a RunRecord,
    /// The tutorial's file as those tools know it: relative to the root of the sources.
    pub file: &'a str,
}

/// The record as indented JSON, with a final newline.
///
/// # Panics
///
/// Never: a record has only text keys.
pub fn json(record: &RunRecord) -> String {
    let mut text = serde_json::to_string_pretty(record).expect("a record has only text keys");
    text.push('\n');
    text
}

/// The JSON schema of [`json`].
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(RunRecord).to_value()
}
