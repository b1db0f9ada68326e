//! What lies over the host's own system when it is the base: private places are covered by empty
//! folders or marked as removed, files about the machine and its people are replaced. Made once,
//! kept in the cache, and made again when the host has changed.

use std::{
    fs, io,
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, FileType, FlockOperation, Mode, XattrFlags};
use sha2::{Digest, Sha256};

use super::{accounts, store};

/// Raised when what is made below changes.
const VERSION: u32 = 3;

/// Top-level folders that are the system itself.
const SHOWN: [&str; 11] =
    ["bin", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "opt", "sbin", "usr"];

/// Top-level folders that every system has and that start empty, with their modes.
const FRESH: [(&str, u32); 12] = [
    ("boot", 0o755),
    ("dev", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("var", 0o755),
];

/// Below `/var/lib`: what the package system and its hooks know about what is installed.
const STATE_SHOWN: [&str; 22] = [
    "alternatives",
    "apk",
    "apt",
    "aspell",
    "binfmts",
    "ca-certificates-java",
    "cargo",
    "dictionaries-common",
    "dpkg",
    "emacsen-common",
    "gems",
    "ghostscript",
    "ispell",
    "pacman",
    "pam",
    "python",
    "rpm",
    "sgml-base",
    "shells.state",
    "ucf",
    "vim",
    "xml-core",
];

/// Of those, the ones too large to copy.
const STATE_LAYERS: [&str; 2] = ["apt", "dpkg"];

/// Files of `/etc` that tell about the machine; those that programs need are written anew.
const MACHINE_FILES: [&str; 9] = [
    "crypttab", "exports", "fstab", "group-", "gshadow-", "passwd-", "shadow-", "subgid-",
    "subuid-",
];

/// How the layer is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// In a user namespace: marks are `user.*`, and every folder is mirrored, because the kernel
    /// does not copy up what belongs to users that the namespace does not know.
    pub(super) in_user_namespace: bool,
    /// No second user is known inside.
    pub(super) single_user: bool,
    /// Nothing else keeps root from reading what ordinary users cannot.
    pub(super) thorough: bool,
}

/// The layer, held so that nobody removes it while it is in use.
pub(super) struct Skeleton {
    pub(super) path: PathBuf,
    _lock: fs::File,
}

impl Skeleton {
    /// Finds the layer for the host as it is now, or makes it.
    pub(super) fn ensure(cache: &Path, kind: Kind) -> io::Result<Self> {
        let all = cache.join("skeletons");
        store::private_folders(&all)?;
        let key = key(kind);
        let path = all.join(&key);
        let lock_path = all.join(format!("{key}.lock"));
        let lock = lock_shared(&lock_path)?;
        if !path.exists() {
            rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
            if !path.exists() {
                let fresh_name = format!(".new-{key}");
                let fresh = all.join(&fresh_name);
                let parent = super::overlay::open_path(&all)?;
                store::remove_tree(parent.as_fd(), &fresh_name)?;
                fs::DirBuilder::new().mode(0o755).create(&fresh)?;
                build(&fresh, kind)?;
                fs::rename(&fresh, &path)?;
            }
            // Going back to the shared lock lets others in for a moment; see `remove_old`, which
            // takes no layer that is younger than a minute.
            rustix::fs::flock(&lock, FlockOperation::LockShared)?;
            // The time of the lock file says when the layer was made.
            lock.set_modified(SystemTime::now())?;
        }
        Ok(Self { path, _lock: lock })
    }
}

/// Names the host's state: what was listed when the layer was made must still be the list.
fn key(kind: Kind) -> String {
    let mut hash = Sha256::new();
    hash.update(VERSION.to_le_bytes());
    hash.update([u8::from(kind.in_user_namespace), u8::from(kind.single_user)]);
    for path in [
        "/",
        "/etc",
        "/etc/passwd",
        "/etc/group",
        "/opt",
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/usr/local",
        "/usr/local/lib",
        "/var",
        "/var/cache",
        "/var/lib",
        "/var/lib/dpkg",
        "/var/lib/dpkg/status",
        "/var/lib/apt",
        "/var/lib/apt/lists",
    ] {
        let Ok(found) = fs::symlink_metadata(path) else { continue };
        hash.update(path);
        for number in [
            i64::from_ne_bytes(found.dev().to_ne_bytes()),
            i64::from_ne_bytes(found.ino().to_ne_bytes()),
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
        ] {
            hash.update(number.to_le_bytes());
        }
    }
    let digest = hash.finalize();
    let half = digest.first_chunk().expect("the digest has 32 bytes");
    format!("{:032x}", u128::from_be_bytes(*half))
}

