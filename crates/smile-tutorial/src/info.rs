//! The info string of a fence: language, file name, label.

use crate::scan::attribute;

/// What the info string says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) raw: String,
    /// The language in lower case, empty where there is none.
    pub(crate) language: String,
    /// A path given as title or file name.
    pub(crate) file: Option<String>,
    /// A caption or the name of a tab.
    pub(crate) label: Option<String>,
}

/// What a language means for the role of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// No language is given.
    None,
    /// A shell of this platform.
    Shell,
    /// A terminal session: prompts and outputs.
    Terminal,
    /// A shell of another platform.
    OtherShell,
    /// Plain text or output by name.
    Output,
    /// An error output by name.
    Error,
    /// Text without a language.
    Text,
    /// An interactive session of some interpreter.
    Interpreter,
    /// Changes between two versions.
    Difference,
    /// Any other language.
    Other,
}

impl Info {
    pub(crate) fn read(raw: &str) -> Self {
        let raw = raw.trim();
        let mut text = raw.to_owned();
        let mut file = None;
        // `{code-block} python`, `{.python .numberLines}`
        if let Some(rest) = raw.strip_prefix('{') {
            let (inside, after) = rest.split_once('}').unwrap_or((rest, ""));
            let first = inside.split_whitespace().next().unwrap_or_default();
            text = if matches!(first, "code-block" | "code" | "sourcecode" | "code-cell") {
                after.trim().to_owned()
            } else {
                let classes = inside.split_whitespace().find_map(|word| word.strip_prefix('.'));
                format!("{} {inside}", classes.unwrap_or(first))
            };
        }
        let stop = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | '[' | '(');
        let word = text.split(stop).next().unwrap_or_default().trim_end_matches(':');
        let mut language = word.to_owned();
        if let Some((before, after)) = word.split_once(':') {
            // `js:app.js`
            before.clone_into(&mut language);
            if is_path_like(after) {
                file = Some(after.to_owned());
            }
        } else if word.contains('=') {
            language = String::new();
        } else if is_path_like(word) && word.contains('.') && !word.starts_with('.') {
            // The file's name in the place of the language.
            file = Some(word.to_owned());
            word.rsplit('.').next().unwrap_or_default().clone_into(&mut language);
        }
        let mut label = bracketed(raw);
        for name in
            ["title", "filename", "file", "file-name", "path", "name", "caption", "header", "label"]
        {
            if let Some(value) = attribute(raw, name) {
                let value = value.trim().to_owned();
                if is_path_like(&value) {
                    file.get_or_insert(value);
                } else {
                    label.get_or_insert(value);
                }
            }
        }
        if file.is_none() && label.as_deref().is_some_and(is_file_like) {
            file.clone_from(&label);
        }
        Self { raw: raw.to_owned(), language: language.to_lowercase(), file, label }
    }

    pub(crate) fn kind(&self) -> Language {
        match self.language.as_str() {
            "" => Language::None,
            "sh" | "bash" | "shell" | "zsh" | "ksh" | "dash" | "shellscript" | "shell-script"
            | "bash-script" | "fish" | "commandline" | "command" | "cmdline" | "bash=" => {
                Language::Shell
            }
            "console" | "terminal" | "shell-session" | "shellsession" | "sh-session"
            | "bash-session" | "zsh-session" | "term" | "session" | "tty" | "ansi"
            | "sh-interactive" | "shell-interactive" => Language::Terminal,
            "powershell" | "pwsh" | "ps" | "ps1" | "posh" | "cmd" | "bat" | "batch" | "dos"
            | "doscon" | "pwsh-session" | "ps1con" | "winbatch" => Language::OtherShell,
            "output" | "stdout" | "out" | "result" | "results" | "log" => Language::Output,
            "error" | "stderr" | "warning" | "traceback" | "pytb" => Language::Error,
            "text" | "txt" | "plain" | "plaintext" | "none" | "nohighlight" | "no-highlight" => {
                Language::Text
            }
            "pycon" | "python-console" | "python-repl" | "irb" | "jlcon" | "rconsole" | "psql"
            | "ipython" | "node-repl" | "sqlite" | "mysql" => Language::Interpreter,
            "diff" | "patch" | "udiff" => Language::Difference,
            _ => Language::Other,
        }
    }
}

