//! First pass: what is not CommonMark is taken out, line for line, so that line numbers stay.

mod tag;

use crate::Lines;
use crate::container::{Container, Kind};
pub(crate) use tag::attribute;

/// The result of the first pass.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Markdown with as many lines as the file; markers are blank, tabs' contents unindented.
    pub(crate) clean: String,
    pub(crate) containers: Vec<Container>,
    /// Blocks of HTML `<pre>`.
    pub(crate) preformatted: Vec<Preformatted>,
    /// Authors' comments to this program.
    pub(crate) directives: Vec<(u32, String)>,
    /// Fences that nothing closes.
    pub(crate) unclosed: Vec<u32>,
    /// Names that links can lead to.
    pub(crate) anchors: Vec<String>,
}

/// A `<pre>` element.
#[derive(Debug)]
pub(crate) struct Preformatted {
    pub(crate) lines: Lines,
    pub(crate) first: u32,
    pub(crate) content: Vec<String>,
}

/// How an open container ends.
#[derive(Debug)]
enum Close {
    Indent(usize),
    Colons,
    Slashes,
    Backticks(usize),
    Tag(String),
    Liquid(String),
}

#[derive(Debug)]
struct OpenContainer {
    index: usize,
    close: Close,
}

#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

/// Runs the first pass.
pub(crate) fn scan(text: &str) -> Scan {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line).replace('\r', " "))
        .map(highlight_as_fence)
        .collect();
    let mut scanner = Scanner {
        lines,
        at: 0,
        out: Vec::new(),
        open: Vec::new(),
        fence: None,
        scan: Scan::default(),
    };
    scanner.run();
    let last = number(scanner.lines.len().saturating_sub(1));
    for open in scanner.open.drain(..) {
        if let Some(container) = scanner.scan.containers.get_mut(open.index) {
            container.lines.last = last;
        }
    }
    scanner.scan.clean = scanner.out.join("\n");
    scanner.scan
}

struct Scanner {
    lines: Vec<String>,
    at: usize,
    out: Vec<String>,
    open: Vec<OpenContainer>,
    fence: Option<Fence>,
    scan: Scan,
}

impl Scanner {
    fn run(&mut self) {
        self.front_matter();
        while self.at < self.lines.len() {
            let line = self.lines[self.at].clone();
            self.leave_indented(&line);
            let line = dedent(&line, self.indent());
            if let Some(fence) = self.fence {
                if closes(&line, fence) {
                    self.fence = None;
                }
                self.put(line);
                continue;
            }
            let line = self.without_comments(line);
            if self.marker(&line) {
                continue;
            }
            self.open_fence(&line);
        }
    }

    fn front_matter(&mut self) {
        if self.lines.first().is_some_and(|line| line.trim_end() == "---") {
            let end =
                self.lines.iter().skip(1).position(|line| matches!(line.trim_end(), "---" | "..."));
            let Some(end) = end else { return };
            while self.at <= end + 1 {
                self.put(self.lines[self.at].clone());
            }
        }
    }

    fn put(&mut self, line: String) {
        self.out.push(line);
        self.at += 1;
    }

    fn blank(&mut self) {
        self.put(String::new());
    }

    fn line_number(&self) -> u32 {
        number(self.at)
    }

    /// How far the content of the open containers is indented.
    fn indent(&self) -> usize {
        let indented = self.open.iter().rev().find_map(|open| match open.close {
            Close::Indent(columns) => Some(columns),
            _ => None,
        });
        indented.unwrap_or(0)
    }

    /// Leaves containers whose content must be indented more than this line is.
    fn leave_indented(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let columns = indentation(line);
        while let Some(position) = self
            .open
            .iter()
            .position(|open| matches!(open.close, Close::Indent(least) if columns < least))
        {
            self.fence = None;
            self.close_from(position, self.line_number().saturating_sub(1));
        }
    }

    fn close_from(&mut self, position: usize, last: u32) {
        for open in self.open.drain(position..) {
            if let Some(container) = self.scan.containers.get_mut(open.index) {
                container.lines.last = last.max(container.lines.first);
            }
        }
    }

