//! Reads shell commands as far as the search for causes needs it: which programs, words, files
//! and variables a command names. No shell: what cannot be read is left out, never guessed.

use std::collections::BTreeSet;

use smile_tutorial::{Action, Tutorial};

/// One simple command within a line: `A=1 sudo ls -l "$HOME" > out`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Simple {
    /// Variables set in front.
    pub(crate) assignments: Vec<String>,
    /// The words, the program first; wrappers such as `sudo` are kept.
    pub(crate) words: Vec<Word>,
    /// Redirections of files.
    pub(crate) redirects: Vec<Redirect>,
    /// The operator before it, such as `&&`, `|`; empty at the start.
    pub(crate) after: &'static str,
}

/// One word, quotes removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Word {
    /// The text; expansions are kept as written.
    pub(crate) text: String,
    /// Variables that are expanded in it.
    pub(crate) variables: Vec<String>,
    /// Whether any part was quoted.
    pub(crate) quoted: bool,
    /// Whether it holds an expansion, a pattern or a command substitution.
    pub(crate) expands: bool,
}

/// A redirection to or from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// Whether the file is written.
    pub(crate) writes: bool,
    /// The file.
    pub(crate) target: Word,
}

/// Words that stand before a command and are none.
const RESERVED: &[&str] = &[
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "for", "in", "case",
    "esac", "{", "}", "!", "select", "function", "time", "coproc", "[[", "]]",
];
/// Programs that start another one, named by their next plain word.
const WRAPPERS: &[&str] =
    &["sudo", "env", "nohup", "exec", "command", "xargs", "doas", "nice", "stdbuf", "builtin"];
/// Commands of the shell itself.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

impl Simple {
    /// The program as typed, past assignments; none for a bare assignment.
    pub(crate) fn program(&self) -> Option<&str> {
        self.words.first().map(|word| word.text.as_str())
    }

    /// The words from the real program on, past wrappers such as `sudo -u x`.
    pub(crate) fn inner(&self) -> &[Word] {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            if !WRAPPERS.contains(&first.text.as_str()) {
                return words;
            }
            let next = rest
                .iter()
                .position(|word| !word.text.starts_with('-') && !word.text.contains('='));
            match next {
                Some(position) => words = &rest[position..],
                None => return words,
            }
        }
        words
    }

    /// The real program past wrappers.
    pub(crate) fn inner_program(&self) -> Option<&str> {
        self.inner().first().map(|word| word.text.as_str())
    }
}

/// The simple commands of a text, also those within substitutions, in order.
pub(crate) fn read(text: &str) -> Vec<Simple> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, depth: 0 };
    let mut out = Vec::new();
    reader.list(&mut out, None);
    out
}

/// The programs that a tutorial's commands and its own list of requirements name.
pub(crate) fn programs_of_tutorial(tutorial: &Tutorial) -> Vec<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for step in &tutorial.steps {
        if let Action::Run(command) = &step.action {
            names.extend(programs_of(&command.text));
        }
    }
    names.extend(tutorial.requirements.iter().map(|r| r.name.clone()).filter(|n| is_name(n)));
    // What stands in for what is missing is worth knowing, too.
    for (name, instead) in [("python", "python3"), ("pip", "pip3"), ("pip", "python3")] {
        if names.contains(name) {
            names.insert(instead.to_owned());
        }
    }
    names.into_iter().take(500).collect()
}

/// The programs outside the shell that a command starts, by bare name.
pub(crate) fn programs_of(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for simple in read(text) {
        for program in [simple.program(), simple.inner_program()].into_iter().flatten() {
            let known = BUILTINS.contains(&program) || names.iter().any(|name| name == program);
            if !known && is_name(program) {
                names.push(program.to_owned());
            }
        }
    }
    names
}

