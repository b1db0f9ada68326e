//! A `sudo` for a sandbox whose reader is root and whose image has none: it just runs the command.

use std::{
    ffi::OsString,
    io::Write,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    user: Option<String>,
    /// `-i`: a shell as after logging in.
    login: bool,
    /// `-s`: a shell.
    shell: bool,
    /// `-v`, `-k`, `-l`: nothing to run.
    nothing: bool,
    variables: Vec<(String, String)>,
    command: Vec<OsString>,
}

/// Runs `sudo` with its arguments (without its own name). Returns only when nothing was run.
pub fn sudo_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse(arguments) {
        Ok(asked) => run(asked),
        Err(problem) => complain(&problem, 1),
    }
}

fn run(asked: Asked) -> ExitCode {
    let Asked { user, login, shell, nothing, variables, command } = asked;
    if nothing {
        return ExitCode::SUCCESS;
    }
    let root = user.as_deref().is_none_or(|user| matches!(user, "root" | "0" | "#0"));
    let mut words = if login || shell {
        let program = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        let mut words = vec![program];
        if !command.is_empty() {
            let line = command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>();
            words.extend(["-c".into(), line.join(" ").into()]);
        } else if login {
            words.push("-l".into());
        }
        words
    } else {
        command
    };
    if words.is_empty() {
        return complain("usage: sudo [-EHnkv] [-u user] [VAR=value] [-i | -s] [command]", 1);
    }
    if let Some(user) = user.filter(|_| !root) {
        // Another user than root is for `su`, which every image with users has.
        let line = words.iter().map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>();
        words = ["su", "-s", "/bin/sh", user.as_str(), "-c", line.join(" ").as_str()]
            .map(OsString::from)
            .to_vec();
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).envs(variables);
    command.env("SUDO_USER", "root").env("SUDO_UID", "0").env("SUDO_GID", "0");
    let error = command.exec();
    let name = words[0].to_string_lossy();
    if error.kind() == std::io::ErrorKind::NotFound {
        complain(&format!("sudo: {name}: command not found"), 1)
    } else {
        complain(&format!("sudo: {name}: {error}"), 1)
    }
}

fn complain(problem: &str, code: u8) -> ExitCode {
    // Standard error that is gone is no reason to fail otherwise.
    let _ = writeln!(std::io::stderr(), "{problem}");
    ExitCode::from(code)
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut rest = arguments.into_iter();
    let need = |name: &str| format!("sudo: option `{name}` needs a value");
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy().into_owned();
        match text.as_str() {
            "--" => {
                asked.command.extend(rest);
                break;
            }
            "--user" => asked.user = Some(value(&mut rest).ok_or_else(|| need("--user"))?),
            "--group" | "--prompt" | "--chdir" | "--host" | "--close-from" => {
                value(&mut rest).ok_or_else(|| need(&text))?;
            }
            "--login" => asked.login = true,
            "--shell" => asked.shell = true,
            "--validate" | "--reset-timestamp" | "--remove-timestamp" | "--list" => {
                asked.nothing = true;
            }
            "--preserve-env" | "--set-home" | "--non-interactive" | "--stdin" | "--background"
            | "--askpass" => {}
            long if long.starts_with("--user=") => asked.user = Some(long[7..].to_owned()),
            long if long.starts_with("--preserve-env=") || long.starts_with("--group=") => {}
            long if long.starts_with("--") => {
                return Err(format!("sudo: unrecognized option `{long}`"));
            }
            short if short.len() > 1 && short.starts_with('-') => {
                letters(&short[1..], &mut rest, &mut asked)?;
            }
            assignment if is_assignment(assignment) => {
                let (name, value) = assignment.split_once('=').unwrap_or((assignment, ""));
                asked.variables.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                asked.command.push(word);
                asked.command.extend(rest);
                break;
            }
        }
    }
    // `-k command` and `-l command` concern a command; without one there is nothing to do.
    asked.nothing &= asked.command.is_empty();
    Ok(asked)
}

/// A bundle of one-letter options, as `-nE` or `-uroot`.
fn letters(
    bundle: &str,
    rest: &mut impl Iterator<Item = OsString>,
    asked: &mut Asked,
) -> Result<(), String> {
    for (at, letter) in bundle.char_indices() {
        match letter {
            'u' | 'g' | 'p' | 'C' | 'D' | 'h' | 'r' | 't' | 'R' | 'T' | 'U' => {
                let attached = &bundle[at + 1..];
                let value = if attached.is_empty() {
                    value(rest).ok_or_else(|| format!("sudo: option `-{letter}` needs a value"))?
                } else {
                    attached.to_owned()
                };
                if letter == 'u' {
                    asked.user = Some(value);
                }
                return Ok(());
            }
            'i' => asked.login = true,
            's' => asked.shell = true,
            'k' | 'K' | 'v' | 'l' => asked.nothing = true,
            'E' | 'H' | 'n' | 'S' | 'b' | 'A' | 'P' | 'B' => {}
            _ => return Err(format!("sudo: invalid option -- `{letter}`")),
        }
    }
    Ok(())
}

fn value(rest: &mut impl Iterator<Item = OsString>) -> Option<String> {
    rest.next().map(|word| word.to_string_lossy().into_owned())
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn quoted(word: &str) -> String {
    crate::session::shell::quote(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, user: Option<&str>, flags: &str, variables: usize, command: &str) {
        let asked = parse(line.split(' ').map(OsString::from)).unwrap();
        assert_eq!(asked.user.as_deref(), user, "{line}");
        let seen: String = [(asked.login, 'i'), (asked.shell, 's'), (asked.nothing, '0')]
            .into_iter()
            .filter_map(|(set, letter)| set.then_some(letter))
            .collect();
        assert_eq!(seen, flags, "{line}");
        assert_eq!(asked.variables.len(), variables, "{line}");
        let words: Vec<_> = asked.command.iter().map(|w| w.to_string_lossy()).collect();
        assert_eq!(words.join(" "), command, "{line}");
    }

    #[test]
    fn command_lines() {
        check("apt-get install -y tree", None, "", 0, "apt-get install -y tree");
        check("-E -H -n env", None, "", 0, "env");
        check("-nE -u postgres psql -c x", Some("postgres"), "", 0, "psql -c x");
        check("-uroot id -u", Some("root"), "", 0, "id -u");
        check("A=1 B_2=x make A=3", None, "", 2, "make A=3");
        check("-i", None, "i", 0, "");
        check("-s echo", None, "s", 0, "echo");
        check("-v", None, "0", 0, "");
        check("-k", None, "0", 0, "");
        check("-- -x y", None, "", 0, "-x y");
        check("--user=web --preserve-env ls", Some("web"), "", 0, "ls");
        assert!(parse(["-u".into()]).is_err());
        assert!(parse(["--nonsense".into()]).is_err());
    }
}
