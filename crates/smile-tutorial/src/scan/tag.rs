//! Tags of HTML and MDX on lines of their own.

use super::{Close, Preformatted, Scanner, dedent, number};
use crate::Lines;
use crate::container::Kind;

impl Scanner {
    /// A line that only has tags. Returns whether it was put out.
    pub(super) fn tag(&mut self, trimmed: &str) -> bool {
        let lower = trimmed.to_ascii_lowercase();
        if lower.starts_with("<pre>") || lower.starts_with("<pre ") {
            return self.preformatted();
        }
        for name in ["id", "name"] {
            if let Some(anchor) = attribute(trimmed, name) {
                self.scan.anchors.push(anchor);
            }
        }
        // A tag may go over several lines.
        let mut text = trimmed.to_owned();
        let mut extra = 0;
        let component = trimmed.chars().nth(1).is_some_and(|c| c.is_ascii_uppercase());
        while component && !text.contains('>') && extra < 20 {
            extra += 1;
            let Some(next) = self.lines.get(self.at + extra) else { return false };
            text.push(' ');
            text.push_str(next.trim());
        }
        let Some(tags) = only_tags(&text) else {
            return self.summary(trimmed);
        };
        if !tags.iter().any(|tag| is_container_tag(&tag.name)) {
            return false;
        }
        for tag in tags {
            if tag.name == "summary" {
                continue;
            }
            if tag.closes {
                self.close_last(|close| matches!(close, Close::Tag(name) if *name == tag.name));
            } else if !tag.empty && is_container_tag(&tag.name) {
                let label = ["label", "title", "value", "name", "summary", "number"]
                    .into_iter()
                    .find_map(|name| attribute(&tag.attributes, name))
                    .unwrap_or_default();
                let file = ["file-name", "filename", "fileName", "file", "path"]
                    .into_iter()
                    .find_map(|name| attribute(&tag.attributes, name));
                let kind = Kind::of(&tag.name);
                let kind = if kind == Kind::Plain {
                    attribute(&tag.attributes, "class")
                        .or_else(|| attribute(&tag.attributes, "className"))
                        .map_or(kind, |class| class_kind(&class))
                } else {
                    kind
                };
                self.push(kind, label, file, Close::Tag(tag.name.clone()));
            }
        }
        for _ in 0..=extra {
            self.blank();
        }
        true
    }

    /// `<summary>Title</summary>` names the part that it folds.
    fn summary(&mut self, trimmed: &str) -> bool {
        let lower = trimmed.to_ascii_lowercase();
        let opens_details = lower.starts_with("<details");
        let Some(start) = lower.find("<summary") else { return false };
        if opens_details && self.open.len() < 64 {
            self.push(Kind::Folded, String::new(), None, Close::Tag("details".to_owned()));
        } else if start > 0 {
            return false;
        }
        let rest = trimmed.get(start..).unwrap_or_default();
        let rest = rest.split_once('>').map_or("", |(_, rest)| rest);
        let label = crate::html::strip(rest);
        if let Some(open) = self.open.last()
            && let Some(container) = self.scan.containers.get_mut(open.index)
        {
            container.kind = container.kind.of_summary(&label);
            label.trim().clone_into(&mut container.label);
        }
        self.blank();
        true
    }

    fn preformatted(&mut self) -> bool {
        let end = (self.at..self.lines.len())
            .find(|at| self.lines[*at].to_ascii_lowercase().contains("</pre>"));
        let Some(end) = end else { return false };
        let raw: Vec<String> =
            self.lines[self.at..=end].iter().map(|line| dedent(line, self.indent())).collect();
        let (skipped, content) = crate::html::preformatted(&raw);
        let first = number(self.at + skipped);
        let lines = Lines::new(number(self.at), number(end));
        self.scan.preformatted.push(Preformatted { lines, first, content });
        // A rule keeps the paragraphs around it apart.
        while self.at <= end {
            self.blank();
        }
        true
    }
}

#[derive(Debug)]
struct Tag {
    name: String,
    attributes: String,
    closes: bool,
    empty: bool,
}

/// The tags of a line that has nothing but tags.
fn only_tags(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let inner = rest.strip_prefix('<')?;
        let end = tag_end(inner)?;
        let (tag, after) = inner.split_at(end);
        let closes = tag.starts_with('/');
        let empty = tag.ends_with('/');
        let tag = tag.trim_matches('/').trim();
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let named = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if name.is_empty() || !named {
            return None;
        }
        tags.push(Tag { name: name.to_owned(), attributes: attributes.to_owned(), closes, empty });
        rest = after.strip_prefix('>')?.trim_start();
        if tags.len() > 32 {
            return None;
        }
    }
    Some(tags)
}

/// Where a tag ends, `>` in quotes not counted.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '>') => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_container_tag(name: &str) -> bool {
    name.chars().next().is_some_and(|c| c.is_ascii_uppercase())
        || name.contains('-')
        || matches!(
            name,
            "details" | "div" | "section" | "article" | "aside" | "center" | "tabs" | "tab"
        )
}

fn class_kind(class: &str) -> Kind {
    class.split_whitespace().map(Kind::of).find(|kind| *kind != Kind::Plain).unwrap_or(Kind::Plain)
}

/// The value of `name="value"`, `name='value'`, `name={"value"}` or `name=value`.
pub(crate) fn attribute(text: &str, name: &str) -> Option<String> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find(name) {
        let start = from + found;
        let end = start + name.len();
        let free = start == 0
            || text.get(..start)?.ends_with(|c: char| c.is_whitespace() || matches!(c, '{' | ','));
        let rest = text.get(end..)?.trim_start();
        if free && let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start().trim_start_matches('{').trim_start();
            for quote in ['"', '\'', '`'] {
                if let Some(quoted) = value.strip_prefix(quote) {
                    return quoted.split_once(quote).map(|(value, _)| value.to_owned());
                }
            }
            let stop = |c: char| c.is_whitespace() || matches!(c, '>' | '}' | ',');
            return value.split(stop).next().filter(|v| !v.is_empty()).map(ToOwned::to_owned);
        }
        from = end;
    }
    None
}
