//! `smile run`: follows tutorials one after the other and reports on each.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use smile_sandbox::Backend;
use smile_server::{Kept, LockError, Reports, RunError, RunPlan, Watcher, exit_code_of_many};
use tokio_util::sync::CancellationToken;

use crate::{
    backend,
    cli::RunArguments,
    command::{
        machine,
        pages::{self, Reading},
    },
    config::{self, Format, Loaded},
    failure::{Failure, chain, exit},
    output::{self, Paint},
    signal,
    terminal::{Entry, Show, index, index_json, index_markdown, show, summary},
};

/// Runs the command.
pub(crate) fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    let loaded = config::load(&arguments.config, &arguments.paths, arguments.options())?;
    let readings = pages::read(&arguments.paths, &loaded)?;
    let several = pages::several(&arguments.paths, &readings);
    if !several && let Some(reading) = readings.first() {
        pages::refuse_without_steps(reading)?;
    }
    probe_folder(&loaded.settings.output_dir)?;
    let kept = Kept::new(state_file(&loaded, &readings, several));
    let runtime = backend::runtime()?;
    let backend = backend::native()?;
    let shown = Show::new(&arguments.output);
    let code = runtime.block_on(async {
        let cancel = CancellationToken::new();
        let _signals = signal::stop_on_signals(&cancel);
        let mut entries = Vec::new();
        let commands_off = machine::CommandsOff::begin(&loaded.settings, shown)?;
        for reading in readings {
            if cancel.is_cancelled() {
                break;
            }
            let plan = plan(&loaded, &kept, &reading, several);
            entries.push(one(&reading, plan, backend.clone(), shown, cancel.clone()).await?);
        }
        let code = if several {
            close(&entries, &loaded, shown, &cancel)?
        } else {
            entries.first().map_or(exit::OK, Entry::exit_code)
        };
        commands_off.end()?;
        machine::report(&entries, &loaded.settings, shown)?;
        Ok(code)
    });
    // What still blocks a thread (a terminal that takes nothing) must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn one(
    reading: &Reading,
    plan: Option<RunPlan>,
    backend: Arc<dyn Backend>,
    shown: Show,
    cancel: CancellationToken,
) -> Result<Entry, Failure> {
    let path = reading.path.display().to_string();
    let Some(plan) = plan else {
        return Ok(Entry { path, finished: None });
    };
    let (mut watcher, events) = Watcher::new(cancel.clone());
    let screen = show(shown, events);
    let outcome = smile_server::run(plan, backend, &mut watcher, cancel).await;
    drop(watcher);
    // The screen has everything that was sent; it needs no longer than the terminal takes.
    let _ = tokio::task::spawn_blocking(move || screen.join()).await;
    let finished = outcome.map_err(|error| failure(&error))?;
    if matches!(shown, Show::Progress { .. }) {
        output::print(&summary(&finished, &Paint::for_stdout()))?;
    }
    Ok(Entry { path, finished: Some(finished) })
}

fn plan(loaded: &Loaded, kept: &Kept, reading: &Reading, several: bool) -> Option<RunPlan> {
    let settings = &loaded.settings;
    if !pages::has_steps(&reading.tutorial) {
        return None;
    }
    let mut spec = settings.spec.clone();
    for share in pages::shares(reading) {
        spec = spec.with_share(share);
    }
    Some(RunPlan {
        path: reading.path.clone(),
        tutorial: Arc::clone(&reading.tutorial),
        findings: reading.findings.clone(),
        settings: settings.looping.clone(),
        timeout: settings.timeout,
        spec,
        sandbox: settings.sandbox.clone(),
        persona: settings.persona.to_owned(),
        kept: kept.clone(),
        reports: reports(loaded, &reading.path, several),
        fail_on: settings.fail_on,
    })
}