    fn push(&mut self, kind: Kind, label: String, file: Option<String>, close: Close) {
        let line = self.line_number();
        let depth = self.open.len();
        if depth >= 64 {
            return;
        }
        self.open.push(OpenContainer { index: self.scan.containers.len(), close });
        self.scan.containers.push(Container { lines: Lines::one(line), kind, label, file, depth });
    }

    fn close_last(&mut self, ends: impl Fn(&Close) -> bool) -> bool {
        let Some(position) = self.open.iter().rposition(|open| ends(&open.close)) else {
            return false;
        };
        self.close_from(position, self.line_number());
        true
    }

    /// Takes HTML comments out; they may go over several lines.
    fn without_comments(&mut self, line: String) -> String {
        let mut line = line;
        for _ in 0..32 {
            let Some(start) = find_outside_code(&line, "<!--") else { break };
            let before = line.get(..start).unwrap_or_default().to_owned();
            let rest = line.get(start + 4..).unwrap_or_default().to_owned();
            if let Some(end) = rest.find("-->") {
                self.directive(rest.get(..end).unwrap_or_default());
                line = before + rest.get(end + 3..).unwrap_or_default();
                continue;
            }
            // Over several lines: the lines in between become blank.
            let end = (self.at + 1..self.lines.len()).find(|at| self.lines[*at].contains("-->"));
            let Some(end) = end else { break };
            let mut comment = rest;
            for at in self.at + 1..end {
                comment.push(' ');
                comment.push_str(&self.lines[at]);
            }
            let last = self.lines[end].clone();
            let (inside, after) = last.split_once("-->").unwrap_or_default();
            comment.push(' ');
            comment.push_str(inside);
            self.directive(&comment);
            self.put(before);
            while self.at < end {
                self.blank();
            }
            after.clone_into(&mut line);
        }
        line
    }

    fn directive(&mut self, comment: &str) {
        if let Some(text) = comment.trim().strip_prefix("smile:") {
            self.scan.directives.push((self.line_number(), text.trim().to_owned()));
        }
    }

