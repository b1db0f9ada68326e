//! What the rest of the program holds: sending, events, and the state to watch.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::ended::Ended;
use super::outbox::{Full, Outbox};
use super::wire::{Event, FromClient, Request};
use crate::connection::ConnectionState;

/// Where the connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: ConnectionState,
    /// Counts the connections that were begun.
    pub generation: u32,
    /// Reconnects in a row without lasting success.
    pub attempts: u32,
    /// When the next reconnect begins, while one is being waited for.
    pub retry_at: Option<Instant>,
    /// Why the last connection was lost or could not be made.
    pub cause: Option<String>,
    /// Why the client has ended for good.
    pub ended: Option<Ended>,
}

/// What the client gives, in order. Nothing is left out in silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event; one with a number comes exactly once and after all lower numbers.
    Event(Event),
    /// These events cannot be had any more.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The server tells another history: event numbers begin anew, and requests that were not
    /// acknowledged were not sent on, for they were meant for the old one.
    Restarted {
        /// The new history.
        epoch: String,
        /// The numbers of the requests that were not acknowledged.
        unsent: Vec<u64>,
    },
    /// A message that is none of the protocol's.
    Unreadable {
        /// Its beginning.
        text: String,
    },
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Too many wait already: try later, or do without.
    #[error("{capacity} messages wait to be sent already")]
    Full {
        /// How many may wait.
        capacity: usize,
    },
    /// Too many bytes wait already.
    #[error("{bytes_max} bytes wait to be sent already")]
    FullOfBytes {
        /// How many may wait.
        bytes_max: usize,
    },
    /// The message is longer than allowed.
    #[error("a message may have {bytes_max} bytes at most")]
    TooLong {
        /// How many are allowed.
        bytes_max: usize,
    },
    /// The client has ended.
    #[error("the connection has ended for good")]
    Ended(#[source] Ended),
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) outbox: Mutex<Outbox>,
    pub(super) work: Notify,
    pub(super) status: watch::Sender<Status>,
    pub(super) settled: watch::Sender<u64>,
    pub(super) capacity: usize,
    pub(super) outbox_bytes_max: usize,
    pub(super) message_bytes_max: usize,
}

/// Sends requests and watches the connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(pub(super) Arc<Shared>);

impl Handle {
    /// Takes a request and gives its number. It is sent as soon as there is a connection, again after
    /// every reconnect until the server has acknowledged it, and counted by the server once.
    ///
    /// # Errors
    /// `Full` and `FullOfBytes` where too much waits already, `TooLong`, `Ended`: the request was not
    /// taken.
    pub fn send(&self, kind: &str, payload: Value) -> Result<u64, SendError> {
        let Self(shared) = self;
        if let Some(ended) = &shared.status.borrow().ended {
            return Err(SendError::Ended(ended.clone()));
        }
        let request = Request { seq: u64::MAX, kind: kind.to_owned(), payload };
        let message = FromClient::Request(request);
        let bytes_max = shared.message_bytes_max;
        if message.to_text().len() > bytes_max {
            return Err(SendError::TooLong { bytes_max });
        }
        let FromClient::Request(mut request) = message else { unreachable!("made above") };
        let taken = shared.outbox.lock().push(|seq| {
            request.seq = seq;
            FromClient::Request(request).to_text()
        });
        let seq = taken.map_err(|full| match full {
            Full::Messages => SendError::Full { capacity: shared.capacity },
            Full::Bytes => SendError::FullOfBytes { bytes_max: shared.outbox_bytes_max },
        })?;
        shared.work.notify_one();
        Ok(seq)
    }

    /// Waits until the server has acknowledged request `seq` and all before it.
    ///
    /// # Errors
    /// Why the client has ended before.
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn acknowledged(&self, seq: u64) -> Result<(), Ended> {
        let mut settled = self.0.settled.subscribe();
        let mut status = self.0.status.subscribe();
        tokio::select! {
            biased;
            Ok(_) = settled.wait_for(|settled| *settled >= seq) => Ok(()),
            Ok(status) = status.wait_for(|status| status.ended.is_some()) => {
                Err(status.ended.clone().unwrap_or(Ended::Cancelled))
            }
        }
    }

    /// The connection's state, now and as it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.0.status.subscribe()
    }
}

/// Gives what the server sends. May be dropped by a program that only sends.
#[derive(Debug)]
pub struct Events(pub(super) mpsc::Receiver<Incoming>);

impl Events {
    /// The next, or `None` once the client has ended and everything was given.
    ///
    /// A reader that is slow slows the server down; nothing piles up.
    ///
    /// # Cancel safety
    /// Nothing is lost when this is dropped.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.0.recv().await
    }
}