/// Removes layers of earlier states that nobody uses, but for the newest: the host may have two
/// kinds of users. It can take long, so the time is bounded; the next run goes on.
pub(super) fn remove_old(cache: &Path, most: Duration) -> io::Result<()> {
    let until = SystemTime::now() + most;
    let all = &cache.join("skeletons");
    let parent = super::overlay::open_path(all)?;
    let mut found = Vec::new();
    for entry in folder_entries(all)? {
        if entry.path().extension().is_some_and(|extension| extension == "lock") {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    found.pop();
    for (made, lock_path) in found {
        let Some(key) = lock_path.file_stem().and_then(|key| key.to_str()) else { continue };
        let lock = fs::File::options().write(true).open(&lock_path)?;
        let young = made.elapsed().is_ok_and(|age| age < Duration::from_mins(1));
        if !young && rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // First out of the way, whole: the removal may not get to its end.
            match fs::rename(all.join(key), all.join(format!(".old-{key}"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => fs::remove_file(&lock_path)?,
            }
        }
    }
    for entry in folder_entries(all)? {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with(".old-")) else { continue };
        if !store::remove_tree_until(parent.as_fd(), name, until)? {
            break;
        }
    }
    Ok(())
}

/// Opens and locks a lock file that nobody has removed meanwhile.
fn lock_shared(path: &Path) -> io::Result<fs::File> {
    loop {
        let lock = fs::File::options().create(true).write(true).truncate(false).open(path)?;
        rustix::fs::flock(&lock, FlockOperation::LockShared)?;
        let held = lock.metadata()?.ino();
        if fs::metadata(path).is_ok_and(|found| found.ino() == held) {
            return Ok(lock);
        }
    }
}

/// Makes the layer in an empty folder.
pub(super) fn build(root: &Path, kind: Kind) -> io::Result<()> {
    Builder { root, kind }.build()
}

/// The parts of the host's system that are layers beside the one for `/`.
pub(super) fn parts(kind: Kind) -> Vec<PathBuf> {
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let mut parts: Vec<PathBuf> = Vec::new();
    if kind.in_user_namespace {
        let shown = SHOWN.iter().filter(|name| **name != "etc").map(|name| format!("/{name}"));
        let state = STATE_LAYERS.map(|name| format!("/var/lib/{name}"));
        parts.extend(shown.chain(state).map(PathBuf::from).filter(|path| is_folder(path)));
        return parts;
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for point in mounts.lines().filter_map(|line| line.split(' ').nth(4)) {
        // The kernel writes unusual characters as octal numbers; such a folder is none of ours.
        let path = Path::new(point);
        let top = point.split('/').nth(1).unwrap_or_default();
        let shown = SHOWN.contains(&top)
            || point == "/var"
            || point == "/var/lib"
            || STATE_LAYERS.iter().any(|name| path == Path::new("/var/lib").join(name));
        if shown && is_folder(path) && !parts.iter().any(|known| known == path) {
            parts.push(path.to_owned());
        }
    }
    parts
}

/// Whether the sandbox needs a `sudo` of ours. In a user namespace the host's own refuses: its
/// parts do not belong to root as seen from inside.
pub(super) fn needs_sudo(root: &Path, kind: Kind) -> bool {
    let has = |path: &&str| fs::symlink_metadata(root.join(path)).is_ok();
    (kind.in_user_namespace && root == Path::new("/"))
        || !["usr/bin/sudo", "usr/local/bin/sudo", "bin/sudo"].iter().any(has)
}

struct Builder<'a> {
    root: &'a Path,
    kind: Kind,
}

impl Builder<'_> {
    fn build(&self) -> io::Result<()> {
        self.top()?;
        self.var()?;
        self.etc()?;
        self.home()?;
        for (path, mode) in [("run/lock", 0o1777), ("run/user", 0o755)] {
            self.folder(path, mode)?;
        }
        if needs_sudo(Path::new("/"), self.kind) {
            self.file("usr/bin/sudo", "", 0o755)?;
        }
        if self.kind.in_user_namespace {
            for tree in ["usr", "opt", "nix", "gnu", "var/lib/dpkg", "var/lib/apt"] {
                self.mirror_folders(tree)?;
            }
        } else if self.kind.thorough {
            for tree in ["/usr", "/opt", "/nix", "/gnu"] {
                if Path::new(tree).is_dir() {
                    self.hide_unreadable(Path::new(tree))?;
                }
            }
        }
        Ok(())
    }

    fn top(&self) -> io::Result<()> {
        for entry in fs::read_dir("/")? {
            let entry = entry?;
            let name = entry.file_name();
            let known = name.to_str().is_some_and(|name| {
                SHOWN.contains(&name) || FRESH.iter().any(|(fresh, _)| *fresh == name)
            });
            if !self.kind.in_user_namespace {
                if !known {
                    self.remove(Path::new(&name))?;
                }
            } else if known && entry.file_type()?.is_symlink() {
                self.copy(&entry.path())?;
            } else if known {
                self.clone_folder(&entry.path())?;
            }
        }
        for (name, mode) in FRESH {
            self.folder(name, mode)?;
            if name != "var" {
                self.cover(name)?;
            }
        }
        Ok(())
    }

    fn var(&self) -> io::Result<()> {
        for entry in folder_entries("/var")? {
            let path = entry.path();
            match entry.file_name().to_str() {
                Some("lib") => self.folder("var/lib", 0o755)?,
                Some("cache") => self.folder("var/cache", 0o755)?,
                _ if entry.file_type()?.is_symlink() => self.keep(&path)?,
                _ => self.replace_by_empty(&path)?,
            }
        }
        for entry in folder_entries("/var/lib")? {
            match entry.file_name().to_str() {
                Some(name) if STATE_SHOWN.contains(&name) => self.keep(&entry.path())?,
                _ => self.replace_by_empty(&entry.path())?,
            }
        }
        for entry in folder_entries("/var/cache")? {
            if entry.file_name() == "debconf" {
                self.keep(&entry.path())?;
            } else {
                self.replace_by_empty(&entry.path())?;
            }
        }
        self.folder("var/tmp", 0o1777)?;
        for path in ["var/log/apt", "var/cache/apt/archives/partial"] {
            self.folder(path, 0o755)?;
        }
        Ok(())
    }

    /// Leaves a path of `/var` as it is, but for what an ordinary user cannot read. In a user
    /// namespace it is copied, or, where that would be much, only its smaller files are.
    fn keep(&self, host: &Path) -> io::Result<()> {
        if !self.kind.in_user_namespace {
            return self.hide_unreadable(host);
        }
        if !fs::symlink_metadata(host)?.is_dir() {
            return self.copy(host);
        }
        self.parents(host)?;
        self.clone_folder(host)?;
        if !STATE_LAYERS.iter().any(|name| host.ends_with(name)) {
            return self.copy_tree(host);
        }
        for folder in [host.to_owned(), host.join("triggers"), host.join("alternatives")] {
            for entry in folder_entries(&folder)? {
                if entry.file_type()?.is_file() {
                    self.copy(&entry.path())?;
                }
            }
        }
        // apt's locks and half-loaded lists, which only root may open on the host.
        for entry in folder_entries(host.join("lists"))? {
            if entry.file_name() == "lock" {
                self.copy(&entry.path())?;
            }
        }
        Ok(())
    }

    fn etc(&self) -> io::Result<()> {
        self.folder("etc", 0o755)?;
        if self.kind.in_user_namespace {
            self.copy_tree(Path::new("/etc"))?;
        } else {
            self.hide_unreadable(Path::new("/etc"))?;
        }
        for name in MACHINE_FILES {
            let path = Path::new("etc").join(name);
            if fs::symlink_metadata(Path::new("/").join(&path)).is_ok() {
                self.remove(&path)?;
            }
        }
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let users = accounts::users(&read("/etc/passwd"));
        let groups = accounts::groups(&read("/etc/group"));
        self.file("etc/passwd", &users, 0o644)?;
        self.file("etc/group", &groups, 0o644)?;
        self.file("etc/shadow", &accounts::shadow(&users), 0o640)?;
        self.file("etc/gshadow", &accounts::group_shadow(&groups), 0o640)?;
        self.file("etc/subuid", "", 0o644)?;
        self.file("etc/subgid", "", 0o644)?;
        self.file("etc/.pwd.lock", "", 0o600)?;
        // Not a real machine's, and the same in each run.
        self.file("etc/machine-id", "5e5f5e5f5e5f5e5f5e5f5e5f5e5f5e5f\n", 0o444)?;
        if Path::new("/etc/sudoers").exists() {
            self.file("etc/sudoers", accounts::SUDOERS, 0o440)?;
        }
        if self.kind.single_user && Path::new("/etc/apt/apt.conf.d").is_dir() {
            self.file("etc/apt/apt.conf.d/99smile", accounts::APT_SINGLE_USER, 0o644)?;
        }
        Ok(())
    }

    fn home(&self) -> io::Result<()> {
        for entry in folder_entries("/etc/skel")? {
            if entry.file_type()?.is_file() {
                let to = self.root.join("root").join(entry.file_name());
                fs::copy(entry.path(), to)?;
            }
        }
        self.folder("root/work", 0o755)
    }

    fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn folder(&self, path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
        let place = self.place(path.as_ref());
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&place)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(mode))
    }

    /// Makes the folders above `path`, each with the mode and owner that it has on the host.
    fn parents(&self, path: &Path) -> io::Result<()> {
        let relative = path.strip_prefix("/").unwrap_or(path);
        let mut so_far = PathBuf::new();
        for part in relative.parent().into_iter().flat_map(Path::components) {
            so_far.push(part);
            if fs::symlink_metadata(self.root.join(&so_far)).is_err() {
                self.clone_folder(&Path::new("/").join(&so_far))?;
            }
        }
        Ok(())
    }

    /// An empty folder that looks like the host's.
    fn clone_folder(&self, host: &Path) -> io::Result<()> {
        let place = self.place(host);
        let found = fs::symlink_metadata(host)?;
        match fs::create_dir(&place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        if !self.kind.in_user_namespace {
            std::os::unix::fs::chown(&place, Some(found.uid()), Some(found.gid()))?;
        }
        fs::set_permissions(&place, fs::Permissions::from_mode(found.mode() & 0o7777))
    }

    /// What is below on the host is not seen through this folder.
    fn cover(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let name = if self.kind.in_user_namespace {
            "user.overlay.opaque"
        } else {
            "trusted.overlay.opaque"
        };
        Ok(rustix::fs::setxattr(self.place(path.as_ref()), name, b"y", XattrFlags::empty())?)
    }

    /// Marks a path as not there.
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.parents(path)?;
        let place = self.place(path);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(rustix::fs::mknodat(CWD, place, FileType::CharacterDevice, Mode::empty(), 0)?)
    }

    fn replace_by_empty(&self, host: &Path) -> io::Result<()> {
        if !fs::symlink_metadata(host)?.is_dir() {
            return self.remove(host);
        }
        self.parents(host)?;
        self.clone_folder(host)?;
        self.cover(host)
    }

    /// Hides whatever an ordinary user of the host could not read. (As an ordinary user, the
    /// kernel does so by itself; but a lock file that cannot be opened would be in the way.)
    fn hide_unreadable(&self, host: &Path) -> io::Result<()> {
        let mut waiting = vec![host.to_owned()];
        while let Some(path) = waiting.pop() {
            let found = fs::symlink_metadata(&path)?;
            let needed = if found.is_dir() { 0o005 } else { 0o004 };
            if !found.is_symlink() && found.mode() & needed != needed {
                self.replace_by_empty(&path)?;
            } else if found.is_dir() {
                waiting.extend(folder_entries(&path)?.into_iter().map(|entry| entry.path()));
            }
        }
        Ok(())
    }

    fn mirror_folders(&self, tree: &str) -> io::Result<()> {
        let mut waiting = vec![Path::new("/").join(tree)];
        while let Some(path) = waiting.pop() {
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            if !found.is_dir() {
                continue;
            }
            let place = self.place(&path);
            match fs::symlink_metadata(&place) {
                Ok(made) if !made.is_dir() => continue, // Marked as not there.
                Ok(_) if is_covered(&place) => continue,
                Ok(_) => {}
                Err(_) => {
                    self.parents(&path)?;
                    self.clone_folder(&path)?;
                }
            }
            let Ok(entries) = folder_entries(&path) else {
                // This user may not look into it, so it is empty; root inside may fill it.
                self.cover(&path)?;
                continue;
            };
            for entry in entries {
                if entry.file_type()?.is_dir() {
                    waiting.push(entry.path());
                }
            }
        }
        Ok(())
    }

    fn copy_tree(&self, host: &Path) -> io::Result<()> {
        let mut waiting = vec![host.to_owned()];
        while let Some(path) = waiting.pop() {
            for entry in folder_entries(&path).unwrap_or_default() {
                if entry.file_type()?.is_dir() {
                    self.parents(&entry.path())?;
                    self.clone_folder(&entry.path())?;
                    waiting.push(entry.path());
                } else {
                    self.copy(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Copies a file or link, or marks it as not there where it cannot be read.
    fn copy(&self, host: &Path) -> io::Result<()> {
        let Ok(found) = fs::symlink_metadata(host) else { return Ok(()) };
        self.parents(host)?;
        let place = self.place(host);
        if found.is_symlink() {
            return std::os::unix::fs::symlink(fs::read_link(host)?, place);
        }
        if !found.is_file() {
            return Ok(());
        }
        match fs::copy(host, &place) {
            Ok(_) => Ok(()),
            Err(_) => self.remove(host),
        }
    }

    fn file(&self, path: &str, content: &str, mode: u32) -> io::Result<()> {
        self.parents(Path::new(path))?;
        let place = self.place(Path::new(path));
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::write(&place, content)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(mode))
    }
}

fn folder_entries(path: impl AsRef<Path>) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.collect(),
    }
}

fn is_covered(place: &Path) -> bool {
    let mut value = [0; 1];
    rustix::fs::getxattr(place, "user.overlay.opaque", &mut value).is_ok()
}
