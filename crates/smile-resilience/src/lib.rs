//! Failure classes, backoff, retry, budgets, and connections that come back.

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
mod policy;
mod random;
mod state;
mod verdict;

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
pub use policy::{Idempotency, Policy, PolicyError};
pub use random::Random;
pub use state::{Attempt, GiveUp, Outcome, RetryState, Step};
pub use verdict::{Classify, Effect, Phase, Reason, Retry, Verdict};
