//! HTTP status codes and `Retry-After`.

use std::time::{Duration, SystemTime};

use crate::verdict::{Classify, Phase, Reason, Verdict};

/// A failed HTTP exchange as its class needs it: put it into an error's `source()` chain, and
/// [`classify_error`](crate::classify_error) finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("HTTP status {status}")]
pub struct Failure {
    /// The status code.
    pub status: u16,
    /// When the server wants to be called again, from now.
    pub retry_after: Option<Duration>,
}

impl Classify for Failure {
    fn classify(&self, _phase: Phase) -> Verdict {
        classify_status(self.status, self.retry_after)
    }
}

/// What a status code means. 429 and 529 are throttling; 408, 425 and 503 were not carried out; after
/// 500, 502, 504 and the gateways' 520 to 524 nobody knows; every other status is final.
///
/// ```
/// use smile_resilience::{Retry, http};
/// use std::time::Duration;
///
/// let hint = Some(Duration::from_secs(7));
/// assert_eq!(http::classify_status(429, hint).retry, Retry::Throttled(Duration::from_secs(7)));
/// assert_eq!(http::classify_status(403, hint).retry, Retry::Never);
/// ```
pub fn classify_status(status: u16, retry_after: Option<Duration>) -> Verdict {
    let verdict = match status {
        429 | 529 => Verdict::throttled(Duration::ZERO),
        408 => Verdict::transient(Reason::TimedOut),
        425 | 503 => Verdict::transient(Reason::Unavailable),
        500 => Verdict::ambiguous(Reason::ServerError),
        502 | 520..=523 => Verdict::ambiguous(Reason::Unavailable),
        504 | 524 => Verdict::ambiguous(Reason::TimedOut),
        401 | 403 | 407 => Verdict::never(Reason::Denied),
        402 => Verdict::never(Reason::Quota),
        404 | 410 => Verdict::never(Reason::NotFound),
        400 | 405..=499 => Verdict::never(Reason::Invalid),
        _ => Verdict::never(Reason::Unknown),
    };
    verdict.with_floor(retry_after)
}

/// Reads a `Retry-After` header: whole seconds, or a date, which in the past is no wait at all.
///
/// ```
/// use smile_resilience::http::parse_retry_after;
/// use std::time::{Duration, SystemTime};
///
/// let now = SystemTime::UNIX_EPOCH;
/// assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
/// assert_eq!(
///     parse_retry_after("Thu, 01 Jan 1970 00:00:30 GMT", now),
///     Some(Duration::from_secs(30)),
/// );
/// assert_eq!(parse_retry_after("soon", now), None);
/// ```
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit are a very long time, not an unreadable one.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_each_form() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let check = |value, seconds: Option<u64>| {
            assert_eq!(parse_retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        };
        check("0", Some(0));
        check(" 3 ", Some(3));
        check("99999999999999999999999999", Some(u64::MAX));
        check("Sun, 06 Nov 1994 08:49:38 GMT", Some(1));
        check("Sunday, 06-Nov-94 08:50:37 GMT", Some(60));
        check("Sun Nov  6 08:49:37 1994", Some(0));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        for unreadable in ["", "-1", "1.5", "tomorrow", "6 Nov"] {
            check(unreadable, None);
        }
    }
}
