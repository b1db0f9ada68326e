//! What an output tells about its command: that it fails on purpose, that it goes on running, that
//! it prints something else each time.

use crate::command;
use crate::lead::Lead;
use crate::sentence::Sentence;
use crate::session::Exchange;
use crate::step::Command;

/// How lines that tell of a failure start, in lower case.
const FAILURE_STARTS: &str = "error: |fatal: |error[|traceback (most recent call last)|e: |npm err!|\
    npm error|bash: |sh: |zsh: |panic: ";

/// What lines that tell of a failure say, in lower case.
const FAILURE_WORDS: &str =
    "command not found|no such file or directory|permission denied|panicked at";

/// Notes that a command fails on purpose, where the page says or shows so.
pub(crate) fn note_failure(
    command: &mut Command,
    output: &str,
    lead: Option<&Lead>,
    labelled: bool,
) {
    let why = if labelled {
        Some("the output is labelled as an error".to_owned())
    } else {
        shows_failure(&command.text, output).or_else(|| {
            lead.and_then(|lead| lead.failure).map(|words| format!("the text says \"{words}\""))
        })
    };
    if command.expected_failure.is_none() {
        command.expected_failure = why;
    }
}

/// Whether an output is that of a failure: `program: message`, `error: …`, a stack trace.
pub(crate) fn shows_failure(command: &str, output: &str) -> Option<String> {
    let programs: Vec<&str> = command
        .split(['|', ';', '&', '\n'])
        .filter_map(command::first_program)
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .collect();
    let printers = ["cat", "less", "grep", "echo", "printf", "head", "tail", "sed", "awk"];
    let prints_text = programs.last().is_some_and(|program| printers.contains(program));
    for line in output.lines() {
        let line = line.trim();
        let lower = line.to_lowercase();
        let own = programs.iter().any(|program| {
            let rest = line.strip_prefix(program).and_then(|rest| rest.strip_prefix(": "));
            rest.is_some_and(is_complaint)
        });
        // A command that prints text may print the text of a failure.
        let named = !prints_text && FAILURE_STARTS.split('|').any(|start| lower.starts_with(start));
        let said = !prints_text && FAILURE_WORDS.split('|').any(|words| lower.contains(words));
        if own || named || said {
            return Some(format!(
                "the output shown is that of a failure: `{}`",
                line.chars().take(80).collect::<String>()
            ));
        }
    }
    None
}

/// Whether a message after `program: ` is a complaint: not a name and value, a sentence.
pub(crate) fn is_complaint(message: &str) -> bool {
    const WORDS: &str = "cannot|can't|could not|no such|not found|invalid|missing|error|illegal|\
        unknown|unrecognized|extra operand|denied|too |not a|is a directory|omitting|failed|unable|\
        not specified|out of range|usage|refus|must be|requires|bad |unexpected|only one|when |not |\
        no |argument|option";
    let lower = message.to_lowercase();
    WORDS.split('|').any(|words| lower.contains(words))
}

/// Whether the text after an output regrets it: then the failure was meant.
pub(crate) fn regret(sentence: &Sentence) -> Option<String> {
    let words = sentence.find(
        "whoops|oops|uh-oh|that didn't work|this didn't work|didn't work|it failed|failed|this fails|\
         that failed|this error|we get an error|you get an error|this failed|won't work|refuses to|complains|\
         error message|rejected|not allowed",
    );
    let denied = sentence.has("no error|without error|without errors|no errors|never fails");
    let conditional = sentence.has("if|when|unless|whenever");
    let said = words.filter(|_| !denied && !conditional);
    said.map(|words| format!("the text after it says \"{words}\""))
}

/// Whether a remark in a session tells of a failure.
pub(crate) fn remark_of_failure(remark: &str) -> Option<String> {
    let lower = remark.to_lowercase();
    let words = ["error", "fails", "doesn't work", "does not work", "won't work", "not allowed"];
    let found = words.iter().find(|word| crate::phrase::contains(&lower, word))?;
    let denied = lower.contains("no error") || lower.contains("without error");
    (!denied).then(|| format!("the remark says \"{found}\""))
}

/// Whether a command prints something else each time.
pub(crate) fn is_random(command: &str) -> bool {
    let shuffles = crate::phrase::contains(command, "shuf") && !command.contains("random-source");
    let names = ["random", "uuidgen", "mktemp", "date", "uptime", "ps", "top"];
    let runs = command::first_program(command).is_some_and(|program| names.contains(&program))
        || command.split_whitespace().any(|word| word == "random");
    shuffles || command.contains("$RANDOM") || runs
}

/// Whether the command prints nothing where all is well.
pub(crate) fn is_silent(command: &str) -> bool {
    let program = command::first_program(command).unwrap_or_default();
    matches!(
        program,
        "cd" | "mkdir"
            | "touch"
            | "export"
            | "cp"
            | "mv"
            | "rm"
            | "source"
            | "."
            | "chmod"
            | "ln"
            | "set"
            | "unset"
            | "alias"
            | "nano"
            | "vim"
            | "vi"
            | "emacs"
            | "rmdir"
    ) || command.starts_with("git add")
        || (command.contains(" > ") && !command.contains('|'))
        || command.contains(" >> ")
}

/// Which exchange of a session the text before it announces as a failure, and by which words: the
/// one whose output complains.
pub(crate) fn announced(lead: &Lead, exchanges: &[Exchange]) -> Option<(usize, &'static str)> {
    let words = lead.failure?;
    let output = |exchange: &Exchange| exchange.output.as_ref().map(|(_, _, text)| text.clone());
    let strict = exchanges.iter().position(|exchange| {
        output(exchange).is_some_and(|text| shows_failure(&exchange.text, &text).is_some())
    });
    let complains = |text: &str| {
        text.lines().count() <= 3
            && text.lines().any(|line| {
                line.split_once(": ")
                    .is_some_and(|(name, rest)| !name.contains(' ') && is_complaint(rest))
            })
    };
    let weak = || exchanges.iter().position(|e| output(e).is_some_and(|text| complains(&text)));
    strict.or_else(weak).map(|at| (at, words))
}

/// Notes that a command goes on running, where its output says how to stop it.
pub(crate) fn note_running(command: &mut Command, output: &str) {
    let lower = output.to_lowercase();
    let stop = ["ctrl+c to", "ctrl-c to", "control-c to", "ctrl + c to"];
    if command.keeps_running.is_none()
        && let Some(words) = stop.iter().find(|words| lower.contains(**words))
    {
        command.keeps_running = Some(format!("the output shown says \"{words}\""));
    }
}
