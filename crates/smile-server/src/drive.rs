//! The thin driver around the pure loop: one owner, which performs one effect at a time and in
//! which stop and time-out take effect while work is under way.

use std::{sync::Arc, time::Duration};

use smile_loop::{Effect, Event, IllegalTransition, Machine, Outcome, Settings, State};
use smile_tutorial::Tutorial;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    hands::{Hands, answer},
    journal::{Entry, Journal, KeepError},
    watch::{self, Watcher},
};

/// Why a run could not be carried to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The journal could not be written; without it nothing may go on.
    #[error("the run could not be recorded")]
    Keep(#[source] KeepError),
    /// A mistake in SMILE itself.
    #[error("the loop was driven wrongly; this is a defect of smile")]
    Illegal(#[source] IllegalTransition),
}

/// What the driver works with.
#[derive(Debug)]
pub(crate) struct Drive<'a> {
    pub(crate) tutorial: Arc<Tutorial>,
    pub(crate) settings: Settings,
    /// The whole run's time.
    pub(crate) timeout: Duration,
    pub(crate) journal: &'a mut Journal,
    pub(crate) watcher: &'a mut Watcher,
    pub(crate) cancel: CancellationToken,
    pub(crate) started: Instant,
}

impl Drive<'_> {
    /// Follows the tutorial with `hands` to a defined end. The sandbox is gone afterwards, also
    /// when this fails.
    pub(crate) async fn run(mut self, hands: &mut impl Hands) -> Result<Outcome, DriveError> {
        let outcome = self.follow(hands).await;
        hands.remove().await;
        outcome
    }

    async fn follow(&mut self, hands: &mut impl Hands) -> Result<Outcome, DriveError> {
        let deadline = self.started + self.timeout;
        let (mut machine, mut effects) = Machine::new(self.tutorial.clone(), self.settings.clone());
        loop {
            let Some(effect) = self.tell_and_keep(&machine, effects).await? else {
                return Ok(machine.into_outcome());
            };
            let event = tokio::select! {
                biased; // Stop first, then the run's own limit, then what was asked for.
                () = self.cancel.cancelled() => Event::StopRequested,
                () = sleep_until(deadline) => Event::TimeUp,
                event = answer(hands, effect, self.watcher) => event,
            };
            effects = machine.on(self.now_ms(), event).map_err(DriveError::Illegal)?;
        }
    }

    /// Writes down what is decided, tells it, and gives the effect that is to be performed; none
    /// when the run is over. Nothing is performed before the journal is synced.
    async fn tell_and_keep(
        &mut self,
        machine: &Machine,
        effects: Vec<Effect>,
    ) -> Result<Option<Effect>, DriveError> {
        let at_ms = self.now_ms();
        let mut awaited = None;
        for effect in effects {
            match effect {
                Effect::StepStarted { step, line, what } => {
                    self.journal.note(&Entry::StepStarted { at_ms, step, line, what: &what });
                    self.watcher.tell(watch::Event::StepStarted { step, line, what }).await;
                }
                Effect::StepFinished(record) => {
                    self.journal.note(&Entry::StepFinished { at_ms, record: &record });
                    self.watcher.tell(watch::Event::StepFinished(record)).await;
                }
                Effect::Finish(_) => awaited = None,
                Effect::OpenSession => {
                    if let State::RunningStudent { iteration } = machine.state() {
                        self.watcher.tell(watch::Event::IterationStart { iteration }).await;
                    }
                    awaited = Some(Effect::OpenSession);
                }
                effect => awaited = Some(effect),
            }
        }
        self.journal.transition(at_ms, machine.state()).await.map_err(DriveError::Keep)?;
        Ok(awaited.filter(|_| !matches!(machine.state(), State::Finished(_))))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use smile_loop::{CommandEnd, Observation, OutputText, Perform, RunStatus, SandboxFacts};
    use smile_tutorial::{Action, Command, Lines, Step};

    use super::*;
    use crate::{
        Kept, Owner, RunState, Watched,
        hands::{Seen, Trouble, Written},
        workshop::Described,
    };

    /// Every command ends at once with 0, but `hang` never and `break` with the tool's trouble.
    #[derive(Default)]
    struct Fake {
        typed: Vec<String>,
        removed: u32,
        no_sandbox: bool,
    }

    impl Hands for Fake {
        async fn create(&mut self) -> Result<SandboxFacts, Trouble> {
            if self.no_sandbox {
                return Err(Trouble("no namespaces".to_owned()));
            }
            Ok(SandboxFacts::default())
        }
        fn described(&self) -> Option<Described> {
            None
        }
        async fn open_session(&mut self) -> Result<(), Trouble> {
            Ok(())
        }
        async fn inspect(&mut self, programs: Vec<String>) -> Result<BTreeSet<String>, Trouble> {
            Ok(programs.into_iter().collect())
        }
        async fn perform(
            &mut self,
            perform: Perform,
            mut output: impl FnMut(&[u8]) + Send,
        ) -> Result<Observation, Trouble> {
            self.typed.push(perform.text.clone());
            output(b"some\n");
            match perform.text.as_str() {
                "hang" => std::future::pending().await,
                "break" => Err(Trouble("the guest is gone".to_owned())),
                _ => Ok(Observation {
                    end: CommandEnd::Exited { code: 0 },
                    output: OutputText::default(),
                    duration_ms: 1,
                    cwd_before: "/root/work".to_owned(),
                    cwd_after: "/root/work".to_owned(),
                    pipe_status: vec![0],
                    commands_not_found: Vec::new(),
                    files: Vec::new(),
                    listening: Vec::new(),
                    prompts: Vec::new(),
                    limited: None,
                }),
            }
        }
        async fn write(&mut self, path: String, _: String, _: bool) -> Result<Written, Trouble> {
            Ok(Written::Done { path, existed: false, bytes: 0 })
        }
        async fn read(&mut self, _: String) -> Result<Option<String>, Trouble> {
            Ok(None)
        }
        async fn visit(&mut self, _: String, _: Duration) -> Result<Seen, Trouble> {
            Ok(Seen::Nothing("nobody listens".to_owned()))
        }
        async fn remove(&mut self) {
            self.removed += 1;
        }
    }

    fn tutorial(commands: &[&str]) -> Arc<Tutorial> {
        let steps = commands
            .iter()
            .zip(1..)
            .map(|(text, number)| Step {
                number,
                lines: Lines::one(number),
                headings: Vec::new(),
                block: None,
                action: Action::Run(Command { text: (*text).to_owned(), ..Command::default() }),
                why: String::new(),
            })
            .collect();
        Arc::new(Tutorial { file: "t.md".to_owned(), steps, ..empty() })
    }

    fn empty() -> Tutorial {
        smile_tutorial::parse("t.md", b"# T\n").unwrap()
    }

    struct Run {
        outcome: Outcome,
        fake: Fake,
        events: Vec<&'static str>,
        journal: String,
        took: Duration,
    }

    /// Drives a tutorial on paused time; stops it after `stop_after`, where given.
    async fn drive(commands: &[&str], mut fake: Fake, stop_after: Option<Duration>) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path().join("state.json"));
        let state = RunState {
            version: 1,
            run_id: "r".to_owned(),
            tutorial: "t.md".to_owned(),
            persona: "default".to_owned(),
            state: String::new(),
            status: None,
            owner: Owner::current("r").unwrap(),
            updated_at: String::new(),
            reports: Vec::new(),
        };
        let mut journal = Journal::begin(kept, state, "# T\n").await.unwrap();
        let cancel = CancellationToken::new();
        let (mut watcher, mut events) = Watcher::new(cancel.clone());
        let started = Instant::now();
        let run = Drive {
            tutorial: tutorial(commands),
            settings: Settings::default(),
            timeout: Duration::from_mins(30),
            journal: &mut journal,
            watcher: &mut watcher,
            cancel: cancel.clone(),
            started,
        }
        .run(&mut fake);
        let stop = async {
            match stop_after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            cancel.cancel();
            std::future::pending::<()>().await;
        };
        let outcome =
            tokio::select! { outcome = run => outcome.unwrap(), () = stop => unreachable!() };
        drop(watcher);
        let mut seen = Vec::new();
        while let Some(Watched { event, .. }) = events.recv().await {
            seen.push(match event {
                watch::Event::IterationStart { .. } => "iteration",
                watch::Event::StepStarted { .. } => "started",
                watch::Event::StepOutput { .. } => "output",
                watch::Event::StepFinished(_) => "finished",
                _ => "other",
            });
        }
        let journal = std::fs::read_to_string(folder.path().join("runs/r/journal.jsonl")).unwrap();
        Run { outcome, fake, events: seen, journal, took: started.elapsed() }
    }

    #[tokio::test]
    async fn a_tutorial_is_followed_told_and_written_down_in_order() {
        let run = drive(&["one", "two"], Fake::default(), None).await;
        assert_eq!(run.outcome.status, RunStatus::Completed);
        assert_eq!(
            (run.fake.typed, run.fake.removed),
            (vec!["one".to_owned(), "two".to_owned()], 1)
        );
        let step = ["started", "output", "finished"];
        assert_eq!(run.events, [&["iteration"][..], &step, &step].concat());
        let entries: Vec<serde_json::Value> =
            run.journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<_> = entries.iter().map(|entry| entry["entry"].as_str().unwrap()).collect();
        assert_eq!(names.first(), Some(&"started"));
        assert_eq!(names.iter().filter(|name| **name == "step-finished").count(), 2);
        let state = entries.iter().rev().find_map(|entry| entry["state"].as_str());
        assert_eq!(state, Some("finished"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_takes_effect_while_a_command_hangs() {
        let stop = Some(Duration::from_secs(5));
        let run = drive(&["one", "hang", "three"], Fake::default(), stop).await;
        assert_eq!(run.outcome.status, RunStatus::Stopped);
        assert_eq!(run.fake.typed, ["one", "hang"]);
        assert_eq!(run.fake.removed, 1);
        assert!(run.took < Duration::from_secs(6), "{:?}", run.took);
        assert_eq!(run.outcome.records.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_runs_time_is_enforced_while_a_command_hangs() {
        let run = drive(&["hang"], Fake::default(), None).await;
        assert_eq!(run.outcome.status, RunStatus::Timeout);
        assert_eq!(run.took.as_secs(), 1800);
        assert_eq!(run.fake.removed, 1);
    }

    #[tokio::test]
    async fn trouble_of_the_tool_is_a_harness_error_and_leaves_nothing() {
        let run = drive(&["one", "break", "three"], Fake::default(), None).await;
        assert_eq!(run.outcome.status, RunStatus::HarnessError);
        assert_eq!(run.outcome.detail.as_deref(), Some("the guest is gone"));
        assert_eq!(run.fake.removed, 1);
        let fake = Fake { no_sandbox: true, ..Fake::default() };
        let run = drive(&["one"], fake, None).await;
        assert_eq!(run.outcome.status, RunStatus::HarnessError);
        assert_eq!(run.outcome.detail.as_deref(), Some("no namespaces"));
    }
}
