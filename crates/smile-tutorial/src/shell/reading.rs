//! What one command uses and makes, as far as its text tells.

use super::word::{Token, Word, tokens};

/// What a command's text tells about it. Everything is a guess from the text: nothing is run, and
/// words with variables inside are kept as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The programs called, in order.
    pub programs: Vec<Program>,
    /// Variables that are read, each once. Those with a default (`${x:-y}`) are left out.
    pub variables_read: Vec<String>,
    /// Variables that are set (`x=1`, `export x=1`, `read x`, `for x in`), each once.
    pub variables_set: Vec<String>,
    /// Redirections to and from files.
    pub redirects: Vec<Redirect>,
    /// Paths that are read, by what is known of the programs.
    pub reads: Vec<String>,
    /// Paths that are written or made.
    pub writes: Vec<String>,
    /// Paths that are removed or moved away.
    pub removes: Vec<String>,
    /// The targets of `cd` and `pushd`, in order; `~` where there is none.
    pub directories: Vec<String>,
    /// Functions and aliases that it defines.
    pub defines: Vec<String>,
    /// It ends with `&`.
    pub background: bool,
}

/// A program that a command calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name or path, as written without quotes.
    pub name: String,
    /// Its arguments, quotes removed.
    pub arguments: Vec<String>,
    /// How it is called.
    pub position: Position,
}

/// How a program is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// As a command of its own.
    Alone,
    /// In a pipeline, counted from 0.
    Pipeline(usize),
    /// Through another program: `sudo`, `env`, `time`, `xargs`.
    Through(String),
    /// Inside of `$(…)`, `` `…` `` or `<(…)`.
    Substitution,
}

/// A redirection to or from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// `>`, `>>`, `<`, `<>`.
    pub sign: &'static str,
    /// The file, as written without quotes.
    pub target: String,
}

/// Substitutions nest no deeper than this.
const DEPTH_MAX: usize = 8;

/// Reads the text of a command; never fails.
pub fn read(command: &str) -> Reading {
    let mut reading = Reading::default();
    collect(command, 0, &mut reading);
    for list in [
        &mut reading.variables_read,
        &mut reading.variables_set,
        &mut reading.reads,
        &mut reading.writes,
        &mut reading.removes,
    ] {
        dedup(list);
    }
    reading
}

fn dedup(list: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|item| seen.insert(item.clone()));
}

fn collect(text: &str, depth: usize, reading: &mut Reading) {
    let tokens = tokens(text);
    let mut words: Vec<Word> = Vec::new();
    let mut pipeline: Vec<Vec<Word>> = Vec::new();
    let mut redirect: Option<&'static str> = None;
    for token in tokens {
        match token {
            Token::Word(word) => {
                note_word(&word, depth, reading);
                match redirect.take() {
                    Some(sign) => note_redirect(sign, &word, reading),
                    None => words.push(word),
                }
            }
            Token::Redirect(sign) => redirect = Some(sign),
            Token::Pipe => pipeline.push(std::mem::take(&mut words)),
            Token::Background => {
                reading.background = depth == 0;
                pipeline.push(std::mem::take(&mut words));
                finish(&mut pipeline, depth, reading);
            }
            Token::Separator(sign) => {
                // `name()` defines a function.
                if sign == "(" && words.len() == 1 && pipeline.is_empty() {
                    let name = words.first().map(|word| word.raw.clone()).unwrap_or_default();
                    if name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
                        reading.defines.push(name);
                        words.clear();
                    }
                }
                if sign != "\n" || !words.is_empty() {
                    if !words.is_empty() {
                        reading.background = false;
                    }
                    pipeline.push(std::mem::take(&mut words));
                    finish(&mut pipeline, depth, reading);
                }
            }
        }
    }
    if !words.is_empty() {
        reading.background = false;
    }
    pipeline.push(words);
    finish(&mut pipeline, depth, reading);
}

fn note_word(word: &Word, depth: usize, reading: &mut Reading) {
    reading.variables_read.extend(word.variables.iter().cloned());
    if depth < DEPTH_MAX {
        for inner in &word.inner {
            let before = reading.programs.len();
            let background = reading.background;
            collect(inner, depth + 1, reading);
            reading.background = background;
            for program in reading.programs.iter_mut().skip(before) {
                program.position = Position::Substitution;
            }
        }
    }
}

