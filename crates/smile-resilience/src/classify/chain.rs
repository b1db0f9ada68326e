//! Finding what is typed in a chain of causes.

use std::error::Error;
use std::fmt;
use std::io;

use super::io::by_io_error;
use super::{grpc, http};
use crate::verdict::{Classify, Phase, Reason, Verdict};

/// How many causes are followed: a chain is a few links, a loop is a bug that must not hang.
const LINKS_MAX: usize = 64;

/// An error with the class that its producer knows, for errors that travel as `dyn Error`:
/// [`classify_error`] finds it anywhere in the chain.
#[derive(Debug)]
pub struct Classified {
    verdict: Verdict,
    source: Box<dyn Error + Send + Sync>,
}

impl Classified {
    /// Attaches `verdict` to `source`.
    pub fn new(verdict: Verdict, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { verdict, source: source.into() }
    }
}

impl fmt::Display for Classified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(formatter)
    }
}

impl Error for Classified {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

impl Classify for Classified {
    fn classify(&self, _phase: Phase) -> Verdict {
        self.verdict
    }
}

/// Classes an error by the first thing in its chain of causes that has a type with a class:
/// [`Classified`], an HTTP or gRPC failure, an I/O error. Nothing typed is final.
///
/// ```
/// use smile_resilience::{Phase, Reason, classify_error};
/// use std::io;
///
/// let cause = io::Error::from(io::ErrorKind::ConnectionReset);
/// let error = io::Error::other(cause);
/// assert_eq!(classify_error(&error, Phase::Steady).reason, Reason::Disconnected);
/// ```
pub fn classify_error(error: &(dyn Error + 'static), phase: Phase) -> Verdict {
    typed(error, phase).unwrap_or(Verdict::never(Reason::Unknown))
}

/// As [`classify_error`]; where nothing typed is found, the text of the whole chain is looked up as
/// if a program had printed it. For errors of crates whose types say nothing.
pub fn classify_foreign(error: &(dyn Error + 'static), phase: Phase) -> Verdict {
    typed(error, phase).unwrap_or_else(|| {
        let texts: Vec<String> = links(error).map(ToString::to_string).collect();
        super::classify_output(&texts.join("\n"), phase)
    })
}

pub(super) fn typed(error: &(dyn Error + 'static), phase: Phase) -> Option<Verdict> {
    links(error).find_map(|link| {
        if let Some(classified) = link.downcast_ref::<Classified>() {
            Some(classified.classify(phase))
        } else if let Some(failure) = link.downcast_ref::<http::Failure>() {
            Some(failure.classify(phase))
        } else if let Some(failure) = link.downcast_ref::<grpc::Failure>() {
            Some(failure.classify(phase))
        } else if let Some(error) = link.downcast_ref::<io::Error>() {
            by_io_error(error, phase)
        } else {
            by_runtime(link)
        }
    })
}

fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let cause = |link: &&'a (dyn Error + 'static)| (*link).source();
    std::iter::successors(Some(error), cause).take(LINKS_MAX)
}

#[cfg(feature = "tokio")]
fn by_runtime(link: &(dyn Error + 'static)) -> Option<Verdict> {
    let elapsed = link.downcast_ref::<tokio::time::error::Elapsed>();
    elapsed.map(|_elapsed| Verdict::ambiguous(Reason::TimedOut))
}

#[cfg(not(feature = "tokio"))]
fn by_runtime(_link: &(dyn Error + 'static)) -> Option<Verdict> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Outer {
        text: &'static str,
        source: Option<Box<dyn Error + Send + Sync>>,
    }

    fn outer(text: &'static str, source: impl Error + Send + Sync + 'static) -> Outer {
        Outer { text, source: Some(Box::new(source)) }
    }

    #[test]
    fn the_chain_is_walked_to_what_is_typed() {
        let check = |error: &(dyn Error + 'static), reason| {
            assert_eq!(classify_error(error, Phase::Steady).reason, reason, "{error}");
        };
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        check(&outer("a", outer("b", reset())), Reason::Disconnected);
        check(&outer("a", io::Error::other(outer("b", reset()))), Reason::Disconnected);
        let status = http::Failure { status: 503, retry_after: None };
        check(&outer("a", io::Error::other(status)), Reason::Unavailable);
        check(&outer("a", grpc::Failure { code: 14, retry_after: None }), Reason::Unavailable);
        let known = Classified::new(Verdict::never(Reason::Quota), reset());
        check(&outer("a", known), Reason::Quota);
        check(&outer("a", io::Error::from_raw_os_error(24)), Reason::Exhausted);
        check(&outer("nothing typed", io::Error::other("text")), Reason::Unknown);
    }

    #[test]
    fn text_is_looked_at_only_where_nothing_is_typed() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let typed = outer("503 Service Unavailable", denied);
        assert_eq!(classify_foreign(&typed, Phase::Steady).reason, Reason::Denied);
        let untyped = Outer { text: "503 Service Unavailable", source: None };
        assert_eq!(classify_foreign(&untyped, Phase::Steady).reason, Reason::Unavailable);
        assert_eq!(classify_error(&untyped, Phase::Steady).reason, Reason::Unknown);
    }

    #[test]
    fn a_chain_that_bites_its_tail_ends() {
        #[derive(Debug, thiserror::Error)]
        #[error("loop")]
        struct Snake;
        #[derive(Debug)]
        struct Tail;
        impl fmt::Display for Tail {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("tail")
            }
        }
        impl Error for Tail {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Tail)
            }
        }
        assert_eq!(classify_error(&outer("a", Snake), Phase::Steady).reason, Reason::Unknown);
        assert_eq!(classify_foreign(&Tail, Phase::Steady).reason, Reason::Unknown);
    }
}
