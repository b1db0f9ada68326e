//! The decision, pure: outcomes and the time go in, what to do next comes out.

use std::fmt;
use std::time::Duration;

use crate::history::{History, Record};
use crate::policy::{Idempotency, Policy};
use crate::random::Random;
use crate::verdict::{Effect, Retry, Verdict};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It worked.
    Success,
    /// It failed, and this is what the failure means.
    Failure(Verdict),
    /// Somebody wanted it to stop.
    Cancelled,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing more: it worked.
    Done,
    /// Wait this long, then try again.
    Wait(Duration),
    /// Nothing more: it did not work, for this reason.
    GiveUp(GiveUp),
}

/// Why no further attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GiveUp {
    /// Trying again cannot help.
    Fatal,
    /// The attempt may have had its effect, and repeating was not declared safe.
    Ambiguous,
    /// That was the last attempt.
    Attempts,
    /// The next pause would not end before the deadline, or the deadline has passed.
    Deadline,
    /// The far end named a time to return that is above the cap or the deadline.
    HintTooLong {
        /// What it named.
        hint: Duration,
        /// What was allowed.
        allowed: Duration,
    },
    /// The shared budget is used up.
    Budget,
    /// Somebody wanted it to stop.
    Cancelled,
}

impl GiveUp {
    /// The word, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Ambiguous => "ambiguous",
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::HintTooLong { .. } => "hint_too_long",
            Self::Budget => "budget",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for GiveUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fatal => formatter.write_str("trying again cannot help"),
            Self::Ambiguous => {
                formatter.write_str("it may have taken effect and must not be repeated")
            }
            Self::Attempts => formatter.write_str("no attempts left"),
            Self::Deadline => formatter.write_str("the deadline leaves no time for another"),
            Self::HintTooLong { hint, allowed } => {
                write!(formatter, "asked to wait {hint:?}, but only {allowed:?} is allowed")
            }
            Self::Budget => formatter.write_str("the shared retry budget is used up"),
            Self::Cancelled => formatter.write_str("cancelled"),
        }
    }
}

/// What an attempt may know of itself: for the operation, a log or the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 is the first.
    pub number: u32,
    /// How many there may be; `None` is any number.
    pub max: Option<u32>,
    /// How long this one may take: the attempt's own limit or what the deadline leaves.
    pub time_left: Option<Duration>,
}

/// One operation's attempts so far, and the decision after each. It reads no clock and knows no
/// runtime: `now` is a span since any fixed moment, from a clock that never goes back.
///
/// ```
/// use smile_resilience::{GiveUp, Outcome, Policy, Random, Reason, RetryState, Step, Verdict};
/// use std::time::Duration;
///
/// let mut state = RetryState::new(Policy::attempts(2), Random::fixed(1.0), Duration::ZERO);
/// let failed = Outcome::Failure(Verdict::transient(Reason::Disconnected));
/// assert_eq!(state.next(Duration::ZERO, failed), Step::Wait(Duration::from_millis(100)));
/// assert_eq!(state.next(Duration::from_millis(150), failed), Step::GiveUp(GiveUp::Attempts));
/// ```
#[derive(Debug)]
pub struct RetryState {
    policy: Policy,
    random: Random,
    started: Duration,
    attempt: u32,
    previous: Duration,
    history: History,
    ended: Option<Step>,
}

impl RetryState {
    /// Before the first attempt.
    pub fn new(policy: Policy, random: Random, now: Duration) -> Self {
        Self {
            policy,
            random,
            started: now,
            attempt: 1,
            previous: Duration::ZERO,
            history: History::default(),
            ended: None,
        }
    }

    /// The attempt that is made at `now`.
    pub fn attempt(&self, now: Duration) -> Attempt {
        let left = self.deadline_left(now);
        let limit = self.policy.attempt_timeout();
        Attempt {
            number: self.attempt,
            max: self.policy.attempts_max().map(std::num::NonZeroU32::get),
            time_left: match (limit, left) {
                (Some(limit), Some(left)) => Some(limit.min(left)),
                (limit, left) => limit.or(left),
            },
        }
    }

