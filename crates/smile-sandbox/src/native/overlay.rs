//! Overlay mounts: by the new mount calls, where nothing can be cut off, or by `mount(2)` with
//! relative names and a checked length.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{CWD, Mode},
    io::Errno,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags},
};

/// The old call cuts its options at one page and then reports success with layers missing.
const OPTIONS_BYTES_MAX: usize = 4000;

/// An overlay to mount.
pub(super) struct Overlay<'a> {
    /// The topmost first.
    pub(super) lowers: Vec<BorrowedFd<'a>>,
    /// What is written, and the kernel's folder beside it; none makes it read-only.
    pub(super) upper: Option<(BorrowedFd<'a>, BorrowedFd<'a>)>,
    /// The marks are `user.overlay.*`, as a user namespace needs.
    pub(super) user_marks: bool,
    /// Forces the old call.
    pub(super) old_call: bool,
}

impl Overlay<'_> {
    /// Mounts it on the folder `target`.
    pub(super) fn mount(&self, target: BorrowedFd<'_>) -> io::Result<()> {
        if !self.old_call {
            match self.mount_new(target) {
                // Before kernel 6.8 the parameter `lowerdir+` is not known, before 5.2 the calls.
                Err(Errno::INVAL | Errno::NOSYS) => {}
                done => return Ok(done?),
            }
        }
        self.mount_old(target)
    }

    fn mount_new(&self, target: BorrowedFd<'_>) -> Result<(), Errno> {
        let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let context = context.as_fd();
        let set = |key: &str, folder: BorrowedFd<'_>| {
            rustix::mount::fsconfig_set_string(context, key, by_number(folder))
        };
        for lower in &self.lowers {
            set("lowerdir+", *lower)?;
        }
        if let Some((upper, work)) = self.upper {
            set("upperdir", upper)?;
            set("workdir", work)?;
            // What is written is thrown away: no program has to wait for the disk.
            rustix::mount::fsconfig_set_flag(context, "volatile")?;
        }
        if self.user_marks {
            rustix::mount::fsconfig_set_flag(context, "userxattr")?;
        }
        rustix::mount::fsconfig_create(context)?;
        let mount = rustix::mount::fsmount(
            context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::MOUNT_ATTR_NODEV,
        )?;
        attach(mount.as_fd(), target)
    }

    /// The folder for the names must be one that only this process sees, because mounts are made
    /// in it: a tmpfs on `target`, which the overlay then covers.
    fn mount_old(&self, target: BorrowedFd<'_>) -> io::Result<()> {
        let names = tmpfs(&[("mode", "0700"), ("size", "64k")])?;
        attach(names.as_fd(), target)?;
        let inside = names.as_fd();
        let show = |name: &str, folder: BorrowedFd<'_>| -> io::Result<()> {
            rustix::fs::mkdirat(inside, name, Mode::RWXU)?;
            let place = open_folder(inside, name)?;
            attach(clone_mount(folder, false)?.as_fd(), place.as_fd())?;
            Ok(())
        };
        let mut lowers = Vec::new();
        for (number, lower) in self.lowers.iter().enumerate() {
            let name = number.to_string();
            show(&name, *lower)?;
            lowers.push(name);
        }
        let mut options = format!("lowerdir={}", lowers.join(":"));
        if let Some((upper, work)) = self.upper {
            // Both must be on one mount, which two clones are not: their parent is shown.
            let parent = open_folder(upper, "..")?;
            show("w", parent.as_fd())?;
            let name = |folder: BorrowedFd<'_>| -> io::Result<String> {
                let path = std::fs::read_link(by_number(folder))?;
                path.file_name()
                    .and_then(|name| name.to_str())
                    .map(|name| format!("w/{name}"))
                    .ok_or_else(|| io::Error::other("the folder for changes has no name"))
            };
            let (upper, work) = (name(upper)?, name(work)?);
            options = format!("{options},upperdir={upper},workdir={work},volatile");
        }
        if self.user_marks {
            options += ",userxattr";
        }
        if options.len() > OPTIONS_BYTES_MAX {
            return Err(io::Error::from_raw_os_error(Errno::NAMETOOLONG.raw_os_error()));
        }
        rustix::process::fchdir(inside)?;
        let options = std::ffi::CString::new(options)?;
        rustix::mount::mount(
            "overlay",
            by_number(target),
            "overlay",
            MountFlags::NODEV,
            options.as_c_str(),
        )?;
        Ok(rustix::process::chdir("/")?)
    }
}

/// A path by which any call of this process reaches an open folder.
pub(super) fn by_number(folder: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", folder.as_raw_fd())
}

/// Puts a mount that is nowhere yet on an open folder or file.
pub(super) fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> rustix::io::Result<()> {
    rustix::mount::move_mount(
        mount,
        "",
        target,
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
}

/// A second mount of what `folder` shows.
pub(super) fn clone_mount(folder: BorrowedFd<'_>, recursive: bool) -> rustix::io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    flags.set(OpenTreeFlags::AT_RECURSIVE, recursive);
    rustix::mount::open_tree(folder, "", flags)
}

/// A new tmpfs that is nowhere yet.
pub(super) fn tmpfs(options: &[(&str, &str)]) -> rustix::io::Result<OwnedFd> {
    new_mount(
        "tmpfs",
        options,
        MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOSUID,
    )
}

/// A new file system of a kind without a device, that is nowhere yet.
pub(super) fn new_mount(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> rustix::io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        if value.is_empty() {
            rustix::mount::fsconfig_set_flag(context.as_fd(), *key)?;
        } else {
            rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value)?;
        }
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Opens a folder to work below it; a symbolic link as the last part is not followed.
pub(super) fn open_folder<P: rustix::path::Arg>(
    parent: BorrowedFd<'_>,
    name: P,
) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::OFlags;
    rustix::fs::openat(
        parent,
        name,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Opens a folder by path.
pub(super) fn open_path<P: rustix::path::Arg>(path: P) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::OFlags;
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
