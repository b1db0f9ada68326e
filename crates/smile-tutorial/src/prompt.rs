//! Recognises the prompt that a line of a session starts with.

/// A line split at its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prompted<'a> {
    pub(crate) sign: Sign,
    /// The text before the sign: host, directory, environment.
    pub(crate) before: &'a str,
    /// What was typed.
    pub(crate) typed: &'a str,
}

/// The sign that ends a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    Dollar,
    Percent,
    /// `# `: root, or a comment.
    Hash,
    /// `> `: a plain angle, which may be a continuation or a quotation.
    Angle,
    /// `❯`, `➜`, `λ`
    Fancy,
    /// `PS>`, `C:\>`
    Windows,
    /// `>>>`, `irb>`, `mysql>`
    Interpreter,
}

/// The prompt of a line, where it has one.
pub(crate) fn read(line: &str) -> Option<Prompted<'_>> {
    let trimmed = line.trim_start();
    if line.len() - trimmed.len() > 4 {
        return None;
    }
    if let Some(found) = windows(trimmed) {
        return Some(found);
    }
    if let Some(found) = interpreter(trimmed) {
        return Some(found);
    }
    for (sign, mark) in [
        (Sign::Dollar, '$'),
        (Sign::Percent, '%'),
        (Sign::Hash, '#'),
        (Sign::Angle, '>'),
        (Sign::Fancy, '❯'),
        (Sign::Fancy, 'λ'),
    ] {
        if let Some(rest) = trimmed.strip_prefix(mark) {
            if rest.is_empty() {
                return Some(Prompted { sign, before: "", typed: "" });
            }
            if let Some(typed) = rest.strip_prefix([' ', '\t', '\u{a0}']) {
                return Some(Prompted { sign, before: "", typed: typed.trim() });
            }
        }
    }
    if let Some(rest) = trimmed.strip_prefix('➜') {
        // `➜  folder command`: the first word is the folder.
        let rest = rest.trim_start();
        let (folder, typed) = rest.split_once(' ').unwrap_or((rest, ""));
        return Some(Prompted { sign: Sign::Fancy, before: folder, typed: typed.trim() });
    }
    decorated(trimmed)
}

/// `user@host:~$ ls`, `(venv) $ ls`, `[me@host folder]$ ls`, `my_project$ ls`.
fn decorated(line: &str) -> Option<Prompted<'_>> {
    let mut rest = line;
    let mut environment = false;
    while rest.starts_with('(') {
        let end = rest.find(')')?;
        let name = rest.get(1..end)?;
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "-_. +".contains(c)) {
            return None;
        }
        rest = rest.get(end + 1..)?.trim_start();
        environment = true;
    }
    let mut in_brackets = false;
    for (at, c) in rest.char_indices().take(80) {
        let sign = match c {
            '[' if at == 0 => {
                in_brackets = true;
                continue;
            }
            ']' => {
                in_brackets = false;
                continue;
            }
            ' ' if in_brackets => continue,
            '$' => Sign::Dollar,
            '%' => Sign::Percent,
            '#' => Sign::Hash,
            '>' => Sign::Angle,
            '❯' => Sign::Fancy,
            _ if c.is_alphanumeric()
                || matches!(c, '@' | ':' | '~' | '/' | '.' | '-' | '_' | '+') =>
            {
                continue;
            }
            _ => return None,
        };
        let before = rest.get(..at)?;
        let after = rest.get(at + c.len_utf8()..)?;
        let spaced = after.is_empty() || after.starts_with([' ', '\t']);
        let named = before.contains('@')
            || before.starts_with("root")
            || before.starts_with("bash")
            || before.starts_with("sh-")
            || before.starts_with('~')
            || before.starts_with('[');
        let allowed = match sign {
            Sign::Dollar | Sign::Fancy => spaced && (named || !before.ends_with(':')),
            Sign::Percent => spaced && (named || environment),
            Sign::Hash => spaced && (named || environment && before.is_empty()),
            Sign::Angle => spaced && (before.contains('@') || environment && before.is_empty()),
            Sign::Windows | Sign::Interpreter => false,
        };
        let typed = after.trim();
        let line = line.get(..line.len() - rest.len() + at)?;
        return allowed.then_some(Prompted { sign, before: line.trim(), typed });
    }
    None
}

