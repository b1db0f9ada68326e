//! Whatever programs print: no panic, no more gaps than failures, twice the same.

use proptest::prelude::*;
use smile_loop::{CommandEnd, FailOn, Settings, StepOutcome, exit_code};

use crate::stage::{Answer, facts, fails, failures, play, session};

fn commands() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "cd project",
        "mkdir site",
        "git init",
        "git commit -m x",
        "make",
        "cat a.txt | sort",
        "pip install x",
        "x build",
        "echo $NOBODY",
        "./run",
        "curl -o d http://x/",
        "sudo apt install y",
        "python a.py",
        "ls -l",
        "npm test",
        "export A=1",
        "touch b && cat b",
    ])
    .prop_map(str::to_owned)
}

fn outputs() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "bash: x: command not found\r\n",
            "cat: a.txt: No such file or directory\r\n",
            "fatal: not a git repository\r\n",
            "error: externally-managed-environment\r\n",
            "bash: cd: project: No such file or directory\r\n",
            "ok\r\n",
            "",
            "\u{1b}[31mError: bad\u{1b}[0m\r\n",
            "Permission denied\r\n",
            "curl: (6) Could not resolve host: x\r\n",
        ])
        .prop_map(str::to_owned),
    ]
}

fn answers() -> impl Strategy<Value = Answer> {
    (outputs(), 0..140_i32, 0..8_u8, any::<bool>()).prop_map(|(text, code, how, absent)| {
        let mut answer = fails(code, &text);
        answer.0.end = match how {
            0 => CommandEnd::MovedAside,
            1 => CommandEnd::Waiting,
            2 => CommandEnd::Silent { limit_s: 1 },
            3 => CommandEnd::ShellEnded { code },
            _ => CommandEnd::Exited { code },
        };
        if absent && code == 127 {
            answer.0.commands_not_found.push("x".to_owned());
        }
        answer
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_run_gives_a_sane_record(
        script in prop::collection::vec((commands(), outputs(), answers()), 1..12),
    ) {
        let steps: Vec<(String, String)> = script
            .iter()
            .map(|(command, shown, _)| {
                let shown: String = shown.chars().filter(|c| !c.is_control() && *c != '`').collect();
                (command.clone(), if shown.trim().is_empty() { String::new() } else { format!("{shown}\n") })
            })
            .collect();
        let steps: Vec<(&str, &str)> = steps.iter().map(|(c, o)| (c.as_str(), o.as_str())).collect();
        let text = session(&steps);
        let settings = || {
            let mut settings = Settings::default();
            settings.student.retries_max = 0;
            settings
        };
        let run = || {
            let mut next = script.iter().map(|(_, _, answer)| answer.clone()).cycle();
            play(&text, settings(), &facts(), |_| next.next().expect("endless"))
        };
        let record = run();
        prop_assert_eq!(&record, &run(), "the same twice");

        let complaints = failures(&record)
            + record.steps.iter().filter(|step| matches!(step.outcome, StepOutcome::Passed | StepOutcome::Skipped(_))).count();
        prop_assert!(record.gaps.len() <= complaints);
        let lines = u32::try_from(text.lines().count()).expect("a short page");
        for gap in &record.gaps {
            prop_assert!(!gap.locations.is_empty());
            prop_assert_eq!(&gap.location, &gap.locations[0]);
            prop_assert!(gap.location.first_line >= 1 && gap.location.last_line <= lines);
            prop_assert!(!gap.problem.is_empty() && !gap.suggestion.text.is_empty());
            prop_assert!(gap.evidence.iter().all(|e| e.output.len() <= 4_000));
        }
        let mut ids: Vec<&str> = record.gaps.iter().map(|gap| gap.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), record.gaps.len(), "ids are unique");
        prop_assert!(exit_code(&record, FailOn::Never) == 0);
        prop_assert!(exit_code(&record, FailOn::Minor) == u8::from(!record.gaps.is_empty()));
    }
}

#[test]
fn a_long_page_that_fails_throughout_is_sorted_in_reasonable_time() {
    let commands: Vec<String> = (0..300).map(|n| format!("cat notes-{n}.txt")).collect();
    let steps: Vec<(&str, &str)> =
        commands.iter().map(|command| (command.as_str(), "one\n")).collect();
    let noise = "a line of a long build log with nothing in it\r\n".repeat(60);
    let record = play(&session(&steps), Settings::default(), &facts(), |text| {
        let name = text.trim_start_matches("cat ");
        fails(1, &format!("{noise}cat: {name}: No such file or directory\r\n"))
    });
    assert_eq!(record.gaps.len(), 1, "files from nowhere have one reason");
    assert_eq!(record.gaps[0].locations.len(), 300);
}