/// Whether a word can be the bare name of a program.
pub(crate) fn is_name(word: &str) -> bool {
    word.len() <= 64
        && word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    depth: u32,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Reads commands up to the closing character, or to the end.
    fn list(&mut self, out: &mut Vec<Simple>, close: Option<char>) {
        let mut current = Simple::default();
        let mut here_documents: Vec<(String, bool)> = Vec::new();
        let mut fresh = true; // At the start of a command, where reserved words count.
        while let Some(c) = self.peek() {
            if Some(c) == close {
                self.at += 1;
                break;
            }
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.chars.get(self.at + 1) == Some(&'\n') => self.at += 2,
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '\n' => {
                    self.at += 1;
                    push(out, &mut current, "");
                    fresh = true;
                    for (end, dash) in here_documents.drain(..) {
                        self.skip_here_document(&end, dash);
                    }
                }
                ';' | '&' | '|' | '(' | ')' => {
                    self.at += 1;
                    let operator = match (c, self.peek()) {
                        ('&', Some('>')) => {
                            // `&> file`: both outputs.
                            self.at += 1;
                            self.take_if('>');
                            let target = self.blanks_then_word(out);
                            current.redirects.push(Redirect { writes: true, target });
                            continue;
                        }
                        ('&', Some('&')) => "&&",
                        ('|', Some('|')) => "||",
                        ('|', Some('&')) => "|&",
                        ('&', _) => "&",
                        ('|', _) => "|",
                        _ => ";",
                    };
                    if operator.len() == 2 {
                        self.at += 1;
                    }
                    push(out, &mut current, operator);
                    fresh = true;
                }
                '<' | '>' => self.redirection(out, &mut current, &mut here_documents),
                _ => {
                    let word = self.word(out);
                    if word.text.is_empty() && !word.quoted {
                        self.at += 1; // Never stand still.
                        continue;
                    }
                    if word.text.chars().all(|c| c.is_ascii_digit())
                        && matches!(self.peek(), Some('<' | '>'))
                        && !word.quoted
                    {
                        continue; // The number of a descriptor.
                    }
                    if fresh && current.words.is_empty() {
                        if RESERVED.contains(&word.text.as_str()) && !word.quoted {
                            if word.text == "for" || word.text == "case" || word.text == "function"
                            {
                                current.words.push(Word { text: String::new(), ..Word::default() });
                            }
                            continue;
                        }
                        if let Some(name) = assignment(&word) {
                            current.assignments.push(name);
                            continue;
                        }
                    }
                    current.words.push(word);
                }
            }
        }
        push(out, &mut current, "");
    }

    fn redirection(
        &mut self,
        out: &mut Vec<Simple>,
        current: &mut Simple,
        here_documents: &mut Vec<(String, bool)>,
    ) {
        let writes = self.peek() == Some('>');
        self.at += 1;
        if !writes && self.take_if('<') {
            if self.take_if('<') {
                self.blanks_then_word(out); // A here-string.
                return;
            }
            let dash = self.take_if('-');
            let end = self.blanks_then_word(out).text;
            here_documents.push((end, dash));
            return;
        }
        if self.peek() == Some('(') {
            self.at += 1;
            self.nested(out, ')');
            return;
        }
        let _ = self.take_if('>') || self.take_if('|');
        if self.take_if('&') {
            self.blanks_then_word(out); // `2>&1`.
            return;
        }
        let target = self.blanks_then_word(out);
        if !target.text.is_empty() {
            current.redirects.push(Redirect { writes, target });
        }
    }

    fn blanks_then_word(&mut self, out: &mut Vec<Simple>) -> Word {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
        self.word(out)
    }

    fn nested(&mut self, out: &mut Vec<Simple>, close: char) {
        if self.depth < 16 {
            self.depth += 1;
            self.list(out, Some(close));
            self.depth -= 1;
        } else {
            self.at = self.chars.len();
        }
    }

    fn word(&mut self, out: &mut Vec<Simple>) -> Word {
        let mut word = Word::default();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    word.quoted = true;
                    self.at += 1;
                    while let Some(c) = self.peek() {
                        self.at += 1;
                        if c == '\'' {
                            break;
                        }
                        word.text.push(c);
                    }
                }
                '"' => {
                    word.quoted = true;
                    self.at += 1;
                    while let Some(c) = self.peek() {
                        match c {
                            '"' => {
                                self.at += 1;
                                break;
                            }
                            '\\' => {
                                self.at += 1;
                                self.push_next(&mut word);
                            }
                            '$' => self.dollar(&mut word, out),
                            '`' => self.backticks(&mut word, out),
                            _ => self.push_next(&mut word),
                        }
                    }
                }
                '\\' => {
                    self.at += 1;
                    if self.peek() == Some('\n') {
                        self.at += 1;
                    } else {
                        self.push_next(&mut word);
                    }
                }
                '$' => self.dollar(&mut word, out),
                '`' => self.backticks(&mut word, out),
                '*' | '?' => {
                    word.expands = true;
                    self.push_next(&mut word);
                }
                _ => self.push_next(&mut word),
            }
        }
        word
    }

    fn push_next(&mut self, word: &mut Word) {
        if let Some(c) = self.peek() {
            word.text.push(c);
            self.at += 1;
        }
    }

    fn backticks(&mut self, word: &mut Word, out: &mut Vec<Simple>) {
        word.expands = true;
        self.at += 1;
        let start = self.at;
        while self.peek().is_some_and(|c| c != '`') {
            self.at += if self.peek() == Some('\\') { 2 } else { 1 };
        }
        let end = self.at.min(self.chars.len());
        self.at = end + 1;
        if self.depth < 16 {
            let chars = self.chars[start..end].to_vec();
            Reader { chars, at: 0, depth: self.depth + 1 }.list(out, None);
        }
        word.text.push_str("`…`");
    }

    fn dollar(&mut self, word: &mut Word, out: &mut Vec<Simple>) {
        self.at += 1;
        match self.peek() {
            Some('(') => {
                word.expands = true;
                self.at += 1;
                if self.peek() == Some('(') {
                    self.skip_arithmetic();
                } else {
                    self.nested(out, ')');
                }
                word.text.push_str("$(…)");
            }
            Some('{') => {
                word.expands = true;
                let start = self.at + 1;
                let mut end = start;
                while self.chars.get(end).is_some_and(|&c| c == '_' || c.is_ascii_alphanumeric()) {
                    end += 1;
                }
                let name: String = self.chars[start..end].iter().collect();
                // `${NAME:-x}` and the like have an answer for an unset variable.
                let guarded = matches!(self.chars.get(end), Some(':' | '-' | '+' | '=' | '?'));
                while self.peek().is_some_and(|c| c != '}' && c != '\n') {
                    self.at += 1;
                }
                self.at += usize::from(self.peek() == Some('}'));
                if !name.is_empty() && !guarded {
                    word.variables.push(name.clone());
                }
                word.text.extend(["${", &name, "}"]);
            }
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                word.expands = true;
                let start = self.at;
                while self.peek().is_some_and(|c| c == '_' || c.is_ascii_alphanumeric()) {
                    self.at += 1;
                }
                let name: String = self.chars[start..self.at].iter().collect();
                word.text.push('$');
                word.text.push_str(&name);
                word.variables.push(name);
            }
            Some(c) if c == '?' || c == '!' || c == '#' || c == '@' || c.is_ascii_digit() => {
                word.expands = true;
                word.text.push('$');
                self.push_next(word);
            }
            _ => word.text.push('$'),
        }
    }

    fn skip_arithmetic(&mut self) {
        let mut depth = 0_u32;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '(' => depth += 1,
                ')' if depth <= 1 => break,
                ')' => depth -= 1,
                _ => {}
            }
        }
        self.take_if(')');
    }

    fn skip_here_document(&mut self, end: &str, dash: bool) {
        while self.at < self.chars.len() {
            let start = self.at;
            while self.peek().is_some_and(|c| c != '\n') {
                self.at += 1;
            }
            let line: String = self.chars[start..self.at].iter().collect();
            self.at += usize::from(self.at < self.chars.len());
            let line = if dash { line.trim_start_matches('\t') } else { &line };
            if line == end {
                break;
            }
        }
    }
}