    /// Decides after an attempt. Once it has ended, the answer stays the same.
    pub fn next(&mut self, now: Duration, outcome: Outcome) -> Step {
        if let Some(ended) = self.ended {
            return ended;
        }
        let elapsed = now.saturating_sub(self.started);
        let step = match outcome {
            Outcome::Success => {
                if let Some(budget) = self.policy.budget() {
                    budget.deposit();
                }
                self.history.end(self.attempt, elapsed);
                Step::Done
            }
            Outcome::Cancelled => {
                self.history.end(self.attempt, elapsed);
                Step::GiveUp(GiveUp::Cancelled)
            }
            Outcome::Failure(verdict) => {
                let step = match self.pause(now, verdict) {
                    Ok(pause) => Step::Wait(pause),
                    Err(why) => Step::GiveUp(why),
                };
                let pause = if let Step::Wait(pause) = step { Some(pause) } else { None };
                self.history.add(Record {
                    number: self.attempt,
                    ended: elapsed,
                    reason: verdict.reason,
                    pause,
                });
                step
            }
        };
        if let Step::Wait(pause) = step {
            self.previous = pause;
            self.attempt = self.attempt.saturating_add(1);
        } else {
            self.ended = Some(step);
        }
        step
    }

    /// What has happened so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What has happened, once it is over.
    pub fn into_history(self) -> History {
        self.history
    }

    fn deadline_left(&self, now: Duration) -> Option<Duration> {
        let deadline = self.policy.deadline()?;
        Some(deadline.saturating_sub(now.saturating_sub(self.started)))
    }

