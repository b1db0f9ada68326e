//! The one table of what external programs print. Each row has a sample that it decides and a
//! sample that it must leave alone. Rows are asked from the top, so what is final for certain stands
//! first, then codes inside text, then what passes. A message that no row knows is final.

use std::time::Duration;

use crate::verdict::{Reason, Verdict};

/// One row.
pub(super) struct Row {
    /// A regular expression, upper or lower case; it is anchored at separators when compiled.
    pub(super) pattern: &'static str,
    pub(super) says: Says,
    /// A message that this row decides.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "documents the row and is tried by the tests")
    )]
    pub(super) positive: &'static str,
    /// A message that looks alike and is not this row's.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "documents the row and is tried by the tests")
    )]
    pub(super) negative: &'static str,
}

/// What a match says.
#[derive(Clone, Copy)]
pub(super) enum Says {
    /// This.
    Verdict(Verdict),
    /// What the captured HTTP status means.
    Status,
    /// What the captured gRPC status name means.
    Grpc,
    /// What the captured error number means.
    Errno,
    /// Transient while the far end starts, final when it is meant to be there.
    Starting(Reason),
}

const fn never(
    reason: Reason,
    pattern: &'static str,
    positive: &'static str,
    negative: &'static str,
) -> Row {
    Row { pattern, says: Says::Verdict(Verdict::never(reason)), positive, negative }
}

const fn passes(
    reason: Reason,
    pattern: &'static str,
    positive: &'static str,
    negative: &'static str,
) -> Row {
    Row { pattern, says: Says::Verdict(Verdict::transient(reason)), positive, negative }
}

/// Passes, but the request may have been carried out.
const fn doubtful(
    reason: Reason,
    pattern: &'static str,
    positive: &'static str,
    negative: &'static str,
) -> Row {
    Row { pattern, says: Says::Verdict(Verdict::ambiguous(reason)), positive, negative }
}

const fn throttled(pattern: &'static str, positive: &'static str, negative: &'static str) -> Row {
    let says = Says::Verdict(Verdict::throttled(Duration::ZERO));
    Row { pattern, says, positive, negative }
}

const fn code(
    says: Says,
    pattern: &'static str,
    positive: &'static str,
    negative: &'static str,
) -> Row {
    Row { pattern, says, positive, negative }
}

