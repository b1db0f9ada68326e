//! How a shell is started, and the lines it is given: pure text.
//!
//! The shell reads its lines from a private fifo as its standard input, and each command is one
//! `eval` whose input and output are the terminal. So a syntax error, an unclosed quote or a
//! Ctrl+C ends that command only; nothing but the terminal is inherited by programs; prompts and
//! traces of our own lines go nowhere. A line behind the command reports its end through a
//! second fifo with a fresh random word, so that nothing that a program prints can look like it.

use std::path::Path;

/// Which language of shell it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bash 4 or newer.
    Bash,
    /// Any other shell with the manners of POSIX: dash, busybox.
    Posix,
}

/// A shell on this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shell {
    /// Its program.
    pub(crate) path: String,
    /// Its language.
    pub(crate) kind: Kind,
}

const SHELLS: [(&str, Kind); 5] = [
    ("/bin/bash", Kind::Bash),
    ("/usr/bin/bash", Kind::Bash),
    ("/usr/local/bin/bash", Kind::Bash),
    ("/bin/sh", Kind::Posix),
    ("/usr/bin/sh", Kind::Posix),
];

impl Shell {
    /// The user's own shell where it is one that a session can drive, else the best there is.
    pub(crate) fn find(own: Option<&str>) -> Option<Self> {
        let own = own.and_then(|path| Some((path, kind(path)?)));
        let there = own.into_iter().chain(SHELLS).find(|(path, _)| Path::new(path).exists());
        there.map(|(path, kind)| Self { path: path.to_owned(), kind })
    }

    /// Its arguments.
    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Bash => &["--noprofile", "--norc", "--noediting", "-i"],
            // As a script in the current folder, so that it calls itself `sh`: busybox would take
            // the end of a job for the end of its standard input.
            Kind::Posix => &["-i", SCRIPT],
        }
    }
}

fn kind(path: &str) -> Option<Kind> {
    match Path::new(path).file_name()?.to_str()? {
        "bash" => Some(Kind::Bash),
        "sh" | "dash" | "ash" => Some(Kind::Posix),
        _ => None,
    }
}

/// The files that a session talks through.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The terminal's device.
    pub(crate) terminal: String,
    /// The fifo for reports.
    pub(crate) reports: String,
    /// Where the state is saved: one of two in turn, so that a complete one is always there.
    pub(crate) states: [String; 2],
}

/// The fifo that a small shell reads its lines from.
pub(crate) const SCRIPT: &str = "sh";

/// What the first line of each report says.
pub(crate) mod tag {
    /// The shell is ready.
    pub(crate) const READY: &str = "R";
    /// The last pipeline, seen from inside the command.
    pub(crate) const INSIDE: &str = "P";
    /// The command's end.
    pub(crate) const END: &str = "E";
    /// The state is saved.
    pub(crate) const SAVED: &str = "S";
    /// A name that is no command.
    pub(crate) const NOT_FOUND: &str = "N";
    /// The end of a report's fields.
    pub(crate) const STOP: &str = ".";
}

/// The lines before the first command. `restore` is a state saved before; without one the
/// user's own start file is read, as in a new terminal.
pub(crate) fn prologue(
    kind: Kind,
    paths: &Paths,
    word: &str,
    cwd: &str,
    restore: Option<&str>,
) -> String {
    let reports = quote(&paths.reports);
    let mut lines = Vec::new();
    match kind {
        Kind::Bash => lines.push("set +H +o history; unset HISTFILE; history -c".to_owned()),
        Kind::Posix => lines.push(format!("PS1= PS2=; cd -- {}; unset OLDPWD", quote(cwd))),
    }
    match restore {
        // Errors are expected: the shell's own read-only variables are among what is restored.
        // The old shell has carried out its own EXIT trap.
        Some(state) => {
            lines.push(format!(". {} >/dev/null 2>&1", quote(state)));
            lines.push("trap - EXIT".to_owned());
        }
        None if kind == Kind::Bash => {
            lines.push(r"PS1='\u@\h:\w\$ '; [ ! -f ~/.bashrc ] || . ~/.bashrc".to_owned());
        }
        None => {}
    }
    if kind == Kind::Bash {
        lines.push(format!(
            "command_not_found_handle() {{ builtin printf '%s\\0' {} \"$1\" {} >{reports}; \
             builtin printf 'bash: %s: command not found\\n' \"$1\" >&2; return 127; }}",
            tag::NOT_FOUND,
            tag::STOP,
        ));
    }
    lines.push(save(kind, paths, word, 0));
    lines.push(format!("printf '%s\\0' {} {word} \"$PWD\" {} >{reports}", tag::READY, tag::STOP));
    joined(&lines)
}

