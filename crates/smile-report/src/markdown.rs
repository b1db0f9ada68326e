//! The report that an author reads.

use std::fmt::Write as _;

use smile_loop::{
    CommandEnd, Confidence, Evidence, Gap, Proof, RunRecord, RunStatus, StepOutcome, StepRecord,
    kind_name,
};
use smile_tutorial::{Severity, Tutorial};

use crate::text::{
    cell, cell_code, code, count, fenced, line_list, prose, quoted_lines, short, span,
};

/// So many lines of a quote, an output and a diff are shown; the JSON report has more.
const QUOTE_LINES_MAX: usize = 8;
const OUTPUT_LINES_MAX: usize = 15;
const DIFF_LINES_MAX: usize = 30;
/// So many gaps of least weight are shown at length.
const STEPS_MAX: usize = 400;

/// The report of a run as Markdown.
pub fn markdown(record: &RunRecord, tutorial: &Tutorial) -> String {
    let mut out = String::new();
    let name = record.title.as_deref().unwrap_or(&record.tutorial);
    let _ = writeln!(out, "# How a newcomer fares: {}\n", prose(name));
    summary(&mut out, record);
    gaps(&mut out, record);
    recommendations(&mut out, record);
    environment(&mut out, record);
    timeline(&mut out, record);
    not_carried_out(&mut out, record, tutorial);
    let _ = writeln!(
        out,
        "---\nMade by SMILE {} from run {}, started {}. Line numbers are those of `{}` (SHA-256 `{}`).",
        cell(&record.smile_version),
        code(&record.run_id),
        cell(&record.started_at),
        record.tutorial,
        record.tutorial_sha256.get(..12).unwrap_or(&record.tutorial_sha256),
    );
    out
}

/// One sentence that says how the run ended; also what `smile run` prints last.
pub fn verdict(record: &RunRecord) -> String {
    let found = tally(record);
    let detail =
        record.status_detail.as_deref().map(|d| format!(": {}", prose(d))).unwrap_or_default();
    match record.status {
        RunStatus::HarnessError => format!(
            "Inconclusive, by no fault of the tutorial{detail}. What was seen before that: {found}."
        ),
        RunStatus::Stopped => format!("Stopped before the end. Found so far: {found}."),
        RunStatus::Timeout => {
            format!("The time for the whole run was over before the end. Found so far: {found}.")
        }
        RunStatus::MaxIterations => {
            format!("Not through after {} attempts: {found}.", record.iterations)
        }
        RunStatus::Blocker => format!("The reader is stuck{detail}. Found: {found}."),
        _ if record.gaps.is_empty() && record.coverage.carried_out == 0 => {
            "Nothing on this page could be carried out, so nothing is known about it.".to_owned()
        }
        _ if record.gaps.is_empty() => {
            let limited = record
                .steps
                .iter()
                .filter(|s| matches!(s.outcome, StepOutcome::SandboxLimited(_)))
                .count();
            if limited > 0 {
                format!(
                    "No gaps found in what could be carried out; {} could not, for want of something in the sandbox.",
                    count(limited, "step", "steps")
                )
            } else {
                "A newcomer gets through: no gaps found.".to_owned()
            }
        }
        _ => match &record.blocked_at {
            Some(blocked) => format!("A newcomer is stuck at line {}: {found}.", blocked.line),
            None => format!("A newcomer gets through with detours: {found}."),
        },
    }
}

