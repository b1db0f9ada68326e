//! What other tools read: valid by their own rules, whatever a tutorial prints.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};
use serde_json::Value;
use smile_loop::{CommandEnd, FailOn, RunRecord, RunStatus};
use smile_report::{Followed, github_annotations, github_summary, junit, sarif, tap};

use crate::{exit, page, record, seen, troubled};

/// Quotes, markup, what ends a CDATA section, terminal codes, other control characters, what
/// workflow commands, YAML and TAP begin with, and code points that XML forbids.
const HOSTILE: &str = "\"'<b>&amp;]]></failure>\u{1b}[31mred\u{1b}[0m\u{0}\u{8}\u{b}\u{7f}\u{85}\
    \r\n::error::x%0A\n  ...\nnot ok 1 - x # TODO\n{0}\u{fffe}\u{ffff}\u{202e}|`\\";

fn both(records: &[RunRecord]) -> Vec<Followed<'_>> {
    let files = ["docs/one page: 100%.md", "docs/ü,二.md"];
    records.iter().zip(files).map(|(record, file)| Followed { record, file }).collect()
}

/// Two tutorials: one in trouble, and one whose every text is hostile and that was cut short.
fn records() -> [RunRecord; 2] {
    let (_, troubled) = troubled();
    [troubled, hostile(HOSTILE)]
}

fn hostile(text: &str) -> RunRecord {
    let tutorial = page();
    let mut record = record(
        &tutorial,
        RunStatus::Timeout,
        vec![exit(1, text), exit(2, text), seen(CommandEnd::Exited { code: 3 }, text)],
    );
    record.status_detail = Some(text.to_owned());
    record.sandbox.push_str(text);
    for step in &mut record.steps {
        step.what.push_str(text);
    }
    for gap in &mut record.gaps {
        gap.problem.push_str(text);
        gap.suggestion.text.push_str(text);
        gap.location.quote.push_str(text);
        for evidence in &mut gap.evidence {
            evidence.command.push_str(text);
            evidence.output.push_str(text);
        }
    }
    record
}

