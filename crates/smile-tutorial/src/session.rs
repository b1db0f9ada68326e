//! A session block to commands and their outputs.

use crate::prompt::{self, Sign};
use crate::shell::{Lexer, without_comment};

/// One command of a session, with what was printed below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// Lines of the block, from 0.
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) text: String,
    /// The output: its lines in the block and its text.
    pub(crate) output: Option<(usize, usize, String)>,
    /// Comments of the author right above.
    pub(crate) comment: String,
    /// Comments of the author below it, before its output.
    pub(crate) remark: String,
    /// Answers typed at questions that the output shows.
    pub(crate) answers: Vec<String>,
    /// The command starts an interpreter, and its session is shown.
    pub(crate) interactive: bool,
}

/// The prompts of a block that is a session of a shell, or none where it is none.
///
/// `terminal` is true where the label says that the block shows a terminal.
pub(crate) fn sign(lines: &[String], terminal: bool) -> Option<Sign> {
    let written: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
    let prompts: Vec<_> = written.iter().filter_map(|line| prompt::read(line)).collect();
    let count =
        |sign: Sign| prompts.iter().filter(|p| p.sign == sign && !p.typed.is_empty()).count();
    for sign in [Sign::Interpreter, Sign::Windows] {
        if count(sign) > 0 && count(Sign::Dollar) == 0 {
            return Some(sign);
        }
    }
    if count(Sign::Dollar) > 0 {
        return Some(Sign::Dollar);
    }
    if count(Sign::Fancy) > 0 {
        return Some(Sign::Fancy);
    }
    // Weaker signs count only where they are consistent.
    let named_root = prompts.iter().any(|p| p.sign == Sign::Hash && !p.before.is_empty());
    let first = written.first().and_then(|line| prompt::read(line));
    let hash_commands = |p: &prompt::Prompted<'_>| {
        p.sign == Sign::Hash && (!p.before.is_empty() || crate::command::is_command_like(p.typed))
    };
    let hashes = prompts.iter().filter(|p| p.sign == Sign::Hash).count();
    // Where other lines are commands, those with a hash are comments on them.
    let commented = written
        .iter()
        .any(|line| prompt::read(line).is_none() && crate::command::is_command_like(line));
    if named_root
        || hashes > 0
            && prompts.iter().filter(|p| p.sign == Sign::Hash).all(hash_commands)
            && first.is_some_and(|p| p.sign == Sign::Hash)
            && (terminal && !commented || hashes == written.len())
    {
        return Some(Sign::Hash);
    }
    let all = |sign: Sign| written.len() == prompts.len() && count(sign) == written.len();
    let starts = |sign: Sign| {
        terminal
            && first.is_some_and(|p| p.sign == sign && crate::command::is_command_like(p.typed))
    };
    for sign in [Sign::Percent, Sign::Angle] {
        let likely =
            prompts.iter().any(|p| p.sign == sign && crate::command::is_command_like(p.typed));
        if starts(sign) || (all(sign) && likely) {
            return Some(sign);
        }
    }
    None
}

