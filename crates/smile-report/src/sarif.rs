//! Findings for code scanning: SARIF 2.1.0.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use smile_loop::{Gap, kind_name};
use smile_tutorial::{Kind, Location, Severity};

use crate::{
    Followed,
    case::{came_to_an_end, one_line, told},
    text::machine,
};

/// What stands for itself in a path; a colon does not, as it could end a scheme.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One SARIF 2.1.0 document with one run over all tutorials, with a final newline.
///
/// Each gap is a result with its region; other places and consequences are related locations. A
/// gap's id is its partial fingerprint, so that an alert stays the same one over runs.
///
/// # Panics
///
/// Never: the document has only text keys.
pub fn sarif(followed: &[Followed<'_>]) -> String {
    let rules = rules();
    let results: Vec<Value> = followed
        .iter()
        .flat_map(|page| page.record.gaps.iter().map(|gap| result(page, gap, &rules)))
        .collect();
    let invocations: Vec<Value> = followed.iter().map(invocation).collect();
    let version =
        followed.first().map_or(env!("CARGO_PKG_VERSION"), |page| &page.record.smile_version);
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "SMILE",
                "version": version,
                "rules": rules.iter().map(Rule::descriptor).collect::<Vec<_>>(),
            } },
            "originalUriBaseIds": { "%SRCROOT%": {
                "description": { "text": "The folder that paths are relative to." },
            } },
            "invocations": invocations,
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).expect("a document has only text keys");
    text.push('\n');
    text
}

struct Rule {
    id: String,
    description: String,
}

impl Rule {
    fn descriptor(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.id,
            "shortDescription": { "text": self.description },
        })
    }
}

/// One rule a kind, as the published schema names and describes them.
fn rules() -> Vec<Rule> {
    let schema = schemars::schema_for!(Kind).to_value();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|kind| Rule { id: text(&kind["const"]), description: text(&kind["description"]) })
        .collect()
}

fn result(page: &Followed<'_>, gap: &Gap, rules: &[Rule]) -> Value {
    let id = kind_name(gap.kind);
    let others = gap.locations.iter().skip(1).map(|place| {
        let mut place = located(page, place);
        place["message"] = json!({ "text": "The same here." });
        place
    });
    let later = gap.consequences.iter().map(|later| {
        json!({
            "physicalLocation": {
                "artifactLocation": artifact(page),
                "region": { "startLine": later.first_line.max(1) },
            },
            "message": { "text": format!("Fails because of it: {}", one_line(&later.what)) },
        })
    });
    let mut related: Vec<Value> = others.chain(later).collect();
    for (number, place) in (1_u32..).zip(&mut related) {
        place["id"] = json!(number);
    }
    let mut result = json!({
        "ruleId": id,
        "level": level(gap.severity),
        "message": { "text": told(gap) },
        "locations": [located(page, &gap.location)],
        "partialFingerprints": { "smileGap/v1": machine(&gap.id) },
    });
    if let Some(index) = rules.iter().position(|rule| rule.id == id) {
        result["ruleIndex"] = json!(index);
    }
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "error",
        Severity::Major => "warning",
        Severity::Minor => "note",
    }
}

fn located(page: &Followed<'_>, place: &Location) -> Value {
    let first = place.first_line.max(1);
    let mut region = json!({ "startLine": first, "endLine": place.last_line.max(first) });
    if !place.quote.is_empty() {
        region["snippet"] = json!({ "text": machine(&place.quote) });
    }
    json!({ "physicalLocation": { "artifactLocation": artifact(page), "region": region } })
}

/// Relative to the root of the sources, as code scanning wants it; elsewhere as a `file:` address.
fn artifact(page: &Followed<'_>) -> Value {
    let file = page.file.strip_prefix("./").unwrap_or(page.file);
    let path = utf8_percent_encode(file, PATH);
    if file.starts_with('/') {
        json!({ "uri": format!("file://{path}") })
    } else {
        json!({ "uri": path.to_string(), "uriBaseId": "%SRCROOT%" })
    }
}

fn invocation(page: &Followed<'_>) -> Value {
    let record = page.record;
    let successful = came_to_an_end(record.status);
    let mut invocation = json!({
        "executionSuccessful": successful,
        "startTimeUtc": record.started_at,
        "properties": {
            "tutorial": machine(page.file),
            "run": machine(&record.run_id),
            "sandbox": machine(&record.sandbox),
        },
    });
    if !successful {
        invocation["toolExecutionNotifications"] = json!([{
            "level": "error",
            "message": { "text": machine(&crate::verdict(record)) },
            "locations": [{ "physicalLocation": { "artifactLocation": artifact(page) } }],
        }]);
    }
    invocation
}
