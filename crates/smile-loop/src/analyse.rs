//! From what was observed to gaps with their causes.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use smile_tutorial::{Action, Finding, Kind, Lines, Location, Severity, Tutorial};

use crate::{
    BlockedAt, CommandEnd, Confidence, Consequence, Coverage, EnvironmentNote, Evidence, Gap,
    Outcome, Proof, RunRecord, SandboxFacts, StepOutcome, StepRecord, Suggestion,
    cause::{self, Cause, Causes, Key},
    diagnose::{self, Context, Diagnosis},
    judge::{Complaint, Judgement},
    links, locate,
};

/// So many files that nothing makes have one reason: the page has companions.
const STRAY_FILES_MIN: usize = 4;
/// The most bytes of an output kept as evidence.
const EVIDENCE_BYTES_MAX: usize = 4_000;
/// The most commands shown as evidence of one gap.
const EVIDENCE_MAX: usize = 3;

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
    tutorial: &Tutorial,
    records: &[StepRecord],
    facts: &SandboxFacts,
    findings: &[Finding],
) -> Analysis {
    let Causes { causes, judgements } = cause::find(tutorial, records, facts);
    let context = Context { tutorial, records, judgements: &judgements, facts };
    let (notes_of, gaps_of): (Vec<Cause>, Vec<Cause>) =
        causes.into_iter().partition(|cause| cause.note);

    let mut found: Vec<(Cause, Diagnosis)> = gaps_of
        .into_iter()
        .map(|cause| {
            let diagnosis = diagnose::diagnose(&cause, &context);
            (cause, diagnosis)
        })
        .collect();
    one_gap_for_stray_files(&mut found);

    let mut gaps: Vec<Gap> =
        found.iter().map(|(cause, diagnosis)| gap_of(cause, diagnosis, &context)).collect();
    if tutorial.reference.is_some() {
        gaps.retain(is_real_prerequisite);
    }
    let (alone, findings) = links::stand_alone(findings, tutorial);
    merge_findings(&mut gaps, &findings, tutorial, records);
    gaps.sort_by_key(|gap| (gap.location.first_line, gap.location.last_line, gap.kind));
    name_gaps(&mut gaps);

    Analysis {
        blocked_at: blocked_at(&gaps, tutorial),
        coverage: coverage(records, &judgements),
        notes: alone.into_iter().chain(notes(&notes_of, &context)).collect(),
        gaps,
    }
}

/// On a reference card only what every reader needs counts.
fn is_real_prerequisite(gap: &Gap) -> bool {
    gap.kind == Kind::MissingPrerequisite
        && gap.evidence.iter().any(|evidence| evidence.exit_code == Some(127))
}

/// Joins files that no step makes into one gap, where there are many of them.
fn one_gap_for_stray_files(found: &mut Vec<(Cause, Diagnosis)>) {
    let strays: Vec<usize> = found
        .iter()
        .enumerate()
        .filter(|(_, (_, diagnosis))| diagnosis.stray_file.is_some())
        .map(|(at, _)| at)
        .collect();
    if strays.len() < STRAY_FILES_MIN {
        return;
    }
    let names: Vec<String> =
        strays.iter().filter_map(|&at| found[at].1.stray_file.clone()).collect();
    for &at in strays.iter().skip(1).rev() {
        let (other, _) = found.remove(at);
        let (first, _) = &mut found[strays[0]];
        first.steps.extend(other.steps);
        first.consequences.extend(other.consequences);
    }
    let (cause, diagnosis) = &mut found[strays[0]];
    cause.steps.sort_unstable();
    cause.consequences.sort_unstable();
    let shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more =
        if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
    diagnosis.kind = Kind::MissingPrerequisite;
    diagnosis.severity = Severity::Critical;
    diagnosis.problem = format!(
        "The page works on files that it neither makes nor offers: {}{more}. A reader who has only this page is stuck.",
        shown.join(", ")
    );
    diagnosis.suggestion = Suggestion {
        text: "Say before the first step where to get these files and which folder to be in."
            .to_owned(),
        patch: None,
    };
}

