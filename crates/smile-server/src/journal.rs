//! What a run leaves on disk: a journal that is synced before anything is acted upon, the state
//! of the latest run, and the record when it is over.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use smile_loop::{RunRecord, RunStatus, State, StepRecord};
use smile_tutorial::{Tutorial, parse_with_limit};

use crate::{Owner, write_atomically};

/// The version of the journal and of the state file.
pub(crate) const VERSION: u32 = 1;
/// The page as it was when the run began.
const PAGE: &str = "tutorial.md";
/// How many finished runs are kept.
const RUNS_KEPT: usize = 20;

/// One line of a journal.
#[derive(Debug, Serialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub(crate) enum Entry<'a> {
    /// The run has begun.
    Started { state: &'a RunState },
    /// The loop went into another state.
    Transition { at_ms: u64, state: &'static str },
    /// A step begins.
    StepStarted { at_ms: u64, step: u32, line: u32, what: &'a str },
    /// A step has ended.
    StepFinished { at_ms: u64, record: &'a StepRecord },
    /// The run is over.
    Finished { at_ms: u64, status: RunStatus },
}

/// A run's state, as in `state.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunState {
    /// The version of this format.
    pub version: u32,
    /// The run.
    pub run_id: String,
    /// The tutorial's file.
    pub tutorial: String,
    /// The persona.
    pub persona: String,
    /// The loop's state, such as `waiting-for-student`.
    pub state: String,
    /// How it ended; none while it goes on.
    pub status: Option<RunStatus>,
    /// Which process carries it out.
    pub owner: Owner,
    /// When it last changed, RFC 3339.
    pub updated_at: String,
    /// The reports, once they are written.
    pub reports: Vec<String>,
}

/// Why what a run leaves could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The system refused.
    #[error("could not {doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No run of that name.
    #[error("there is no kept run `{wanted}` in `{}`", folder.display())]
    NoRun {
        /// As asked for.
        wanted: String,
        /// Where runs are kept.
        folder: PathBuf,
    },
    /// Several runs of that name.
    #[error("`{wanted}` is the beginning of several runs")]
    Ambiguous {
        /// As asked for.
        wanted: String,
    },
    /// Not finished, or damaged.
    #[error("the run `{run_id}` has no finished record")]
    Unfinished {
        /// The run.
        run_id: String,
    },
    /// Written by another version.
    #[error("`{}` has version {version}; this program reads version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
}

impl KeepError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "name a place you may write to with `--state-file` or `--output-dir`"
            }
            Self::NoRun { .. } | Self::Ambiguous { .. } => "`smile report --list` shows them",
            Self::Unfinished { .. } => "run the tutorial again, or name another run",
            Self::Version { .. } => "use the version of smile that wrote it, or run again",
        }
    }

    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}

/// The folder `.smile` with all runs, named by the state file in it.
#[derive(Debug, Clone)]
pub struct Kept {
    state_file: PathBuf,
}

impl Kept {
    /// Runs are kept beside `state_file`.
    pub fn new(state_file: PathBuf) -> Self {
        Self { state_file }
    }

    /// The state of the latest run.
    pub fn state_file(&self) -> &Path {
        &self.state_file
    }

    fn folder(&self) -> &Path {
        self.state_file.parent().unwrap_or(Path::new(""))
    }

    fn runs(&self) -> PathBuf {
        self.folder().join("runs")
    }

    /// The lock of one tutorial and persona.
    pub(crate) fn lock_file(&self, name: &str) -> PathBuf {
        self.folder().join("locks").join(name)
    }

    /// The runs that are kept, latest first.
    pub fn list(&self) -> Result<Vec<RunState>, KeepError> {
        let runs = self.runs();
        let entries = match fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(KeepError::io("read", &runs)(error)),
        };
        let mut states: Vec<RunState> = entries
            .filter_map(|entry| {
                let text = fs::read(entry.ok()?.path().join("state.json")).ok()?;
                serde_json::from_slice(&text).ok()
            })
            .collect();
        states.sort_by(|one, other| other.run_id.cmp(&one.run_id));
        Ok(states)
    }

    /// The record of a finished run and the page as it was: the latest, or the one whose id begins
    /// with `wanted`.
    pub fn finished(&self, wanted: Option<&str>) -> Result<(RunRecord, Tutorial), KeepError> {
        let states = self.list()?;
        let mut fitting = states.iter().filter(|state| match wanted {
            Some(wanted) => state.run_id.starts_with(wanted),
            None => state.status.is_some(),
        });
        let missing = || KeepError::NoRun {
            wanted: wanted.unwrap_or("latest").to_owned(),
            folder: self.runs(),
        };
        let state = fitting.next().ok_or_else(missing)?;
        if let Some(wanted) = wanted
            && fitting.next().is_some()
        {
            return Err(KeepError::Ambiguous { wanted: wanted.to_owned() });
        }
        let unfinished = || KeepError::Unfinished { run_id: state.run_id.clone() };
        let folder = self.runs().join(&state.run_id);
        let path = folder.join("record.json");
        let text = fs::read(&path).map_err(|_| unfinished())?;
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|_| unfinished())?;
        let version = value["version"].as_u64().unwrap_or(0);
        if version != u64::from(RunRecord::VERSION) {
            return Err(KeepError::Version { path, version });
        }
        let record: RunRecord = serde_json::from_value(value).map_err(|_| unfinished())?;
        let page = fs::read(folder.join(PAGE)).map_err(|_| unfinished())?;
        let tutorial = parse_with_limit(&record.tutorial, &page, page.len());
        Ok((record, tutorial.map_err(|_| unfinished())?))
    }

    /// Removes the oldest finished runs beyond those that are kept. What cannot be removed stays.
    pub(crate) fn prune(&self) {
        let finished = self.list().unwrap_or_default();
        let finished =
            finished.iter().filter(|state| state.status.is_some() || !state.owner.is_alive());
        for state in finished.skip(RUNS_KEPT) {
            let _ = fs::remove_dir_all(self.runs().join(&state.run_id));
        }
    }
}

