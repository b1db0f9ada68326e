//! Randomness that tests can fix: every draw of this crate comes from a [`Random`] given to it.

use std::time::Duration;

/// A source of random numbers: from the operating system's entropy, from a seed, or one fixed value.
///
/// ```
/// use smile_resilience::Random;
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// assert_eq!(Random::seeded(7).up_to(second), Random::seeded(7).up_to(second));
/// assert_eq!(Random::fixed(1.0).up_to(second), second);
/// ```
#[derive(Debug, Clone)]
pub struct Random(Source);

#[derive(Debug, Clone)]
enum Source {
    Generator(fastrand::Rng),
    Fixed(f64),
}

impl Random {
    /// A generator with an unpredictable seed: two clients never share a schedule.
    pub fn new() -> Self {
        Self(Source::Generator(fastrand::Rng::new()))
    }

    /// A generator whose draws can be repeated.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Generator(fastrand::Rng::with_seed(seed)))
    }

    /// Draws the same `value` each time, brought into `0.0..=1.0`: for tests of the two extremes.
    pub fn fixed(value: f64) -> Self {
        Self(Source::Fixed(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }))
    }

    /// The next number in `0.0..=1.0`.
    pub fn unit(&mut self) -> f64 {
        match &mut self.0 {
            Source::Generator(generator) => generator.f64(),
            Source::Fixed(value) => *value,
        }
    }

    /// A span from nothing to `most`, both included.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let drawn = Duration::try_from_secs_f64(most.as_secs_f64() * self.unit());
        drawn.unwrap_or(most).min(most)
    }

    /// A span from `least` to `most`, both included; `least` where the two are the wrong way round.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least.saturating_add(self.up_to(most.saturating_sub(least)))
    }

    /// 64 random bits, for names that must not collide.
    pub fn bits(&mut self) -> u64 {
        match &mut self.0 {
            Source::Generator(generator) => generator.u64(..),
            Source::Fixed(value) => value.to_bits(),
        }
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_bounds_even_at_the_largest_span() {
        let mut random = Random::seeded(1);
        for most in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(3), Duration::MAX]
        {
            for _ in 0..100 {
                assert!(random.up_to(most) <= most);
            }
            assert_eq!(Random::fixed(7.0).up_to(most), most);
            assert_eq!(Random::fixed(f64::NAN).up_to(most), Duration::ZERO);
        }
    }

    #[test]
    fn two_sources_differ() {
        let draws = |mut random: Random| (0..4).map(|_| random.bits()).collect::<Vec<_>>();
        assert_ne!(draws(Random::new()), draws(Random::new()));
        assert_eq!(draws(Random::seeded(3)), draws(Random::seeded(3)));
    }
}
