//! What a person sees of bytes that were written to a terminal.

/// The text as it stands on the screen: escape sequences carried out or dropped, lines that were
/// written over shown in their last state, other control characters gone.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut line: Vec<char> = Vec::new();
    let mut column = 0_usize;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                finish(&mut out, &mut line);
                out.push('\n');
                column = 0;
            }
            '\r' => column = 0,
            '\u{8}' => column = column.saturating_sub(1),
            '\u{1b}' => escape(&mut chars, &mut line, &mut column),
            '\t' => put(&mut line, &mut column, '\t'),
            c if c.is_control() => {}
            c => put(&mut line, &mut column, c),
        }
    }
    finish(&mut out, &mut line);
    out
}

fn put(line: &mut Vec<char>, column: &mut usize, c: char) {
    if let Some(cell) = line.get_mut(*column) {
        *cell = c;
    } else {
        line.push(c);
    }
    *column += 1;
}

fn finish(out: &mut String, line: &mut Vec<char>) {
    out.extend(line.drain(..));
}

fn escape(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    line: &mut Vec<char>,
    column: &mut usize,
) {
    match chars.next() {
        Some('[') => {
            let mut parameters = String::new();
            for c in chars.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    control(c, &parameters, line, column);
                    return;
                }
                if parameters.len() < 32 {
                    parameters.push(c);
                }
            }
        }
        // A title or link: up to BEL or ST, but never past the line.
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    return;
                }
                chars.next();
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some('(' | ')' | '#' | '%') => {
            chars.next();
        }
        _ => {}
    }
}

fn control(code: char, parameters: &str, line: &mut Vec<char>, column: &mut usize) {
    let number = parameters.split(';').next().and_then(|p| p.parse::<usize>().ok());
    match code {
        'K' if number == Some(2) => line.clear(),
        'K' if number == Some(1) => {
            for cell in line.iter_mut().take(*column) {
                *cell = ' ';
            }
        }
        'K' => line.truncate(*column),
        'G' => *column = number.unwrap_or(1).saturating_sub(1).min(line.len()),
        'D' => *column = column.saturating_sub(number.unwrap_or(1)),
        'C' => *column = (*column + number.unwrap_or(1)).min(line.len()),
        _ => {} // Colours, modes, and movements over lines.
    }
    *column = (*column).min(line.len());
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn terminals_are_read_as_people_see_them() {
        for (bytes, seen) in [
            ("plain\n", "plain\n"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("\u{1b}[1;31mred\u{1b}[0m\n", "red\n"),
            ("10%\r50%\r100%\n", "100%\n"),
            ("working...\r\u{1b}[Kdone\n", "done\n"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("ab\u{8}c", "ac"),
            ("nul\0byte\u{7}", "nulbyte"),
            ("\u{1b}(Bx\u{1b}=y", "xy"),
            ("\u{1b}[", ""),
            ("tab\tstays", "tab\tstays"),
        ] {
            assert_eq!(plain(bytes), seen, "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_raw_comes_through(text: String) {
            let seen = plain(&text);
            proptest::prop_assert!(seen.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        }
    }
}