    /// Handles a line that is a marker of some dialect; true when it was taken.
    fn marker(&mut self, line: &str) -> bool {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return false;
        }
        let taken = if trimmed.starts_with(":::") {
            self.colons(trimmed)
        } else if trimmed == "///" || trimmed.starts_with("/// ") {
            self.slashes(trimmed)
        } else if trimmed.starts_with("!!!") || trimmed.starts_with("???") {
            self.admonition(line, trimmed)
        } else if trimmed.starts_with("===") {
            self.tab(line, trimmed)
        } else if trimmed.starts_with("{%")
            || trimmed.starts_with("{{<")
            || trimmed.starts_with("{{%")
        {
            self.liquid(trimmed)
        } else if trimmed.starts_with("{:") && trimmed.ends_with('}') {
            true
        } else if trimmed.starts_with('<') && !trimmed.starts_with("<!") {
            return self.tag(trimmed);
        } else {
            is_module_line(line)
        };
        if taken {
            self.blank();
        }
        taken
    }

    fn colons(&mut self, trimmed: &str) -> bool {
        let rest = trimmed.trim_start_matches(':').trim_end_matches(':').trim();
        if rest.is_empty() {
            self.close_last(|close| matches!(close, Close::Colons));
            return true;
        }
        let rest = rest.trim_start_matches(['{', '.']);
        let (word, label) = split_word(rest);
        if word.is_empty() || word.starts_with(':') {
            return false;
        }
        let label = unquote(label.trim_matches(['[', ']', '}', '{'])).to_owned();
        self.push(Kind::of(word), label, None, Close::Colons);
        true
    }

    fn slashes(&mut self, trimmed: &str) -> bool {
        let rest = trimmed.trim_start_matches('/').trim();
        if rest.is_empty() {
            self.close_last(|close| matches!(close, Close::Slashes));
        } else {
            let (word, label) = split_word(rest);
            let label = label.trim_start_matches('|').trim();
            self.push(Kind::of(word), label.to_owned(), None, Close::Slashes);
        }
        true
    }

    fn admonition(&mut self, line: &str, trimmed: &str) -> bool {
        let rest = trimmed.get(3..).unwrap_or_default().trim_start_matches('+').trim_start();
        let (word, label) = split_word(rest);
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return false;
        }
        let label = unquote(label).to_owned();
        let kind = match Kind::of(word) {
            Kind::Plain if trimmed.starts_with("???") => Kind::Folded,
            Kind::Plain => Kind::Aside,
            kind => kind,
        };
        let columns = self.indent() + indentation(line) + 4;
        self.push(kind, label, None, Close::Indent(columns));
        true
    }

    fn tab(&mut self, line: &str, trimmed: &str) -> bool {
        let rest = trimmed.get(3..).unwrap_or_default().trim_start_matches(['!', '+']).trim();
        if !(rest.len() > 2 && rest.starts_with(['"', '\'']) && rest.ends_with(['"', '\''])) {
            return false;
        }
        let columns = self.indent() + indentation(line) + 4;
        self.push(Kind::Tab, unquote(rest).to_owned(), None, Close::Indent(columns));
        true
    }

    /// `{% tab Linux %}`, `{{< tab "Linux" >}}` and their ends.
    fn liquid(&mut self, trimmed: &str) -> bool {
        let inner = trimmed
            .trim_start_matches(['{', '%', '<', '-'])
            .trim_end_matches(['}', '%', '>', '-'])
            .trim();
        let (word, rest) = split_word(inner);
        let ends = word.strip_prefix('/').or_else(|| word.strip_prefix("end"));
        if let Some(name) = ends.filter(|name| !name.is_empty()) {
            self.close_last(|close| matches!(close, Close::Liquid(open) if open == name));
            return true;
        }
        match word {
            "tab" | "tabs" | "note" | "tip" | "warning" | "callout" | "details" | "alert"
            | "admonition" | "code-group" | "codetabs" | "tabpane" | "expand" | "hint" => {
                let label = attribute(rest, "name")
                    .or_else(|| attribute(rest, "header"))
                    .or_else(|| attribute(rest, "title"))
                    .unwrap_or_else(|| unquote(rest.trim()).to_owned());
                self.push(Kind::of(word), label, None, Close::Liquid(word.to_owned()));
                true
            }
            _ => true,
        }
    }

    /// Puts the line out, and remembers the fence that it opens.
    fn open_fence(&mut self, line: &str) {
        let line = line.to_owned();
        let Some((fence, info)) = opening(&line) else {
            self.put(line);
            return;
        };
        if let Some(name) = directive_name(info) {
            self.push(
                Kind::of(name),
                info.split_once('}').map_or("", |(_, rest)| rest).trim().to_owned(),
                None,
                Close::Backticks(fence.length),
            );
            self.blank();
            return;
        }
        let directive_ends = self
            .open
            .iter()
            .rposition(|open| matches!(open.close, Close::Backticks(n) if n == fence.length));
        if let (Some(position), true) = (directive_ends, info.is_empty()) {
            self.close_from(position, self.line_number());
            self.blank();
            return;
        }
        let indent = self.indent();
        let rest = self.lines.get(self.at + 1..).unwrap_or_default();
        let closed = rest
            .iter()
            .take_while(|line| line.trim().is_empty() || indentation(line) >= indent)
            .any(|line| closes(&dedent(line, indent), fence));
        if closed {
            self.fence = Some(fence);
        } else {
            self.scan.unclosed.push(self.line_number());
            self.close_unclosed(fence);
        }
        self.put(line);
    }

    /// A fence that nothing closes ends at the next blank line, as its author meant.
    fn close_unclosed(&mut self, fence: Fence) {
        let next = (self.at + 1..self.lines.len()).find(|at| self.lines[*at].trim().is_empty());
        if let Some(at) = next.filter(|at| *at > self.at + 1) {
            self.lines[at] =
                " ".repeat(self.indent()) + &fence.mark.to_string().repeat(fence.length);
            self.fence = Some(fence);
        }
    }
}

