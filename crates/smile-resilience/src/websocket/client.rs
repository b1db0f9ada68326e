//! The client: connects, and connects again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ended::Ended;
use super::handle::{Events, Handle, Incoming, Shared, Status};
use super::link::{End, Link};
use super::options::Options;
use super::outbox::Outbox;
use super::wire::Event;
use crate::connection::{ConnectionManager, ConnectionState};
use crate::order::Ordered;
use crate::random::Random;

/// How many requests may be on the way without an acknowledgement.
const IN_FLIGHT_MAX: usize = 256;
/// How many events may wait for an earlier one.
const EARLY_EVENTS_MAX: usize = 1_024;
/// How many events may wait for the program.
const EVENTS_MAX: usize = 256;

/// Owns the connection. [`Client::run`] does everything; let a task that somebody joins run it.
#[derive(Debug)]
pub struct Client {
    pub(super) options: Options,
    pub(super) manager: ConnectionManager,
    pub(super) shared: Arc<Shared>,
    pub(super) events: mpsc::Sender<Incoming>,
    pub(super) epoch: Option<String>,
    pub(super) order: Ordered<Event>,
    /// What the program has not taken yet.
    pub(super) pending: std::collections::VecDeque<Incoming>,
    /// The first missing event for which a reconnect has been tried already.
    pub(super) asked_again_for: Option<u64>,
}

impl Client {
    /// A client that has not begun to connect; requests are taken from now on.
    pub fn new(mut options: Options) -> (Self, Handle, Events) {
        let random = std::mem::replace(&mut options.random, Random::fixed(0.0));
        let manager = ConnectionManager::with_random(options.config, random);
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let capacity = options.config.message_buffer_size;
        let outbox = Outbox::new(capacity, IN_FLIGHT_MAX, options.outbox_bytes_max);
        let status = Status {
            state: ConnectionState::Disconnected,
            generation: 0,
            attempts: 0,
            retry_at: None,
            cause: None,
            ended: None,
        };
        let shared = Arc::new(Shared {
            outbox: Mutex::new(outbox),
            work: Notify::new(),
            status: watch::Sender::new(status),
            settled: watch::Sender::new(0),
            capacity,
            outbox_bytes_max: options.outbox_bytes_max,
            message_bytes_max: options.message_bytes_max,
        });
        let client = Self {
            epoch: options.epoch.clone(),
            order: Ordered::after(options.last_seq, EARLY_EVENTS_MAX),
            options,
            manager,
            shared: Arc::clone(&shared),
            events,
            pending: std::collections::VecDeque::new(),
            asked_again_for: None,
        };
        (client, Handle(shared), Events(receiver))
    }

    /// Connects and stays connected until `cancel` or a reason not to come back. Every wait ends at
    /// once on cancellation.
    pub async fn run(mut self, cancel: CancellationToken) -> Ended {
        let ended = self.keep_connected(&cancel).await;
        // What came before the end is still given.
        cancel.run_until_cancelled(self.give_pending()).await;
        self.manager.disconnected();
        tracing::info!(%ended, "connection ended for good");
        let last = ended.clone();
        self.publish(|status| status.ended = Some(last));
        ended
    }

    async fn keep_connected(&mut self, cancel: &CancellationToken) -> Ended {
        self.manager.set_connecting();
        self.publish(|_status| ());
        let mut at_once_allowed = true;
        loop {
            let link = Link::new(self);
            let (end, answered) = link.run(cancel).await;
            // A peer that has answered earns one reconnect without a pause, where that is the cure.
            at_once_allowed |= answered && !matches!(end, End::AtOnce { .. });
            let (cause, floor, at_once) = match end {
                End::Ended(ended) => return ended,
                End::Lost { cause, floor } => (cause, floor, false),
                End::AtOnce { cause } => (cause, Duration::ZERO, at_once_allowed),
            };
            if at_once {
                at_once_allowed = false;
            }
            self.manager.disconnected_from(self.manager.generation());
            let attempts = self.manager.reconnect_attempts();
            if !self.manager.should_reconnect() {
                return Ended::Attempts { attempts, cause };
            }
            let longest = self.options.config.max_backoff;
            if floor > longest {
                let (asked_s, longest_s) = (floor.as_secs(), longest.as_secs());
                return Ended::AskedToWait { asked_s, longest_s };
            }
            let pause = self.manager.backoff_duration(attempts).max(floor);
            let pause = if at_once { Duration::ZERO } else { pause };
            self.manager.set_reconnecting();
            tracing::info!(
                cause,
                ?pause,
                attempts = attempts + 1,
                "connection lost, will reconnect"
            );
            let retry_at = Instant::now() + pause;
            self.publish(|status| {
                status.cause = Some(cause);
                status.retry_at = Some(retry_at);
            });
            let wait = async {
                if timeout_at(retry_at, self.give_pending()).await.is_ok() {
                    sleep_until(retry_at).await;
                }
            };
            if cancel.run_until_cancelled(wait).await.is_none() {
                return Ended::Cancelled;
            }
            self.publish(|_status| ());
        }
    }

    /// Gives the program what it has not taken yet.
    async fn give_pending(&mut self) {
        while !self.pending.is_empty() {
            // Room first: dropped while waiting for it, nothing is lost.
            let Ok(permit) = self.events.reserve().await else { return self.pending.clear() };
            if let Some(next) = self.pending.pop_front() {
                permit.send(next);
            }
        }
    }

    /// Shows the manager's state, with no reconnect being waited for unless `change` says so.
    pub(super) fn publish(&self, change: impl FnOnce(&mut Status)) {
        self.shared.status.send_modify(|status| {
            status.state = self.manager.state();
            status.generation = self.manager.generation().number();
            status.attempts = self.manager.reconnect_attempts();
            status.retry_at = None;
            change(status);
        });
    }
}
