//! Blocks that hold several ways at once, and blocks that mix commands and outputs.

use std::collections::BTreeMap;

use crate::{command, platform, role, shell};

/// In a block of several ways, the commands (by their first line) that are not followed.
pub(crate) fn choices(content: &[String]) -> BTreeMap<usize, String> {
    let mut out = BTreeMap::new();
    let mut reason: Option<String> = None;
    let mut first_command = true;
    for (at, line) in content.iter().enumerate() {
        let text = line.trim();
        if let Some(comment) = text.strip_prefix('#') {
            if !first_command || choice(comment).is_some_and(|r| r.contains("platform")) {
                reason = choice(comment);
            }
        } else if text.is_empty() {
            reason = None;
        } else {
            if let Some(reason) = &reason {
                out.insert(at, reason.clone());
            }
            first_command = false;
        }
    }
    out.extend(labelled(content));
    out
}

/// Groups of commands, each under a comment that names a package manager or a platform: the one
/// that fits best is followed.
fn labelled(content: &[String]) -> BTreeMap<usize, String> {
    let mut groups: Vec<(Option<platform::Fit>, String, Vec<usize>)> = Vec::new();
    for (at, line) in content.iter().enumerate() {
        let text = line.trim();
        if let Some(comment) = text.strip_prefix('#') {
            let comment = comment.trim_start_matches('#').trim();
            let label = comment.split([',', '(', ':']).next().unwrap_or_default();
            let label = label.trim_start_matches("Using ").trim_start_matches("With ");
            let short = label.split_whitespace().count() <= 3;
            let fit = platform::fit(label).filter(|_| short);
            groups.push((fit, comment.to_owned(), Vec::new()));
        } else if !text.is_empty()
            && let Some((.., lines)) = groups.last_mut()
        {
            lines.push(at);
        }
    }
    let all =
        groups.len() > 1 && groups.iter().all(|(fit, _, lines)| fit.is_some() && !lines.is_empty());
    let best = groups.iter().filter_map(|(fit, ..)| *fit).max();
    let chosen = groups.iter().position(|(fit, ..)| *fit == best);
    let mut out = BTreeMap::new();
    for (index, (_, comment, lines)) in groups.iter().enumerate() {
        if all && Some(index) != chosen {
            let why = format!("the comment \"{comment}\" names another way");
            out.extend(lines.iter().map(|line| (*line, why.clone())));
        }
    }
    out
}

/// Whether a comment says that the commands below it are another way.
pub(crate) fn choice(comment: &str) -> Option<String> {
    let text = comment.trim().trim_start_matches(['#', '/']).trim().to_lowercase();
    let last =
        text.lines().last().unwrap_or_default().trim_start_matches(['#', '/']).trim().to_owned();
    let or = last == "or"
        || ["or ", "or:", "or,", "alternatively", "alternative:"]
            .iter()
            .any(|start| last.starts_with(start))
            && !last.starts_with("or to ");
    if or {
        return Some(format!("the comment \"{last}\" makes it another way"));
    }
    let label = last.trim_start_matches("on ").trim_start_matches("for ").trim_end_matches(':');
    if label.split_whitespace().count() <= 4
        && let Some(fit) = platform::fit(label)
        && fit <= platform::OTHER_PLATFORM
    {
        return Some(format!("the comment \"{last}\": for another platform"));
    }
    None
}

/// How many of the pieces of a block without prompts are typed; what comes after a known command
/// and cannot be one is its output.
pub(crate) fn typed_pieces(pieces: &[shell::Piece]) -> usize {
    let Some(last) = pieces.iter().rposition(|piece| {
        command::could_be_command(&piece.text)
            || role::is_construct(&piece.text)
            || piece.first != piece.last
    }) else {
        return pieces.len();
    };
    let known = pieces.get(last).is_some_and(|piece| command::is_command_like(&piece.text));
    // One word that is no program may be one that nobody knows.
    let rest = pieces.get(last + 1..).unwrap_or_default();
    let words = rest.iter().any(|piece| piece.text.split_whitespace().count() > 1);
    if known && words { last + 1 } else { pieces.len() }
}
