//! The asynchronous driver, on tokio's clock.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::RetryConfig;
use crate::history::{Last, RetryError};
use crate::log;
use crate::policy::Policy;
use crate::random::Random;
use crate::state::{Attempt, GiveUp, Outcome, RetryState, Step};
use crate::verdict::{Classify, Phase, Reason, Verdict};

/// Carries out an asynchronous operation under a [`Policy`].
///
/// ```
/// use smile_resilience::{Phase, Policy, Retrier};
/// use std::time::Duration;
/// use tokio::net::UnixStream;
///
/// # async fn example() -> Result<(), smile_resilience::RetryError<std::io::Error>> {
/// // A server that is just being started: its socket may not exist yet.
/// let stream = Retrier::new("connect to the guest", Policy::until(Duration::from_secs(5)))
///     .in_phase(Phase::Starting)
///     .run(|_attempt| UnixStream::connect("guest.sock"))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Retrier<'a> {
    name: &'a str,
    policy: Policy,
    phase: Phase,
    random: Random,
    cancel: CancellationToken,
}

impl<'a> Retrier<'a> {
    /// `name` says in the log what is being tried.
    pub fn new(name: &'a str, policy: Policy) -> Self {
        Self {
            name,
            policy,
            phase: Phase::default(),
            random: Random::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// Sets what the far end is doing.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Ends attempts and pauses at once when `cancel` is cancelled.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Draws jitter from `random`: for tests.
    #[must_use]
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Runs `operation` until it succeeds or the policy gives up; failures class themselves.
    ///
    /// # Cancel safety
    /// As safe as the operation: dropping this drops the attempt under way.
    pub async fn run<T, E, F>(self, operation: impl FnMut(Attempt) -> F) -> Result<T, RetryError<E>>
    where
        E: Classify + fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        self.run_with(operation, E::classify).await
    }

    /// Runs `operation` until it succeeds or the policy gives up; `classify` says what a failure means.
    ///
    /// # Cancel safety
    /// As safe as the operation: dropping this drops the attempt under way.
    pub async fn run_with<T, E, F>(
        self,
        mut operation: impl FnMut(Attempt) -> F,
        mut classify: impl FnMut(&E, Phase) -> Verdict,
    ) -> Result<T, RetryError<E>>
    where
        E: fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        let Self { name, policy, phase, random, cancel } = self;
        let origin = Instant::now();
        let mut state = RetryState::new(policy, random, Duration::ZERO);
        loop {
            let attempt = state.attempt(origin.elapsed());
            let limited = limited(attempt.time_left, operation(attempt));
            let Some(ended) = cancel.run_until_cancelled(limited).await else {
                state.next(origin.elapsed(), Outcome::Cancelled);
                tracing::debug!(operation = name, attempt = attempt.number, "cancelled");
                let why = GiveUp::Cancelled;
                return Err(RetryError {
                    last: Last::Cancelled,
                    why,
                    history: state.into_history(),
                });
            };
            let (failure, verdict) = match ended {
                Ok(Ok(value)) => {
                    state.next(origin.elapsed(), Outcome::Success);
                    log::succeeded(name, attempt);
                    return Ok(value);
                }
                Ok(Err(error)) => {
                    let verdict = classify(&error, phase);
                    (Last::Failed(error), verdict)
                }
                Err(after) => (Last::TimedOut { after }, Verdict::ambiguous(Reason::TimedOut)),
            };
            let step = state.next(origin.elapsed(), Outcome::Failure(verdict));
            let shown: &dyn fmt::Display = match &failure {
                Last::Failed(error) => error,
                Last::TimedOut { .. } | Last::Cancelled => &"the attempt took too long",
            };
            match step {
                Step::Wait(pause) => {
                    log::waiting(name, phase, attempt, pause, shown);
                    if cancel.run_until_cancelled(sleep(pause)).await.is_none() {
                        let why = GiveUp::Cancelled;
                        let history = state.into_history();
                        return Err(RetryError { last: failure, why, history });
                    }
                }
                Step::GiveUp(why) => {
                    log::gave_up(name, attempt, why, shown);
                    let history = state.into_history();
                    return Err(RetryError { last: failure, why, history });
                }
                Step::Done => unreachable!("a failure is never the end of success"),
            }
        }
    }
}

/// The error is the limit that was hit.
async fn limited<F: Future>(limit: Option<Duration>, attempt: F) -> Result<F::Output, Duration> {
    match limit {
        Some(limit) => timeout(limit, attempt).await.map_err(|_elapsed| limit),
        None => Ok(attempt.await),
    }
}

/// The asynchronous twin of [`retry_with_backoff`](crate::retry_with_backoff()).
///
/// ```
/// use smile_resilience::{RetryConfig, is_transient_io_error, retry_with_backoff_async};
/// use tokio::net::TcpStream;
///
/// # async fn example() -> std::io::Result<()> {
/// let stream = retry_with_backoff_async(
///     RetryConfig::for_connection(),
///     "connect",
///     || TcpStream::connect("127.0.0.1:3000"),
///     is_transient_io_error,
/// )
/// .await?;
/// # Ok(())
/// # }
/// ```
pub async fn retry_with_backoff_async<T, E, F>(
    config: RetryConfig,
    operation_name: &str,
    mut operation: impl FnMut() -> F,
    should_retry: impl Fn(&E) -> bool,
) -> Result<T, E>
where
    E: fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let outcome = Retrier::new(operation_name, config.lenient_policy())
        .run_with(|_attempt| operation(), |error, _phase| Verdict::as_asked(should_retry(error)))
        .await;
    outcome.map_err(|error| match error.last {
        Last::Failed(error) => error,
        Last::TimedOut { .. } | Last::Cancelled => {
            unreachable!("neither a timeout nor a cancellation was given")
        }
    })
}
