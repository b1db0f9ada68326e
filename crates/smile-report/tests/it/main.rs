//! What readers of reports see.

mod machine;

use smile_loop::{
    CommandEnd, FileChange, NetworkFact, Observation, Outcome, OutputText, RunHeader, RunRecord,
    RunStatus, SandboxFacts, StepOutcome, StepRecord,
};
use smile_tutorial::{Action, Finding, Kind, Severity, Tutorial, parse};

const PAGE: &str = r#"# Bake a cake

## Get ready

Go to the kitchen, where the recipe is:

```console
$ cd ~/kitchen
$ cat recipe.txt
Flour, sugar, eggs
```

## Bake

```console
$ oven --heat 180
The oven has 180 degrees.
$ echo "ready at last"
ready soon
$ serve-cake
```

Then open <http://localhost:8080/cake>. ![The cake](cake.png)
"#;

fn seen(end: CommandEnd, output: &str) -> Observation {
    Observation {
        end,
        output: OutputText {
            text: output.to_owned(),
            bytes_total: output.len() as u64,
            cut: false,
        },
        duration_ms: 12,
        cwd_before: "/root/work".to_owned(),
        cwd_after: "/root/work".to_owned(),
        pipe_status: Vec::new(),
        commands_not_found: Vec::new(),
        files: Vec::new(),
        listening: Vec::new(),
        prompts: Vec::new(),
        limited: None,
    }
}

fn exit(code: i32, output: &str) -> Observation {
    seen(CommandEnd::Exited { code }, output)
}

/// A record of the page with these observations, in the order of its steps.
fn record(tutorial: &Tutorial, status: RunStatus, observations: Vec<Observation>) -> RunRecord {
    let mut observations = observations.into_iter();
    let records = tutorial
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let observation = observations.next();
            let what = match &step.action {
                Action::Run(command) => command.text.clone(),
                Action::Visit { url } => format!("open {url}"),
                other => panic!("{other:?}"),
            };
            let outcome = match observation.as_ref().map(|seen| &seen.end) {
                None => StepOutcome::Skipped("the run was stopped before".to_owned()),
                Some(CommandEnd::Exited { code: 0 } | CommandEnd::MovedAside) => {
                    StepOutcome::Passed
                }
                Some(CommandEnd::Exited { code }) => {
                    StepOutcome::Failed(format!("exit code {code}"))
                }
                Some(other) => panic!("{other:?}"),
            };
            StepRecord {
                number: step.number,
                lines: step.lines,
                what,
                outcome,
                at_ms: 100 * at as u64,
                attempts: u32::from(observation.is_some()),
                observation,
                detour: None,
            }
        })
        .collect();
    let outcome = Outcome {
        status,
        detail: None,
        iterations: 1,
        facts: SandboxFacts {
            home: "/root".to_owned(),
            cwd: "/root/work".to_owned(),
            root: true,
            network: NetworkFact::Internet,
            ..SandboxFacts::default()
        },
        records,
        mentor_notes: Vec::new(),
    };
    let header = RunHeader {
        run_id: "20260101-000000-ab12".to_owned(),
        smile_version: "0.1.0".to_owned(),
        tutorial_sha256: "0123456789abcdef".repeat(4),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        duration_ms: 1_234,
        sandbox: "native, host system, root, internet".to_owned(),
        persona: "default".to_owned(),
        student: "literal".to_owned(),
        mentor: "none".to_owned(),
    };
    let image = Finding {
        kind: Kind::MissingImage,
        severity: Severity::Minor,
        locations: vec![tutorial.location(smile_tutorial::Lines::one(23))],
        problem: "the image `cake.png` is not there".to_owned(),
        suggestion: "add `cake.png` beside the page".to_owned(),
    };
    RunRecord::assemble(header, tutorial, outcome, &[image])
}

fn page() -> Tutorial {
    parse("cake.md", PAGE.as_bytes()).expect("a page")
}

