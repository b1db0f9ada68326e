//! A pseudo-terminal: the master's side, kept by the guest.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use pty_process::{
    Size,
    blocking::{Command, Pts, open},
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::{Pid, Signal, kill_process_group},
    termios::{LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};
use tokio::io::unix::AsyncFd;

use super::watched;

/// A terminal of its own for one session.
#[derive(Debug)]
pub(crate) struct Terminal {
    master: AsyncFd<OwnedFd>,
    /// The program's side, kept open so that the terminal outlives its programs, and to write
    /// marks that come behind everything that was printed.
    slave: OwnedFd,
    path: PathBuf,
    normal: Termios,
}

impl Terminal {
    /// Opens a terminal and starts `command` as the leader of its session. Standard input,
    /// output and error of `command` must be set by the caller.
    pub(crate) fn start(
        columns: u16,
        rows: u16,
        command: impl FnOnce(&str) -> io::Result<Command>,
    ) -> io::Result<(Self, u32)> {
        let (pty, pts) = open().map_err(plain)?;
        pty.resize(Size::new(rows, columns)).map_err(plain)?;
        let path = name(&pty)?;
        let normal = normal_modes(&pts)?;
        let slave = rustix::fs::open(
            &path,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let child = command(&path.to_string_lossy())?.spawn(pts).map_err(plain)?;
        let master = OwnedFd::from(pty);
        rustix::io::ioctl_fionbio(&master, true)?;
        let terminal = Self { master: watched(master)?, slave, path, normal };
        Ok((terminal, child.id()))
    }

    /// The device's path.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Reads what programs have printed.
    ///
    /// # Cancel safety
    /// Dropping this future loses nothing.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.master.readable().await?;
            let read = |master: &AsyncFd<OwnedFd>| {
                rustix::io::read(master, &mut *buffer).map_err(io::Error::from)
            };
            match ready.try_io(read) {
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// Reads what is there at once; `None` where nothing is.
    pub(crate) fn read_now(&self, buffer: &mut [u8]) -> Option<usize> {
        rustix::io::read(&self.master, buffer).ok().filter(|&count| count > 0)
    }

    /// Types; what does not fit into the terminal's buffer is dropped, as a terminal does.
    pub(crate) fn type_in(&self, keys: &[u8]) {
        let mut rest = keys;
        while !rest.is_empty() {
            match rustix::io::write(&self.master, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Writes as a program would, behind everything printed so far; says how much was taken.
    pub(crate) fn print(&self, bytes: &[u8]) -> usize {
        rustix::io::write(&self.slave, bytes).unwrap_or(0)
    }

    /// Sets the modes back that programs may have left behind, and forgets keys nobody read.
    pub(crate) fn normalise(&self) {
        // Failure means that the terminal is gone, which shows elsewhere.
        let _ = tcsetattr(&self.slave, OptionalActions::Now, &self.normal);
        let _ = rustix::termios::tcflush(&self.slave, rustix::termios::QueueSelector::IFlush);
    }

    /// Whether a program has taken over single keys (full-screen programs, prompts with a choice).
    pub(crate) fn is_raw(&self) -> bool {
        tcgetattr(&self.slave).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
    }

    /// The process group in the foreground.
    pub(crate) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.master).ok()
    }

    /// Signals the process group in the foreground.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(group) = self.foreground() {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// As a user's terminal, but programs' output comes as they print it: no `\r` before `\n`.
/// What is typed is printed, as people see it; nothing is typed but answers.
fn normal_modes(pts: &Pts) -> io::Result<Termios> {
    let mut modes = tcgetattr(pts.as_fd())?;
    modes.output_modes.remove(OutputModes::ONLCR);
    tcsetattr(pts.as_fd(), OptionalActions::Now, &modes)?;
    Ok(modes)
}

fn name(pty: &impl AsFd) -> io::Result<PathBuf> {
    let name = rustix::pty::ptsname(pty, Vec::new())?;
    Ok(PathBuf::from(name.to_string_lossy().into_owned()))
}

fn plain(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        error @ pty_process::Error::Rustix(_) => io::Error::other(error),
    }
}
