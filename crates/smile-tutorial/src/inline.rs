//! Instructions in running text: "Run `npm install`", "create a directory named `app`".

use crate::Lines;
use crate::command;
use crate::info::is_file_like;
use crate::sentence::{Code, Sentence, has_phrase};
use crate::step::{Action, Expected, Match, Step};

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

/// The instructions of a paragraph. `next` are the commands of the block below; `beside` is true
/// in notes and quotations, where commands are mentioned more than given.
pub(crate) fn instructions(sentences: &[Sentence], next: &[String], beside: bool) -> Vec<Found> {
    let mut out = Vec::new();
    for (index, sentence) in sentences.iter().enumerate() {
        if let Some(found) = visit(sentence) {
            out.push(found);
        }
        let last = index + 1 == sentences.len();
        if beside || (last && sentence.announces() && !next.is_empty()) {
            continue;
        }
        if let Some(found) = copy_to(sentence) {
            out.push(found);
            continue;
        }
        out.extend(clauses(sentence, next));
    }
    out
}

/// Verbs that tell to run what follows.
const VERBS: &[&str] = &["run", "execute", "type", "enter", "issue", "invoke"];

/// Words that may stand before the verb of an instruction.
const OPENERS: &[&str] = &[
    "first",
    "then",
    "next",
    "now",
    "finally",
    "please",
    "just",
    "simply",
    "and",
    "also",
    "again",
    "afterwards",
    "lastly",
    "second",
    "secondly",
    "let's",
    "lets",
    "you",
    "can",
    "should",
    "must",
    "need",
    "to",
    "we",
    "will",
    "have",
    "start",
    "by",
    "so",
    "once",
    "done",
    "ready",
    "try",
    "go",
    "ahead",
    "instead",
];

/// What a sentence tells to run, clause by clause.
#[expect(clippy::too_many_lines, reason = "one pass over the words of a sentence")]
fn clauses(sentence: &Sentence, next: &[String]) -> Vec<Found> {
    let text = sentence.text.as_str();
    let conditional = [
        "if ",
        "when ",
        "whenever ",
        "unless ",
        "should you",
        "for example",
        "e.g.",
        "in case",
        "note:",
        "you can also",
        "optionally",
        "alternatively",
        "instead",
        "or ",
        "as you",
        "once you have",
        "suppose",
        "to stop",
        "to uninstall",
        "to undo",
    ]
    .iter()
    .any(|start| text.starts_with(start));
    let unreal = sentence.has(
        "instead of|would|could|you can also|try to|not run|don't|do not|never|\
            without running|avoid|for example|such as|e.g.|for instance|equivalent|same as|\
            or run|or use|you can also run|might|may want|some people",
    );
    if conditional || unreal || text.ends_with('?') {
        return Vec::new();
    }
    let mut out = Vec::new();
    let words: Vec<&str> = text.split(' ').collect();
    let mut imperative = true; // The clause may start with a verb.
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let bare =
            word.trim_matches(|c: char| matches!(c, ',' | '.' | ':' | ';' | '(' | ')' | '!'));
        if imperative && VERBS.contains(&bare) {
            if let Some((code, used)) = object(sentence, &words, at + 1) {
                let plausible = if matches!(bare, "run" | "execute") {
                    command::could_be_command(&code.text) || is_single_program(&code.text)
                } else {
                    command::is_command_like(&code.text)
                };
                let repeated = next.iter().any(|command| {
                    command == &code.text || command.starts_with(&format!("{} ", code.text))
                });
                let answers = sentence.has(
                    "when asked|when prompted|if asked|at the prompt|if prompted|to confirm|\
            as the name|for the name",
                );
                if plausible && !repeated && !answers && code.literal {
                    out.push(Found {
                        lines: Lines::one(code.line),
                        action: Instruction::Run(code.text.clone()),
                        why: format!("the text tells to {bare} it"),
                    });
                }
                at = used;
            }
            imperative = false;
        } else if imperative && matches!(bare, "create" | "make") {
            if let Some((path, line)) = directory(sentence, &words, at + 1)
                && !next.iter().any(|command| command.contains("mkdir"))
            {
                out.push(Found {
                    lines: Lines::one(line),
                    action: Instruction::Run(format!("mkdir {path}")),
                    why: format!("the text tells to create the directory `{path}`"),
                });
            }
            imperative = false;
        } else if imperative
            && matches!(bare, "change" | "cd" | "go" | "move" | "switch" | "navigate")
        {
            let into = words.get(at + 1..at + 4).unwrap_or_default().join(" ");
            let it = ["to it", "into it", "directory to it", "to that", "into that", "to the new"]
                .iter()
                .any(|form| into.starts_with(form) || has_phrase(&into, form));
            let made = out.iter().rev().find_map(|found| match &found.action {
                Instruction::Run(command) => {
                    command.strip_prefix("mkdir ").map(|path| (path.to_owned(), found.lines))
                }
                _ => None,
            });
            if let (true, Some((path, lines))) = (it, made) {
                out.push(Found {
                    lines,
                    action: Instruction::Run(format!("cd {path}")),
                    why: format!("the text tells to change to `{path}`"),
                });
            } else if matches!(bare, "change" | "go" | "switch" | "navigate" | "cd")
                && let Some((path, line)) = place(sentence, &words, at + 1)
                && !next.iter().any(|command| command.starts_with("cd "))
            {
                out.push(Found {
                    lines: Lines::one(line),
                    action: Instruction::Run(format!("cd {path}")),
                    why: format!("the text tells to change to `{path}`"),
                });
            }
            imperative = false;
        } else if OPENERS.contains(&bare) {
            // The verb may still come.
        } else {
            imperative = false;
        }
        // A new clause may start with a verb again.
        if word.ends_with(',') || word.ends_with(';') || matches!(bare, "and" | "then") {
            imperative = true;
        }
        at += 1;
    }
    out
}