fn note_redirect(sign: &'static str, word: &Word, reading: &mut Reading) {
    let target = word.value.clone();
    let descriptor = target.chars().all(|c| c.is_ascii_digit() || c == '-');
    if sign == "<<<"
        || (sign.contains('&') && descriptor)
        || target.is_empty()
        || !word.inner.is_empty()
    {
        return;
    }
    let sign = if sign == ">&" { ">" } else { sign };
    if !target.starts_with("/dev/") {
        if sign == "<" { &mut reading.reads } else { &mut reading.writes }.push(target.clone());
    }
    reading.redirects.push(Redirect { sign, target });
}

fn finish(pipeline: &mut Vec<Vec<Word>>, _depth: usize, reading: &mut Reading) {
    let commands = std::mem::take(pipeline);
    let several = commands.len() > 1;
    for (index, words) in commands.iter().enumerate() {
        let position = if several { Position::Pipeline(index) } else { Position::Alone };
        simple(words, position, reading);
    }
}

/// Reserved words that stand before a command.
const RESERVED: [&str; 12] =
    ["if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}"];

fn simple(words: &[Word], position: Position, reading: &mut Reading) {
    let mut rest = words;
    while let [word, after @ ..] = rest {
        if !word.quoted && RESERVED.contains(&word.raw.as_str()) {
            rest = after;
        } else if let Some((name, _)) = assignment(word) {
            reading.variables_set.push(name);
            rest = after;
        } else {
            break;
        }
    }
    let Some((first, arguments)) = rest.split_first() else { return };
    match first.raw.as_str() {
        "for" | "select" => {
            reading.variables_set.extend(arguments.first().map(|word| word.value.clone()));
            return;
        }
        "case" | "esac" | "in" | "[[" | "((" => return,
        "function" => {
            reading.defines.extend(arguments.first().map(|word| word.value.clone()));
            return;
        }
        _ => {}
    }
    if first.expands {
        return; // Nobody knows yet what is called.
    }
    if let Some(inner) = wrapped(&first.value, arguments) {
        reading.programs.push(Program {
            name: first.value.clone(),
            arguments: values(arguments),
            position,
        });
        for word in arguments.iter().take(arguments.len() - inner.len()) {
            reading
                .variables_set
                .extend(assignment(word).map(|(name, _)| name).filter(|_| first.value == "env"));
        }
        simple(inner, Position::Through(first.value.clone()), reading);
        return;
    }
    effects(&first.value, arguments, reading);
    reading.programs.push(Program {
        name: first.value.clone(),
        arguments: values(arguments),
        position,
    });
}

fn values(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.value.clone()).collect()
}

/// `NAME=value`, `NAME+=value`
fn assignment(word: &Word) -> Option<(String, &str)> {
    let (name, value) = word.raw.split_once('=')?;
    let name = name.trim_end_matches('+');
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then(|| (name.to_owned(), value))
}

/// The command that a program like `sudo` calls.
fn wrapped<'a>(program: &str, arguments: &'a [Word]) -> Option<&'a [Word]> {
    // Options that take a value in the next word.
    let valued: &[&str] = match program {
        "sudo" | "doas" => &["-u", "-g", "-h", "-p", "-C", "-T", "-U", "--user", "--group"],
        "env" => &["-u", "-C", "--unset", "--chdir"],
        "xargs" => &["-n", "-I", "-P", "-L", "-d", "-a", "-E", "-s", "--max-args", "--max-procs"],
        "timeout" => &["-s", "-k", "--signal", "--kill-after"],
        "nice" => &["-n"],
        "watch" => &["-n", "--interval"],
        "stdbuf" => &["-i", "-o", "-e"],
        "time" => &["-f", "-o"],
        "nohup" | "exec" | "command" | "setsid" | "fakeroot" | "strace" | "unbuffer" | "script" => {
            &["-o", "-c"]
        }
        _ => return None,
    };
    let mut rest = arguments;
    while let [word, after @ ..] = rest {
        let text = word.value.as_str();
        if text == "--" {
            rest = after;
            break;
        }
        if valued.contains(&text) {
            rest = after.get(1..).unwrap_or_default();
        } else if text.starts_with('-') || (program == "env" && assignment(word).is_some()) {
            rest = after;
        } else {
            break;
        }
    }
    if program == "timeout" {
        rest = rest.get(1..).unwrap_or_default();
    }
    // `sudo NAME=value program`
    while let [word, after @ ..] = rest
        && program == "sudo"
        && assignment(word).is_some()
    {
        rest = after;
    }
    (!rest.is_empty()).then_some(rest)
}

