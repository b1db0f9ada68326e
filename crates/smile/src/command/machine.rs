//! Documents for other tools, over all tutorials of a run: SARIF, JUnit, TAP, GitHub Actions.

use std::{
    fs::OpenOptions,
    hash::{BuildHasher as _, RandomState},
    io::Write as _,
    path::{Path, PathBuf},
};

use smile_report::Followed;
use smile_server::{FailOn, RunRecord};

use crate::{
    command::run::write,
    config::{Format, Settings},
    failure::{Failure, exit},
    output::{self, Paint},
    terminal::{Entry, Show},
};

/// The formats that are files, and their names.
const FILES: [(Format, &str); 3] = [
    (Format::Sarif, "smile-report.sarif"),
    (Format::Junit, "smile-report.junit.xml"),
    (Format::Tap, "smile-report.tap"),
];

/// Writes and prints what is wanted of these formats.
pub(crate) fn report(entries: &[Entry], settings: &Settings, shown: Show) -> Result<(), Failure> {
    let records = || entries.iter().filter_map(|entry| Some(&entry.finished.as_ref()?.record));
    let mut written = Vec::new();
    for (format, name) in FILES {
        if settings.formats.contains(&format) {
            let path = settings.output_dir.join(name);
            write(&path, &document(format, records(), settings.fail_on))?;
            written.push(path.display().to_string());
        }
    }
    if matches!(shown, Show::Progress { .. }) && !written.is_empty() {
        let paint = Paint::for_stdout();
        let names = paint.strong.apply_to(written.join(", "));
        output::print(&format!("  {}    {names}\n", paint.dim.apply_to("Also")))?;
    }
    if settings.formats.contains(&Format::Github) {
        let annotations = document(Format::Github, records(), settings.fail_on);
        // Events as JSON lines have standard output to themselves; a runner reads both.
        if shown == Show::Json {
            output::print_beside(&annotations);
        } else {
            output::print(&annotations)?;
        }
        append_summary(records())?;
    }
    Ok(())
}

/// The records as one document. Markdown and JSON are not among these: they are one a tutorial.
pub(crate) fn document<'a>(
    format: Format,
    records: impl Iterator<Item = &'a RunRecord>,
    fail_on: FailOn,
) -> String {
    with_files(records, |followed| match format {
        Format::Sarif => smile_report::sarif(followed),
        Format::Junit => smile_report::junit(followed, fail_on),
        Format::Tap => smile_report::tap(followed, fail_on),
        Format::Github => smile_report::github_annotations(followed),
        Format::Md | Format::Json => String::new(),
    })
}

/// Adds the summary to the file that GitHub Actions names, where it names one.
pub(crate) fn append_summary<'a>(
    records: impl Iterator<Item = &'a RunRecord>,
) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let text = with_files(records, smile_report::github_summary);
    let appended = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    appended.map_err(|error| Failure {
        code: exit::HARNESS,
        message: format!("could not add the summary to `{}`: {error}", path.display()),
        hint: "GITHUB_STEP_SUMMARY names that file; unset it where there is none".to_owned(),
    })
}

fn with_files<'a>(
    records: impl Iterator<Item = &'a RunRecord>,
    write: impl FnOnce(&[Followed<'_>]) -> String,
) -> String {
    let root = std::env::var_os("GITHUB_WORKSPACE")
        .filter(|root| !root.is_empty())
        .map_or_else(|| PathBuf::from("."), PathBuf::from);
    let records: Vec<(&RunRecord, String)> =
        records.map(|record| (record, below(Path::new(&record.tutorial), &root))).collect();
    let followed: Vec<Followed<'_>> =
        records.iter().map(|(record, file)| Followed { record, file }).collect();
    write(&followed)
}

/// The file relative to the root of the sources; as it was named where it lies elsewhere or is gone.
fn below(file: &Path, root: &Path) -> String {
    let relative = || {
        let file = file.canonicalize().ok()?;
        let root = root.canonicalize().ok()?;
        Some(file.strip_prefix(root).ok()?.display().to_string())
    };
    relative().unwrap_or_else(|| file.display().to_string())
}

/// While a tutorial runs in GitHub Actions, nothing that it prints is a command to the runner.
#[derive(Debug)]
pub(crate) struct CommandsOff {
    token: Option<String>,
}

impl CommandsOff {
    /// Turns commands off where a runner reads the progress.
    pub(crate) fn begin(settings: &Settings, shown: Show) -> Result<Self, Failure> {
        let read = settings.formats.contains(&Format::Github)
            && matches!(shown, Show::Progress { .. })
            && std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        if !read {
            return Ok(Self { token: None });
        }
        // Keyed from the system's randomness: what runs in the sandbox cannot guess it.
        let part = || RandomState::new().hash_one(std::process::id());
        let token = format!("smile-{:016x}{:016x}", part(), part());
        output::print(&format!("::stop-commands::{token}\n"))?;
        Ok(Self { token: Some(token) })
    }

    /// Turns them on again.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.token {
            Some(token) => output::print(&format!("::{token}::\n")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root_of_the_sources() {
        let root = tempfile::tempdir().unwrap();
        let page = root.path().join("docs/a.md");
        std::fs::create_dir_all(page.parent().unwrap()).unwrap();
        std::fs::write(&page, "x").unwrap();
        assert_eq!(below(&page, root.path()), "docs/a.md");
        assert_eq!(below(&page, &root.path().join("docs")), "a.md");
        assert_eq!(below(&page, Path::new("/usr")), page.display().to_string());
        assert_eq!(below(Path::new("gone/b.md"), root.path()), "gone/b.md");
    }
}
