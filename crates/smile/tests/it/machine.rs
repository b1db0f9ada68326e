//! Reports for other tools: one document over all tutorials, several formats at once.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;

use crate::desk::{Desk, Ran};

const GOOD: &str = "# Good\n\n```sh\ntrue\n```\n";
const BAD: &str = "# Bad\n\n```sh\ncat no-such-file\n```\n";

fn project() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The first block below a heading of `docs/ci.md`.
fn block(heading: &str) -> String {
    let page = std::fs::read_to_string(project().join("docs/ci.md")).unwrap();
    let below = page.split(heading).nth(1).unwrap();
    below.split("```").nth(1).unwrap().split_once('\n').unwrap().1.to_owned()
}

#[test]
fn several_tutorials_give_one_document_of_each_format() {
    let desk = Desk::new(&[("docs/a.md", GOOD), ("docs/deep/b.md", BAD)]);
    let mut command =
        desk.command(&["run", "docs", "--network", "none", "--format", "sarif,junit,tap,github"]);
    command.env("GITHUB_STEP_SUMMARY", desk.path("summary.md")).env("GITHUB_ACTIONS", "true");
    command.env("GITHUB_WORKSPACE", desk.path("docs"));
    desk.write("summary.md", b"Before.\n");
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let sarif: Value = serde_json::from_str(&desk.read("smile-report.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "deep/b.md");
    assert_eq!(place["region"]["startLine"], 4);
    let junit = desk.read("smile-report.junit.xml");
    assert!(junit.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{junit}");
    let tap = desk.read("smile-report.tap");
    assert!(tap.contains("\n1..2\n") && tap.contains("\nnot ok 2 - deep/b.md:4 "), "{tap}");
    let summary = desk.read("summary.md");
    assert!(summary.starts_with("Before.\n") && summary.contains("`deep/b.md`"), "{summary}");
    // What tutorials print is no command; ours come after.
    let lines: Vec<_> = ran.stdout.lines().collect();
    let token = lines[0].strip_prefix("::stop-commands::").unwrap();
    let on = lines.iter().position(|line| *line == format!("::{token}::")).unwrap();
    let at =
        lines.iter().position(|line| line.contains("file=deep/b.md,line=4,endLine=4,")).unwrap();
    assert!(on < at && lines.iter().any(|line| line.contains("cat no-such-file")), "{ran:?}");
}

#[test]
fn one_tutorial_and_its_kept_run_give_the_same_document() {
    let desk = Desk::new(&[("b.md", BAD)]);
    let ran = desk.smile(&["run", "b.md", "--network", "none", "--format", "md,tap,junit", "-q"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert_eq!(
        desk.files().into_iter().filter(|name| !name.starts_with(".smile/")).collect::<Vec<_>>(),
        [
            "b.md",
            "smile-audit.log",
            "smile-report.junit.xml",
            "smile-report.md",
            "smile-report.tap"
        ]
    );
    assert_eq!(desk.smile(&["report", "--format", "tap"]).stdout, desk.read("smile-report.tap"));
    let again = desk.smile(&["report", "--format", "junit"]).stdout;
    assert_eq!(again, desk.read("smile-report.junit.xml"));
    // With events on standard output, annotations go beside them.
    let ran = desk.smile(&["run", "b.md", "--network", "none", "--format", "github", "--json"]);
    assert!(ran.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{ran:?}");
    assert!(ran.stderr.starts_with("::"), "{ran:?}");
    // Two kept runs in one document.
    let runs = desk.smile(&["report", "--list"]).stdout;
    let ids: Vec<_> = runs.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let both = desk.smile(&["report", "--format", "tap", ids[0], ids[1]]);
    assert!(both.stdout.starts_with("TAP version 14\n1..2\n"), "{both:?}");
}

#[test]
fn the_workflow_of_the_docs_passes_on_the_docs() {
    let workflow = block("## GitHub Actions");
    let command =
        workflow.lines().find_map(|line| line.trim().strip_prefix("- run: smile ")).unwrap();
    let desk = Desk::new(&[]);
    let copied =
        Command::new("cp").arg("-r").arg(project().join("docs")).arg(desk.path("docs")).status();
    assert!(copied.unwrap().success());
    let ran = desk.smile(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let sarif: Value = serde_json::from_str(&desk.read("smile-report.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn the_hook_of_the_docs_stops_a_commit_that_breaks_a_page() {
    let desk = Desk::new(&[("start.md", "# Start\n\n![The end](no-such.png)\n")]);
    desk.write(".git-hook", block("## Before each commit").as_bytes());
    let hook = desk.path(".git-hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_smile")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=T", "-c", "user.email=t@example.org"]).args(arguments);
        command.current_dir(desk.path("")).env("PATH", &path).env("HOME", desk.path(""));
        Ran::from(command.output().unwrap())
    };
    assert_eq!(git(&["init", "-q"]).code, Some(0));
    std::fs::rename(hook, desk.path(".git/hooks/pre-commit")).unwrap();
    desk.write("fine.md", b"# Fine\n\n```sh\ntrue\n```\n");
    git(&["add", "fine.md"]);
    let fine = git(&["commit", "-q", "-m", "fine"]);
    assert_eq!(fine.code, Some(0), "{fine:?}");
    desk.write("stuck.md", b"# Stuck\n\n```sh\npython3 -m http.server\n```\n");
    git(&["add", "stuck.md"]);
    let stuck = git(&["commit", "-q", "-m", "stuck"]);
    assert_ne!(stuck.code, Some(0), "{stuck:?}");
    assert!(format!("{}{}", stuck.stdout, stuck.stderr).contains("stuck.md"), "{stuck:?}");
}
