//! A session: a shell kept open on a terminal of its own.

pub(crate) mod report;
pub(crate) mod shell;
pub(crate) mod terminal;

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use pty_process::blocking::Command;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{io::unix::AsyncFd, time::timeout};

use self::{
    report::{Fifo, Report, Reports},
    shell::{Before, Given, Kind, Paths, Shell},
    terminal::Terminal,
};
use crate::{
    message::{GuestError, OpenSession},
    process,
    reaper::{Exit, Reaper},
};

/// A shell that is not ready by then never will be.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// A shell saves its state right behind a command.
const SAVED_WITHIN: Duration = Duration::from_secs(5);
/// Output of background jobs between two commands, kept for the next one's evidence.
const EARLIER_BYTES_MAX: usize = 64 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// How a new shell begins.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) cwd: String,
    pub(crate) env: Vec<(String, String)>,
    /// The file of a saved state.
    pub(crate) restore: Option<PathBuf>,
    /// What was typed before.
    pub(crate) history: Vec<String>,
}

impl Start {
    /// Where the shell starts: `cwd` if that is there.
    fn directory(&self) -> &str {
        if Path::new(&self.cwd).is_dir() { &self.cwd } else { "/" }
    }
}

impl From<OpenSession> for Start {
    fn from(open: OpenSession) -> Self {
        let OpenSession { columns, rows, cwd, env, state_of: _ } = open;
        Self { columns, rows, cwd, env, restore: None, history: Vec::new() }
    }
}

/// A shell on a terminal, idle or with a command under way. Dropping it ends everything on the
/// terminal.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: u32,
    pub(crate) shell: Shell,
    pub(crate) pid: Pid,
    pub(crate) terminal: Terminal,
    pub(crate) reports: Reports,
    pub(crate) exit: Exit,
    pub(crate) cwd: String,
    pub(crate) before: Before,
    pub(crate) earlier: Vec<u8>,
    /// A program lives on in the foreground: no command can be given.
    pub(crate) occupied: bool,
    /// Commands so far; the parity of the count is the slot of the state being saved.
    commands: usize,
    saved: Option<usize>,
    start: Start,
    /// How much of `start.history` the shell knows.
    remembered: usize,
    script: Fifo,
    paths: Paths,
    folder: PathBuf,
}

