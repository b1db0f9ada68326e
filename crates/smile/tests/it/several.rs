//! Folders and patterns: a report each, an index, one exit code.

use serde_json::Value;

use crate::desk::Desk;

const GOOD: &str = "# Good\n\n```sh\ntrue\n```\n";
const BAD: &str = "# Bad\n\n```sh\ncat no-such-file\n```\n";

#[test]
fn a_folder_gives_a_report_each_an_index_and_one_exit_code() {
    let desk = Desk::new(&[
        ("docs/a.md", GOOD),
        ("docs/deep/b.md", BAD),
        ("docs/prose.md", "# Prose\n\nOnly words.\n"),
        ("docs/.smileignore", "drafts/\n"),
        ("docs/drafts/d.md", BAD),
    ]);
    let ran = desk.smile(&["run", "docs", "--network", "none"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for file in ["docs/a.md", "docs/a.json", "docs/a.audit.log", "docs/deep/b.json", "index.md"] {
        assert!(desk.path(&format!("smile-report/{file}")).exists(), "{file}");
    }
    assert!(!desk.path("smile-report/docs/drafts").exists());
    let index: Value = serde_json::from_str(&desk.read("smile-report/index.json")).unwrap();
    let rows: Vec<_> = index["tutorials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!("{} {} {}", row["tutorial"].as_str().unwrap(), row["exitCode"], row["gaps"])
        })
        .collect();
    assert_eq!(rows, ["docs/a.md 0 0", "docs/deep/b.md 1 1", "docs/prose.md 0 null"]);
    assert!(desk.read("smile-report/index.md").contains("[docs/deep/b.md](<docs/deep/b.md>)"));

    // Its own reports are no tutorials, and a second time gives the same.
    let again = desk.smile(&["run", ".", "--network", "none", "--fail-on", "never"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let index: Value = serde_json::from_str(&desk.read("smile-report/index.json")).unwrap();
    assert_eq!(index["tutorials"].as_array().unwrap().len(), 3);
}
