//! Where a shell command ends: a line scanner that never fails, whatever it is fed.

use std::collections::VecDeque;

/// What is open at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `'…'`
    Single,
    /// `$'…'`
    Ansi,
    /// `"…"`
    Double,
    /// `` `…` ``
    Backtick,
    /// `(…)`, `$(…)`, `<(…)`
    Paren,
    /// `((…))`, `$((…))`: no here-documents and no comments inside.
    Arithmetic,
    /// `${…}`
    Parameter,
    /// `if … fi`, `for … done`, `while … done`, `{ … }`
    Until(&'static str),
    /// `case … esac`
    Case,
}

/// Feeds on lines and says after each whether the command is complete.
#[derive(Debug, Default, Clone)]
pub(crate) struct Lexer {
    open: Vec<Open>,
    here_documents: VecDeque<HereDocument>,
    continued: bool,
    operator_last: bool,
    command_position: bool,
    /// Where the comment of the last line starts.
    comment: Option<usize>,
}

#[derive(Debug, Clone)]
struct HereDocument {
    end: String,
    strip_tabs: bool,
}

/// Nesting deeper than this is no shell a reader types.
const DEPTH_MAX: usize = 64;

impl Lexer {
    pub(crate) fn new() -> Self {
        Self { command_position: true, ..Self::default() }
    }

    /// Whether all that was opened is closed.
    pub(crate) fn is_complete(&self) -> bool {
        self.open.is_empty()
            && self.here_documents.is_empty()
            && !self.continued
            && !self.operator_last
    }

    /// Whether the next line is the inside of a here-document.
    pub(crate) fn in_here_document(&self) -> bool {
        !self.here_documents.is_empty() && !self.continued && !self.in_quotes()
    }

    /// Whether a quote, and nothing better, is what keeps the command open.
    pub(crate) fn in_quotes(&self) -> bool {
        matches!(self.open.last(), Some(Open::Single | Open::Ansi | Open::Double | Open::Backtick))
    }

    /// Where the comment in the line just fed starts, in bytes.
    pub(crate) fn comment_start(&self) -> Option<usize> {
        self.comment
    }

    /// Takes one line without its newline; true when the command is complete after it.
    pub(crate) fn feed(&mut self, line: &str) -> bool {
        self.comment = None;
        if self.in_here_document() {
            let document = self.here_documents.front().expect("one is open");
            let text = if document.strip_tabs { line.trim_start_matches('\t') } else { line };
            if text.trim_end_matches('\r') == document.end {
                self.here_documents.pop_front();
            }
            return self.is_complete();
        }
        if !self.continued && !self.in_quotes() {
            self.command_position = true;
        }
        self.continued = false;
        let blank = line.trim().is_empty();
        self.scan(line);
        if blank && !self.open.is_empty() {
            return false;
        }
        self.is_complete()
    }

    #[expect(clippy::too_many_lines, reason = "one flat match over the signs of a line")]
    fn scan(&mut self, line: &str) {
        let bytes = line.as_bytes();
        let mut at = 0;
        let mut word_start: Option<usize> = None;
        let mut operator_last = self.operator_last && line.trim().is_empty();
        while let Some(byte) = bytes.get(at).copied() {
            let next = bytes.get(at + 1).copied();
            match self.open.last().copied() {
                Some(Open::Single) => {
                    if byte == b'\'' {
                        self.open.pop();
                    }
                    at += 1;
                    continue;
                }
                Some(Open::Ansi) => {
                    match byte {
                        b'\\' => at += 1,
                        b'\'' => drop(self.open.pop()),
                        _ => {}
                    }
                    at += 1;
                    continue;
                }
                Some(Open::Double) => {
                    at += self.scan_double(byte, next);
                    if byte == b'\\' && next.is_none() {
                        self.continued = true;
                    }
                    continue;
                }
                Some(Open::Parameter) => {
                    match byte {
                        b'\\' => at += 1,
                        b'}' => drop(self.open.pop()),
                        b'\'' => self.push(Open::Single),
                        b'"' => self.push(Open::Double),
                        b'$' if next == Some(b'{') => {
                            self.push(Open::Parameter);
                            at += 1;
                        }
                        _ => {}
                    }
                    at += 1;
                    continue;
                }
                _ => {}
            }
            // Unquoted text.
            let breaks_word = matches!(
                byte,
                b' ' | b'\t' | b'\r' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
            );
            if breaks_word && let Some(start) = word_start.take() {
                self.end_word(line.get(start..at).unwrap_or_default());
            }
            if !breaks_word && word_start.is_none() {
                if byte == b'#' && !matches!(self.open.last(), Some(Open::Arithmetic)) {
                    self.comment = Some(at);
                    break;
                }
                word_start = Some(at);
            }
            if !matches!(byte, b' ' | b'\t' | b'\r') {
                operator_last = false;
            }
            let mut width = 1;
            match byte {
                b'\\' => {
                    if next.is_none() || (next == Some(b'\r') && at + 2 == bytes.len()) {
                        self.continued = true;
                        word_start = None;
                        break;
                    }
                    width = 2;
                }
                b'\'' => self.push(Open::Single),
                b'"' => self.push(Open::Double),
                b'`' => {
                    if self.open.last() == Some(&Open::Backtick) {
                        self.open.pop();
                    } else {
                        self.push(Open::Backtick);
                        self.command_position = true;
                        word_start = None;
                    }
                }
                b'$' => match next {
                    Some(b'\'') => {
                        self.push(Open::Ansi);
                        width = 2;
                    }
                    Some(b'{') => {
                        self.push(Open::Parameter);
                        width = 2;
                    }
                    Some(b'(') => {
                        let double = bytes.get(at + 2) == Some(&b'(');
                        width = self.push_paren(double) + 1;
                        self.command_position = true;
                        word_start = None;
                    }
                    Some(b'#') => width = 2,
                    _ => {}
                },
                b'(' => {
                    let double = next == Some(b'(') && self.command_position;
                    width = self.push_paren(double);
                    self.command_position = true;
                }
                b')' => {
                    match self.open.last() {
                        Some(Open::Paren) => drop(self.open.pop()),
                        Some(Open::Arithmetic) => {
                            self.open.pop();
                            if next == Some(b')') {
                                width = 2;
                            }
                        }
                        _ => {} // The end of a pattern in `case`, or no shell at all.
                    }
                    self.command_position = true;
                }
                b';' | b'&' => {
                    // `&>file`, `>&2` and `2>&1` are redirections.
                    let redirects = byte == b'&'
                        && (next == Some(b'>')
                            || at.checked_sub(1).and_then(|before| bytes.get(before))
                                == Some(&b'>'));
                    if !redirects {
                        self.command_position = true;
                    }
                    if byte == b'&' && next == Some(b'&') {
                        width = 2;
                        operator_last = true;
                    }
                }
                b'|' => {
                    self.command_position = true;
                    operator_last = true;
                    if next == Some(b'|') || next == Some(b'&') {
                        width = 2;
                    }
                }
                b'<' if next == Some(b'<') => {
                    if bytes.get(at + 2) == Some(&b'<') {
                        width = 3;
                    } else if !matches!(self.open.last(), Some(Open::Arithmetic)) {
                        width = self.here_document(line, at);
                    }
                }
                _ => {}
            }
            at += width;
        }
        if let Some(start) = word_start {
            let end = self.comment.unwrap_or(line.len());
            self.end_word(line.get(start..end).unwrap_or_default());
        }
        self.operator_last = operator_last;
    }