/// One tutorial gives `smile-report.*`; several give `smile-report/PATH.*`.
fn reports(loaded: &Loaded, path: &Path, several: bool) -> Reports {
    let settings = &loaded.settings;
    let folder = &settings.output_dir;
    let (markdown, json, audit) = if several {
        let place = folder.join("smile-report").join(below(path));
        let with = |extension: &str| PathBuf::from(format!("{}.{extension}", place.display()));
        (with("md"), with("json"), with("audit.log"))
    } else {
        (
            folder.join("smile-report.md"),
            folder.join("smile-report.json"),
            folder.join("smile-audit.log"),
        )
    };
    let wanted = |format| settings.formats.contains(&format);
    Reports {
        markdown: wanted(Format::Md).then_some(markdown),
        json: wanted(Format::Json).then_some(json),
        audit: Some(audit),
    }
}

/// The path without its extension, made to stay below a folder.
fn below(path: &Path) -> PathBuf {
    path.with_extension("")
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(PathBuf::from(name)),
            Component::ParentDir => Some(PathBuf::from("_")),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

fn close(
    entries: &[Entry],
    loaded: &Loaded,
    shown: Show,
    cancel: &CancellationToken,
) -> Result<u8, Failure> {
    let code = if cancel.is_cancelled() {
        exit::STOPPED
    } else {
        exit_code_of_many(entries.iter().map(Entry::exit_code))
    };
    let folder = loaded.settings.output_dir.join("smile-report");
    write(&folder.join("index.md"), &index_markdown(entries, &folder))?;
    write(&folder.join("index.json"), &index_json(entries, code))?;
    if matches!(shown, Show::Progress { .. }) {
        output::print(&index(entries, &folder, &Paint::for_stdout()))?;
    }
    Ok(code)
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    smile_server::write_atomically(path, text.as_bytes()).map_err(|error| Failure {
        code: exit::HARNESS,
        message: format!("could not write the report `{}`: {error}", path.display()),
        hint: "name a folder you may write to with `--output-dir`".to_owned(),
    })
}

/// Where the latest run's state goes: as set, else beside the configuration, else beside the
/// tutorial; where that cannot be written, in the current folder.
fn state_file(loaded: &Loaded, readings: &[Reading], several: bool) -> PathBuf {
    let settings = &loaded.settings;
    if let Some(path) = &settings.state_file {
        return path.clone();
    }
    let home = match (&loaded.folder, readings.first()) {
        (Some(folder), _) => folder.clone(),
        (None, Some(reading)) if !several => {
            reading.path.parent().unwrap_or(Path::new("")).to_owned()
        }
        _ => PathBuf::new(),
    };
    let kept = home.join(".smile");
    let usable = std::fs::create_dir_all(&kept).is_ok() && writable(&kept);
    if usable { kept.join("state.json") } else { PathBuf::from(".smile/state.json") }
}

fn writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".{}.probe", std::process::id()));
    let made = std::fs::write(&probe, b"").is_ok();
    let _ = std::fs::remove_file(&probe);
    made
}

/// Reports are worth the run only where they can be written.
fn probe_folder(folder: &Path) -> Result<(), Failure> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let refused = |why: String| Failure {
        code: exit::USAGE,
        message: format!("reports cannot be written to `{}`{why}", folder.display()),
        hint: "name a folder you may write to with `--output-dir`".to_owned(),
    };
    std::fs::create_dir_all(folder).map_err(|error| refused(format!(": {error}")))?;
    if writable(folder) { Ok(()) } else { Err(refused(String::new())) }
}

fn failure(error: &RunError) -> Failure {
    let code = match error {
        RunError::Locked { source: LockError::Held(_) | LockError::HeldByUnknown, .. } => {
            exit::USAGE
        }
        _ => exit::HARNESS,
    };
    Failure { code, message: chain(error), hint: error.hint().to_owned() }
}

/// The runs of one state file, for `smile report`.
pub(crate) fn kept(loaded: &Loaded) -> Kept {
    Kept::new(state_file_for_reading(loaded))
}

fn state_file_for_reading(loaded: &Loaded) -> PathBuf {
    let settings = &loaded.settings;
    settings
        .state_file
        .clone()
        .unwrap_or_else(|| loaded.folder.clone().unwrap_or_default().join(".smile/state.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_stay_below_their_folder() {
        let check = |path: &str, expected: &str| {
            assert_eq!(below(Path::new(path)), Path::new(expected), "{path}");
        };
        check("docs/start.md", "docs/start");
        check("../up/start.md", "_/up/start");
        check("/abs/./start.markdown", "abs/start");
    }
}
