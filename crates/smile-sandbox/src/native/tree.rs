//! The file system that the sandbox sees: the overlay, `/proc`, `/dev`, shares; then the old root
//! is left behind.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags},
    io::Errno,
    mount::{MountAttrFlags, MountPropagationFlags, UnmountFlags},
};

use super::{
    channel::{At, Failure, Stage},
    overlay::{attach, by_number, clone_mount, new_mount, open_folder, tmpfs},
    sys,
};

/// Device files shown inside, bound from the host's `/dev`.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Files and folders of `/proc` that tell about or act on the whole machine.
const PROC_HIDDEN: [&str; 12] = [
    "acpi",
    "asound",
    "kallsyms",
    "kcore",
    "keys",
    "key-users",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
];

/// Parts of `/proc` that stay readable and cannot be written.
const PROC_READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "pressure"];

const QUIET: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NODEV
    .union(MountAttrFlags::MOUNT_ATTR_NOSUID)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Keeps what is mounted from now on from the rest of the machine.
pub(super) fn make_private() -> Result<(), Failure> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .at(Stage::Namespaces, "making all mounts private")
}

/// Mounts `/proc` below `root`, for the process namespace that this process is in.
pub(super) fn mount_proc(root: BorrowedFd<'_>) -> Result<(), Failure> {
    let folder = folder_for(root, "proc").at(Stage::Proc, "making /proc")?;
    let mount = new_mount("proc", &[], QUIET).at(Stage::Proc, "mounting /proc")?;
    let proc = mount.as_fd();
    attach(proc, folder.as_fd()).at(Stage::Proc, "mounting /proc")?;
    let proc = open_folder(root, "proc").at(Stage::Proc, "opening /proc")?;
    let empty = tmpfs(&[("size", "4k"), ("mode", "0555")]).at(Stage::Proc, "hiding /proc")?;
    for name in PROC_HIDDEN {
        let Some(found) = open_any(proc.as_fd(), name).at(Stage::Proc, name)? else { continue };
        let cover = if is_folder(found.as_fd()).at(Stage::Proc, name)? {
            clone_mount(empty.as_fd(), false).at(Stage::Proc, name)?
        } else {
            let null = open_any(CWD, "/dev/null").at(Stage::Devices, "opening /dev/null")?;
            let null = null.ok_or(Errno::NOENT).at(Stage::Devices, "opening /dev/null")?;
            clone_mount(null.as_fd(), false).at(Stage::Proc, name)?
        };
        read_only(cover.as_fd()).at(Stage::Proc, name)?;
        attach(cover.as_fd(), found.as_fd()).at(Stage::Proc, name)?;
    }
    for name in PROC_READ_ONLY {
        let Some(found) = open_any(proc.as_fd(), name).at(Stage::Proc, name)? else { continue };
        let cover = clone_mount(found.as_fd(), false).at(Stage::Proc, name)?;
        read_only(cover.as_fd()).at(Stage::Proc, name)?;
        attach(cover.as_fd(), found.as_fd()).at(Stage::Proc, name)?;
    }
    Ok(())
}

