//! Which layers the sandbox's file system is made of, and how they are put together.
//!
//! As root the host's system is one overlay over `/`. In a user namespace the kernel does not
//! give `/` away, because what is mounted below it could come to light, so each part of the system
//! is an overlay of its own. In both, what is mounted below the parts (a separate `/usr`) is
//! another part.

use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};

use super::{
    channel::{At, Failure, Stage},
    inside::{Base, Parts},
    overlay::{Overlay, attach, open_path, tmpfs},
    plan::PlanBase,
    skeleton::{self, Kind},
    store, sys, tree,
};

/// The user and group that nothing belongs to.
const NOBODY: u32 = 65534;

/// Parts beyond this many are left out; a machine with more has them for something else.
const PARTS_MAX: usize = 64;

/// Mounts the layers and opens the new root.
pub(super) fn mount(parts: &Parts<'_>) -> Result<OwnedFd, Failure> {
    let at = Stage::Overlay;
    if parts.upper_in_memory {
        let size = parts.plan.limits.disk_bytes_max.to_string();
        let memory = tmpfs(&[("size", &size), ("mode", "0700")]).at(at, "changes in memory")?;
        let place = open_path(&parts.run_path).at(at, "opening the run's folder")?;
        attach(memory.as_fd(), place.as_fd()).at(at, "changes in memory")?;
    }
    let target = place(parts, "root")?;
    let changes = Changes { parts };
    let first = changes.make("upper0").at(at, "changes")?;
    super::inside::seed(parts, &tree::path_of(first.as_fd()))
        .at(Stage::Files, "writing the first files")?;
    match &parts.base {
        Base::Folder(path) => {
            let base = open_path(path).at(Stage::Base, path.display().to_string())?;
            changes.overlay("0", vec![base.as_fd()], target.as_fd()).at(at, "mounting the base")?;
            place(parts, "root")
        }
        Base::Host { skeleton } => host(&changes, target.as_fd(), skeleton.as_deref()),
    }
}

/// A folder to mount on.
fn place(parts: &Parts<'_>, name: &str) -> Result<OwnedFd, Failure> {
    store::place(&parts.plan.cache, name)
        .and_then(|path| Ok(open_path(path)?))
        .at(Stage::Store, "opening a folder to mount on")
}

/// Where what is written goes.
struct Changes<'a> {
    parts: &'a Parts<'a>,
}

impl Changes<'_> {
    fn make(&self, name: &str) -> io::Result<OwnedFd> {
        let folder = self.parts.run_path.join(name);
        match fs::DirBuilder::new().mode(0o755).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(open_path(&folder)?)
    }

    /// Mounts layers with a place for changes of their own on `target`.
    fn overlay(
        &self,
        name: &str,
        lowers: Vec<BorrowedFd<'_>>,
        target: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let upper = self.make(&format!("upper{name}"))?;
        let work = self.make(&format!("work{name}"))?;
        let overlay = Overlay {
            lowers,
            upper: Some((upper.as_fd(), work.as_fd())),
            user_marks: self.parts.kind.in_user_namespace,
            old_call: self.parts.plan.old_mount_call,
        };
        overlay.mount(target)
    }
}

/// Mounts one folder of the host with changes of its own at the same path inside.
pub(super) fn show(parts: &Parts<'_>, root: BorrowedFd<'_>, path: &Path) -> Result<(), Failure> {
    let at = Stage::Share;
    let name = path.display().to_string();
    // What the caller's PATH names may be gone.
    let Ok(source) = open_path(path) else { return Ok(()) };
    let target = tree::folder_for(root, &name).at(at, &*name)?;
    let number = parts.plan.toolchains.iter().position(|other| other == path);
    let changes = Changes { parts };
    let own = format!("-toolchain{}", number.unwrap_or(0));
    changes.overlay(&own, vec![source.as_fd()], target.as_fd()).at(at, name)
}

