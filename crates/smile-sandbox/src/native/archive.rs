//! A root file system in a tar archive, unpacked once into the cache, by the hash of its content.
//! What an archive says is not trusted: nothing is written outside of its folder, whatever the
//! names and links in it are, and there is a limit to how much is written.

use std::{
    ffi::{CString, OsStr},
    fs, io,
    io::{BufReader, Read, Seek},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Component, Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use rustix::{
    fs::{AtFlags, CWD, FileType, FlockOperation, Gid, Mode, OFlags, Timespec, Timestamps, Uid},
    io::Errno,
};
use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use super::{overlay::open_path, store, tree};

/// Bytes that an archive may unpack to.
const UNPACKED_BYTES_MAX: u64 = 64 << 30;

/// Entries that an archive may have.
const ENTRIES_MAX: u64 = 4_000_000;

/// Finds the unpacked archive, or unpacks it. `owners`: files get the owners that the archive
/// says, which needs users that are known here.
pub(super) fn ensure(cache: &Path, archive: &Path, owners: bool) -> io::Result<PathBuf> {
    let all = cache.join("archives");
    store::private_folders(&all)?;
    let mut file = fs::File::open(archive)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is neither a folder nor a file"));
    }
    // The content is read once for each state of the file, and not at each start.
    let note = all.join(format!("{}.hash", state(&file.metadata()?, owners)));
    let hash = match fs::read_to_string(&note) {
        Ok(hash) if hash.len() == 64 => hash,
        Ok(_) | Err(_) => {
            let hash = content_hash(&mut file)?;
            fs::write(&note, &hash)?;
            hash
        }
    };
    let name = format!("{hash}{}", if owners { "" } else { "-single" });
    let path = all.join(&name);
    if path.is_dir() {
        return Ok(path);
    }
    let lock = fs::File::create(all.join("lock"))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    if path.is_dir() {
        return Ok(path);
    }
    let fresh_name = format!(".new-{name}");
    let parent = open_path(&all)?;
    store::remove_tree(parent.as_fd(), &fresh_name)?;
    let fresh = all.join(&fresh_name);
    fs::create_dir(&fresh)?;
    file.rewind()?;
    let unpacked = unpack(file, &fresh, owners);
    if let Err(error) = unpacked {
        store::remove_tree(parent.as_fd(), &fresh_name)?;
        return Err(error);
    }
    fs::rename(&fresh, &path)?;
    Ok(path)
}

fn state(found: &fs::Metadata, owners: bool) -> String {
    let mut hash = Sha256::new();
    for number in [found.dev(), found.ino(), found.size(), u64::from(owners)] {
        hash.update(number.to_le_bytes());
    }
    for number in [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    hex(&hash.finalize())
}

fn content_hash(file: &mut fs::File) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(file, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unpack(mut file: fs::File, folder: &Path, owners: bool) -> io::Result<()> {
    let mut magic = [0; 2];
    let compressed = file.read(&mut magic)? == 2 && magic == [0x1f, 0x8b];
    file.rewind()?;
    let file = BufReader::with_capacity(1 << 20, file);
    let stream: Box<dyn Read> =
        if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let root = open_path(folder)?;
    let mut unpacker = Unpacker { root: root.as_fd(), owners, bytes_left: UNPACKED_BYTES_MAX };
    let mut archive = Archive::new(stream);
    let mut entries = 0_u64;
    for entry in archive.entries()? {
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(io::Error::other("the archive has too many entries"));
        }
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        unpacker.entry(entry).map_err(|error| {
            io::Error::new(error.kind(), format!("the archive's entry `{name}`: {error}"))
        })?;
    }
    if entries == 0 {
        return Err(io::Error::other("the archive is empty, or neither plain tar nor gzip"));
    }
    Ok(())
}

struct Unpacker<'a> {
    root: BorrowedFd<'a>,
    owners: bool,
    bytes_left: u64,
}