    /// The width of what was read inside double quotes.
    fn scan_double(&mut self, byte: u8, next: Option<u8>) -> usize {
        match (byte, next) {
            (b'\\', Some(_)) => return 2,
            (b'"', _) => drop(self.open.pop()),
            (b'`', _) => self.push(Open::Backtick),
            (b'$', Some(b'(')) => {
                self.push(Open::Paren);
                self.command_position = true;
                return 2;
            }
            (b'$', Some(b'{')) => {
                self.push(Open::Parameter);
                return 2;
            }
            _ => {}
        }
        1
    }

    fn push(&mut self, open: Open) {
        if self.open.len() < DEPTH_MAX {
            self.open.push(open);
        }
    }

    fn push_paren(&mut self, double: bool) -> usize {
        self.push(if double { Open::Arithmetic } else { Open::Paren });
        if double { 2 } else { 1 }
    }

    /// Reserved words open and close constructs, but only where a command may start.
    fn end_word(&mut self, word: &str) {
        if !self.command_position {
            if word == "in" && self.open.last() == Some(&Open::Case) {
                self.command_position = true;
            }
            return;
        }
        self.command_position = false;
        match word {
            "if" => self.push(Open::Until("fi")),
            "for" | "while" | "until" | "select" => {
                self.push(Open::Until("done"));
                self.command_position = matches!(word, "while" | "until");
            }
            "case" => self.push(Open::Case),
            "{" => {
                self.push(Open::Until("}"));
                self.command_position = true;
            }
            "then" | "do" | "else" | "elif" | "!" | "time" => self.command_position = true,
            "fi" | "done" | "}" => {
                if self.open.last() == Some(&Open::Until(closer(word))) {
                    self.open.pop();
                }
                self.command_position = true;
            }
            "esac" if self.open.last() == Some(&Open::Case) => {
                self.open.pop();
            }
            _ => {}
        }
        if word == "if" {
            self.command_position = true;
        }
    }

    /// Reads `<<WORD`; the width of what was read.
    fn here_document(&mut self, line: &str, at: usize) -> usize {
        let rest = line.get(at + 2..).unwrap_or_default();
        let strip_tabs = rest.starts_with('-');
        let after = rest.strip_prefix('-').unwrap_or(rest);
        let word = after.trim_start_matches([' ', '\t']);
        let skipped = after.len() - word.len();
        let (end, width) = here_word(word);
        let plausible = end.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !plausible {
            return 2;
        }
        if self.here_documents.len() < DEPTH_MAX {
            self.here_documents.push_back(HereDocument { end, strip_tabs });
        }
        2 + usize::from(strip_tabs) + skipped + width
    }
}

fn closer(word: &str) -> &'static str {
    match word {
        "fi" => "fi",
        "done" => "done",
        _ => "}",
    }
}

/// The word that ends a here-document, quotes removed, and its width.
fn here_word(text: &str) -> (String, usize) {
    for quote in ['\'', '"'] {
        if let Some(rest) = text.strip_prefix(quote) {
            return match rest.find(quote) {
                Some(end) => (rest.get(..end).unwrap_or_default().to_owned(), end + 2),
                None => (String::new(), 0),
            };
        }
    }
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '<' | '>' | '(' | ')'))
        .unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default();
    (word.replace('\\', ""), end)
}
