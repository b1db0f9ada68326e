//! A run record as people and programs read it: Markdown, JSON and an audit log.
//!
//! All text from a tutorial or a program is data: nothing in it can break out of a fence or a
//! table, and no terminal code or control character reaches a report.

mod audit;
mod markdown;
mod text;

use smile_loop::RunRecord;

pub use audit::audit_log;
pub use markdown::{markdown, verdict};

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
