//! What of the author's is visible inside: bound read-only, or copied.

use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use super::{
    channel::{At, Failure, Stage},
    plan::PlanShare,
    tree,
};

/// Copies of more than this are refused: such a folder is to be bound.
const COPIED_BYTES_MAX: u64 = 512 << 20;

pub(super) fn bring_in(root: BorrowedFd<'_>, share: &PlanShare) -> Result<(), Failure> {
    let at = Stage::Share;
    let name = share.source.display().to_string();
    let destination =
        share.destination.to_str().ok_or_else(|| io::Error::other("not UTF-8")).at(at, &*name)?;
    let source = rustix::fs::openat(
        rustix::fs::CWD,
        &share.source,
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .at(at, &*name)?;
    if !share.copied {
        return tree::share(root, source.as_fd(), destination).at(at, name);
    }
    let mut left = COPIED_BYTES_MAX;
    if tree::is_folder(source.as_fd()).at(at, &*name)? {
        let folder = tree::folder_for(root, destination).at(at, &*name)?;
        copy_folder(&share.source, &tree::path_of(folder.as_fd()), &mut left).at(at, name)
    } else {
        let file = tree::file_for(root, destination).at(at, &*name)?;
        copy_file(&share.source, &tree::path_of(file.as_fd()), &mut left).at(at, name)
    }
}

/// Copies files, folders and links; anything else (sockets, devices) is left out.
fn copy_folder(from: &Path, to: &Path, left: &mut u64) -> io::Result<()> {
    let mut waiting = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = waiting.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                match fs::create_dir(&target) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    Ok(()) | Err(_) => {}
                }
                waiting.push((entry.path(), target));
            } else if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
            } else if kind.is_file() {
                copy_file(&entry.path(), &target, left)?;
            }
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path, left: &mut u64) -> io::Result<()> {
    let size = fs::metadata(from)?.len();
    *left = left
        .checked_sub(size)
        .ok_or_else(|| io::Error::other("more than 512 MiB to copy; show it read-only instead"))?;
    fs::copy(from, to)?;
    Ok(())
}
