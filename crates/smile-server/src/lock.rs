//! One run of a tutorial at a time: a lock that names its owner and never outlives it.
//!
//! The kernel's lock on the open file is what excludes; it goes when its owner goes, however it
//! goes. The owner's identity in the file is what people read, and how the next run learns that
//! the one before ended without a word.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// Who holds a lock. A process id alone is not enough: it is given out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The process id.
    pub pid: u32,
    /// Clock ticks after boot at which the process began.
    pub start_ticks: u64,
    /// The kernel's boot.
    pub boot_id: String,
    /// The run.
    pub run_id: String,
    /// When it took the lock, RFC 3339.
    pub since: String,
}

impl Owner {
    /// This process, for `run_id`.
    pub fn current(run_id: &str) -> io::Result<Self> {
        Ok(Self {
            pid: std::process::id(),
            start_ticks: start_ticks("self")?,
            boot_id: boot_id()?,
            run_id: run_id.to_owned(),
            since: jiff::Timestamp::now().to_string(),
        })
    }

    /// Whether that very process still lives.
    pub fn is_alive(&self) -> bool {
        boot_id().is_ok_and(|boot| boot == self.boot_id)
            && start_ticks(&self.pid.to_string()).is_ok_and(|ticks| ticks == self.start_ticks)
    }
}

/// A held lock; given back when dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// The owner before, if it ended without giving the lock back.
    pub left_by: Option<Owner>,
}

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another run holds it.
    #[error("this tutorial is being run already: by process {} since {}", .0.pid, .0.since)]
    Held(Box<Owner>),
    /// Another run holds it and has not written its name yet.
    #[error("this tutorial is being run already by a process that has just begun")]
    HeldByUnknown,
    /// The file could not be used.
    #[error("could not lock `{path}`")]
    Io {
        /// The lock's file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock at `path` for `owner`, or says who has it.
    pub fn take(path: &Path, owner: &Owner) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: path.display().to_string(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let free = match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => true,
            Err(rustix::io::Errno::WOULDBLOCK) => false,
            Err(error) => return Err(failed(error.into())),
        };
        let before = read_owner(&mut file).map_err(failed)?;
        match (free, before) {
            (false, Some(holder)) => Err(LockError::Held(Box::new(holder))),
            (false, None) => Err(LockError::HeldByUnknown),
            // File systems exist where the kernel's lock excludes nobody: the name decides there.
            (true, Some(holder)) if holder.pid != owner.pid && holder.is_alive() => {
                Err(LockError::Held(Box::new(holder)))
            }
            (true, before) => {
                write_owner(&mut file, owner).map_err(failed)?;
                Ok(Self { file, left_by: before })
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file means: given back in order. Losing this costs one line of information.
        let _ = self.file.set_len(0);
    }
}

fn read_owner(file: &mut File) -> io::Result<Option<Owner>> {
    let mut text = String::new();
    file.rewind()?;
    file.take(4096).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text).ok())
}

fn write_owner(file: &mut File, owner: &Owner) -> io::Result<()> {
    let text = serde_json::to_vec(owner)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)?;
    file.sync_data()
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Field 22 of `/proc/PID/stat`; the name in field 2 may hold spaces and brackets.
fn start_ticks(pid: &str) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name
        .split_ascii_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable process state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(run: &str) -> Owner {
        Owner::current(run).unwrap()
    }

    #[test]
    fn a_second_run_is_refused_with_the_holder_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/lock");
        let held = Lock::take(&path, &owner("one")).unwrap();
        assert!(held.left_by.is_none());
        match Lock::take(&path, &owner("two")) {
            Err(LockError::Held(holder)) => assert_eq!(holder.run_id, "one"),
            other => panic!("{other:?}"),
        }
        drop(held);
        assert!(Lock::take(&path, &owner("two")).unwrap().left_by.is_none());
    }

    #[test]
    fn a_dead_owner_is_recognised_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let dead = Owner { start_ticks: 1, ..owner("dead") };
        fs::write(&path, serde_json::to_vec(&dead).unwrap()).unwrap();
        assert_eq!(Lock::take(&path, &owner("next")).unwrap().left_by, Some(dead));
    }

    #[test]
    fn a_reused_process_id_or_another_boot_is_not_the_owner() {
        let me = owner("me");
        assert!(me.is_alive());
        assert!(!Owner { start_ticks: me.start_ticks + 1, ..me.clone() }.is_alive());
        assert!(!Owner { boot_id: "another".to_owned(), ..me }.is_alive());
    }
}
