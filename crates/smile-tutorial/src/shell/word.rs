//! Words and operators of shell text, read leniently.

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// `|`, `|&`
    Pipe,
    /// `;`, `&&`, `||`, a newline, `(`, `)`: another command may start.
    Separator(&'static str),
    /// `&`
    Background,
    /// A redirection: its sign, without the number before it. The target is the next word.
    Redirect(&'static str),
}

/// A word as written and as far as it is known before anything runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// As written.
    pub(super) raw: String,
    /// Quotes removed; variables and substitutions stay as written.
    pub(super) value: String,
    /// A variable or a substitution is inside.
    pub(super) expands: bool,
    /// Any part was quoted.
    pub(super) quoted: bool,
    /// Names of variables that are read.
    pub(super) variables: Vec<String>,
    /// The texts of `$(…)`, `` `…` ``, `<(…)`.
    pub(super) inner: Vec<String>,
}

/// The tokens of shell text; never fails.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut reader =
        Reader { chars: text.chars().collect(), at: 0, out: Vec::new(), ends: Vec::new() };
    reader.run();
    reader.out
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    out: Vec<Token>,
    /// Here-documents whose text starts at the next newline: the end word and whether tabs go.
    ends: Vec<(String, bool)>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match c {
                '\n' => {
                    self.at += 1;
                    self.out.push(Token::Separator("\n"));
                    self.skip_here_documents();
                }
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                _ if c.is_whitespace() => self.at += 1,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                ';' | '&' | '|' | '(' | ')' => self.operator(c),
                '<' | '>' => self.redirect(),
                _ => self.word(),
            }
        }
    }

    fn operator(&mut self, c: char) {
        let next = self.peek(1);
        let (token, width) = match (c, next) {
            ('&', Some('&')) => (Token::Separator("&&"), 2),
            ('&', Some('>')) => {
                self.at += 2;
                let append = self.peek(0) == Some('>');
                self.at += usize::from(append);
                self.out.push(Token::Redirect(if append { ">>" } else { ">" }));
                return;
            }
            ('&', _) => (Token::Background, 1),
            ('|', Some('|')) => (Token::Separator("||"), 2),
            ('|', Some('&')) => (Token::Pipe, 2),
            ('|', _) => (Token::Pipe, 1),
            (';', Some(';')) => (Token::Separator(";;"), 2),
            (';', _) => (Token::Separator(";"), 1),
            ('(', _) => (Token::Separator("("), 1),
            _ => (Token::Separator(")"), 1),
        };
        self.out.push(token);
        self.at += width;
    }

    fn redirect(&mut self) {
        let rest: String = self.chars.iter().skip(self.at).take(3).collect();
        if rest.starts_with("<(") || rest.starts_with(">(") {
            self.word();
            return;
        }
        // `2>`: the number is not a word.
        if let Some(Token::Word(word)) = self.out.last()
            && !word.raw.is_empty()
            && word.raw.chars().all(|c| c.is_ascii_digit())
            && self
                .at
                .checked_sub(1)
                .and_then(|before| self.chars.get(before))
                .is_some_and(char::is_ascii_digit)
        {
            self.out.pop();
        }
        for (sign, width) in [
            ("<<<", 3),
            ("<<-", 3),
            ("<<", 2),
            (">>", 2),
            (">&", 2),
            ("<&", 2),
            ("<>", 2),
            (">|", 2),
            ("<", 1),
            (">", 1),
        ] {
            if rest.starts_with(sign) {
                self.at += width;
                if sign == "<<" || sign == "<<-" {
                    self.here_document(sign == "<<-");
                } else {
                    self.out.push(Token::Redirect(if sign == ">|" { ">" } else { sign }));
                }
                return;
            }
        }
    }

    fn here_document(&mut self, strip: bool) {
        while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        let before = self.out.len();
        if self.peek(0).is_some_and(|c| !c.is_whitespace()) {
            self.word();
        }
        if let Some(Token::Word(word)) = self.out.get(before) {
            self.ends.push((word.value.clone(), strip));
        }
        self.out.truncate(before);
    }

    fn skip_here_documents(&mut self) {
        for (end, strip) in std::mem::take(&mut self.ends) {
            while self.at < self.chars.len() {
                let stop = self.chars.iter().skip(self.at).position(|c| *c == '\n');
                let length = stop.unwrap_or(self.chars.len() - self.at);
                let line: String = self.chars.iter().skip(self.at).take(length).collect();
                self.at += length + usize::from(stop.is_some());
                let line = if strip { line.trim_start_matches('\t') } else { line.as_str() };
                if line == end {
                    break;
                }
            }
        }
    }

    fn word(&mut self) {
        let mut word = Word::default();
        let start = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                _ if c.is_whitespace() => break,
                '(' if self.at > start => {
                    // `name=(…)` is one word; `name(` ends it.
                    if self.chars.get(self.at - 1) == Some(&'=') {
                        let inner = self.balanced('(', ')');
                        word.value.push_str(&inner);
                        continue;
                    }
                    break;
                }
                '<' | '>' if self.peek(1) == Some('(') => {
                    self.at += 1;
                    let inner = self.balanced('(', ')');
                    word.inner.push(inner);
                    word.expands = true;
                }
                '(' | '<' | '>' | ';' | '&' | '|' | ')' => break,
                '\\' => {
                    self.at += 1;
                    if let Some(next) = self.peek(0) {
                        if next != '\n' {
                            word.value.push(next);
                            word.quoted = true;
                        }
                        self.at += 1;
                    }
                }
                '\'' => self.single(&mut word),
                '"' => self.double(&mut word),
                '$' => self.dollar(&mut word),
                '`' => self.backtick(&mut word),
                _ => {
                    word.value.push(c);
                    self.at += 1;
                }
            }
        }
        if self.at == start {
            self.at += 1; // A sign that starts nothing: skipped, so that reading goes on.
            return;
        }
        word.raw = self.chars.iter().skip(start).take(self.at - start).collect();
        self.out.push(Token::Word(word));
    }

    fn single(&mut self, word: &mut Word) {
        word.quoted = true;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == '\'' {
                break;
            }
            word.value.push(c);
        }
    }

    fn double(&mut self, word: &mut Word) {
        word.quoted = true;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    break;
                }
                '\\' => {
                    self.at += 1;
                    if let Some(next) = self.peek(0) {
                        word.value.push(next);
                        self.at += 1;
                    }
                }
                '$' => self.dollar(word),
                '`' => self.backtick(word),
                _ => {
                    word.value.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn backtick(&mut self, word: &mut Word) {
        self.at += 1;
        let start = self.at;
        while self.peek(0).is_some_and(|c| c != '`') {
            self.at += 1;
        }
        word.inner.push(self.chars.iter().skip(start).take(self.at - start).collect());
        word.expands = true;
        self.at += 1;
    }

    fn dollar(&mut self, word: &mut Word) {
        let start = self.at;
        self.at += 1;
        match self.peek(0) {
            Some('(') => {
                let inner = self.balanced('(', ')');
                if !inner.starts_with('(') {
                    word.inner.push(inner);
                }
                word.expands = true;
            }
            Some('{') => {
                let inner = self.balanced('{', '}');
                let name: String = inner
                    .trim_start_matches(['#', '!'])
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                // `${name:-default}` and `${name:=default}` stand an unset variable.
                let tail =
                    inner.trim_start_matches(['#', '!']).get(name.len()..).unwrap_or_default();
                let defaulted = tail.starts_with(":-")
                    || tail.starts_with(":=")
                    || tail.starts_with('-')
                    || tail.starts_with(":+")
                    || tail.starts_with('+');
                if !name.is_empty() && !defaulted && !name.starts_with(|c: char| c.is_ascii_digit())
                {
                    word.variables.push(name);
                }
                word.expands = true;
            }
            Some('\'') => {
                self.single(word);
                return;
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name: String = self
                    .chars
                    .iter()
                    .skip(self.at)
                    .take_while(|c| c.is_ascii_alphanumeric() || **c == '_')
                    .collect();
                self.at += name.chars().count();
                word.variables.push(name);
                word.expands = true;
            }
            Some('?' | '!' | '$' | '#' | '@' | '*' | '0'..='9' | '-') => {
                self.at += 1;
                word.expands = true;
            }
            _ => {}
        }
        let text: String = self.chars.iter().skip(start).take(self.at - start).collect();
        word.value.push_str(&text);
    }

    /// The text between a bracket, which is next, and the one that closes it.
    fn balanced(&mut self, open: char, close: char) -> String {
        let start = self.at + 1;
        let mut depth = 0_usize;
        let mut quote: Option<char> = None;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match quote {
                Some(mark) => {
                    if c == '\\' && mark == '"' {
                        self.at += 1;
                    } else if c == mark {
                        quote = None;
                    }
                }
                None if c == '\'' || c == '"' => quote = Some(c),
                None if c == '\\' => self.at += 1,
                None if c == open => depth += 1,
                None if c == close => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                None => {}
            }
        }
        self.at = self.at.min(self.chars.len());
        let end = self.at.saturating_sub(1).max(start);
        self.chars.iter().skip(start).take(end - start).collect()
    }
}
