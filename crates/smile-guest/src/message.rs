//! What host and guest say to each other: inputs and outputs of the guest's operations, carried
//! by the envelope of `smile-call`, one stream a call. Fields are additive; unknown ones are
//! ignored. Bytes travel as base64 strings in JSON.

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};
use smile_call::CallError;
use smile_resilience::{Classify, Phase, Verdict};

/// The version of these messages; both sides must agree on it.
pub const VERSION: u32 = 1;

/// The names of the guest's operations.
pub mod operation {
    /// [`Hello`](super::Hello) to [`Welcome`](super::Welcome).
    pub const HELLO: &str = "hello";
    /// [`OpenSession`](super::OpenSession) to [`SessionOpened`](super::SessionOpened).
    pub const SESSION_OPEN: &str = "session/open";
    /// [`CloseSession`](super::CloseSession) to [`Done`](super::Done).
    pub const SESSION_CLOSE: &str = "session/close";
    /// [`RunCommand`](super::RunCommand) to a subscription of [`RunEvent`](super::RunEvent).
    pub const SESSION_RUN: &str = "session/run";
    /// [`WriteFile`](super::WriteFile) to [`FileWritten`](super::FileWritten).
    pub const FILE_WRITE: &str = "file/write";
    /// [`ReadFile`](super::ReadFile) to [`FileContent`](super::FileContent).
    pub const FILE_READ: &str = "file/read";
    /// [`Exec`](super::Exec) to [`ExecEnded`](super::ExecEnded).
    pub const EXEC: &str = "exec";
    /// [`Visit`](super::Visit) to [`Visited`](super::Visited).
    pub const HTTP_GET: &str = "http/get";
    /// [`Done`](super::Done) to [`Done`](super::Done).
    pub const SHUTDOWN: &str = "shutdown";
}

/// `hello`: the first call on a pipe. A guest of another version refuses it by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The host's [`VERSION`].
    pub version: u32,
    /// What the host cannot do without; a guest that lacks one of them refuses.
    pub required: Vec<String>,
}

/// The answer to [`Hello`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The guest's [`VERSION`].
    pub version: u32,
    /// What this guest can do: the names of its operations.
    pub capabilities: Vec<String>,
    /// The architecture it was built for, as `x86_64`.
    pub architecture: String,
}

/// `session/open`: a shell on a terminal of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenSession {
    /// Terminal width and height in characters.
    pub columns: u16,
    /// See `columns`.
    pub rows: u16,
    /// The directory it starts in.
    pub cwd: String,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// The saved state of another session to begin with.
    pub state_of: Option<u32>,
}

/// The answer to [`OpenSession`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionOpened {
    /// Names the session from now on.
    pub session: u32,
    /// The shell's path.
    pub shell: String,
}

/// `session/close`: ends everything that runs in a session, a program moved aside included.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseSession {
    /// The session.
    pub session: u32,
}

/// `session/run`: one complete shell command, typed into a session. A subscription of
/// [`RunEvent`]; aborting it ends the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunCommand {
    /// The session.
    pub session: u32,
    /// The command; may hold several lines.
    pub text: String,
    /// Ends the command after this long without output, processor use or file change.
    pub silence_s: u64,
    /// Ends the command after this long, whatever it does.
    pub limit_s: u64,
    /// What to type when a program asks, in order.
    pub answers: Vec<String>,
    /// Type Enter (the program's default) when a program asks and no answer is left.
    pub accept_defaults: bool,
    /// Move a program that begins to listen and stays in the foreground aside.
    pub move_servers_aside: bool,
    /// Say which files changed.
    pub track_files: bool,
    /// The text for the editor that the command may open: file and content.
    pub editor_input: Option<(String, String)>,
    /// Keep at most this many bytes of output (the first and the last half).
    pub output_bytes_max: u64,
}

/// What comes back while a command runs; the last one is always [`RunEvent::Ended`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "event")]
#[non_exhaustive]
pub enum RunEvent {
    /// Some output, live. Past the limit, pieces are left out here as in the end.
    #[serde(rename_all = "camelCase")]
    Output {
        /// Milliseconds since the command began.
        at_ms: u64,
        /// The bytes, base64.
        data: String,
    },
    /// A program waits for input.
    #[serde(rename_all = "camelCase")]
    Asked {
        /// The end of what was printed.
        question: String,
        /// What was typed; none where there was nothing to type.
        answer: Option<String>,
    },
    /// A program began to listen.
    #[serde(rename_all = "camelCase")]
    Listening {
        /// The TCP port.
        port: u16,
        /// The program's name.
        program: String,
    },
    /// The end.
    Ended(Box<RunEnded>),
}

