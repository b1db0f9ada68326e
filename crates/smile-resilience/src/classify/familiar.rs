//! The familiar three functions: yes or no, by phrase or by kind.

use std::io::{self, ErrorKind};

const TRANSIENT: &[&str] = &[
    "connection refused",
    "connection reset",
    "connection timed out",
    "network is unreachable",
    "no route to host",
    "temporary failure",
    "try again",
    "resource temporarily unavailable",
    "name resolution",
    "dns",
    "could not resolve",
    "no such host",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway timeout",
    "429 too many requests",
    "toomanyrequests",
    "rate limit",
    "quota exceeded",
    "broken pipe",
    "interrupted",
    "eagain",
    "ewouldblock",
];

const PERMANENT: &[&str] = &[
    "401 unauthorized",
    "403 forbidden",
    "authentication required",
    "access denied",
    "404 not found",
    "manifest unknown",
    "name unknown",
    "repository does not exist",
    "invalid reference",
    "invalid image",
    "malformed",
];

/// Whether a plain message names a failure of the network that passes. The last resort: it knows a
/// few phrases and whole words, upper or lower case. [`classify_output`](crate::classify_output)
/// knows much more, and typed errors know best.
///
/// ```
/// use smile_resilience::is_transient_network_error;
///
/// assert!(is_transient_network_error("connect: Connection refused"));
/// assert!(!is_transient_network_error("no such file or directory"));
/// ```
pub fn is_transient_network_error(message: &str) -> bool {
    names_one_of(message, TRANSIENT)
}

/// Whether a plain message names a failure that stays. As much a last resort as
/// [`is_transient_network_error`].
///
/// ```
/// assert!(smile_resilience::is_permanent_error("manifest unknown"));
/// ```
pub fn is_permanent_error(message: &str) -> bool {
    names_one_of(message, PERMANENT)
}

/// Whether an I/O error is of a kind that passes, by kind alone and in any phase.
///
/// ```
/// use smile_resilience::is_transient_io_error;
///
/// assert!(is_transient_io_error(&std::io::ErrorKind::TimedOut.into()));
/// ```
pub fn is_transient_io_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::WouldBlock
    )
}

fn names_one_of(message: &str, phrases: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    phrases.iter().any(|phrase| {
        if phrase.contains(' ') { message.contains(phrase) } else { has_word(&message, phrase) }
    })
}

/// A whole word only: an image called `dnsutils` or a flag `--dns` is no failure to look up a name.
fn has_word(message: &str, word: &str) -> bool {
    message.match_indices(word).any(|(start, _)| {
        let before = message[..start].chars().next_back();
        let after = message[start + word.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '-')
            && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phrase_has_its_verdict() {
        for phrase in TRANSIENT {
            for message in
                [phrase.to_uppercase(), format!("error: {phrase}."), format!("{phrase}: x")]
            {
                assert!(is_transient_network_error(&message), "{message}");
                assert!(!is_permanent_error(&message), "{message}");
            }
        }
        for phrase in PERMANENT {
            for message in
                [phrase.to_uppercase(), format!("error: {phrase}."), format!("{phrase}: x")]
            {
                assert!(is_permanent_error(&message), "{message}");
                assert!(!is_transient_network_error(&message), "{message}");
            }
        }
    }

    #[test]
    fn a_phrase_may_go_on() {
        assert!(is_transient_network_error("you are being rate limited"));
        assert!(is_transient_network_error("lookup failed: DNS: x"));
        assert!(is_permanent_error("invalid references: a, b"));
    }

    #[test]
    fn names_that_contain_a_phrase_are_no_failure() {
        for message in
            ["", "pulling tutum/dnsutils", "unknown flag --dns", "uninterrupted", "Größe dnsß"]
        {
            assert!(!is_transient_network_error(message), "{message}");
            assert!(!is_permanent_error(message), "{message}");
        }
    }

    #[test]
    fn kinds() {
        use ErrorKind::{BrokenPipe, Interrupted, TimedOut, WouldBlock};
        use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected};
        let transient = [
            ConnectionRefused,
            ConnectionReset,
            ConnectionAborted,
            NotConnected,
            BrokenPipe,
            TimedOut,
            Interrupted,
            WouldBlock,
        ];
        for kind in transient {
            assert!(is_transient_io_error(&kind.into()), "{kind:?}");
        }
        for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::UnexpectedEof] {
            assert!(!is_transient_io_error(&kind.into()), "{kind:?}");
        }
    }
}
