//! A sandbox played by a function, and a driver that does what a real one does.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use smile_loop::{
    CommandEnd, Effect, Event, FileChange, Gap, Machine, NetworkFact, Observation, OutputText,
    Prompt, RunHeader, RunRecord, SandboxFacts, Settings, StepOutcome,
};
use smile_tutorial::{Severity, Tutorial, parse};

/// What the played sandbox says to a command.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) Observation);

pub(crate) fn ok() -> Answer {
    prints("")
}

pub(crate) fn prints(text: &str) -> Answer {
    fails(0, text)
}

pub(crate) fn fails(code: i32, text: &str) -> Answer {
    Answer(Observation {
        end: CommandEnd::Exited { code },
        output: OutputText { text: text.to_owned(), bytes_total: text.len() as u64, cut: false },
        duration_ms: 3,
        cwd_before: String::new(),
        cwd_after: String::new(),
        pipe_status: vec![code],
        commands_not_found: Vec::new(),
        files: Vec::new(),
        listening: Vec::new(),
        prompts: Vec::new(),
        limited: None,
    })
}

pub(crate) fn missing(program: &str) -> Answer {
    let mut answer = fails(127, &format!("bash: {program}: command not found\r\n"));
    answer.0.commands_not_found.push(program.to_owned());
    answer
}

impl Answer {
    pub(crate) fn end(mut self, end: CommandEnd) -> Self {
        self.0.end = end;
        self
    }

    pub(crate) fn made(mut self, path: &str, bytes: u64) -> Self {
        self.0.files.push(FileChange { path: path.to_owned(), what: "made".to_owned(), bytes });
        self
    }

    pub(crate) fn goes_to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.0.cwd_after);
        self
    }

    pub(crate) fn listens(mut self, port: u16) -> Self {
        self.0.listening.push(port);
        self.end(CommandEnd::MovedAside)
    }

    pub(crate) fn asked(mut self, question: &str, answer: Option<&str>) -> Self {
        self.0
            .prompts
            .push(Prompt { question: question.to_owned(), answer: answer.map(str::to_owned) });
        self
    }

    pub(crate) fn pipe(mut self, codes: &[i32]) -> Self {
        self.0.pipe_status = codes.to_vec();
        self
    }
}

pub(crate) fn facts() -> SandboxFacts {
    SandboxFacts {
        home: "/root".to_owned(),
        cwd: "/root/work".to_owned(),
        user: "root".to_owned(),
        root: true,
        hostname: "smile".to_owned(),
        system: "debian 12".to_owned(),
        network: NetworkFact::Internet,
        ..SandboxFacts::default()
    }
}

pub(crate) fn page(text: &str) -> Arc<Tutorial> {
    Arc::new(parse("page.md", text.as_bytes()).expect("a page that can be read"))
}

/// A page of one bash block a command, with the output after it where one is given.
pub(crate) fn session(steps: &[(&str, &str)]) -> String {
    let mut text = "# A page\n".to_owned();
    for (command, output) in steps {
        let _ = write!(text, "\nThen do this:\n\n```console\n$ {command}\n{output}```\n");
    }
    text
}

/// Follows the page to its end on the played sandbox.
pub(crate) fn play(
    text: &str,
    settings: Settings,
    facts: &SandboxFacts,
    sandbox: impl FnMut(&str) -> Answer,
) -> RunRecord {
    let tutorial = page(text);
    let record = play_page(&tutorial, settings, facts, sandbox);
    assert_eq!(record.steps.len(), tutorial.steps.len(), "each step has a record");
    record
}

pub(crate) fn play_page(
    tutorial: &Arc<Tutorial>,
    settings: Settings,
    facts: &SandboxFacts,
    mut sandbox: impl FnMut(&str) -> Answer,
) -> RunRecord {
    let (mut machine, mut effects) = Machine::new(Arc::clone(tutorial), settings);
    let mut cwd = facts.cwd.clone();
    let mut now = 0;
    for _ in 0..10_000 {
        now += 1;
        let mut event = None;
        for effect in effects {
            event = match effect {
                Effect::CreateSandbox | Effect::ResetSandbox => {
                    Some(Event::SandboxReady { facts: facts.clone() })
                }
                Effect::OpenSession => Some(Event::SessionOpened),
                Effect::Inspect { programs } => Some(Event::Inspected {
                    present: programs
                        .into_iter()
                        .filter(|name| matches!(name.as_str(), "python3" | "git" | "cat"))
                        .collect::<BTreeSet<_>>(),
                }),
                Effect::Perform(perform) => {
                    let mut observation = sandbox(&perform.text).0;
                    observation.cwd_before.clone_from(&cwd);
                    if !observation.cwd_after.is_empty() {
                        cwd.clone_from(&observation.cwd_after);
                    }
                    observation.cwd_after.clone_from(&cwd);
                    Some(Event::ActionDone { observation })
                }
                Effect::WriteFile { path, content, .. } => Some(Event::FileWritten {
                    path: format!("{cwd}/{path}"),
                    existed: false,
                    bytes: content.len() as u64,
                }),
                Effect::ReadFile { .. } => Some(Event::FileRead { content: None }),
                Effect::Visit { .. } => {
                    Some(Event::VisitFailed { reason: "connection refused".to_owned() })
                }
                Effect::AskMentor { .. } => Some(Event::MentorStarted),
                Effect::StepStarted { .. } | Effect::StepFinished(_) => event,
                Effect::Finish(_) => {
                    let header = RunHeader {
                        run_id: "1".to_owned(),
                        smile_version: "0".to_owned(),
                        tutorial_sha256: String::new(),
                        started_at: "2026-01-01T00:00:00Z".to_owned(),
                        duration_ms: now,
                        sandbox: "played".to_owned(),
                        persona: "default".to_owned(),
                        student: "literal".to_owned(),
                        mentor: "none".to_owned(),
                    };
                    return RunRecord::assemble(header, tutorial, machine.into_outcome(), &[]);
                }
            };
        }
        let event = event.expect("a run that is not over has asked for something");
        effects = machine.on(now, event).expect("the answer to what was asked");
    }
    panic!("the run does not end");
}

/// A gap in a few words: severity, kind, lines, lines of its consequences.
pub(crate) fn brief(gap: &Gap) -> String {
    let severity = match gap.severity {
        Severity::Critical => "critical",
        Severity::Major => "major",
        Severity::Minor => "minor",
    };
    let lines: Vec<String> = gap.locations.iter().map(|l| l.first_line.to_string()).collect();
    let after: Vec<String> = gap.consequences.iter().map(|c| c.first_line.to_string()).collect();
    let after = if after.is_empty() { String::new() } else { format!(" > {}", after.join(" ")) };
    format!("{severity} {} {}{after}", smile_loop::kind_name(gap.kind), lines.join(" "))
}

pub(crate) fn briefs(record: &RunRecord) -> Vec<String> {
    record.gaps.iter().map(brief).collect()
}

pub(crate) fn failures(record: &RunRecord) -> usize {
    record.steps.iter().filter(|step| matches!(step.outcome, StepOutcome::Failed(_))).count()
}
