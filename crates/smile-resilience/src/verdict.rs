//! What a failure means for the next attempt.

use std::fmt;
use std::time::Duration;

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// It cannot: the same request will fail the same way.
    Never,
    /// It can, after at least this long.
    After(Duration),
    /// It can, but the far end asks for less: wait at least this long, and where no time is
    /// named never come back at once.
    Throttled(Duration),
}

/// What is known about a failed attempt's effect at the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It had none: never sent, or refused.
    None,
    /// Nobody knows: sent, and no answer. Retried only where the caller has declared that
    /// repeating is safe, see [`Idempotency`](crate::Idempotency).
    Unknown,
}

/// What the far end is doing, as the caller knows it: "connection refused" is expected of a server
/// that is being started, and an error of one that was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    /// It may not be there yet, or not yet again.
    Starting,
    /// It is meant to be there.
    #[default]
    Steady,
}

/// Why, in a word that can be counted: the label of a metric, not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody listens.
    Refused,
    /// The connection was cut: reset, closed, broken pipe, unexpected end.
    Disconnected,
    /// No network or no route.
    Unreachable,
    /// A name could not be looked up.
    Dns,
    /// Too slow.
    TimedOut,
    /// Too much was asked in too short a time.
    Throttled,
    /// The far end says that it cannot now.
    Unavailable,
    /// The far end broke over the request.
    ServerError,
    /// A lock or a resource is held by somebody else.
    Busy,
    /// A system call was interrupted.
    Interrupted,
    /// Too few descriptors, buffers or bytes of memory.
    Exhausted,
    /// Not logged in, or not allowed.
    Denied,
    /// No such thing.
    NotFound,
    /// The request itself is wrong.
    Invalid,
    /// A limit that does not pass by waiting a little: a paid quota, a pull limit.
    Quota,
    /// The disk is full.
    DiskFull,
    /// A certificate is not trusted.
    Certificate,
    /// Somebody wanted it to stop.
    Cancelled,
    /// Nothing here knows this failure; such failures are final.
    Unknown,
}

impl Reason {
    /// The word, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Disconnected => "disconnected",
            Self::Unreachable => "unreachable",
            Self::Dns => "dns",
            Self::TimedOut => "timed_out",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::ServerError => "server_error",
            Self::Busy => "busy",
            Self::Interrupted => "interrupted",
            Self::Exhausted => "exhausted",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Quota => "quota",
            Self::DiskFull => "disk_full",
            Self::Certificate => "certificate",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A classified failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Whether trying again can help.
    pub retry: Retry,
    /// Why.
    pub reason: Reason,
    /// Whether the attempt may have had an effect.
    pub effect: Effect,
}

impl Verdict {
    /// Trying again cannot help.
    pub const fn never(reason: Reason) -> Self {
        Self { retry: Retry::Never, reason, effect: Effect::None }
    }

    /// Trying again can help, and the failed attempt had no effect.
    pub const fn transient(reason: Reason) -> Self {
        Self { retry: Retry::After(Duration::ZERO), reason, effect: Effect::None }
    }

    /// Trying again can help, but the failed attempt may have had its effect.
    pub const fn ambiguous(reason: Reason) -> Self {
        Self { retry: Retry::After(Duration::ZERO), reason, effect: Effect::Unknown }
    }

    /// Less is asked for; `floor` is what the far end named, or nothing.
    pub const fn throttled(floor: Duration) -> Self {
        Self { retry: Retry::Throttled(floor), reason: Reason::Throttled, effect: Effect::None }
    }

    /// What the far end itself said of its error, as protocols carry it: whether trying again can
    /// help, and when.
    ///
    /// ```
    /// use smile_resilience::{Retry, Verdict};
    /// use std::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// assert_eq!(Verdict::told(true, Some(second)).retry, Retry::After(second));
    /// assert_eq!(Verdict::told(false, None).retry, Retry::Never);
    /// ```
    pub fn told(retryable: bool, retry_after: Option<Duration>) -> Self {
        if !retryable {
            return Self::never(Reason::Unknown);
        }
        Self::transient(Reason::Unavailable).with_floor(retry_after)
    }

    /// The same with the far end's own word on when to return, as a floor.
    #[must_use]
    pub fn with_floor(mut self, named: Option<Duration>) -> Self {
        if let (Retry::After(floor) | Retry::Throttled(floor), Some(named)) =
            (&mut self.retry, named)
        {
            *floor = named;
        }
        self
    }

    /// Whether trying again can help at all.
    pub fn is_transient(&self) -> bool {
        !matches!(self.retry, Retry::Never)
    }

    /// What a caller's own yes or no means; asked to repeat, nobody doubts that it is safe.
    pub(crate) const fn as_asked(retry: bool) -> Self {
        if retry { Self::transient(Reason::Unknown) } else { Self::never(Reason::Unknown) }
    }

    /// Transient while the far end starts, final once it is meant to be there.
    pub(crate) const fn while_starting(reason: Reason, phase: Phase) -> Self {
        match phase {
            Phase::Starting => Self::transient(reason),
            Phase::Steady => Self::never(reason),
        }
    }
}

/// An error that knows its own class. The best classification there is: implement it for the error
/// types of an operation, and nobody needs to look at text.
///
/// ```
/// use smile_resilience::{Classify, Phase, Reason, Verdict};
///
/// enum StartError { ImageMissing, EngineBusy }
///
/// impl Classify for StartError {
///     fn classify(&self, _phase: Phase) -> Verdict {
///         match self {
///             Self::ImageMissing => Verdict::never(Reason::NotFound),
///             Self::EngineBusy => Verdict::transient(Reason::Busy),
///         }
///     }
/// }
/// ```
pub trait Classify {
    /// What this failure means, where the far end is in `phase`.
    fn classify(&self, phase: Phase) -> Verdict;
}

impl<E: Classify + ?Sized> Classify for &E {
    fn classify(&self, phase: Phase) -> Verdict {
        (**self).classify(phase)
    }
}

impl<E: Classify + ?Sized> Classify for Box<E> {
    fn classify(&self, phase: Phase) -> Verdict {
        (**self).classify(phase)
    }
}
