//! What each part of the page was taken for, as `smile explain` prints it.

use crate::step::{Action, Match, Role, Tutorial, WriteMode};
use crate::{Block, Lines};

/// One line of the explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainLine {
    /// The lines of the page.
    pub lines: Lines,
    /// What it is: a block's role or a step's action.
    pub what: String,
    /// Why it was taken so, or what it does.
    pub why: String,
    /// True for a step of the block above it.
    pub inside: bool,
}

/// Explains the page: each block with its role, each step below it, in order.
pub fn explain(tutorial: &Tutorial) -> Vec<ExplainLine> {
    let mut out: Vec<ExplainLine> = Vec::new();
    let mut steps = tutorial.steps.iter().peekable();
    for block in &tutorial.blocks {
        while let Some(step) =
            steps.next_if(|step| step.block.is_none() && step.lines.first <= block.lines.first)
        {
            out.push(line(step.lines, &step.action, &step.why, false));
        }
        out.push(ExplainLine {
            lines: block.lines,
            what: role(block).to_owned(),
            why: block.why.clone(),
            inside: false,
        });
        while let Some(step) = steps.next_if(|step| step.block == Some(block.id)) {
            if step.action != Action::Look || step.why != block.why {
                out.push(line(step.lines, &step.action, "", true));
            }
        }
    }
    out.extend(steps.map(|step| line(step.lines, &step.action, &step.why, false)));
    out
}

fn role(block: &Block) -> &'static str {
    match block.role {
        Role::Command => "command",
        Role::Session => "session",
        Role::File => "file",
        Role::Output => "output",
        Role::Alternative => "alternative",
        Role::Listing => "listing",
        Role::Illustration => "illustration",
        Role::Quiz => "quiz",
    }
}

fn line(lines: Lines, action: &Action, why: &str, inside: bool) -> ExplainLine {
    let mut notes: Vec<String> = Vec::new();
    let what = match action {
        Action::Run(command) => {
            if let Some(expected) = &command.expected {
                let how = match expected.matching {
                    Match::Whole => "prints",
                    Match::Contains => "prints among other lines",
                    Match::Loose => "prints something like",
                };
                let Lines { first, last } = expected.lines;
                notes.push(format!("{how} lines {first}-{last}"));
            }
            notes.extend(
                command.expected_failure.iter().map(|why| format!("fails on purpose: {why}")),
            );
            notes.extend(command.keeps_running.iter().map(|why| format!("keeps running: {why}")));
            notes.extend(command.editor_input.iter().map(|(file, text)| {
                format!("{} lines are typed into `{file}`", text.lines().count())
            }));
            notes.extend(command.answers.iter().map(|answer| format!("answers `{answer}`")));
            notes.extend(command.placeholders.iter().map(|text| format!("stand-in `{text}`")));
            format!("run `{}`", command.text)
        }
        Action::WriteFile { path, content, mode } => {
            let count = content.lines().count();
            match mode {
                WriteMode::Replace => format!("write `{path}` ({count} lines)"),
                WriteMode::Append => format!("append {count} lines to `{path}`"),
                WriteMode::Merge => format!("fit {count} lines into `{path}`"),
            }
        }
        Action::Visit { url } => format!("visit {url}"),
        Action::Look => "look".to_owned(),
    };
    if !why.is_empty() {
        notes.insert(0, why.to_owned());
    }
    ExplainLine { lines, what, why: notes.join("; "), inside }
}