fn troubled() -> (Tutorial, RunRecord) {
    let tutorial = page();
    let mut oven = exit(127, "\u{1b}[1mbash: oven: command not found\u{1b}[0m\r\n");
    oven.commands_not_found.push("oven".to_owned());
    let mut served = seen(CommandEnd::MovedAside, "```\nserving on 8080\u{7}\n```\r\n");
    served.listening.push(8080);
    served.files.push(FileChange {
        path: "/root/work/cake.log".to_owned(),
        what: "made".to_owned(),
        bytes: 7,
    });
    let record = record(
        &tutorial,
        RunStatus::Completed,
        vec![
            exit(1, "bash: cd: /root/kitchen: No such file or directory\r\n"),
            exit(1, "cat: recipe.txt: No such file or directory\r\n"),
            oven,
            exit(0, "ready at last\r\n"),
            served,
            exit(0, "HTTP 200\n<h1>Cake</h1>"),
        ],
    );
    (tutorial, record)
}

#[test]
fn the_report_of_a_troubled_page() {
    let (tutorial, record) = troubled();
    insta::assert_snapshot!(smile_report::markdown(&record, &tutorial));
}

#[test]
fn the_audit_log_of_a_troubled_page() {
    let (_, record) = troubled();
    insta::assert_snapshot!(smile_report::audit_log(&record));
}

#[test]
fn a_page_without_gaps_is_said_to_be_fine_only_if_it_was_finished() {
    let tutorial =
        parse("fine.md", b"# Fine\n\n```console\n$ true\n$ echo hi\nhi\n```\n").expect("a page");
    let fine = |status, observations| {
        let mut record = record(&tutorial, status, observations);
        record.gaps.clear();
        smile_report::verdict(&record)
    };
    let all = || vec![exit(0, ""), exit(0, "hi\r\n")];
    assert_eq!(fine(RunStatus::Completed, all()), "A newcomer gets through: no gaps found.");
    for status in [RunStatus::HarnessError, RunStatus::Stopped, RunStatus::Timeout] {
        let verdict = fine(status, vec![exit(0, "")]);
        assert!(!verdict.contains("gets through"), "{verdict}");
    }
    assert!(fine(RunStatus::Completed, Vec::new()).contains("nothing is known"));
}

#[test]
fn json_comes_back_as_it_went_and_its_schema_names_every_field() {
    let (_, record) = troubled();
    let text = smile_report::json(&record);
    let back: RunRecord = serde_json::from_str(&text).expect("our own JSON");
    assert_eq!(back, record);
    let value: serde_json::Value = serde_json::from_str(&text).expect("our own JSON");
    let schema = smile_report::json_schema();
    let properties = schema["properties"].as_object().expect("an object");
    for field in value.as_object().expect("an object").keys() {
        assert!(properties.contains_key(field), "{field}");
    }
    let first = &value["gaps"][0];
    for field in ["id", "kind", "severity", "location", "locations", "consequences", "problem"] {
        assert!(first.get(field).is_some(), "{field}");
    }
}

proptest::proptest! {
    #[test]
    fn hostile_output_never_breaks_the_report(text: String, code in 1..200_i32) {
        let tutorial = page();
        let record = record(&tutorial, RunStatus::Completed, vec![exit(code, &text), exit(code, &text)]);
        let report = smile_report::markdown(&record, &tutorial);
        proptest::prop_assert!(report.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        // Every fence that opens is closed by one of the same length before the next heading.
        let mut open: Option<usize> = None;
        for line in report.lines() {
            let ticks = line.len() - line.trim_start_matches('`').len();
            match open {
                Some(length) if ticks == length && line.len() == length => open = None,
                None if ticks >= 3 => open = Some(ticks),
                Some(_) | None => {}
            }
        }
        proptest::prop_assert_eq!(open, None);
        let log = smile_report::audit_log(&record);
        proptest::prop_assert!(log.chars().all(|c| !c.is_control() || c == '\n'));
    }
}
