//! A followed tutorial as a list of test cases, for the formats that know nothing else.

use smile_loop::{FailOn, Gap, RunStatus, StepOutcome, StepRecord};
use smile_tutorial::Lines;

use crate::{
    Followed,
    text::{line_list, machine, short},
};

/// A step, or a gap where no step stands.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// Where it stands; none for the page as a whole.
    pub(crate) lines: Option<Lines>,
    /// What is done there, on one line.
    pub(crate) name: String,
    /// What came of it.
    pub(crate) verdict: Verdict<'a>,
    /// How long it took.
    pub(crate) duration_ms: u64,
    /// What was printed, free of control characters.
    pub(crate) output: String,
}

/// What came of a case.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// As promised, but for gaps that are too light to fail it.
    Passed(Vec<&'a Gap>),
    /// With its gaps, the heaviest first; never empty.
    Failed(Vec<&'a Gap>),
    /// Not carried out, or failed for a reason that is not this place's; and why.
    Skipped(String),
    /// The run did not come to its end; says nothing about the tutorial.
    Inconclusive(String),
}

/// Every step, every gap beside the steps, and the run itself where it did not come to its end.
pub(crate) fn cases<'a>(followed: &Followed<'a>, fail_on: FailOn) -> Vec<Case<'a>> {
    let record = followed.record;
    let mut of_steps: Vec<Vec<&Gap>> = vec![Vec::new(); record.steps.len()];
    let mut beside = Vec::new();
    for gap in &record.gaps {
        match step_of(gap, &record.steps) {
            Some(at) => of_steps[at].push(gap),
            None => beside.push(gap),
        }
    }
    let mut cases: Vec<Case<'a>> = record
        .steps
        .iter()
        .zip(of_steps)
        .map(|(step, gaps)| {
            let seen = step.last_seen();
            Case {
                lines: Some(step.lines),
                name: short(&machine(&step.what), 120),
                verdict: verdict(step, gaps, &record.gaps, fail_on),
                duration_ms: seen.map_or(0, |seen| seen.duration_ms),
                output: seen.map(|seen| machine(&seen.output.text)).unwrap_or_default(),
            }
        })
        .collect();
    cases.extend(beside.into_iter().map(|gap| Case {
        lines: Some(Lines::new(gap.location.first_line, gap.location.last_line)),
        name: smile_loop::kind_name(gap.kind).replace('-', " "),
        verdict: weighed(vec![gap], fail_on),
        duration_ms: 0,
        output: String::new(),
    }));
    cases.sort_by_key(|case| case.lines.map_or(0, |lines| lines.first));
    if !came_to_an_end(record.status) {
        cases.push(Case {
            lines: None,
            name: "the run comes to its end".to_owned(),
            verdict: Verdict::Inconclusive(machine(&crate::verdict(record))),
            duration_ms: 0,
            output: String::new(),
        });
    }
    cases
}

/// The step that a gap belongs to: the one at its place, or the one whose promised output stands
/// there.
fn step_of(gap: &Gap, steps: &[StepRecord]) -> Option<usize> {
    let place = Lines::new(gap.location.first_line, gap.location.last_line);
    steps.iter().position(|step| step.lines.overlaps(place)).or_else(|| {
        let command = &gap.evidence.first()?.command;
        steps.iter().rposition(|step| step.lines.first <= place.first && step.what == *command)
    })
}

/// Whether the status is about the tutorial. Where it is not, a list without failures would look
/// like success.
pub(crate) fn came_to_an_end(status: RunStatus) -> bool {
    matches!(status, RunStatus::Completed | RunStatus::Blocker | RunStatus::MaxIterations)
}

fn verdict<'a>(step: &StepRecord, gaps: Vec<&'a Gap>, all: &[Gap], fail_on: FailOn) -> Verdict<'a> {
    if !gaps.is_empty() {
        return weighed(gaps, fail_on);
    }
    match &step.outcome {
        StepOutcome::Passed | StepOutcome::FailedAsShown => Verdict::Passed(Vec::new()),
        StepOutcome::Failed(why) => Verdict::Skipped(match cause(step, all) {
            Some(gap) => {
                format!("fails because of line {}: {}", gap.location.first_line, one_line(why))
            }
            None => format!("failed, by no fault of the page: {}", one_line(why)),
        }),
        StepOutcome::Skipped(why) => Verdict::Skipped(one_line(why)),
        StepOutcome::SandboxLimited(why) => {
            Verdict::Skipped(format!("the sandbox's limits: {}", one_line(why)))
        }
        _ => Verdict::Skipped("unknown".to_owned()),
    }
}

/// One cause is one failure: what follows from a gap elsewhere is not counted again.
fn cause<'a>(step: &StepRecord, all: &'a [Gap]) -> Option<&'a Gap> {
    let here = |first: u32, last: u32| step.lines.overlaps(Lines::new(first, last));
    all.iter().find(|gap| {
        gap.consequences.iter().any(|later| here(later.first_line, later.first_line))
            || gap.locations.iter().any(|place| here(place.first_line, place.last_line))
    })
}

fn weighed(mut gaps: Vec<&Gap>, fail_on: FailOn) -> Verdict<'_> {
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.severity));
    if gaps.iter().any(|gap| fail_on.counts(gap.severity)) {
        Verdict::Failed(gaps)
    } else {
        Verdict::Passed(gaps)
    }
}

/// Everything about a gap in running text: what, where else, what was seen, what would help.
pub(crate) fn told(gap: &Gap) -> String {
    let mut parts = vec![machine(&gap.problem)];
    if gap.locations.len() > 1 {
        let others = gap.locations.iter().skip(1).map(|place| place.first_line);
        parts.push(format!("The same at: line {}.", line_list(others, 30)));
    }
    if !gap.consequences.is_empty() {
        let lines = line_list(gap.consequences.iter().map(|later| later.first_line), 30);
        parts.push(format!("Fails because of it: line {lines}."));
    }
    if let Some(evidence) = gap.evidence.first() {
        let end = evidence.exit_code.map_or_else(
            || "it did not end by itself".to_owned(),
            |code| format!("exit code {code}"),
        );
        let output = machine(evidence.note.as_deref().unwrap_or(&evidence.output));
        let output = output.trim_end();
        let command = machine(&evidence.command);
        parts.push(format!(
            "$ {command}\n{output}{}({end})",
            if output.is_empty() { "" } else { "\n" }
        ));
    }
    if !gap.suggestion.text.is_empty() {
        parts.push(format!("What would help: {}", machine(&gap.suggestion.text)));
    }
    parts.join("\n\n")
}

/// All of a text, on one line.
pub(crate) fn one_line(text: &str) -> String {
    machine(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
