//! What a retry may do: attempts, pauses, limits, and what is known about repeating.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::backoff::{Backoff, Jitter};
use crate::budget::Budget;

/// Whether an operation may be carried out twice. Asked only where an attempt's outcome is not
/// known: sent, but no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Idempotency {
    /// Twice may do harm: an unknown outcome is given back to the caller.
    #[default]
    AtMostOnce,
    /// Twice is the same as once.
    Idempotent,
    /// Each attempt carries the same key, by which the far end drops the repetition.
    Keyed,
}

/// A retry policy as data: [`RetryState`](crate::RetryState) decides by it, the drivers carry it out.
///
/// ```
/// use smile_resilience::{Backoff, Budget, Idempotency, Policy};
/// use std::time::Duration;
///
/// let policy = Policy::attempts(4)
///     .with_backoff(Backoff { initial: Duration::from_millis(500), ..Backoff::default() })
///     .with_attempt_timeout(Duration::from_secs(10))
///     .with_deadline(Duration::from_secs(30))
///     .with_idempotency(Idempotency::Idempotent)
///     .with_budget(Budget::default());
/// assert_eq!(policy.attempts_max().map(std::num::NonZeroU32::get), Some(4));
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    attempts_max: Option<NonZeroU32>,
    backoff: Backoff,
    attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
    idempotency: Idempotency,
    budget: Option<Budget>,
}

impl Default for Policy {
    /// 3 attempts, 100 ms doubling to 5 s with full jitter, at most once.
    fn default() -> Self {
        Self::attempts(3)
    }
}

impl Policy {
    /// At most so many attempts; the first one counts, and 0 counts as 1.
    pub fn attempts(attempts_max: u32) -> Self {
        Self {
            attempts_max: Some(NonZeroU32::new(attempts_max).unwrap_or(NonZeroU32::MIN)),
            backoff: Backoff::default(),
            attempt_timeout: None,
            deadline: None,
            idempotency: Idempotency::default(),
            budget: None,
        }
    }

    /// Any number of attempts until so much time has passed: for reaching what is just being
    /// started. Pauses are short (10 ms growing to 250 ms), for somebody is waiting; reaching out
    /// again does no harm, so it counts as idempotent.
    pub fn until(deadline: Duration) -> Self {
        let backoff = Backoff {
            initial: Duration::from_millis(10),
            max: Duration::from_millis(250),
            multiplier: 1.5,
            jitter: Jitter::None,
        };
        Self::unlimited().with_backoff(backoff).with_deadline(deadline)
    }

    /// Any number of attempts for any time, until success, a fatal failure or cancellation: for
    /// a connection that must come back. Equal jitter, 1 s doubling to 30 s; connecting again does
    /// no harm, so it counts as idempotent.
    pub fn forever() -> Self {
        let backoff = Backoff {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(30),
            multiplier: 2.0,
            jitter: Jitter::Equal,
        };
        Self::unlimited().with_backoff(backoff)
    }

    fn unlimited() -> Self {
        Self { attempts_max: None, idempotency: Idempotency::Idempotent, ..Self::attempts(1) }
    }

    /// Sets growth, cap and jitter of the pauses.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Ends each attempt after this long; its outcome then counts as unknown.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Ends everything after this long: attempts are cut, and a pause that cannot fit is not begun.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Declares what repeating does.
    #[must_use]
    pub fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Shares a budget with everyone who holds a clone of it.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How many attempts, the first included; `None` is any number.
    pub fn attempts_max(&self) -> Option<NonZeroU32> {
        self.attempts_max
    }

    /// The pauses.
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// The limit of one attempt.
    pub fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }

    /// The limit of everything, from the first attempt's start.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// What repeating does.
    pub fn idempotency(&self) -> Idempotency {
        self.idempotency
    }

    /// The shared budget.
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }
}

/// A configuration that cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Zero attempts would never do anything.
    #[error("`max_attempts` is 0; the first attempt counts, so the least is 1")]
    NoAttempts,
    /// A pause under a millisecond is a hot loop.
    #[error("the initial delay of {initial:?} is below 1 ms")]
    InitialTooShort {
        /// What was asked for.
        initial: Duration,
    },
    /// The first pause would already be too long.
    #[error("the maximum delay of {max:?} is below the initial delay of {initial:?}")]
    MaxBelowInitial {
        /// The first pause.
        initial: Duration,
        /// The cap.
        max: Duration,
    },
    /// Pauses must not shrink.
    #[error("the backoff multiplier {multiplier} is not a number of at least 1")]
    Multiplier {
        /// What was asked for.
        multiplier: f64,
    },
    /// A percentage above 100.
    #[error("jitter of {percent} % is more than the whole delay")]
    Jitter {
        /// What was asked for.
        percent: u8,
    },
    /// An interval or timeout of nothing.
    #[error("`{field}` is zero")]
    Zero {
        /// The field's name.
        field: &'static str,
    },
}
