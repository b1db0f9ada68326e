//! Which files are tutorials: paths, folders and patterns become pages of a bounded size.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use globset::GlobBuilder;
use ignore::WalkBuilder;

/// The default limit of one page: 100 KB.
pub const PAGE_BYTES_MAX: u64 = 100 * 1024;

/// One tutorial's file, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// As the user would name it from where `smile` was started.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// No such file or folder.
    #[error("there is no file or folder `{}`", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
        /// A file of nearly that name beside it.
        nearest: Option<PathBuf>,
    },
    /// A folder without Markdown.
    #[error("the folder `{}` has no Markdown page", path.display())]
    NoPages {
        /// As given.
        path: PathBuf,
    },
    /// A pattern without a match.
    #[error("no Markdown page matches `{pattern}`")]
    NoMatch {
        /// As given.
        pattern: String,
    },
    /// A pattern that is none.
    #[error("`{pattern}` is not a pattern")]
    BadPattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// Over the limit.
    #[error("`{}` has {bytes} bytes; the limit for a tutorial is {bytes_max}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// Nothing but white space.
    #[error("`{}` is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Neither file nor folder.
    #[error("`{}` is neither a file nor a folder", path.display())]
    Strange {
        /// As given.
        path: PathBuf,
    },
    /// The system refused.
    #[error("could not read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PageError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { nearest: Some(nearest), .. } => {
                format!("did you mean `{}`?", nearest.display())
            }
            Self::Missing { nearest: None, .. } => {
                "check the path, or name a folder to run every page in it".to_owned()
            }
            Self::NoPages { .. } => {
                "pages end in `.md` or `.markdown`; those that git or .smileignore ignores are left out"
                    .to_owned()
            }
            Self::NoMatch { .. } => {
                "`*` stays within one folder and `**` crosses them: `'docs/**/*.md'`".to_owned()
            }
            Self::BadPattern { .. } => "use `*`, `**`, `?`, `[a-z]` and `{a,b}`".to_owned(),
            Self::TooLarge { .. } => {
                "split the page, or raise `tutorialBytesMax` in smile.json".to_owned()
            }
            Self::Empty { .. } => "write the first step and run it again".to_owned(),
            Self::Strange { .. } => "name a Markdown file or a folder of them".to_owned(),
            Self::Io { .. } => "make it readable for your user".to_owned(),
        }
    }
}

/// Finds and reads the pages that `arguments` name, in order, each once.
pub fn select(arguments: &[PathBuf], bytes_max: u64) -> Result<Vec<Page>, PageError> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for argument in arguments {
        for path in expand(argument)? {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths.into_iter().map(|path| read(path, bytes_max)).collect()
}

fn expand(argument: &Path) -> Result<Vec<PathBuf>, PageError> {
    match std::fs::metadata(argument) {
        Ok(metadata) if metadata.is_file() => Ok(vec![argument.to_owned()]),
        Ok(metadata) if metadata.is_dir() => {
            let pages = walk(argument)?;
            if pages.is_empty() {
                return Err(PageError::NoPages { path: argument.to_owned() });
            }
            Ok(pages)
        }
        Ok(_) => Err(PageError::Strange { path: argument.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match argument.to_str() {
            Some(pattern) if pattern.contains(['*', '?', '[', '{']) => matching(pattern),
            _ => Err(PageError::Missing { path: argument.to_owned(), nearest: nearest(argument) }),
        },
        Err(source) => Err(PageError::Io { path: argument.to_owned(), source }),
    }
}

/// Every page below `folder` that is not ignored, by path.
fn walk(folder: &Path) -> Result<Vec<PathBuf>, PageError> {
    let mut pages = Vec::new();
    let walk = WalkBuilder::new(folder)
        .require_git(false)
        .add_custom_ignore_filename(".smileignore")
        .filter_entry(|entry| entry.depth() == 0 || !is_own_report(entry.path()))
        .sort_by_file_name(Ord::cmp)
        .build();
    for entry in walk {
        let entry = entry.map_err(|error| PageError::Io {
            path: folder.to_owned(),
            source: error.into_io_error().unwrap_or_else(|| io::Error::other("unreadable")),
        })?;
        let page = entry.path().extension().is_some_and(|extension| {
            extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown")
        });
        if page && entry.file_type().is_some_and(|kind| kind.is_file()) {
            let path = entry.into_path();
            pages.push(path.strip_prefix("./").map(Path::to_owned).unwrap_or(path));
        }
    }
    Ok(pages)
}

fn is_own_report(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "smile-report.md" || name == "smile-report")
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>, PageError> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let matcher = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|source| PageError::BadPattern { pattern: pattern.to_owned(), source })?
        .compile_matcher();
    // The folders before the first special character need no walk through their neighbours.
    let fixed = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    let root = match pattern[..fixed].rfind('/') {
        Some(0) => Path::new("/"),
        Some(end) => Path::new(&pattern[..end]),
        None => Path::new("."),
    };
    let found = if root.is_dir() { walk(root)? } else { Vec::new() };
    let found: Vec<_> = found.into_iter().filter(|path| matcher.is_match(path)).collect();
    if found.is_empty() {
        return Err(PageError::NoMatch { pattern: pattern.to_owned() });
    }
    Ok(found)
}

fn read(path: PathBuf, bytes_max: u64) -> Result<Page, PageError> {
    let failed = |source| PageError::Io { path: path.clone(), source };
    let file = File::open(&path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that grew from one that fits.
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(PageError::TooLarge { path, bytes: size.max(bytes_max + 1), bytes_max });
    }
    if bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes).trim_ascii().is_empty() {
        return Err(PageError::Empty { path });
    }
    Ok(Page { path, bytes })
}

