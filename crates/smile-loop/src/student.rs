//! The literal student: follows the parsed steps exactly, without a model.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use smile_tutorial::{Action, Command, Step, Tutorial, WriteMode};

use crate::{
    CommandEnd, Detour, Effect, FileChange, GoingOn, Mentor, NetworkFact, Observation, OutputText,
    Perform, SandboxFacts, Settings, StepOutcome, StepRecord, Trigger, judge, locate, merge,
    package, shell, symptom::Symptom,
};

/// How long an address may take until something answers there.
const VISIT_PATIENCE: Duration = Duration::from_secs(10);
/// The first wait before a repeated command; doubled each time.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// The student's place in the tutorial and what it has met.
#[derive(Debug, Clone)]
pub(crate) struct Student {
    tutorial: Arc<Tutorial>,
    settings: Settings,
    facts: SandboxFacts,
    /// The index of the step that comes next, or is under way.
    cursor: usize,
    pending: Pending,
    records: Vec<StepRecord>,
    /// What was seen of the step under way under another name.
    detour: Option<Detour>,
    now_ms: u64,
    step_began_ms: u64,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq)]
enum Pending {
    Nothing,
    Command {
        attempt: u32,
    },
    /// The same under another name, after what was seen of the page's own.
    Detour {
        first: Box<Observation>,
        outcome: StepOutcome,
        text: String,
    },
    /// A file is being written; after a failed editor, with what was seen of that.
    Write {
        editor: Option<(Box<Observation>, StepOutcome)>,
    },
    Read,
    Visit,
}

/// What the student does next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The answer belongs to nothing that was asked.
    Unasked,
    /// Goes on with these.
    Do(Vec<Effect>),
    /// Is through.
    Done(Vec<Effect>),
    /// Cannot go on alone.
    Stuck { effects: Vec<Effect>, trigger: Trigger, step: u32, question: String },
}

impl Student {
    pub(crate) fn new(tutorial: Arc<Tutorial>, settings: Settings) -> Self {
        Self {
            tutorial,
            settings,
            facts: SandboxFacts::default(),
            cursor: 0,
            pending: Pending::Nothing,
            records: Vec::new(),
            detour: None,
            now_ms: 0,
            step_began_ms: 0,
        }
    }

