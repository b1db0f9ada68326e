//! The run as one value: events in, effects out; no clock, no I/O.

use std::sync::Arc;

use smile_tutorial::Tutorial;

use crate::{
    Effect, Event, IllegalTransition, Mentor, MentorAnswer, RunStatus, SandboxFacts, Settings,
    State, StepRecord,
    state::{Order, Signal},
    student::{Student, Turn},
};

/// A run of one tutorial by the literal student.
///
/// ```
/// # use std::sync::Arc;
/// # use smile_loop::{Effect, Event, Machine, RunStatus, SandboxFacts, Settings, State};
/// # fn tutorial() -> smile_tutorial::Tutorial {
/// #     smile_tutorial::Tutorial { file: "t.md".into(), text: String::new(), title: None,
/// #         blocks: vec![], steps: vec![], requirements: vec![], reference: None }
/// # }
/// let (mut machine, first) = Machine::new(Arc::new(tutorial()), Settings::default());
/// assert_eq!(first, [Effect::CreateSandbox]);
/// let effects = machine.on(5, Event::SandboxReady { facts: SandboxFacts::default() })?;
/// assert_eq!(effects, [Effect::OpenSession]);
/// let effects = machine.on(6, Event::SessionOpened)?; // No program to look for, no step to take.
/// assert_eq!(effects, [Effect::Finish(RunStatus::Completed)]);
/// # Ok::<(), smile_loop::IllegalTransition>(())
/// ```
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    state: State,
    student: Student,
    notes: Vec<String>,
    detail: Option<String>,
    iterations: u32,
}

/// What a finished run leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub status: RunStatus,
    /// One sentence about the end, where there is something to say.
    pub detail: Option<String>,
    /// How often the student began.
    pub iterations: u32,
    /// The machine it took place on.
    pub facts: SandboxFacts,
    /// What came of each step; steps that were never reached are there, too, as skipped.
    pub records: Vec<StepRecord>,
    /// What a mentor said.
    pub mentor_notes: Vec<String>,
}

impl Machine {
    /// A run that has not begun, and the effects to begin with.
    pub fn new(tutorial: Arc<Tutorial>, settings: Settings) -> (Self, Vec<Effect>) {
        let student = Student::new(tutorial, settings.clone());
        let machine = Self {
            settings,
            state: State::Starting,
            student,
            notes: Vec::new(),
            detail: None,
            iterations: 0,
        };
        (machine, vec![Effect::CreateSandbox])
    }

    /// Where the run stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What has come of the steps so far.
    pub fn records(&self) -> &[StepRecord] {
        self.student.records()
    }

    /// What a mentor has said so far.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Takes one event and says what to do next. `now_ms` is the time since the run's start.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] where the event answers nothing that was asked; the machine is
    /// unchanged then.
    pub fn on(&mut self, now_ms: u64, event: Event) -> Result<Vec<Effect>, IllegalTransition> {
        self.student.set_clock(now_ms);
        match event {
            Event::SandboxReady { facts } => {
                let effects = self.signal(Signal::SandboxReady)?;
                self.student.begin(facts);
                Ok(effects)
            }
            Event::SandboxFailed { reason } => self.ending(Signal::SandboxFailed, reason),
            Event::HarnessTrouble { reason } => self.ending(Signal::Trouble, reason),
            Event::StopRequested => self.ending(Signal::Stop, "stopped on request".to_owned()),
            Event::TimeUp => self.ending(Signal::TimeUp, "the run's time was over".to_owned()),

            Event::SessionOpened => {
                self.expect(Signal::StudentReady)?;
                let programs = self.student.programs_used();
                if programs.is_empty() {
                    return self.signal(Signal::StudentReady);
                }
                Ok(vec![Effect::Inspect { programs }])
            }
            Event::Inspected { present } => {
                self.expect(Signal::StudentReady)?;
                self.student.learn_programs(present);
                self.signal(Signal::StudentReady)
            }

            Event::ActionDone { observation } => self.student_turn(|s| s.action_done(observation)),
            Event::FileWritten { path, existed, bytes } => {
                self.student_turn(|s| s.file_written(path, existed, bytes))
            }
            Event::FileFailed { reason } => self.student_turn(|s| s.file_failed(reason)),
            Event::FileRead { content } => self.student_turn(|s| s.file_read(content.as_deref())),
            Event::Visited { status, body } => self.student_turn(|s| s.visited(status, &body)),
            Event::VisitFailed { reason } => self.student_turn(|s| s.visit_failed(&reason)),

            Event::MentorStarted => self.signal(Signal::MentorStarted),
            Event::MentorAnswered { answer: MentorAnswer::Notes(notes) } => {
                let effects = self.signal(Signal::MentorHelped)?;
                self.notes.extend(notes);
                Ok(effects)
            }
            Event::MentorAnswered { answer: MentorAnswer::Unresolvable } => {
                if self.settings.going_on == crate::GoingOn::StopAtFirst {
                    self.expect(Signal::MentorHelpless)?;
                    self.state = State::Finished(RunStatus::Blocker);
                    return Ok(self.finish(RunStatus::Blocker));
                }
                self.signal(Signal::MentorHelpless)
            }
        }
    }

