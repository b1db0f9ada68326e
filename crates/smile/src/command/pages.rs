//! Tutorials as commands get them: found, read, parsed, checked.

use std::{
    cell::RefCell,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use smile_sandbox::Share;
use smile_server::{Page, select};
use smile_tutorial::{Action, CheckContext, Finding, Tutorial, check, parse_with_limit};

use crate::{
    config::Loaded,
    failure::{Failure, exit},
};

/// Where the reader sees the tutorial and what belongs to it, beside the empty work folder.
const TUTORIAL_FOLDER: &str = "/workspace/tutorial";

/// One tutorial, read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The file, as named from where `smile` was started.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) tutorial: Arc<Tutorial>,
    /// What the static reading finds.
    pub(crate) findings: Vec<Finding>,
    /// Its images, relative to its folder.
    images: Vec<PathBuf>,
}

/// Reads the tutorials that `paths` name, or the configured one. All are read before anything is
/// done with the first, so that a page that cannot be read stops nothing half-way.
pub(crate) fn read(paths: &[PathBuf], loaded: &Loaded) -> Result<Vec<Reading>, Failure> {
    let settings = &loaded.settings;
    let configured = [settings.tutorial.clone()];
    let paths = if paths.is_empty() { &configured } else { paths };
    let pages = select(paths, settings.tutorial_bytes_max)
        .map_err(|error| Failure::usage(&error, error.hint()))?;
    let roots: Vec<&Path> = loaded
        .folder
        .iter()
        .chain(paths.iter().filter(|path| path.is_dir()))
        .map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path })
        .collect();
    pages.into_iter().map(|page| reading(page, settings.tutorial_bytes_max, &roots)).collect()
}

/// Reads one page. Its images must lie in its own folder or in one of `roots` above it.
fn reading(page: Page, bytes_max: u64, roots: &[&Path]) -> Result<Reading, Failure> {
    let name = page.path.display().to_string();
    let limit = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let tutorial = parse_with_limit(&name, &page.bytes, limit)
        .map_err(|error| Failure::usage(&error, error.hint()))?;
    let folder = page.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let outside = RefCell::new(None);
    let images = RefCell::new(Vec::new());
    let exists = |target: &str| {
        let path = folder.join(target);
        let image = is_image(target);
        if leaves(&path, folder, roots) {
            // A page taken out of its project still runs; what it shows from there is not at hand.
            if image && path.exists() {
                outside.borrow_mut().get_or_insert_with(|| target.to_owned());
            }
            return None;
        }
        let exists = path.exists();
        if image && exists {
            images.borrow_mut().push(PathBuf::from(target));
        }
        Some(exists)
    };
    let findings = check(&tutorial, &CheckContext { exists: &exists });
    if let Some(image) = outside.into_inner() {
        return Err(Failure {
            code: exit::USAGE,
            message: format!("`{name}` shows the image `{image}`, which lies outside its folder"),
            hint: "move the image beside the page, or put a smile.json into the folder that holds \
                   both"
                .to_owned(),
        });
    }
    let images = images.into_inner();
    Ok(Reading { path: page.path, tutorial: Arc::new(tutorial), findings, images })
}

fn is_image(target: &str) -> bool {
    Path::new(target).extension().is_some_and(|extension| {
        ["png", "jpg", "jpeg", "gif", "svg", "webp"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// Whether a path leads out of `folder` and of every root that holds it, by name or by a link.
fn leaves(path: &Path, folder: &Path, roots: &[&Path]) -> bool {
    let Ok(home) = folder.canonicalize() else { return true };
    // What does not exist cannot be a link: its name decides.
    let place = path.canonicalize().unwrap_or_else(|_| flatten(&home, path, folder));
    let above = roots.iter().filter_map(|root| root.canonicalize().ok());
    let above = above.filter(|root| home.starts_with(root));
    !above.chain([home.clone()]).any(|root| place.starts_with(root))
}

/// `path`, which begins with `folder`, as an absolute path without `..`.
fn flatten(home: &Path, path: &Path, folder: &Path) -> PathBuf {
    let rest = path.strip_prefix(folder).unwrap_or(path);
    let mut place = home.to_owned();
    for part in rest.components() {
        match part {
            Component::ParentDir => {
                place.pop();
            }
            Component::Normal(name) => place.push(name),
            Component::RootDir => place = PathBuf::from("/"),
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    place
}

/// What the reader is shown of the page: the page itself and its images, read-only.
pub(crate) fn shares(reading: &Reading) -> Vec<Share> {
    let folder = reading.path.parent().unwrap_or(Path::new(""));
    let name = reading.path.file_name().map(PathBuf::from).unwrap_or_default();
    let images = reading.images.iter().filter(|image| {
        image.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    });
    std::iter::once(&name)
        .chain(images)
        .map(|path| Share {
            source: folder.join(path),
            destination: Path::new(TUTORIAL_FOLDER).join(path),
            copied: false,
        })
        .collect()
}

/// Whether the reports are those of several tutorials: a folder or pattern was named, or more than
/// one file. One page in a folder today may be two tomorrow; the names of reports must not jump.
pub(crate) fn several(paths: &[PathBuf], readings: &[Reading]) -> bool {
    readings.len() > 1 || paths.iter().any(|path| !path.is_file())
}

/// Whether a reader has anything to do.
pub(crate) fn has_steps(tutorial: &Tutorial) -> bool {
    tutorial.steps.iter().any(|step| !matches!(step.action, Action::Look))
}

/// A page named by itself must have something to do.
pub(crate) fn refuse_without_steps(reading: &Reading) -> Result<(), Failure> {
    if has_steps(&reading.tutorial) {
        return Ok(());
    }
    Err(Failure {
        code: exit::USAGE,
        message: format!("`{}` has no step that a reader could carry out", reading.path.display()),
        hint: format!(
            "commands stand in blocks such as ```sh; `smile explain {}` shows how it is read",
            reading.path.display()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stay_in_the_folder_of_the_page_or_of_the_project() {
        let top = tempfile::tempdir().unwrap();
        let docs = top.path().join("docs");
        std::fs::create_dir_all(docs.join("img")).unwrap();
        std::fs::write(docs.join("img/a.png"), "x").unwrap();
        std::fs::write(top.path().join("b.png"), "x").unwrap();
        std::os::unix::fs::symlink(top.path().join("b.png"), docs.join("c.png")).unwrap();
        let check = |target: &str, roots: &[&Path], expected: bool| {
            assert_eq!(leaves(&docs.join(target), &docs, roots), expected, "{target}");
        };
        check("img/a.png", &[], false);
        check("img/none.png", &[], false);
        check("img/../../none.png", &[], true);
        check("../b.png", &[], true);
        check("c.png", &[], true);
        check("/etc/x.png", &[], true);
        check("../b.png", &[top.path()], false);
        check("../b.png", &[Path::new("/usr")], true);
    }
}
