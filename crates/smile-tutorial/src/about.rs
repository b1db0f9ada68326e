//! What a paragraph says about the command before it: that it goes on running, what it asks, what
//! it prints.

use crate::Lines;
use crate::command;
use crate::info::is_file_like;
use crate::inline::code_at;
use crate::phrase;
use crate::sentence::{Code, Sentence};
use crate::step::{Action, Command, Expected, Match, Step};

/// Words for another terminal than the one the last command was given in.
const OTHER_TERMINAL: &str = "another terminal|new terminal|second terminal|separate terminal|\
    different terminal|another shell|other terminal|another tab|new tab in your terminal";

/// Further away than this many paragraphs nothing is said about a command any more.
const DISTANCE_MAX: usize = 2;

/// Notes what a sentence after the command of a step says. `distance` counts the texts in between;
/// `running` is true where another command was left running before it.
pub(crate) fn about(sentence: &Sentence, step: &mut Step, distance: usize, running: bool) {
    let Action::Run(command) = &mut step.action else { return };
    if command.keeps_running.is_none() {
        command.keeps_running = match distance {
            0 => keeps_running(sentence, running),
            1..=DISTANCE_MAX => {
                sentence.find(OTHER_TERMINAL).map(|words| format!("the text says \"{words}\""))
            }
            _ => None,
        };
    }
    // Inside of an editor other keys are meant.
    if command::editor_file(&command.text).is_some() || distance > DISTANCE_MAX {
        return;
    }
    command.answers.extend(answer(sentence));
    if distance == 0 {
        promise(sentence, command);
    }
}

/// Notes that the page goes on in another terminal: so what was started goes on running.
pub(crate) fn goes_on(sentence: &Sentence, step: &mut Step, distance: usize) {
    let Action::Run(command) = &mut step.action else { return };
    if distance <= DISTANCE_MAX
        && command.keeps_running.is_none()
        && let Some(words) = sentence.find(OTHER_TERMINAL)
    {
        command.keeps_running = Some(format!("the text says \"{words}\""));
    }
}

/// Notes the output that the sentences before a command promise.
pub(crate) fn promised_before(sentences: &[Sentence], step: &mut Step) {
    let Action::Run(command) = &mut step.action else { return };
    for sentence in sentences {
        promise(sentence, command);
    }
}

/// Notes the answers that the sentences before a command give, and that it goes on running.
pub(crate) fn answers_before(sentences: &[Sentence], step: &mut Step) {
    let Action::Run(command) = &mut step.action else { return };
    for sentence in sentences {
        command.answers.extend(answer(sentence));
        if command.keeps_running.is_none()
            && let Some(words) = sentence.find("in the background|keep it running|leave it running")
        {
            command.keeps_running = Some(format!("the text says \"{words}\""));
        }
    }
}

fn keeps_running(sentence: &Sentence, running: bool) -> Option<String> {
    const STOP: &str =
        "ctrl+c|ctrl-c|control-c|control+c|ctrl + c|^c|stop the server|quit the server";
    const ON: &str = "keep it running|leave it running|keeps running|server running|\
        server is running|server is now running|keep running|leave the server|still running|runs until";
    let stop = sentence.find(STOP).filter(|_| {
        // "Stop the server in the first terminal" speaks of the one that was left running.
        !(running && sentence.has("first terminal|other terminal|the server|that terminal"))
    });
    let words = sentence.find(OTHER_TERMINAL).or(stop).or_else(|| sentence.find(ON))?;
    Some(format!("the text says \"{words}\""))
}

/// "You should see `OK`": the inline code is a part of the output.
fn promise(sentence: &Sentence, command: &mut Command) {
    let verb = sentence.find(
        "you should see|you'll see|you will see|it prints|this prints|will print|should print|\
         prints|outputs|displays|should output|will output|should say|should show",
    );
    let Some(verb) = verb.filter(|_| !sentence.text.starts_with("if ")) else { return };
    if command.expected.is_none()
        && let Some(code) = promised(sentence, verb)
    {
        command.expected = Some(Expected {
            text: code.text.clone(),
            lines: Lines::one(code.line),
            matching: Match::Contains,
        });
    }
}

/// The inline code right after the words that promise an output.
fn promised<'a>(sentence: &'a Sentence, verb: &str) -> Option<&'a Code> {
    const BETWEEN: &str =
        "the|a|message|text|output|line|word|words|out|something|like|result|string|:";
    const THINGS: &str =
        "file|directory|folder|command|page|in|option|flag|button|link|tab|module|package|class";
    let after = sentence.text.split_once(verb)?.1;
    let words: Vec<&str> = after.split_whitespace().take(5).collect();
    let at = words.iter().position(|word| word.contains('`'))?;
    let plain = words.get(..at)?.iter().all(|word| phrase::is_one_of(word, BETWEEN));
    let code = code_at(sentence, words.get(at)?)?;
    let tail = words.get(at + 1).copied().unwrap_or_default();
    let tail = tail.trim_end_matches(['.', ',', ':', '!']);
    let thing = phrase::is_one_of(tail, THINGS);
    (plain && code.literal && !thing && !is_file_like(&code.text)).then_some(code)
}

/// "answer `y`", "press Enter to accept", "type `my-app` when asked for the name".
fn answer(sentence: &Sentence) -> Option<String> {
    let text = sentence.text.as_str();
    let asked = sentence.has(
        "when asked|when prompted|if asked|if prompted|prompt|prompts|prompted|asks|asked|question|\
         questions|confirm|to accept|accept the default|accept the defaults|password",
    );
    let verbs =
        "answer with |answer |respond with |reply with |choose |select |type |enter |press ";
    for verb in verbs.split('|') {
        let Some((before, after)) = text.split_once(verb) else { continue };
        let bounded = before.is_empty() || before.ends_with([' ', '(', ',']);
        let direct = ["answer", "reply", "respond"].iter().any(|word| verb.starts_with(word));
        if !bounded || !(asked || direct) {
            continue;
        }
        if let Some(word) = after.split_whitespace().next()
            && let Some(code) = code_at(sentence, word)
            && !command::is_command_like(&code.text)
        {
            return Some(code.text.clone());
        }
    }
    let enter = sentence.has("press enter|hit enter|press return|hit return|press the enter key");
    (enter && asked && !sentence.has("editor|nano|save")).then(String::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::tests::read;

    #[test]
    fn answers() {
        let check = |text: &str, expected: Option<&str>| {
            let seen = read(text).iter().find_map(answer);
            assert_eq!(seen.as_deref(), expected, "{text}");
        };
        check("Answer `y`.", Some("y"));
        check("Type `my-app` when asked for the name.", Some("my-app"));
        check("Press Enter to accept the defaults.", Some(""));
        check("Type `ls` at the prompt.", None);
        check("Press Enter.", None);
    }

    #[test]
    fn promises() {
        let check = |text: &str, expected: Option<&str>| {
            let mut command = Command::default();
            for sentence in read(text) {
                promise(&sentence, &mut command);
            }
            assert_eq!(command.expected.map(|e| e.text).as_deref(), expected, "{text}");
        };
        check("You should see `OK`.", Some("OK"));
        check("This prints the message `hello there`.", Some("hello there"));
        check("You will see the `build` directory.", None);
        check("If it prints `no`, try again.", None);
    }
}