/// What is wrong with a document by the schema of the standard.
fn sarif_errors(text: &str) -> Vec<String> {
    // One pattern has a bracket of its own that only the regular expressions of ECMA forgive.
    let schema = include_str!("../data/sarif-schema-2.1.0.json")
        .replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema is a schema");
    let document = serde_json::from_str(text).expect("SARIF is JSON");
    validator
        .iter_errors(&document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect()
}

#[test]
fn sarif_is_valid_by_the_schema_of_the_standard() {
    let records = records();
    let none: Vec<String> = Vec::new();
    assert_eq!(sarif_errors(&sarif(&both(&records))), none);
    assert_eq!(sarif_errors(&sarif(&[])), none);
    // The validator does see what is wrong.
    let wrong = sarif(&both(&records)).replace("\"startLine\": 9", "\"startLine\": 0");
    assert_ne!(sarif_errors(&wrong), none);
}

#[test]
fn sarif_has_a_result_a_gap_with_rule_level_region_and_fingerprint() {
    let records = records();
    let text = sarif(&both(&records));
    let log: Value = serde_json::from_str(&text).expect("SARIF is JSON");
    assert_eq!(log["runs"].as_array().map(Vec::len), Some(1));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    let gaps: Vec<_> = records.iter().flat_map(|record| &record.gaps).collect();
    assert_eq!(results.len(), gaps.len());
    assert!(gaps.len() > 4, "{gaps:#?}");
    for (result, gap) in results.iter().zip(gaps) {
        let id = smile_loop::kind_name(gap.kind);
        assert_eq!(result["ruleId"], id);
        let rule = &rules
            [usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small")];
        assert_eq!(rule["id"], id);
        assert!(!rule["shortDescription"]["text"].as_str().expect("a text").is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["region"]["startLine"], gap.location.first_line);
        assert_eq!(place["region"]["endLine"], gap.location.last_line);
        assert_eq!(result["partialFingerprints"]["smileGap/v1"], gap.id);
        let level = format!("{:?}", gap.severity);
        let levels = [("Critical", "error"), ("Major", "warning"), ("Minor", "note")];
        assert!(levels.contains(&(level.as_str(), result["level"].as_str().expect("a level"))));
    }
    let uris: Vec<_> = results
        .iter()
        .map(|result| &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        .collect();
    assert_eq!(uris[0], "docs/one%20page%3A%20100%25.md");
    assert_eq!(uris[uris.len() - 1], "docs/%C3%BC%2C%E4%BA%8C.md");
    // A run that was cut short is not taken for a clean one.
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(run["invocations"][1]["executionSuccessful"], false);
    assert!(!text.contains("\\u001b") && !text.contains("\\u0000"));
}

/// An element's name and attributes.
type Element = (String, BTreeMap<String, String>);

/// The elements of a document in order, each with its attributes, and all text.
fn elements(xml: &str) -> (Vec<Element>, String) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut found = Vec::new();
    let mut texts = String::new();
    let mut depth = 0_i32;
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error}: {xml}"));
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                depth += i32::from(matches!(event, Event::Start(_)));
                let attributes = start
                    .attributes()
                    .map(|attribute| {
                        let attribute = attribute.expect("an attribute");
                        let value = attribute
                            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                            .expect("escaped");
                        (attribute.key.as_ref().to_owned(), value.into_owned())
                    })
                    .collect();
                found.push((start.name().as_ref().to_owned(), attributes));
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => texts.push_str(text),
            Event::GeneralRef(name) => texts.extend(["&", &**name, ";"]),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    (found, texts)
}

/// The characters that XML 1.0 allows.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[test]
fn junit_is_read_back_with_a_case_a_step_and_the_counts_it_says() {
    let records = records();
    let xml = junit(&both(&records), FailOn::Major);
    assert!(xml.chars().all(is_xml), "{xml:?}");
    let (elements, texts) = elements(&xml);
    let count = |name: &str| elements.iter().filter(|(element, _)| element == name).count();
    assert_eq!((count("testsuites"), count("testsuite")), (1, 2));
    let total = &elements[0].1;
    for (attribute, element) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(total[attribute], count(element).to_string(), "{attribute}");
        let suites = elements.iter().filter(|(name, _)| name == "testsuite");
        let sum: usize =
            suites.map(|(_, a)| a[attribute].parse::<usize>().expect("a number")).sum();
        assert_eq!(sum, count(element), "{attribute}");
    }
    assert!(count("failure") >= 2 && count("error") == 1 && count("skipped") >= 1, "{xml}");
    let lines: Vec<_> = elements
        .iter()
        .filter(|(name, a)| name == "testcase" && a["file"] == "docs/one page: 100%.md")
        .map(|(_, attributes)| attributes["line"].as_str())
        .collect();
    assert_eq!(lines, ["8", "9", "16", "18", "20", "23"]);
    assert!(texts.contains("]]&gt;&lt;/failure&gt;"), "{texts}");
    let names: Vec<_> =
        elements.iter().filter(|(name, _)| name == "failure").map(|(_, a)| &a["type"]).collect();
    assert!(names.iter().any(|name| *name == "missing-prerequisite"), "{names:?}");
}

#[test]
fn gaps_lighter_than_asked_for_do_not_fail_a_case() {
    let records = records();
    let failures = |fail_on| {
        let (elements, _) = elements(&junit(&both(&records[..1]), fail_on));
        let tap = tap(&both(&records[..1]), fail_on);
        let failed = tap.lines().filter(|line| line.starts_with("not ok")).count();
        assert_eq!(elements[0].1["failures"], failed.to_string());
        failed
    };
    let [minor, major, never] = [FailOn::Minor, FailOn::Major, FailOn::Never].map(failures);
    assert!(minor > major && major > 0 && never == 0, "{minor} {major} {never}");
}

