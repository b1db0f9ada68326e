//! The state of a connection that is kept: one atomic value, and when to try again.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::backoff::{Backoff, DELAY_MIN, Jitter};
use crate::policy::PolicyError;
use crate::random::Random;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// There is none, and none is being made.
    Disconnected,
    /// The first one is being made.
    Connecting,
    /// It is there.
    Connected,
    /// It was lost or could not be made; the next is being waited for or made.
    Reconnecting,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
        })
    }
}

/// How a connection is watched and made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResiliencyConfig {
    /// How often a sign of life is asked for.
    pub heartbeat_interval: Duration,
    /// How long the answer may take; after that the connection is dead.
    pub heartbeat_timeout: Duration,
    /// The pause before the first reconnect.
    pub base_backoff: Duration,
    /// No pause is longer.
    pub max_backoff: Duration,
    /// How many reconnects in a row may fail; `None` is any number.
    pub max_reconnect_attempts: Option<u32>,
    /// How much shorter than the exponential value a pause may be, in percent.
    pub jitter_percent: u8,
    /// How many messages wait while there is no connection.
    pub message_buffer_size: usize,
}

impl Default for ResiliencyConfig {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(15),
            heartbeat_timeout: Duration::from_secs(5),
            base_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(30),
            max_reconnect_attempts: None,
            jitter_percent: 20,
            message_buffer_size: 256,
        }
    }
}

impl ResiliencyConfig {
    /// The pause before reconnect `attempt` (0 is the first): `base · 2^attempt` up to the maximum,
    /// less up to `jitter_percent` % of it. Never under a millisecond, never above the exponential
    /// value; a percentage above 100 counts as 100.
    pub fn backoff_duration(&self, attempt: u32, random: &mut Random) -> Duration {
        let backoff = Backoff {
            initial: self.base_backoff,
            max: self.max_backoff,
            multiplier: 2.0,
            jitter: Jitter::None,
        };
        let value = backoff.exponential(attempt);
        let share = f64::from(self.jitter_percent.min(100)) / 100.0;
        let off = Duration::try_from_secs_f64(value.as_secs_f64() * share).unwrap_or(value);
        value.saturating_sub(random.up_to(off)).max(DELAY_MIN)
    }

    /// Refuses what cannot be meant.
    pub fn checked(self) -> Result<Self, PolicyError> {
        Backoff {
            initial: self.base_backoff,
            max: self.max_backoff,
            multiplier: 2.0,
            jitter: Jitter::None,
        }
        .checked()?;
        if self.jitter_percent > 100 {
            return Err(PolicyError::Jitter { percent: self.jitter_percent });
        }
        for (field, span) in [
            ("heartbeat_interval", self.heartbeat_interval),
            ("heartbeat_timeout", self.heartbeat_timeout),
        ] {
            if span.is_zero() {
                return Err(PolicyError::Zero { field });
            }
        }
        if self.message_buffer_size == 0 {
            return Err(PolicyError::Zero { field: "message_buffer_size" });
        }
        Ok(self)
    }
}

/// One connection among those made one after the other. What belongs to an older one is recognised
/// by it, see [`ConnectionManager::disconnected_from`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u32);

