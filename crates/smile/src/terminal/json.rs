//! Events as JSON lines.

use smile_server::Watched;
use tokio::sync::mpsc;

use super::say;

pub(super) fn lines(mut events: mpsc::Receiver<Watched>) {
    while let Some(watched) = events.blocking_recv() {
        if let Ok(line) = serde_json::to_string(&watched) {
            say(&format!("{line}\n"));
        }
    }
}