    /// What the run leaves behind; complete once the state is [`State::Finished`].
    pub fn into_outcome(self) -> Outcome {
        let status = match self.state {
            State::Finished(status) => status,
            State::Starting
            | State::RunningStudent { .. }
            | State::WaitingForStudent { .. }
            | State::RunningMentor { .. }
            | State::WaitingForMentor { .. } => RunStatus::HarnessError,
        };
        let (facts, records) = self.student.into_parts();
        Outcome {
            status,
            detail: self.detail,
            iterations: self.iterations,
            facts,
            records,
            mentor_notes: self.notes,
        }
    }

    /// Refuses an event early, before anything changes.
    fn expect(&self, signal: Signal) -> Result<(), IllegalTransition> {
        self.state.next(signal, self.settings.iterations_max).map(|_| ())
    }

    fn ending(&mut self, signal: Signal, reason: String) -> Result<Vec<Effect>, IllegalTransition> {
        if !matches!(self.state, State::Finished(_)) {
            self.expect(signal)?;
            self.detail = Some(reason);
        }
        self.signal(signal)
    }

    fn student_turn(
        &mut self,
        act: impl FnOnce(&mut Student) -> Turn,
    ) -> Result<Vec<Effect>, IllegalTransition> {
        if matches!(self.state, State::Finished(_)) {
            return Ok(Vec::new()); // The late end of something that was aborted.
        }
        self.expect(Signal::StudentGoesOn)?;
        let turn = act(&mut self.student);
        self.after_turn(turn)
    }

    fn after_turn(&mut self, turn: Turn) -> Result<Vec<Effect>, IllegalTransition> {
        match turn {
            Turn::Unasked => {
                Err(IllegalTransition { state: self.state, signal: Signal::StudentGoesOn })
            }
            Turn::Do(effects) => {
                self.signal(Signal::StudentGoesOn)?;
                Ok(effects)
            }
            Turn::Done(mut effects) => {
                effects.extend(self.signal(Signal::StudentDone)?);
                Ok(effects)
            }
            Turn::Stuck { mut effects, trigger, step, question } => match self.settings.mentor {
                Mentor::Asked => {
                    self.signal(Signal::StudentAsks)?;
                    effects.push(Effect::AskMentor { trigger, step, question });
                    Ok(effects)
                }
                Mentor::None => {
                    self.detail = Some(question);
                    effects.extend(self.signal(Signal::StudentGivesUp)?);
                    Ok(effects)
                }
            },
        }
    }

    fn signal(&mut self, signal: Signal) -> Result<Vec<Effect>, IllegalTransition> {
        let was_finished = matches!(self.state, State::Finished(_));
        let (state, order) = self.state.next(signal, self.settings.iterations_max)?;
        self.state = state;
        match order {
            Order::Wait | Order::CallMentor => Ok(Vec::new()),
            Order::OpenSession => {
                self.iterations += 1;
                Ok(vec![Effect::OpenSession])
            }
            Order::Step => {
                let turn = self.student.next_step();
                self.after_turn(turn)
            }
            Order::Reset => Ok(vec![Effect::ResetSandbox]),
            Order::Finish => {
                let State::Finished(status) = self.state else { return Ok(Vec::new()) };
                if was_finished { Ok(Vec::new()) } else { Ok(self.finish(status)) }
            }
        }
    }

    fn finish(&mut self, status: RunStatus) -> Vec<Effect> {
        let why = match status {
            RunStatus::Stopped => "the run was stopped before",
            RunStatus::Timeout => "the run's time was over before",
            RunStatus::Blocker | RunStatus::MaxIterations => "the student had stopped before",
            RunStatus::HarnessError => "the tool's own trouble ended the run before",
            RunStatus::Completed => "not reached",
        };
        self.student.close(why);
        vec![Effect::Finish(status)]
    }
}