/// A file in the same folder whose name differs by a slip of the finger.
fn nearest(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| {
            (strsim::damerau_levenshtein(&name.to_lowercase(), &wanted.to_lowercase()), name)
        })
        .filter(|(distance, name)| *distance <= 3 && *distance * 2 < name.len())
        .min()
        .map(|(_, name)| path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn names(folder: &Path, argument: &str) -> Vec<String> {
        let pages = select(&[folder.join(argument)], PAGE_BYTES_MAX).unwrap();
        pages
            .iter()
            .map(|page| page.path.strip_prefix(folder).unwrap().display().to_string())
            .collect()
    }

    fn refusal(content: &[u8]) -> String {
        let folder = folder(&[("page.md", content)]);
        select(&[folder.path().join("page.md")], PAGE_BYTES_MAX)
            .unwrap_err()
            .to_string()
            .replace(&folder.path().display().to_string(), "DIR")
    }

    #[test]
    fn a_folder_gives_its_pages_without_ignored_ones_and_own_reports() {
        let folder = folder(&[
            ("b.md", b"b"),
            ("a/a.markdown", b"a"),
            ("a/notes.txt", b"no"),
            ("drafts/d.md", b"no"),
            ("old/o.md", b"no"),
            ("smile-report.md", b"no"),
            ("smile-report/b.md", b"no"),
            (".hidden/h.md", b"no"),
            (".gitignore", b"old/\n"),
            (".smileignore", b"drafts/\n"),
        ]);
        assert_eq!(names(folder.path(), ""), ["a/a.markdown", "b.md"]);
        assert_eq!(names(folder.path(), "**/*.md"), ["b.md"]);
        assert_eq!(names(folder.path(), "{a,b}/*.markdown"), ["a/a.markdown"]);
    }

    #[test]
    fn the_same_page_named_twice_is_one() {
        let folder = folder(&[("a.md", b"a")]);
        let path = folder.path().join("a.md");
        assert_eq!(select(&[path.clone(), path], PAGE_BYTES_MAX).unwrap().len(), 1);
    }

    #[test]
    fn each_refusal_names_the_thing_and_the_cause() {
        assert_eq!(refusal(b" \r\n\t"), "`DIR/page.md` is empty");
        assert_eq!(refusal(b"\xef\xbb\xbf\n"), "`DIR/page.md` is empty");
        assert_eq!(
            refusal(&vec![b'a'; 102_401]),
            "`DIR/page.md` has 102401 bytes; the limit for a tutorial is 102400"
        );
        let folder = folder(&[("tutorial.md", b"x"), ("empty/x.txt", b"x")]);
        let error = select(&[folder.path().join("tutorail.md")], PAGE_BYTES_MAX).unwrap_err();
        assert!(error.hint().contains("tutorial.md"), "{}", error.hint());
        let error = select(&[folder.path().join("empty")], PAGE_BYTES_MAX).unwrap_err();
        assert!(matches!(error, PageError::NoPages { .. }));
        let error = select(&[folder.path().join("none-*.md")], PAGE_BYTES_MAX).unwrap_err();
        assert!(matches!(error, PageError::NoMatch { .. }));
    }
}