impl Unpacker<'_> {
    fn entry<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> io::Result<()> {
        let header = entry.header();
        let kind = header.entry_type();
        let mode = Mode::from_raw_mode(header.mode()? & 0o7777);
        let (user, group) = (header.uid()?, header.gid()?);
        let modified = header.mtime()?;
        let path = plain(&entry.path()?)?;
        let Some(name) = path.file_name() else {
            // The root itself.
            rustix::fs::chmodat(self.root, ".", mode, AtFlags::empty())?;
            return Ok(());
        };
        let name = CString::new(name.as_bytes())?;
        let above = path.parent().unwrap_or(Path::new(""));
        let above = above.to_str().ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
        // Links in the archive are followed as they are inside, never out of the root.
        let folder = tree::folder_for(self.root, above)?;
        let folder = folder.as_fd();
        match kind {
            EntryType::Directory => match rustix::fs::mkdirat(folder, &name, Mode::RWXU) {
                Err(Errno::EXIST) if is_folder(folder, &name)? => {}
                Err(Errno::EXIST) => {
                    rustix::fs::unlinkat(folder, &name, AtFlags::empty())?;
                    rustix::fs::mkdirat(folder, &name, Mode::RWXU)?;
                }
                done => done?,
            },
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                remove_file(folder, &name)?;
                self.file(folder, &name, &mut entry)?;
            }
            EntryType::Symlink => {
                remove_file(folder, &name)?;
                let target = entry.link_name_bytes().unwrap_or_default();
                rustix::fs::symlinkat(OsStr::from_bytes(&target), folder, &name)?;
            }
            EntryType::Link => {
                remove_file(folder, &name)?;
                let target = entry.link_name()?.unwrap_or_default();
                return self.link(&plain(&target)?, folder, &name);
            }
            EntryType::Fifo => {
                remove_file(folder, &name)?;
                rustix::fs::mknodat(folder, &name, FileType::Fifo, Mode::RWXU, 0)?;
            }
            // Devices are the sandbox's own; other kinds speak about entries, which is done.
            _ => return Ok(()),
        }
        if self.owners {
            let (user, group) = (small(user)?, small(group)?);
            let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            match rustix::fs::chownat(folder, &name, Some(user), Some(group), flags) {
                // A number that no range maps: it stays root's.
                Err(Errno::INVAL | Errno::PERM) => {}
                done => done?,
            }
        }
        if kind != EntryType::Symlink {
            rustix::fs::chmodat(folder, &name, mode, AtFlags::empty())?;
        }
        let time = Timespec { tv_sec: i64::try_from(modified).unwrap_or(0), tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(folder, &name, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    fn file(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &CString,
        content: &mut impl Read,
    ) -> io::Result<()> {
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        let written = io::copy(&mut content.take(self.bytes_left), &mut fs::File::from(file))?;
        self.bytes_left -= written;
        if self.bytes_left == 0 {
            return Err(io::Error::other("the archive unpacks to more than 64 GiB"));
        }
        Ok(())
    }

    fn link(&self, target: &Path, folder: BorrowedFd<'_>, name: &CString) -> io::Result<()> {
        let above = target.parent().and_then(Path::to_str);
        let above = above.ok_or_else(|| io::Error::other("its target has no folder"))?;
        let target_folder = tree::folder_for(self.root, above)?;
        let target_name =
            target.file_name().ok_or_else(|| io::Error::other("its target has no name"))?;
        // Not followed: what a link points to may lie outside.
        rustix::fs::linkat(target_folder, target_name, folder, name, AtFlags::empty())?;
        Ok(())
    }
}

/// A path of an archive, relative and without tricks.
fn plain(path: &Path) -> io::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => plain.push(part),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::other("it leads out of the archive"));
            }
        }
    }
    Ok(plain)
}

fn small(number: u64) -> io::Result<u32> {
    // The largest number means "unchanged" to the system.
    match u32::try_from(number) {
        Ok(number) if number != u32::MAX => Ok(number),
        Ok(_) | Err(_) => Err(io::Error::other("its owner's number is too large")),
    }
}

fn is_folder(folder: BorrowedFd<'_>, name: &CString) -> io::Result<bool> {
    let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(found.st_mode) == FileType::Directory)
}

fn remove_file(folder: BorrowedFd<'_>, name: &CString) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Says what is wrong with a folder as a root file system.
pub(super) fn check_root(folder: &Path) -> io::Result<()> {
    let root = rustix::fs::openat(
        CWD,
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    match tree::open_inside(root.as_fd(), "/bin/sh", OFlags::PATH) {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::other("it has no `/bin/sh`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unpacks one entry after the other into a fresh folder.
    fn unpack_all(entries: &[(&str, EntryType, &str)]) -> (tempfile::TempDir, io::Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o4755);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(1);
            header.set_size(if *kind == EntryType::Regular { content.len() as u64 } else { 0 });
            // Written as it is: the builder itself refuses such names.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_cksum();
            let body = if *kind == EntryType::Regular { content.as_bytes() } else { b"" };
            builder.append(&header, body).unwrap();
        }
        let tar = folder.path().join("tar");
        fs::write(&tar, builder.into_inner().unwrap()).unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(folder.path().join("outside"), "untouched").unwrap();
        let done = unpack(fs::File::open(tar).unwrap(), &root, false);
        assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), "untouched");
        (folder, done)
    }

    #[test]
    fn ordinary_archives_are_unpacked() {
        let (folder, done) = unpack_all(&[
            ("./", EntryType::Directory, ""),
            ("./usr/bin/", EntryType::Directory, ""),
            ("./bin", EntryType::Symlink, "usr/bin"),
            ("./bin/tool", EntryType::Regular, "old"),
            ("./bin/tool", EntryType::Regular, "new"),
            ("./bin/other", EntryType::Link, "./usr/bin/tool"),
        ]);
        done.unwrap();
        let root = folder.path().join("root");
        assert_eq!(fs::read_to_string(root.join("usr/bin/tool")).unwrap(), "new");
        assert_eq!(fs::read_to_string(root.join("usr/bin/other")).unwrap(), "new");
        assert_eq!(fs::metadata(root.join("usr/bin/tool")).unwrap().mode() & 0o7777, 0o4755);
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for entries in [
            &[("../outside", EntryType::Regular, "x")][..],
            &[("a/../../outside", EntryType::Regular, "x")],
            &[("up", EntryType::Symlink, ".."), ("up/outside", EntryType::Regular, "x")],
            &[("up", EntryType::Symlink, "../outside"), ("up", EntryType::Regular, "x")],
            &[("top", EntryType::Symlink, "/"), ("top/tmp/smile-x", EntryType::Regular, "x")],
            &[("hard", EntryType::Link, "../outside"), ("hard", EntryType::Regular, "x")],
            &[("hard", EntryType::Link, "/../outside")],
            &[("l", EntryType::Symlink, "../outside"), ("h", EntryType::Link, "l")],
        ] {
            let (folder, _) = unpack_all(entries);
            assert!(!Path::new("/tmp/smile-x").exists());
            // A hard link of a symbolic link is that link, not what it points to.
            let hard = folder.path().join("root/h");
            assert!(fs::symlink_metadata(hard).map_or(true, |found| found.is_symlink()));
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "a".repeat(2048)).unwrap();
        assert!(unpack(fs::File::open(&file).unwrap(), folder.path(), false).is_err());
        fs::write(&file, "").unwrap();
        assert!(unpack(fs::File::open(&file).unwrap(), folder.path(), false).is_err());
    }
}