/// `[npm]` in the info string of a code group.
fn bracketed(raw: &str) -> Option<String> {
    let start = raw.find('[')?;
    let end = raw.get(start..)?.find(']')? + start;
    let label = raw.get(start + 1..end)?.trim();
    (!label.is_empty()).then(|| label.to_owned())
}

/// Names of files that have no extension.
const BARE_NAMES: [&str; 16] = [
    "Dockerfile",
    "Makefile",
    "GNUmakefile",
    "Procfile",
    "Gemfile",
    "Rakefile",
    "Vagrantfile",
    "Jenkinsfile",
    "Containerfile",
    "Justfile",
    "justfile",
    "Caddyfile",
    "Pipfile",
    "Brewfile",
    "BUILD",
    "WORKSPACE",
];

/// Whether the text reads as the path of a file.
pub(crate) fn is_file_like(text: &str) -> bool {
    if !is_path_like(text) {
        return false;
    }
    let name = text.rsplit('/').next().unwrap_or(text);
    if BARE_NAMES.contains(&name) {
        return true;
    }
    if name.starts_with('.') {
        return name.len() > 2 && name.get(1..).is_some_and(|n| n.chars().any(char::is_alphabetic));
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) => {
            !stem.is_empty()
                && (1..=12).contains(&extension.len())
                && extension.chars().next().is_some_and(char::is_alphabetic)
                && extension.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
                && !is_domain(text, extension)
        }
        None => false,
    }
}

/// `example.com` has the shape of a file's name.
fn is_domain(text: &str, extension: &str) -> bool {
    !text.contains('/') && matches!(extension, "com" | "org" | "net" | "io" | "dev" | "edu" | "gov")
        || text.contains("://")
        || text.starts_with("www.")
        || matches!(
            text,
            "Node.js"
                | "node.js"
                | "Vue.js"
                | "Next.js"
                | "Express.js"
                | "React.js"
                | "D3.js"
                | "ASP.NET"
                | "Socket.io"
        )
}

/// Whether the text could be a path at all: no blanks, no shell or code signs.
pub(crate) fn is_path_like(text: &str) -> bool {
    let named = BARE_NAMES.contains(&text) || text.contains(['.', '/']);
    named
        && !text.is_empty()
        && text.len() <= 200
        && !text.starts_with(['-', '@', '#'])
        && !text.contains("://")
        && !text.ends_with('.')
        && text.chars().all(|c| {
            c.is_alphanumeric()
                || matches!(c, '.' | '/' | '_' | '-' | '~' | '+' | '@' | '[' | ']' | '$')
        })
        && text.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_strings() {
        let check = |raw: &str, language: &str, file: Option<&str>, label: Option<&str>| {
            let info = Info::read(raw);
            let seen = (info.language.as_str(), info.file.as_deref(), info.label.as_deref());
            assert_eq!(seen, (language, file, label), "{raw}");
        };
        check("", "", None, None);
        check("Python hl_lines=\"4 5\"", "python", None, None);
        check("rust,ignore", "rust", None, None);
        check("js title=\"src/app.js\"", "js", Some("src/app.js"), None);
        check("js title=\"An example\"", "js", None, Some("An example"));
        check("sh [npm]", "sh", None, Some("npm"));
        check("ts [vite.config.ts]", "ts", Some("vite.config.ts"), Some("vite.config.ts"));
        check("js:app.js", "js", Some("app.js"), None);
        check("{.bash filename=\"x.sh\"}", "bash", Some("x.sh"), None);
        check("{code-block} python", "python", None, None);
        check("app/main.py", "py", Some("app/main.py"), None);
        check("yaml {linenos=true}", "yaml", None, None);
    }

    #[test]
    fn files_by_their_look() {
        for path in [
            "a.py",
            "app/main.py",
            "Dockerfile",
            ".gitignore",
            "~/x.conf",
            "docs/index.md",
            "pages/[id].tsx",
        ] {
            assert!(is_file_like(path), "{path}");
        }
        for text in [
            "npm",
            "example.com",
            "Node.js",
            "a b.txt",
            "--flag.x",
            "1.2",
            "http://a/b.html",
            "std::io",
            "app/",
        ] {
            assert!(!is_file_like(text), "{text}");
        }
    }
}