    fn pause(&mut self, now: Duration, verdict: Verdict) -> Result<Duration, GiveUp> {
        let (floor, throttled) = match verdict.retry {
            Retry::Never => return Err(GiveUp::Fatal),
            Retry::After(floor) => (floor, false),
            Retry::Throttled(floor) => (floor, true),
        };
        let left = self.deadline_left(now);
        if left.is_some_and(|left| left.is_zero()) {
            return Err(GiveUp::Deadline);
        }
        if verdict.effect == Effect::Unknown && self.policy.idempotency() == Idempotency::AtMostOnce
        {
            return Err(GiveUp::Ambiguous);
        }
        if self.policy.attempts_max().is_some_and(|max| self.attempt >= max.get()) {
            return Err(GiveUp::Attempts);
        }
        let ceiling = self.policy.backoff().ceiling();
        let allowed = left.map_or(ceiling, |left| left.min(ceiling));
        if floor > allowed {
            return Err(GiveUp::HintTooLong { hint: floor, allowed });
        }
        let backoff = *self.policy.backoff();
        let mut pause = backoff.pause(self.attempt - 1, self.previous, throttled, &mut self.random);
        if pause < floor {
            // A little more than the floor, so that those who were all told the same time do not
            // all return at it.
            let spread = (floor / 10).min(ceiling.saturating_sub(floor));
            pause = floor + self.random.up_to(spread);
        }
        if left.is_some_and(|left| pause >= left) {
            return Err(GiveUp::Deadline);
        }
        if self.policy.budget().is_some_and(|budget| !budget.withdraw()) {
            return Err(GiveUp::Budget);
        }
        Ok(pause)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backoff::{Backoff, DELAY_MIN, Jitter};
    use crate::budget::Budget;
    use crate::verdict::Reason;

    const NOW: Duration = Duration::from_secs(1_000);
    const FAILED: Outcome = Outcome::Failure(Verdict::transient(Reason::Busy));

    fn state(policy: Policy) -> RetryState {
        RetryState::new(policy, Random::fixed(1.0), NOW)
    }

    #[test]
    fn unknown_outcomes_are_repeated_only_where_that_is_declared_safe() {
        let lost = Outcome::Failure(Verdict::ambiguous(Reason::Disconnected));
        let check = |idempotency, repeated| {
            let step = state(Policy::attempts(3).with_idempotency(idempotency)).next(NOW, lost);
            assert_eq!(matches!(step, Step::Wait(_)), repeated, "{step:?}");
        };
        check(Idempotency::AtMostOnce, false);
        check(Idempotency::Idempotent, true);
        check(Idempotency::Keyed, true);
        let step = state(Policy::attempts(3)).next(NOW, lost);
        assert_eq!(step, Step::GiveUp(GiveUp::Ambiguous));
    }

    #[test]
    fn a_hint_is_a_floor_and_never_shortened() {
        let second = Duration::from_secs(1);
        let hint = |floor| Outcome::Failure(Verdict::throttled(floor));
        let step = state(Policy::attempts(3)).next(NOW, hint(second * 2));
        assert_eq!(step, Step::Wait(Duration::from_millis(2_200)), "with a tenth of spread");
        let step = state(Policy::attempts(3)).next(NOW, hint(second * 5));
        assert_eq!(step, Step::Wait(second * 5), "the spread stays inside the cap");
        let step = state(Policy::attempts(3)).next(NOW, hint(second * 6));
        let allowed = second * 5;
        assert_eq!(step, Step::GiveUp(GiveUp::HintTooLong { hint: second * 6, allowed }));
        let step = state(Policy::attempts(3).with_deadline(second)).next(NOW, hint(second * 3));
        let hint = second * 3;
        assert_eq!(step, Step::GiveUp(GiveUp::HintTooLong { hint, allowed: second }));
    }

    #[test]
    fn throttled_without_a_time_does_not_return_at_once() {
        let throttled = Outcome::Failure(Verdict::throttled(Duration::ZERO));
        let mut state = RetryState::new(Policy::attempts(3), Random::fixed(0.0), NOW);
        assert_eq!(state.next(NOW, throttled), Step::Wait(Duration::from_millis(50)));
    }

    #[test]
    fn it_stays_ended() {
        let mut state = state(Policy::attempts(3));
        assert_eq!(state.next(NOW, Outcome::Cancelled), Step::GiveUp(GiveUp::Cancelled));
        assert_eq!(state.next(NOW, Outcome::Success), Step::GiveUp(GiveUp::Cancelled));
        assert_eq!(state.history().attempts, 1);
    }

    #[test]
    fn an_empty_budget_ends_it_and_success_fills_it() {
        let budget = Budget::new(1, 100);
        let policy = Policy::attempts(9).with_budget(budget.clone());
        let mut first = state(policy.clone());
        assert!(matches!(first.next(NOW, FAILED), Step::Wait(_)));
        assert_eq!(first.next(NOW, FAILED), Step::GiveUp(GiveUp::Budget));
        assert_eq!(state(policy).next(NOW, Outcome::Success), Step::Done);
        assert_eq!(budget.tokens(), 1);
    }

    #[test]
    fn an_attempt_knows_its_number_and_its_time() {
        let second = Duration::from_secs(1);
        let policy = Policy::attempts(3).with_attempt_timeout(second * 2).with_deadline(second * 3);
        let mut state = state(policy);
        let limit = |left| Attempt { number: 1, max: Some(3), time_left: Some(left) };
        assert_eq!(state.attempt(NOW), limit(second * 2));
        assert_eq!(state.attempt(NOW + second * 2), limit(second));
        assert!(matches!(state.next(NOW + second, FAILED), Step::Wait(_)));
        assert_eq!(state.attempt(NOW + second * 9).number, 2);
        assert_eq!(state.attempt(NOW + second * 9).time_left, Some(Duration::ZERO));
    }

    proptest! {
        /// Plays whole histories: each attempt takes a while and fails in some way.
        #[test]
        fn every_history_keeps_the_rules(
            attempts in 0_u32..6,
            initial_ms in 0_u64..2_000, max_ms in 0_u64..4_000,
            multiplier in -1.0_f64..1e9,
            deadline_ms in proptest::option::of(0_u64..20_000),
            jitter in 0_u8..4,
            seed: u64,
            took_ms in proptest::collection::vec(0_u64..3_000, 8),
            floors_ms in proptest::collection::vec(prop_oneof![Just(0), 0_u64..5_000], 8),
        ) {
            let millis = Duration::from_millis;
            let jitter = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated]
                [usize::from(jitter)];
            let backoff =
                Backoff { initial: millis(initial_ms), max: millis(max_ms), multiplier, jitter };
            let mut policy = Policy::attempts(attempts).with_backoff(backoff);
            if let Some(deadline_ms) = deadline_ms {
                policy = policy.with_deadline(millis(deadline_ms));
            }
            let mut now = NOW;
            let mut state = RetryState::new(policy, Random::seeded(seed), now);
            let mut made = 0;
            loop {
                now += millis(took_ms[made]);
                let floor = millis(floors_ms[made]);
                made += 1;
                let verdict = Verdict::transient(Reason::Busy).with_floor(Some(floor));
                match state.next(now, Outcome::Failure(verdict)) {
                    Step::Wait(pause) => {
                        prop_assert!(pause <= millis(max_ms).max(DELAY_MIN));
                        prop_assert!(pause >= DELAY_MIN && pause >= floor);
                        now += pause;
                        if let Some(deadline_ms) = deadline_ms {
                            prop_assert!(now < NOW + millis(deadline_ms), "slept past it");
                        }
                        prop_assert!(made < attempts.max(1) as usize, "slept after the last");
                    }
                    Step::GiveUp(why) => {
                        if why == GiveUp::Attempts {
                            prop_assert_eq!(made, attempts.max(1) as usize);
                        }
                        break;
                    }
                    Step::Done => prop_assert!(false, "nothing succeeded"),
                }
            }
            prop_assert_eq!(state.history().attempts as usize, made);
        }
    }
}
