//! Text of untrusted origin, made fit for Markdown.

use std::fmt::Write as _;

/// A block of text within a fence that the text itself cannot close; control characters gone.
pub(crate) fn fenced(out: &mut String, label: &str, text: &str) {
    let text = clean(text);
    let text = text.trim_end();
    let mut longest = 2;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let _ = writeln!(out, "{fence}{label}\n{text}\n{fence}");
}

/// Inline code that the text itself cannot close, on one line.
pub(crate) fn code(text: &str) -> String {
    let text = one_line(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let ticks = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    if text.is_empty() { String::new() } else { format!("{ticks}{pad}{text}{pad}{ticks}") }
}

/// Inline code for a cell of a table, where a bar would end the cell.
pub(crate) fn cell_code(text: &str, characters_max: usize) -> String {
    code(&short(text, characters_max)).replace('|', "\\|")
}

/// Running text for a cell of a table.
pub(crate) fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

/// Running text from the run's own sentences, with control characters and HTML made harmless.
pub(crate) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    let text = clean(text);
    for (at, c) in text.char_indices() {
        match c {
            '`' => {
                // One that nothing closes begins no code.
                in_code = !in_code && text[at + 1..].contains('`');
                out.push(c);
            }
            '<' if !in_code => out.push_str("&lt;"),
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The first line, at most so many characters.
pub(crate) fn short(text: &str, characters_max: usize) -> String {
    let first = one_line(text.lines().next().unwrap_or_default());
    let more = text.trim_end().lines().count() > 1;
    let mut cut: String = first.chars().take(characters_max).collect();
    if cut.len() < first.len() || more {
        cut = cut.trim_end().to_owned();
        cut.push_str(" …");
    }
    cut
}

/// Each line as a quotation.
pub(crate) fn quoted_lines(text: &str, lines_max: usize) -> (String, bool) {
    let all: Vec<&str> = text.lines().collect();
    let shown = all.iter().take(lines_max).copied().collect::<Vec<_>>().join("\n");
    (shown, all.len() > lines_max)
}

fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn clean(text: &str) -> String {
    smile_loop::plain(text)
        .chars()
        // Characters that turn the direction of text hide what stands there.
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
        .collect()
}

/// Text that any format for programs can hold: without terminal codes, control characters (but for
/// line ends and tabs) and the two code points that XML and YAML forbid beyond those.
pub(crate) fn machine(text: &str) -> String {
    let mut text = clean(text);
    text.retain(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text
}

/// A span of time for people.
pub(crate) fn span(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
    }
}

/// `1 gap`, `2 gaps`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Line numbers, neighbours joined: `4, 7–9, 12`.
pub(crate) fn line_list(lines: impl IntoIterator<Item = u32>, spans_max: usize) -> String {
    let mut lines: Vec<u32> = lines.into_iter().collect();
    lines.sort_unstable();
    lines.dedup();
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => spans.push((line, line)),
        }
    }
    let shown: Vec<String> = spans
        .iter()
        .take(spans_max)
        .map(
            |&(first, last)| {
                if first == last { first.to_string() } else { format!("{first}–{last}") }
            },
        )
        .collect();
    let more = if spans.len() > spans_max { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_hold() {
        for text in ["plain", "```\nbreak out\n```", "````", "\u{1b}[31mred\u{1b}[0m", "~~~"] {
            let mut out = String::new();
            fenced(&mut out, "text", text);
            let fence = out.split("text").next().unwrap_or_default().to_owned();
            assert!(fence.len() >= 3 && fence.chars().all(|c| c == '`'));
            let inside = &out[fence.len()..out.len() - fence.len() - 1];
            assert!(!inside.contains(&fence), "{out}");
            assert!(!out.contains('\u{1b}'));
        }
    }

    #[test]
    fn small_forms() {
        assert_eq!(code("a `b`"), "`` a `b` ``");
        assert_eq!(code("ls"), "`ls`");
        assert_eq!(cell_code("a | b", 20), "`a \\| b`");
        assert_eq!(short("one\ntwo", 10), "one …");
        assert_eq!(line_list([3, 1, 2, 7, 7], 9), "1–3, 7");
        assert_eq!(span(950), "950 ms");
        assert_eq!(span(61_500), "1 min 1 s");
        assert_eq!(prose("see <b> and `<x>`"), "see &lt;b> and `<x>`");
        assert_eq!(prose("`a` and ` <b>"), "`a` and ` &lt;b>");
    }

    proptest::proptest! {
        #[test]
        fn nothing_raw_gets_through(text: String) {
            let mut out = String::new();
            fenced(&mut out, "", &text);
            out.push_str(&code(&text));
            out.push_str(&prose(&text));
            out.push_str(&cell(&text));
            proptest::prop_assert!(out.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        }
    }
}
