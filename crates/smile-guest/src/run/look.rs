//! Looking at a command that has become quiet: does it serve, wait for keys, or hang?

use std::time::Duration;

use rustix::process::Pid;
use tokio::time::Instant;

use crate::{
    message::RunCommand,
    output::Kept,
    ports::{self, Listener},
    process::{self, Process},
    question,
    session::Session,
    waiting::{self, Terminal, Wait},
};

/// What is seen.
#[derive(Debug)]
pub(super) enum Sight {
    /// It goes on.
    Nothing,
    /// It listens on these ports (only new ones are told); `stays`: it does nothing else.
    Listening { found: Vec<(u16, String)>, stays: bool },
    /// No sign of life for the silence limit.
    Silent,
    /// It asked, and there is an answer: `keys` are to be typed.
    Asked { question: String, keys: String, answer: String },
    /// An editor shows itself, and the text for it is known.
    Edited { program: String },
    /// It asked, and there is no answer.
    Waits { program: String, question: String, note: Option<String> },
}

const FIRST_LOOK: Duration = Duration::from_millis(60);
const LOOKS_APART_MAX: Duration = Duration::from_millis(500);
/// Quiet for this long, a program that blocks in reading its terminal waits for an answer.
const READING_QUIET: Duration = Duration::from_millis(120);
/// One that could do something else too is given more time.
const POLLING_QUIET: Duration = Duration::from_millis(800);
/// One that cannot be looked into is given much more.
const PERHAPS_QUIET: Duration = Duration::from_secs(3);
/// A program that listens and is quiet for this long serves.
const SERVING_QUIET: Duration = Duration::from_millis(600);
/// A program that reads what was typed and asks the same again does not understand it.
const SAME_QUESTION_MAX: u32 = 3;
const ANSWERS_MAX: u32 = 100;
/// Of the output's end, what can hold the question.
const QUESTION_BYTES: usize = 2000;

const EDITORS: [&str; 17] = [
    "nano",
    "pico",
    "vi",
    "vim",
    "vim.basic",
    "vim.tiny",
    "vim.nox",
    "nvim",
    "emacs",
    "emacs-nox",
    "micro",
    "mcedit",
    "joe",
    "ne",
    "hx",
    "ed",
    "rnano",
];
const PAGERS: [(&str, &str); 10] = [
    ("less", "q"),
    ("more", "q"),
    ("most", "q"),
    ("pg", "q"),
    ("man", "q"),
    ("top", "q"),
    ("htop", "q"),
    ("btop", "q"),
    ("info", "q"),
    ("w3m", "qy"),
];
/// Stands for a shell that shows its prompt.
const PROMPT: &str = "(a shell's prompt)";
const SHELLS: [&str; 8] = ["bash", "sh", "dash", "ash", "zsh", "fish", "ksh", "busybox"];

/// Watches one command.
#[derive(Debug)]
pub(super) struct Looker<'a> {
    command: &'a RunCommand,
    last_output: Instant,
    last_progress: Instant,
    next: Instant,
    apart: Duration,
    work: (u64, u64),
    idle_since: Instant,
    told: Vec<u16>,
    answers_given: usize,
    typed: u32,
    last_question: String,
    same_question: u32,
    /// All output there would be if the program only read what was typed and printed nothing.
    only_echo: Option<u64>,
    /// Nothing was printed or done since something was typed.
    typed_at: Option<Instant>,
}

impl<'a> Looker<'a> {
    /// Watches a command that has just begun.
    pub(super) fn new(command: &'a RunCommand, now: Instant) -> Self {
        Self {
            command,
            last_output: now,
            last_progress: now,
            next: now + FIRST_LOOK,
            apart: FIRST_LOOK,
            work: (0, 0),
            idle_since: now,
            told: Vec::new(),
            answers_given: 0,
            typed: 0,
            last_question: String::new(),
            same_question: 0,
            only_echo: None,
            typed_at: None,
        }
    }

    /// When to look next.
    pub(super) fn next_look(&self) -> Instant {
        self.next
    }

    /// Something was printed.
    pub(super) fn saw_output(&mut self) {
        let now = Instant::now();
        self.last_output = now;
        self.last_progress = now;
        self.typed_at = None;
        self.apart = FIRST_LOOK;
        self.next = now + FIRST_LOOK;
    }