    pub(crate) fn set_clock(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Begins on a clean machine; what an earlier iteration met is forgotten.
    pub(crate) fn begin(&mut self, facts: SandboxFacts) {
        self.facts = facts;
        self.cursor = 0;
        self.pending = Pending::Nothing;
        self.detour = None;
        self.records.clear();
    }

    pub(crate) fn records(&self) -> &[StepRecord] {
        &self.records
    }

    pub(crate) fn into_parts(self) -> (SandboxFacts, Vec<StepRecord>) {
        (self.facts, self.records)
    }

    /// The programs that the page uses or asks for, to be looked up before anything is done.
    pub(crate) fn programs_used(&self) -> Vec<String> {
        shell::programs_of_tutorial(&self.tutorial)
    }

    pub(crate) fn learn_programs(&mut self, present: BTreeSet<String>) {
        self.facts.programs_asked = self.programs_used().into_iter().collect();
        self.facts.programs_present = present;
    }

    /// Takes the step at the cursor, leaving out on the way what is not carried out.
    pub(crate) fn next_step(&mut self) -> Turn {
        let mut effects = Vec::new();
        let tutorial = Arc::clone(&self.tutorial);
        while let Some(step) = tutorial.steps.get(self.cursor) {
            self.step_began_ms = self.now_ms;
            if let Some(why) = judge::reason_to_skip(step, &self.facts) {
                let record = self.record(step, StepOutcome::Skipped(why), None, 0);
                effects.push(Effect::StepFinished(Box::new(record)));
                self.cursor += 1;
                continue;
            }
            effects.push(Effect::StepStarted {
                step: step.number,
                line: step.lines.first,
                what: judge::what(&step.action),
            });
            effects.push(self.first_effect(step));
            return Turn::Do(effects);
        }
        Turn::Done(effects)
    }

    fn first_effect(&mut self, step: &Step) -> Effect {
        match &step.action {
            Action::Run(command) => {
                self.pending = Pending::Command { attempt: 1 };
                self.perform(step, command, 1)
            }
            Action::WriteFile { path, mode: WriteMode::Merge, .. } => {
                self.pending = Pending::Read;
                Effect::ReadFile { path: path.clone() }
            }
            Action::WriteFile { path, content, mode } => {
                self.pending = Pending::Write { editor: None };
                Effect::WriteFile {
                    path: path.clone(),
                    content: content.clone(),
                    append: *mode == WriteMode::Append,
                }
            }
            Action::Visit { url } => {
                self.pending = Pending::Visit;
                Effect::Visit {
                    url: url.clone(),
                    patience: VISIT_PATIENCE * self.settings.student.patience.factor(),
                }
            }
            _ => unreachable!("`reason_to_skip` gives a reason for every other action"),
        }
    }

    fn perform(&self, step: &Step, command: &Command, attempt: u32) -> Effect {
        let own_limit = command.timeout_s.map(Duration::from_secs);
        let silence = own_limit.unwrap_or_else(|| self.settings.student.silence());
        let after = if attempt < 2 {
            Duration::ZERO
        } else {
            RETRY_WAIT * 2_u32.saturating_pow((attempt - 2).min(5))
        };
        Effect::Perform(Perform {
            step: step.number,
            attempt,
            after,
            text: command.text.clone(),
            silence,
            limit: own_limit.unwrap_or(self.settings.step_limit),
            answers: command.answers.clone(),
            accept_defaults: true,
            editor_input: command.editor_input.clone(),
        })
    }

    pub(crate) fn action_done(&mut self, observation: Observation) -> Turn {
        if let Pending::Detour { first, outcome, text } = &self.pending {
            let (first, outcome) = (first.as_ref().clone(), outcome.clone());
            self.detour = Some(Detour { command: text.clone(), observation });
            return self.conclude(outcome, Some(first), 1, None);
        }
        let Pending::Command { attempt } = self.pending else { return Turn::Unasked };
        let tutorial = Arc::clone(&self.tutorial);
        let Some(step) = tutorial.steps.get(self.cursor) else { return Turn::Unasked };
        let Action::Run(command) = &step.action else { return Turn::Unasked };

        let judgement = judge::judge_command(command, &observation, &self.facts);
        if judgement.transient && attempt <= self.settings.student.retries_max {
            self.pending = Pending::Command { attempt: attempt + 1 };
            return Turn::Do(vec![self.perform(step, command, attempt + 1)]);
        }
        // Where only the editor is missing, the reader takes another one: the text is on the page.
        if let (Some((path, content)), false) =
            (&command.editor_input, observation.commands_not_found.is_empty())
        {
            let editor = Some((Box::new(observation), judgement.outcome));
            self.pending = Pending::Write { editor };
            return Turn::Do(vec![Effect::WriteFile {
                path: path.clone(),
                content: content.clone(),
                append: false,
            }]);
        }
        if let Some(text) = self.other_name(command, &judgement) {
            let Effect::Perform(perform) = self.perform(step, command, 1) else {
                return Turn::Unasked;
            };
            self.pending = Pending::Detour {
                first: Box::new(observation),
                outcome: judgement.outcome,
                text: text.clone(),
            };
            return Turn::Do(vec![Effect::Perform(Perform {
                text,
                attempt: attempt + 1,
                ..perform
            })]);
        }
        let trigger = judgement.trigger.map(|trigger| {
            if judgement.transient && attempt > 1 { Trigger::RepeatedFailure } else { trigger }
        });
        self.conclude(judgement.outcome, Some(observation), attempt, trigger)
    }

    /// The command with the name that its missing program has here, for a reader who goes on.
    fn other_name(&self, command: &Command, judgement: &judge::Judgement) -> Option<String> {
        if self.stops(judgement.trigger?) || !matches!(judgement.outcome, StepOutcome::Failed(_)) {
            return None;
        }
        let Symptom::CommandNotFound(name) = judgement.symptoms.first()? else { return None };
        let other = package::stand_in_for(name)
            .filter(|other| self.facts.programs_present.contains(*other))?;
        let text = locate::replace_word(&command.text, name, other);
        (text != command.text).then_some(text)
    }

    /// Whether this trigger ends the reading here.
    fn stops(&self, trigger: Trigger) -> bool {
        self.settings.student.asks(trigger)
            && (self.settings.mentor == Mentor::Asked
                || self.settings.going_on == GoingOn::StopAtFirst)
    }

    pub(crate) fn file_written(&mut self, path: String, existed: bool, bytes: u64) -> Turn {
        let Pending::Write { editor } = self.pending.clone() else { return Turn::Unasked };
        let what = if existed { "changed" } else { "made" };
        let change = FileChange { path, what: what.to_owned(), bytes };
        match editor {
            None => {
                let observation = self.quiet_observation(vec![change], String::new());
                self.conclude(StepOutcome::Passed, Some(observation), 1, None)
            }
            Some((mut observation, outcome)) => {
                observation.files.push(change);
                self.conclude(outcome, Some(*observation), 1, Some(Trigger::MissingDependency))
            }
        }
    }

    pub(crate) fn file_failed(&mut self, reason: String) -> Turn {
        match self.pending.clone() {
            Pending::Write { editor: Some((observation, outcome)) } => {
                self.conclude(outcome, Some(*observation), 1, Some(Trigger::MissingDependency))
            }
            Pending::Write { editor: None } | Pending::Read => {
                let observation = self.quiet_observation(Vec::new(), reason.clone());
                let outcome = StepOutcome::Failed(reason);
                self.conclude(outcome, Some(observation), 1, Some(Trigger::CommandFailure))
            }
            Pending::Nothing
            | Pending::Command { .. }
            | Pending::Detour { .. }
            | Pending::Visit => Turn::Unasked,
        }
    }

    pub(crate) fn file_read(&mut self, content: Option<&str>) -> Turn {
        if self.pending != Pending::Read {
            return Turn::Unasked;
        }
        let tutorial = Arc::clone(&self.tutorial);
        let Some(Step { action: Action::WriteFile { path, content: part, .. }, .. }) =
            tutorial.steps.get(self.cursor)
        else {
            return Turn::Unasked;
        };
        if let Ok(whole) = merge::fit_in(content, part) {
            self.pending = Pending::Write { editor: None };
            return Turn::Do(vec![Effect::WriteFile {
                path: path.clone(),
                content: whole,
                append: false,
            }]);
        }
        let reason = judge::NO_PLACE.to_owned();
        let observation = self.quiet_observation(Vec::new(), reason.clone());
        let outcome = StepOutcome::Failed(reason);
        self.conclude(outcome, Some(observation), 1, Some(Trigger::AmbiguousInstruction))
    }

    pub(crate) fn visited(&mut self, status: u16, body: &str) -> Turn {
        if self.pending != Pending::Visit {
            return Turn::Unasked;
        }
        let observation = self.quiet_observation(Vec::new(), format!("HTTP {status}\n{body}"));
        if status < 400 {
            return self.conclude(StepOutcome::Passed, Some(observation), 1, None);
        }
        let outcome = StepOutcome::Failed(format!("the address answers with HTTP {status}"));
        self.conclude(outcome, Some(observation), 1, Some(Trigger::CommandFailure))
    }

    pub(crate) fn visit_failed(&mut self, reason: &str) -> Turn {
        if self.pending != Pending::Visit {
            return Turn::Unasked;
        }
        let observation = self.quiet_observation(Vec::new(), reason.to_owned());
        let outcome = StepOutcome::Failed("nothing answers at this address".to_owned());
        self.conclude(outcome, Some(observation), 1, Some(Trigger::CommandFailure))
    }

    /// Records what came of the step and decides how to go on.
    fn conclude(
        &mut self,
        outcome: StepOutcome,
        observation: Option<Observation>,
        attempts: u32,
        trigger: Option<Trigger>,
    ) -> Turn {
        self.pending = Pending::Nothing;
        let tutorial = Arc::clone(&self.tutorial);
        let Some(step) = tutorial.steps.get(self.cursor) else { return Turn::Unasked };
        self.cursor += 1;
        let failed = match &outcome {
            StepOutcome::Failed(why) => Some(why.clone()),
            _ => None,
        };
        let record = self.record(step, outcome, observation, attempts);
        let finished = Effect::StepFinished(Box::new(record));

        let stuck = trigger.filter(|&trigger| self.settings.student.asks(trigger));
        let stops =
            self.settings.mentor == Mentor::Asked || self.settings.going_on == GoingOn::StopAtFirst;
        if let (Some(trigger), Some(why), true) = (stuck, failed, stops) {
            return Turn::Stuck {
                effects: vec![finished],
                trigger,
                step: step.number,
                question: format!(
                    "line {}: `{}`: {why}",
                    step.lines.first,
                    judge::what(&step.action)
                ),
            };
        }
        match self.next_step() {
            Turn::Do(effects) => Turn::Do(std::iter::once(finished).chain(effects).collect()),
            Turn::Done(effects) => Turn::Done(std::iter::once(finished).chain(effects).collect()),
            turn @ (Turn::Unasked | Turn::Stuck { .. }) => turn,
        }
    }

    /// Gives every step that was not reached a record that says so.
    pub(crate) fn close(&mut self, why: &str) {
        self.pending = Pending::Nothing;
        let tutorial = Arc::clone(&self.tutorial);
        for step in tutorial.steps.iter().skip(self.records.len()) {
            self.step_began_ms = self.now_ms;
            let reason = judge::reason_to_skip(step, &self.facts).unwrap_or_else(|| why.to_owned());
            self.record(step, StepOutcome::Skipped(reason), None, 0);
        }
    }

    fn record(
        &mut self,
        step: &Step,
        outcome: StepOutcome,
        observation: Option<Observation>,
        attempts: u32,
    ) -> StepRecord {
        let record = StepRecord {
            number: step.number,
            lines: step.lines,
            what: judge::what(&step.action),
            outcome,
            at_ms: self.step_began_ms,
            attempts,
            observation,
            detour: self.detour.take(),
        };
        self.records.push(record.clone());
        record
    }

    /// An observation of something that is no command.
    fn quiet_observation(&self, files: Vec<FileChange>, text: String) -> Observation {
        let cwd = self
            .records
            .iter()
            .rev()
            .find_map(StepRecord::last_seen)
            .map_or_else(|| self.facts.cwd.clone(), |seen| seen.cwd_after.clone());
        Observation {
            end: CommandEnd::Exited { code: 0 },
            output: OutputText { bytes_total: text.len() as u64, text, cut: false },
            duration_ms: self.now_ms.saturating_sub(self.step_began_ms),
            cwd_before: cwd.clone(),
            cwd_after: cwd,
            pipe_status: Vec::new(),
            commands_not_found: Vec::new(),
            files,
            listening: Vec::new(),
            prompts: Vec::new(),
            limited: None,
        }
    }
}

/// Whether an address is one of the sandbox's own.
pub(crate) fn is_own_address(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    };
    let host = host.to_ascii_lowercase();
    matches!(host.as_str(), "localhost" | "0.0.0.0" | "::1" | "::")
        || host.starts_with("127.")
        || host.ends_with(".localhost")
}

/// Whether the sandbox was given no network, on purpose.
pub(crate) fn is_offline(facts: &SandboxFacts) -> bool {
    facts.network == NetworkFact::None
}