/// The inline code right after a verb, with few words between, and the word after it.
fn object<'a>(sentence: &'a Sentence, words: &[&str], from: usize) -> Option<(&'a Code, usize)> {
    const BETWEEN: &[&str] = &[
        "the",
        "command",
        "following",
        "this",
        "it",
        "with",
        "once",
        "again",
        "by",
        "typing",
        "script",
        "a",
        "commands",
        "a:",
        "command:",
        "in",
        "your",
        "terminal",
        "terminal:",
        "shell",
        "shell:",
        "following:",
    ];
    for (at, word) in words.iter().enumerate().skip(from).take(7) {
        if let Some(code) = code_at(sentence, word) {
            return Some((code, at));
        }
        if !BETWEEN.contains(word) {
            return None;
        }
    }
    None
}

/// The inline code that a word stands for.
fn code_at<'a>(sentence: &'a Sentence, word: &str) -> Option<&'a Code> {
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

/// "a directory named `app`", "a new folder called `app`", "the `app` directory".
fn directory(sentence: &Sentence, words: &[&str], from: usize) -> Option<(String, u32)> {
    let mut directory = false;
    for word in words.iter().skip(from).take(9) {
        let bare = word.trim_matches(|c: char| matches!(c, ',' | '.' | ':'));
        if matches!(bare, "directory" | "folder" | "subdirectory" | "subfolder") {
            directory = true;
        } else if let Some(code) = code_at(sentence, word) {
            return (directory && is_folder_name(&code.text))
                .then(|| (code.text.trim_end_matches('/').to_owned(), code.line));
        } else if matches!(bare, "file" | "and" | "then" | "in" | "with") {
            return None;
        }
    }
    None
}

