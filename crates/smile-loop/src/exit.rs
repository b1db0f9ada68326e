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

#[cfg(test)]
mod tests {
    use smile_tutorial::{Kind, Location};

    use super::*;
    use crate::{Confidence, Coverage, Gap, Proof, SandboxFacts, Suggestion};

    fn record(status: RunStatus, severities: &[Severity]) -> RunRecord {
        let location = Location {
            file: "t.md".to_owned(),
            first_line: 1,
            last_line: 1,
            quote: String::new(),
            headings: Vec::new(),
        };
        let gap = |severity: &Severity| Gap {
            id: "x".to_owned(),
            kind: Kind::FailingCommand,
            trigger: None,
            severity: *severity,
            location: location.clone(),
            locations: vec![location.clone()],
            consequences: Vec::new(),
            problem: String::new(),
            evidence: Vec::new(),
            personas: Vec::new(),
            mentor_notes: Vec::new(),
            suggestion: Suggestion::default(),
            proof: Proof::Untested,
            confidence: Confidence::High,
        };
        RunRecord {
            version: RunRecord::VERSION,
            run_id: String::new(),
            smile_version: String::new(),
            tutorial: "t.md".to_owned(),
            title: None,
            tutorial_sha256: String::new(),
            status,
            status_detail: None,
            started_at: String::new(),
            duration_ms: 0,
            sandbox: String::new(),
            persona: String::new(),
            student: String::new(),
            mentor: String::new(),
            iterations: 1,
            steps: Vec::new(),
            facts: SandboxFacts::default(),
            coverage: Coverage::default(),
            blocked_at: None,
            gaps: severities.iter().map(gap).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn exit_codes() {
        use FailOn as F;
        use RunStatus as R;
        use Severity::{Critical, Major, Minor};
        for (status, gaps, fail_on, code) in [
            (R::Completed, &[][..], F::Minor, 0),
            (R::Completed, &[Minor][..], F::Major, 0),
            (R::Completed, &[Minor][..], F::Minor, 1),
            (R::Completed, &[Minor, Major][..], F::Major, 1),
            (R::Completed, &[Major][..], F::Critical, 0),
            (R::Completed, &[Critical][..], F::Critical, 1),
            (R::Completed, &[Critical][..], F::Never, 0),
            (R::Blocker, &[Major][..], F::Major, 1),
            (R::Blocker, &[Major][..], F::Never, 0),
            (R::MaxIterations, &[][..], F::Major, 1),
            (R::HarnessError, &[Critical][..], F::Never, 3),
            (R::Timeout, &[][..], F::Never, 4),
            (R::Stopped, &[Critical][..], F::Major, 130),
        ] {
            assert_eq!(
                exit_code(&record(status, gaps), fail_on),
                code,
                "{status:?} {gaps:?} {fail_on:?}"
            );
        }
    }

    #[test]
    fn the_gravest_of_many() {
        for (codes, code) in [
            (&[][..], 0),
            (&[0, 0][..], 0),
            (&[0, 1][..], 1),
            (&[1, 4, 0][..], 4),
            (&[4, 3, 1][..], 3),
            (&[3, 130][..], 130),
        ] {
            assert_eq!(exit_code_of_many(codes.iter().copied()), code, "{codes:?}");
        }
    }
}
