//! The sessions of a guest: who is idle, who is at work.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;
use smile_call::{CallError, Code, Responder, call::Handled, mux::Stream};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    message::{GuestError, OpenSession, RunCommand, RunEnd, RunEvent, SessionOpened},
    ports,
    reaper::Reaper,
    run::{self, After, Finished, Seen},
    session::{Session, Start},
};

/// Events on their way to the caller; a slow caller slows the command down.
const EVENTS_MAX: usize = 16;

/// All sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    folder: PathBuf,
    reaper: Reaper,
    slots: Mutex<HashMap<u32, Slot>>,
    last_id: AtomicU32,
    seen: Mutex<Seen>,
    idlers: TaskTracker,
}

#[derive(Debug)]
enum Slot {
    /// At work; where it was when the command began.
    Busy { cwd: String, home: String },
    /// Idle: a task reads what its background jobs print.
    Idle { stop: CancellationToken, task: JoinHandle<Session>, cwd: String, home: String },
}

impl Sessions {
    /// None yet; their private files go into `folder`.
    pub(super) fn new(folder: PathBuf, reaper: Reaper) -> Self {
        Self {
            folder,
            reaper,
            slots: Mutex::default(),
            last_id: AtomicU32::new(0),
            seen: Mutex::new(Seen { listening: ports::listening(), ..Seen::default() }),
            idlers: TaskTracker::new(),
        }
    }

    /// Opens a session.
    pub(super) async fn open(&self, open: OpenSession) -> Result<SessionOpened, GuestError> {
        let start = match open.state_of {
            None => Start::from(open),
            Some(id) => {
                let mut other = self.take(id).await?;
                if !other.session().occupied {
                    other.session().wait_until_saved().await;
                }
                let mut start = other.session().successor();
                other.park();
                (start.columns, start.rows) = (open.columns, open.rows);
                start
            }
        };
        let session = self.spawn(start).await?;
        let opened = SessionOpened { session: session.id, shell: session.shell.path.clone() };
        self.park(session);
        Ok(opened)
    }

    /// Ends a session and everything in it.
    pub(super) async fn close(&self, id: u32) -> Result<(), GuestError> {
        drop(self.take(id).await?);
        Ok(())
    }

    /// Ends all sessions that are idle; those at work end with their calls.
    pub(super) async fn close_all(&self) {
        let ids: Vec<u32> = self.slots.lock().keys().copied().collect();
        for id in ids {
            let _ = self.close(id).await;
        }
        self.idlers.close();
    }

    /// The directory and home folder of a session.
    pub(super) fn place(&self, id: u32) -> Result<(String, String), GuestError> {
        match self.slots.lock().get(&id) {
            Some(Slot::Busy { cwd, home } | Slot::Idle { cwd, home, .. }) => {
                Ok((cwd.clone(), home.clone()))
            }
            None => Err(no_session(id)),
        }
    }

    /// Takes note of a file that no command wrote.
    pub(super) fn note_change(&self, path: &Path) {
        self.seen.lock().tree.note(path);
    }

    /// Runs a command and tells its caller everything.
    pub(super) async fn run(
        &self,
        command: RunCommand,
        responder: &mut Responder<Stream>,
    ) -> Result<Handled, CallError> {
        if command.text.contains('\0') {
            return Err(CallError::new(Code::InvalidInput, "the command holds a NUL"));
        }
        let mut lease = self.take(command.session).await?;
        if lease.session().occupied {
            lease.park();
            let message =
                format!("session {} is occupied by a program moved aside", command.session);
            return Err(GuestError::new("BUSY", message).into());
        }
        let aborted = responder.aborted().clone();
        let mut seen = std::mem::take(&mut *self.seen.lock());
        let (sender, mut events) = mpsc::channel(EVENTS_MAX);
        let running = async {
            let sender = sender; // Dropped at the end, which ends the forwarding.
            run::run(lease.session(), &command, &mut seen, &sender, &aborted).await
        };
        let forwarding = async {
            while let Some(event) = events.recv().await {
                if responder.respond(&event).await.is_err() {
                    break; // The caller is gone, which aborts the command.
                }
            }
            drop(events);
        };
        let (finished, ()) = tokio::join!(running, forwarding);
        *self.seen.lock() = seen;
        let Finished { mut ended, session: after } =
            finished.map_err(|error| GuestError::io("lost the shell", &error))?;
        lease.session().occupied = after == After::Occupied;
        if after != After::Ready {
            let session = self.spawn(lease.session().successor()).await?;
            ended.session = session.id;
            self.park(session);
        }
        if after == After::Ended && !lease.session().has_jobs() {
            drop(lease);
        } else {
            lease.park();
        }
        let handled =
            if ended.how == RunEnd::Aborted { Handled::Aborted } else { Handled::Completed };
        responder.respond(&RunEvent::Ended(Box::new(ended))).await?;
        Ok(handled)
    }

    async fn spawn(&self, start: Start) -> Result<Session, GuestError> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        Session::open(id, start, &self.folder, &self.reaper).await
    }

    fn park(&self, mut session: Session) {
        let stop = CancellationToken::new();
        let (id, cwd, home) = (session.id, session.cwd.clone(), session.home());
        let stopped = stop.clone();
        let task = self.idlers.spawn(async move {
            stopped.run_until_cancelled(session.drain()).await;
            session
        });
        self.slots.lock().insert(id, Slot::Idle { stop, task, cwd, home });
    }

    async fn take(&self, id: u32) -> Result<Lease<'_>, GuestError> {
        let (stop, task) = {
            let mut slots = self.slots.lock();
            match slots.remove(&id) {
                None => return Err(no_session(id)),
                Some(busy @ Slot::Busy { .. }) => {
                    slots.insert(id, busy);
                    let mut error =
                        GuestError::new("BUSY", format!("session {id} has a command under way"));
                    error.retryable = true;
                    return Err(error);
                }
                Some(Slot::Idle { stop, task, cwd, home }) => {
                    slots.insert(id, Slot::Busy { cwd, home });
                    (stop, task)
                }
            }
        };
        let mut lease = Lease { sessions: self, id, session: None };
        stop.cancel();
        let session = task.await.map_err(|error| GuestError::new("INTERNAL", error.to_string()))?;
        lease.session = Some(session);
        Ok(lease)
    }
}

fn no_session(id: u32) -> GuestError {
    GuestError::new("NO_SESSION", format!("there is no session {id}"))
}

/// A session at work. Dropping the lease ends the session; [`Lease::park`] makes it idle again.
struct Lease<'a> {
    sessions: &'a Sessions,
    id: u32,
    session: Option<Session>,
}

impl Lease<'_> {
    fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("is there until the lease ends")
    }

    fn park(mut self) {
        if let Some(session) = self.session.take() {
            self.sessions.park(session);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            drop(session);
            self.sessions.slots.lock().remove(&self.id);
        }
    }
}