fn tally(record: &RunRecord) -> String {
    let of = |severity| record.gaps.iter().filter(|gap| gap.severity == severity).count();
    let parts: Vec<String> = [
        (of(Severity::Critical), "critical"),
        (of(Severity::Major), "major"),
        (of(Severity::Minor), "minor"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    if parts.is_empty() {
        return "no gaps".to_owned();
    }
    format!("{} ({})", count(record.gaps.len(), "gap", "gaps"), parts.join(", "))
}

fn summary(out: &mut String, record: &RunRecord) {
    let coverage = record.coverage;
    let status = match record.status {
        RunStatus::Completed => "completed",
        RunStatus::Blocker => "stuck",
        RunStatus::MaxIterations => "too many iterations",
        RunStatus::Timeout => "out of time",
        RunStatus::Stopped => "stopped",
        RunStatus::HarnessError => "inconclusive",
        _ => "unknown",
    };
    let share = (coverage.carried_out * 100).checked_div(coverage.steps).unwrap_or(0);
    let reach = match &record.blocked_at {
        Some(blocked) => {
            format!("to line {} (step {} of {})", blocked.line, blocked.step, coverage.steps)
        }
        None if record.status == RunStatus::Completed && coverage.carried_out > 0 => {
            "to the end".to_owned()
        }
        None => "not known".to_owned(),
    };
    let _ = writeln!(out, "**{}**\n", verdict(record));
    let _ = writeln!(out, "| | |\n|---|---|");
    let _ = writeln!(out, "| Tutorial | {} |", cell_code(&record.tutorial, 120));
    let _ = writeln!(out, "| Status | {status} |");
    let _ = writeln!(out, "| An unaided reader gets | {reach} |");
    let _ = writeln!(
        out,
        "| Steps carried out | {} of {} ({share} %), {} as promised, {} compared |",
        coverage.carried_out,
        coverage.steps,
        coverage.as_promised,
        count(coverage.outputs_compared as usize, "output", "outputs"),
    );
    let _ = writeln!(out, "| Duration | {} |", span(record.duration_ms));
    let _ = writeln!(out, "| Sandbox | {} |", cell(&record.sandbox));
    let _ = writeln!(
        out,
        "| Reader | {} student, mentor: {}, persona: {}, {} |\n",
        cell(&record.student),
        cell(&record.mentor),
        cell(&record.persona),
        count(record.iterations as usize, "iteration", "iterations"),
    );
}

/// The gaps, the heaviest first.
fn by_weight(record: &RunRecord) -> Vec<&Gap> {
    let mut gaps: Vec<&Gap> = record.gaps.iter().collect();
    gaps.sort_by_key(|gap| (std::cmp::Reverse(gap.severity), gap.location.first_line));
    gaps
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::Major => "Major",
        Severity::Minor => "Minor",
    }
}

fn headline(gap: &Gap) -> String {
    let subject = gap.evidence.first().map_or_else(
        || gap.location.quote.lines().next().unwrap_or_default().trim(),
        |e| &e.command,
    );
    let subject = short(subject, 50);
    let kind = kind_name(gap.kind).replace('-', " ");
    if subject.is_empty() { kind } else { format!("{} · {kind}", code(&subject)) }
}

fn gaps(out: &mut String, record: &RunRecord) {
    if record.gaps.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Gaps\n");
    for (number, gap) in by_weight(record).into_iter().enumerate() {
        let lines = if gap.location.first_line == gap.location.last_line {
            format!("line {}", gap.location.first_line)
        } else {
            format!("lines {}–{}", gap.location.first_line, gap.location.last_line)
        };
        let _ = writeln!(
            out,
            "### {}. {} · {lines} · {}\n",
            number + 1,
            severity_name(gap.severity),
            headline(gap)
        );
        one_gap(out, gap, record.title.as_deref());
    }
}

fn one_gap(out: &mut String, gap: &Gap, title: Option<&str>) {
    let _ = writeln!(out, "{}\n", prose(&gap.problem));
    // The page's own title is on top of the report already.
    let headings: Vec<String> = gap
        .location
        .headings
        .iter()
        .filter(|heading| Some(heading.as_str()) != title)
        .map(|heading| prose(heading))
        .collect();
    let (quote, cut) = quoted_lines(&gap.location.quote, QUOTE_LINES_MAX);
    if !quote.trim().is_empty() {
        let under = if headings.is_empty() {
            String::new()
        } else {
            format!(" (under *{}*)", headings.join(" › "))
        };
        let _ = writeln!(out, "The page says{under}:\n");
        fenced(out, "text", &if cut { format!("{quote}\n…") } else { quote });
        out.push('\n');
    }
    if let Some(evidence) = gap.evidence.first() {
        evidence_block(out, evidence, gap.location.quote.trim());
    }
    if gap.locations.len() > 1 {
        let others = gap.locations.iter().skip(1).map(|place| place.first_line);
        let _ = writeln!(out, "The same at {}.\n", lines_word(&line_list(others, 30)));
    }
    if !gap.consequences.is_empty() {
        let number = gap.consequences.len();
        let lines = line_list(gap.consequences.iter().map(|c| c.first_line), 30);
        let _ = writeln!(
            out,
            "{} because of it: {}.\n",
            if number == 1 {
                "1 later step fails".to_owned()
            } else {
                format!("{number} later steps fail")
            },
            lines_word(&lines)
        );
    }
    if !gap.suggestion.text.is_empty() {
        let _ = writeln!(out, "**What would help:** {}\n", prose(&gap.suggestion.text));
    }
    if let Some(patch) = &gap.suggestion.patch {
        let state = match gap.proof {
            Proof::Proven => "tried: the mended page passes here",
            Proof::Refuted => "tried, and not enough",
            Proof::Untested => "not tried yet",
        };
        let _ = writeln!(out, "As an edit ({state}):\n");
        fenced(out, "diff", patch);
        out.push('\n');
    }
    for note in &gap.mentor_notes {
        let _ = writeln!(out, "> Mentor: {}\n", prose(note));
    }
    let sure = match gap.confidence {
        Confidence::High => "",
        Confidence::Medium => " · fairly sure",
        Confidence::Low => " · not sure",
    };
    let personas = if gap.personas.is_empty() {
        String::new()
    } else {
        format!(" · met by {}", cell(&gap.personas.join(", ")))
    };
    let _ = writeln!(out, "<sub>{}{sure}{personas}</sub>\n", gap.id);
}

fn lines_word(list: &str) -> String {
    let several = list.contains([',', '–']);
    format!("{} {list}", if several { "lines" } else { "line" })
}

fn evidence_block(out: &mut String, evidence: &Evidence, quote: &str) {
    let end = match evidence.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "it did not end by itself".to_owned(),
    };
    if let Some(diff) = &evidence.note {
        let (diff, cut) = quoted_lines(diff, DIFF_LINES_MAX);
        let _ = writeln!(out, "What came ({end}; `-` is the page, `+` is what was printed):\n");
        fenced(out, "diff", &if cut { format!("{diff}\n…") } else { diff });
        out.push('\n');
        return;
    }
    let lines: Vec<&str> = evidence.output.lines().collect();
    let skip = lines.len().saturating_sub(OUTPUT_LINES_MAX);
    let mut shown = String::new();
    let command = evidence.command.trim();
    if !quote.contains(command) || command.lines().count() > 1 {
        let _ = writeln!(shown, "$ {}", short(command, 100));
    }
    if skip > 0 {
        shown.push_str("…\n");
    }
    shown.push_str(&lines[skip..].join("\n"));
    if shown.trim().is_empty() {
        let _ = writeln!(out, "What happened: {end}, and nothing was printed.\n");
        return;
    }
    let _ = writeln!(out, "What happened ({end}):\n");
    fenced(out, "text", &shown);
    out.push('\n');
}

