use smile_tutorial::{Expected, Lines, Match};

use super::*;
use crate::{NetworkFact, OutputText, Prompt};

fn seen(code: i32, output: &str) -> Observation {
    Observation {
        end: CommandEnd::Exited { code },
        output: OutputText {
            text: output.to_owned(),
            bytes_total: output.len() as u64,
            cut: false,
        },
        duration_ms: 1,
        cwd_before: "/root/work".to_owned(),
        cwd_after: "/root/work".to_owned(),
        pipe_status: vec![code],
        commands_not_found: Vec::new(),
        files: Vec::new(),
        listening: Vec::new(),
        prompts: Vec::new(),
        limited: None,
    }
}

fn shows(text: &str, output: &str) -> Command {
    Command {
        text: text.to_owned(),
        expected: Some(Expected {
            text: output.to_owned(),
            lines: Lines::one(2),
            matching: Match::Whole,
        }),
        ..Command::default()
    }
}

fn run(text: &str) -> Command {
    Command { text: text.to_owned(), ..Command::default() }
}

fn facts(network: NetworkFact) -> SandboxFacts {
    SandboxFacts {
        home: "/root".to_owned(),
        cwd: "/root/work".to_owned(),
        network,
        ..SandboxFacts::default()
    }
}

#[track_caller]
fn check(command: &Command, observation: &Observation, verdict: &str) {
    let judgement = judge_command(command, observation, &facts(NetworkFact::Internet));
    let found = match (&judgement.outcome, &judgement.complaint) {
        (StepOutcome::Passed, None) => "passed",
        (StepOutcome::Passed, Some(Complaint::LongRunning)) => "serves",
        (StepOutcome::FailedAsShown, None) => "as shown",
        (StepOutcome::SandboxLimited(_), _) => "limited",
        (StepOutcome::Skipped(_), _) => "skipped",
        (StepOutcome::Failed(_), Some(complaint)) => match complaint {
            Complaint::Failed => "failed",
            Complaint::Mismatch(_) => "mismatch",
            Complaint::PartFailed => "part failed",
            Complaint::EmptyDownload(_) => "empty",
            Complaint::LongRunning => "hangs",
            Complaint::Unanswered(_) => "unanswered",
            Complaint::DidNotFail => "did not fail",
            Complaint::ShellEnded => "shell ended",
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(found, verdict, "{command:?}");
}

#[test]
fn exit_codes_are_read_as_people_do() {
    check(&run("true"), &seen(0, ""), "passed");
    check(&run("make"), &seen(2, "make: *** [all] Error 1\n"), "failed");
    check(&run("grep -c draft x"), &seen(1, "0\n"), "passed");
    check(&run("diff a b"), &seen(1, "1c1\n< a\n---\n> b\n"), "passed");
    check(&run("yes | head -1"), &seen(141, "y\n"), "passed");
    check(&Command { exit: Some(3), ..run("x") }, &seen(3, ""), "passed");
    check(&Command { exit: Some(3), ..run("x") }, &seen(0, ""), "failed");
}

#[test]
fn failures_on_purpose_are_promises_kept() {
    let error = "rm: cannot remove 'thesis': Is a directory";
    check(&shows("rm thesis", error), &seen(1, &format!("{error}\r\n")), "as shown");
    check(
        &shows("rm thesis", "rm: thesis: is a directory"),
        &seen(1, &format!("{error}\n")),
        "failed",
    );
    let shown = "error: cannot remove thesis: Is a directory";
    check(
        &shows("rm thesis", shown),
        &seen(1, "error: cannot remove 'thesis': Is a directory\n"),
        "as shown",
    );
    let meant =
        Command { expected_failure: Some("the text says so".to_owned()), ..run("git commit") };
    check(&meant, &seen(1, "nothing to commit\n"), "as shown");
    check(&meant, &seen(0, "[main 1] x\n"), "did not fail");
    let absent = Observation {
        commands_not_found: vec!["git".to_owned()],
        ..seen(127, "bash: git: command not found\n")
    };
    check(&meant, &absent, "failed");
}

#[test]
fn success_may_hide_a_failure() {
    let piped = Observation {
        pipe_status: vec![1, 0, 0],
        ..seen(0, "cat: 'archive/*.txt': No such file or directory\n")
    };
    check(&run("cat archive/*.txt | sort | uniq -c > chores.txt"), &piped, "part failed");
    let absent = Observation {
        commands_not_found: vec!["rg".to_owned()],
        ..seen(0, "bash: rg: command not found\n")
    };
    check(&run("rg x | head"), &absent, "part failed");
    check(
        &run("cd nowhere; ls"),
        &seen(0, "bash: cd: nowhere: No such file or directory\na\n"),
        "part failed",
    );
    check(&run("cat notes"), &seen(0, "sh: x: No such file or directory\n"), "passed");
    check(&run("x || true"), &seen(0, "x: No such file or directory\n"), "passed");
    let empty = Observation {
        files: vec![crate::FileChange {
            path: "/root/work/d.json".to_owned(),
            what: "made".to_owned(),
            bytes: 0,
        }],
        ..seen(0, "")
    };
    check(&run("curl -s http://x/ > d.json"), &empty, "empty");
    check(&run("touch d.json"), &empty, "passed");
}

#[test]
fn ends_that_are_none() {
    let aside = Observation { end: CommandEnd::MovedAside, listening: vec![8000], ..seen(0, "") };
    check(&run("serve"), &aside, "serves");
    check(&Command { keeps_running: Some("Ctrl+C".to_owned()), ..run("serve") }, &aside, "passed");
    let waiting = Observation { end: CommandEnd::Waiting, ..seen(0, "Name? ") };
    check(&run("ask"), &waiting, "unanswered");
    let silent = Observation { end: CommandEnd::Silent { limit_s: 60 }, ..seen(0, "") };
    check(&run("sleep 1d"), &silent, "hangs");
    let ended = Observation { end: CommandEnd::ShellEnded { code: 1 }, ..seen(0, "") };
    check(&run("exit"), &ended, "passed");
    check(&run("set -e; false"), &ended, "shell ended");
    check(&run("x"), &Observation { end: CommandEnd::Stopped, ..seen(0, "") }, "skipped");
    check(
        &run("x"),
        &Observation { limited: Some("memory".to_owned()), ..seen(137, "") },
        "limited",
    );
    let default = Observation {
        prompts: vec![Prompt { question: "Name?".to_owned(), answer: Some("\n".to_owned()) }],
        ..seen(1, "Name?\nneeds a name\n")
    };
    check(&run("archive"), &default, "unanswered");
}

#[test]
fn no_network_on_purpose_says_nothing_about_the_page() {
    let observation = seen(6, "curl: (6) Could not resolve host: example.org\n");
    let offline =
        judge_command(&run("curl https://example.org"), &observation, &facts(NetworkFact::None));
    assert!(matches!(offline.outcome, StepOutcome::SandboxLimited(_)));
    assert!(!offline.transient, "waiting brings no network");
    let online = judge_command(
        &run("curl https://example.org"),
        &observation,
        &facts(NetworkFact::Internet),
    );
    assert!(matches!(online.outcome, StepOutcome::Failed(_)));
    assert!(online.transient);
}

#[test]
fn stand_ins_that_the_shell_would_misread() {
    let with =
        |text: &str, name: &str| Command { placeholders: vec![name.to_owned()], ..run(text) };
    assert!(stand_in(&with("ssh <host>", "<host>")).is_some());
    assert!(stand_in(&with("cp a ____/b", "____")).is_some());
    assert!(stand_in(&with("git config user.name 'YOUR NAME'", "YOUR NAME")).is_none());
    assert!(stand_in(&with("echo '<host>'", "<host>")).is_none());
}

proptest::proptest! {
    #[test]
    fn judging_never_panics(text: String, output: String, shown in "[ -~\n]{0,60}", code in 0..256) {
        let command = shows(&text, &shown);
        let _ = judge_command(&command, &seen(code, &output), &facts(NetworkFact::None));
    }
}
