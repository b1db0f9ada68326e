//! The guest itself: answers calls over one pipe until the pipe closes or it is told to end.

mod sessions;

use std::{io, os::fd::OwnedFd, path::PathBuf, sync::Arc};

use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use serde::de::DeserializeOwned;
use smile_call::{
    CallError, Code, Incoming, Request, Responder,
    call::Handled,
    frame::FRAME_BYTES_MAX,
    mux::{self, Side, Stream},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use self::sessions::Sessions;
use crate::{
    client::encode,
    exec, files,
    message::{
        CloseSession, Done, Exec, FileContent, FileWritten, GuestError, Hello, OpenSession,
        ReadFile, RunCommand, VERSION, Visit, Welcome, WriteFile, operation,
    },
    process,
    reaper::Reaper,
    visit,
};

/// Streams that wait to be looked at; more at once are refused.
const STREAMS_WAITING_MAX: usize = 64;
const OPERATIONS: [&str; 9] = [
    operation::HELLO,
    operation::SESSION_OPEN,
    operation::SESSION_CLOSE,
    operation::SESSION_RUN,
    operation::FILE_WRITE,
    operation::FILE_READ,
    operation::EXEC,
    operation::HTTP_GET,
    operation::SHUTDOWN,
];

/// How a guest is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder for its own fifos and saved states, made when it is not there; only the guest and
    /// its shells use it.
    pub folder: PathBuf,
}

/// Runs a guest on a socket until its other end closes or asks it to end. Blocks; to be called
/// by a process that has one thread and nothing else to do.
///
/// # Errors
/// When it cannot set itself up.
pub fn run_on_socket(socket: OwnedFd, options: Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = std::os::unix::net::UnixStream::from(socket);
        socket.set_nonblocking(true)?;
        serve(UnixStream::from_std(socket)?, options).await
    })
}

/// Runs a guest on `io`. It takes over the process: every child that ends is reaped here.
///
/// # Errors
/// When it cannot set itself up.
pub async fn serve<T>(io: T, options: Options) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    if getpid() != Pid::INIT {
        set_child_subreaper(Some(getpid()))?;
    }
    std::fs::create_dir_all(&options.folder)?;
    let reaper = Reaper::default();
    let signals = Reaper::listen()?;
    let guest = Guest {
        sessions: Arc::new(Sessions::new(options.folder, reaper.clone())),
        reaper: reaper.clone(),
        end: CancellationToken::new(),
    };
    let (streams, mut inbox) = mpsc::channel(STREAMS_WAITING_MAX);
    let (_opener, pipe) = mux::over(io, Side::Handler, move |stream| {
        // A stream for which there is no room is dropped, which resets it for its caller.
        let _ = streams.try_send(stream);
    });
    let reaping = reaper.run(signals);
    tokio::pin!(pipe, reaping);
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut reaping => break,
            Some(_) = calls.join_next() => {}
            Some(stream) = inbox.recv() => {
                let guest = guest.clone();
                calls.spawn(async move { guest.call(stream).await });
            }
            // A pipe that broke ends the guest as one that was closed does.
            _ = &mut pipe => break,
            () = guest.end.cancelled(), if calls.is_empty() => break,
        }
    }
    calls.shutdown().await;
    guest.sessions.close_all().await;
    kill_descendants();
    Ok(())
}

#[derive(Debug, Clone)]
struct Guest {
    sessions: Arc<Sessions>,
    reaper: Reaper,
    end: CancellationToken,
}

impl Guest {
    async fn call(&self, stream: Stream) {
        // A call whose stream breaks has nobody to be told.
        if let Ok(Some(incoming)) = Incoming::accept(stream, FRAME_BYTES_MAX).await {
            let _ = incoming
                .serve(async |request, responder| self.dispatch(request, responder).await)
                .await;
        }
    }

