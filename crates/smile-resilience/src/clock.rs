//! Time for the blocking driver, and a way to end its waits.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Ends waits of the blocking driver from another thread; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Cancel {
    /// Not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every wait, now and from now on.
    pub fn cancel(&self) {
        *self.0.set.lock() = true;
        self.0.changed.notify_all();
    }

    /// Whether it has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        *self.0.set.lock()
    }

    /// Waits until cancelled, at most this long; says whether it was.
    pub fn wait(&self, longest: Duration) -> bool {
        let mut set = self.0.set.lock();
        self.0.changed.wait_while_for(&mut set, |set| !*set, longest);
        *set
    }
}

/// A clock that never goes back, and sleep by it.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time since a moment that stays the same.
    fn now(&self) -> Duration;

    /// Sleeps, at most until cancelled.
    fn sleep(&self, pause: Duration, cancel: &Cancel);
}

#[expect(
    clippy::disallowed_types,
    reason = "the blocking driver has no runtime and no paused time; tests use `ManualClock`"
)]
type Instant = std::time::Instant;

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Counts from now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, pause: Duration, cancel: &Cancel) {
        cancel.wait(pause);
    }
}

/// A clock for tests: sleeping takes no time and is written down; clones share the time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Debug, Default)]
struct Manual {
    now: Duration,
    slept: Vec<Duration>,
}

impl ManualClock {
    /// Starts at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets time pass, as an operation does.
    pub fn advance(&self, span: Duration) {
        let mut manual = self.0.lock();
        manual.now = manual.now.saturating_add(span);
    }

    /// Every sleep so far.
    pub fn slept(&self) -> Vec<Duration> {
        self.0.lock().slept.clone()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        self.0.lock().now
    }

    fn sleep(&self, pause: Duration, cancel: &Cancel) {
        if !cancel.is_cancelled() {
            let mut manual = self.0.lock();
            manual.slept.push(pause);
            manual.now = manual.now.saturating_add(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_at_once_on_cancellation() {
        let cancel = Cancel::new();
        let waiting = cancel.clone();
        let hour = Duration::from_hours(1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(move || waiting.wait(hour));
            cancel.cancel();
            assert!(waiter.join().unwrap());
        });
        assert!(cancel.wait(hour), "and stays cancelled");
        assert!(!Cancel::new().wait(Duration::from_millis(1)));
    }
}
