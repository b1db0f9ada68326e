//! Which files changed under the folders where a reader works.
//!
//! Each folder's entries are remembered with size, time of change and inode; after a command the
//! tree is walked again and compared. The walk is bounded, and says so when it had to stop.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::message::{Change, ChangedFile};

/// Entries looked at in one walk.
const ENTRIES_MAX: usize = 6000;
/// Changes listed for one command.
const LISTED_MAX: usize = 200;
/// Folders whose insides are machinery: seen as one entry.
const OPAQUE: [&str; 9] = [
    "node_modules",
    ".git",
    "__pycache__",
    ".cache",
    ".npm",
    ".cargo",
    ".rustup",
    "site-packages",
    "target",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    folder: bool,
}

/// What was there at the last look.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    roots: Vec<PathBuf>,
    seen: HashMap<PathBuf, Seen>,
    /// The last walk did not see everything, so that nothing can be said about what is new.
    cut: bool,
}

impl Tree {
    /// Looks at the state before a command. Free where the roots are those of the last look.
    pub(crate) fn before(&mut self, roots: &[&str]) {
        let roots = outermost(roots);
        if roots != self.roots {
            (self.seen, self.cut) = walk(&roots);
            self.roots = roots;
        }
    }

    /// What changed since the last look, and whether there is more than is listed.
    pub(crate) fn after(&mut self) -> (Vec<ChangedFile>, bool) {
        let (now, cut) = walk(&self.roots);
        let mut changes = Vec::new();
        for (path, entry) in &now {
            match self.seen.get(path) {
                None if !self.cut => changes.push((path, Change::Made, entry.bytes)),
                // A folder's own times change with its entries, which are listed themselves.
                Some(before) if before != entry && !entry.folder => {
                    changes.push((path, Change::Changed, entry.bytes));
                }
                None | Some(_) => {}
            }
        }
        if !cut {
            let gone = self.seen.keys().filter(|path| !now.contains_key(*path));
            changes.extend(gone.map(|path| (path, Change::Removed, 0)));
        }
        changes.sort_by(|a, b| a.0.cmp(b.0));
        let more = cut || self.cut || changes.len() > LISTED_MAX;
        let listed = changes.into_iter().take(LISTED_MAX).map(|(path, change, bytes)| {
            ChangedFile { path: path.to_string_lossy().into_owned(), change, bytes }
        });
        let listed = listed.collect();
        self.seen = now;
        self.cut = cut;
        (listed, more)
    }

    /// Takes note of a change that no command made.
    pub(crate) fn note(&mut self, path: &Path) {
        let inside =
            |here: &&Path| self.roots.iter().any(|root| here != root && here.starts_with(root));
        let mut path = Some(path);
        while let Some(here) = path.filter(inside) {
            if let Ok(metadata) = fs::symlink_metadata(here) {
                self.seen.insert(here.to_owned(), seen(&metadata));
            }
            path = here.parent();
        }
    }
}

/// The roots without those inside others; the whole file system is not one.
fn outermost(roots: &[&str]) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = roots
        .iter()
        .map(PathBuf::from)
        .filter(|root| root.is_absolute() && root.parent().is_some())
        .collect();
    roots.sort();
    roots.dedup();
    let all = roots.clone();
    roots.retain(|root| !all.iter().any(|other| other != root && root.starts_with(other)));
    roots
}

fn walk(roots: &[PathBuf]) -> (HashMap<PathBuf, Seen>, bool) {
    let mut seen_now = HashMap::new();
    // Breadth first, so that a deep folder costs no sight of what is near.
    let mut folders: std::collections::VecDeque<PathBuf> = roots.iter().cloned().collect();
    while let Some(folder) = folders.pop_front() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if seen_now.len() >= ENTRIES_MAX {
                return (seen_now, true);
            }
            let Ok(metadata) = entry.metadata() else { continue };
            let path = entry.path();
            let opaque = entry.file_name().to_str().is_some_and(|name| OPAQUE.contains(&name));
            if metadata.is_dir() && !opaque {
                folders.push_back(path.clone());
            }
            seen_now.insert(path, seen(&metadata));
        }
    }
    (seen_now, false)
}

fn seen(metadata: &fs::Metadata) -> Seen {
    Seen {
        inode: metadata.ino(),
        bytes: metadata.len(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
        folder: metadata.is_dir(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_changed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let name = |path: &Path| path.to_str().unwrap().to_owned();
        fs::write(root.join("old"), "1").unwrap();
        fs::write(root.join("same"), "1").unwrap();
        fs::write(root.join("gone"), "1").unwrap();
        let mut tree = Tree::default();
        tree.before(&[&name(root), &name(&root.join("inside")), "/"]);
        fs::write(root.join("old"), "22").unwrap();
        fs::remove_file(root.join("gone")).unwrap();
        fs::create_dir_all(root.join("a/node_modules/x")).unwrap();
        fs::write(root.join("a/new"), "333").unwrap();
        fs::write(root.join("host"), "by the host").unwrap();
        tree.note(&root.join("host"));
        let (changes, more) = tree.after();
        let seen: Vec<_> = changes
            .iter()
            .map(|file| (file.path[name(root).len() + 1..].to_owned(), file.change, file.bytes))
            .filter(|(path, ..)| path != "a" && path != "a/node_modules")
            .collect();
        assert_eq!(
            seen,
            [
                ("a/new".to_owned(), Change::Made, 3),
                ("gone".to_owned(), Change::Removed, 0),
                ("old".to_owned(), Change::Changed, 2),
            ]
        );
        assert!(!more);
        assert_eq!(tree.after(), (Vec::new(), false));
    }

    #[test]
    fn a_huge_tree_is_cut_and_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Tree::default();
        tree.before(&[folder.path().to_str().unwrap()]);
        for number in 0..ENTRIES_MAX + 10 {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        let (changes, more) = tree.after();
        assert_eq!(changes.len(), LISTED_MAX);
        assert!(more);
    }
}
