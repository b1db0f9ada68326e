//! What a shell says through its private fifo.

use std::{collections::VecDeque, io, os::fd::OwnedFd, path::Path, time::Duration};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use tokio::io::unix::AsyncFd;

use super::{shell::tag, watched};

/// The longest report that is looked at; a shell never writes one as long.
const PENDING_BYTES_MAX: usize = 256 * 1024;

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// The shell has started.
    Ready { word: String, cwd: String },
    /// The command's exit code, `$_` and last pipeline, before anything of ours ran.
    Inside { status: i32, last_word: String, pipe_status: Vec<i32> },
    /// The command's end.
    End { word: String, status: i32, cwd: String, flags: String, pipe_status: Vec<i32> },
    /// The state is saved.
    Saved { slot: usize },
    /// A name that is no command.
    NotFound { name: String },
}

/// A fifo that only the guest and its shells know.
#[derive(Debug)]
pub(crate) struct Fifo {
    fd: AsyncFd<OwnedFd>,
}

impl Fifo {
    /// Makes a fifo and opens both its ends, so that nobody ever waits for the other.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let fd = open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { fd: watched(fd)? })
    }

    /// Writes everything, waiting while the reader is slow.
    pub(crate) async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut ready = self.fd.writable().await?;
            match ready.try_io(|fd| rustix::io::write(fd, rest).map_err(io::Error::from)) {
                Ok(count) => rest = &rest[count?..],
                Err(_would_block) => {}
            }
        }
        Ok(())
    }

    /// Waits until the reader has taken everything. One that never does is found by the limits
    /// of what it was given.
    pub(crate) async fn wait_until_read(&self) -> io::Result<()> {
        const LOOKS_APART: Duration = Duration::from_micros(200);
        const LOOKS_MAX: u32 = 5000;
        for _ in 0..LOOKS_MAX {
            if rustix::io::ioctl_fionread(&self.fd)? == 0 {
                break;
            }
            tokio::time::sleep(LOOKS_APART).await;
        }
        Ok(())
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.fd.readable().await?;
            let read =
                |fd: &AsyncFd<OwnedFd>| rustix::io::read(fd, &mut *buffer).map_err(io::Error::from);
            match ready.try_io(read) {
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }
}

/// Reads reports from a fifo.
#[derive(Debug)]
pub(crate) struct Reports {
    fifo: Fifo,
    pending: Vec<u8>,
    parsed: VecDeque<Report>,
}

impl Reports {
    /// Reads from `fifo`.
    pub(crate) fn new(fifo: Fifo) -> Self {
        Self { fifo, pending: Vec::new(), parsed: VecDeque::new() }
    }

    /// The next report.
    ///
    /// # Cancel safety
    /// Dropping this future loses nothing.
    pub(crate) async fn next(&mut self) -> io::Result<Report> {
        loop {
            if let Some(report) = self.parsed.pop_front() {
                return Ok(report);
            }
            let mut buffer = [0; 4096];
            let count = self.fifo.read(&mut buffer).await?;
            self.pending.extend_from_slice(&buffer[..count]);
            self.parsed.extend(take(&mut self.pending));
            if self.pending.len() > PENDING_BYTES_MAX {
                self.pending.clear();
            }
        }
    }

    /// A report that is there already.
    pub(crate) fn next_now(&mut self) -> Option<Report> {
        if self.parsed.is_empty() {
            let mut buffer = [0; 4096];
            if let Ok(count) = rustix::io::read(&self.fifo.fd, &mut buffer) {
                self.pending.extend_from_slice(&buffer[..count]);
                self.parsed.extend(take(&mut self.pending));
            }
        }
        self.parsed.pop_front()
    }
}

/// Takes all whole reports from the front of `pending`; what makes no sense is skipped.
fn take(pending: &mut Vec<u8>) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut used = 0;
    loop {
        let mut fields = Fields { rest: &pending[used..] };
        let before = fields.rest.len();
        match parse(&mut fields) {
            Parsed::Whole(report) => reports.push(report),
            Parsed::Nonsense => {}
            Parsed::Partial => break,
        }
        used += before - fields.rest.len();
    }
    pending.drain(..used);
    reports
}

enum Parsed {
    Whole(Report),
    Nonsense,
    Partial,
}

struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn text(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|&byte| byte == 0)?;
        let text = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        self.rest = &self.rest[end + 1..];
        Some(text)
    }

    fn numbers(&mut self) -> Option<Vec<i32>> {
        let mut numbers = Vec::new();
        loop {
            match self.text()? {
                stop if stop == tag::STOP => return Some(numbers),
                number => numbers.extend(number.parse::<i32>()),
            }
        }
    }
}

fn parse(fields: &mut Fields<'_>) -> Parsed {
    let whole = (|| {
        Some(match fields.text()?.as_str() {
            tag::READY => {
                let report = Report::Ready { word: fields.text()?, cwd: fields.text()? };
                fields.text()?;
                Parsed::Whole(report)
            }
            tag::INSIDE => Parsed::Whole(Report::Inside {
                status: fields.text()?.parse().unwrap_or(-1),
                last_word: fields.text()?,
                pipe_status: fields.numbers()?,
            }),
            tag::END => Parsed::Whole(Report::End {
                word: fields.text()?,
                status: fields.text()?.parse().unwrap_or(-1),
                cwd: fields.text()?,
                flags: fields.text()?,
                pipe_status: fields.numbers()?,
            }),
            tag::SAVED => {
                fields.text()?;
                let slot = fields.text()?.parse().unwrap_or(0);
                fields.text()?;
                Parsed::Whole(Report::Saved { slot })
            }
            tag::NOT_FOUND => {
                let report = Report::NotFound { name: fields.text()? };
                fields.text()?;
                Parsed::Whole(report)
            }
            _ => Parsed::Nonsense,
        })
    })();
    whole.unwrap_or(Parsed::Partial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_taken_whole() {
        let wire = b"N\0npm\0.\0x\0P\x001\0.\x000\x001\0.\0E\0w\x00127\0/a b\0himB\x00127\0.\0S\0w\x001\0.\0";
        for cut in 0..wire.len() {
            let mut pending = wire[..cut].to_vec();
            let mut reports = take(&mut pending);
            pending.extend_from_slice(&wire[cut..]);
            reports.extend(take(&mut pending));
            assert_eq!(
                reports,
                [
                    Report::NotFound { name: "npm".into() },
                    Report::Inside { status: 1, last_word: ".".into(), pipe_status: vec![0, 1] },
                    Report::End {
                        word: "w".into(),
                        status: 127,
                        cwd: "/a b".into(),
                        flags: "himB".into(),
                        pipe_status: vec![127],
                    },
                    Report::Saved { slot: 1 },
                ],
                "cut at {cut}"
            );
            assert!(pending.is_empty());
        }
    }
}
