//! The machine is total: each state takes each signal or refuses it by name.

use std::num::NonZeroU32;

use smile_loop::{
    Effect, Event, Machine, Mentor, MentorAnswer, Order, RunStatus, Settings, Signal, State,
    StepOutcome,
};

use crate::stage::{facts, fails, ok, page, session};

const STATES: [State; 7] = [
    State::Starting,
    State::RunningStudent { iteration: 1 },
    State::WaitingForStudent { iteration: 1 },
    State::RunningMentor { iteration: 1 },
    State::WaitingForMentor { iteration: 1 },
    State::Finished(RunStatus::Completed),
    State::Finished(RunStatus::Stopped),
];
const SIGNALS: [Signal; 13] = [
    Signal::SandboxReady,
    Signal::SandboxFailed,
    Signal::StudentReady,
    Signal::StudentGoesOn,
    Signal::StudentDone,
    Signal::StudentAsks,
    Signal::StudentGivesUp,
    Signal::MentorStarted,
    Signal::MentorHelped,
    Signal::MentorHelpless,
    Signal::Stop,
    Signal::TimeUp,
    Signal::Trouble,
];

#[test]
fn every_state_places_every_signal() {
    let many = NonZeroU32::new(2).expect("two");
    let mut legal = Vec::new();
    for state in STATES {
        for signal in SIGNALS {
            match state.next(signal, many) {
                Ok((next, order)) => {
                    if let State::Finished(status) = state {
                        assert_eq!((next, order), (State::Finished(status), Order::Wait));
                        continue;
                    }
                    let ended = matches!(next, State::Finished(_));
                    assert_eq!(ended, order == Order::Finish, "{state:?} {signal:?}");
                    legal.push((state, signal));
                }
                Err(error) => {
                    assert_eq!((error.state, error.signal), (state, signal));
                    assert!(!matches!(signal, Signal::Stop | Signal::TimeUp | Signal::Trouble));
                }
            }
        }
    }
    // Five unfinished states take stop, time-out and trouble; the rest are the ways of the loop.
    assert_eq!(legal.len(), 5 * 3 + 12);
}

#[test]
fn helped_too_often_is_the_limit() {
    let one = NonZeroU32::MIN;
    let state = State::WaitingForMentor { iteration: 1 };
    assert_eq!(
        state.next(Signal::MentorHelped, one),
        Ok((State::Finished(RunStatus::MaxIterations), Order::Finish))
    );
    assert_eq!(
        state.next(Signal::MentorHelped, NonZeroU32::new(2).expect("two")),
        Ok((State::RunningStudent { iteration: 2 }, Order::Reset))
    );
}

/// A machine whose first command is under way.
fn at_work(settings: Settings) -> Machine {
    let (mut machine, effects) =
        Machine::new(page(&session(&[("one", ""), ("two", "")])), settings);
    assert_eq!(effects, [Effect::CreateSandbox]);
    machine.on(0, Event::SandboxReady { facts: facts() }).expect("asked for");
    let effects = machine.on(1, Event::SessionOpened).expect("asked for");
    assert!(matches!(&effects[..], [Effect::Inspect { programs }] if programs == &["one", "two"]));
    machine
        .on(2, Event::Inspected { present: std::collections::BTreeSet::new() })
        .expect("asked for");
    assert_eq!(machine.state(), State::WaitingForStudent { iteration: 1 });
    machine
}

#[test]
fn stop_and_time_up_end_at_once_and_late_answers_do_no_harm() {
    for (event, status) in [
        (Event::StopRequested, RunStatus::Stopped),
        (Event::TimeUp, RunStatus::Timeout),
        (
            Event::HarnessTrouble { reason: "the engine is gone".to_owned() },
            RunStatus::HarnessError,
        ),
    ] {
        let mut machine = at_work(Settings::default());
        assert_eq!(machine.on(3, event), Ok(vec![Effect::Finish(status)]));
        let late = Event::ActionDone { observation: ok().0 };
        assert_eq!(machine.on(4, late), Ok(Vec::new()));
        assert_eq!(machine.on(5, Event::StopRequested), Ok(Vec::new()));
        let outcome = machine.into_outcome();
        assert_eq!(outcome.status, status);
        assert!(outcome.detail.is_some());
        assert_eq!(outcome.records.len(), 2);
        assert!(outcome.records.iter().all(|r| matches!(r.outcome, StepOutcome::Skipped(_))));
    }
}

#[test]
fn an_answer_to_nothing_is_refused_and_changes_nothing() {
    let mut machine = at_work(Settings::default());
    for event in [
        Event::FileRead { content: None },
        Event::FileWritten { path: "x".to_owned(), existed: false, bytes: 0 },
        Event::Visited { status: 200, body: String::new() },
        Event::SessionOpened,
        Event::MentorStarted,
        Event::SandboxReady { facts: facts() },
    ] {
        let state = machine.state();
        assert!(machine.on(3, event.clone()).is_err(), "{event:?}");
        assert_eq!(machine.state(), state);
    }
    assert!(machine.on(4, Event::ActionDone { observation: ok().0 }).is_ok());
}

#[test]
fn a_sandbox_that_cannot_be_made_is_the_tools_trouble() {
    let (mut machine, _) = Machine::new(page("# Nothing\n"), Settings::default());
    let effects = machine.on(0, Event::SandboxFailed { reason: "no namespaces".to_owned() });
    assert_eq!(effects, Ok(vec![Effect::Finish(RunStatus::HarnessError)]));
    assert_eq!(machine.into_outcome().detail.as_deref(), Some("no namespaces"));
}

#[test]
fn a_mentor_is_asked_helps_and_the_student_begins_again() {
    let settings = Settings { mentor: Mentor::Asked, ..Settings::default() };
    let mut machine = at_work(settings);
    let effects =
        machine.on(3, Event::ActionDone { observation: fails(1, "no\n").0 }).expect("asked for");
    assert!(matches!(effects.last(), Some(Effect::AskMentor { step: 1, .. })), "{effects:?}");
    assert_eq!(machine.on(4, Event::MentorStarted), Ok(Vec::new()));
    let answer = MentorAnswer::Notes(vec!["install it first".to_owned()]);
    assert_eq!(machine.on(5, Event::MentorAnswered { answer }), Ok(vec![Effect::ResetSandbox]));
    assert_eq!(machine.state(), State::RunningStudent { iteration: 2 });
    assert_eq!(machine.notes(), ["install it first"]);
    let effects = machine.on(6, Event::SandboxReady { facts: facts() });
    assert_eq!(effects, Ok(vec![Effect::OpenSession]));
    assert!(machine.records().is_empty(), "a learner who begins again");
}

#[test]
fn a_helpless_mentor_lets_the_student_go_on() {
    let settings = Settings { mentor: Mentor::Asked, ..Settings::default() };
    let mut machine = at_work(settings);
    machine.on(3, Event::ActionDone { observation: fails(1, "no\n").0 }).expect("asked for");
    machine.on(4, Event::MentorStarted).expect("asked for");
    let answer = MentorAnswer::Unresolvable;
    let effects = machine.on(5, Event::MentorAnswered { answer }).expect("asked for");
    assert!(
        effects.iter().any(|e| matches!(e, Effect::Perform(p) if p.text == "two")),
        "{effects:?}"
    );
    let effects = machine.on(6, Event::ActionDone { observation: ok().0 }).expect("asked for");
    assert_eq!(effects.last(), Some(&Effect::Finish(RunStatus::Completed)));
}
