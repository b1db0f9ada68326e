//! What the drivers say: retries and exhaustion are unexpected but handled, the rest are decisions.

use std::fmt;
use std::time::Duration;

use crate::state::{Attempt, GiveUp};
use crate::verdict::Phase;

pub(crate) fn succeeded(operation: &str, attempt: Attempt) {
    if attempt.number > 1 {
        tracing::debug!(operation, attempt = attempt.number, "succeeded after retries");
    }
}

pub(crate) fn waiting(
    operation: &str,
    phase: Phase,
    attempt: Attempt,
    delay: Duration,
    error: &dyn fmt::Display,
) {
    let Attempt { number, max, .. } = attempt;
    match phase {
        Phase::Steady => {
            tracing::warn!(operation, attempt = number, max, ?delay, %error, "failed, will retry");
        }
        // That something is not there while it starts is expected.
        Phase::Starting => {
            tracing::debug!(operation, attempt = number, max, ?delay, %error, "not there yet");
        }
    }
}

pub(crate) fn gave_up(operation: &str, attempt: Attempt, why: GiveUp, error: &dyn fmt::Display) {
    let Attempt { number, max, .. } = attempt;
    match why {
        GiveUp::Fatal | GiveUp::Ambiguous | GiveUp::Cancelled => {
            tracing::debug!(operation, attempt = number, why = why.as_str(), %error, "not retried");
        }
        GiveUp::Attempts | GiveUp::Deadline | GiveUp::HintTooLong { .. } | GiveUp::Budget => {
            tracing::warn!(operation, attempt = number, max, why = why.as_str(), %error, "gave up");
        }
    }
}
