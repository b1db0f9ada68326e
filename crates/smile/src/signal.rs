//! Ctrl+C and its relatives: the first asks for an orderly stop, the second ends at once.

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::failure::exit;

/// Cancels on SIGINT, SIGTERM or SIGHUP; a second one ends the program without a word. The watch
/// ends when the returned set is dropped.
#[must_use = "dropping it ends the watch"]
pub(crate) fn stop_on_signals(cancel: &CancellationToken) -> JoinSet<()> {
    let mut watch = JoinSet::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        // Without a handler the signal still ends the program, only less politely.
        let Ok(mut signals) = signal(kind) else { continue };
        let cancel = cancel.clone();
        watch.spawn(async move {
            while signals.recv().await.is_some() {
                if cancel.is_cancelled() {
                    // Sandboxes end with this process, whatever state they are in.
                    std::process::exit(i32::from(exit::STOPPED));
                }
                cancel.cancel();
            }
        });
    }
    watch
}
