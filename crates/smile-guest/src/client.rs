//! The host's side: [`connect`] to a guest over a pipe, then call it through a [`Guest`].

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Serialize, de::DeserializeOwned};
use smile_call::{
    Call, CallEnd, Caller, Request,
    frame::FRAME_BYTES_MAX,
    mux::{self, Opener, PipeError, Side},
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::message::{
    CloseSession, Done, Exec, ExecEnded, FileContent, FileWritten, GuestError, Hello, OpenSession,
    ReadFile, RunCommand, RunEvent, SessionOpened, VERSION, Visit, Visited, Welcome, WriteFile,
    operation,
};

/// Why a call to the guest did not give its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The pipe is closed: the guest, or its sandbox, is gone.
    #[error("the guest is gone")]
    Gone,
    /// The call was lost under way; what became of it is not known.
    #[error("lost the guest during `{operation}`")]
    Lost {
        /// The operation.
        operation: &'static str,
        /// How it was lost.
        source: CallEnd,
    },
    /// The guest refused or failed; branch on [`GuestError::code`].
    #[error("{0}")]
    Refused(GuestError),
    /// The guest is another version of SMILE.
    #[error("the guest speaks version {guest} of the guest's protocol, this program {host}")]
    Version {
        /// Its version.
        guest: u32,
        /// Ours.
        host: u32,
    },
    /// The call was ended because it was aborted.
    #[error("`{operation}` was aborted")]
    Aborted {
        /// The operation.
        operation: &'static str,
    },
    /// Bytes that should be base64 are not.
    #[error("the guest sent bytes that are not base64")]
    Encoding(#[source] base64::DecodeError),
}

impl ClientError {
    /// The stable code, where the guest gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => Some(&error.code),
            _ => None,
        }
    }
}

/// Talks to one guest; cheap to clone. When the last clone is gone the pipe is closed.
#[derive(Debug, Clone)]
pub struct Guest {
    opener: Opener,
}

/// Connects to the guest at the other end of `io`. The future must be polled (spawned) for
/// anything to move; it ends when every [`Guest`] is gone or the pipe breaks.
pub fn connect<T>(io: T) -> (Guest, impl Future<Output = Result<(), PipeError>>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (opener, driver) = mux::over(io, Side::Caller, drop);
    (Guest { opener }, driver)
}

impl Guest {
    /// Agrees on version and capabilities; the first call.
    ///
    /// # Errors
    /// [`ClientError::Version`], and [`ClientError::Refused`] naming a capability that is missing.
    pub async fn hello(&self, required: &[&str]) -> Result<Welcome, ClientError> {
        let required = required.iter().map(|&name| name.to_owned()).collect();
        let welcome: Welcome =
            self.once(operation::HELLO, &Hello { version: VERSION, required }).await?;
        if welcome.version == VERSION {
            Ok(welcome)
        } else {
            Err(ClientError::Version { guest: welcome.version, host: VERSION })
        }
    }

    /// Opens a shell on a terminal of its own.
    ///
    /// # Errors
    /// Code `NO_SHELL` where the sandbox has none, `NO_SESSION` for an unknown `state_of`.
    pub async fn open_session(&self, open: &OpenSession) -> Result<SessionOpened, ClientError> {
        self.once(operation::SESSION_OPEN, open).await
    }

    /// Ends everything that runs in a session.
    ///
    /// # Errors
    /// Code `NO_SESSION`.
    pub async fn close_session(&self, session: u32) -> Result<(), ClientError> {
        let Done {} = self.once(operation::SESSION_CLOSE, &CloseSession { session }).await?;
        Ok(())
    }

    /// Types a command into a session.
    ///
    /// # Errors
    /// [`ClientError::Gone`]; everything else comes with [`RunStream::next`].
    pub async fn run(&self, command: &RunCommand) -> Result<RunStream, ClientError> {
        let operation = operation::SESSION_RUN;
        let lost = |source| ClientError::Lost { operation, source };
        let request =
            Request::new(operation, command).map_err(|error| lost(CallEnd::Form(error)))?;
        let stream = self.opener.open().await.map_err(|_| ClientError::Gone)?;
        let call = Caller::start(stream, request, FRAME_BYTES_MAX).await.map_err(lost)?;
        Ok(RunStream { call })
    }