impl Generation {
    /// The number, for logs.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Keeps count of a connection's state, attempts and generation, all in one atomic value: no reader
/// can see two halves that disagree.
///
/// ```
/// use smile_resilience::{ConnectionManager, ConnectionState, ResiliencyConfig};
///
/// let manager = ConnectionManager::new(ResiliencyConfig::default());
/// manager.set_connecting();
/// let old = manager.opened();
/// manager.disconnected();
/// manager.set_reconnecting();
/// let new = manager.opened();
/// manager.disconnected_from(old); // A late end of the old connection changes nothing.
/// assert!(manager.is_connected());
/// manager.disconnected_from(new);
/// assert_eq!(manager.state(), ConnectionState::Disconnected);
/// ```
#[derive(Debug)]
pub struct ConnectionManager {
    config: ResiliencyConfig,
    /// Bits 0 and 1 the state, 2 to 31 the attempts, 32 to 63 the generation.
    packed: AtomicU64,
    random: Mutex<Random>,
}

#[derive(Clone, Copy)]
struct Parts {
    state: ConnectionState,
    attempts: u32,
    generation: Generation,
}

const ATTEMPTS_MAX: u32 = (1 << 30) - 1;

impl Parts {
    fn unpack(packed: u64) -> Self {
        let low = u32::try_from(packed & u64::from(u32::MAX)).expect("masked to 32 bits");
        let high = u32::try_from(packed >> 32).expect("shifted to 32 bits");
        let state = match low & 3 {
            0 => ConnectionState::Disconnected,
            1 => ConnectionState::Connecting,
            2 => ConnectionState::Connected,
            _ => ConnectionState::Reconnecting,
        };
        Self { state, attempts: low >> 2, generation: Generation(high) }
    }

    fn pack(self) -> u64 {
        let state = match self.state {
            ConnectionState::Disconnected => 0,
            ConnectionState::Connecting => 1,
            ConnectionState::Connected => 2,
            ConnectionState::Reconnecting => 3,
        };
        let low = (self.attempts.min(ATTEMPTS_MAX) << 2) | state;
        (u64::from(self.generation.0) << 32) | u64::from(low)
    }
}

impl ConnectionManager {
    /// Disconnected, with unpredictable jitter.
    pub fn new(config: ResiliencyConfig) -> Self {
        Self::with_random(config, Random::new())
    }

    /// Disconnected, drawing jitter from `random`.
    pub fn with_random(config: ResiliencyConfig, random: Random) -> Self {
        let start =
            Parts { state: ConnectionState::Disconnected, attempts: 0, generation: Generation(0) };
        Self { config, packed: AtomicU64::new(start.pack()), random: Mutex::new(random) }
    }

    /// How it was configured.
    pub fn config(&self) -> &ResiliencyConfig {
        &self.config
    }

    /// Where the connection stands.
    pub fn state(&self) -> ConnectionState {
        self.parts().state
    }

    /// Whether it is there.
    pub fn is_connected(&self) -> bool {
        self.state() == ConnectionState::Connected
    }

    /// How many reconnects in a row have been begun without lasting success.
    pub fn reconnect_attempts(&self) -> u32 {
        self.parts().attempts
    }

    /// The latest connection, opened or being made.
    pub fn generation(&self) -> Generation {
        self.parts().generation
    }

    /// A first connection is being made.
    pub fn set_connecting(&self) {
        self.change(|parts| Parts {
            state: ConnectionState::Connecting,
            generation: Generation(parts.generation.0.wrapping_add(1)),
            ..parts
        });
    }

    /// Another connection will be made: counts as an attempt.
    pub fn set_reconnecting(&self) {
        self.change(|parts| Parts {
            state: ConnectionState::Reconnecting,
            attempts: parts.attempts.saturating_add(1),
            generation: Generation(parts.generation.0.wrapping_add(1)),
        });
    }

    /// The connection is there, and gives its generation. The attempts stay: whether it lasts is
    /// not known yet.
    pub fn opened(&self) -> Generation {
        self.change(|parts| Parts { state: ConnectionState::Connected, ..parts }).generation
    }

    /// The connection is there and the peer has proven itself: attempts count from zero again.
    /// Call it once the peer has answered and stayed; a peer that accepts and drops would
    /// otherwise be called at the shortest pause for ever.
    pub fn connected(&self) {
        self.change(|parts| Parts { state: ConnectionState::Connected, attempts: 0, ..parts });
    }

    /// The connection is gone.
    pub fn disconnected(&self) {
        self.change(|parts| Parts { state: ConnectionState::Disconnected, ..parts });
    }