    /// Looks.
    pub(super) fn look(&mut self, session: &Session, known: &[Listener], kept: &Kept) -> Sight {
        let now = Instant::now();
        self.apart = (self.apart * 2).min(LOOKS_APART_MAX);
        self.next = now + self.apart;
        let members = members(&process::all(), session.pid);
        let work = work(&members);
        // A tick of the clock now and then is no work: programs that wait wake up too.
        let waits_for_disk = members.iter().any(|process| process.state == 'D');
        let worked = work.0 > self.work.0 + 1 || work.1 != self.work.1 || waits_for_disk;
        if worked {
            self.last_progress = now;
            self.idle_since = now;
        }
        self.work = work;
        let Some(group) = session.terminal.foreground() else { return Sight::Nothing };
        let foreground: Vec<Process> = members
            .iter()
            .filter(|process| process.group == group.as_raw_nonzero().get())
            .cloned()
            .collect();
        if let Some(sight) = self.serving(&foreground, known, now) {
            return sight;
        }
        if let Some(sight) = self.waiting(session, &members, &foreground, kept, now) {
            return sight;
        }
        let silence = Duration::from_secs(self.command.silence_s);
        if now.duration_since(self.last_progress) >= silence {
            Sight::Silent
        } else {
            Sight::Nothing
        }
    }

    fn serving(
        &mut self,
        foreground: &[Process],
        known: &[Listener],
        now: Instant,
    ) -> Option<Sight> {
        let listening = ports::listening();
        let new: Vec<Listener> =
            listening.into_iter().filter(|listener| !known.contains(listener)).collect();
        if new.is_empty() {
            return None;
        }
        let held = ports::held_by(&new, foreground.iter());
        if held.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        for (listener, program) in held {
            if !self.told.contains(&listener.port) {
                self.told.push(listener.port);
                found.push((listener.port, program));
            }
        }
        let quiet = now.duration_since(self.last_output).min(now.duration_since(self.idle_since));
        let stays = self.command.move_servers_aside && quiet >= SERVING_QUIET;
        // A server that also reads keys is not waiting for them.
        (stays || !found.is_empty()).then_some(Sight::Listening { found, stays })
    }

    fn waiting(
        &mut self,
        session: &Session,
        members: &[Process],
        foreground: &[Process],
        kept: &Kept,
        now: Instant,
    ) -> Option<Sight> {
        if !self.told.is_empty() && self.command.move_servers_aside {
            return None; // A server; it will be moved aside.
        }
        let terminal = Terminal::This(session.terminal.path().to_str()?);
        let (reader, wait) = foreground
            .iter()
            .find_map(|process| Some((process, waiting::on_terminal(process.pid, terminal)?)))?;
        if wait != Wait::Reading && is_relay(reader, members) {
            return None;
        }
        let quiet =
            now.duration_since(self.last_output.max(self.typed_at.unwrap_or(self.last_output)));
        let idle = now.duration_since(self.idle_since);
        let enough = match wait {
            Wait::Reading => quiet >= READING_QUIET,
            Wait::Polling => quiet >= POLLING_QUIET && idle >= POLLING_QUIET,
            Wait::Perhaps => quiet >= PERHAPS_QUIET && idle >= PERHAPS_QUIET,
        };
        if !enough {
            self.next = now + READING_QUIET;
            return None;
        }
        let program = if is_prompt(reader, session) {
            PROMPT
        } else if reader.pid == session.pid.as_raw_nonzero().get() {
            "read"
        } else {
            reader.name.as_str()
        };
        let question = question::question(&kept.last(QUESTION_BYTES));
        let printed = kept.total();
        let sight = self.answer(program, question, session.terminal.is_raw(), printed);
        if let Sight::Asked { keys, .. } = &sight {
            self.only_echo = Some(printed + keys.len() as u64);
        }
        Some(sight)
    }