/// What is known of common programs: which paths they read and write.
fn effects(program: &str, arguments: &[Word], reading: &mut Reading) {
    let name = program.rsplit('/').next().unwrap_or(program);
    let plain: Vec<&Word> = arguments.iter().filter(|word| !word.value.starts_with('-')).collect();
    let paths = |from: usize| plain.iter().skip(from).map(|word| word.value.clone());
    match name {
        "cd" | "pushd" => {
            reading.directories.push(plain.first().map_or_else(
                || {
                    if arguments.iter().any(|word| word.value == "-") { "-" } else { "~" }
                        .to_owned()
                },
                |word| word.value.clone(),
            ));
        }
        "export" | "declare" | "local" | "readonly" | "typeset" => {
            for word in arguments {
                let set = assignment(word).map(|(name, _)| name);
                reading.variables_set.extend(set);
            }
        }
        "read" => reading.variables_set.extend(paths(0)),
        "alias" => {
            let names = arguments.iter().filter_map(|word| word.value.split_once('='));
            reading.defines.extend(names.map(|(name, _)| name.to_owned()));
        }
        "source" | "." => reading.reads.extend(paths(0).take(1)),
        "cat" | "less" | "more" | "head" | "tail" | "wc" | "sort" | "uniq" | "cut" | "nl"
        | "tac" | "paste" | "comm" | "join" | "file" | "stat" | "od" | "xxd" | "md5sum"
        | "sha256sum" | "diff" | "cmp" | "bat" | "column" | "fold" | "fmt" | "rev" | "strings"
        | "split" => {
            reading.reads.extend(numeric_options_gone(arguments));
        }
        "grep" | "egrep" | "fgrep" | "rg" | "sed" | "awk" | "jq" | "chmod" | "chown" | "chgrp" => {
            let scripted = arguments.iter().any(|word| matches!(word.value.as_str(), "-e" | "-f"));
            reading.reads.extend(paths(usize::from(!scripted)));
        }
        "python" | "python3" | "python2" | "node" | "ruby" | "perl" | "php" | "bash" | "sh"
        | "zsh" | "deno" | "bun" | "tsx" => {
            let inline = arguments
                .iter()
                .any(|word| matches!(word.value.as_str(), "-c" | "-m" | "-e" | "--eval"));
            if !inline {
                reading.reads.extend(paths(0).take(1).filter(|path| path.contains(['.', '/'])));
            }
        }
        "touch" | "mkdir" | "tee" => reading.writes.extend(paths(0)),
        "cp" | "install" | "ln" | "rsync" => two_paths(&plain, reading, false),
        "mv" => two_paths(&plain, reading, true),
        "rm" | "rmdir" | "unlink" => reading.removes.extend(paths(0)),
        _ if program.starts_with("./") || program.starts_with("../") => {
            reading.reads.push(program.to_owned());
        }
        _ => {}
    }
    outputs(name, arguments, reading);
}

/// `-n 5 file`: the number of an option is no file.
fn numeric_options_gone(arguments: &[Word]) -> Vec<String> {
    let mut out = Vec::new();
    let mut option = false;
    for word in arguments {
        let text = word.value.as_str();
        let number = option
            && !text.is_empty()
            && text.trim_start_matches('+').chars().all(|c| c.is_ascii_digit());
        let delimiter = option && text.chars().count() <= 2 && word.quoted;
        if text.starts_with('-') && text.len() > 1 {
            option = text.len() == 2;
            continue;
        }
        if !number && !delimiter && text != "-" && word.inner.is_empty() {
            out.push(text.to_owned());
        }
        option = false;
    }
    out
}

fn two_paths(plain: &[&Word], reading: &mut Reading, moves: bool) {
    let Some((last, from)) = plain.split_last() else { return };
    reading.writes.push(last.value.clone());
    for word in from {
        reading.reads.push(word.value.clone());
        if moves {
            reading.removes.push(word.value.clone());
        }
    }
}

