//! What an operation has been through, and the error that tells it.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::state::GiveUp;
use crate::verdict::{Classify, Phase, Reason, Verdict};

/// How many failed attempts are kept one by one; older ones are only counted.
pub const RECORDS_MAX: usize = 32;

/// One failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// 1 is the first.
    pub number: u32,
    /// When it ended, since the first one began.
    pub ended: Duration,
    /// Why it failed.
    pub reason: Reason,
    /// The pause after it; none after the last.
    pub pause: Option<Duration>,
}

/// All attempts of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// How many were made.
    pub attempts: u32,
    /// From the start of the first to the end of the last.
    pub elapsed: Duration,
    records: VecDeque<Record>,
}

impl History {
    /// The latest failures, oldest first, at most [`RECORDS_MAX`].
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Record> {
        self.records.iter()
    }

    pub(crate) fn add(&mut self, record: Record) {
        self.end(record.number, record.ended);
        if self.records.len() == RECORDS_MAX {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(crate) fn end(&mut self, attempts: u32, elapsed: Duration) {
        self.attempts = attempts;
        self.elapsed = elapsed;
    }
}

/// How the last attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last<E> {
    /// With the operation's own error.
    Failed(E),
    /// It was cut off after its time, or at the deadline.
    TimedOut {
        /// How long it was given.
        after: Duration,
    },
    /// It was cut off by a cancellation, or never begun.
    Cancelled,
}

/// The operation did not succeed; it carries the last error, why there was no further attempt, and
/// what went before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryError<E> {
    /// How the last attempt ended.
    pub last: Last<E>,
    /// Why no further attempt was made.
    pub why: GiveUp,
    /// All attempts.
    pub history: History,
}

impl<E> RetryError<E> {
    /// The operation's own last error, where it had one.
    pub fn into_inner(self) -> Option<E> {
        match self.last {
            Last::Failed(error) => Some(error),
            Last::TimedOut { .. } | Last::Cancelled => None,
        }
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let History { attempts, elapsed, .. } = &self.history;
        let noun = if *attempts == 1 { "attempt" } else { "attempts" };
        write!(formatter, "gave up after {attempts} {noun} in {elapsed:.1?}: {}", self.why)?;
        if let Last::TimedOut { after } = self.last {
            write!(formatter, "; the last took longer than {after:.1?}")?;
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.last {
            Last::Failed(error) => Some(error),
            Last::TimedOut { .. } | Last::Cancelled => None,
        }
    }
}

/// Never: retrying happens in one layer, or five layers of three attempts make 243.
impl<E> Classify for RetryError<E> {
    fn classify(&self, _phase: Phase) -> Verdict {
        let reason = self.history.records.back().map_or(Reason::Unknown, |record| record.reason);
        Verdict::never(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_histories_are_counted_and_their_end_is_kept() {
        let mut history = History::default();
        for number in 1..=100 {
            let ended = Duration::from_secs(number.into());
            history.add(Record { number, ended, reason: Reason::Busy, pause: None });
        }
        assert_eq!((history.attempts, history.elapsed), (100, Duration::from_secs(100)));
        assert_eq!(history.records().len(), RECORDS_MAX);
        assert_eq!(history.records().next().unwrap().number, 69);
    }

    #[test]
    fn the_error_says_how_often_how_long_and_why() {
        let history =
            History { attempts: 3, elapsed: Duration::from_millis(1_540), ..History::default() };
        let why = GiveUp::Attempts;
        let last = Last::Failed(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let error = RetryError { last, why, history: history.clone() };
        assert_eq!(error.to_string(), "gave up after 3 attempts in 1.5s: no attempts left");
        assert!(error.source().is_some());
        let last = Last::<std::io::Error>::TimedOut { after: Duration::from_secs(2) };
        let error = RetryError { last, why: GiveUp::Deadline, history };
        let text = "gave up after 3 attempts in 1.5s: the deadline leaves no time for another; \
                    the last took longer than 2.0s";
        assert_eq!(error.to_string(), text);
    }
}