pub(super) static ROWS: &[Row] = &[
    // Final for certain, whatever else was printed.
    never(
        Reason::DiskFull,
        r"no space left on device|ENOSPC",
        "write /var/lib/x: no space left on device",
        "df: 12 blocks of space left on device sda",
    ),
    never(
        Reason::Quota,
        r"disk quota exceeded|EDQUOT",
        "write /storage/layer.tar: Disk quota exceeded",
        "disk quota exceeded_notice.txt",
    ),
    never(
        Reason::Quota,
        r"toomanyrequests: you have reached your [a-z ]*pull rate limit|you have reached your [a-z ]*pull rate limit",
        "toomanyrequests: You have reached your unauthenticated pull rate limit",
        "toomanyrequests: retry-after: 1.2s, allowed: 44000/minute",
    ),
    never(
        Reason::Quota,
        r"insufficient_quota|you exceeded your current quota|billing hard limit has been reached",
        "429: insufficient_quota",
        "quota_sufficient: true",
    ),
    never(
        Reason::Certificate,
        r"x509: [^\n]{1,200}|certificate (?:has expired|verify failed|signed by unknown authority|is not trusted)|(?:unable to get local issuer|self[- ]signed) certificate[^\n]{0,80}|CERT_HAS_EXPIRED|server certificate verification failed",
        "tls: failed to verify: x509: certificate signed by unknown authority",
        "reading certificate from x509.pem",
    ),
    never(
        Reason::NotFound,
        r"manifest unknown|name unknown|repository does not exist|repository [^\n]{1,200} not found|remote: repository not found|pull access denied for \S+, repository does not exist[^\n]*|E404",
        "manifest unknown: manifest unknown",
        "an unknown manifest was skipped",
    ),
    never(
        Reason::Denied,
        r"denied: requested access to the resource is denied|(?:unauthorized: )?authentication required|authentication failed for [^\n]{1,200}|permission denied|access denied|could not read username for [^\n]{1,200}|invalid username or (?:password|token)|EACCES|E401|E403|ENEEDAUTH",
        "UNAUTHORIZED: authentication required",
        "authentication required_fields are ok",
    ),
    never(
        Reason::Invalid,
        r"invalid reference format|unknown (?:flag|option|command|shorthand flag)[^\n]{0,80}|unrecognized (?:arguments?|options?)[^\n]{0,80}|flag provided but not defined[^\n]{0,80}",
        "unknown flag --dns",
        "the flag is unknown",
    ),
    never(
        Reason::Cancelled,
        r"(?:interrupted|cancell?ed|aborted|stopped) by (?:the )?user|(?:operation was|context) cancell?ed|KeyboardInterrupt",
        "operation was interrupted by user",
        "net/http: request canceled (waiting)",
    ),
    never(
        Reason::Dns,
        r"no such host|name or service not known|nodename nor servname provided[^\n]{0,40}|ENOTFOUND|NXDOMAIN",
        "dial tcp: lookup regsitry.exmaple.com: no such host",
        "there is no such hosting plan",
    ),
    // Codes inside text: the same meaning as the typed codes.
    code(
        Says::Errno,
        r"\(os error (\d{1,3})\)|\[errno (\d{1,3})\][^\n]{0,80}",
        "Resource temporarily unavailable (os error 11)",
        "(os error code)",
    ),
    code(
        Says::Grpc,
        r"code = ([a-z]+)(?: desc = [^\n]*)?|status: '?([a-z]+)'?, message: [^\n]*",
        "rpc error: code = Unavailable desc = connection error",
        "rpc error: code = Unknown desc = something",
    ),
    code(
        Says::Status,
        r"(?:http )?status(?: code)?[:=]? ?(\d{3})(?: [a-z ]+)?|HTTP(?:/\d(?:\.\d)?)? (?:error )?(\d{3})(?: [a-z ]+)?|requested URL returned error: (\d{3})(?: [a-z ]+)?|error (\d{3})(?:: [a-z ]+)?|npm err(?:or!?)? (\d{3}) [a-z ]+|E(5\d\d|429)",
        "received unexpected HTTP status: 503 Service Unavailable",
        "HTTP/1.1 200 OK",
    ),
    code(
        Says::Status,
        r"(\d{3}) +(?:bad gateway|service (?:temporarily )?unavailable|gateway time-?out|too many requests|internal server error|request time-?out|unauthorized|forbidden|not found)",
        "Err:1 http://deb.example.org stable InRelease: 503  Service Unavailable [IP: 192.0.2.1 80]",
        "chapter 200 not found",
    ),
    // What passes.
    throttled(
        r"toomanyrequests|too many requests|rate limit(?:ed| (?:exceeded|reached))?|(?:secondary )?rate limit[^\n]{0,60}|rate_limit_error|overloaded_error|slow ?down|ENHANCE_YOUR_CALM",
        "toomanyrequests: retry-after: 1.2s, allowed: 44000/minute",
        "see docs/rate limits/intro",
    ),
    passes(
        Reason::Dns,
        r"temporary failure (?:in name resolution|resolving)[^\n]{0,120}|EAI_AGAIN|could not resolve (?:host|proxy)[^\n]{0,120}|server misbehaving|dns error",
        "W: Failed to fetch http://d/InRelease  Temporary failure resolving 'd'",
        "could not resolve dependency tree",
    ),
    passes(
        Reason::Unreachable,
        r"network is (?:unreachable|down)|no route to host|host is (?:unreachable|down)|ENETUNREACH|EHOSTUNREACH|ENETDOWN",
        "connect: network is unreachable",
        "the social network is unreachable-proof",
    ),
    code(
        Says::Starting(Reason::Refused),
        r"(connection refused|ECONNREFUSED|failed to connect to \S+ port \d+[^\n]{0,80}|cannot connect to the docker daemon[^\n]{0,120})",
        "dial tcp 127.0.0.1:5000: connect: connection refused",
        "see docs/connection refused_errors.md",
    ),
    code(
        Says::Starting(Reason::Unavailable),
        r"(the database system is (?:starting up|shutting down)|not yet accepting connections)",
        "FATAL: the database system is starting up",
        "the database system is fine",
    ),
    passes(
        Reason::TimedOut,
        r"TLS handshake timeout|tcp connect (?:error|timeout)|connect(?:ion)? (?:attempt )?timed out|ConnectTimeoutError[^\n]{0,120}",
        "Get \"https://r/v2/\": net/http: TLS handshake timeout",
        "set the TLS handshake timeout_s option",
    ),
    doubtful(
        Reason::TimedOut,
        r"i/o timeout|client\.timeout exceeded[^\n]{0,80}|context deadline exceeded|deadline has elapsed|(?:operation|request|read|gateway|socket) (?:timed|timed-) ?out|timeout was reached|operation too slow[^\n]{0,80}|timeout awaiting response headers|ReadTimeoutError[^\n]{0,120}|ETIMEDOUT|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT",
        "lookup r on 127.0.0.53:53: read udp: i/o timeout",
        "pass --read-timeout to wait longer",
    ),
    doubtful(
        Reason::Disconnected,
        r"unexpected EOF|early EOF|EOF|connection closed before message completed|unexpected disconnect[^\n]{0,80}|the remote end hung up unexpectedly|remote end closed connection without response|RPC failed; [^\n]{0,120}|socket hang up|incomplete read|IncompleteRead\([^\n]{0,80}|connection (?:was )?(?:reset|closed|aborted)(?: by (?:remote )?(?:peer|host))?|recv failure[^\n]{0,80}|ECONNRESET|ECONNABORTED|EPIPE|broken pipe|software caused connection abort",
        "error reading manifest: unexpected EOF",
        "cat <<EOFMARK",
    ),
    passes(
        Reason::Unavailable,
        r"(?:http2: )?server sent GOAWAY[^\n]{0,80}|stream error: stream ID \d+; REFUSED_STREAM[^\n]{0,80}",
        "http2: server sent GOAWAY and closed the connection",
        "goaway.txt was sent",
    ),
    doubtful(
        Reason::ServerError,
        r"stream error: stream ID \d+; [A-Z_]+[^\n]{0,80}|HTTP/2 stream \d+ was not closed cleanly[^\n]{0,120}",
        "stream error: stream ID 7; INTERNAL_ERROR; received from peer",
        "stream ID 7 has no error",
    ),
    passes(
        Reason::Busy,
        r"database (?:table |schema )?is locked|SQLITE_BUSY|SQLITE_LOCKED",
        "sqlite3.OperationalError: database is locked",
        "the database is locked_down by policy",
    ),
    passes(
        Reason::Busy,
        r"could not get lock \S+|unable to acquire the dpkg frontend lock[^\n]{0,120}|cannot lock ref [^\n]{1,200}|another git process seems to be running[^\n]{0,80}|text file busy|device or resource busy|resource temporarily unavailable|EAGAIN|EWOULDBLOCK|EBUSY|please try again(?: later)?",
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (apt-get)",
        "lock the door and get on",
    ),
    passes(
        Reason::Unavailable,
        r"hash sum mismatch|mirror sync in progress\?[^\n]{0,40}|file has unexpected size[^\n]{0,80}",
        "E: Failed to fetch http://d/Packages.gz  Hash Sum mismatch",
        "checksum of the hash table",
    ),
    passes(
        Reason::Interrupted,
        r"interrupted system call|EINTR",
        "accept: Interrupted system call",
        "the call was interrupted",
    ),
    passes(
        Reason::Exhausted,
        r"too many open files(?: in system)?|EMFILE|ENFILE|cannot allocate memory|ENOMEM",
        "accept4: too many open files",
        "open files too often",
    ),
];