    /// The connection of this generation is gone; `false` and no change where a newer one is there.
    pub fn disconnected_from(&self, generation: Generation) -> bool {
        let gone = |packed: u64| {
            let parts = Parts::unpack(packed);
            (parts.generation == generation)
                .then(|| Parts { state: ConnectionState::Disconnected, ..parts }.pack())
        };
        self.packed.fetch_update(Ordering::AcqRel, Ordering::Acquire, gone).is_ok()
    }

    /// Whether another reconnect is within the limit.
    pub fn should_reconnect(&self) -> bool {
        let attempts = self.reconnect_attempts();
        self.config.max_reconnect_attempts.is_none_or(|max| attempts < max)
    }

    /// The pause before reconnect `attempt` (0 is the first), see
    /// [`ResiliencyConfig::backoff_duration`].
    pub fn backoff_duration(&self, attempt: u32) -> Duration {
        self.config.backoff_duration(attempt, &mut self.random.lock())
    }

    /// Disconnected and no attempts, as at the beginning; the generation goes on.
    pub fn reset(&self) {
        self.change(|parts| Parts { state: ConnectionState::Disconnected, attempts: 0, ..parts });
    }

    fn parts(&self) -> Parts {
        Parts::unpack(self.packed.load(Ordering::Acquire))
    }

