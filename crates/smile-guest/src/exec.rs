//! A program without a terminal, run to its end with its output captured.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures::future::maybe_done;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::unix::pipe,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    message::{Exec, ExecEnded, GuestError},
    reaper::{self, Reaper},
};

/// How long outputs that a left-behind child still holds open are read after the program's end.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);

/// Runs a program; ends its whole group when its time is over or the caller has gone.
///
/// # Errors
/// Code `NOT_FOUND` or `DENIED` when it cannot be started, `INVALID_INPUT`.
pub(crate) async fn exec(
    exec: &Exec,
    reaper: &Reaper,
    aborted: &CancellationToken,
) -> Result<ExecEnded, GuestError> {
    let (program, arguments) = exec
        .argv
        .split_first()
        .ok_or_else(|| GuestError::new("INVALID_INPUT", "no program is named"))?;
    let input = BASE64
        .decode(&exec.stdin)
        .map_err(|error| GuestError::new("INVALID_INPUT", format!("stdin: {error}")))?;
    let failed = |error: io::Error| GuestError::io(program, &error);
    let path = find(program, exec)
        .ok_or_else(|| GuestError::new("NOT_FOUND", format!("{program}: command not found")))?;
    let (out_reader, out_writer) = pipes().map_err(failed)?;
    let (err_reader, err_writer) = pipes().map_err(failed)?;
    let child = Command::new(path)
        .arg0(program)
        .args(arguments)
        .env_clear()
        .envs(exec.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&exec.cwd)
        .stdin(stdin(&input).map_err(failed)?)
        .stdout(out_writer)
        .stderr(err_writer)
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let mut exit = reaper.watch(child.id());
    let mut group = Group(Pid::from_raw(child.id().cast_signed()));
    let mut outputs = Outputs::new(exec.output_bytes_max);
    let mut reading = Box::pin(maybe_done(outputs.read(out_reader, err_reader)));
    let limit = exec.timeout_ms.map_or(Duration::from_hours(24), Duration::from_millis);
    let (code, timed_out) = tokio::select! {
        biased;
        () = aborted.cancelled() => (None, false),
        code = wait_while(reaper::ended(&mut exit), &mut reading) => (Some(code), false),
        () = tokio::time::sleep(limit) => (None, true),
    };
    let code = if let Some(code) = code {
        group.0 = None; // What it left behind on purpose goes on.
        code
    } else {
        drop(group);
        reaper::ended(&mut exit).await
    };
    // A daemon that it left behind may hold the outputs open for ever.
    let _ = timeout(OUTPUT_GRACE, &mut reading).await;
    drop(reading);
    Ok(ExecEnded {
        code,
        timed_out,
        stdout: BASE64.encode(&outputs.kept[0]),
        stderr: BASE64.encode(&outputs.kept[1]),
        cut: outputs.cut,
    })
}

/// Ends its group when dropped, also when the call itself is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

struct Outputs {
    kept: [Vec<u8>; 2],
    bytes_max: usize,
    cut: bool,
}

impl Outputs {
    fn new(bytes_max: u64) -> Self {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self { kept: [Vec::new(), Vec::new()], bytes_max, cut: false }
    }

    async fn read(&mut self, out: pipe::Receiver, err: pipe::Receiver) {
        let bytes_max = self.bytes_max;
        let [kept_out, kept_err] = &mut self.kept;
        let (cut_out, cut_err) =
            tokio::join!(read_all(out, kept_out, bytes_max), read_all(err, kept_err, bytes_max));
        self.cut = cut_out || cut_err;
    }
}

async fn read_all(mut from: impl AsyncRead + Unpin, kept: &mut Vec<u8>, bytes_max: usize) -> bool {
    let mut buffer = vec![0; 64 * 1024];
    let mut cut = false;
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let room = (bytes_max - kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
        cut |= room < count;
    }
    cut
}

/// Waits for `end` while `work` goes on; the work alone does not end the wait.
async fn wait_while<T>(
    end: impl Future<Output = T>,
    work: &mut (impl Future<Output = ()> + Unpin),
) -> T {
    tokio::pin!(end);
    tokio::select! {
        value = &mut end => value,
        () = work => end.await,
    }
}

fn pipes() -> io::Result<(pipe::Receiver, Stdio)> {
    let (sender, receiver) = pipe::pipe()?;
    Ok((receiver, sender.into_blocking_fd()?.into()))
}

/// An unlinked temporary file: input of any length, without a task that feeds it.
fn stdin(input: &[u8]) -> io::Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let fd = rustix::fs::memfd_create("stdin", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(input)?;
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}

/// Finds a program through the `PATH` that it gets itself.
fn find(program: &str, exec: &Exec) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(Path::new(&exec.cwd).join(program));
    }
    let path = exec.env.iter().find(|(name, _)| name == "PATH").map_or("/usr/bin:/bin", |p| &p.1);
    path.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}
