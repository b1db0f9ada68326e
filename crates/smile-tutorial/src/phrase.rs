//! Looks for many phrases in one text at once.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A list of phrases, found by the word that each starts with.
#[derive(Debug, Default)]
struct Phrases {
    by_word: HashMap<&'static str, Vec<(usize, &'static str)>>,
    /// Those that start with a sign.
    others: Vec<(usize, &'static str)>,
}

impl Phrases {
    fn new(list: &'static str) -> Self {
        let mut phrases = Self::default();
        for (index, phrase) in list.split('|').enumerate() {
            let end = phrase.find(|c: char| !c.is_alphanumeric()).unwrap_or(phrase.len());
            match phrase.get(..end) {
                Some(word) if !word.is_empty() => {
                    phrases.by_word.entry(word).or_default().push((index, phrase));
                }
                _ => phrases.others.push((index, phrase)),
            }
        }
        phrases
    }

    /// The phrase that comes first in the list, of those that occur.
    fn find(&self, text: &str) -> Option<&'static str> {
        let mut best: Option<(usize, &'static str)> = None;
        for (start, word) in words(text) {
            let rest = text.get(start..).unwrap_or_default();
            let after_code = text.get(..start).is_some_and(|before| before.ends_with('`'));
            for (index, phrase) in self.by_word.get(word).into_iter().flatten() {
                let better = best.is_none_or(|(found, _)| *index < found);
                if better && !after_code && rest.starts_with(phrase) && ends(phrase, rest) {
                    best = Some((*index, phrase));
                }
            }
        }
        for (index, phrase) in &self.others {
            if best.is_none_or(|(found, _)| *index < found) && contains(text, phrase) {
                best = Some((*index, phrase));
            }
        }
        best.map(|(_, phrase)| phrase)
    }
}

/// Runs of letters and digits, with where they start.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let from = rest.get(start..)?;
        let end = from.find(|c: char| !c.is_alphanumeric()).unwrap_or(from.len());
        let word = (at + start, from.get(..end)?);
        at += start + end;
        rest = from.get(end..)?;
        Some(word)
    })
}

/// Whether a phrase at the start of a text ends at the bound of a word.
fn ends(phrase: &str, text: &str) -> bool {
    phrase.ends_with(|c: char| !c.is_alphanumeric())
        || text
            .get(phrase.len()..)
            .and_then(|after| after.chars().next())
            .is_none_or(|c| !c.is_alphanumeric() && c != '`')
}

/// The first of the phrases, divided by `|`, that occurs in the text at the bounds of words.
pub(crate) fn find(text: &str, list: &'static str) -> Option<&'static str> {
    thread_local! {
        /// Lists are constants: each is taken apart once, known by where it lies.
        static LISTS: RefCell<HashMap<(usize, usize), Rc<Phrases>>> = RefCell::default();
    }
    let key = (list.as_ptr().addr(), list.len());
    let phrases = LISTS.with_borrow_mut(|lists| {
        Rc::clone(lists.entry(key).or_insert_with(|| Rc::new(Phrases::new(list))))
    });
    phrases.find(text)
}

/// Whether the text as a whole is one of the words, divided by `|`.
pub(crate) fn is_one_of(text: &str, list: &'static str) -> bool {
    type Words = Rc<HashSet<&'static str>>;
    thread_local! {
        static LISTS: RefCell<HashMap<(usize, usize), Words>> = RefCell::default();
    }
    let key = (list.as_ptr().addr(), list.len());
    let words = LISTS.with_borrow_mut(|lists| {
        Rc::clone(lists.entry(key).or_insert_with(|| Rc::new(list.split('|').collect())))
    });
    words.contains(text)
}

/// Whether the phrase occurs at the bounds of words.
pub(crate) fn contains(text: &str, phrase: &str) -> bool {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(phrase)) {
        let start = from + found;
        let end = start + phrase.len();
        let open = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '`');
        let starts = phrase.starts_with(|c: char| !c.is_alphanumeric())
            || open(text.get(..start).and_then(|before| before.chars().next_back()));
        let ends = phrase.ends_with(|c: char| !c.is_alphanumeric())
            || open(text.get(end..).and_then(|after| after.chars().next()));
        if starts && ends {
            return true;
        }
        from = end;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = "you'll see|run|run it|e.g.|^c|press ctrl+c|output";

    #[test]
    fn phrases_at_the_bounds_of_words() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(find(text, LIST), expected, "{text}");
        check("then run it", Some("run"));
        check("rerun and running", None);
        check("you'll see the output", Some("you'll see"));
        check("`run` is code", None);
        check("stop with ^c", Some("^c"));
        check("outputs, e.g. this", Some("e.g."));
        check("press ctrl+c.", Some("press ctrl+c"));
        check("", None);
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(text in "[a-z`'+. ^]{0,40}|(run|output|e\\.g\\.|it| |`){0,8}") {
            let plain = LIST.split('|').find(|phrase| contains(&text, phrase));
            prop_assert_eq!(find(&text, LIST), plain);
        }
    }
}
