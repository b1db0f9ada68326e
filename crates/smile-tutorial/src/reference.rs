//! Pages that are reference material and no sequence.

use std::collections::BTreeMap;

use crate::shell;
use crate::step::{Action, Command, Tutorial};

/// Fewer sections with commands than this are no reference card.
const SECTIONS_MIN: usize = 8;

/// Why the page is reference material, where it is.
///
/// A reference card has many short sections, each named after what its commands call, shows next
/// to no outputs and writes no files; and its commands do not build on one another.
pub(crate) fn reference(tutorial: &Tutorial) -> Option<String> {
    let mut sections: BTreeMap<&[String], Vec<&Command>> = BTreeMap::new();
    let mut files = 0;
    let mut commands = 0;
    let mut shown = 0;
    for step in &tutorial.steps {
        match &step.action {
            Action::Run(command) => {
                commands += 1;
                shown += usize::from(command.expected.is_some());
                sections.entry(&step.headings).or_default().push(command);
            }
            Action::WriteFile { .. } => files += 1,
            Action::Visit { .. } | Action::Look => {}
        }
    }
    let named = sections
        .iter()
        .filter(|(headings, commands)| {
            headings.last().is_some_and(|heading| is_named_after(heading, commands))
        })
        .count();
    let title = tutorial.title.as_deref().unwrap_or_default().to_lowercase();
    let called = ["cheat sheet", "cheatsheet", "quick reference", "command reference"]
        .iter()
        .any(|name| title.contains(name));
    let many = sections.len() >= SECTIONS_MIN;
    if called && commands >= SECTIONS_MIN {
        return Some(format!("it calls itself so (\"{title}\")"));
    }
    let card = many && files == 0 && shown * 4 < commands && named * 10 >= sections.len() * 6;
    card.then(|| {
        format!(
            "{named} of {} sections are named after the command they show, {shown} of {commands} \
             commands show an output, and no file is written",
            sections.len()
        )
    })
}

/// Whether a heading is a word or two of the commands below it.
fn is_named_after(heading: &str, commands: &[&Command]) -> bool {
    let lower = heading.to_lowercase();
    let heading = lower.split(['(', ':', ',']).next().unwrap_or_default();
    let words: Vec<&str> = heading.split_whitespace().map(|w| w.trim_matches('`')).collect();
    if words.is_empty() || words.len() > 3 {
        return false;
    }
    commands.iter().any(|command| {
        shell::read(&command.text).programs.iter().any(|program| {
            let called = program.arguments.first().map(|word| word.to_lowercase());
            words.iter().any(|word| *word == program.name || called.as_deref() == Some(*word))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::parse;

    #[test]
    fn a_card_of_commands() {
        let mut page = "# The tool\n".to_owned();
        for name in ["add", "rm", "list", "show", "push", "pull", "log", "tag", "diff"] {
            let _ = write!(
                page,
                "\n## {name}\n\nDoes it.\n\n```sh\ntool {name} thing\ntool {name} --all\n```\n"
            );
        }
        assert!(parse("a.md", page.as_bytes()).unwrap().reference.is_some());
        // The same with its outputs is a page of examples to be run.
        let page = page.replace("--all\n", "--all\n```\n\nIt prints:\n\n```text\nok\n");
        assert_eq!(parse("a.md", page.as_bytes()).unwrap().reference, None);
    }
}
