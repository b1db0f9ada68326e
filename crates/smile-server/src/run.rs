//! One run of one tutorial, from its lock to its reports.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use smile_loop::{EnvironmentNote, FailOn, Mentor, RunHeader, RunRecord, Settings, exit_code};
use smile_sandbox::{Backend, SandboxSpec};
use smile_tutorial::{Finding, Tutorial};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    DriveError, KeepError, Kept, Lock, LockError, Owner, RunState, Watcher,
    drive::Drive,
    hands::Hands as _,
    journal::{self, Journal},
    watch::{Complete, Event},
    workshop::Workshop,
    write_atomically,
};

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// The tutorial's file, as named from where `smile` was started.
    pub path: PathBuf,
    /// The tutorial.
    pub tutorial: Arc<Tutorial>,
    /// What the static reading found.
    pub findings: Vec<Finding>,
    /// How the loop is to behave.
    pub settings: Settings,
    /// The whole run's time.
    pub timeout: Duration,
    /// The sandbox.
    pub spec: SandboxSpec,
    /// The same in words, as reports show it.
    pub sandbox: String,
    /// The reader's circumstances.
    pub persona: String,
    /// Where runs are kept.
    pub kept: Kept,
    /// The reports to write.
    pub reports: Reports,
    /// From which severity on gaps fail the run.
    pub fail_on: FailOn,
}

/// Where reports go; none: not wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// For people.
    pub markdown: Option<PathBuf>,
    /// For programs.
    pub json: Option<PathBuf>,
    /// Every command with its end.
    pub audit: Option<PathBuf>,
}

/// A run that came to a defined end.
#[derive(Debug, Clone)]
pub struct Finished {
    /// What happened.
    pub record: RunRecord,
    /// The exit code that it deserves.
    pub exit_code: u8,
    /// The reports that were written.
    pub reports: Vec<PathBuf>,
}

/// Why a run did not come to a defined end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Another run of the same tutorial goes on.
    #[error("`{}` cannot be run now", path.display())]
    Locked {
        /// The tutorial.
        path: PathBuf,
        /// Who holds it.
        source: LockError,
    },
    /// The run could not be kept.
    #[error("the run could not be kept")]
    Keep(#[source] KeepError),
    /// The loop could not be driven on.
    #[error("the run broke off")]
    Drive(#[source] DriveError),
    /// A report could not be written.
    #[error("could not write the report `{}`", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// This process could not find out who it is.
    #[error("could not read this process's own state from /proc")]
    Identity(#[source] io::Error),
}

impl RunError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { source: LockError::Io { .. }, .. } => {
                "name a place you may write to with `--state-file`"
            }
            Self::Locked { .. } => "wait until it is done, or stop that process",
            Self::Keep(error) | Self::Drive(DriveError::Keep(error)) => error.hint(),
            Self::Drive(_) => "please report this with the run's folder under `.smile/runs/`",
            Self::Report { .. } => "name a folder you may write to with `--output-dir`",
            Self::Identity(_) => "mount /proc",
        }
    }
}

