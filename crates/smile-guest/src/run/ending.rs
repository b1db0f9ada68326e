//! Ending a command that would not end itself, a little harder with each step.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::look::jobs;
use crate::{message::RunEnd, process, session::Session};

/// A command that is being ended.
#[derive(Debug)]
pub(super) struct Ending {
    how: RunEnd,
    note: Option<String>,
    step: usize,
    next: Instant,
    /// Typed before anything else is done.
    keys: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    /// As Ctrl+C does.
    Interrupt,
    /// End of input, as Ctrl+D does.
    EndOfInput,
    Terminate,
    Kill,
    /// The shell itself does not come back: it goes, and a new one takes over.
    KillShell,
}

/// What is done, and how long it is given to work. The sum stays within the second that an abort
/// may take.
const STEPS: [(Means, Duration); 5] = [
    (Means::Interrupt, Duration::from_millis(120)),
    (Means::EndOfInput, Duration::from_millis(80)),
    (Means::Terminate, Duration::from_millis(250)),
    (Means::Kill, Duration::from_millis(250)),
    (Means::KillShell, Duration::from_millis(250)),
];

/// Where [`STEPS`] begin to be merciless.
const KILL_STEP: usize = 3;
/// How long an editor may take to end by its own keys.
const KEYS_TIME: Duration = Duration::from_millis(500);

/// How people leave an editor without saving. One that is killed would leave its swap file.
fn quit_keys(program: &str) -> Option<&'static str> {
    match program {
        "vi" | "nvim" | "busybox" => Some("\u{1b}\u{1b}:qa!\r"),
        vim if vim.starts_with("vim") => Some("\u{1b}\u{1b}:qa!\r"),
        "nano" | "rnano" | "pico" => Some("\u{18}"),
        "emacs" | "emacs-nox" | "emacs-gtk" => Some("\u{18}\u{3}"),
        "micro" => Some("\u{11}"),
        "hx" => Some("\u{1b}:q!\r"),
        "ed" => Some("Q\n"),
        _ => None,
    }
}

impl Ending {
    /// Begins to end a command; `note` is for the evidence.
    pub(super) fn new(how: RunEnd, note: Option<String>) -> Self {
        Self { how, note, step: 0, next: Instant::now(), keys: None }
    }

    /// A program that waits for keys; editors are left as people leave them, without saving.
    pub(super) fn waiting(program: &str, note: Option<String>) -> Self {
        Self { keys: quit_keys(program), ..Self::new(RunEnd::Waiting, note) }
    }

    /// An editor whose file was written for it: it is ended at once, so that it cannot write
    /// over it.
    pub(super) fn edited(program: &str, written: Result<(), String>) -> Self {
        let (how, note) = match written {
            Ok(()) => (RunEnd::Exited { code: 0 }, format!("typed into `{program}` and saved")),
            Err(error) => (RunEnd::Waiting, format!("could not save from `{program}`: {error}")),
        };
        Self {
            how,
            note: Some(note),
            step: KILL_STEP,
            next: Instant::now(),
            keys: quit_keys(program),
        }
    }

    /// When to call [`Ending::step`].
    pub(super) fn next_step(&self) -> Instant {
        self.next
    }

    /// Takes the next step.
    pub(super) fn step(&mut self, session: &Session) {
        if let Some(keys) = self.keys.take() {
            session.terminal.type_in(keys.as_bytes());
            self.next = Instant::now() + KEYS_TIME;
            return;
        }
        let (means, time) = STEPS[self.step.min(STEPS.len() - 1)];
        // End of input means something only to a program that waits for input.
        let skipped = means == Means::EndOfInput && self.how != RunEnd::Waiting;
        if !skipped {
            apply(means, session);
            self.next = Instant::now() + time;
        }
        self.step += 1;
    }

    /// What the evidence says about it.
    pub(super) fn note(&self) -> Option<String> {
        self.note.clone()
    }

    /// How the command ended in the end.
    pub(super) fn into_how(self) -> RunEnd {
        self.how
    }
}

fn apply(means: Means, session: &Session) {
    match means {
        Means::Interrupt => session.terminal.signal(Signal::INT),
        Means::EndOfInput => session.terminal.type_in(b"\x04"),
        Means::Terminate => signal_foreground(session, Signal::TERM),
        Means::Kill => signal_foreground(session, Signal::KILL),
        Means::KillShell => {
            signal_foreground(session, Signal::KILL);
            let _ = kill_process(session.pid, Signal::KILL);
        }
    }
}

/// Signals the whole group in the foreground and all that its members have started; never the
/// shell.
fn signal_foreground(session: &Session, signal: Signal) {
    let Some(group) = session.terminal.foreground() else { return };
    let group = group.as_raw_nonzero().get();
    let all = process::all();
    let mut doomed: Vec<i32> =
        jobs(&all, session.pid).iter().filter(|p| p.group == group).map(|p| p.pid).collect();
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|p| doomed.contains(&p.parent) && !doomed.contains(&p.pid))
            .map(|p| p.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        doomed.extend(more);
    }
    for pid in doomed.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, signal);
        if signal == Signal::TERM {
            // A stopped process would not notice.
            let _ = kill_process(pid, Signal::CONT);
        }
    }
}
