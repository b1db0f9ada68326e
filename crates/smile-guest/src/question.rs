//! What a program that waits for keys asks, judged by the end of its output: pure.

/// The last thing on the screen: the question.
pub(crate) fn question(output: &[u8]) -> String {
    let text = plain(&String::from_utf8_lossy(output));
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let kept = lines.len().saturating_sub(3);
    // The line that is not finished is the question; without one, the last lines may hold it.
    match lines.last() {
        Some(last) if !text.ends_with('\n') => last.trim().to_owned(),
        _ => lines[kept..].join("\n").trim().to_owned(),
    }
}

/// Whether Enter alone is an answer: the program says what it takes then.
pub(crate) fn has_default(question: &str) -> bool {
    let text = question.to_lowercase();
    let said = [
        "[y/n]",
        "(y/n)",
        "default",
        "press enter",
        "press return",
        "hit enter",
        "hit return",
        "any key",
        "press [enter]",
        "<enter>",
        "to continue",
        "arrow keys",
        "arrow-keys",
        "return to submit",
        "enter to confirm",
        "enter to select",
        "empty for no",
        "leave blank",
        "leave empty",
        "optional",
    ];
    // Of [y/n] only the forms with a capital letter name a default.
    let capital = ["[Y/n]", "[y/N]", "(Y/n)", "(y/N)", "[Yes/no]", "[yes/No]", "(Yes/no)"];
    if capital.iter().any(|form| question.contains(form)) {
        return true;
    }
    if ["[y/n]", "(y/n)", "[yes/no]", "(yes/no)"].iter().any(|form| text.contains(form)) {
        return false;
    }
    said.iter().any(|phrase| text.contains(phrase))
        || question.contains(['❯', '›', '◉', '◆', '●'])
        || ends_with_bracketed(question)
}

/// Whether it asks for the same thing once more, so that the same answer is right.
pub(crate) fn asks_again(question: &str) -> bool {
    let text = question.to_lowercase();
    ["again", "retype", "re-enter", "repeat", "confirm", "verify"].iter().any(|w| text.contains(w))
}

/// `package name: (demo) `, `Country [AU]:`: the value taken by Enter stands in brackets.
fn ends_with_bracketed(question: &str) -> bool {
    let end = question.trim_end().trim_end_matches([':', '?', '>']).trim_end();
    let open = match end.chars().last() {
        Some(')') => end.rfind('('),
        Some(']') => end.rfind('['),
        _ => None,
    };
    open.is_some_and(|open| end.len() - open > 2)
}

/// Text without terminal codes.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\u{1b}' => match rest.next() {
                Some('[') => {
                    while rest.next_if(|next| !('@'..='~').contains(next)).is_some() {}
                    rest.next();
                }
                Some(']') => {
                    while rest.next_if(|next| *next != '\u{7}' && *next != '\u{1b}').is_some() {}
                    rest.next();
                }
                _ => {}
            },
            '\r' => {
                if rest.peek() != Some(&'\n') {
                    // What follows is printed over this line.
                    let line = plain.rfind('\n').map_or(0, |end| end + 1);
                    plain.truncate(line);
                }
            }
            letter if letter.is_control() && letter != '\n' && letter != '\t' => {}
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, asked: &str, default: bool) {
        let question = question(output.as_bytes());
        assert_eq!(question, asked);
        assert_eq!(has_default(&question), default, "{question}");
    }

    #[test]
    fn questions_and_their_defaults() {
        check("Reading\nDo you want to continue? [Y/n] ", "Do you want to continue? [Y/n]", true);
        check("Overwrite? [y/n] ", "Overwrite? [y/n]", false);
        check("Proceed? (y/N): ", "Proceed? (y/N):", true);
        check("package name: (demo) ", "package name: (demo)", true);
        check("Country Name (2 letter code) [AU]:", "Country Name (2 letter code) [AU]:", true);
        check("What is your name? ", "What is your name?", false);
        check(
            "Enter passphrase (empty for no passphrase): ",
            "Enter passphrase (empty for no passphrase):",
            true,
        );
        check("Press any key to continue . . .", "Press any key to continue . . .", true);
        check(
            "\u{1b}[1m?\u{1b}[0m Pick one \u{1b}[2m› - Use arrow-keys.\u{1b}[22m\n",
            "? Pick one › - Use arrow-keys.",
            true,
        );
        check("50%\r100%\nPassword: ", "Password:", false);
        check("", "", false);
        check(">>> ", ">>>", false);
    }
}