/// Follows one tutorial and writes its reports. `cancel` stops it within a second; what was found
/// so far is reported all the same.
pub async fn run(
    plan: RunPlan,
    backend: Arc<dyn Backend>,
    watcher: &mut Watcher,
    cancel: CancellationToken,
) -> Result<Finished, RunError> {
    let started = Instant::now();
    let started_at = jiff::Timestamp::now();
    let run_id = run_id(started_at);
    let owner = Owner::current(&run_id).map_err(RunError::Identity)?;
    let lock = Lock::take(&plan.kept.lock_file(&lock_name(&plan)), &owner)
        .map_err(|source| RunError::Locked { path: plan.path.clone(), source })?;
    plan.kept.prune();
    let state = RunState {
        version: journal::VERSION,
        run_id: run_id.clone(),
        tutorial: plan.path.display().to_string(),
        persona: plan.persona.clone(),
        state: String::new(),
        status: None,
        owner,
        updated_at: String::new(),
        reports: Vec::new(),
    };
    let mut journal = Journal::begin(plan.kept.clone(), state, &plan.tutorial.text)
        .await
        .map_err(RunError::Keep)?;
    watcher
        .tell(Event::RunStarted {
            run_id: run_id.clone(),
            tutorial: plan.path.display().to_string(),
            title: plan.tutorial.title.clone(),
            steps: u32::try_from(plan.tutorial.steps.len()).unwrap_or(u32::MAX),
            lines: u32::try_from(plan.tutorial.text.lines().count()).unwrap_or(u32::MAX),
        })
        .await;
    let mut workshop = Workshop::new(backend, plan.spec.clone());
    let drive = Drive {
        tutorial: plan.tutorial.clone(),
        settings: plan.settings.clone(),
        timeout: plan.timeout,
        journal: &mut journal,
        watcher,
        cancel,
        started,
    };
    let outcome = drive.run(&mut workshop).await.map_err(RunError::Drive)?;
    let described = workshop.described();
    let header = RunHeader {
        run_id,
        smile_version: env!("CARGO_PKG_VERSION").to_owned(),
        tutorial_sha256: hex(&Sha256::digest(plan.tutorial.text.as_bytes())),
        started_at: started_at.to_string(),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        sandbox: match &described {
            Some(described) => described.words.clone(),
            None => plan.sandbox.clone(),
        },
        persona: plan.persona.clone(),
        student: "literal".to_owned(),
        mentor: match plan.settings.mentor {
            Mentor::None => "none",
            Mentor::Asked => "asked",
        }
        .to_owned(),
    };
    let mut record = RunRecord::assemble(header, &plan.tutorial, outcome, &plan.findings);
    let notes = described.map(|described| described.notes).unwrap_or_default();
    record.notes.splice(..0, notes.iter().cloned());
    let finished = report(&plan, record, &mut journal).await?;
    tell_end(&finished, &notes, watcher).await;
    drop(lock);
    Ok(finished)
}

async fn report(
    plan: &RunPlan,
    record: RunRecord,
    journal: &mut Journal,
) -> Result<Finished, RunError> {
    let json: Arc<str> = smile_report::json(&record).into();
    let mut written = Vec::new();
    let texts = [
        (&plan.reports.markdown, Arc::from(smile_report::markdown(&record, &plan.tutorial))),
        (&plan.reports.json, json.clone()),
        (&plan.reports.audit, Arc::from(smile_report::audit_log(&record))),
    ];
    for (path, text) in texts {
        let Some(path) = path else { continue };
        write(path, text)
            .await
            .map_err(|source| RunError::Report { path: path.clone(), source })?;
        written.push(path.clone());
    }
    let names = written.iter().map(|path| path.display().to_string()).collect();
    journal.finish(&record, json, names).await.map_err(RunError::Keep)?;
    let exit_code = exit_code(&record, plan.fail_on);
    Ok(Finished { record, exit_code, reports: written })
}

async fn write(path: &Path, text: Arc<str>) -> io::Result<()> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || write_atomically(&path, text.as_bytes()))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Tells what only the finished run shows. `told` was said at its start.
async fn tell_end(finished: &Finished, told: &[EnvironmentNote], watcher: &mut Watcher) {
    let record = &finished.record;
    for note in record.notes.iter().filter(|note| !told.contains(note)) {
        watcher.tell(Event::Note(note.clone())).await;
    }
    for gap in &record.gaps {
        watcher.tell(Event::GapFound(Box::new(gap.clone()))).await;
    }
    let complete = Complete {
        status: record.status,
        detail: record.status_detail.clone(),
        exit_code: finished.exit_code,
        duration_ms: record.duration_ms,
        carried_out: record.coverage.carried_out,
        as_promised: record.coverage.as_promised,
        blocked_at_line: record.blocked_at.as_ref().map(|place| place.line),
        reports: finished.reports.iter().map(|path| path.display().to_string()).collect(),
    };
    watcher.tell(Event::LoopComplete(Box::new(complete))).await;
}

/// Sorts by time; two runs that begin in the same second on one machine differ by process.
fn run_id(at: jiff::Timestamp) -> String {
    let subsecond = at.subsec_nanosecond() / 1_000_000;
    format!("{}-{subsecond:03}-{}", at.strftime("%Y%m%d-%H%M%S"), std::process::id())
}

/// One lock a tutorial and persona, however the tutorial is named.
fn lock_name(plan: &RunPlan) -> String {
    let path = plan.path.canonicalize().unwrap_or_else(|_| plan.path.clone());
    let digest = Sha256::digest(format!("{}\0{}", path.display(), plan.persona));
    format!("{}.lock", &hex(&digest)[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // Writing to a string cannot fail.
        text
    })
}
