//! A server that fails a share of its calls, and callers that retry.

use std::time::Duration;

use smile_resilience::{Budget, Outcome, Policy, Random, Reason, RetryState, Step, Verdict};

/// How many calls are made.
pub(crate) const CALLS: u32 = 10_000;

/// Whether the callers share a budget.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    NoBudget,
    Budget,
}

/// Requests that reach the server for each call, where it fails `percent` of them.
pub(crate) fn multiplier(percent: u8, load: Load, seed: u64) -> f64 {
    let policy = match load {
        Load::NoBudget => Policy::attempts(4),
        Load::Budget => Policy::attempts(4).with_budget(Budget::default()),
    };
    let mut random = Random::seeded(seed);
    let mut requests = 0_u32;
    for _ in 0..CALLS {
        let mut now = Duration::ZERO;
        let mut call = RetryState::new(policy.clone(), random.clone(), now);
        loop {
            requests += 1;
            let fails = random.unit() * 100.0 < f64::from(percent);
            let outcome = if fails {
                Outcome::Failure(Verdict::transient(Reason::Unavailable))
            } else {
                Outcome::Success
            };
            match call.next(now, outcome) {
                Step::Wait(pause) => now += pause,
                Step::Done | Step::GiveUp(_) => break,
            }
        }
    }
    f64::from(requests) / f64::from(CALLS)
}