fn push(out: &mut Vec<Simple>, current: &mut Simple, operator: &'static str) {
    let next = Simple { after: operator, ..Simple::default() };
    let done = std::mem::replace(current, next);
    let real = done.words.first().is_none_or(|word| !word.text.is_empty());
    let empty = done.words.is_empty() && done.assignments.is_empty() && done.redirects.is_empty();
    if real && !empty {
        out.push(done);
    }
}

fn assignment(word: &Word) -> Option<String> {
    let (name, _) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    (starts && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = read(text)
            .into_iter()
            .map(|s| s.words.into_iter().map(|w| w.text).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn simple_commands_are_found() {
        check("ls -l", &["ls -l"]);
        check("cd a && make | tee log; echo done", &["cd a", "make", "tee log", "echo done"]);
        check("echo \"a b\" 'c;d' e\\ f", &["echo a b c;d e f"]);
        check("A=1 B=2 run x", &["run x"]);
        check("if test -f x; then rm x; fi", &["test -f x", "rm x"]);
        check("for f in *.txt; do wc -l $f; done", &["wc -l $f"]);
        check(
            "echo $(git rev-parse HEAD) `date`",
            &["git rev-parse HEAD", "date", "echo $(…) `…`"],
        );
        check("cat > f <<EOF\nrm -rf x\nEOF\nls", &["cat", "ls"]);
        check("cat <<-'E'\n\tx\n\tE\nls # a comment", &["cat", "ls"]);
        check("make 2>&1 | grep x > out 2>/dev/null", &["make", "grep x"]);
        check("pip install \\\n  a", &["pip install a"]);
        check("(cd x && ls)", &["cd x", "ls"]);
        check("diff <(sort a) <(sort b)", &["sort a", "sort b", "diff"]);
        check("echo $((1 + 2))", &["echo $(…)"]);
        check("while true; do x; done &", &["true", "x"]);
    }

    #[test]
    fn programs_past_wrappers() {
        assert_eq!(programs_of("sudo -E apt-get install -y tree"), ["sudo", "apt-get"]);
        assert_eq!(programs_of("cd x; ./configure && make"), ["make"]);
        assert_eq!(programs_of("env A=1 python3 -m venv x"), ["env", "python3"]);
        assert_eq!(programs_of("echo hi"), Vec::<String>::new());
    }

    #[test]
    fn variables_and_redirections() {
        let [simple] = &read("curl -H \"A: $TOKEN\" ${URL} ${X:-1} > out.json")[..] else {
            panic!("one command")
        };
        let variables: Vec<_> = simple.words.iter().flat_map(|w| w.variables.clone()).collect();
        assert_eq!(variables, ["TOKEN", "URL"]);
        assert_eq!(simple.redirects[0].target.text, "out.json");
        assert!(simple.redirects[0].writes);
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in "[a-z$(){}<>|&;`'\"\\\\ \n#=*-]{0,80}") {
            let _ = read(&text);
        }
    }
}