/// The end of a command, with the evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnded {
    /// How it ended.
    pub how: RunEnd,
    /// The output kept, base64: all of it, or its first and last part.
    pub output: String,
    /// How many bytes of `output` stand before the omission; none if nothing was left out.
    pub cut_at: Option<u64>,
    /// All bytes that came.
    pub output_bytes_total: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// The directory before and after.
    pub cwd_before: String,
    /// See `cwd_before`.
    pub cwd_after: String,
    /// The exit codes of the last pipeline's parts.
    pub pipe_status: Vec<i32>,
    /// Names that the shell could not find as commands.
    pub commands_not_found: Vec<String>,
    /// Ports that the session's programs listen on and that were not there before.
    pub listening: Vec<u16>,
    /// Changed files, where asked.
    pub files: Vec<ChangedFile>,
    /// More files changed than are listed.
    pub files_cut: bool,
    /// The session to go on with: another one than before when the old one is occupied by a
    /// program moved aside, or its shell has ended.
    pub session: u32,
    /// The sandbox's own limit that was met: `memory`, `processes`, `disk`, `output`.
    pub limited: Option<String>,
    /// What background jobs printed between the last command and this one, base64, at most the
    /// last 64 KiB; not part of `output`.
    #[serde(default)]
    pub earlier_output: String,
    /// What the reader of the evidence should know ("a full-screen program was ended").
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
#[non_exhaustive]
pub enum RunEnd {
    /// The shell read its exit code.
    Exited {
        /// 0 to 255; 128 + N for signal N.
        code: i32,
    },
    /// It serves and stays in the foreground of its own terminal.
    MovedAside,
    /// It waited for input that nobody gave, and was ended.
    Waiting,
    /// The silence limit was over, and it was ended.
    Silent,
    /// The whole limit was over, and it was ended.
    OverTime,
    /// The shell itself ended; `session` is a new one with its last saved state.
    ShellEnded {
        /// The shell's exit code.
        code: i32,
    },
    /// The caller aborted.
    Aborted,
}

/// A file that changed under the home folder, the work folder or the current directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFile {
    /// Absolute path; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// What happened.
    pub change: Change,
    /// Size after, in bytes.
    pub bytes: u64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It is new.
    Made,
    /// It is another.
    Changed,
    /// It is gone.
    Removed,
}

/// `file/write`: the content follows in the request; written to a temporary file, synced, renamed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteFile {
    /// Absolute path, or relative to `session`'s directory; `~` is the home folder.
    pub path: String,
    /// The session whose directory counts.
    pub session: u32,
    /// The bytes, base64.
    pub data: String,
    /// Add to the end instead of replacing.
    pub append: bool,
    /// Make the folders above.
    pub make_folders: bool,
    /// The mode of a new file.
    pub mode: u32,
}

/// `file/read`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadFile {
    /// As in [`WriteFile`].
    pub path: String,
    /// As in [`WriteFile`].
    pub session: u32,
    /// More than this is not read; the answer says so.
    pub bytes_max: u64,
}

/// The answer to [`ReadFile`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileContent {
    /// The bytes, base64.
    pub data: String,
    /// The size of the whole file.
    pub bytes_total: u64,
}

/// The answer to [`WriteFile`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileWritten {
    /// The absolute path.
    pub path: String,
}

/// `exec`: a program without a terminal, its output captured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exec {
    /// The program, found through `PATH` of `env`, and its arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// The directory it starts in.
    pub cwd: String,
    /// What it reads on its standard input, base64.
    pub stdin: String,
    /// At most this many bytes are kept of each output; what is over is read and dropped.
    pub output_bytes_max: u64,
    /// It is killed after this long.
    pub timeout_ms: Option<u64>,
}

/// The answer to [`Exec`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecEnded {
    /// The exit code; 128 + N for signal N.
    pub code: i32,
    /// Whether the time was over.
    pub timed_out: bool,
    /// The standard output, base64.
    pub stdout: String,
    /// The standard error, base64.
    pub stderr: String,
    /// Some output was dropped.
    pub cut: bool,
}

/// An answer that says nothing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Done {}

/// `http/get`: opens an address from inside, as a reader's browser would.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// `http://` addresses on the sandbox's own loopback; others are answered by the host.
    pub url: String,
    /// How long to wait for an answer, retrying while nothing listens yet.
    pub timeout_ms: u64,
}

/// The answer to [`Visit`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visited {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body, at most 64 KiB, invalid UTF-8 replaced.
    pub body: String,
}

/// An error of a guest operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GuestError {
    /// Stable: `NOT_FOUND`, `NO_SESSION`, `NO_SHELL`, `BUSY`, `TOO_LARGE`, `DENIED`, `TIMEOUT`,
    /// `INVALID_INPUT`, `VERSION`, `INTERNAL`.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
    /// How long to wait at least before.
    pub retry_after: Option<Duration>,
}

impl GuestError {
    /// An error for which trying again does not help.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false, retry_after: None }
    }

    /// A failed system call on `what`, with the code that fits.
    pub fn io(what: &str, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "NOT_FOUND",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "DENIED",
            io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge => "TOO_LARGE",
            io::ErrorKind::TimedOut => "TIMEOUT",
            _ => "INTERNAL",
        };
        Self::new(code, format!("{what}: {error}"))
    }
}

impl Classify for GuestError {
    fn classify(&self, _phase: Phase) -> Verdict {
        Verdict::told(self.retryable, self.retry_after)
    }
}

impl From<CallError> for GuestError {
    fn from(error: CallError) -> Self {
        Self {
            code: error.code.into(),
            message: error.message,
            retryable: error.retryable,
            retry_after: error.retry_after_ms.map(Duration::from_millis),
        }
    }
}

impl From<GuestError> for CallError {
    fn from(error: GuestError) -> Self {
        let mut call = Self::new(error.code.into(), error.message);
        call.retryable = error.retryable;
        call.retry_after_ms =
            error.retry_after.map(|floor| u64::try_from(floor.as_millis()).unwrap_or(u64::MAX));
        call
    }
}