/// Checks a TAP document line by line; gives the points that are `ok`, `not ok` and skipped.
fn tap_counts(text: &str) -> (usize, usize, usize) {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    let plan: usize = lines
        .next()
        .and_then(|plan| plan.strip_prefix("1.."))
        .expect("a plan")
        .parse()
        .expect("a number");
    let (mut ok, mut not_ok, mut skipped, mut inside) = (0, 0, 0, false);
    for line in lines {
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        if inside {
            inside = line != "  ...";
            if let Some((key, value)) = line.trim_start_matches([' ', '-']).split_once(": ") {
                assert!(key.chars().all(char::is_alphanumeric) || key == "duration_ms", "{line}");
                serde_json::from_str::<Value>(value)
                    .unwrap_or_else(|error| panic!("{error}: {line}"));
            } else {
                assert!(["    gaps:", "  gaps:", "  ..."].contains(&line), "{line:?}");
            }
        } else if line == "  ---" {
            inside = true;
        } else if !line.starts_with("# ") {
            let (rest, good) = match line.strip_prefix("not ok ") {
                Some(rest) => (rest, false),
                None => (line.strip_prefix("ok ").unwrap_or_else(|| panic!("{line:?}")), true),
            };
            *(if good { &mut ok } else { &mut not_ok }) += 1;
            assert!(rest.starts_with(&format!("{} - ", ok + not_ok)), "{line}");
            // Only our own directive is one: what came from the page is escaped.
            let directives = rest.replace("\\\\", "").replace("\\#", "").matches('#').count();
            let skip = usize::from(rest.contains(" # SKIP "));
            assert_eq!(directives, skip, "{line}");
            skipped += skip;
        }
    }
    assert!(!inside);
    assert_eq!(plan, ok + not_ok);
    (ok, not_ok, skipped)
}

#[test]
fn tap_keeps_its_plan_and_tells_the_same_as_junit() {
    let records = records();
    let (elements, _) = elements(&junit(&both(&records), FailOn::Major));
    let of = |attribute: &str| elements[0].1[attribute].parse::<usize>().expect("a number");
    let (ok, not_ok, skipped) = tap_counts(&tap(&both(&records), FailOn::Major));
    assert_eq!(not_ok, of("failures") + of("errors"));
    assert_eq!((ok, skipped), (of("tests") - not_ok, of("skipped")));
    assert_eq!(tap(&[], FailOn::Major), "TAP version 14\n1..0\n");
}

/// Every line is one command; nothing in it can begin another or end a property.
fn assert_commands(text: &str) -> usize {
    for line in text.lines() {
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        let (head, _) =
            line.strip_prefix("::").and_then(|rest| rest.split_once("::")).expect("a command");
        let (level, properties) = head.split_once(' ').expect("properties");
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        for property in properties.split(',') {
            let (key, value) = property.split_once('=').expect("a property");
            assert!(["file", "line", "endLine", "title"].contains(&key), "{line}");
            assert!(!value.is_empty() && !value.contains(':'), "{line}");
        }
    }
    text.lines().count()
}

#[test]
fn github_gets_a_command_a_gap_the_heaviest_first() {
    let records = records();
    let text = github_annotations(&both(&records));
    let gaps: usize = records.iter().map(|record| record.gaps.len()).sum();
    // One more for the run that was cut short.
    assert_eq!(assert_commands(&text), gaps + 1);
    let rank =
        |line: &str| ["::error", "::warning", "::notice"].iter().position(|l| line.starts_with(l));
    let ranks: Vec<_> = text.lines().map(rank).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert!(
        text.contains("::warning file=docs/one page%3A 100%25.md,line=8,endLine=8,title="),
        "{text}"
    );
}

#[test]
fn the_summary_is_two_tables_that_hold() {
    let records = records();
    let text = github_summary(&both(&records));
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
    let columns = |line: &str| line.replace("\\|", "").matches('|').count() - 1;
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).map(columns).collect();
    let gaps: usize = records.iter().map(|record| record.gaps.len()).sum();
    assert_eq!(rows.len(), 4 + 2 + gaps, "{text}");
    assert!(rows[..4].iter().all(|columns| *columns == 3), "{text}");
    assert!(rows[4..].iter().all(|columns| *columns == 4), "{text}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_output_breaks_a_document(text: String) {
        let records = [hostile(&text), hostile(&format!("{text}\n{text}"))];
        let followed = both(&records);
        serde_json::from_str::<Value>(&sarif(&followed)).expect("SARIF is JSON");
        let xml = junit(&followed, FailOn::Minor);
        proptest::prop_assert!(xml.chars().all(is_xml));
        elements(&xml);
        tap_counts(&tap(&followed, FailOn::Minor));
        assert_commands(&github_annotations(&followed));
    }
}