    async fn dispatch(
        &self,
        request: Request,
        responder: &mut Responder<Stream>,
    ) -> Result<Handled, CallError> {
        let aborted = responder.aborted().clone();
        match request.operation_id.as_str() {
            operation::HELLO => responder.respond(&hello(&input(&request)?)?).await?,
            operation::SESSION_OPEN => {
                let open: OpenSession = input(&request)?;
                responder.respond(&self.sessions.open(open).await?).await?;
            }
            operation::SESSION_CLOSE => {
                let close: CloseSession = input(&request)?;
                self.sessions.close(close.session).await?;
                responder.respond(&Done {}).await?;
            }
            operation::SESSION_RUN => {
                let command: RunCommand = input(&request)?;
                return self.sessions.run(command, responder).await;
            }
            operation::FILE_WRITE => {
                responder.respond(&self.write(&input(&request)?)?).await?;
            }
            operation::FILE_READ => {
                responder.respond(&self.read(&input(&request)?)?).await?;
            }
            operation::EXEC => {
                let exec: Exec = input(&request)?;
                let ended = exec::exec(&exec, &self.reaper, &aborted).await?;
                responder.respond(&ended).await?;
            }
            operation::HTTP_GET => {
                let visit: Visit = input(&request)?;
                let visited = aborted.run_until_cancelled(visit::visit(&visit)).await;
                let Some(visited) = visited else { return Ok(Handled::Aborted) };
                responder.respond(&visited?).await?;
            }
            operation::SHUTDOWN => {
                self.sessions.close_all().await;
                responder.respond(&Done {}).await?;
                self.end.cancel();
            }
            other => {
                return Err(CallError::new(Code::NotFound, format!("no operation `{other}`")));
            }
        }
        Ok(Handled::Answered)
    }

    fn write(&self, write: &WriteFile) -> Result<FileWritten, GuestError> {
        let (cwd, home) = self.sessions.place(write.session)?;
        let path = files::resolve(&write.path, &cwd, &home);
        let bytes = crate::client::decode(&write.data)
            .map_err(|error| GuestError::new("INVALID_INPUT", error.to_string()))?;
        let manner = files::Manner {
            append: write.append,
            make_folders: write.make_folders,
            mode: write.mode,
        };
        files::write(&path, &bytes, manner)?;
        self.sessions.note_change(&path);
        Ok(FileWritten { path: path.to_string_lossy().into_owned() })
    }

    fn read(&self, read: &ReadFile) -> Result<FileContent, GuestError> {
        // More would not fit into one answer.
        const READ_BYTES_MAX: u64 = 10 << 20;
        let (cwd, home) = self.sessions.place(read.session)?;
        let path = files::resolve(&read.path, &cwd, &home);
        let (bytes, bytes_total) = files::read(&path, read.bytes_max.min(READ_BYTES_MAX))?;
        Ok(FileContent { data: encode(&bytes), bytes_total })
    }
}

fn input<T: DeserializeOwned>(request: &Request) -> Result<T, CallError> {
    serde_json::from_str(request.input.get()).map_err(|error| {
        CallError::new(Code::InvalidInput, format!("{}: {error}", request.operation_id))
    })
}

fn hello(hello: &Hello) -> Result<Welcome, GuestError> {
    if hello.version != VERSION {
        let message = format!(
            "the host speaks version {} of the guest's protocol, this guest {VERSION}",
            hello.version
        );
        return Err(GuestError::new("VERSION", message));
    }
    if let Some(missing) = hello.required.iter().find(|name| !OPERATIONS.contains(&name.as_str())) {
        let message = format!("this guest cannot do `{missing}`, which the host needs");
        return Err(GuestError::new("VERSION", message));
    }
    Ok(Welcome {
        version: VERSION,
        capabilities: OPERATIONS.map(str::to_owned).to_vec(),
        architecture: std::env::consts::ARCH.to_owned(),
    })
}

/// Ends whatever is left, so that no program outlives its sandbox. For the first process of a
/// process namespace the kernel does the same a moment later.
fn kill_descendants() {
    let own = getpid().as_raw_nonzero().get();
    for process in process::descendants(&process::all(), own) {
        if let Some(pid) = Pid::from_raw(process.pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
