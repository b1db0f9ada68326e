//! The budget's promise, by the same simulation that the example prints.

#[path = "../../examples/budget/simulation.rs"]
mod simulation;

use simulation::{Load, multiplier};

#[test]
fn a_total_outage_is_not_made_worse() {
    for seed in 0..10 {
        let with = |percent| multiplier(percent, Load::Budget, seed);
        let without = |percent| multiplier(percent, Load::NoBudget, seed);
        assert!(with(100) <= 1.1, "{}", with(100));
        assert!((without(100) - 4.0).abs() < 1e-9, "four attempts each");
        assert!(with(30) < 1.15 && without(30) > 1.35, "{} {}", with(30), without(30));
        // While nearly everything works, every failure is still retried.
        assert!((with(5) - without(5)).abs() < 0.01, "{} {}", with(5), without(5));
    }
}
