//! The classifier's table: what programs print and what libraries return, each with its verdict.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use smile_resilience::Phase::{Starting, Steady};
use smile_resilience::{
    Classified, Classify, Effect, Phase, Reason, Retry, Verdict, classify_error, classify_foreign,
    classify_output, grpc, http,
};

/// Transient or permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    T,
    P,
}
use Class::{P, T};

use crate::messages::{ANY, PRINTED};

#[track_caller]
fn expect(
    name: &str,
    phase: Option<Phase>,
    class: Class,
    reason: Reason,
    give: impl Fn(Phase) -> Verdict,
) {
    for asked in [Starting, Steady] {
        let verdict = give(asked);
        let right = phase.is_none_or(|phase| phase == asked);
        let class = if right {
            class
        } else if class == T {
            P
        } else {
            T
        };
        let got = if verdict.is_transient() { T } else { P };
        assert_eq!((got, verdict.reason), (class, reason), "{name} while {asked:?}");
    }
}

#[test]
fn printed_messages() {
    assert!(PRINTED.len() >= 60);
    for (class, phase, reason, message) in PRINTED {
        expect(message, *phase, *class, *reason, |phase| classify_output(message, phase));
    }
}

#[test]
fn typed_errors() {
    use ErrorKind::*;
    let rows: &[(Class, Option<Phase>, Reason, io::Error)] = &[
        (T, Some(Starting), Reason::Refused, ConnectionRefused.into()),
        (T, Some(Starting), Reason::NotFound, NotFound.into()),
        (T, Some(Starting), Reason::Busy, AddrInUse.into()),
        (T, ANY, Reason::Disconnected, ConnectionReset.into()),
        (T, ANY, Reason::Disconnected, ConnectionAborted.into()),
        (T, ANY, Reason::Disconnected, NotConnected.into()),
        (T, ANY, Reason::Disconnected, BrokenPipe.into()),
        (T, ANY, Reason::Disconnected, UnexpectedEof.into()),
        (T, ANY, Reason::TimedOut, TimedOut.into()),
        (T, ANY, Reason::Interrupted, Interrupted.into()),
        (T, ANY, Reason::Busy, WouldBlock.into()),
        (T, ANY, Reason::Unreachable, io::Error::from_raw_os_error(101)),
        (T, ANY, Reason::Unreachable, io::Error::from_raw_os_error(113)),
        (T, ANY, Reason::Exhausted, io::Error::from_raw_os_error(23)),
        (T, ANY, Reason::Exhausted, io::Error::from_raw_os_error(105)),
        (T, ANY, Reason::Exhausted, io::Error::from_raw_os_error(12)),
        (P, ANY, Reason::DiskFull, io::Error::from_raw_os_error(28)),
        (P, ANY, Reason::Quota, io::Error::from_raw_os_error(122)),
        (P, ANY, Reason::Denied, PermissionDenied.into()),
        (P, ANY, Reason::Invalid, InvalidInput.into()),
        (P, ANY, Reason::Unknown, io::Error::other("503 Service Unavailable")),
        (
            T,
            ANY,
            Reason::Unavailable,
            io::Error::other(http::Failure { status: 503, retry_after: None }),
        ),
        (T, ANY, Reason::Disconnected, io::Error::other(io::Error::from(ConnectionReset))),
        (
            P,
            ANY,
            Reason::Quota,
            io::Error::other(Classified::new(
                Verdict::never(Reason::Quota),
                "429 Too Many Requests",
            )),
        ),
    ];
    for (class, phase, reason, error) in rows {
        let name = format!("{error:?}");
        expect(&name, *phase, *class, *reason, |phase| error.classify(phase));
        expect(&name, *phase, *class, *reason, |phase| classify_error(error, phase));
    }
}

#[test]
fn http_statuses() {
    let check = |status, class, reason, effect| {
        let error = http::Failure { status, retry_after: None };
        expect(&status.to_string(), ANY, class, reason, |phase| error.classify(phase));
        assert_eq!(error.classify(Steady).effect, effect, "{status}");
    };
    for status in [429, 529] {
        check(status, T, Reason::Throttled, Effect::None);
    }
    check(408, T, Reason::TimedOut, Effect::None);
    check(503, T, Reason::Unavailable, Effect::None);
    check(500, T, Reason::ServerError, Effect::Unknown);
    check(502, T, Reason::Unavailable, Effect::Unknown);
    check(504, T, Reason::TimedOut, Effect::Unknown);
    for (status, reason) in [
        (400, Reason::Invalid),
        (401, Reason::Denied),
        (402, Reason::Quota),
        (403, Reason::Denied),
        (404, Reason::NotFound),
        (409, Reason::Invalid),
        (413, Reason::Invalid),
        (422, Reason::Invalid),
        (501, Reason::Unknown),
        (200, Reason::Unknown),
    ] {
        check(status, P, reason, Effect::None);
    }
    let hint = Some(Duration::from_secs(9));
    let hinted = |status| http::classify_status(status, hint).retry;
    assert_eq!(hinted(429), Retry::Throttled(Duration::from_secs(9)));
    assert_eq!(hinted(503), Retry::After(Duration::from_secs(9)));
    assert_eq!(hinted(403), Retry::Never);
}

#[test]
fn grpc_codes() {
    for code in 0..=20 {
        let verdict = grpc::Failure { code, retry_after: None }.classify(Steady);
        assert_eq!(verdict.is_transient(), matches!(code, 4 | 8 | 10 | 14), "{code}");
    }
    assert_eq!(grpc::classify_code(4, None).effect, Effect::Unknown);
    let pushback = Some(Duration::from_millis(250));
    assert_eq!(
        grpc::classify_code(8, pushback).retry,
        Retry::Throttled(Duration::from_millis(250))
    );
}

/// An error of a crate whose types say nothing, as `hyper`'s is to those who do not depend on it.
#[derive(Debug)]
struct Opaque(&'static str, Option<io::Error>);

impl std::fmt::Display for Opaque {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl Error for Opaque {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_ref().map(|source| source as _)
    }
}

#[test]
fn text_is_asked_last() {
    let text = "error sending request: connection closed before message completed";
    expect("untyped", ANY, T, Reason::Disconnected, |phase| {
        classify_foreign(&Opaque(text, None), phase)
    });
    let denied = io::Error::from(ErrorKind::PermissionDenied);
    let typed = Opaque(text, Some(denied));
    expect("typed", ANY, P, Reason::Denied, |phase| classify_foreign(&typed, phase));
}