fn gap_of(cause: &Cause, diagnosis: &Diagnosis, context: &Context<'_>) -> Gap {
    let locations: Vec<Location> =
        cause.steps.iter().map(|&index| place_of(index, &cause.complaint, context)).collect();
    let mut consequences: Vec<Consequence> = cause
        .consequences
        .iter()
        .filter(|index| !cause.steps.contains(index))
        .map(|&index| Consequence {
            first_line: context.records[index].lines.first,
            what: context.records[index].what.clone(),
        })
        .collect();
    consequences.sort_by_key(|consequence| consequence.first_line);
    consequences.dedup();
    let evidence = cause
        .steps
        .iter()
        .take(EVIDENCE_MAX)
        .filter_map(|&index| evidence_of(cause, index, context))
        .collect();
    Gap {
        id: String::new(),
        kind: diagnosis.kind,
        trigger: Some(diagnosis.trigger),
        severity: diagnosis.severity,
        location: locations[0].clone(),
        locations,
        consequences,
        problem: diagnosis.problem.clone(),
        evidence,
        personas: Vec::new(),
        mentor_notes: Vec::new(),
        suggestion: diagnosis.suggestion.clone(),
        proof: Proof::Untested,
        confidence: diagnosis.confidence,
    }
}

/// The step, or for an output the line of the page that did not come.
fn place_of(index: usize, complaint: &Complaint, context: &Context<'_>) -> Location {
    let step = &context.tutorial.steps[index];
    if let (Complaint::Mismatch(_), Action::Run(command)) = (complaint, &step.action)
        && let Some(expected) = &command.expected
        && let Some(Complaint::Mismatch(difference)) = &context.judgements[index].complaint
    {
        let first = difference.missing.first().map(|line| line.trim());
        let number = (expected.lines.first..=expected.lines.last)
            .find(|&number| Some(locate::line(context.tutorial, number).trim()) == first);
        let lines = number.map_or(expected.lines, Lines::one);
        return context.tutorial.location(lines);
    }
    context.tutorial.location(step.lines)
}

fn evidence_of(cause: &Cause, index: usize, context: &Context<'_>) -> Option<Evidence> {
    let record = &context.records[index];
    let detour = record.detour.as_ref().filter(|_| cause.detour);
    let (command, seen) = match detour {
        Some(detour) => (&detour.command, &detour.observation),
        None => (&record.what, record.observation.as_ref()?),
    };
    let exit_code = match seen.end {
        CommandEnd::Exited { code } | CommandEnd::ShellEnded { code } => Some(code),
        _ => None,
    };
    let note = match (&cause.complaint, &context.judgements[index].complaint) {
        (Complaint::Mismatch(_), Some(Complaint::Mismatch(difference))) => {
            Some(difference.diff.clone())
        }
        _ => None,
    };
    let plain = crate::plain(&seen.output.text);
    Some(Evidence {
        command: command.clone(),
        exit_code,
        output: locate::tail(plain.trim_end(), EVIDENCE_BYTES_MAX),
        note,
    })
}

