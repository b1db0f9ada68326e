//! What performs the loop: drives sandboxes, keeps runs, answers watchers.

mod drive;
mod file;
mod hands;
mod journal;
mod lock;
mod page;
mod run;
mod watch;
mod workshop;

pub use smile_loop::{
    CommandEnd, EnvironmentNote, FailOn, Gap, GoingOn, Patience, RunRecord, RunStatus,
    Settings as LoopSettings, StepOutcome, StepRecord, StudentBehavior, exit_code_of_many,
};

pub use drive::DriveError;
pub use file::write_atomically;
pub use journal::{KeepError, Kept, RunState};
pub use lock::{Lock, LockError, Owner};
pub use page::{PAGE_BYTES_MAX, Page, PageError, select};
pub use run::{Finished, Reports, RunError, RunPlan, run};
pub use watch::{Complete, EVENTS_MAX, Event, Watched, Watcher};
