//! Instructions in running text: "Run `npm install`", "create a directory named `app`".

use crate::Lines;
use crate::command;
use crate::info::is_file_like;
use crate::phrase::{self, contains as has_phrase};
use crate::sentence::{Code, Sentence};

/// An instruction found in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) lines: Lines,
    pub(crate) action: Instruction,
    pub(crate) why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Instruction {
    Run(String),
    Visit(String),
    /// "Copy the code above to a file named …".
    CopyTo(String),
}

/// The instructions of a sentence. `next` are the commands of the block below; `beside` is true in
/// notes and quotations, where commands are mentioned more than given; `last` for the last sentence
/// of its paragraph.
pub(crate) fn instructions(
    sentence: &Sentence,
    next: &[String],
    beside: bool,
    last: bool,
) -> Vec<Found> {
    let mut out = Vec::new();
    let announced = last && sentence.announces() && !next.is_empty();
    if !beside && !announced {
        match copy_to(sentence) {
            Some(found) => out.push(found),
            None => out.extend(clauses(sentence, next)),
        }
    }
    out.extend(visit(sentence));
    out
}

/// A paragraph that is nothing but a command, or an entry of a numbered list that ends in one:
/// "1. Install the tools: `npm ci`".
pub(crate) fn alone(sentences: &[Sentence], announced: bool, numbered: bool) -> Option<Found> {
    let [sentence] = sentences else { return None };
    let text = sentence.text.trim_end_matches('.');
    let [code] = sentence.codes.as_slice() else { return None };
    let entry = numbered && text.ends_with(": `0`");
    let fits = code.literal && code.text.contains(' ') && command::is_command_like(&code.text);
    (fits && (entry || text == "`0`" && announced)).then(|| Found {
        lines: Lines::one(code.line),
        action: Instruction::Run(code.text.clone()),
        why: "a command that stands by itself".to_owned(),
    })
}

/// How sentences start that only tell of a possibility.
const POSSIBLE_STARTS: &str = "if |when |whenever |unless |should you|for example|e.g.|in case|note:|\
    you can also|optionally|alternatively|instead|or |as you|once you have|suppose|to stop|\
    to uninstall|to undo|to remove|to see all|to learn more";

/// What sentences say that only tell of a possibility.
const POSSIBLE: &str = "instead of|would|could|you can also|try to|not run|don't|do not|never|\
    without running|avoid|for example|such as|e.g.|for instance|equivalent|same as|or run|or use|\
    might|may want|some people|unless|in case|rather than|used to|previously|earlier";

/// Verbs of instructions that say by which command: "install it with `npm ci`".
const ACTIONS: &str = "start|install|build|check|verify|launch|initialize|initialise|compile|test|clone|\
    reload|restart|activate|deploy|update|upgrade|generate|confirm|initiate|bootstrap|create|make|set|\
    list|inspect|view|apply|enable|boot|fetch|format|lint|commit|serve|do";

/// What a sentence tells to run, clause by clause.
fn clauses(sentence: &Sentence, next: &[String]) -> Vec<Found> {
    let text = sentence.text.as_str();
    let possible = POSSIBLE_STARTS.split('|').any(|start| text.starts_with(start));
    if possible || sentence.has(POSSIBLE) || text.ends_with('?') {
        return Vec::new();
    }
    let mut reader =
        Clauses { sentence, next, words: text.split(' ').collect(), at: 0, out: Vec::new() };
    reader.run();
    reader.out
}

struct Clauses<'a> {
    sentence: &'a Sentence,
    next: &'a [String],
    words: Vec<&'a str>,
    at: usize,
    out: Vec<Found>,
}

/// The word without the marks around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, ',' | '.' | ':' | ';' | '(' | ')' | '!'))
}