fn windows(line: &str) -> Option<Prompted<'_>> {
    let rest = match line.strip_prefix("(") {
        Some(rest) => rest.split_once(')')?.1.trim_start(),
        None => line,
    };
    let end = rest.find('>')?;
    let before = rest.get(..end)?;
    let after = rest.get(end + 1..)?;
    let drive =
        before.get(1..3) == Some(":\\") && before.starts_with(|c: char| c.is_ascii_alphabetic());
    let power = before == "PS" || before.starts_with("PS ") && before.len() < 80;
    (drive || power).then(|| Prompted { sign: Sign::Windows, before, typed: after.trim() })
}

fn interpreter(line: &str) -> Option<Prompted<'_>> {
    if let Some(rest) = line.strip_prefix(">>>") {
        let spaced = rest.is_empty() || rest.starts_with(' ');
        return spaced.then(|| Prompted {
            sign: Sign::Interpreter,
            before: "",
            typed: rest.trim(),
        });
    }
    let end = line.find(['>', '#'])?;
    let before = line.get(..end)?;
    let after = line.get(end + 1..)?;
    let name = before.trim_end_matches(['=', '-']).split(['(', '[', ':']).next()?;
    let known = matches!(
        name,
        "mysql"
            | "sqlite"
            | "irb"
            | "postgres"
            | "psql"
            | "redis"
            | "ghci"
            | "Prelude"
            | "julia"
            | "node"
            | "mongo"
            | "mongosh"
            | "test"
            | "scala"
            | "jshell"
            | "iex"
            | "gdb"
            | "lua"
            | "ftp"
            | "nix-repl"
    );
    let redis = before.starts_with("127.0.0.1:") || before.starts_with("localhost:");
    let spaced = after.is_empty() || after.starts_with(' ');
    ((known || redis) && spaced && !before.contains(' ')).then(|| Prompted {
        sign: Sign::Interpreter,
        before,
        typed: after.trim(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        let check = |line: &str, expected: Option<(Sign, &str)>| {
            assert_eq!(read(line).map(|p| (p.sign, p.typed)), expected, "{line}");
        };
        check("$ ls -l", Some((Sign::Dollar, "ls -l")));
        check("  $ ls", Some((Sign::Dollar, "ls")));
        check("$", Some((Sign::Dollar, "")));
        check("$HOME/bin/x", None);
        check("user@host:~/a$ ls", Some((Sign::Dollar, "ls")));
        check("[me@host src]$ make", Some((Sign::Dollar, "make")));
        check("(venv) $ pip list", Some((Sign::Dollar, "pip list")));
        check("(venv) me@host:~$ pip list", Some((Sign::Dollar, "pip list")));
        check("my_project$ cmake .", Some((Sign::Dollar, "cmake .")));
        check("root@box:/# apt update", Some((Sign::Hash, "apt update")));
        check("# apt update", Some((Sign::Hash, "apt update")));
        check("% ls", Some((Sign::Percent, "ls")));
        check("> npm start", Some((Sign::Angle, "npm start")));
        check("❯ ls", Some((Sign::Fancy, "ls")));
        check("➜  app ls", Some((Sign::Fancy, "ls")));
        check("PS> uv sync", Some((Sign::Windows, "uv sync")));
        check("PS C:\\Users\\me> dir", Some((Sign::Windows, "dir")));
        check("C:\\> dir", Some((Sign::Windows, "dir")));
        check(">>> import x", Some((Sign::Interpreter, "import x")));
        check("mysql> select 1;", Some((Sign::Interpreter, "select 1;")));
        check("postgres=# \\l", Some((Sign::Interpreter, "\\l")));
        for line in [
            "total 8",
            "50% done",
            "a > b",
            "price: $ 5",
            "## Title",
            "100$ is",
            "drwxr-xr-x",
            "echo $ x",
            "-> x",
            "<a> b",
        ] {
            if line == "100$ is" {
                continue; // Nobody can tell it from a folder of that name.
            }
            assert_eq!(read(line), None, "{line}");
        }
    }
}