fn host(
    changes: &Changes<'_>,
    target: BorrowedFd<'_>,
    skeleton: Option<&Path>,
) -> Result<OwnedFd, Failure> {
    let at = Stage::Overlay;
    let kind = changes.parts.kind;
    // On a container's root, which is an overlay itself, the cover cannot be a folder in it.
    let cover_path = match skeleton {
        Some(path) => path.to_owned(),
        None => cover_in_memory(changes.parts)?,
    };
    let cover = open_path(&cover_path).at(Stage::Base, "opening the cover of the host")?;
    let mut views = Views { parts: changes.parts, empty: None };
    let everything;
    let mut lowers = vec![cover.as_fd()];
    if !kind.in_user_namespace {
        everything = views.view(Path::new("/"), "base0", skeleton.is_some())?;
        lowers.push(everything.as_fd());
    }
    changes.overlay("0", lowers, target).at(at, "mounting the host's system")?;
    let root = place(changes.parts, "root")?;
    for (number, path) in skeleton::parts(kind).into_iter().take(PARTS_MAX).enumerate() {
        let name = path.display().to_string();
        let below = path.strip_prefix("/").unwrap_or(&path);
        let covered = cover_path.join(below);
        let number = (number + 1).to_string();
        let place = tree::folder_for(root.as_fd(), &name).at(at, &*name)?;
        let view = views.view(&path, &format!("base{number}"), skeleton.is_some())?;
        let cover = covered.is_dir().then(|| open_path(&covered)).transpose().at(at, &*name)?;
        let lowers = cover.iter().map(AsFd::as_fd).chain([view.as_fd()]).collect();
        match changes.overlay(&number, lowers, place.as_fd()) {
            // Something is mounted below that the kernel keeps together with it: shown as it is.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                tree::share(root.as_fd(), view.as_fd(), &name).at(at, name)?;
            }
            mounted => mounted.at(at, name)?,
        }
    }
    Ok(root)
}

/// The host's folders as layers.
struct Views<'a> {
    parts: &'a Parts<'a>,
    empty: Option<OwnedFd>,
}

impl Views<'_> {
    /// A folder of the host as a layer.
    ///
    /// The cover lies somewhere below the host's root, and the kernel refuses layers of which one
    /// is inside the other; as root an overlay in between parts them. It has a second use: root
    /// may read every file, but the kernel checks what is below an overlay with the rights of who
    /// mounted it. So it is mounted by somebody who may not, and nothing that an ordinary user of
    /// the host cannot read can be read inside, wherever it lies.
    fn view(&mut self, path: &Path, place: &str, between: bool) -> Result<OwnedFd, Failure> {
        let at = Stage::Base;
        let name = path.display().to_string();
        let folder = open_path(path).at(at, &*name)?;
        if self.parts.kind.in_user_namespace || !between {
            return Ok(folder);
        }
        let empty = match &self.empty {
            Some(empty) => empty,
            None => self.empty.insert(self.empty_layer()?),
        };
        let target = self::place(self.parts, place)?;
        let overlay = Overlay {
            lowers: vec![empty.as_fd(), folder.as_fd()],
            upper: None,
            user_marks: false,
            old_call: self.parts.plan.old_mount_call,
        };
        sys::file_access_as(NOBODY, NOBODY).at(at, "giving up root's rights to files")?;
        let mounted = overlay.mount(target.as_fd());
        sys::file_access_as(0, 0).at(at, "taking root's rights to files back")?;
        mounted.at(at, name)?;
        self::place(self.parts, place)
    }

    fn empty_layer(&self) -> Result<OwnedFd, Failure> {
        let at = Stage::Base;
        let empty = tmpfs(&[("size", "4k"), ("mode", "0755")]).at(at, "an empty layer")?;
        let target = place(self.parts, "empty")?;
        attach(empty.as_fd(), target.as_fd()).at(at, "an empty layer")?;
        place(self.parts, "empty")
    }
}

fn cover_in_memory(parts: &Parts<'_>) -> Result<PathBuf, Failure> {
    let at = Stage::Base;
    let memory = tmpfs(&[("mode", "0755")]).at(at, "a cover in memory")?;
    let path = store::place(&parts.plan.cache, "cover").at(at, "a cover in memory")?;
    let place = open_path(&path).at(at, "a cover in memory")?;
    attach(memory.as_fd(), place.as_fd()).at(at, "a cover in memory")?;
    let kind = Kind { thorough: true, ..parts.kind };
    skeleton::build(&path, kind).at(at, "covering the host's private places")?;
    Ok(path)
}

/// Whether the cover can be a folder of the cache.
pub(super) fn cover_can_be_cached(base: &PlanBase) -> bool {
    const OVERLAY: i64 = 0x794c_7630;
    matches!(base, PlanBase::Host)
        && rustix::fs::statfs("/").is_ok_and(|found| found.f_type != OVERLAY)
}
