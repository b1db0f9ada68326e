//! A run record as people and programs read it: Markdown, JSON and an audit log.

use smile_loop::RunRecord;

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