impl<'a> Clauses<'a> {
    fn run(&mut self) {
        // Words that may stand before the verb of an instruction.
        const OPENERS: &str = "first|then|next|now|finally|please|just|simply|and|also|again|afterwards|\
            lastly|second|secondly|third|let's|lets|you|can|should|must|need|to|we|will|have|start|\
            by|so|once|done|ready|try|go|ahead|after|that";
        let mut imperative = true; // The clause may start with a verb.
        while let Some(word) = self.words.get(self.at).copied() {
            let verb = bare(word);
            if imperative {
                match verb {
                    "run" | "execute" | "type" | "enter" | "issue" | "invoke" => self.command(verb),
                    "create" | "make" => {
                        self.directory();
                        self.by_running(verb);
                    }
                    "change" | "cd" | "move" | "switch" | "navigate" => self.change(verb),
                    "go" if self
                        .words
                        .get(self.at + 1)
                        .is_some_and(|w| matches!(*w, "to" | "into")) =>
                    {
                        self.change(verb);
                    }
                    _ if phrase::is_one_of(verb, ACTIONS) => self.by_running(verb),
                    _ => {}
                }
                imperative = phrase::is_one_of(verb, OPENERS);
            }
            // A new clause may start with a verb again: "do this, then run that". In a purpose
            // ("to see what happens, run it") the verb comes after the comma.
            if self.words.get(self.at).is_some_and(|w| w.ends_with([',', ';']))
                || matches!(verb, "and" | "then")
            {
                imperative = true;
            }
            self.at += 1;
        }
    }

    fn push(&mut self, line: u32, command: String, why: String) {
        self.out.push(Found { lines: Lines::one(line), action: Instruction::Run(command), why });
    }

    /// "run `a`", "run `a` and `b`".
    fn command(&mut self, verb: &str) {
        let Some((code, at)) = self.object(self.at + 1) else { return };
        self.at = at;
        let answers = self.sentence.has(
            "when asked|when prompted|if asked|at the prompt|if prompted|to confirm|as the name|\
             for the name|as your|as the value",
        );
        if answers || !self.take(code, verb) {
            return;
        }
        // More objects: "`a` and `b`", "`a`, `b`".
        loop {
            let ends = self.words.get(self.at).is_some_and(|word| word.ends_with(','));
            let step = match self.words.get(self.at + 1).copied() {
                Some("and" | "then") => 2,
                Some(_) if ends => 1,
                _ => return,
            };
            let Some(code) =
                self.words.get(self.at + step).and_then(|word| code_at(self.sentence, word))
            else {
                return;
            };
            if !self.take(code, verb) {
                return;
            }
            self.at += step;
        }
    }

    /// Notes a command; false where the code is none.
    fn take(&mut self, code: &'a Code, verb: &str) -> bool {
        let text = code.text.as_str();
        let plausible = if matches!(verb, "run" | "execute") {
            command::could_be_command(text) || is_single_program(text)
        } else {
            command::is_command_like(text)
        };
        if !plausible || !code.literal {
            return false;
        }
        let longer = format!("{text} ");
        let repeated =
            self.next.iter().any(|command| command == text || command.starts_with(&longer));
        if !repeated {
            self.push(code.line, text.to_owned(), format!("the text tells to {verb} it"));
        }
        true
    }

    /// "start it by running `a`", "install it with `b c`"
    fn by_running(&mut self, verb: &str) {
        const JOINTS: &str = "running|executing|typing|entering|with|using|via";
        const BETWEEN: &str = "the|command|following";
        // "We can build it with" tells of a possibility.
        let before = self.words.get(self.at.saturating_sub(3)..self.at).unwrap_or_default();
        if before.iter().any(|word| matches!(*word, "can" | "we" | "will" | "may")) {
            return;
        }
        let rest = self.words.get(self.at + 1..).unwrap_or_default();
        let Some(joint) = rest.iter().take(10).position(|word| phrase::is_one_of(word, JOINTS))
        else {
            return;
        };
        let before = rest.get(..joint).unwrap_or_default();
        if before.iter().any(|word| word.ends_with([',', ';', ':'])) {
            return;
        }
        let after = rest.get(joint + 1..).unwrap_or_default();
        let code = after
            .iter()
            .take_while(|word| phrase::is_one_of(word, BETWEEN) || word.contains('`'))
            .find_map(|word| code_at(self.sentence, word));
        if let Some(code) = code
            && code.text.contains(' ')
            && command::is_command_like(&code.text)
        {
            self.take(code, verb);
        }
    }

    /// "create a directory named `app`"
    fn directory(&mut self) {
        let found = self.folder(self.at + 1);
        let Some((path, line)) = found else { return };
        if !self.next.iter().any(|command| command.contains("mkdir")) {
            self.push(
                line,
                format!("mkdir {path}"),
                format!("the text tells to create the directory `{path}`"),
            );
        }
    }

