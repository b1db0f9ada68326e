//! The little HTML that tutorials use: tags out, entities to characters.

/// The text without tags, entities decoded.
pub(crate) fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        if from.starts_with('&') {
            let (decoded, width) = entity(from);
            out.push_str(&decoded);
            rest = from.get(width..).unwrap_or_default();
        } else if let Some(end) = tag_width(from) {
            rest = from.get(end..).unwrap_or_default();
        } else {
            out.push('<');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

/// Whether the text is marked up for display: a tag that only sets a style, or its end.
pub(crate) fn is_styled(text: &str) -> bool {
    ["<font ", "<span", "<b>", "<strong>", "</font>", "</b>", "</span>", "<u ", "<em>"]
        .iter()
        .any(|tag| text.contains(tag))
}

/// The content of a `<pre>` element given as its lines: how many lines come before the first line
/// of the content, and the content.
pub(crate) fn preformatted(lines: &[String]) -> (usize, Vec<String>) {
    let joined = lines.join("\n");
    let start = tag_width(&joined).unwrap_or(0);
    let inner = joined.get(start..).unwrap_or_default();
    let end = inner.to_ascii_lowercase().find("</pre>").unwrap_or(inner.len());
    let inner = inner.get(..end).unwrap_or_default();
    let mut skipped = joined.get(..start).unwrap_or_default().matches('\n').count();
    let text = strip(inner);
    let mut content: Vec<String> =
        text.split('\n').map(|line| line.trim_end().to_owned()).collect();
    if content.first().is_some_and(String::is_empty) {
        content.remove(0);
        skipped += 1;
    }
    while content.last().is_some_and(String::is_empty) {
        content.pop();
    }
    (skipped, content)
}

/// The width of the tag that the text starts with.
fn tag_width(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let first = inner.trim_start_matches('/').chars().next()?;
    if !first.is_ascii_alphabetic() {
        return None;
    }
    let end = inner.find('>')?;
    // A tag has a name and attributes; anything else in angle brackets is text.
    let name_end =
        inner.find(|c: char| !(c.is_alphanumeric() || matches!(c, '/' | '-' | '.'))).unwrap_or(end);
    let after = inner.get(name_end..end)?;
    let known = is_html(inner.get(..name_end)?.trim_matches('/'));
    let plausible = known && (after.is_empty() || after == "/" || after.contains('='));
    plausible.then_some(end + 2)
}

fn is_html(name: &str) -> bool {
    const NAMES: [&str; 40] = [
        "a", "abbr", "b", "br", "button", "center", "cite", "code", "dd", "del", "details", "div",
        "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "hr", "i", "img", "ins", "kbd", "li",
        "mark", "ol", "p", "pre", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
        "u", "ul",
    ];
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&lower.as_str())
        || matches!(lower.as_str(), "table" | "tr" | "td" | "th" | "var" | "tt" | "section")
}

/// The character of an entity and its width, or `&` itself.
fn entity(text: &str) -> (String, usize) {
    let end = text.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at);
    let Some(end) = end else { return ("&".to_owned(), 1) };
    let name = text.get(1..end).unwrap_or_default();
    let decoded = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "mdash" => Some('—'),
        "ndash" => Some('–'),
        "hellip" => Some('…'),
        _ => name.strip_prefix('#').and_then(|number| {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => number.parse().ok(),
            };
            code.and_then(char::from_u32)
        }),
    };
    decoded.map_or_else(|| ("&".to_owned(), 1), |c| (c.to_string(), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_stand_ins_stay() {
        let check = |text: &str, expected: &str| assert_eq!(strip(text), expected);
        check("<b>a</b> &lt;b&gt; &#39;c&#x27; & d", "a <b> 'c' & d");
        check("cp <file> <your-host> a<b && c>d", "cp <file> <your-host> a<b && c>d");
        check("<font color=\"#fff\">x</font>", "x");
    }

    #[test]
    fn preformatted_text_keeps_its_lines() {
        let lines: Vec<String> =
            ["<pre class=\"x\">", "<b>$ a</b>", "", "b</pre>"].map(ToOwned::to_owned).to_vec();
        assert_eq!(
            preformatted(&lines),
            (1, vec!["$ a".to_owned(), String::new(), "b".to_owned()])
        );
        let lines: Vec<String> =
            ["<pre><code>a", "b", "</code></pre>"].map(ToOwned::to_owned).to_vec();
        assert_eq!(preformatted(&lines), (0, vec!["a".to_owned(), "b".to_owned()]));
    }
}
