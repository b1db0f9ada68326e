//! When a client does not come back: what ended it, and which close codes do.

use crate::verdict::{Classify, Phase, Verdict};

/// Why the client has ended for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// Its owner wanted it to stop.
    #[error("stopped")]
    Cancelled,
    /// The server closed the connection for good.
    #[error("the server closed the connection with code {code}: {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// The server refused the connection, and would again.
    #[error("the server refused the connection with HTTP status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The server asked to come back later than the longest pause.
    #[error("the server asked to wait {asked_s} s, longer than the longest pause of {longest_s} s")]
    AskedToWait {
        /// What it asked for, in seconds.
        asked_s: u64,
        /// The longest pause, in seconds.
        longest_s: u64,
    },
    /// The server does not speak this protocol.
    #[error("the server does not speak this protocol: {reason}")]
    Protocol {
        /// What it did.
        reason: String,
    },
    /// So many reconnects in a row have failed as were allowed.
    #[error("not connected after {attempts} reconnects: {cause}")]
    Attempts {
        /// How many.
        attempts: u32,
        /// Why the last one failed.
        cause: String,
    },
}

impl Ended {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Cancelled => "start it again when it is wanted",
            Self::Closed { code: 1000, .. } => "nothing: the server has said all it had to say",
            Self::Closed { .. } | Self::Refused { .. } => {
                "check the address, the token and the rights that it gives"
            }
            Self::AskedToWait { .. } => "try again later, or allow longer pauses",
            Self::Protocol { .. } => "check that the address is right and the versions match",
            Self::Attempts { .. } => "check that the server is running and can be reached",
        }
    }
}

/// Whether a connection closed with this code must not be made again.
///
/// | code | | |
/// |---|---|---|
/// | 1000 | the server is done | for good |
/// | 1001, 1005, 1006, 1011 to 1015 | going away, lost, broken, restarting, overloaded | comes back |
/// | 1002, 1003, 1007 to 1010 | the two do not understand each other | for good |
/// | 4400 to 4499 | as HTTP's 4xx; but 4408, 4425 and 4429 pass | for good |
/// | any other | | comes back |
pub fn is_terminal(code: u16) -> bool {
    match code {
        1000 | 1002 | 1003 | 1007..=1010 => true,
        4400..=4499 => !crate::http::classify_status(code - 4_000, None).is_transient(),
        _ => false,
    }
}

/// Never: the client has done all the retrying there is.
impl Classify for Ended {
    fn classify(&self, _phase: Phase) -> Verdict {
        use crate::verdict::Reason;
        Verdict::never(match self {
            Self::Cancelled => Reason::Cancelled,
            Self::Closed { .. } | Self::Attempts { .. } => Reason::Disconnected,
            Self::Refused { status } => crate::http::classify_status(*status, None).reason,
            Self::AskedToWait { .. } => Reason::Throttled,
            Self::Protocol { .. } => Reason::Invalid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes() {
        for code in [1000, 1002, 1003, 1007, 1008, 1009, 1010, 4400, 4401, 4403, 4404, 4409] {
            assert!(is_terminal(code), "{code}");
        }
        for code in
            [0, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 3000, 4000, 4408, 4429, 4500, 4999]
        {
            assert!(!is_terminal(code), "{code}");
        }
    }
}