/// "to the `app` directory", "into `app`".
fn place(sentence: &Sentence, words: &[&str], from: usize) -> Option<(String, u32)> {
    let mut moved = false;
    for (at, word) in words.iter().enumerate().skip(from).take(8) {
        let bare = word.trim_matches(|c: char| matches!(c, ',' | '.' | ':'));
        if matches!(bare, "to" | "into") {
            moved = true;
        } else if let Some(code) = code_at(sentence, word) {
            let after =
                words.get(at + 1).map(|w| w.trim_matches(|c: char| matches!(c, ',' | '.' | ':')));
            let named = matches!(after, Some("directory" | "folder" | "subdirectory"))
                || words.get(..at).is_some_and(|before| {
                    before.iter().any(|w| matches!(*w, "directory" | "folder" | "directories"))
                });
            return (moved && named && is_folder_name(&code.text) && !is_file_like(&code.text))
                .then(|| (code.text.trim_end_matches('/').to_owned(), code.line));
        } else if matches!(bare, "and" | "then" | "file") {
            return None;
        }
    }
    None
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
        "the code|that code|the above|code above|example above|the example|copy that|\
            that to|this code above|snippet above|previous code",
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

/// "Open <http://localhost:8000> in your browser": only addresses of this machine.
fn visit(sentence: &Sentence) -> Option<Found> {
    let verb = sentence.find(
        "open|visit|go to|navigate to|browse to|load|point your browser|head to|\
            head over to|access|see it at|available at|browser|curl|check out|look at",
    )?;
    let asks = !["if ", "when "].iter().any(|start| sentence.text.starts_with(start));
    if !asks || verb == "curl" {
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
        let end = rest
            .find(|c: char| {
                c.is_whitespace()
                    || matches!(c, '`' | '>' | ')' | '"' | '\'' | ',' | ']' | '<') && c != ']'
            })
            .unwrap_or(rest.len());
        let address = rest
            .get(..end)
            .unwrap_or_default()
            .trim_end_matches(['.', ':', ';', '!', '?', '*', '_', '…']);
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

/// What a paragraph says about the command before it: that it goes on running, what it asks,
/// what it prints.
pub(crate) fn about_last(sentences: &[Sentence], steps: &mut [Step], last: Option<usize>) {
    let Some(Step { action: Action::Run(command), .. }) = last.and_then(|at| steps.get_mut(at))
    else {
        return;
    };
    for sentence in sentences {
        let text = sentence.text.as_str();
        if command.keeps_running.is_none() {
            let other = sentence.find(
                "another terminal|new terminal|second terminal|separate terminal|\
            different terminal|another shell|other terminal|another tab|\
            new tab in your terminal|another window",
            );
            let stop = sentence.find("ctrl+c|ctrl-c|control-c|control+c|ctrl + c|^c");
            let on = sentence.find(
                "keep it running|leave it running|keeps running|server running|server is running|\
            server is now running|keep running|leave the server|stop the server|\
            quit the server|still running|runs until",
            );
            if let Some(words) = other.or(stop).or(on) {
                command.keeps_running = Some(format!("the text says \"{words}\""));
            }
        }
        if let Some(answer) = answer(sentence) {
            command.answers.push(answer);
        }
        if command.expected.is_none()
            && let Some(verb) = sentence.find(
                "you should see|you'll see|you will see|it prints|this prints|will print|\
            should print|prints|outputs|displays|should output|will output",
            )
            && !text.starts_with("if ")
            && let Some(code) = promised(sentence, verb)
        {
            command.expected = Some(Expected {
                text: code.text.clone(),
                lines: Lines::one(code.line),
                matching: Match::Contains,
            });
        }
    }
}

/// The inline code right after the words that promise an output.
fn promised<'a>(sentence: &'a Sentence, verb: &str) -> Option<&'a Code> {
    let after = sentence.text.split_once(verb)?.1;
    let words: Vec<&str> = after.split_whitespace().take(5).collect();
    let at = words.iter().position(|word| word.contains('`'))?;
    let between = words.get(..at)?;
    let plain = between.iter().all(|word| {
        matches!(
            *word,
            "the"
                | "a"
                | "message"
                | "text"
                | "output"
                | "line"
                | "word"
                | "words"
                | "out"
                | "something"
                | "like"
                | "result"
                | "string"
                | "version"
                | ":"
        )
    });
    let code = code_at(sentence, words.get(at)?)?;
    let tail = words.get(at + 1).copied().unwrap_or_default();
    let other = matches!(
        tail,
        "file"
            | "directory"
            | "folder"
            | "command"
            | "page"
            | "in"
            | "option"
            | "flag"
            | "button"
            | "link"
            | "tab"
    );
    (plain && code.literal && !other && !is_file_like(&code.text)).then_some(code)
}

/// "answer `y`", "press Enter to accept", "type `my-app` when asked for the name".
fn answer(sentence: &Sentence) -> Option<String> {
    let text = sentence.text.as_str();
    let asked = sentence.has(
        "when asked|when prompted|if asked|if prompted|prompt|prompts|asks|asked|\
            question|questions|confirm|to accept|accept the default|accept the defaults|\
            password",
    );
    for verb in [
        "answer with ",
        "answer ",
        "respond with ",
        "reply with ",
        "choose ",
        "select ",
        "type ",
        "enter ",
        "press ",
    ] {
        let Some((before, after)) = text.split_once(verb) else { continue };
        let bounded = before.is_empty() || before.ends_with([' ', '(', ',']);
        let direct =
            verb.starts_with("answer") || verb.starts_with("reply") || verb.starts_with("respond");
        if !bounded || !(asked || direct) {
            continue;
        }
        if let Some(word) = after.split_whitespace().next()
            && let Some(code) = code_at(sentence, word)
            && !command::is_command_like(&code.text)
        {
            return Some(code.text.clone());
        }
    }
    let enter = sentence
        .has("press enter|hit enter|press return|hit return|press `enter`|press the enter key");
    (enter && asked && !sentence.has("editor|nano|save")).then(String::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Span, Style};
    use crate::sentence::sentences;

    fn read(text: &str) -> Vec<Sentence> {
        let spans: Vec<Span> = text
            .split('`')
            .enumerate()
            .map(|(index, part)| Span {
                line: 1,
                style: if index % 2 == 1 { Style::Code } else { Style::Plain },
                text: part.to_owned(),
                url: None,
            })
            .collect();
        sentences(&spans)
    }

    fn check(text: &str, expected: &[&str]) {
        let seen: Vec<String> = instructions(&read(text), &[], false)
            .into_iter()
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
        check("Now, run the command `./configure`.", &["./configure"]);
        check(
            "First create a directory named `app`, change to it and run `npm init`.",
            &["mkdir app", "cd app", "npm init"],
        );
        check(
            "Create a new folder called `demo` and go to the `demo` folder.",
            &["mkdir demo", "cd demo"],
        );
        check(
            "Create a file named `app.js` and copy the code from the example above.",
            &["copy to app.js"],
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
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn answers() {
        let check = |text: &str, expected: Option<&str>| {
            let seen = read(text).iter().find_map(answer);
            assert_eq!(seen.as_deref(), expected, "{text}");
        };
        check("Answer `y`.", Some("y"));
        check("Type `my-app` when asked for the name.", Some("my-app"));
        check("Press Enter to accept the defaults.", Some(""));
        check("Type `ls` at the prompt.", None);
        check("Press Enter.", None);
    }
}
