//! Places and quotes of a tutorial, and edits as unified diffs.

use similar::TextDiff;
use smile_tutorial::Tutorial;

/// The text of one line, from 1.
pub(crate) fn line(tutorial: &Tutorial, number: u32) -> &str {
    tutorial.text.lines().nth(number.saturating_sub(1) as usize).unwrap_or_default()
}

/// The edit of some lines as a unified diff; each entry is a line's number and what stands there
/// afterwards. None where nothing changes.
pub(crate) fn patch(tutorial: &Tutorial, edits: &[(u32, Vec<String>)]) -> Option<String> {
    let mut changed = String::with_capacity(tutorial.text.len() + 200);
    for (at, line) in tutorial.text.split_inclusive('\n').enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        match edits.iter().find(|(edited, _)| *edited == number) {
            Some((_, lines)) => {
                for new in lines {
                    changed.push_str(new);
                    changed.push('\n');
                }
            }
            None => changed.push_str(line),
        }
    }
    if changed == tutorial.text {
        return None;
    }
    let diff = TextDiff::from_lines(tutorial.text.as_str(), changed.as_str());
    let old = format!("a/{}", tutorial.file);
    let new = format!("b/{}", tutorial.file);
    Some(diff.unified_diff().context_radius(2).header(&old, &new).to_string())
}

/// Everything before the command on a line: indentation and prompt, to repeat on a new line.
pub(crate) fn lead<'a>(line: &'a str, command: &str) -> &'a str {
    let first = command.lines().next().unwrap_or_default().trim();
    line.find(first).filter(|_| !first.is_empty()).map_or("", |at| &line[..at])
}

/// A text cut to its last bytes, at a line where possible.
pub(crate) fn tail(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut start = text.len() - (bytes_max - '…'.len_utf8() - 1);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let rest = &text[start..];
    let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
    format!("…\n{rest}")
}

/// A text with a word replaced wherever it stands alone.
pub(crate) fn replace_word(line: &str, word: &str, other: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    let mut rest = line;
    while let Some(at) = rest.find(word) {
        let after = &rest[at + word.len()..];
        let alone = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || "_-./".contains(c))
            && !after.starts_with(|c: char| c.is_alphanumeric() || "_-./=".contains(c));
        out.push_str(&rest[..at]);
        out.push_str(if alone { other } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}
