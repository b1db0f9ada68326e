//! The exit code that a run deserves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smile_tutorial::Severity;

use crate::{RunRecord, RunStatus};

/// From which severity on a completed run counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Only a blocked reader fails the run.
    Critical,
    /// A needed detour, too.
    #[default]
    Major,
    /// Anything.
    Minor,
    /// Gaps never fail a run.
    Never,
}

impl FailOn {
    /// Whether a gap of this severity fails the run.
    pub fn counts(self, severity: Severity) -> bool {
        match self {
            Self::Critical => severity >= Severity::Critical,
            Self::Major => severity >= Severity::Major,
            Self::Minor => true,
            Self::Never => false,
        }
    }
}

/// The exit code: 0 nothing that counts; 1 gaps that count, a blocker, or too many iterations;
/// 3 the tool's own trouble; 4 out of time; 130 stopped.
///
/// `FailOn::Never` makes gaps and a blocker harmless, never the tool's own trouble.
pub fn exit_code(record: &RunRecord, fail_on: FailOn) -> u8 {
    match record.status {
        RunStatus::Completed => {
            u8::from(record.gaps.iter().any(|gap| fail_on.counts(gap.severity)))
        }
        RunStatus::Blocker | RunStatus::MaxIterations => u8::from(fail_on != FailOn::Never),
        RunStatus::HarnessError => 3,
        RunStatus::Timeout => 4,
        RunStatus::Stopped => 130,
    }
}

/// One exit code for several: 130 before 3 before 4 before 1.
pub fn exit_code_of_many(codes: impl IntoIterator<Item = u8>) -> u8 {
    let rank = |code: &u8| match code {
        0 => 0,
        1 => 1,
        4 => 2,
        3 => 3,
        _ => 4,
    };
    codes.into_iter().max_by_key(rank).unwrap_or(0)
}