/// Files named by `-o FILE` and the like.
fn outputs(name: &str, arguments: &[Word], reading: &mut Reading) {
    let writes = matches!(
        name,
        "gcc"
            | "g++"
            | "cc"
            | "c++"
            | "clang"
            | "clang++"
            | "curl"
            | "rustc"
            | "go"
            | "ld"
            | "pandoc"
            | "dot"
            | "wget"
    );
    if !writes {
        return;
    }
    for pair in arguments.windows(2) {
        if let [option, file] = pair {
            let takes = match name {
                "wget" => option.value == "-O",
                _ => matches!(option.value.as_str(), "-o" | "--output"),
            };
            if takes && file.value != "-" {
                reading.writes.push(file.value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(command: &str) -> Vec<String> {
        read(command).programs.into_iter().map(|program| program.name).collect()
    }

    #[test]
    fn programs_wherever_they_stand() {
        let check =
            |command: &str, expected: &[&str]| assert_eq!(names(command), expected, "{command}");
        check("ls -l", &["ls"]);
        check("FOO=1 make all", &["make"]);
        check("a | b | c", &["a", "b", "c"]);
        check("a && b || c; d", &["a", "b", "c", "d"]);
        check("sudo -u me apt-get install x", &["sudo", "apt-get"]);
        check("sudo DEBIAN_FRONTEND=x apt install y", &["sudo", "apt"]);
        check("find . | xargs -n 1 wc -l", &["find", "xargs", "wc"]);
        check("timeout 5 curl u", &["timeout", "curl"]);
        check("x=$(date +%s)", &["date"]);
        check("echo \"now $(date)\" `id`", &["date", "id", "echo"]);
        check("diff <(ls a) <(ls b)", &["ls", "ls", "diff"]);
        check("for i in 1 2; do echo $i; done", &["echo"]);
        check("if test -f x; then cat x; fi", &["test", "cat"]);
        check("while read -r l; do echo $l; done < f", &["read", "echo"]);
        check("f() { git status; }", &["git"]);
        check("cat <<EOF > f\nrm -rf x\nEOF\nls", &["cat", "ls"]);
        check("(cd a && make)", &["cd", "make"]);
        check("a > f 2>&1 &", &["a"]);
        check("$CC x.c", &[]);
        check("echo 'a | b; c'", &["echo"]);
    }

    #[test]
    fn variables_and_definitions() {
        let reading = read("A=1 B=\"$C\" cmd ${D:-x} ${E} $1 '$F' && export G=$H");
        assert_eq!(reading.variables_set, ["A", "B", "G"]);
        assert_eq!(reading.variables_read, ["C", "E", "H"]);
        assert_eq!(read("alias ll='ls -l' g=git").defines, ["ll", "g"]);
        assert_eq!(read("greet() { echo hi; }").defines, ["greet"]);
        assert_eq!(read("function greet { echo hi; }").defines, ["greet"]);
        assert_eq!(read("for x in a; do y; done").variables_set, ["x"]);
        assert!(read("server &").background);
        assert!(!read("a & b").background);
    }

    #[test]
    fn paths() {
        let reading = read("cat a.txt 'b c.txt' | head -n 5 > out.txt 2> /dev/null");
        assert_eq!(reading.reads, ["a.txt", "b c.txt"]);
        assert_eq!(reading.writes, ["out.txt"]);
        assert_eq!(read("cp a b").writes, ["b"]);
        assert_eq!(read("mv a b").removes, ["a"]);
        assert_eq!(read("mkdir -p x/y && cd x/y").directories, ["x/y"]);
        assert_eq!(read("cd").directories, ["~"]);
        assert_eq!(read("gcc a.c -o a && ./a").writes, ["a"]);
        assert_eq!(read("python3 app.py --x").reads, ["app.py"]);
        assert_eq!(read("python3 -m venv x").reads, [""; 0]);
        assert_eq!(read("<in.txt tr a b >out.txt").reads, ["in.txt"]);
        assert_eq!(read("source .venv/bin/activate").reads, [".venv/bin/activate"]);
        assert_eq!(read("head -n2 f").reads, ["f"]);
        let redirects = read("a >> log 2>&1").redirects;
        assert_eq!(redirects, [Redirect { sign: ">>", target: "log".to_owned() }]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z'\"$(){}|&;<>#`\\\\ \n=]{0,200}|\\PC{0,100}") {
            let _ = read(&text);
        }

        #[test]
        fn plain_words_are_found(name in "[a-b][c-z]{1,8}", arguments in prop::collection::vec("[a-z]{1,5}", 0..4)) {
            let command = format!("{name} {}", arguments.join(" "));
            prop_assert_eq!(names(&command), [name]);
        }
    }
}
