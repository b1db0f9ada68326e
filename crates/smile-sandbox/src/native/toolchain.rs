//! Toolchains that lie in the caller's home: shown at the same path, and what is written to them
//! stays in the sandbox.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
};

use super::{
    channel::{At, Failure, Stage},
    inside::Parts,
    overlay::{Overlay, open_path},
    tree,
};

/// Where the system's own programs are: none of them may be hidden by one of the author's.
const SYSTEM: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Top-level folders that a sandbox shows anyway.
const SHOWN: [&str; 6] = ["/usr", "/bin", "/sbin", "/opt", "/nix", "/gnu"];

/// What of the caller's toolchains a sandbox shows.
#[derive(Debug, Default, Clone)]
pub(super) struct Toolchains {
    /// Folders to show, at the same path.
    pub(super) folders: Vec<PathBuf>,
    /// For the end of PATH.
    pub(super) path: Vec<String>,
    /// Variables that the programs need.
    pub(super) variables: Vec<(String, String)>,
}

/// Finds the folders of the caller's PATH that a sandbox would hide, and that add programs
/// without hiding any of the system's (as a version switcher would).
pub(super) fn of_caller(environment: &[(String, String)]) -> Toolchains {
    let value = |name: &str| {
        environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    };
    let mut found = Toolchains::default();
    let (Some(path), Some(home)) = (value("PATH"), value("HOME")) else { return found };
    let home = Path::new(home);
    let system: BTreeSet<_> =
        SYSTEM.iter().flat_map(|folder| programs(Path::new(folder))).collect();
    for folder in path.split(':').map(Path::new) {
        let hidden = folder.is_absolute() && !SHOWN.iter().any(|shown| folder.starts_with(shown));
        let own = programs(folder);
        let Some(name) = folder.to_str() else { continue };
        let seen = found.path.iter().any(|known| known == name);
        // A folder anywhere else, such as `/work/x/bin`, is the author's project, no toolchain.
        if !hidden || seen || own.is_empty() || !folder.starts_with(home) || folder == home {
            continue;
        }
        if own.iter().any(|program| system.contains(program)) {
            continue;
        }
        found.path.push(name.to_owned());
        found.folders.push(with_companions(folder, home));
        if own.contains(&OsString::from("rustup")) {
            let rustup = value("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
            if let Some(name) = rustup.to_str().filter(|_| rustup.is_dir()) {
                found.variables.push(("RUSTUP_HOME".to_owned(), name.to_owned()));
                found.folders.push(rustup.clone());
            }
        }
    }
    found.folders.sort();
    found.folders.dedup();
    found
}

/// A tool's `bin` mostly needs the `lib` beside it. A folder directly in the home (`~/.cargo`,
/// `~/.local`) holds much else, credentials too: there only `bin` itself is shown.
fn with_companions(folder: &Path, home: &Path) -> PathBuf {
    let deep = folder.strip_prefix(home).is_ok_and(|below| below.components().count() > 3);
    match folder.parent() {
        Some(parent) if deep && parent.join("lib").is_dir() => parent.to_owned(),
        _ => folder.to_owned(),
    }
}

fn programs(folder: &Path) -> Vec<OsString> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| {
            fs::metadata(entry.path())
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
        .map(|entry| entry.file_name())
        .collect()
}

/// Shows one folder, with an overlay of its own over it.
pub(super) fn show(parts: &Parts<'_>, root: BorrowedFd<'_>, path: &Path) -> Result<(), Failure> {
    let at = Stage::Share;
    let name = path.display().to_string();
    let Ok(source) = open_path(path) else { return Ok(()) };
    let target = tree::folder_for(root, &name).at(at, &*name)?;
    // Beside the upper folder of the root, so that they share its file system and its end.
    let changes = parts.run_path.join("changes");
    let number = parts
        .plan
        .toolchains
        .iter()
        .position(|other| other == path)
        .expect("it is one of the plan's");
    let make = |kind: &str| {
        let folder = changes.join(format!("{kind}{number}"));
        fs::create_dir(&folder)?;
        Ok::<_, std::io::Error>(open_path(&folder)?)
    };
    let upper = make("upper").at(at, &*name)?;
    let work = make("work").at(at, &*name)?;
    let overlay = Overlay {
        lowers: vec![source.as_fd()],
        upper: Some((upper.as_fd(), work.as_fd())),
        user_marks: parts.kind.in_user_namespace,
        old_call: parts.plan.old_mount_call,
    };
    overlay.mount(target.as_fd()).at(at, name)
}