    /// Writes a file.
    ///
    /// # Errors
    /// Code `NO_SESSION`, `NOT_FOUND` (a folder above is missing), `DENIED`, `TOO_LARGE`.
    pub async fn write_file(&self, write: &WriteFile) -> Result<FileWritten, ClientError> {
        self.once(operation::FILE_WRITE, write).await
    }

    /// Reads a file: its bytes, at most `bytes_max`, and the size of the whole.
    ///
    /// # Errors
    /// Code `NO_SESSION`, `NOT_FOUND`, `DENIED`.
    pub async fn read_file(&self, read: &ReadFile) -> Result<(Vec<u8>, u64), ClientError> {
        let content: FileContent = self.once(operation::FILE_READ, read).await?;
        Ok((decode(&content.data)?, content.bytes_total))
    }

    /// Opens an address from inside.
    ///
    /// # Errors
    /// Code `TIMEOUT` when nothing answered, `INVALID_INPUT` for an address that is not loopback.
    pub async fn visit(&self, visit: &Visit) -> Result<Visited, ClientError> {
        self.once(operation::HTTP_GET, visit).await
    }

    /// Runs a program without a terminal to its end, output captured.
    ///
    /// # Errors
    /// Code `NOT_FOUND`, `DENIED` where the program cannot be started.
    pub async fn exec(&self, exec: &Exec) -> Result<ExecEnded, ClientError> {
        self.once(operation::EXEC, exec).await
    }

    /// Ends every program in the sandbox and then the guest itself.
    ///
    /// # Errors
    /// [`ClientError::Gone`] when it is gone already.
    pub async fn shutdown(&self) -> Result<(), ClientError> {
        let Done {} = self.once(operation::SHUTDOWN, &Done {}).await?;
        Ok(())
    }

    async fn once<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        input: &impl Serialize,
    ) -> Result<T, ClientError> {
        let stream = self.opener.open().await.map_err(|_| ClientError::Gone)?;
        Caller::once(stream, operation, input, FRAME_BYTES_MAX)
            .await
            .map_err(|end| failed(operation, end))
    }
}

/// A command under way. Dropping it aborts the command.
#[derive(Debug)]
pub struct RunStream {
    call: Call<mux::Stream>,
}

impl RunStream {
    /// The next event; `None` after [`RunEvent::Ended`].
    ///
    /// # Cancel safety
    /// Dropping this future loses nothing.
    ///
    /// # Errors
    /// Code `NO_SESSION`, `BUSY` (one command at a time), `INVALID_INPUT` (a NUL in the text);
    /// [`ClientError::Lost`].
    pub async fn next(&mut self) -> Result<Option<RunEvent>, ClientError> {
        let operation = operation::SESSION_RUN;
        match self.call.next().await {
            Ok(output) => serde_json::from_str(output.get())
                .map(Some)
                .map_err(|error| ClientError::Lost { operation, source: CallEnd::Form(error) }),
            Err(CallEnd::Completed | CallEnd::Aborted) => Ok(None),
            Err(end) => Err(failed(operation, end)),
        }
    }

    /// Asks to end the command; [`RunEvent::Ended`] with [`crate::message::RunEnd::Aborted`]
    /// follows within a second.
    ///
    /// # Errors
    /// [`ClientError::Lost`].
    pub async fn abort(&mut self) -> Result<(), ClientError> {
        self.call.abort().await.map_err(|end| failed(operation::SESSION_RUN, end))
    }
}

/// Decodes the bytes of a message.
///
/// # Errors
/// [`ClientError::Encoding`].
pub fn decode(data: &str) -> Result<Vec<u8>, ClientError> {
    BASE64.decode(data).map_err(ClientError::Encoding)
}

/// Encodes bytes for a message.
pub fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn failed(operation: &'static str, end: CallEnd) -> ClientError {
    match end {
        CallEnd::Failed(error) => ClientError::Refused(error.into()),
        CallEnd::Aborted => ClientError::Aborted { operation },
        source => ClientError::Lost { operation, source },
    }
}