    /// "change to it", "go to the `app` directory"
    fn change(&mut self, verb: &str) {
        const TO_IT: &str = "to it|into it|directory to it|to that|into that|to the new";
        let into = self.words.get(self.at + 1..).unwrap_or_default();
        let into = into.iter().take(4).map(|word| bare(word)).collect::<Vec<_>>().join(" ");
        let it = TO_IT.split('|').any(|form| has_phrase(&into, form));
        let made = self.out.iter().rev().find_map(|found| match &found.action {
            Instruction::Run(command) => {
                command.strip_prefix("mkdir ").map(|path| (path.to_owned(), found.lines.first))
            }
            _ => None,
        });
        let target = match (it, made) {
            (true, Some(made)) => Some(made),
            _ if verb != "move" => self.place(self.at + 1),
            _ => None,
        };
        if let Some((path, line)) = target
            && !self.next.iter().any(|command| command.starts_with("cd "))
        {
            self.push(line, format!("cd {path}"), format!("the text tells to change to `{path}`"));
        }
    }

    /// The inline code right after a verb, with few words between, and its place.
    fn object(&self, from: usize) -> Option<(&'a Code, usize)> {
        const BETWEEN: &str = "the|command|following|this|it|with|once|again|by|typing|script|a|commands|\
            a:|command:|in|your|terminal|terminal:|shell|shell:|following:|using|running";
        for (at, word) in self.words.iter().enumerate().skip(from).take(7) {
            if let Some(code) = code_at(self.sentence, word) {
                return Some((code, at));
            }
            if !phrase::is_one_of(word, BETWEEN) {
                return None;
            }
        }
        None
    }

    /// "a directory named `app`", "a new folder called `app`".
    fn folder(&self, from: usize) -> Option<(String, u32)> {
        let mut directory = false;
        for word in self.words.iter().skip(from).take(9) {
            if matches!(bare(word), "directory" | "folder" | "subdirectory" | "subfolder") {
                directory = true;
            } else if let Some(code) = code_at(self.sentence, word) {
                let named = directory && is_folder_name(&code.text);
                return named.then(|| (code.text.trim_end_matches('/').to_owned(), code.line));
            } else if matches!(bare(word), "file" | "and" | "then" | "in" | "with" | "inside") {
                return None;
            }
        }
        None
    }

    /// "to the `app` directory", "into the directory `app`".
    fn place(&self, from: usize) -> Option<(String, u32)> {
        let is_folder = |word: &str| matches!(bare(word), "directory" | "folder" | "subdirectory");
        let mut moved = false;
        for (at, word) in self.words.iter().enumerate().skip(from).take(8) {
            if matches!(bare(word), "to" | "into") {
                moved = true;
            } else if let Some(code) = code_at(self.sentence, word) {
                let named = self.words.get(at + 1).is_some_and(|word| is_folder(word))
                    || self
                        .words
                        .get(from..at)
                        .is_some_and(|w| w.iter().any(|word| is_folder(word)));
                let fits =
                    moved && named && is_folder_name(&code.text) && !is_file_like(&code.text);
                return fits.then(|| (code.text.trim_end_matches('/').to_owned(), code.line));
            } else if matches!(bare(word), "and" | "then" | "file") {
                return None;
            }
        }
        None
    }
}

/// The inline code that a word stands for.
pub(crate) fn code_at<'a>(sentence: &'a Sentence, word: &str) -> Option<&'a Code> {
    let start = word.find('`')?;
    let rest = word.get(start + 1..)?;
    let (number, _) = rest.split_once('`')?;
    // Something glued to it makes it a part of another word.
    if word.get(..start)?.chars().any(char::is_alphanumeric) {
        return None;
    }
    sentence.codes.get(number.parse::<usize>().ok()?)
}

/// `npm`, `make`: a program without arguments.
fn is_single_program(text: &str) -> bool {
    command::is_known_program(text) || text.starts_with("./")
}

fn is_folder_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() < 100
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '~'))
        && !text.starts_with('-')
}

/// "Create a file named `app.js` and copy the code from above."
fn copy_to(sentence: &Sentence) -> Option<Found> {
    let copies = sentence.has("copy|paste|put|save");
    let code = sentence.has(
        "the code|that code|the above|code above|example above|the example|copy that|that to|\
         this code above|snippet above|previous code",
    );
    let below = sentence.announces() || sentence.has("below|following");
    if !copies || !code || below {
        return None;
    }
    let code = sentence.codes.iter().find(|code| is_file_like(&code.text))?;
    Some(Found {
        lines: Lines::one(code.line),
        action: Instruction::CopyTo(code.text.clone()),
        why: String::new(),
    })
}

