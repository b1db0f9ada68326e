//! The folder of one run in the user's cache: what the sandbox writes, and a lock that tells
//! whether its owner lives. What a killed program leaves is removed by the next start.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};

use super::overlay::{open_folder, open_path};

/// The folder of one run, held by a lock on itself.
pub(super) struct RunFolder {
    path: PathBuf,
    name: String,
    runs: OwnedFd,
    lock: OwnedFd,
}

impl RunFolder {
    /// Makes `runs/<id>` with its lock taken.
    pub(super) fn create(cache: &Path, id: &str) -> io::Result<Self> {
        let runs_path = cache.join("runs");
        private_folders(&runs_path)?;
        // The lock is taken under a name that no sweeper touches while it is young, so that none
        // finds the folder before it is locked.
        let fresh = runs_path.join(format!(".{id}"));
        std::fs::DirBuilder::new().mode(0o700).create(&fresh)?;
        let lock = lockable(&fresh)?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let path = runs_path.join(id);
        std::fs::rename(&fresh, &path)?;
        Ok(Self { path, name: id.to_owned(), runs: open_path(&runs_path)?, lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder; whoever the files in it belong to, this process must be their owner
    /// or hold the capability.
    ///
    /// The folders are gone for everybody when this returns. The last hold on them is given to
    /// the caller: some file systems take milliseconds to let go of each.
    pub(super) fn remove(self) -> io::Result<Vec<OwnedFd>> {
        let mut removal = Removal::default();
        removal.tree(self.runs.as_fd(), &self.name)?;
        removal.held.push(self.lock);
        Ok(removal.held)
    }
}

/// An empty folder in the cache to mount on. All runs use the same ones: what each mounts there
/// is seen by itself alone.
pub(super) fn place(cache: &Path, name: &str) -> io::Result<PathBuf> {
    let path = cache.join("places").join(name);
    private_folders(&path)?;
    Ok(path)
}

fn lockable(folder: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty())
}

/// Makes a folder and those above it, for this user only.
pub(super) fn private_folders(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes the folders of runs whose owner is gone, and names the runs.
pub(super) fn sweep(cache: &Path) -> io::Result<Vec<String>> {
    let runs_path = cache.join("runs");
    let runs = open_path(&runs_path)?;
    let mut removed = Vec::new();
    for entry in std::fs::read_dir(&runs_path)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = runs_path.join(name);
        if name.starts_with('.') && is_younger_than_a_minute(&path) {
            continue; // Its owner is about to take the lock.
        }
        let Ok(lock) = lockable(&path) else { continue };
        let dead = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
        if dead {
            remove_tree(runs.as_fd(), name)?;
            removed.push(name.trim_start_matches('.').to_owned());
        }
    }
    Ok(removed)
}

fn is_younger_than_a_minute(path: &Path) -> bool {
    let changed = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() < 60))
}

/// How deep folders are removed where they are.
const DEPTH_MAX: u32 = 24;

/// How many removed files and folders are held.
const HELD_MAX: usize = 256;

/// Removes `parent/name` and all below, if it exists.
pub(super) fn remove_tree(parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    Removal::default().tree(parent, name)
}

/// As [`remove_tree`], but stops when the time is over; whether it is done.
pub(super) fn remove_tree_until(
    parent: BorrowedFd<'_>,
    name: &str,
    until: SystemTime,
) -> io::Result<bool> {
    let mut removal = Removal { until: Some(until), ..Removal::default() };
    match removal.tree(parent, name) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
        done => done.map(|()| true),
    }
}

/// Neither depth nor number matters: a folder found deep inside is first moved up beside the
/// others, so few descriptors are open.
#[derive(Default)]
struct Removal {
    moved: u64,
    held: Vec<OwnedFd>,
    until: Option<SystemTime>,
}

impl Removal {
    fn tree(&mut self, parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        let top = match open_folder(parent, name) {
            Ok(top) => top,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        loop {
            let before = self.moved;
            self.empty(top.as_fd(), top.as_fd(), 0)?;
            if self.moved == before {
                break;
            }
        }
        rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?;
        self.hold(top);
        Ok(())
    }

    fn hold(&mut self, folder: OwnedFd) {
        if self.held.len() < HELD_MAX {
            self.held.push(folder);
        }
    }

    /// Removes what is in a folder; a folder that is very deep is moved to `top` instead.
    fn empty(&mut self, folder: BorrowedFd<'_>, top: BorrowedFd<'_>, depth: u32) -> io::Result<()> {
        for entry in readable(folder)? {
            if self.until.is_some_and(|until| SystemTime::now() > until) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if !is_folder(folder, &entry)? {
                if self.held.len() < HELD_MAX
                    && let Ok(file) = open_to_hold(folder, name)
                {
                    self.held.push(file);
                }
                unlink(folder, name)?;
            } else if depth < DEPTH_MAX {
                let inside = open_folder(folder, name)?;
                self.empty(inside.as_fd(), top, depth + 1)?;
                rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?;
                self.hold(inside);
            } else {
                self.moved += 1;
                let new_name = format!("\u{1}{}", self.moved);
                match rustix::fs::renameat(folder, name, top, &*new_name) {
                    Err(Errno::ACCESS) => {
                        rustix::fs::chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
                        rustix::fs::renameat(folder, name, top, &*new_name)?;
                    }
                    done => done?,
                }
            }
        }
        Ok(())
    }
}

fn open_to_hold(folder: BorrowedFd<'_>, name: &std::ffi::CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

fn readable(folder: BorrowedFd<'_>) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = match rustix::fs::openat(folder, ".", flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            // A folder that its owner may not read; what was written by a tutorial may be so.
            rustix::fs::chmodat(folder, ".", Mode::RWXU, AtFlags::empty())?;
            rustix::fs::openat(folder, ".", flags, Mode::empty())?
        }
        opened => opened?,
    };
    Ok(Dir::new(opened)?)
}

fn is_folder(parent: BorrowedFd<'_>, entry: &rustix::fs::DirEntry) -> io::Result<bool> {
    Ok(match entry.file_type() {
        FileType::Unknown => {
            let found = rustix::fs::statat(parent, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            FileType::from_raw_mode(found.st_mode) == FileType::Directory
        }
        kind => kind == FileType::Directory,
    })
}

fn unlink(folder: BorrowedFd<'_>, name: &std::ffi::CStr) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(folder, ".", Mode::RWXU, AtFlags::empty())?;
            rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
            Ok(())
        }
        done => Ok(done?),
    }
}

/// Whether the kernel takes a folder as the place for an overlay's changes: not on another
/// overlay (a container's root), and not over the network.
pub(super) fn can_hold_changes(folder: &Path) -> bool {
    const OVERLAY: i64 = 0x794c_7630;
    const NFS: i64 = 0x6969;
    const FUSE: i64 = 0x6573_5546;
    const P9: i64 = 0x0102_1997;
    const CIFS: i64 = 0xff53_4d42;
    rustix::fs::statfs(folder)
        .is_ok_and(|found| ![OVERLAY, NFS, FUSE, P9, CIFS].contains(&found.f_type))
}