/// Adds what the static reading found and the run has neither found nor refuted.
fn merge_findings(
    gaps: &mut Vec<Gap>,
    findings: &[Finding],
    tutorial: &Tutorial,
    records: &[StepRecord],
) {
    for finding in findings {
        let Some(first) = finding.locations.first() else { continue };
        if tutorial.reference.is_some()
            && !matches!(finding.kind, Kind::NotASequence | Kind::MissingImage | Kind::BrokenLink)
        {
            continue;
        }
        let lines: Vec<Lines> =
            finding.locations.iter().map(|l| Lines::new(l.first_line, l.last_line)).collect();
        let known = gaps.iter().any(|gap| {
            related(gap.kind, finding.kind)
                && (gap.locations.iter().any(|place| {
                    lines.iter().any(|l| l.overlaps(Lines::new(place.first_line, place.last_line)))
                }) || gap
                    .consequences
                    .iter()
                    .any(|c| lines.iter().any(|l| l.overlaps(Lines::one(c.first_line)))))
        });
        if known || refuted(finding.kind, &lines, records) {
            continue;
        }
        gaps.push(Gap {
            id: String::new(),
            kind: finding.kind,
            trigger: None,
            severity: finding.severity,
            location: first.clone(),
            locations: finding.locations.clone(),
            consequences: Vec::new(),
            problem: sentence(&finding.problem),
            evidence: Vec::new(),
            personas: Vec::new(),
            mentor_notes: Vec::new(),
            suggestion: Suggestion { text: sentence(&finding.suggestion), patch: None },
            proof: Proof::Untested,
            confidence: Confidence::Medium,
        });
    }
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut text = fragment.trim().to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !text.is_empty() && !text.ends_with(['.', '!', '?', ':']) {
        text.push('.');
    }
    text
}

/// Whether two kinds at one place are two words for one thing.
fn related(a: Kind, b: Kind) -> bool {
    const GROUPS: &[&[Kind]] = &[
        &[Kind::Placeholder, Kind::FailingCommand, Kind::AmbiguousInstruction, Kind::Network],
        &[Kind::UndefinedVariable, Kind::SilentFailure, Kind::Placeholder],
        &[
            Kind::MissingFile,
            Kind::MissingPrerequisite,
            Kind::HardCodedPath,
            Kind::WrongDirectory,
            Kind::SilentFailure,
            Kind::AmbiguousInstruction,
        ],
        &[Kind::LongRunning, Kind::InteractiveCommand],
        &[Kind::BrokenLink, Kind::Network, Kind::FailingCommand],
        &[Kind::OutputMismatch, Kind::VersionDrift, Kind::NondeterministicOutput],
        &[Kind::MissingPrerequisite, Kind::FailingCommand, Kind::PlatformAlternative],
    ];
    a == b || GROUPS.iter().any(|group| group.contains(&a) && group.contains(&b))
}

/// Whether the run has shown that a suspicion was wrong: every step there did as promised.
fn refuted(kind: Kind, lines: &[Lines], records: &[StepRecord]) -> bool {
    let testable = matches!(
        kind,
        Kind::MissingFile
            | Kind::MissingPrerequisite
            | Kind::FailingCommand
            | Kind::HardCodedPath
            | Kind::WrongDirectory
            | Kind::LongRunning
            | Kind::InteractiveCommand
            | Kind::Permission
            | Kind::NeedsDisplay
            | Kind::OutputMismatch
    );
    let mut there = records
        .iter()
        .filter(|record| {
            record.observation.is_some() && lines.iter().any(|l| l.overlaps(record.lines))
        })
        .peekable();
    testable
        && there.peek().is_some()
        && there.all(|r| matches!(r.outcome, StepOutcome::Passed | StepOutcome::FailedAsShown))
}

/// Gives each gap an id that stays when lines above it come and go.
fn name_gaps(gaps: &mut [Gap]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for gap in gaps {
        let kind = kind_name(gap.kind);
        let mut hash = Sha256::new();
        hash.update(&kind);
        for heading in &gap.location.headings {
            hash.update([0]);
            hash.update(heading);
        }
        hash.update([1]);
        hash.update(gap.location.quote.lines().next().unwrap_or_default().trim());
        let digest = hash.finalize();
        let short = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let id = format!("{kind}-{short:08x}");
        let count = seen.entry(id.clone()).or_insert(0);
        *count += 1;
        gap.id = if *count == 1 { id } else { format!("{id}-{count}") };
    }
}

