//! A budget shared by many callers, so that retries never become the storm that keeps a server down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One token in the unit of the counter, so that a fraction can be earned without floating point.
const TOKEN: u64 = 1_000;

/// Retries cost a token each; successes earn a part of one. While most calls succeed, the tokens
/// suffice for every retry; at a total outage nothing is earned and only first attempts remain.
///
/// Clones share the tokens: give the same budget to everything that calls the same server.
///
/// ```
/// use smile_resilience::Budget;
///
/// let budget = Budget::new(2, 10);
/// assert!(budget.withdraw() && budget.withdraw());
/// assert!(!budget.withdraw(), "an outage has used it up");
/// for _ in 0..10 {
///     budget.deposit();
/// }
/// assert!(budget.withdraw(), "ten successes pay for one retry");
/// ```
#[derive(Debug, Clone)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tokens: AtomicU64,
    tokens_max: u64,
    earned: u64,
}

impl Default for Budget {
    /// 10 tokens to begin with and at most, 10 % of a token a success.
    fn default() -> Self {
        Self::new(10, 10)
    }
}

impl Budget {
    /// A full budget of `tokens_max` retries; each success earns `percent` of a token, at most a whole one.
    pub fn new(tokens_max: u32, percent: u8) -> Self {
        let tokens_max = u64::from(tokens_max) * TOKEN;
        let earned = u64::from(percent.min(100)) * TOKEN / 100;
        Self(Arc::new(Shared { tokens: AtomicU64::new(tokens_max), tokens_max, earned }))
    }

    /// Pays for one retry; `false` where there is not enough left.
    pub fn withdraw(&self) -> bool {
        let take = |tokens: u64| tokens.checked_sub(TOKEN);
        self.0.tokens.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Earns what one success is worth.
    pub fn deposit(&self) {
        let add = |tokens: u64| Some((tokens + self.0.earned).min(self.0.tokens_max));
        let _always_some = self.0.tokens.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
    }

    /// How many whole retries are left, for a metric.
    pub fn tokens(&self) -> u64 {
        self.0.tokens.load(Ordering::Acquire) / TOKEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_never_spend_more_than_there_is() {
        let budget = Budget::new(100, 10);
        let spent = std::thread::scope(|scope| {
            let spend = || (0..100).filter(|_| budget.withdraw()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(spend)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(spent, 100);
        assert_eq!(budget.tokens(), 0);
    }

    #[test]
    fn a_success_never_fills_it_above_its_size() {
        let budget = Budget::new(1, 255);
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }
}
