//! Toolchains that lie in the caller's home: shown at the same path, and what is written to them
//! stays in the sandbox.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
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
/// without hiding any of the system's. (A version switcher's `shims` do nothing else.)
pub(super) fn of_caller(environment: &[(String, String)]) -> Toolchains {
    let value = |name: &str| {
        environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    };
    let mut found = Toolchains::default();
    let (Some(path), Some(home)) = (value("PATH"), value("HOME")) else { return found };
    let home = Path::new(home);
    let is_known = |program: &OsString| {
        SYSTEM.iter().any(|folder| Path::new(folder).join(program).symlink_metadata().is_ok())
    };
    for folder in path.split(':').map(Path::new) {
        let hidden = folder.is_absolute() && !SHOWN.iter().any(|shown| folder.starts_with(shown));
        let Some(name) = folder.to_str() else { continue };
        let seen = found.path.iter().any(|known| known == name);
        // A folder anywhere else, such as `/work/x/bin`, is the author's project, no toolchain.
        if !hidden || seen || !folder.starts_with(home) || folder == home {
            continue;
        }
        let shown = with_companions(folder, home);
        let own = programs(folder, &shown);
        if own.is_empty() || folder.ends_with("shims") || own.iter().any(is_known) {
            continue;
        }
        found.path.push(name.to_owned());
        found.folders.push(shown);
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

/// The programs in a folder that will run when only `shown` is: a link that leads out of it to
/// another hidden place does not.
fn programs(folder: &Path, shown: &Path) -> Vec<OsString> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let reachable = |path: &Path| {
        path.starts_with(shown) || SHOWN.iter().any(|system| path.starts_with(system))
    };
    entries
        .flatten()
        .filter(|entry| {
            fs::canonicalize(entry.path()).is_ok_and(|path| reachable(&path))
                && fs::metadata(entry.path())
                    .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
        .map(|entry| entry.file_name())
        .collect()
}
