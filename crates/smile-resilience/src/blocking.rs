//! The blocking driver: for threads without a runtime.

use std::fmt;

use crate::clock::{Cancel, Clock, SystemClock};
use crate::config::RetryConfig;
use crate::history::{Last, RetryError};
use crate::log;
use crate::policy::Policy;
use crate::random::Random;
use crate::state::{Attempt, GiveUp, Outcome, RetryState, Step};
use crate::verdict::{Classify, Phase, Verdict};

/// Carries out an operation under a [`Policy`] on this thread.
///
/// The attempt timeout cannot end a blocking call from outside: the operation is given the time
/// left in its [`Attempt`] and sets its own timeouts by it.
///
/// ```
/// use smile_resilience::{Phase, Policy, blocking};
/// use std::net::TcpListener;
/// use std::time::Duration;
///
/// let policy = Policy::attempts(3).with_deadline(Duration::from_secs(5));
/// let listener = blocking::Retrier::new("listen", policy)
///     .in_phase(Phase::Starting)
///     .run(|_attempt| TcpListener::bind("127.0.0.1:0"))?;
/// # Ok::<(), smile_resilience::RetryError<std::io::Error>>(())
/// ```
#[derive(Debug)]
pub struct Retrier<'a> {
    name: &'a str,
    policy: Policy,
    phase: Phase,
    random: Random,
    cancel: Cancel,
    clock: Box<dyn Clock>,
}

impl<'a> Retrier<'a> {
    /// `name` says in the log what is being tried.
    pub fn new(name: &'a str, policy: Policy) -> Self {
        Self {
            name,
            policy,
            phase: Phase::default(),
            random: Random::new(),
            cancel: Cancel::new(),
            clock: Box::new(SystemClock::new()),
        }
    }

    /// Sets what the far end is doing.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Ends between attempts and during pauses once `cancel` is set.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Takes time from `clock`: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Draws jitter from `random`: for tests.
    #[must_use]
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Runs `operation` until it succeeds or the policy gives up; failures class themselves.
    pub fn run<T, E>(
        self,
        operation: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, RetryError<E>>
    where
        E: Classify + fmt::Display,
    {
        self.run_with(operation, E::classify)
    }

    /// Runs `operation` until it succeeds or the policy gives up; `classify` says what a failure means.
    pub fn run_with<T, E: fmt::Display>(
        self,
        mut operation: impl FnMut(Attempt) -> Result<T, E>,
        mut classify: impl FnMut(&E, Phase) -> Verdict,
    ) -> Result<T, RetryError<E>> {
        let Self { name, policy, phase, random, cancel, clock } = self;
        let mut state = RetryState::new(policy, random, clock.now());
        let mut last = Last::Cancelled;
        loop {
            let attempt = state.attempt(clock.now());
            if cancel.is_cancelled() {
                let why = GiveUp::Cancelled;
                return Err(RetryError { last, why, history: state.into_history() });
            }
            let error = match operation(attempt) {
                Ok(value) => {
                    state.next(clock.now(), Outcome::Success);
                    log::succeeded(name, attempt);
                    return Ok(value);
                }
                Err(error) => error,
            };
            let verdict = classify(&error, phase);
            match state.next(clock.now(), Outcome::Failure(verdict)) {
                Step::Wait(pause) => {
                    log::waiting(name, phase, attempt, pause, &error);
                    last = Last::Failed(error);
                    clock.sleep(pause, &cancel);
                }
                Step::GiveUp(why) => {
                    log::gave_up(name, attempt, why, &error);
                    let last = Last::Failed(error);
                    return Err(RetryError { last, why, history: state.into_history() });
                }
                Step::Done => unreachable!("a failure is never the end of success"),
            }
        }
    }
}

/// Calls `operation` until it succeeds, `should_retry` refuses its error, or `config.max_attempts`
/// calls have been made; waits as configured between calls, exactly (no jitter), on this thread.
/// Gives back the operation's own last error.
///
/// New code uses [`blocking::Retrier`](Retrier), which adds classes, jitter, limits and a history.
///
/// ```
/// use smile_resilience::{RetryConfig, is_transient_io_error, retry_with_backoff};
///
/// let mut calls = 0;
/// let answer = retry_with_backoff(
///     RetryConfig::for_connection(),
///     "ask the answer",
///     || {
///         calls += 1;
///         if calls < 3 { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok(42) }
///     },
///     is_transient_io_error,
/// );
/// assert_eq!(answer.unwrap(), 42);
/// assert_eq!(calls, 3);
/// ```
pub fn retry_with_backoff<T, E: fmt::Display>(
    config: RetryConfig,
    operation_name: &str,
    mut operation: impl FnMut() -> Result<T, E>,
    should_retry: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let outcome = Retrier::new(operation_name, config.lenient_policy())
        .run_with(|_attempt| operation(), |error, _phase| Verdict::as_asked(should_retry(error)));
    outcome.map_err(|error| match error.last {
        Last::Failed(error) => error,
        Last::TimedOut { .. } | Last::Cancelled => {
            unreachable!("neither a timeout nor a cancellation was given")
        }
    })
}
