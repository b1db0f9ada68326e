//! The sample tutorials: every planted gap at its line, nothing else; as whoever runs the tests, as
//! an ordinary user, and on a machine without any network.

use std::path::Path;

use serde_json::Value;

use crate::desk::{As, Desk};

fn example(name: &str) -> (String, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let page = std::fs::read_to_string(folder.join("tutorial.md")).unwrap();
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    (page, serde_json::from_str(&expected).unwrap())
}

fn check(name: &str, user: As) {
    let (page, expected) = example(name);
    let desk = Desk::of(user, &[("tutorial.md", &page)]);
    let ran = desk.smile(&["run"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = desk.report();
    assert_eq!(report["status"], "completed", "{ran:?}");
    let found: Vec<_> = report["gaps"].as_array().unwrap().iter().collect();
    let planted: Vec<_> = expected["gaps"].as_array().unwrap().iter().collect();
    let covers = |gap: &Value, line: u64| {
        let places = gap["locations"].as_array().unwrap();
        places.iter().any(|place| {
            (place["firstLine"].as_u64().unwrap()..=place["lastLine"].as_u64().unwrap())
                .contains(&line)
        })
    };
    let fits = |gap: &Value, plant: &Value| {
        let kinds = plant["otherKinds"].as_array().into_iter().flatten().chain([&plant["kind"]]);
        covers(gap, plant["line"].as_u64().unwrap())
            && kinds.into_iter().any(|kind| *kind == gap["kind"])
    };
    let show = |gap: &Value| {
        format!("{} {} {}", gap["location"]["firstLine"], gap["kind"], gap["problem"])
    };
    let missed: Vec<_> = planted
        .iter()
        .filter(|plant| !found.iter().any(|gap| fits(gap, plant)))
        .map(|plant| format!("{} {} {}", plant["line"], plant["kind"], plant["why"]))
        .collect();
    let extra: Vec<_> = found
        .iter()
        .filter(|gap| !planted.iter().any(|plant| fits(gap, plant)))
        .map(|gap| show(gap))
        .collect();
    assert!(
        missed.is_empty() && extra.is_empty(),
        "{name} as {user:?}\nmissed: {missed:#?}\nnothing to complain of: {extra:#?}"
    );
}

#[test]
fn the_first_sample() {
    check("todo-list", As::Me);
}

#[test]
fn the_first_sample_as_an_ordinary_user() {
    check("todo-list", As::Ordinary);
}

#[test]
fn the_first_sample_without_any_network() {
    check("todo-list", As::WithoutNetwork);
}

#[test]
fn the_second_sample() {
    check("web-notes", As::Me);
}

#[test]
fn the_second_sample_as_an_ordinary_user() {
    check("web-notes", As::Ordinary);
}

#[test]
fn the_second_sample_without_any_network() {
    check("web-notes", As::WithoutNetwork);
}
