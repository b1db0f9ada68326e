//! Reaps every process that ends, orphans included, and tells those who wait for one of them.

use std::{collections::HashMap, io, sync::Arc};

use parking_lot::Mutex;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// The exit code of a process as a shell counts: 128 + N for signal N.
pub(crate) type ExitCode = i32;

/// A process's end, once it has come.
pub(crate) type Exit = watch::Receiver<Option<ExitCode>>;

/// Whom to tell about which process; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reaper {
    watched: Arc<Mutex<HashMap<i32, watch::Sender<Option<ExitCode>>>>>,
}

impl Reaper {
    /// Waits for a child that was just started. There is no await between its start and this
    /// call, and one thread only, so its end cannot be missed.
    pub(crate) fn watch(&self, pid: u32) -> Exit {
        let (sender, exit) = watch::channel(None);
        self.watched.lock().insert(pid.cast_signed(), sender);
        exit
    }

    /// Registers for the kernel's signal; to be called before the first child is started.
    pub(crate) fn listen() -> io::Result<Signal> {
        signal(SignalKind::child())
    }

    /// Reaps until dropped.
    pub(crate) async fn run(self, mut signals: Signal) {
        loop {
            while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
                self.tell(pid, status);
            }
            if signals.recv().await.is_none() {
                return;
            }
        }
    }

    fn tell(&self, pid: Pid, status: WaitStatus) {
        let Some(code) = exit_code(status) else { return };
        if let Some(sender) = self.watched.lock().remove(&pid.as_raw_nonzero().get()) {
            sender.send_replace(Some(code));
        }
    }
}

fn exit_code(status: WaitStatus) -> Option<ExitCode> {
    status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal))
}

/// Waits for the end of a watched process.
pub(crate) async fn ended(exit: &mut Exit) -> ExitCode {
    let code = exit.wait_for(Option::is_some).await.ok().and_then(|code| *code);
    match code {
        Some(code) => code,
        None => std::future::pending().await, // The reaper is gone: so is the guest.
    }
}
