//! What needs no sandbox, and what prints a kept run again.

use serde_json::Value;

use crate::desk::Desk;

const PAGE: &str = "# A page\n\nList the files:\n\n```console\n$ echo hello\nhello\n```\n";

#[test]
fn every_command_has_help_with_examples() {
    let desk = Desk::new(&[]);
    for command in ["run", "check", "explain", "report", "init", "doctor", "completions", "man"] {
        let ran = desk.smile(&[command, "--help"]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.contains("Examples:"), "{command}: {}", ran.stdout);
    }
    let ran = desk.smile(&["--help"]);
    assert!(ran.stdout.contains("Exit codes:") && !ran.stdout.contains("__s"), "{}", ran.stdout);
    let ran = desk.smile(&["chek"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("'check'"), "{}", ran.stderr);
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let desk = Desk::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = desk.smile(&["completions", shell]);
        assert!(ran.stdout.contains("explain"), "{shell}");
    }
    assert!(desk.smile(&["man"]).stdout.contains(".TH smile 1"));
    assert_eq!(desk.smile(&["man", "--output-dir", "man1"]).code, Some(0));
    assert!(desk.read("man1/smile-run.1").contains("stop\\-at\\-first"));
}

#[test]
fn explain_shows_each_block_with_role_and_reason() {
    let desk = Desk::new(&[("page.md", PAGE)]);
    let ran = desk.smile(&["explain", "page.md"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("5-8  session"), "{}", ran.stdout);
    assert!(ran.stdout.contains("run `echo hello`"), "{}", ran.stdout);
}

#[test]
fn check_reads_only_and_its_exit_code_follows_the_threshold() {
    let page = "# A page\n\n![shot](none.png)\n\n```sh\ntouch made-by-the-page\n```\n";
    let desk = Desk::new(&[("page.md", page)]);
    let ran = desk.smile(&["check", "page.md", "--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let finding = &found["pages"][0]["findings"][0];
    assert_eq!(
        (finding["kind"].as_str(), finding["locations"][0]["firstLine"].as_u64()),
        (Some("missing-image"), Some(3))
    );
    assert_eq!(desk.smile(&["check", "page.md", "--fail-on", "minor"]).code, Some(1));
    assert_eq!(desk.smile(&["check", "page.md", "--fail-on", "critical"]).code, Some(0));
    assert_eq!(desk.files(), ["page.md"]);
}

#[test]
fn a_kept_run_is_printed_again() {
    let desk = Desk::new(&[("page.md", PAGE)]);
    let ran = desk.smile(&["report"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("no kept run"), "{ran:?}");
    assert_eq!(desk.smile(&["run", "page.md", "--network=none", "--quiet"]).code, Some(0));
    assert_eq!(desk.smile(&["report"]).stdout, desk.read("smile-report.md"));
    assert_eq!(desk.smile(&["report", "--format", "json"]).stdout, desk.read("smile-report.json"));
    let list = desk.smile(&["report", "--list"]).stdout;
    let id = list.split_whitespace().next().unwrap();
    assert!(list.contains("completed") && list.contains("page.md"), "{list}");
    assert_eq!(desk.smile(&["report", &id[..15]]).stdout, desk.read("smile-report.md"));
    assert_eq!(desk.smile(&["report", "1999"]).code, Some(2));
}

#[test]
fn doctor_makes_a_sandbox_and_says_so() {
    let desk = Desk::new(&[]);
    let ran = desk.smile(&["doctor"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("sandbox") && ran.stdout.contains("made and removed"),
        "{}",
        ran.stdout
    );
    let ran = desk.smile(&["doctor", "--clean"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn events_are_json_lines_in_order() {
    let desk = Desk::new(&[("page.md", PAGE)]);
    let ran = desk.smile(&["run", "page.md", "--network=none", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let events: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "run_started",
            "sandbox_ready",
            "iteration_start",
            "step_started",
            "step_output",
            "step_finished",
            "loop_complete"
        ]
    );
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(events[6]["payload"]["exitCode"], 0);
}

#[test]
fn nothing_is_printed_where_nothing_is_wanted() {
    let desk = Desk::new(&[("page.md", PAGE)]);
    let ran = desk.smile(&["run", "page.md", "--network=none", "--quiet"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn plain_text_has_no_codes_in_it() {
    let desk = Desk::new(&[("page.md", PAGE)]);
    let ran = desk.smile(&["run", "page.md", "--network=none"]);
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    assert!(ran.stdout.contains("✓ 6  echo hello"), "{}", ran.stdout);
    assert!(ran.stdout.contains("smile-report.md"), "{}", ran.stdout);
}
