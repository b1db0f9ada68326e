//! Running text as sentences, with inline code kept apart.

use crate::Lines;
use crate::info::is_file_like;
use crate::page::{Span, Style};
use crate::phrase;

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Lower case, blanks collapsed, inline code replaced by its number: `` run `0` now ``.
    pub(crate) text: String,
    /// As written, inline code in backticks.
    pub(crate) raw: String,
    pub(crate) codes: Vec<Code>,
    pub(crate) lines: Lines,
}

/// Inline code, or an emphasised file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) text: String,
    pub(crate) line: u32,
    pub(crate) literal: bool,
}

impl Sentence {
    /// Whether any of the phrases, divided by `|`, occurs at the bounds of words.
    pub(crate) fn has(&self, phrases: &'static str) -> bool {
        self.find(phrases).is_some()
    }

    /// The first of the phrases, divided by `|`, that occurs at the bounds of words.
    pub(crate) fn find(&self, phrases: &'static str) -> Option<&'static str> {
        phrase::find(&self.text, phrases)
    }

    /// The paths of files in it: inline code first, else words that look like one.
    pub(crate) fn files(&self) -> Vec<String> {
        let codes: Vec<String> = self
            .codes
            .iter()
            .map(|code| code.text.trim().trim_end_matches(':'))
            .filter(|text| is_file_like(text))
            .map(ToOwned::to_owned)
            .collect();
        if !codes.is_empty() {
            return codes;
        }
        self.raw
            .split_whitespace()
            .filter(|word| !word.contains('`'))
            .map(|word| {
                word.trim_matches(|c: char| {
                    matches!(
                        c,
                        ',' | ':' | '"' | '\'' | '(' | ')' | ';' | '*' | '!' | '?' | '“' | '”'
                    )
                })
                .trim_end_matches('.')
            })
            .filter(|word| {
                is_file_like(word)
                    && word.chars().next().is_some_and(|c| c.is_ascii())
                    && !word.contains('@')
            })
            .filter(|word| !matches!(*word, "e.g" | "i.e" | "etc"))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// Whether it ends with a colon, and so announces what follows.
    pub(crate) fn announces(&self) -> bool {
        self.text.ends_with(':')
    }
}

/// The sentences of a paragraph.
pub(crate) fn sentences(spans: &[Span]) -> Vec<Sentence> {
    let mut out = Vec::new();
    let mut current = Builder::default();
    for span in spans {
        let text = span.text.trim();
        let names_file = span.style == Style::Emphasis && is_file_like(text);
        if span.style == Style::Code || names_file {
            current.code(&span.text, span.line, span.style == Style::Code);
            continue;
        }
        let chars: Vec<char> = span.text.chars().collect();
        for (at, c) in chars.iter().copied().enumerate() {
            current.push(c, span.line);
            let ends = matches!(c, '.' | '!' | '?');
            let next = chars.get(at + 1).copied();
            if ends && next.is_none_or(char::is_whitespace) && !current.is_abbreviation() {
                out.extend(current.take());
            }
        }
    }
    out.extend(current.take());
    out
}

#[derive(Debug, Default)]
struct Builder {
    text: String,
    raw: String,
    codes: Vec<Code>,
    lines: Option<Lines>,
}

impl Builder {
    fn touch(&mut self, line: u32) {
        self.lines = Some(match self.lines {
            Some(lines) => Lines::new(lines.first.min(line), lines.last.max(line)),
            None => Lines::one(line),
        });
    }

    fn code(&mut self, text: &str, line: u32, literal: bool) {
        self.touch(line);
        self.text.push('`');
        self.text.push_str(&self.codes.len().to_string());
        self.text.push('`');
        self.raw.push('`');
        self.raw.push_str(text);
        self.raw.push('`');
        self.codes.push(Code { text: text.trim().to_owned(), line, literal });
    }

    fn push(&mut self, c: char, line: u32) {
        if c.is_whitespace() {
            if !self.text.is_empty() && !self.text.ends_with(' ') {
                self.text.push(' ');
                self.raw.push(' ');
            }
            return;
        }
        self.touch(line);
        self.raw.push(c);
        match c {
            '’' | '‘' | '`' => self.text.push('\''),
            '“' | '”' => self.text.push('"'),
            '\u{a0}' => self.text.push(' '),
            _ => self.text.extend(c.to_lowercase()),
        }
    }

    fn is_abbreviation(&self) -> bool {
        let word = self.text.rsplit([' ', '(']).next().unwrap_or_default();
        matches!(word, "e.g." | "i.e." | "etc." | "vs." | "cf." | "approx." | "..." | "no.")
            || word.chars().all(|c| c.is_ascii_digit() || c == '.') && self.text.len() == word.len()
    }

    fn take(&mut self) -> Option<Sentence> {
        let built = std::mem::take(self);
        let text = built.text.trim().to_owned();
        let lines = built.lines?;
        (!text.is_empty()).then(|| Sentence {
            text,
            raw: built.raw.trim().to_owned(),
            codes: built.codes,
            lines,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Sentences of a text in which backticks mark code.
    pub(crate) fn read(text: &str) -> Vec<Sentence> {
        let style = |index: usize| if index % 2 == 1 { Style::Code } else { Style::Plain };
        let spans: Vec<Span> = text
            .split('`')
            .enumerate()
            .map(|(index, part)| {
                let text = part.to_owned();
                Span { line: 1, style: style(index), text, url: None }
            })
            .collect();
        sentences(&spans)
    }

    #[test]
    fn sentences_keep_code_and_lines() {
        let span = |line, style, text: &str| Span { line, style, text: text.to_owned(), url: None };
        let seen = sentences(&[
            span(3, Style::Plain, "Open it, e.g. in an editor. Then run "),
            span(3, Style::Code, "npm start"),
            span(4, Style::Plain, " and look at "),
            span(4, Style::Emphasis, "src/main.rs"),
            span(4, Style::Plain, ":"),
        ]);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1].text, "then run `0` and look at `1`:");
        assert_eq!(seen[1].lines, Lines::new(3, 4));
        assert_eq!(seen[1].files(), ["src/main.rs"]);
        assert!(seen[1].announces());
        assert!(seen[1].has("look at"));
        assert!(!seen[1].has("loo"));
    }

    #[test]
    fn words_that_look_like_files() {
        let span = Span {
            line: 1,
            style: Style::Plain,
            text: "Create a file app.py, then stop.".to_owned(),
            url: None,
        };
        assert_eq!(sentences(&[span])[0].files(), ["app.py"]);
    }
}