/// Makes a small `/dev` below `root`.
pub(super) fn mount_dev(
    root: BorrowedFd<'_>,
    shared_memory_bytes: u64,
    terminal_group: bool,
) -> Result<(), Failure> {
    let at = Stage::Devices;
    let folder = folder_for(root, "dev").at(at, "making /dev")?;
    let mount = new_mount(
        "tmpfs",
        &[("size", "64k"), ("mode", "0755")],
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
    .at(at, "mounting /dev")?;
    attach(mount.as_fd(), folder.as_fd()).at(at, "mounting /dev")?;
    let dev = open_folder(root, "dev").at(at, "opening /dev")?;
    let dev = dev.as_fd();
    for name in DEVICES {
        let Some(host) = open_any(CWD, &format!("/dev/{name}")).at(at, name)? else { continue };
        let place = new_file(dev, name).at(at, name)?;
        let device = clone_mount(host.as_fd(), false).at(at, name)?;
        let set = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        sys::mount_attributes(device.as_fd(), u64::from(set.bits()), false).at(at, name)?;
        attach(device.as_fd(), place.as_fd()).at(at, name)?;
    }
    for (target, name) in [
        ("pts/ptmx", "ptmx"),
        ("/proc/self/fd", "fd"),
        ("/proc/self/fd/0", "stdin"),
        ("/proc/self/fd/1", "stdout"),
        ("/proc/self/fd/2", "stderr"),
    ] {
        rustix::fs::symlinkat(target, dev, name).at(at, name)?;
    }
    rustix::fs::mkdirat(dev, "pts", mode(0o755)).at(at, "pts")?;
    let mut options = vec![("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    if terminal_group {
        options.push(("gid", "5"));
    }
    let quiet = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let terminals = new_mount("devpts", &options, quiet).at(at, "mounting /dev/pts")?;
    let place = open_folder(dev, "pts").at(at, "pts")?;
    attach(terminals.as_fd(), place.as_fd()).at(at, "mounting /dev/pts")?;
    rustix::fs::mkdirat(dev, "shm", mode(0o1777)).at(at, "shm")?;
    let size = shared_memory_bytes.to_string();
    let memory = tmpfs(&[("size", &size), ("mode", "1777")]).at(at, "mounting /dev/shm")?;
    let place = open_folder(dev, "shm").at(at, "shm")?;
    attach(memory.as_fd(), place.as_fd()).at(at, "mounting /dev/shm")
}

/// Makes `root` the root of this process and lets go of the old one.
pub(super) fn enter(root: BorrowedFd<'_>) -> Result<(), Failure> {
    let at = Stage::Pivot;
    rustix::process::fchdir(root).at(at, "entering the new root")?;
    rustix::process::pivot_root(".", ".").at(at, "pivot_root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).at(at, "letting go of the old root")?;
    rustix::process::chdir("/").at(at, "entering the new root")
}

/// Shows a file or folder of the host read-only at `destination` (absolute, inside).
pub(super) fn share(
    root: BorrowedFd<'_>,
    source: BorrowedFd<'_>,
    destination: &str,
) -> io::Result<()> {
    let mount = clone_mount(source, true)?;
    let set = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV;
    sys::mount_attributes(mount.as_fd(), u64::from(set.bits()), true)?;
    let place = if is_folder(source)? {
        folder_for(root, destination)?
    } else {
        file_for(root, destination)?
    };
    Ok(attach(mount.as_fd(), place.as_fd())?)
}

/// Opens the folder `path` below `root`, made with those above it where missing. Symbolic links
/// on the way are resolved as seen from inside.
pub(super) fn folder_for(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let mut so_far = String::new();
    let mut folder = rustix::io::fcntl_dupfd_cloexec(root, 3)?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        so_far.push('/');
        so_far += part;
        folder = match open_inside(root, &so_far, OFlags::PATH | OFlags::DIRECTORY) {
            Err(Errno::NOENT) => {
                rustix::fs::mkdirat(&folder, part, mode(0o755))?;
                open_inside(root, &so_far, OFlags::PATH | OFlags::DIRECTORY)?
            }
            found => found?,
        };
    }
    Ok(folder)
}

/// As [`folder_for`], for a file; it is made empty where missing.
pub(super) fn file_for(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let (parent, name) = path
        .trim_end_matches('/')
        .rsplit_once('/')
        .ok_or_else(|| io::Error::other("the path inside is not absolute"))?;
    match open_inside(root, path, OFlags::PATH) {
        Err(Errno::NOENT) => {
            let parent = folder_for(root, parent)?;
            Ok(new_file(parent.as_fd(), name)?)
        }
        found => Ok(found?),
    }
}

pub(super) fn open_inside(
    root: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat2(
        root,
        path,
        flags | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    )
}

pub(super) fn mode(bits: u32) -> Mode {
    Mode::from_raw_mode(bits)
}

fn new_file(parent: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, mode(0o644))
}

/// Opens a path of any kind to mount on or from it; none where it does not exist.
pub(super) fn open_any<Fd: AsFd>(parent: Fd, name: &str) -> rustix::io::Result<Option<OwnedFd>> {
    match rustix::fs::openat(parent, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(None),
        opened => opened.map(Some),
    }
}

pub(super) fn is_folder(found: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    let found = rustix::fs::fstat(found)?;
    Ok(rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Directory)
}

/// Also for a cover that is a device file: nothing is run from it.
fn read_only(mount: BorrowedFd<'_>) -> io::Result<()> {
    let set = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    sys::mount_attributes(mount, u64::from(set.bits()), false)
}

/// The path by which an open folder inside the new root is written to with ordinary calls.
pub(super) fn path_of(folder: BorrowedFd<'_>) -> std::path::PathBuf {
    by_number(folder).into()
}
