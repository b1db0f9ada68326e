//! Files in and out.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::message::GuestError;

/// How a file is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) append: bool,
    pub(crate) make_folders: bool,
    pub(crate) mode: u32,
}

/// The absolute path of what was written as `path` in a session's directory.
pub(crate) fn resolve(path: &str, cwd: &str, home: &str) -> PathBuf {
    match path.strip_prefix('~') {
        Some("") => PathBuf::from(home),
        Some(rest) if rest.starts_with('/') => Path::new(home).join(rest.trim_start_matches('/')),
        _ => Path::new(cwd).join(path),
    }
}

/// Writes a file whole or not at all: to a temporary name, synced, renamed. An existing file
/// keeps its mode; a link is followed, as an editor does.
///
/// # Errors
/// With the code that fits the failed system call.
pub(crate) fn write(path: &Path, bytes: &[u8], manner: Manner) -> Result<(), GuestError> {
    let shown = path.display().to_string();
    let failed = |error: io::Error| GuestError::io(&shown, &error);
    if manner.make_folders
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    if path.is_dir() {
        return Err(GuestError::new("INVALID_INPUT", format!("{shown}: is a directory")));
    }
    if manner.append {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(manner.mode)
            .open(path)
            .map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.sync_data()).map_err(failed)?;
        return Ok(());
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = fs::metadata(&target).map_or(manner.mode, |there| there.mode());
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| GuestError::new("INVALID_INPUT", format!("{shown}: no name")))?;
    let temporary = target.with_file_name(format!(".{name}.{}", &crate::session::word()[..8]));
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
        file.sync_data()?;
        fs::rename(&temporary, &target)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)
}

/// Reads at most `bytes_max` of a file, and says how long it is.
///
/// # Errors
/// With the code that fits the failed system call.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<(Vec<u8>, u64), GuestError> {
    let failed = |error: io::Error| GuestError::io(&path.display().to_string(), &error);
    // Only what is a file is opened: a fifo would wait for its writer for ever.
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let message = format!("{}: not a regular file", path.display());
        return Err(GuestError::new("INVALID_INPUT", message));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max).read_to_end(&mut bytes))
        .map_err(failed)?;
    Ok((bytes, metadata.len()))
}

/// Saves what a reader types into an editor.
///
/// # Errors
/// In words.
pub(crate) fn write_as_editor(path: &str, cwd: &str, home: &str, text: &str) -> Result<(), String> {
    let manner = Manner { append: false, make_folders: false, mode: 0o644 };
    write(&resolve(path, cwd, home), text.as_bytes(), manner).map_err(|error| error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Manner = Manner { append: false, make_folders: false, mode: 0o644 };

    #[test]
    fn paths_are_resolved_as_a_shell_does() {
        let check = |path: &str, expected: &str| {
            assert_eq!(resolve(path, "/w", "/home/a"), Path::new(expected), "{path}");
        };
        check("app.py", "/w/app.py");
        check("/etc/x", "/etc/x");
        check("~/x", "/home/a/x");
        check("~", "/home/a");
        check("~x", "/w/~x");
    }

    #[test]
    fn files_are_replaced_whole_and_keep_their_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.sh");
        write(&path, b"one\n", Manner { mode: 0o755, ..PLAIN }).unwrap();
        write(&path, b"two\n", PLAIN).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o755);
        write(&path, b"three\n", Manner { append: true, ..PLAIN }).unwrap();
        assert_eq!(read(&path, 100).unwrap(), (b"two\nthree\n".to_vec(), 10));
        assert_eq!(read(&path, 3).unwrap(), (b"two".to_vec(), 10));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
    }

    #[test]
    fn failures_have_codes() {
        let folder = tempfile::tempdir().unwrap();
        let code = |result: Result<(), GuestError>| result.unwrap_err().code;
        let missing = folder.path().join("a/b");
        assert_eq!(code(write(&missing, b"", PLAIN)), "NOT_FOUND");
        write(&missing, b"", Manner { make_folders: true, ..PLAIN }).unwrap();
        assert_eq!(code(write(folder.path(), b"", PLAIN)), "INVALID_INPUT");
        assert_eq!(code(read(Path::new("/dev/zero"), 9).map(drop)), "INVALID_INPUT");
        assert_eq!(code(read(&folder.path().join("none"), 9).map(drop)), "NOT_FOUND");
    }
}
