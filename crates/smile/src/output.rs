//! The only place that prints.
#![expect(clippy::print_stderr, reason = "this is where the program prints")]

use std::io::{self, IsTerminal as _, Write as _};

use console::{Style, Term};

use crate::{Failure, failure::exit};

/// Writes to standard output. A reader that has gone (`smile report | head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let written = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure {
            code: exit::HARNESS,
            message: format!("could not write to standard output: {error}"),
            hint: String::new(),
        }),
        _ => Ok(()),
    }
}

/// Writes to standard error what a program reads there. A reader that has gone is no error.
pub(crate) fn print_beside(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Says why a command ends without its work done.
pub(crate) fn failure(failure: &Failure) {
    let paint = Paint::for_stderr();
    eprintln!("{} {}", paint.bad.apply_to("error:"), failure.message);
    if !failure.hint.is_empty() {
        eprintln!(" {} {}", paint.dim.apply_to("hint:"), failure.hint);
    }
}

/// Says what is odd and did not stop the command.
pub(crate) fn warning(message: &str, hint: &str) {
    let paint = Paint::for_stderr();
    eprintln!("{} {message}", paint.warn.apply_to("warning:"));
    if !hint.is_empty() {
        eprintln!("   {} {hint}", paint.dim.apply_to("hint:"));
    }
}

/// The colours of everything, plain where nobody sees them.
#[derive(Debug, Clone)]
pub(crate) struct Paint {
    pub(crate) good: Style,
    pub(crate) warn: Style,
    pub(crate) bad: Style,
    pub(crate) plain_bad: Style,
    pub(crate) strong: Style,
    pub(crate) accent: Style,
    pub(crate) dim: Style,
}

impl Paint {
    /// For what goes to standard output.
    pub(crate) fn for_stdout() -> Self {
        Self::new(io::stdout().is_terminal())
    }

    /// For what goes to standard error.
    pub(crate) fn for_stderr() -> Self {
        Self::new(io::stderr().is_terminal())
    }

    /// See <https://no-color.org>.
    fn new(terminal: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = (terminal && !dumb || set("CLICOLOR_FORCE")) && !set("NO_COLOR");
        let style = || Style::new().force_styling(colours);
        Self {
            good: style().green(),
            warn: style().yellow(),
            bad: style().red().bold(),
            plain_bad: style().red(),
            strong: style().bold(),
            accent: style().cyan(),
            dim: style().dim(),
        }
    }
}

/// Columns of the terminal, within what reads well; 100 where there is none.
pub(crate) fn columns() -> usize {
    let term = Term::stdout();
    if term.is_term() { usize::from(term.size().1).clamp(40, 160) } else { 100 }
}

/// One line of at most `columns`, cut with `…`; control characters shown, never sent.
pub(crate) fn one_line(text: &str, columns: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(4 * columns));
    for character in text.chars().take(4 * columns + 4) {
        match character {
            '\n' if clean.ends_with("; ") || clean.is_empty() => {}
            '\n' => clean.push_str(" ⏎ "),
            '\t' => clean.push(' '),
            character if character.is_control() => clean.push('\u{fffd}'),
            character => clean.push(character),
        }
    }
    console::truncate_str(clean.trim_end_matches([' ', '⏎']), columns, "…").into_owned()
}

/// `text` broken at spaces into lines of at most `columns`.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|character| !character.is_control()).collect();
        let last = lines.last_mut().expect("there is always one line");
        let width = console::measure_text_width(last) + 1 + console::measure_text_width(&word);
        if last.is_empty() {
            *last = word;
        } else if width <= columns {
            last.push(' ');
            last.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stays_one_line_of_that_width() {
        assert_eq!(one_line("cat <<E\nhi\nE\n", 40), "cat <<E ⏎ hi ⏎ E");
        assert_eq!(one_line("echo abcdefghij", 10), "echo abcd…");
        assert_eq!(one_line("printf '\u{1b}[2J'", 40), "printf '\u{fffd}[2J'");
    }

    #[test]
    fn wrapping_breaks_at_spaces_only() {
        assert_eq!(wrapped("aa bb  cc\ndddddddd e", 5), ["aa bb", "cc", "dddddddd", "e"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