/// Splits a session. `base` is the sign that [`sign`] found.
pub(crate) fn exchanges(lines: &[String], base: Sign) -> Vec<Exchange> {
    let kinds = kinds(lines, base);
    let mut out: Vec<Exchange> = Vec::new();
    let mut comment = String::new();
    let mut at = 0;
    while let (Some(line), Some(kind)) = (lines.get(at), kinds.get(at)) {
        match kind {
            LineKind::Prompt => {
                let exchange = command(lines, &kinds, at, base);
                at = exchange.last + 1;
                if exchange.text.is_empty() {
                    push_line(&mut comment, line);
                } else {
                    out.push(Exchange { comment: std::mem::take(&mut comment), ..exchange });
                }
                continue;
            }
            LineKind::Comment => {
                push_line(&mut comment, line);
                if let Some(last) = out.last_mut().filter(|last| last.output.is_none()) {
                    push_line(&mut last.remark, line);
                }
            }
            LineKind::Other => {
                if let Some(last) = out.last_mut() {
                    extend(last, at, line);
                }
            }
        }
        at += 1;
    }
    for exchange in &mut out {
        trim(exchange);
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineKind {
    Prompt,
    Comment,
    Other,
}

fn is_prompt(line: &str, base: Sign) -> bool {
    prompt::read(line).is_some_and(|found| {
        found.sign == base
            || (base == Sign::Dollar && found.sign == Sign::Fancy && !found.typed.is_empty())
            || (base == Sign::Dollar && found.sign == Sign::Hash && !found.before.is_empty())
    })
}

/// What each line is: comments of the author stand between outputs and the next prompt.
fn kinds(lines: &[String], base: Sign) -> Vec<LineKind> {
    let mut kinds: Vec<LineKind> = lines
        .iter()
        .map(|line| if is_prompt(line, base) { LineKind::Prompt } else { LineKind::Other })
        .collect();
    let is_remark = |line: &str| {
        let line = line.trim_start();
        (base != Sign::Hash && line.starts_with('#') && !line.starts_with("#!"))
            || line.starts_with("// ")
    };
    let mut at = 0;
    let mut printer = false; // Whether the command before prints text as it is.
    while at < lines.len() {
        if kinds[at] == LineKind::Prompt {
            printer = prompt::read(&lines[at]).is_some_and(|p| prints_files(p.typed));
        }
        if kinds[at] == LineKind::Prompt || !is_remark(&lines[at]) {
            at += 1;
            continue;
        }
        let end = (at..lines.len()).find(|i| !is_remark(&lines[*i])).unwrap_or(lines.len());
        let slashes = lines[at].trim_start().starts_with("//");
        let before_blank = at == 0 || lines[at - 1].trim().is_empty();
        let next = (end..lines.len()).find(|i| !lines[*i].trim().is_empty());
        let next_prompt = next.is_none_or(|i| kinds[i] == LineKind::Prompt);
        let adjacent = next == Some(end);
        let between = at.checked_sub(1).is_some_and(|before| kinds[before] == LineKind::Prompt)
            && kinds.get(end) == Some(&LineKind::Prompt)
            && !printer;
        let first = (0..at).all(|i| lines[i].trim().is_empty() || kinds[i] == LineKind::Comment);
        let remark = (slashes && !printer)
            || first
            || between
            || (before_blank && next_prompt && (adjacent || !printer));
        if remark {
            kinds[at..end].fill(LineKind::Comment);
        }
        at = end;
    }
    kinds
}

/// Whether the output of a command is the text of a file.
fn prints_files(command: &str) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    matches!(
        program,
        "cat" | "less" | "more" | "head" | "tail" | "sed" | "awk" | "grep" | "bat" | "curl"
    )
}

/// The command at a prompt, with its continuation lines.
fn command(lines: &[String], kinds: &[LineKind], at: usize, base: Sign) -> Exchange {
    let typed = prompt::read(&lines[at]).map_or("", |found| found.typed);
    let mut lexer = Lexer::new();
    let mut last = at;
    let mut complete = lexer.feed(typed);
    let mut text = vec![without_comment(typed).to_owned()];
    let mut end = at + 1;
    while !complete && let (Some(line), Some(kind)) = (lines.get(end), kinds.get(end)) {
        if *kind == LineKind::Prompt && !(base == Sign::Angle && lexer.in_here_document()) {
            break;
        }
        let line = if lexer.in_here_document() && !line.starts_with("> ") && line.as_str() != ">" {
            line.as_str()
        } else {
            continuation(line)
        };
        complete = lexer.feed(line);
        text.push(line.trim_end().to_owned());
        last = end;
        end += 1;
    }
    if !complete && last > at {
        // It never ends: the lines below are its output.
        text.truncate(1);
        last = at;
    }
    if text.len() == 1
        && let Some(only) = text.first_mut()
    {
        let trimmed = only.trim_end();
        let whole = trimmed.strip_suffix('\\').map_or(trimmed, str::trim_end);
        *only = whole.to_owned();
    }
    Exchange {
        first: at,
        last,
        text: text.join("\n").trim().to_owned(),
        output: None,
        comment: String::new(),
        remark: String::new(),
        answers: Vec::new(),
        interactive: false,
    }
}

/// A line of a command that goes on, without the secondary prompt.
fn continuation(line: &str) -> &str {
    let trimmed = line.trim_start();
    match trimmed.strip_prefix("> ") {
        Some(rest) => rest,
        None if trimmed == ">" => "",
        None => line,
    }
}

fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line.trim());
}

fn extend(exchange: &mut Exchange, at: usize, line: &str) {
    if let Some(answer) = typed_answer(line) {
        exchange.answers.push(answer);
    }
    // Lines at the prompt of an interpreter that the command started are typed into it.
    let inner = prompt::read(line).filter(|found| found.sign == Sign::Interpreter);
    if let Some(found) = inner {
        exchange.interactive = true;
        if !found.typed.is_empty() {
            exchange.answers.push(found.typed.to_owned());
        }
    }
    match &mut exchange.output {
        Some((_, last, text)) => {
            // Remarks taken out in between leave no trace.
            *last = at;
            text.push('\n');
            text.push_str(line);
        }
        None if line.trim().is_empty() => {}
        None => exchange.output = Some((at, at, line.to_owned())),
    }
}

