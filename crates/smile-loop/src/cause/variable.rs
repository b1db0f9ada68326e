//! Which variables a command sets, and which every session has.

use crate::shell;

/// `for NAME in`, `while read NAME`: the reader of commands leaves these words out.
pub(super) fn loop_variables(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let names: Vec<String> = words
        .windows(2)
        .filter(|pair| matches!(pair[0], "for" | "select" | "read"))
        .map(|pair| pair[1].trim_end_matches(';').to_owned())
        .collect();
    names.into_iter()
}

pub(super) fn variables_set_by(simple: &shell::Simple) -> Vec<String> {
    match simple.program() {
        Some(
            "export" | "declare" | "readonly" | "local" | "typeset" | "read" | "set" | "unset",
        ) => simple
            .words
            .iter()
            .skip(1)
            .map(|word| word.text.split('=').next().unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

/// Variables that every session has, or that shells and tools set by themselves.
pub(super) fn usual_variable(name: &str) -> bool {
    const USUAL: &[&str] = &[
        "HOME",
        "PATH",
        "USER",
        "LOGNAME",
        "SHELL",
        "PWD",
        "OLDPWD",
        "TERM",
        "LANG",
        "HOSTNAME",
        "UID",
        "EUID",
        "RANDOM",
        "SECONDS",
        "EPOCHSECONDS",
        "LINENO",
        "IFS",
        "PS1",
        "PS2",
        "SHLVL",
        "BASH_VERSION",
        "BASH",
        "BASHPID",
        "PPID",
        "HISTFILE",
        "TMPDIR",
        "EDITOR",
        "VISUAL",
        "PIPESTATUS",
        "REPLY",
        "OPTARG",
        "OSTYPE",
        "MACHTYPE",
        "HOSTTYPE",
        "COLUMNS",
        "LINES",
        "FUNCNAME",
        "BASH_SOURCE",
        "VIRTUAL_ENV",
        "DISPLAY",
        "PAGER",
        "NF",
        "NR",
        "FS",
        "OFS",
        "BASH_REMATCH",
    ];
    USUAL.contains(&name)
        || name.starts_with("LC_")
        || name.starts_with("XDG_")
        || name.starts_with("BASH_")
}