/// "Open `http://localhost:8000` in your browser": only addresses of this machine.
fn visit(sentence: &Sentence) -> Option<Found> {
    let verb = sentence.find(
        "open|visit|go to|navigate to|browse to|load|point your browser|head to|head over to|access|\
         see it at|available at|browser|check out|look at",
    )?;
    if ["if ", "when "].iter().any(|start| sentence.text.starts_with(start)) {
        return None;
    }
    let url = local_url(&sentence.raw)?;
    Some(Found {
        lines: sentence.lines,
        action: Instruction::Visit(url),
        why: format!("the text tells to open it (\"{verb}\")"),
    })
}

/// The first address of this machine in a text.
fn local_url(text: &str) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for host in ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"] {
        let Some(at) = text.find(host) else { continue };
        let before = text.get(..at).unwrap_or_default();
        let scheme = ["http://", "https://"].into_iter().find(|scheme| before.ends_with(scheme));
        let rest = text.get(at..).unwrap_or_default();
        let stop =
            |c: char| c.is_whitespace() || matches!(c, '`' | '>' | ')' | '"' | '\'' | ',' | '<');
        let end = rest.find(stop).unwrap_or(rest.len());
        let ending = ['.', ':', ';', '!', '?', '*', '_', '…'];
        let address = rest.get(..end).unwrap_or_default().trim_end_matches(ending);
        let port = address.strip_prefix(host).is_some_and(|r| r.starts_with(':') && r.len() > 1);
        if scheme.is_none() && !port {
            continue;
        }
        let url = format!("{}{address}", scheme.unwrap_or("http://"));
        if best.as_ref().is_none_or(|(first, _)| at < *first) {
            best = Some((at, url));
        }
    }
    best.map(|(_, url)| url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::tests::read;

    fn check(text: &str, expected: &[&str]) {
        let seen: Vec<String> = read(text)
            .iter()
            .flat_map(|sentence| instructions(sentence, &[], false, true))
            .map(|found| match found.action {
                Instruction::Run(text) => text,
                Instruction::Visit(url) => format!("visit {url}"),
                Instruction::CopyTo(path) => format!("copy to {path}"),
            })
            .collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn instructions_in_sentences() {
        check("Run `npm install`.", &["npm install"]);
        check("Then type `make` and run `make install`.", &["make", "make install"]);
        check("Run `pwd` and `ls -F` to see where you are.", &["pwd", "ls -F"]);
        check("Run `a-tool --x`, `b-tool y`, and `make`.", &["a-tool --x", "b-tool y", "make"]);
        check("Now, run the command `./configure`.", &["./configure"]);
        check("To install it, run `npm ci`.", &["npm ci"]);
        let made = ["mkdir app", "cd app", "npm init"];
        check("First create a directory named `app`, change to it and run `npm init`.", &made);
        check(
            "Create a new folder called `demo` and go to the `demo` folder.",
            &["mkdir demo", "cd demo"],
        );
        check(
            "Create a file named `app.js` and copy the code from the example above.",
            &["copy to app.js"],
        );
        check("Start the server by running `npm start`.", &["npm start"]);
        check(
            "Install it with `pip install x`, then check it with `pip list`.",
            &["pip install x", "pip list"],
        );
        check("Copy that to a file `main.py`.", &["copy to main.py"]);
        check("Open http://localhost:8000 in your browser.", &["visit http://localhost:8000"]);
        check(
            "Then, load `http://localhost:3000/` in a browser.",
            &["visit http://localhost:3000/"],
        );
        check("Visit localhost:5000/hello.", &["visit http://localhost:5000/hello"]);
    }

    #[test]
    fn mentions_are_no_instructions() {
        for text in [
            "The `ls` command lists files.",
            "If you run `npm install` twice, nothing happens.",
            "You can also run `npm ci`.",
            "`git commit` saves it.",
            "For example, run `ls -l`.",
            "Instead of running `make`, use the button.",
            "After running `make`, look around.",
            "The next time you run `cargo build`, it will be faster.",
            "We can build a project using `cargo build`.",
            "See https://example.com/ for more.",
            "Never run `rm -rf /`!",
            "Enter `my-app` when asked for the name.",
            "Whenever you change it, run `make` again.",
            "Create the `app.js` file.",
            "Check the `status` field with care.",
            "Start with `main`.",
            "Build systems, with `make install` among them, differ.",
            "Go to the `Settings` page.",
        ] {
            check(text, &[]);
        }
    }
}
