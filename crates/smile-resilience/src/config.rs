//! The familiar four numbers of a retry.

use std::time::Duration;

use crate::backoff::{Backoff, Jitter};
use crate::policy::{Policy, PolicyError};

/// How often and how patiently to retry: the plain form, for configuration and for
/// [`retry_with_backoff`](crate::retry_with_backoff()). [`RetryConfig::policy`] checks it and gives
/// the full form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryConfig {
    /// How many attempts in all; the first one counts. 0 counts as 1.
    pub max_attempts: u32,
    /// The pause after the first failure.
    pub initial_delay: Duration,
    /// No pause is longer.
    pub max_delay: Duration,
    /// What each pause is multiplied by to give the next.
    pub backoff_multiplier: f64,
}

impl Default for RetryConfig {
    /// 3 attempts, 100 ms doubling to 5 s.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            backoff_multiplier: 2.0,
        }
    }
}

impl RetryConfig {
    /// For requests over a network: 4 attempts, 500 ms doubling to 5 s.
    pub fn for_network() -> Self {
        Self { max_attempts: 4, initial_delay: Duration::from_millis(500), ..Self::default() }
    }

    /// For opening a connection to something near: 3 attempts, 50 ms doubling to 2 s.
    pub fn for_connection() -> Self {
        Self {
            initial_delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(2),
            ..Self::default()
        }
    }

    /// The pause after failure `retry` (0 is the first), without jitter.
    pub fn delay(&self, retry: u32) -> Duration {
        self.backoff(Jitter::None).exponential(retry)
    }

    /// The checked form with full jitter, to which limits, a budget and more can be added.
    ///
    /// # Errors
    /// Any [`PolicyError`]: what cannot be meant is refused by name.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        let backoff = self.backoff(Jitter::Full).checked()?;
        if self.max_attempts == 0 {
            return Err(PolicyError::NoAttempts);
        }
        Ok(Policy::attempts(self.max_attempts).with_backoff(backoff))
    }

    /// What the familiar functions use: nothing is refused, everything is safe.
    pub(crate) fn lenient_policy(&self) -> Policy {
        Policy::attempts(self.max_attempts).with_backoff(self.backoff(Jitter::None))
    }

    fn backoff(&self, jitter: Jitter) -> Backoff {
        Backoff {
            initial: self.initial_delay,
            max: self.max_delay,
            multiplier: self.backoff_multiplier,
            jitter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets() {
        let numbers = |config: RetryConfig| {
            let pauses = (config.initial_delay.as_millis(), config.max_delay.as_millis());
            (config.max_attempts, pauses.0, pauses.1, config.backoff_multiplier.to_bits())
        };
        let two = 2.0_f64.to_bits();
        assert_eq!(numbers(RetryConfig::default()), (3, 100, 5_000, two));
        assert_eq!(numbers(RetryConfig::for_network()), (4, 500, 5_000, two));
        assert_eq!(numbers(RetryConfig::for_connection()), (3, 50, 2_000, two));
    }

    #[test]
    fn absurd_numbers_are_refused_by_name_and_safe_where_they_are_used_as_they_are() {
        let base = RetryConfig::default();
        let absurd = [
            RetryConfig { max_attempts: 0, ..base },
            RetryConfig { initial_delay: Duration::ZERO, ..base },
            RetryConfig { initial_delay: Duration::from_nanos(3), ..base },
            RetryConfig { max_delay: Duration::ZERO, ..base },
            RetryConfig { backoff_multiplier: -2.0, ..base },
            RetryConfig { backoff_multiplier: f64::NAN, ..base },
        ];
        for config in absurd {
            assert!(config.policy().is_err(), "{config:?}");
            for retry in [0, 1, 40, u32::MAX] {
                let delay = config.delay(retry);
                assert!(delay >= crate::DELAY_MIN, "{config:?} {delay:?}");
                assert!(delay <= config.max_delay.max(crate::DELAY_MIN), "{config:?} {delay:?}");
            }
        }
        let huge = RetryConfig { initial_delay: Duration::MAX, max_delay: Duration::MAX, ..base };
        assert_eq!(huge.delay(u32::MAX), Duration::MAX);
    }
}