/// What must be put back before a command, because our own lines changed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// `$?`.
    pub(crate) status: i32,
    /// `PIPESTATUS`.
    pub(crate) pipe_status: Vec<i32>,
    /// `$_`.
    pub(crate) last_word: String,
    /// Whether `set -e` is in force.
    pub(crate) errexit: bool,
    /// Whether `set -x` or `set -v` is in force.
    pub(crate) traced: bool,
}

/// One command on its way into the shell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    /// A fresh random word, which its report repeats.
    pub(crate) word: &'a str,
    /// What is put back before it.
    pub(crate) before: &'a Before,
    /// As the reader types it.
    pub(crate) text: &'a str,
    /// The file that holds the text, where it is too long for a line.
    pub(crate) file: Option<&'a str>,
    /// Into which of the two files the state is saved behind it.
    pub(crate) slot: usize,
}

/// The lines that carry out one command, and those that report its end. A small shell forgets
/// what it has read ahead when it meets a syntax error: it must not be given the second before it
/// has read the first.
pub(crate) fn command(kind: Kind, paths: &Paths, given: &Given<'_>) -> (String, String) {
    let Given { word, before, text, file, slot } = *given;
    let reports = quote(&paths.reports);
    let terminal = quote(&paths.terminal);
    let mut lines = Vec::new();
    if kind == Kind::Bash {
        // News of jobs that ended meanwhile would otherwise be printed into this command.
        lines.push("jobs >/dev/null 2>&1".to_owned());
    }
    lines.extend(put_back(kind, before, text));
    let body = match (file, kind) {
        (Some(path), Kind::Bash) => format!("\"$(<{})\"", quote(path)),
        (Some(path), Kind::Posix) => format!("\"$(cat {})\"", quote(path)),
        (None, Kind::Bash) if repeats_history(text) => expanded(text),
        (None, Kind::Bash) if !before.traced && is_whole(text) => quote(&format!(
            "{text}\nbuiltin printf '%s\\0' {} \"$?\" \"$_\" \"${{PIPESTATUS[@]}}\" {} >{reports}",
            tag::INSIDE,
            tag::STOP
        )),
        (None, Kind::Bash | Kind::Posix) => quote(text),
    };
    let (eval, pipe_status) = match kind {
        Kind::Bash => ("eval --", "\"${PIPESTATUS[@]}\" "),
        Kind::Posix => ("eval", ""),
    };
    // The empty line takes whatever a syntax error leaves behind in the shell's parser.
    // As at a terminal, all three can be read and written: `more` reads its standard error.
    lines.push(format!("{eval} {body} <>{terminal} >&0 2>&0\n"));
    let report = format!(
        "printf '%s\\0' {} {word} \"$?\" \"$PWD\" \"$-\" {pipe_status}{} >{reports}",
        tag::END,
        tag::STOP
    );
    (joined(&lines), joined(&[report, save(kind, paths, word, slot)]))
}

