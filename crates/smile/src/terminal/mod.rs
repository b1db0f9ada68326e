//! What a person sees while a run goes on, or a program reads line by line.

mod index;
mod json;
mod live;
mod narrow;
mod summary;

use std::thread::JoinHandle;

use smile_server::Watched;
use tokio::sync::mpsc;

use crate::{
    cli::OutputArguments,
    output::{self, Paint},
};

pub(crate) use index::{Entry, index, index_json, index_markdown};
pub(crate) use summary::{severity_paint, summary};

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Nothing but errors.
    Nothing,
    /// Events as JSON lines.
    Json,
    /// Progress for people; on a terminal with a live line.
    Progress {
        /// Each step's output and what is only read, too.
        everything: bool,
    },
}

impl Show {
    /// As the flags say.
    pub(crate) fn new(arguments: &OutputArguments) -> Self {
        match arguments {
            OutputArguments { quiet: true, .. } => Self::Nothing,
            OutputArguments { json: true, .. } => Self::Json,
            OutputArguments { verbose, .. } => Self::Progress { everything: *verbose },
        }
    }
}

/// Shows one run's events on a thread of its own, so that a slow terminal holds up nothing but
/// itself. It ends when the run's side of the channel is gone.
pub(crate) fn show(show: Show, events: mpsc::Receiver<Watched>) -> JoinHandle<()> {
    std::thread::spawn(move || match show {
        Show::Nothing => drain(events),
        Show::Json => json::lines(events),
        Show::Progress { everything } => live::progress(events, everything, &Paint::for_stdout()),
    })
}

fn drain(mut events: mpsc::Receiver<Watched>) {
    while events.blocking_recv().is_some() {}
}

/// Seconds as a person says them.
pub(crate) fn spoken(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {:02} s", milliseconds / 60_000, milliseconds / 1000 % 60),
    }
}

/// `1 gap`, `2 gaps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Prints; a reader that has gone is noticed elsewhere.
fn say(text: &str) {
    let _ = output::print(text);
}