impl Session {
    /// Starts a shell and waits until it reads commands.
    pub(crate) async fn open(
        id: u32,
        start: Start,
        folders: &Path,
        reaper: &Reaper,
    ) -> Result<Self, GuestError> {
        let own = start.env.iter().find(|(name, _)| name == "SHELL").map(|(_, path)| path.as_str());
        let shell = Shell::find(own).ok_or_else(|| {
            GuestError::new("NO_SHELL", "neither `bash` nor `sh` is in this sandbox")
        })?;
        let mut session = Self::spawn(id, shell, start, folders, reaper)
            .map_err(|error| GuestError::io("could not start a shell", &error))?;
        let prologue = shell::prologue(
            session.shell.kind,
            &session.paths,
            &word(),
            session.start.directory(),
            session.start.restore.as_deref().and_then(Path::to_str),
        );
        let ready = async {
            session.script.write_all(prologue.as_bytes()).await?;
            loop {
                tokio::select! {
                    report = session.reports.next() => {
                        if let Report::Ready { cwd, .. } = session.note(report?) {
                            session.cwd = cwd;
                            return Ok(());
                        }
                    }
                    code = crate::reaper::ended(&mut session.exit) => {
                        return Err(io::Error::other(format!("it ended with exit code {code}")));
                    }
                    () = discard(&session.terminal) => {}
                }
            }
        };
        match timeout(READY_WITHIN, ready).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(GuestError::io("the shell did not start", &error)),
            Err(_) => return Err(GuestError::new("TIMEOUT", "the shell did not start in time")),
        }
        // What the start file printed belongs to no command.
        session.drain_now();
        session.earlier.clear();
        session.terminal.normalise();
        Ok(session)
    }

    fn spawn(
        id: u32,
        shell: Shell,
        start: Start,
        folders: &Path,
        reaper: &Reaper,
    ) -> io::Result<Self> {
        let folder = folders.join(id.to_string());
        std::fs::create_dir(&folder)?;
        let inside = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let script_path = inside(shell::SCRIPT);
        let script = Fifo::make(Path::new(&script_path))?;
        let reports = Reports::new(Fifo::make(&folder.join("reports"))?);
        let (terminal, pid) = Terminal::start(start.columns, start.rows, |_| {
            let (stdin, cwd) = match shell.kind {
                Kind::Bash => (std::fs::File::open(&script_path)?.into(), start.directory()),
                Kind::Posix => (Stdio::null(), folder.to_str().unwrap_or("/")),
            };
            Ok(Command::new(&shell.path)
                .args(shell.arguments())
                .env_clear()
                .envs(environment(&start))
                .current_dir(cwd)
                .stdin(stdin)
                .stdout(Stdio::null())
                .stderr(Stdio::null()))
        })?;
        let exit = reaper.watch(pid);
        let paths = Paths {
            terminal: terminal.path().to_string_lossy().into_owned(),
            reports: inside("reports"),
            states: [inside("state-0"), inside("state-1")],
        };
        Ok(Self {
            id,
            shell,
            pid: Pid::from_raw(pid.cast_signed())
                .ok_or_else(|| io::Error::other("a child without a process id"))?,
            terminal,
            reports,
            exit,
            cwd: start.cwd.clone(),
            before: Before::default(),
            earlier: Vec::new(),
            occupied: false,
            commands: 0,
            saved: None,
            start,
            remembered: 0,
            script,
            paths,
            folder,
        })
    }

    /// Gives the shell one command; its end comes as a report with the returned word.
    pub(crate) async fn give(&mut self, text: &str) -> io::Result<String> {
        const INLINE_BYTES_MAX: usize = 32 * 1024;
        self.terminal.normalise();
        self.commands += 1;
        let word = word();
        let mut lines = String::new();
        let asks_history =
            text.contains("history") || text.contains("fc ") || shell::repeats_history(text);
        if self.shell.kind == Kind::Bash && asks_history {
            lines.push_str(&shell::remember(&self.start.history[self.remembered..]));
            self.remembered = self.start.history.len();
        }
        let file = self.folder.join("text").to_string_lossy().into_owned();
        let is_long = text.len() > INLINE_BYTES_MAX;
        if is_long {
            std::fs::write(&file, text)?;
        }
        let given = Given {
            word: &word,
            before: &self.before,
            text,
            file: is_long.then_some(file.as_str()),
            slot: self.commands,
        };
        let (carry_out, report) = shell::command(self.shell.kind, &self.paths, &given);
        lines.push_str(&carry_out);
        self.start.history.push(text.to_owned());
        match self.shell.kind {
            Kind::Bash => lines.push_str(&report),
            Kind::Posix => {
                self.script.write_all(lines.as_bytes()).await?;
                self.script.wait_until_read().await?;
                lines = report;
            }
        }
        self.script.write_all(lines.as_bytes()).await?;
        Ok(word)
    }

    /// Takes from a report what concerns the session, and hands it on.
    pub(crate) fn note(&mut self, report: Report) -> Report {
        match &report {
            Report::Saved { slot } => self.saved = Some(*slot),
            Report::End { status, cwd, flags, pipe_status, .. } => {
                self.cwd.clone_from(cwd);
                self.before.status = *status;
                self.before.pipe_status.clone_from(pipe_status);
                self.before.errexit = flags.contains('e');
                self.before.traced = flags.contains(['x', 'v']);
            }
            Report::Inside { last_word, .. } => self.before.last_word.clone_from(last_word),
            Report::Ready { .. } | Report::NotFound { .. } => {}
        }
        report
    }

    /// Waits until the state after the last command is saved. Not for a session whose last
    /// command is still under way: its state is the one before.
    pub(crate) async fn wait_until_saved(&mut self) {
        let saved = async {
            while self.saved != Some(self.commands) {
                match self.reports.next().await {
                    Ok(report) => self.note(report),
                    Err(_) => return, // The older state has to do.
                };
            }
        };
        let _ = timeout(SAVED_WITHIN, saved).await;
    }

    /// How a new shell goes on from the last saved state of this one.
    pub(crate) fn successor(&mut self) -> Start {
        while let Some(report) = self.reports.next_now() {
            self.note(report);
        }
        let mut start = self.start.clone();
        start.cwd.clone_from(&self.cwd);
        start.restore = self.saved.map(|slot| PathBuf::from(&self.paths.states[slot % 2]));
        start
    }

    /// Whether programs other than the shell live on this terminal.
    pub(crate) fn has_jobs(&self) -> bool {
        let shell = self.pid.as_raw_nonzero().get();
        process::all().iter().any(|p| p.session == shell && p.pid != shell && p.state != 'Z')
    }

    /// Reads what programs print while no command is under way. Never ends.
    ///
    /// # Cancel safety
    /// Dropping this future loses nothing.
    pub(crate) async fn drain(&mut self) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match self.terminal.read(&mut buffer).await {
                Ok(count) if count > 0 => self.keep_earlier(&buffer[..count]),
                _ => return std::future::pending().await,
            }
        }
    }

    fn drain_now(&mut self) {
        let mut buffer = vec![0; READ_BYTES];
        while let Some(count) = self.terminal.read_now(&mut buffer) {
            self.keep_earlier(&buffer[..count]);
        }
    }

    /// Keeps output that belongs to no command.
    pub(crate) fn keep_earlier(&mut self, bytes: &[u8]) {
        self.earlier.extend_from_slice(bytes);
        let over = self.earlier.len().saturating_sub(EARLIER_BYTES_MAX);
        self.earlier.drain(..over);
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> String {
        let home = self.start.env.iter().find(|(name, _)| name == "HOME");
        home.map_or_else(|| "/".to_owned(), |(_, value)| value.clone())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for member in process::all() {
            if member.session == self.pid.as_raw_nonzero().get()
                && let Some(pid) = Pid::from_raw(member.pid)
            {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
        // The fifos go; a saved state may still be read by a successor that is just starting.
        for name in [shell::SCRIPT, "reports", "text"] {
            let _ = std::fs::remove_file(self.folder.join(name));
        }
    }
}

/// The environment of a shell on a terminal: programs know what terminal it is, and none of them
/// shows its output page by page.
fn environment(start: &Start) -> Vec<(String, String)> {
    const DEFAULTS: [(&str, &str); 11] = [
        ("TERM", "xterm-256color"),
        ("PAGER", "cat"),
        ("GIT_PAGER", "cat"),
        ("MANPAGER", "cat"),
        ("SYSTEMD_PAGER", "cat"),
        ("BAT_PAGER", "cat"),
        ("DELTA_PAGER", "cat"),
        ("AWS_PAGER", ""),
        ("GH_PAGER", "cat"),
        ("PSQL_PAGER", "cat"),
        ("LESS", "-FRX"),
    ];
    if start.restore.is_some() {
        return Vec::new(); // Everything is in the saved state, and nothing else must be there.
    }
    let mut env = start.env.clone();
    for (name, value) in DEFAULTS {
        if !env.iter().any(|(there, _)| there == name) {
            env.push((name.to_owned(), value.to_owned()));
        }
    }
    env
}

/// A fresh random word that nobody can guess.
pub(crate) fn word() -> String {
    let mut bytes = [0_u8; 16];
    // On Linux this fails only before the kernel has gathered its first randomness.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

async fn discard(terminal: &Terminal) {
    let mut buffer = vec![0; 4096];
    if terminal.read(&mut buffer).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe, and an owned descriptor is all that it asks"
)]
fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
