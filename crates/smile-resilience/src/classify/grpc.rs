//! gRPC status codes, as numbers and by name.

use std::time::Duration;

use crate::verdict::{Classify, Phase, Reason, Verdict};

/// A failed gRPC call as its class needs it: put it into an error's `source()` chain, and
/// [`classify_error`](crate::classify_error) finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("gRPC status {code}")]
pub struct Failure {
    /// The status code, 0 to 16.
    pub code: u32,
    /// The server's `RetryInfo` or pushback.
    pub retry_after: Option<Duration>,
}

impl Classify for Failure {
    fn classify(&self, _phase: Phase) -> Verdict {
        classify_code(self.code, self.retry_after)
    }
}

/// What a status code means: `UNAVAILABLE` (14) and `ABORTED` (10) had no effect,
/// `RESOURCE_EXHAUSTED` (8) is throttling, after `DEADLINE_EXCEEDED` (4) nobody knows, and
/// the others are final.
///
/// ```
/// use smile_resilience::grpc;
///
/// assert!(grpc::classify_code(14, None).is_transient());
/// assert!(!grpc::classify_code(3, None).is_transient());
/// ```
pub fn classify_code(code: u32, retry_after: Option<Duration>) -> Verdict {
    let verdict = match code {
        1 => Verdict::never(Reason::Cancelled),
        3 | 6 | 9 | 11 | 12 => Verdict::never(Reason::Invalid),
        4 => Verdict::ambiguous(Reason::TimedOut),
        5 => Verdict::never(Reason::NotFound),
        7 | 16 => Verdict::never(Reason::Denied),
        8 => Verdict::throttled(Duration::ZERO),
        10 => Verdict::transient(Reason::Busy),
        14 => Verdict::transient(Reason::Unavailable),
        13 | 15 => Verdict::never(Reason::ServerError),
        _ => Verdict::never(Reason::Unknown),
    };
    verdict.with_floor(retry_after)
}

/// The code of a name as programs print it: `Unavailable`, `UNAVAILABLE`, `DeadlineExceeded`.
pub(crate) fn code_named(name: &str) -> Option<u32> {
    const NAMES: [&str; 17] = [
        "ok",
        "canceled",
        "unknown",
        "invalidargument",
        "deadlineexceeded",
        "notfound",
        "alreadyexists",
        "permissiondenied",
        "resourceexhausted",
        "failedprecondition",
        "aborted",
        "outofrange",
        "unimplemented",
        "internal",
        "unavailable",
        "dataloss",
        "unauthenticated",
    ];
    let plain: String =
        name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    let plain = if plain == "cancelled" { "canceled" } else { &plain };
    NAMES.iter().position(|known| *known == plain).and_then(|code| u32::try_from(code).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_their_codes() {
        for (name, code) in [
            ("Unavailable", Some(14)),
            ("DEADLINE_EXCEEDED", Some(4)),
            ("Cancelled", Some(1)),
            ("Canceled", Some(1)),
            ("Unauthenticated", Some(16)),
            ("Teapot", None),
        ] {
            assert_eq!(code_named(name), code, "{name}");
        }
    }
}