/// Lines that tell the shell what was typed before, for `history` and `fc`.
pub(crate) fn remember(texts: &[String]) -> String {
    let lines: Vec<_> = texts.iter().map(|text| format!("history -s -- {}", quote(text))).collect();
    joined(&lines)
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn put_back(kind: Kind, before: &Before, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let asks_word = text.contains("$_") || text.contains("${_");
    if kind == Kind::Bash && asks_word && !before.last_word.is_empty() {
        lines.push(format!(": {}", quote(&before.last_word)));
    }
    let asks_pipe = before.pipe_status.len() > 1 && text.contains("PIPESTATUS");
    let status = match before.status {
        0 => None,
        // Sets 1 without setting off `set -e` or an ERR trap.
        1 => Some("! :".to_owned()),
        // A failing line of our own must not end the shell.
        _ if before.errexit => Some("! :".to_owned()),
        status => Some(format!("(exit {status})")),
    };
    if asks_pipe && !before.errexit {
        let parts = before.pipe_status.iter().map(|code| format!("(exit {code})"));
        lines.push(parts.collect::<Vec<_>>().join(" | "));
    } else {
        lines.extend(status);
    }
    lines
}

/// Whether the shell may take a part of the text for something typed before: an exclamation mark
/// that is not followed by what switches that off. Here-documents are never looked into.
pub(crate) fn repeats_history(text: &str) -> bool {
    let plain = |next: char| " \t\n\r=;&()|<>".contains(next);
    !text.contains("<<")
        && text.match_indices('!').any(|(at, _)| {
            text[at + 1..].chars().next().is_some_and(|next| !plain(next) && next != '"')
        })
}

/// A word that becomes the text with its history expansions carried out and shown, as at a
/// terminal; or, where there is no such event, the message that says so.
fn expanded(text: &str) -> String {
    let event = text.match_indices('!').find_map(|(at, _)| {
        let event = text[at..].split_ascii_whitespace().next()?;
        (event.len() > 1).then_some(event)
    });
    let missing = quote(&format!("bash: {}: event not found", event.unwrap_or("!")));
    let (text, failure) = (quote(text), quote(&format!("printf '%s\\n' {missing}; ! :")));
    format!(
        "\"$(smile_line=$(history -p -- {text} 2>/dev/null) || {{ printf '%s' {failure}; exit; }}; \
         [ \"$smile_line\" = {text} ] || printf \"printf '%%s\\\\n' %q\\n\" \"$smile_line\"; \
         printf '%s' \"$smile_line\")\""
    )
}

/// Whether another line can follow in the same `eval` without becoming a part of the command.
fn is_whole(text: &str) -> bool {
    let end = text.trim_end();
    // A trace that begins in this command must not show our line.
    let traces = text.contains("set -") || text.contains("set +");
    !traces && !text.contains("<<") && !end.ends_with(['\\', '|']) && !end.ends_with("&&")
}

fn save(kind: Kind, paths: &Paths, word: &str, slot: usize) -> String {
    let file = quote(&paths.states[slot % 2]);
    let reports = quote(&paths.reports);
    // Few lines, because the shell writes each of them on its own.
    let what = match kind {
        Kind::Bash => {
            // First all options off that a new shell has on, by its own names for them; those of
            // `shopt` at once, because functions may need them to be read, those of `set` last.
            "printf '%s\\n' 'shopt -u ${BASHOPTS//:/ }' \"shopt -s ${BASHOPTS//:/ }\" \
             'set +o ${SHELLOPTS//:/ +o }'; \
             declare -p; declare -f; declare -Fx; alias -p; umask -p; trap -p; \
             printf '%s\\n' \"set -o ${SHELLOPTS//:/ -o }\""
        }
        Kind::Posix => {
            "set | grep -v -E '^(PPID|OPTIND|_|PS1|PS2)='; export -p; alias | sed 's/^alias //; s/^/alias /'; trap; \
             echo \"umask $(umask)\""
        }
    };
    format!(
        "{{ {what}; }} >|{file} 2>/dev/null; printf '%s\\0' {} {word} {slot} {} >{reports}",
        tag::SAVED,
        tag::STOP
    )
}

/// Quotes text so that a shell takes it literally.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
