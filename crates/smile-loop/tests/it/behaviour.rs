//! Every setting of the student changes what it does.

use std::time::Duration;

use smile_loop::{
    CommandEnd, Effect, Event, GoingOn, Machine, Patience, RunStatus, Settings, StepOutcome,
    StudentBehavior, Trigger,
};

use crate::stage::{Answer, facts, fails, missing, ok, page, play, prints, session};

fn stopping(student: StudentBehavior) -> Settings {
    Settings { student, going_on: GoingOn::StopAtFirst, ..Settings::default() }
}

fn status(student: StudentBehavior, sandbox: impl FnMut(&str) -> Answer) -> RunStatus {
    play(&session(&[("one", ""), ("two", "")]), stopping(student), &facts(), sandbox).status
}

#[test]
fn each_ask_on_decides_where_a_reader_stops() {
    let all = StudentBehavior::default;
    let lacking = |text: &str| if text == "one" { missing("one") } else { ok() };
    assert_eq!(status(all(), lacking), RunStatus::Blocker);
    assert_eq!(
        status(StudentBehavior { ask_on_missing_dependency: false, ..all() }, lacking),
        RunStatus::Completed
    );

    let failing = |text: &str| if text == "one" { fails(3, "no luck\n") } else { ok() };
    assert_eq!(status(all(), failing), RunStatus::Blocker);
    assert_eq!(
        status(StudentBehavior { ask_on_command_failure: false, ..all() }, failing),
        RunStatus::Completed
    );

    let hanging = |text: &str| {
        if text == "one" { ok().end(CommandEnd::OverTime { limit_s: 9 }) } else { ok() }
    };
    assert_eq!(status(all(), hanging), RunStatus::Blocker);
    assert_eq!(
        status(StudentBehavior { ask_on_timeout: false, ..all() }, hanging),
        RunStatus::Completed
    );

    assert!(
        !StudentBehavior { ask_on_ambiguous_instruction: false, ..all() }
            .asks(Trigger::AmbiguousInstruction)
    );
}

#[test]
fn who_stops_leaves_the_rest_with_a_reason() {
    let record = play(
        &session(&[("one", ""), ("two", "")]),
        stopping(StudentBehavior::default()),
        &facts(),
        |_| fails(1, "x\n"),
    );
    assert_eq!(record.status, RunStatus::Blocker);
    assert!(record.status_detail.as_ref().is_some_and(|detail| detail.contains("line 6")));
    assert!(
        matches!(&record.steps[1].outcome, StepOutcome::Skipped(why) if why.contains("stopped before"))
    );
}

#[test]
fn only_what_may_pass_by_itself_is_repeated() {
    let count = |retries_max: u32, output: &str| {
        let mut tries = 0;
        let settings = Settings {
            student: StudentBehavior { retries_max, ..StudentBehavior::default() },
            ..Settings::default()
        };
        let record = play(&session(&[("fetch", "")]), settings, &facts(), |_| {
            tries += 1;
            fails(100, output)
        });
        assert_eq!(record.steps[0].attempts, tries);
        tries
    };
    let lock = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7\n";
    assert_eq!(count(3, lock), 4);
    assert_eq!(count(0, lock), 1);
    assert_eq!(count(3, "some error of its own\n"), 1);
}

#[test]
fn a_failure_that_passes_is_none() {
    let mut tries = 0;
    let record = play(&session(&[("fetch", "")]), Settings::default(), &facts(), |_| {
        tries += 1;
        if tries < 3 {
            fails(6, "curl: (6) Could not resolve host: example.org\n")
        } else {
            prints("there\n")
        }
    });
    assert_eq!((record.gaps.len(), record.steps[0].attempts), (0, 3));
}

/// The first command's limits, as the driver gets them.
fn limits(student: StudentBehavior) -> (Duration, Duration, Duration) {
    let settings = Settings { student, ..Settings::default() };
    let (mut machine, _) = Machine::new(page(&session(&[("one", "")])), settings);
    let mut effects = machine.on(0, Event::SandboxReady { facts: facts() }).expect("asked for");
    for _ in 0..3 {
        for effect in &effects {
            if let Effect::Perform(perform) = effect {
                return (perform.silence, perform.limit, perform.after);
            }
        }
        let event = match effects.last() {
            Some(Effect::Inspect { .. }) => {
                Event::Inspected { present: std::collections::BTreeSet::new() }
            }
            _ => Event::SessionOpened,
        };
        effects = machine.on(1, event).expect("asked for");
    }
    panic!("no command");
}

#[test]
fn patience_stretches_silence() {
    let with = |patience| StudentBehavior {
        patience,
        silence_limit: Duration::from_secs(10),
        ..StudentBehavior::default()
    };
    assert_eq!(limits(with(Patience::Low)).0, Duration::from_secs(10));
    assert_eq!(limits(with(Patience::Medium)).0, Duration::from_secs(20));
    assert_eq!(limits(with(Patience::High)).0, Duration::from_secs(40));
    assert_eq!(limits(with(Patience::Low)).1, Duration::from_mins(10));
    assert_eq!(limits(with(Patience::Low)).2, Duration::ZERO);
}
