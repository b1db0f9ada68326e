//! How long to wait: exponential growth under a cap, with jitter inside the cap.

use std::time::Duration;

use crate::policy::PolicyError;
use crate::random::Random;

/// The shortest pause there is: whatever the configuration says, a retry is never a hot loop.
pub const DELAY_MIN: Duration = Duration::from_millis(1);

/// How a pause is spread, so that clients that failed together do not return together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Jitter {
    /// Exactly the exponential value.
    None,
    /// Anything up to the exponential value: the least load on a server; the default for calls.
    #[default]
    Full,
    /// Between one half and the whole of it: keeps a minimum pause; for restarts.
    Equal,
    /// Between the initial pause and three times the previous one.
    Decorrelated,
}

/// Growth, cap and jitter of pauses. Every result lies in [`DELAY_MIN`]`..=`[`Backoff::ceiling`].
///
/// ```
/// use smile_resilience::{Backoff, Jitter};
/// use std::time::Duration;
///
/// let backoff = Backoff { jitter: Jitter::None, ..Backoff::default() };
/// assert_eq!(backoff.exponential(0), Duration::from_millis(100));
/// assert_eq!(backoff.exponential(3), Duration::from_millis(800));
/// assert_eq!(backoff.exponential(u32::MAX), Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first pause.
    pub initial: Duration,
    /// No pause is longer, jitter included.
    pub max: Duration,
    /// What each pause is multiplied by to give the next; below 1 counts as 1.
    pub multiplier: f64,
    /// How pauses are spread.
    pub jitter: Jitter,
}

impl Default for Backoff {
    /// 100 ms doubling to 5 s, full jitter.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(5),
            multiplier: 2.0,
            jitter: Jitter::Full,
        }
    }
}

impl Backoff {
    /// The same pause each time, without jitter: for polling until something is there.
    pub fn constant(pause: Duration) -> Self {
        Self { initial: pause, max: pause, multiplier: 1.0, jitter: Jitter::None }
    }

    /// The longest pause: the configured maximum, at least [`DELAY_MIN`].
    pub fn ceiling(&self) -> Duration {
        self.max.max(DELAY_MIN)
    }

    /// The value before jitter for the pause after failure `retry` (0 is the first).
    pub fn exponential(&self, retry: u32) -> Duration {
        let grows = self.multiplier.is_finite() && self.multiplier > 1.0;
        let multiplier = if grows { self.multiplier } else { 1.0 };
        let seconds = self.initial.as_secs_f64() * multiplier.powf(f64::from(retry));
        let value = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        value.clamp(DELAY_MIN, self.ceiling())
    }

    /// The pause after failure `retry`, where the last one was `previous` (nothing at first).
    ///
    /// `least_half` keeps it in the upper half whatever the jitter: a server that asks for less
    /// load without saying how long is not called again at once.
    pub fn pause(
        &self,
        retry: u32,
        previous: Duration,
        least_half: bool,
        random: &mut Random,
    ) -> Duration {
        let value = self.exponential(retry);
        let pause = match self.jitter {
            Jitter::None => value,
            Jitter::Full if least_half => random.between(value / 2, value),
            Jitter::Full => random.up_to(value),
            Jitter::Equal => random.between(value / 2, value),
            Jitter::Decorrelated => {
                let least = self.exponential(0);
                let drawn = random.between(least, previous.max(least).saturating_mul(3));
                if least_half { drawn.max(value / 2) } else { drawn }
            }
        };
        pause.clamp(DELAY_MIN, self.ceiling())
    }

    /// Refuses values that cannot be meant.
    pub fn checked(self) -> Result<Self, PolicyError> {
        if self.initial < DELAY_MIN {
            return Err(PolicyError::InitialTooShort { initial: self.initial });
        }
        if self.max < self.initial {
            return Err(PolicyError::MaxBelowInitial { initial: self.initial, max: self.max });
        }
        if !self.multiplier.is_finite() || self.multiplier < 1.0 {
            return Err(PolicyError::Multiplier { multiplier: self.multiplier });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jitters() -> impl Strategy<Value = Jitter> {
        prop_oneof![
            Just(Jitter::None),
            Just(Jitter::Full),
            Just(Jitter::Equal),
            Just(Jitter::Decorrelated)
        ]
    }

    fn spans() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::MAX),
            (0..10_000_000_000_u64).prop_map(Duration::from_nanos)
        ]
    }

    proptest! {
        #[test]
        fn no_pause_is_above_the_maximum_or_a_hot_loop(
            initial in spans(), max in spans(), previous in spans(),
            multiplier in prop_oneof![any::<f64>(), 0.0..4.0],
            jitter in jitters(), retry in prop_oneof![any::<u32>(), 0_u32..8],
            seed: u64, least_half: bool,
        ) {
            let backoff = Backoff { initial, max, multiplier, jitter };
            let mut random = Random::seeded(seed);
            let pause = backoff.pause(retry, previous, least_half, &mut random);
            prop_assert!(pause <= max.max(DELAY_MIN), "{pause:?}");
            prop_assert!(pause >= DELAY_MIN);
        }

        #[test]
        fn equal_jitter_keeps_half(retry in 0_u32..20, seed: u64) {
            let backoff = Backoff { jitter: Jitter::Equal, ..Backoff::default() };
            let value = backoff.exponential(retry);
            let pause = backoff.pause(retry, Duration::ZERO, false, &mut Random::seeded(seed));
            prop_assert!(pause >= value / 2 && pause <= value);
        }
    }

    #[test]
    fn each_jitter_reaches_both_ends_of_its_range() {
        let check = |jitter, previous, least: u64, most: u64| {
            let backoff = Backoff { jitter, ..Backoff::default() };
            let pause = |draw| backoff.pause(2, previous, false, &mut Random::fixed(draw));
            assert_eq!(pause(0.0), Duration::from_millis(least), "{jitter:?}");
            assert_eq!(pause(1.0), Duration::from_millis(most), "{jitter:?}");
        };
        let none = Duration::ZERO;
        check(Jitter::None, none, 400, 400);
        check(Jitter::Full, none, 1, 400);
        check(Jitter::Equal, none, 200, 400);
        check(Jitter::Decorrelated, none, 100, 300);
        check(Jitter::Decorrelated, Duration::from_secs(1), 100, 3_000);
        check(Jitter::Decorrelated, Duration::from_secs(4), 100, 5_000);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let good = Backoff::default();
        assert!(good.checked().is_ok());
        let bad = [
            Backoff { initial: Duration::from_micros(10), ..good },
            Backoff { max: Duration::from_millis(1), ..good },
            Backoff { multiplier: 0.5, ..good },
            Backoff { multiplier: f64::NAN, ..good },
            Backoff { multiplier: f64::INFINITY, ..good },
        ];
        for backoff in bad {
            assert!(backoff.checked().is_err(), "{backoff:?}");
        }
    }
}