    fn change(&self, to: impl Fn(Parts) -> Parts) -> Parts {
        let mut after = self.parts();
        let _always_some =
            self.packed.fetch_update(Ordering::AcqRel, Ordering::Acquire, |packed| {
                after = to(Parts::unpack(packed));
                Some(after.pack())
            });
        after
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn defaults() {
        let config = ResiliencyConfig::default();
        assert_eq!(
            (config.heartbeat_interval, config.heartbeat_timeout),
            (seconds(15), seconds(5))
        );
        assert_eq!((config.base_backoff, config.max_backoff), (seconds(1), seconds(30)));
        assert_eq!((config.max_reconnect_attempts, config.jitter_percent), (None, 20));
        assert_eq!(config.message_buffer_size, 256);
        assert!(config.checked().is_ok());
    }

    #[test]
    fn backoff_doubles_up_to_the_maximum() {
        let config = ResiliencyConfig { jitter_percent: 0, ..ResiliencyConfig::default() };
        let manager = ConnectionManager::new(config);
        let pauses: Vec<_> =
            [0, 1, 2, 3, 10, 20, u32::MAX].map(|attempt| manager.backoff_duration(attempt)).into();
        assert_eq!(pauses, [1, 2, 4, 8, 30, 30, 30].map(seconds));
    }

    #[test]
    fn jitter_is_random_and_only_shortens() {
        let manager = ConnectionManager::new(ResiliencyConfig::default());
        let pauses: Vec<_> = (0..1_000).map(|_| manager.backoff_duration(3)).collect();
        let range = Duration::from_millis(6_400)..=seconds(8);
        assert!(pauses.iter().all(|pause| range.contains(pause)));
        let others = ConnectionManager::new(ResiliencyConfig::default());
        assert_ne!(pauses[0], others.backoff_duration(3), "two clients share no schedule");
        let first: Vec<_> = (0..10).map(|_| manager.backoff_duration(0)).collect();
        assert!(first.iter().any(|pause| *pause < seconds(1)), "the first pause is spread as well");
    }

    #[test]
    fn absurd_configurations_are_refused_by_name_and_safe_if_used() {
        let base = ResiliencyConfig::default();
        let absurd = [
            ResiliencyConfig { base_backoff: Duration::ZERO, ..base },
            ResiliencyConfig { base_backoff: Duration::from_micros(10), ..base },
            ResiliencyConfig { max_backoff: Duration::ZERO, ..base },
            ResiliencyConfig { jitter_percent: 255, ..base },
            ResiliencyConfig { heartbeat_timeout: Duration::ZERO, ..base },
            ResiliencyConfig { message_buffer_size: 0, ..base },
        ];
        for config in absurd {
            assert!(config.checked().is_err(), "{config:?}");
            let pause = config.backoff_duration(u32::MAX, &mut Random::fixed(1.0));
            assert!(pause >= DELAY_MIN, "{config:?} {pause:?}");
        }
        let huge =
            ResiliencyConfig { base_backoff: Duration::MAX, max_backoff: Duration::MAX, ..base };
        let pause = huge.backoff_duration(u32::MAX, &mut Random::fixed(0.0));
        assert_eq!(pause, Duration::MAX);
    }

    proptest! {
        #[test]
        fn pauses_stay_within_their_bounds(
            base in 0_u64..u64::MAX, max in 0_u64..u64::MAX, attempt: u32, percent: u8, seed: u64,
        ) {
            let config = ResiliencyConfig {
                base_backoff: Duration::from_nanos(base),
                max_backoff: Duration::from_nanos(max),
                jitter_percent: percent,
                ..ResiliencyConfig::default()
            };
            let pause = config.backoff_duration(attempt, &mut Random::seeded(seed));
            prop_assert!(pause >= DELAY_MIN && pause <= config.max_backoff.max(DELAY_MIN));
        }
    }

    #[test]
    fn states_and_attempts() {
        let manager = ConnectionManager::new(ResiliencyConfig::default());
        assert_eq!(manager.state(), ConnectionState::Disconnected);
        manager.set_connecting();
        assert_eq!(manager.state(), ConnectionState::Connecting);
        manager.connected();
        assert!(manager.is_connected());
        manager.set_reconnecting();
        assert!(!manager.is_connected(), "one value, so the two cannot disagree");
        manager.set_reconnecting();
        assert_eq!(manager.reconnect_attempts(), 2);
        manager.opened();
        assert_eq!(manager.reconnect_attempts(), 2, "an open connection has proven nothing yet");
        manager.connected();
        assert_eq!(manager.reconnect_attempts(), 0);
        manager.set_reconnecting();
        manager.reset();
        assert_eq!(manager.reconnect_attempts(), 0);
        assert_eq!(manager.state(), ConnectionState::Disconnected);
    }

    #[test]
    fn the_end_of_an_older_connection_changes_nothing() {
        let manager = ConnectionManager::new(ResiliencyConfig::default());
        manager.set_connecting();
        let old = manager.opened();
        manager.set_reconnecting();
        assert!(!manager.disconnected_from(old));
        assert_eq!(manager.state(), ConnectionState::Reconnecting);
        let new = manager.opened();
        assert!(!manager.disconnected_from(old));
        assert!(manager.is_connected());
        assert!(manager.disconnected_from(new));
        assert_eq!(manager.state(), ConnectionState::Disconnected);
    }

    #[test]
    fn reconnects_are_unlimited_unless_limited() {
        let manager = ConnectionManager::new(ResiliencyConfig::default());
        for _ in 0..1_000 {
            assert!(manager.should_reconnect());
            manager.set_reconnecting();
        }
        let config =
            ResiliencyConfig { max_reconnect_attempts: Some(3), ..ResiliencyConfig::default() };
        let manager = ConnectionManager::new(config);
        let mut reconnects = 0;
        while manager.should_reconnect() {
            manager.set_reconnecting();
            reconnects += 1;
        }
        assert_eq!(reconnects, 3);
        manager.connected();
        assert!(manager.should_reconnect());
    }

    #[test]
    fn readers_never_see_halves_that_disagree() {
        let manager = ConnectionManager::new(ResiliencyConfig::default());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    manager.set_reconnecting();
                    manager.connected();
                }
            });
            for _ in 0..20_000 {
                let parts = manager.parts();
                let proven = parts.attempts == 0;
                assert_eq!(proven, parts.state != ConnectionState::Reconnecting);
            }
        });
    }
}