fn recommendations(out: &mut String, record: &RunRecord) {
    let gaps = by_weight(record);
    if gaps.len() < 2 {
        return;
    }
    let _ = writeln!(out, "## What to do first\n");
    for (number, gap) in gaps.into_iter().enumerate() {
        if gap.suggestion.text.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "{}. Line {}: {}",
            number + 1,
            gap.location.first_line,
            prose(&gap.suggestion.text)
        );
    }
    out.push('\n');
}

fn environment(out: &mut String, record: &RunRecord) {
    if record.notes.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "## About this environment\n\nNo gaps of the tutorial; they say what this run could not see.\n"
    );
    for note in &record.notes {
        let line = note.line.map_or_else(String::new, |line| format!("line {line}: "));
        let _ = writeln!(out, "- {} · {line}{}", cell(&note.code), prose(&note.text));
    }
    out.push('\n');
}

fn timeline(out: &mut String, record: &RunRecord) {
    let carried: Vec<&StepRecord> =
        record.steps.iter().filter(|s| s.observation.is_some()).collect();
    if carried.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "## Timeline\n\n| line | at | step | result | took |\n|---:|---:|---|---|---:|"
    );
    for step in carried.iter().take(STEPS_MAX) {
        let took = step.observation.as_ref().map_or(0, |seen| seen.duration_ms);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            step.lines.first,
            span(step.at_ms),
            cell_code(&step.what, 60),
            result(step),
            span(took)
        );
    }
    if carried.len() > STEPS_MAX {
        let _ = writeln!(out, "\n{} more are in the JSON report.", carried.len() - STEPS_MAX);
    }
    out.push('\n');
}

fn result(step: &StepRecord) -> String {
    let again =
        if step.attempts > 1 { format!(", {} attempts", step.attempts) } else { String::new() };
    let text = match &step.outcome {
        StepOutcome::Passed => match step.observation.as_ref().map(|seen| &seen.end) {
            Some(CommandEnd::MovedAside) => "ok, keeps running".to_owned(),
            _ => "ok".to_owned(),
        },
        StepOutcome::FailedAsShown => "fails, as the page says".to_owned(),
        StepOutcome::Failed(why) => format!("**{}**", cell(why)),
        StepOutcome::SandboxLimited(why) => format!("not known: {}", cell(why)),
        StepOutcome::Skipped(why) => cell(why),
        _ => String::new(),
    };
    text + &again
}

fn not_carried_out(out: &mut String, record: &RunRecord, tutorial: &Tutorial) {
    let skipped: Vec<(u32, String, String)> = record
        .steps
        .iter()
        .filter_map(|step| match &step.outcome {
            StepOutcome::Skipped(why) => {
                let shown = if step.what == "look" {
                    first_line(tutorial, step.lines.first)
                } else {
                    step.what.clone()
                };
                Some((step.lines.first, shown, why.clone()))
            }
            _ => None,
        })
        .collect();
    if skipped.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Not carried out\n\n| line | what | why |\n|---:|---|---|");
    for (line, what, why) in skipped.iter().take(STEPS_MAX) {
        let _ = writeln!(out, "| {line} | {} | {} |", cell_code(what, 60), cell(why));
    }
    out.push('\n');
}

fn first_line(tutorial: &Tutorial, number: u32) -> String {
    let skip = number.saturating_sub(1) as usize;
    tutorial.text.lines().nth(skip).unwrap_or_default().trim().to_owned()
}