/// What the reader typed after a question that names the answers: `Proceed? [Y/n] y`.
fn typed_answer(line: &str) -> Option<String> {
    let line = line.trim_end();
    let (question, answer) = line.rsplit_once(' ')?;
    let lower = question.trim_end_matches([':', '?', ' ']).to_lowercase();
    let asks = ["[y/n]", "(y/n)", "[yes/no]", "(yes/no)", "[y]/n)", "([y]/n)"]
        .iter()
        .any(|form| lower.ends_with(form));
    let answers = matches!(answer.to_lowercase().as_str(), "y" | "n" | "yes" | "no");
    (asks && answers).then(|| answer.to_owned())
}

fn trim(exchange: &mut Exchange) {
    if let Some((first, last, text)) = &mut exchange.output {
        let kept = text.trim_end().len();
        let cut = text.get(kept..).map_or(0, |rest| rest.matches('\n').count());
        text.truncate(kept);
        *last = last.saturating_sub(cut).max(*first);
        // What a session inside shows is not compared: it holds what was typed.
        if text.is_empty() || exchange.interactive {
            exchange.output = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Vec<String> {
        text.lines().map(ToOwned::to_owned).collect()
    }

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let lines = block(text);
        let sign = sign(&lines, true).unwrap();
        let seen = exchanges(&lines, sign);
        let seen: Vec<_> = seen
            .iter()
            .map(|e| (e.text.as_str(), e.output.as_ref().map(|(_, _, text)| text.as_str())))
            .collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn outputs_belong_to_the_command_above() {
        check("$ a\n1\n2\n\n$ b\n$ c\n3", &[("a", Some("1\n2")), ("b", None), ("c", Some("3"))]);
        check("me@box:~$ a\n1", &[("a", Some("1"))]);
        check(
            "# apt-get update\n# apt-get install x",
            &[("apt-get update", None), ("apt-get install x", None)],
        );
        check("% npm test\nok", &[("npm test", Some("ok"))]);
    }

    #[test]
    fn remarks_are_no_output() {
        check("# first\n$ a\n1\n\n# second\n# line\n$ b", &[("a", Some("1")), ("b", None)]);
        check(
            "$ git status\n# On branch main\nclean",
            &[("git status", Some("# On branch main\nclean"))],
        );
        check(
            "$ cat a.md\n# Title\n\n# More\n\n$ b",
            &[("cat a.md", Some("# Title\n\n# More")), ("b", None)],
        );
        check("$ a\n\n// it prints 1\n1\n\n// now\n$ b", &[("a", Some("1")), ("b", None)]);
        check("$ a\n# now b\n$ b", &[("a", None), ("b", None)]);
        check("$ # a remark\n$ a", &[("a", None)]);
        check("$ a\n$\n", &[("a", None)]);
    }

    #[test]
    fn commands_of_several_lines() {
        check(
            "$ cat <<EOF > f\nx\n# y\nEOF\n$ b",
            &[("cat <<EOF > f\nx\n# y\nEOF", None), ("b", None)],
        );
        check("$ cat > f <<EOF\n> x\n> EOF\ndone", &[("cat > f <<EOF\nx\nEOF", Some("done"))]);
        check("$ a \\\n  -b \\\n  -c\nout", &[("a \\\n  -b \\\n  -c", Some("out"))]);
        check(
            "$ for x in 1 2\n> do\n>   echo $x\n> done\n1\n2",
            &[("for x in 1 2\ndo\n  echo $x\ndone", Some("1\n2"))],
        );
        check("$ echo it's\nout\n$ b", &[("echo it's", Some("out")), ("b", None)]);
    }

    #[test]
    fn answers_shown_in_the_output() {
        let lines = block("$ python\n>>> 1 + 1\n2\n>>> exit()\n$ ls");
        let seen = exchanges(&lines, Sign::Dollar);
        assert_eq!(
            (seen[0].answers.clone(), seen[0].output.clone()),
            (vec!["1 + 1".to_owned(), "exit()".to_owned()], None,)
        );
        let lines = block("$ conda create\nProceed ([y]/n)? y\ndone");
        let seen = exchanges(&lines, Sign::Dollar);
        assert_eq!(seen[0].answers, ["y"]);
    }

    #[test]
    fn what_is_no_session() {
        for text in [
            "# A title\n\ntext",
            "> quoted text\nmore",
            "x = 1\n# note",
            "# Install the thing first\nnpm install",
        ] {
            assert_eq!(sign(&block(text), false), None, "{text}");
        }
    }
}
