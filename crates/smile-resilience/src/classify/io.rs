//! Errors of the operating system, by kind and by number.

use std::io::{self, ErrorKind};

use crate::verdict::{Classify, Phase, Reason, Verdict};

impl Classify for io::Error {
    /// By kind; an error that only wraps another is classed by what it wraps.
    fn classify(&self, phase: Phase) -> Verdict {
        by_io_error(self, phase).unwrap_or(Verdict::never(Reason::Unknown))
    }
}

/// `None` where neither the kind nor the number says anything.
pub(super) fn by_io_error(error: &io::Error, phase: Phase) -> Option<Verdict> {
    // `io::Error::source` skips the wrapped error itself, so it is asked for here.
    if let Some(verdict) = error.get_ref().and_then(|inner| super::chain::typed(inner, phase)) {
        return Some(verdict);
    }
    error.raw_os_error().and_then(by_number).or_else(|| by_kind(error.kind(), phase))
}

/// What an error number of this system means.
pub(crate) fn by_errno(number: i32, phase: Phase) -> Option<Verdict> {
    by_number(number).or_else(|| by_kind(io::Error::from_raw_os_error(number).kind(), phase))
}

/// The few that have no kind of their own.
fn by_number(number: i32) -> Option<Verdict> {
    /// Too many open files, in the system and in this process: the same on every Unix.
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    /// No buffer space.
    const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
    matches!(number, ENFILE | EMFILE | ENOBUFS).then_some(Verdict::transient(Reason::Exhausted))
}

fn by_kind(kind: ErrorKind, phase: Phase) -> Option<Verdict> {
    let verdict = match kind {
        ErrorKind::ConnectionRefused => Verdict::while_starting(Reason::Refused, phase),
        // The socket file of a server that is being started.
        ErrorKind::NotFound => Verdict::while_starting(Reason::NotFound, phase),
        // The predecessor has not let go yet.
        ErrorKind::AddrInUse => Verdict::while_starting(Reason::Busy, phase),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Verdict::ambiguous(Reason::Disconnected),
        ErrorKind::NotConnected => Verdict::transient(Reason::Disconnected),
        ErrorKind::TimedOut => Verdict::ambiguous(Reason::TimedOut),
        ErrorKind::Interrupted => Verdict::transient(Reason::Interrupted),
        ErrorKind::WouldBlock
        | ErrorKind::ResourceBusy
        | ErrorKind::Deadlock
        | ErrorKind::ExecutableFileBusy => Verdict::transient(Reason::Busy),
        ErrorKind::OutOfMemory => Verdict::transient(Reason::Exhausted),
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Verdict::transient(Reason::Unreachable),
        ErrorKind::StaleNetworkFileHandle => Verdict::transient(Reason::Unavailable),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Verdict::never(Reason::Denied)
        }
        ErrorKind::StorageFull => Verdict::never(Reason::DiskFull),
        ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Verdict::never(Reason::Quota),
        ErrorKind::InvalidInput
        | ErrorKind::InvalidData
        | ErrorKind::InvalidFilename
        | ErrorKind::AlreadyExists
        | ErrorKind::Unsupported
        | ErrorKind::IsADirectory
        | ErrorKind::NotADirectory
        | ErrorKind::ArgumentListTooLong => Verdict::never(Reason::Invalid),
        _ => return None,
    };
    Some(verdict)
}
