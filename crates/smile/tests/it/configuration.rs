//! `smile.json`, the environment and the flags, from weakest to strongest.

use crate::desk::Desk;

const PAGE: &str = "# A page\n\n```sh\necho \"<${FROM_HOST:-}>\"\n```\n";

#[test]
fn unknown_fields_warn_with_line_and_nearest_name_and_the_run_goes_on() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    desk.write(
        "smile.json",
        b"{\n  \"studentBehavior\": { \"patienceLevle\": \"low\" },\n  \"network\": \"none\"\n}",
    );
    let ran = desk.smile(&["run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stderr.contains(
            "warning: smile.json:2:24: there is no field `studentBehavior.patienceLevle`"
        ),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: did you mean `patienceLevel`?"), "{}", ran.stderr);
}

#[test]
fn flags_are_stronger_than_the_environment_and_that_than_the_file() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    desk.write("smile.json", br#"{ "persona": "default", "network": "host", "outputDir": "of-file", "formats": ["json"] }"#);
    let sandbox = |report: &str| {
        let report: serde_json::Value = serde_json::from_str(&desk.read(report)).unwrap();
        report["sandbox"].as_str().unwrap().to_owned()
    };
    assert_eq!(desk.smile(&["run"]).code, Some(0));
    assert!(sandbox("of-file/smile-report.json").contains("this machine's network"));
    assert!(!desk.path("of-file/smile-report.md").exists());

    let output = desk
        .command(&["run"])
        .env("SMILE_NETWORK", "none")
        .env("SMILE_OUTPUT_DIR", "of-env")
        .output();
    assert_eq!(output.unwrap().status.code(), Some(0));
    assert!(sandbox("of-env/smile-report.json").contains("no network"));

    let output = desk
        .command(&["run", "--network", "internet", "--output-dir", "of-flag"])
        .env("SMILE_NETWORK", "none")
        .output();
    assert_eq!(output.unwrap().status.code(), Some(0));
    assert!(sandbox("of-flag/smile-report.json").contains("internet"));
}

#[test]
fn a_configuration_above_the_tutorial_counts_and_its_paths_are_its_own() {
    let desk = Desk::new(&[("docs/deep/start.md", PAGE)]);
    desk.write(
        "smile.json",
        br#"{ "tutorial": "docs/deep/start.md", "outputDir": "out", "network": "none" }"#,
    );
    let mut command = desk.command(&["run", "--quiet"]);
    assert_eq!(command.current_dir(desk.path("docs")).status().unwrap().code(), Some(0));
    assert!(desk.path("out/smile-report.md").exists());
    assert!(desk.path(".smile/state.json").exists());
}

#[test]
fn host_variables_pass_by_name_only() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    let printed = |config: &str| {
        desk.write("smile.json", config.as_bytes());
        let ran =
            desk.command(&["run", "--network=none"]).env("FROM_HOST", "seen").output().unwrap();
        assert_eq!(ran.status.code(), Some(0));
        crate::desk::output(&desk.report(), "echo \"<${FROM_HOST:-}>\"")
    };
    assert_eq!(printed("{}").trim(), "<>");
    assert_eq!(printed(r#"{ "environment": { "pass": ["FROM_*"] } }"#).trim(), "<seen>");
}

#[test]
fn init_writes_a_start_that_runs_and_never_replaces_a_file_unasked() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    let ran = desk.smile(&["init"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(desk.smile(&["check", "--strict-config"]).code, Some(0));
    desk.write("smile.json", b"mine");
    let ran = desk.smile(&["init"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--force"), "{ran:?}");
    assert_eq!(desk.read("smile.json"), "mine");
    assert_eq!(desk.smile(&["init", "--force"]).code, Some(0));
    assert!(desk.read("smile.json").contains("\"tutorial\": \"tutorial.md\""));
}

#[test]
fn a_field_that_cannot_have_an_effect_says_so() {
    let desk = Desk::new(&[("tutorial.md", PAGE), ("smile.json", r#"{ "llmProvider": "Codex" }"#)]);
    let ran = desk.smile(&["check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("`llmProvider` has no effect"), "{}", ran.stderr);
}
