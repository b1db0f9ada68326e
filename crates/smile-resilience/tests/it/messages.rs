//! Messages as programs print them: transient or permanent, in which phase, why.

use smile_resilience::Phase::{self, Starting};
use smile_resilience::Reason::{self, *};

use crate::classifier::Class::{self, P, T};

/// Either phase gives the same verdict.
pub(crate) const ANY: Option<Phase> = None;

/// Where a phase stands, the verdict is that of this phase, and the other phase gives its contrary.
#[rustfmt::skip]
pub(crate) static PRINTED: &[(Class, Option<Phase>, Reason, &str)] = &[
        // Go's net/http, registries and container engines.
        (T, ANY, Disconnected, r#"Error: reading manifest: Get "https://r/v2/": unexpected EOF"#),
        (T, ANY, Disconnected, r#"Head "https://r/v2/library/x/manifests/latest": EOF"#),
        (T, ANY, TimedOut, r#"Get "https://r/v2/": net/http: TLS handshake timeout"#),
        (T, ANY, TimedOut, "dial tcp: lookup r on 127.0.0.53:53: read udp 127.0.0.1:3->127.0.0.53:53: i/o timeout"),
        (T, ANY, TimedOut, r#"Get "https://r/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)"#),
        (T, ANY, TimedOut, r#"Get "https://r/v2/": context deadline exceeded"#),
        (T, ANY, Unavailable, "received unexpected HTTP status: 503 Service Unavailable"),
        (T, ANY, Unavailable, "HTTP 503"),
        (T, ANY, ServerError, "unexpected status code 500 Internal Server Error"),
        (T, ANY, TimedOut, "unexpected status code 408 Request Timeout"),
        (T, ANY, Unavailable, "http2: server sent GOAWAY and closed the connection"),
        (T, ANY, ServerError, "stream error: stream ID 7; INTERNAL_ERROR; received from peer"),
        (T, ANY, Disconnected, "write: broken pipe"),
        (T, ANY, Dns, "dial tcp: lookup r: Temporary failure in name resolution"),
        (T, ANY, Dns, "dial tcp: lookup r on 127.0.0.53:53: server misbehaving"),
        (T, ANY, Disconnected, r#"Get "https://r/v2/": read tcp 10.0.0.2:3->192.0.2.1:443: read: connection reset by peer"#),
        (T, Some(Starting), Refused, r#"Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused"#),
        (T, Some(Starting), Refused, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"),
        (T, ANY, Throttled, "toomanyrequests: retry-after: 1.2s, allowed: 44000/minute"),
        (P, ANY, Quota, "write /storage/layer.tar: Disk quota exceeded (os error 122)"),
        (P, ANY, Denied, "crane manifest failed: GET https://r/v2/tutum/dnsutils/manifests/latest: DENIED: requested access to the resource is denied"),
        (P, ANY, Dns, "dial tcp: lookup regsitry.exmaple.com: no such host"),
        (P, ANY, Quota, "toomanyrequests: You have reached your unauthenticated pull rate limit"),
        (P, ANY, Quota, "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit."),
        (P, ANY, Invalid, "unknown flag --dns"),
        (P, ANY, Cancelled, "operation was interrupted by user"),
        (P, ANY, Certificate, "x509: certificate signed by unknown authority"),
        (P, ANY, Denied, "UNAUTHORIZED: authentication required"),
        (P, ANY, Denied, "unexpected status code 401 Unauthorized"),
        (P, ANY, DiskFull, "No space left on device (os error 28)"),
        (P, ANY, Denied, "unexpected status code 403: error pulling from dns.example.org"),
        (P, ANY, Invalid, "invalid reference format"),
        (P, ANY, NotFound, "manifest for library/timeout:503 not found: manifest unknown: manifest unknown"),
        (P, ANY, NotFound, "Error response from daemon: pull access denied for eof, repository does not exist or may require 'docker login'"),
        // tonic and gRPC.
        (T, ANY, Unavailable, r#"status: Unavailable, message: "tcp connect error""#),
        (T, ANY, Unavailable, "rpc error: code = Unavailable desc = error reading from server: EOF"),
        (T, ANY, TimedOut, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
        (T, ANY, TimedOut, r#"rpc error: code = Unknown desc = Get "https://r/v2/": net/http: TLS handshake timeout"#),
        (P, ANY, Invalid, r#"status: InvalidArgument, message: "connection refused is not a name""#),
        (P, ANY, Denied, "rpc error: code = PermissionDenied desc = try again later"),
        // hyper, reqwest, tokio.
        (T, ANY, TimedOut, "error sending request for url (http://x/): operation timed out"),
        (T, ANY, TimedOut, "deadline has elapsed"),
        (T, ANY, Disconnected, "connection closed before message completed"),
        (T, ANY, Disconnected, "Software caused connection abort (os error 103)"),
        (T, Some(Starting), Refused, "Connection refused (os error 111)"),
        (T, ANY, Busy, "Resource temporarily unavailable (os error 11)"),
        (T, ANY, Exhausted, "accept error: Too many open files (os error 24)"),
        (P, ANY, Denied, "Permission denied (os error 13)"),
        // SQLite and PostgreSQL.
        (T, ANY, Busy, "database is locked"),
        (T, ANY, Busy, "sqlite3.OperationalError: database table is locked: runs"),
        (T, Some(Starting), Unavailable, "FATAL:  the database system is starting up"),
        (P, ANY, Unknown, "sqlite3.OperationalError: no such table: runs"),
        // npm.
        (T, ANY, Disconnected, "npm error code ECONNRESET\nnpm error network aborted"),
        (T, ANY, Dns, "npm error code EAI_AGAIN\nnpm error request to https://registry/x failed"),
        (T, ANY, TimedOut, "npm ERR! code ETIMEDOUT"),
        (T, ANY, Unavailable, "npm error code E503\nnpm error 503 Service Unavailable - GET https://registry/x"),
        (P, ANY, NotFound, "npm error code E404\nnpm error 404 Not Found - GET https://registry/x"),
        (P, ANY, Denied, "npm error code EACCES\nnpm error syscall mkdir"),
        (P, ANY, Unknown, "npm error code ERESOLVE\nnpm error ERESOLVE could not resolve"),
        // pip.
        (T, ANY, TimedOut, "WARNING: Retrying after connection broken by 'ReadTimeoutError(\"HTTPSConnectionPool: Read timed out. (read timeout=15)\")'\nERROR: No matching distribution found for x"),
        (T, ANY, Dns, "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution"),
        (T, ANY, Disconnected, "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"),
        (T, ANY, Unavailable, "ERROR: HTTP error 503 while getting https://pypi/x.whl"),
        (P, ANY, Dns, "Failed to establish a new connection: [Errno -2] Name or service not known"),
        (P, ANY, Unknown, "ERROR: No matching distribution found for timeoutt"),
        (P, ANY, Certificate, "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1000)'))"),
        // apt.
        (T, ANY, Dns, "W: Failed to fetch http://d/dists/stable/InRelease  Temporary failure resolving 'd'\nE: Unable to locate package curl"),
        (T, ANY, Busy, "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (apt-get)"),
        (T, ANY, Unavailable, "E: Failed to fetch http://d/Packages.xz  File has unexpected size (1 != 2). Mirror sync in progress? [IP: 192.0.2.1 80]"),
        (T, ANY, Unavailable, "Err:1 http://d stable InRelease\n  503  Service Unavailable [IP: 192.0.2.1 80]"),
        (P, ANY, NotFound, "E: Failed to fetch http://d/x.deb  404  Not Found [IP: 192.0.2.1 80]"),
        (P, ANY, Unknown, "E: Unable to locate package rate-limit"),
        // git and curl.
        (T, ANY, Dns, "fatal: unable to access 'https://h/r.git/': Could not resolve host: h"),
        (T, ANY, Unavailable, "fatal: unable to access 'https://h/r.git/': The requested URL returned error: 503"),
        (T, ANY, Disconnected, "error: RPC failed; curl 56 GnuTLS recv error (-54): Error in the pull function.\nfatal: early EOF"),
        (T, ANY, Disconnected, "fetch-pack: unexpected disconnect while reading sideband packet"),
        (T, ANY, TimedOut, "curl: (28) Operation timed out after 5000 milliseconds with 0 bytes received"),
        (T, Some(Starting), Refused, "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server"),
        (P, ANY, Denied, "fatal: Authentication failed for 'https://h/r.git/'"),
        (P, ANY, NotFound, "remote: Repository not found.\nfatal: repository 'https://h/r.git/' not found"),
        (P, ANY, Unknown, "fatal: not a git repository (or any of the parent directories): .git"),
        // Nothing known.
        (P, ANY, Unknown, ""),
        (P, ANY, Unknown, "segmentation fault"),
    ];
