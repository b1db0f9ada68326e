//! Where the configuration is: in the tutorial's folder or above it.

use std::path::{Path, PathBuf};

/// The configuration's name.
pub(crate) const NAME: &str = "smile.json";

/// The nearest `smile.json`, in `start` or above, named relative to the current folder where
/// that is shorter to read.
pub(crate) fn find(start: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let start = here.join(start).canonicalize().ok()?;
    let found = start.ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file())?;
    Some(relative(&found, &here))
}

/// `path` as seen from `here`: below it, or at most some folders up.
fn relative(path: &Path, here: &Path) -> PathBuf {
    let shared = here.ancestors().position(|folder| path.starts_with(folder));
    let Some((up, rest)) = shared.and_then(|up| {
        let folder = here.ancestors().nth(up)?;
        Some((up, path.strip_prefix(folder).ok()?))
    }) else {
        return path.to_owned();
    };
    if up > 3 { path.to_owned() } else { Path::new(&"../".repeat(up)).join(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_short_as_they_read_well() {
        let relative = |path: &str, here: &str| {
            super::relative(Path::new(path), Path::new(here)).display().to_string()
        };
        assert_eq!(relative("/a/b/smile.json", "/a/b"), "smile.json");
        assert_eq!(relative("/a/b/c/smile.json", "/a/b"), "c/smile.json");
        assert_eq!(relative("/a/smile.json", "/a/b/c"), "../../smile.json");
        assert_eq!(relative("/smile.json", "/a/b/c/d/e"), "/smile.json");
    }

    #[test]
    fn the_nearest_one_above_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(NAME), "{}").unwrap();
        let found = find(&deep).unwrap();
        assert_eq!(found.canonicalize().unwrap(), folder.path().join(NAME).canonicalize().unwrap());
    }
}