/// One run being written.
#[derive(Debug)]
pub(crate) struct Journal {
    kept: Kept,
    folder: PathBuf,
    file: Arc<File>,
    state: RunState,
    unwritten: Vec<u8>,
}

impl Journal {
    /// Makes the run's folder and its first entry.
    pub(crate) async fn begin(kept: Kept, state: RunState, page: &str) -> Result<Self, KeepError> {
        let folder = kept.runs().join(&state.run_id);
        fs::create_dir_all(&folder).map_err(KeepError::io("make", &folder))?;
        // What SMILE keeps is nobody's source; a repository need not be told.
        let ignore = kept.folder().join(".gitignore");
        if kept.folder().ends_with(".smile") && !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(KeepError::io("write", &ignore))?;
        }
        let copy = folder.join(PAGE);
        fs::write(&copy, page).map_err(KeepError::io("write", &copy))?;
        let path = folder.join("journal.jsonl");
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(KeepError::io("make", &path))?;
        let mut journal = Self { kept, folder, file: Arc::new(file), state, unwritten: Vec::new() };
        let state = journal.state.clone();
        journal.note(&Entry::Started { state: &state });
        journal.sync().await?;
        journal.write_state().await?;
        Ok(journal)
    }

    /// Adds an entry; it counts once [`Journal::sync`] is through.
    pub(crate) fn note(&mut self, entry: &Entry<'_>) {
        serde_json::to_writer(&mut self.unwritten, entry).expect("an entry has only text keys");
        self.unwritten.push(b'\n');
    }

    /// Writes and syncs what was noted: only after this may it be acted upon.
    pub(crate) async fn sync(&mut self) -> Result<(), KeepError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let (file, bytes) = (self.file.clone(), std::mem::take(&mut self.unwritten));
        blocking(move || (&*file).write_all(&bytes).and_then(|()| file.sync_data()))
            .await
            .map_err(KeepError::io("write", &self.folder.join("journal.jsonl")))
    }

    /// Writes and syncs what was noted, and the loop's state if it is another one.
    pub(crate) async fn transition(&mut self, at_ms: u64, state: State) -> Result<(), KeepError> {
        let name = name(state);
        if name == self.state.state {
            return self.sync().await;
        }
        self.note(&Entry::Transition { at_ms, state: name });
        self.sync().await?;
        name.clone_into(&mut self.state.state);
        self.write_state().await
    }

    /// The run is over: its record is kept, then its state says so.
    pub(crate) async fn finish(
        &mut self,
        record: &RunRecord,
        json: Arc<str>,
        reports: Vec<String>,
    ) -> Result<(), KeepError> {
        let path = self.folder.join("record.json");
        let to = path.clone();
        blocking(move || write_atomically(&to, json.as_bytes()))
            .await
            .map_err(KeepError::io("write", &path))?;
        self.note(&Entry::Finished { at_ms: record.duration_ms, status: record.status });
        self.sync().await?;
        self.state.status = Some(record.status);
        "finished".clone_into(&mut self.state.state);
        self.state.reports = reports;
        self.write_state().await
    }

    async fn write_state(&mut self) -> Result<(), KeepError> {
        self.state.updated_at = jiff::Timestamp::now().to_string();
        let mut text = serde_json::to_vec_pretty(&self.state).expect("a state has only text keys");
        text.push(b'\n');
        let text: Arc<[u8]> = text.into();
        for path in [self.folder.join("state.json"), self.kept.state_file().to_owned()] {
            let (to, text) = (path.clone(), text.clone());
            blocking(move || write_atomically(&to, &text))
                .await
                .map_err(KeepError::io("write", &path))?;
        }
        Ok(())
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn name(state: State) -> &'static str {
    match state {
        State::Starting => "starting",
        State::RunningStudent { .. } => "running-student",
        State::WaitingForStudent { .. } => "waiting-for-student",
        State::RunningMentor { .. } => "running-mentor",
        State::WaitingForMentor { .. } => "waiting-for-mentor",
        State::Finished(_) => "finished",
    }
}