/// `{% highlight bash %}` and its end are a fence of another spelling.
fn highlight_as_fence(line: String) -> String {
    let Some(inner) = line.trim().strip_prefix("{%") else { return line };
    let (word, rest) = split_word(inner.trim_matches(['-', '%', '}', ' ']));
    let indent = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
    match word {
        "highlight" => {
            format!("{indent}```{}", rest.split_whitespace().next().unwrap_or_default())
        }
        "endhighlight" => format!("{indent}```"),
        _ => line,
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

fn is_module_line(line: &str) -> bool {
    let quoted = line.trim_end().trim_end_matches(';').ends_with(['\'', '"']);
    let imports = line.starts_with("import ") && quoted;
    let exports = line.starts_with("export const ") && line.contains('=');
    imports || exports
}

/// Columns of white space at the start, a tab going to the next multiple of four.
pub(crate) fn indentation(line: &str) -> usize {
    let mut columns = 0;
    for c in line.chars() {
        match c {
            ' ' => columns += 1,
            '\t' => columns += 4 - columns % 4,
            _ => break,
        }
    }
    columns
}

/// The line with so many columns of white space removed.
fn dedent(line: &str, columns: usize) -> String {
    let mut at = 0;
    let mut rest = line;
    while at < columns {
        if let Some(after) = rest.strip_prefix(' ') {
            at += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix('\t') {
            let width = 4 - at % 4;
            rest = after;
            at += width;
            if at > columns {
                return " ".repeat(at - columns) + rest;
            }
        } else {
            break;
        }
    }
    rest.to_owned()
}

/// The text after block quote marks and list markers.
fn without_markers(line: &str) -> &str {
    let mut rest = line.trim_start();
    for _ in 0..8 {
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        if let Some(after) = rest.strip_prefix('>') {
            rest = after.trim_start();
        } else if rest.starts_with("- ") || rest.starts_with("* ") || rest.starts_with("+ ") {
            rest = rest.get(2..).unwrap_or_default().trim_start();
        } else if (1..=9).contains(&digits)
            && rest.get(digits..).is_some_and(|r| r.starts_with(". ") || r.starts_with(") "))
        {
            rest = rest.get(digits + 2..).unwrap_or_default().trim_start();
        } else {
            break;
        }
    }
    rest
}

fn opening(line: &str) -> Option<(Fence, &str)> {
    let rest = without_markers(line);
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = rest.chars().take_while(|c| *c == mark).count();
    let info = rest.get(length..)?.trim();
    let valid = length >= 3 && !(mark == '`' && info.contains('`'));
    // Four columns and more are an indented block, but not inside of lists.
    valid.then_some((Fence { mark, length }, info))
}

fn closes(line: &str, fence: Fence) -> bool {
    let mut rest = line.trim();
    while let Some(after) = rest.strip_prefix('>') {
        rest = after.trim_start();
    }
    let length = rest.chars().take_while(|c| *c == fence.mark).count();
    length >= fence.length && rest.len() == length
}

/// `{note}` and the like open a container; `{code-block}` and the like are code.
fn directive_name(info: &str) -> Option<&str> {
    let name = info.strip_prefix('{')?.split_once('}')?.0;
    let word = name.trim();
    (Kind::of(word) != Kind::Plain || matches!(word, "tab-set" | "grid" | "card")).then_some(word)
}

fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.find(|c: char| c.is_whitespace() || c == '[' || c == '{' || c == '}') {
        Some(end) => {
            let (word, rest) = text.split_at(end);
            (word, rest.trim())
        }
        None => (text, ""),
    }
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// The first place of `what` that is not inside of inline code.
fn find_outside_code(line: &str, what: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = line.get(from..)?.find(what) {
        let at = from + found;
        let ticks = line.get(..at)?.matches('`').count();
        if ticks.is_multiple_of(2) {
            return Some(at);
        }
        from = at + what.len();
    }
    None
}
