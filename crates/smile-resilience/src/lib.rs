//! Failure classes, backoff, retry, budgets, and connections that come back.
//!
//! One place decides in this product what a failure means, how long to wait, and when to stop
//! trying. The core is data and pure functions: it reads no clock, draws no random number of its own
//! and knows no runtime. The drivers around it are thin.
//!
//! # Retry something
//!
//! A [`Policy`] says how often and how patiently; the error's type says whether it can help
//! ([`Classify`]); a driver carries it out: [`Retrier`] with tokio, [`blocking::Retrier`] without.
//!
//! ```
//! use smile_resilience::{Budget, Idempotency, Policy, Retrier, RetryConfig, http};
//! use std::time::Duration;
//!
//! # async fn ask() -> Result<String, http::Failure> { Ok("yes".to_owned()) }
//! # async fn example(budget: Budget) -> Result<(), Box<dyn std::error::Error>> {
//! let policy = RetryConfig::for_network()
//!     .policy()? // Refuses what cannot be meant.
//!     .with_attempt_timeout(Duration::from_secs(10))
//!     .with_deadline(Duration::from_secs(60))
//!     .with_idempotency(Idempotency::Idempotent)
//!     .with_budget(budget); // Shared by everything that calls the same server.
//! let answer = Retrier::new("ask the provider", policy).run(|_attempt| ask()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to wait for | use |
//! |---|---|
//! | a call that may fail now and then | [`Policy::attempts`], or [`RetryConfig::policy`] |
//! | something that is just being started: a guest, a server, a socket | [`Policy::until`] in [`Phase::Starting`] |
//! | a connection that must come back: a container engine | [`Policy::forever`] with a cancellation |
//! | a loop of one's own | [`RetryState::next`], or [`ConnectionManager`] |
//!
//! Rules that always hold: the first attempt counts; no pause is above the maximum, jitter
//! included, nor under a millisecond; no pause after the last attempt nor one that would end past
//! the deadline; a server's hint is a floor and is never shortened: where it does not fit, that is
//! the end; an outcome that nobody knows is repeated only where that is declared safe
//! ([`Idempotency`]); the error that comes back ([`RetryError`]) carries the last failure, why there
//! was no further attempt, and the history.
//!
//! # What a failure means
//!
//! In this order, and the first that knows it decides:
//!
//! 1. the producer's own type, by [`Classify`], or [`Classified`] inside a chain of causes;
//! 2. protocol codes: [`http`] status with `Retry-After`, [`grpc`] status, error numbers and kinds,
//!    found by walking `source()` ([`classify_error`]);
//! 3. text, by one table of anchored patterns, for the output of external programs only
//!    ([`classify_output`]), or of crates whose types say nothing ([`classify_foreign`]);
//! 4. nothing: the failure is final.
//!
//! The [`Phase`] is an input: "connection refused" passes while a server starts and is an error
//! once it is meant to be there.
//!
//! # Keep a connection
//!
//! [`ConnectionManager`] holds a connection's state, attempts and generation in one atomic value;
//! [`MessageBuffer`] holds messages until there is a connection; [`Ordered`] brings numbered
//! messages back into order, each once. With the feature `websocket`, the module `websocket` is a
//! client made of them that reconnects by itself, resumes where it was, and says what it could
//! not get. The server speaks the messages of `websocket::wire`.
//!
//! # Familiar functions
//!
//! [`retry_with_backoff`](retry_with_backoff()) and [`retry_with_backoff_async`] with a plain
//! [`RetryConfig`], and [`is_transient_network_error`], [`is_permanent_error`],
//! [`is_transient_io_error`] keep their old meaning. They are the last resort.
//!
//! # Tests of one's own
//!
//! Give the drivers a [`Random::seeded`] or [`Random::fixed`], and time that takes none: tokio's
//! paused clock for [`Retrier`], a [`ManualClock`] for [`blocking::Retrier`].
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `tokio` | yes | [`Retrier`], [`retry_with_backoff_async`] |
//! | `websocket` | no | the module `websocket` |

mod backoff;
pub mod blocking;
mod budget;
mod buffer;
mod classify;
mod clock;
mod config;
mod connection;
#[cfg(feature = "tokio")]
mod driver;
mod history;
mod log;
mod order;
mod policy;
mod random;
mod state;
mod verdict;
#[cfg(feature = "websocket")]
pub mod websocket;

pub use backoff::{Backoff, DELAY_MIN, Jitter};
pub use blocking::retry_with_backoff;
pub use budget::Budget;
pub use buffer::MessageBuffer;
pub use classify::{
    Classified, classify_error, classify_foreign, classify_output, grpc, http, is_permanent_error,
    is_transient_io_error, is_transient_network_error,
};
pub use clock::{Cancel, Clock, ManualClock, SystemClock};
pub use config::RetryConfig;
pub use connection::{ConnectionManager, ConnectionState, Generation, ResiliencyConfig};
#[cfg(feature = "tokio")]
pub use driver::{Retrier, retry_with_backoff_async};
pub use history::{History, Last, RECORDS_MAX, Record, RetryError};
pub use order::{Arrival, Delivery, Ordered};
pub use policy::{Idempotency, Policy, PolicyError};
pub use random::Random;
pub use state::{Attempt, GiveUp, Outcome, RetryState, Step};
pub use verdict::{Classify, Effect, Phase, Reason, Retry, Verdict};