/// A kind as it is written in reports.
pub fn kind_name(kind: Kind) -> String {
    let mut name = String::new();
    for (at, c) in format!("{kind:?}").char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

fn blocked_at(gaps: &[Gap], tutorial: &Tutorial) -> Option<BlockedAt> {
    let gap =
        gaps.iter().find(|gap| gap.severity == Severity::Critical && gap.trigger.is_some())?;
    let lines = Lines::new(gap.location.first_line, gap.location.last_line);
    let step = tutorial.steps.iter().find(|step| step.lines.overlaps(lines))?;
    Some(BlockedAt { step: step.number, line: lines.first, gap: gap.id.clone() })
}

fn coverage(records: &[StepRecord], judgements: &[Judgement]) -> Coverage {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let promised =
        |r: &&StepRecord| matches!(r.outcome, StepOutcome::Passed | StepOutcome::FailedAsShown);
    Coverage {
        steps: count(records.len()),
        carried_out: count(records.iter().filter(|r| r.observation.is_some()).count()),
        as_promised: count(records.iter().filter(promised).count()),
        outputs_compared: count(judgements.iter().filter(|j| j.compared).count()),
    }
}

fn notes(causes: &[Cause], context: &Context<'_>) -> Vec<EnvironmentNote> {
    let mut notes: Vec<EnvironmentNote> =
        causes.iter().map(|cause| note_of(cause, context)).collect();
    for (step, record) in context.tutorial.steps.iter().zip(context.records) {
        let (Action::Run(command), Some(seen)) = (&step.action, record.last_seen()) else {
            continue;
        };
        if let (CommandEnd::MovedAside, Some(why)) = (&seen.end, &command.keeps_running) {
            notes.push(EnvironmentNote {
                code: "moved-aside".to_owned(),
                line: Some(record.lines.first),
                text: format!("it keeps running in another terminal ({why})"),
            });
        }
        let defaults = seen
            .prompts
            .iter()
            .filter(|prompt| {
                prompt.answer.as_deref().is_some_and(|answer| answer.trim().is_empty())
            })
            .count();
        if defaults > 0 && record.outcome == StepOutcome::Passed {
            notes.push(EnvironmentNote {
                code: "answered-by-default".to_owned(),
                line: Some(record.lines.first),
                text: if defaults == 1 {
                    "a question was answered with Enter".to_owned()
                } else {
                    format!("{defaults} questions were answered with Enter")
                },
            });
        }
    }
    notes.sort_by_key(|note| note.line);
    notes
}

fn note_of(cause: &Cause, context: &Context<'_>) -> EnvironmentNote {
    let index = cause.steps[0];
    let line = context.records[index].lines.first;
    let mut lines: Vec<u32> = cause
        .steps
        .iter()
        .skip(1)
        .chain(&cause.consequences)
        .map(|&at| context.records[at].lines.first)
        .filter(|&other| other != line)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    let also = if lines.is_empty() {
        String::new()
    } else {
        let shown: Vec<String> = lines.iter().take(20).map(u32::to_string).collect();
        let more = if lines.len() > 20 { ", …" } else { "" };
        format!("; so the steps at lines {}{more} say nothing, either", shown.join(", "))
    };
    let (code, text) = match (cause.declared, &cause.complaint) {
        (Some(requirement), _) => {
            let requirement = &context.tutorial.requirements[requirement];
            let text = format!(
                "the page asks for {} (line {}), and this sandbox does not have it",
                requirement.name, requirement.lines.first
            );
            ("prerequisite-not-met", text)
        }
        (None, Complaint::Limited(why)) => ("sandbox-limited", why.clone()),
        (None, _) if matches!(cause.key, Key::Host(_)) => (
            "network-not-reached",
            "no step could reach the network from here, so nothing is known of those that need it"
                .to_owned(),
        ),
        (None, _) => ("sandbox-limited", "the sandbox's own limits".to_owned()),
    };
    EnvironmentNote { code: code.to_owned(), line: Some(line), text: format!("{text}{also}") }
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