    /// What to do about a program that waits for keys.
    fn answer(&mut self, program: &str, question: String, raw: bool, printed: u64) -> Sight {
        let now = Instant::now();
        let typed = |looker: &mut Self, keys: String, answer: String, question: String| {
            looker.typed += 1;
            looker.typed_at = Some(now);
            looker.last_progress = now;
            looker.apart = FIRST_LOOK;
            looker.next = now + FIRST_LOOK;
            looker.last_question.clone_from(&question);
            Sight::Asked { question, keys, answer }
        };
        if self.typed >= ANSWERS_MAX {
            let note = Some("it asks without end".to_owned());
            return Sight::Waits { program: program.to_owned(), question, note };
        }
        if self.command.editor_input.is_some() && (EDITORS.contains(&program) || raw) {
            return Sight::Edited { program: program.to_owned() };
        }
        if let Some(answer) = self.command.answers.get(self.answers_given) {
            self.answers_given += 1;
            let end = if raw { "\r" } else { "\n" };
            return typed(self, format!("{answer}{end}"), answer.clone(), question);
        }
        if EDITORS.contains(&program) {
            let note = format!("the editor `{program}` was ended: nobody typed into it");
            let (program, question) = (program.to_owned(), String::new());
            return Sight::Waits { program, question, note: Some(note) };
        }
        if self.answers_given > 0 && !raw && self.only_echo == Some(printed) {
            // It took what there was and asked nothing new, as `cat > file` does.
            return typed(self, "\u{4}".to_owned(), "Ctrl+D".to_owned(), question);
        }
        let again = question == self.last_question;
        self.same_question = if again { self.same_question + 1 } else { 0 };
        if program == PROMPT && self.same_question < SAME_QUESTION_MAX {
            // A shell within the shell: the reader is through with it before the next command.
            return typed(self, "\u{4}".to_owned(), "Ctrl+D".to_owned(), question);
        }
        if let Some((_, keys)) = PAGERS.iter().find(|(name, _)| *name == program)
            && self.same_question < SAME_QUESTION_MAX
        {
            return typed(self, (*keys).to_owned(), (*keys).to_owned(), question);
        }
        let default =
            question::has_default(&question) || (self.typed > 0 && question::asks_again(&question));
        if self.command.accept_defaults && default && self.same_question < SAME_QUESTION_MAX {
            let end = if raw { "\r" } else { "\n" };
            return typed(self, end.to_owned(), String::new(), question);
        }
        let note = raw.then(|| format!("`{program}` took over the whole terminal and was ended"));
        Sight::Waits { program: program.to_owned(), question, note }
    }
}

/// Whether a program that could take keys only hands them on to another that is at work, as apt
/// does for what it installs.
fn is_relay(reader: &Process, members: &[Process]) -> bool {
    let others = process::descendants(members, reader.pid);
    !others.is_empty()
        && !others.iter().any(|other| waiting::on_terminal(other.pid, Terminal::Any).is_some())
}

/// Whether it is a shell that waits for commands, and not one that reads a value for a script.
fn is_prompt(reader: &Process, session: &Session) -> bool {
    let arguments = process::arguments(reader.pid);
    let is_session = reader.pid == session.pid.as_raw_nonzero().get()
        && arguments.get(1..).is_some_and(|rest| rest == session.shell.arguments());
    SHELLS.contains(&reader.name.as_str())
        && !is_session
        && arguments.iter().skip(1).all(|word| word.starts_with('-') && word != "-c")
}

/// What the members have done so far: processor ticks and bytes moved.
fn work(members: &[Process]) -> (u64, u64) {
    let ticks = members.iter().map(|process| process.ticks).sum();
    let bytes = members.iter().map(|process| process::bytes_moved(process.pid)).sum();
    (ticks, bytes)
}

/// The processes that a shell has started, without itself.
pub(super) fn jobs(all: &[Process], shell: Pid) -> Vec<Process> {
    let shell_pid = shell.as_raw_nonzero().get();
    let mut jobs = members(all, shell);
    jobs.retain(|process| process.pid != shell_pid);
    jobs
}

/// A shell, the processes on its terminal, and what they started.
pub(super) fn members(all: &[Process], shell: Pid) -> Vec<Process> {
    let shell = shell.as_raw_nonzero().get();
    let mut members: Vec<Process> = all
        .iter()
        .filter(|process| process.session == shell && process.state != 'Z')
        .cloned()
        .collect();
    loop {
        let more: Vec<Process> = all
            .iter()
            .filter(|process| {
                process.state != 'Z'
                    && members.iter().any(|member| member.pid == process.parent)
                    && !members.iter().any(|member| member.pid == process.pid)
            })
            .cloned()
            .collect();
        if more.is_empty() {
            return members;
        }
        members.extend(more);
    }
}
