//! A block of shell text to complete commands.

use super::lex::Lexer;

/// One complete command of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its first line, counted from 0 in the text given.
    pub first: usize,
    /// Its last line.
    pub last: usize,
    /// The command without a comment after it and without a final newline.
    pub text: String,
}

/// How far ahead the end of a command is looked for once a block has shown to be no good shell.
const LINES_AHEAD_MAX: usize = 50;

/// Splits text into complete commands; blank lines and comment lines are left out.
///
/// Never fails: what is no shell comes out line by line.
pub fn split(text: &str) -> Vec<Piece> {
    let lines: Vec<&str> = text.lines().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut ahead_max = usize::MAX;
    while let Some(line) = lines.get(at) {
        if is_blank_or_comment(line) {
            at += 1;
            continue;
        }
        let limit = ahead_max.saturating_add(at).min(lines.len());
        let taken = take(lines.get(at..limit).unwrap_or_default());
        let taken = taken.unwrap_or_else(|| {
            ahead_max = LINES_AHEAD_MAX;
            (1, vec![without_comment(line).trim_end().trim_end_matches('\\').trim_end().to_owned()])
        });
        let text = taken.1.join("\n").trim().to_owned();
        if !text.is_empty() {
            pieces.push(Piece { first: at, last: at + taken.0 - 1, text });
        }
        at += taken.0;
    }
    pieces
}

/// Whether the text is one or more complete commands.
pub fn is_complete(text: &str) -> bool {
    let mut lexer = Lexer::new();
    let mut complete = true;
    for line in text.lines() {
        complete = lexer.feed(line);
    }
    complete
}

/// The lines of the first command, or none where it never ends.
fn take(lines: &[&str]) -> Option<(usize, Vec<String>)> {
    let mut lexer = Lexer::new();
    let mut text: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let inside_document = lexer.in_here_document();
        let complete = lexer.feed(line);
        let kept = match lexer.comment_start() {
            Some(start) if !inside_document => line.get(..start).unwrap_or_default().trim_end(),
            _ => line.trim_end_matches('\r'),
        };
        text.push(kept.to_owned());
        if complete {
            return Some((index + 1, text));
        }
    }
    None
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The line up to its comment.
pub(crate) fn without_comment(line: &str) -> &str {
    let mut lexer = Lexer::new();
    lexer.feed(line);
    match lexer.comment_start() {
        Some(start) => line.get(..start).unwrap_or_default().trim_end(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[(usize, usize, &str)]) {
        let pieces = split(text);
        let seen: Vec<_> =
            pieces.iter().map(|piece| (piece.first, piece.last, piece.text.as_str())).collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn commands_end_where_the_shell_says() {
        check("ls\n\n# note\ncd a # there\n", &[(0, 0, "ls"), (3, 3, "cd a")]);
        check("a \\\n  b\nc", &[(0, 1, "a \\\n  b"), (2, 2, "c")]);
        check("echo 'x\ny'\nz", &[(0, 1, "echo 'x\ny'"), (2, 2, "z")]);
        check(
            "echo \"a $(b \"c\nd\") e\"\nz",
            &[(0, 1, "echo \"a $(b \"c\nd\") e\""), (2, 2, "z")],
        );
        check(
            "cat <<EOF > f\n# not a comment\n$x\nEOF\nls",
            &[(0, 3, "cat <<EOF > f\n# not a comment\n$x\nEOF"), (4, 4, "ls")],
        );
        check("cat <<-'E 1'\n\ta\n\tE 1\nls", &[(0, 2, "cat <<-'E 1'\n\ta\n\tE 1"), (3, 3, "ls")]);
        check("cat <<A <<B\n1\nA\n2\nB\nls", &[(0, 4, "cat <<A <<B\n1\nA\n2\nB"), (5, 5, "ls")]);
        check(
            "for i in 1 2; do\n  echo $i\ndone\nls",
            &[(0, 2, "for i in 1 2; do\n  echo $i\ndone"), (3, 3, "ls")],
        );
        check(
            "if true; then\n  a\nelse\n  b\nfi && c\nd",
            &[(0, 4, "if true; then\n  a\nelse\n  b\nfi && c"), (5, 5, "d")],
        );
        check(
            "while read -r x; do echo $x; done < f\nls",
            &[(0, 0, "while read -r x; do echo $x; done < f"), (1, 1, "ls")],
        );
        check(
            "case $x in\n a) b ;;\n *) c ;;\nesac\nls",
            &[(0, 3, "case $x in\n a) b ;;\n *) c ;;\nesac"), (4, 4, "ls")],
        );
        check("f() {\n  a\n}\nf", &[(0, 2, "f() {\n  a\n}"), (3, 3, "f")]);
        check("a |\n b\nc &&\n d", &[(0, 1, "a |\n b"), (2, 3, "c &&\n d")]);
        check(
            "echo done\necho if\necho ${#x} $#\n",
            &[(0, 0, "echo done"), (1, 1, "echo if"), (2, 2, "echo ${#x} $#")],
        );
        check("x=$((1 << 2))\nls", &[(0, 0, "x=$((1 << 2))"), (1, 1, "ls")]);
        check("a <<< b\nc", &[(0, 0, "a <<< b"), (1, 1, "c")]);
        check("a > f 2>&1 &\nb &> g\n", &[(0, 0, "a > f 2>&1 &"), (1, 1, "b &> g")]);
        check("a=(1 2\n 3)\nb", &[(0, 1, "a=(1 2\n 3)"), (2, 2, "b")]);
        check("echo $'it\\'s'\nb", &[(0, 0, "echo $'it\\'s'"), (1, 1, "b")]);
        check(
            "curl -d '{\n \"a\": 1\n}' u\r\nb\r\n",
            &[(0, 2, "curl -d '{\n \"a\": 1\n}' u"), (3, 3, "b")],
        );
    }

    #[test]
    fn text_that_is_no_shell_comes_out_line_by_line() {
        check("don't\npanic\n", &[(0, 0, "don't"), (1, 1, "panic")]);
        check("cat <<EOF\nnever\nends", &[(0, 0, "cat <<EOF"), (1, 1, "never"), (2, 2, "ends")]);
        check("a \\", &[(0, 0, "a")]);
        let many = "(\n".repeat(50_000);
        assert_eq!(split(&many).len(), 50_000);
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_order(text in "[a-z'\"$(){}|&;<>#`\\\\ \n]{0,200}|\\PC{0,100}") {
            let count = text.lines().count();
            let mut before = None;
            for piece in split(&text) {
                prop_assert!(piece.first <= piece.last && piece.last < count);
                prop_assert!(before.is_none_or(|line| line < piece.first));
                before = Some(piece.last);
            }
        }
    }
}
