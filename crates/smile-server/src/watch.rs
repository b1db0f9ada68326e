//! What those who watch a run are told, and how.

use std::time::Duration;

use serde::Serialize;
use smile_loop::{EnvironmentNote, Gap, RunStatus, StepRecord};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

/// How many events may wait for a watcher.
pub const EVENTS_MAX: usize = 256;
/// How long a run waits for a watcher that does not keep up.
const PATIENCE: Duration = Duration::from_secs(10);

/// One event with its place in the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Watched {
    /// Counted from 1; one that is missing was left out because the watcher was slow.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened in a run, as `{"event": …, "payload": …}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A run has its lock and its folder.
    #[serde(rename_all = "camelCase")]
    RunStarted {
        /// The run's id.
        run_id: String,
        /// The tutorial's file.
        tutorial: String,
        /// Its title.
        title: Option<String>,
        /// Steps on the page.
        steps: u32,
        /// Lines of the page.
        lines: u32,
    },
    /// A clean sandbox is there.
    SandboxReady {
        /// Backend, system, user and network, in words.
        sandbox: String,
    },
    /// The student begins, on a clean machine.
    IterationStart {
        /// Counted from 1.
        iteration: u32,
    },
    /// A step begins.
    StepStarted {
        /// Its number.
        step: u32,
        /// The line it stands at.
        line: u32,
        /// The command, or what else is done.
        what: String,
    },
    /// A command printed something. Left out where the watcher is slow.
    StepOutput {
        /// The step's number.
        step: u32,
        /// The text; bytes that are not UTF-8 are replaced.
        text: String,
    },
    /// A step has ended.
    StepFinished(Box<StepRecord>),
    /// Something about the environment.
    Note(EnvironmentNote),
    /// A gap of the finished run.
    GapFound(Box<Gap>),
    /// The run is over, and its reports are written.
    LoopComplete(Box<Complete>),
}

/// How a run came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Complete {
    /// How it ended.
    pub status: RunStatus,
    /// One sentence about the end, where there is something to say.
    pub detail: Option<String>,
    /// The exit code that it deserves.
    pub exit_code: u8,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Steps that were carried out.
    pub carried_out: u32,
    /// Of these, how many did what the page promises.
    pub as_promised: u32,
    /// Where a newcomer without help is blocked.
    pub blocked_at_line: Option<u32>,
    /// The files written.
    pub reports: Vec<String>,
}

/// The way from a run to its one watcher. Events wait for the watcher, so that none is lost, but
/// neither for ever nor past a stop; output is left out at once where the watcher is slow.
#[derive(Debug, Clone)]
pub struct Watcher {
    sender: mpsc::Sender<Watched>,
    cancel: CancellationToken,
    seq: u64,
}

impl Watcher {
    /// The two ends, with room for [`EVENTS_MAX`] events. After `cancel` nothing is waited for.
    pub fn new(cancel: CancellationToken) -> (Self, mpsc::Receiver<Watched>) {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        (Self { sender, cancel, seq: 0 }, receiver)
    }

    /// Tells, waiting for room. Nobody watching any more is no error.
    pub(crate) async fn tell(&mut self, event: Event) {
        self.seq += 1;
        let watched = Watched { seq: self.seq, event };
        let room = tokio::select! {
            biased;
            room = timeout(PATIENCE, self.sender.reserve()) => room.ok(),
            () = self.cancel.cancelled() => None,
        };
        if let Some(Ok(room)) = room {
            room.send(watched);
        }
    }

    /// Tells if there is room; the hole in the numbers shows what was left out.
    pub(crate) fn offer(&mut self, event: Event) {
        self.seq += 1;
        let _ = self.sender.try_send(Watched { seq: self.seq, event });
    }
}
