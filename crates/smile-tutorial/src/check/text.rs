//! What is wrong with the text itself: links, fences, names, and what is left open.

use std::collections::{BTreeMap, BTreeSet};

use super::{CheckContext, Checker};
use crate::Lines;
use crate::finding::{Kind, Severity};
use crate::link::{self, Target};
use crate::page::{ItemKind, slug};
use crate::sentence::{self, Sentence};
use crate::shell;
use crate::step::Action;

/// Targets that are not there.
#[derive(Debug, Default)]
struct Missing {
    paths: Vec<String>,
    places: Vec<Lines>,
}

impl Missing {
    fn push(&mut self, path: String, lines: Lines) {
        if !self.paths.contains(&path) {
            self.paths.push(path);
            self.places.push(lines);
        }
    }
}

impl Checker<'_> {
    /// Missing targets have mostly one cause, a page without the files around it: one finding for
    /// the links, one for the images.
    pub(super) fn links(&mut self, context: &CheckContext<'_>) {
        let page = self.page;
        let anchors: BTreeSet<String> = page
            .anchors
            .iter()
            .flat_map(|anchor| [anchor.clone(), anchor.to_lowercase(), slug(anchor)])
            .collect();
        let mut links = Missing::default();
        let mut images = Missing::default();
        let mut seen = BTreeSet::new();
        for link in &page.links {
            if !seen.insert((link.url.as_str(), link.image)) {
                continue;
            }
            match link::target(&link.url) {
                Some(Target::Anchor(name)) if !link::leads_to(&name, &anchors) => {
                    self.add(
                        (Kind::BrokenLink, Severity::Minor),
                        &[link.lines],
                        format!(
                            "the link leads to `#{name}`, and no heading of the page has that name"
                        ),
                        "name a heading that exists, or take the link out",
                    );
                }
                Some(Target::Path(path)) if (context.exists)(&path) == Some(false) => {
                    if link.image { &mut images } else { &mut links }.push(path, link.lines);
                }
                _ => {}
            }
        }
        self.missing(Kind::BrokenLink, "link target", links);
        self.missing(Kind::MissingImage, "image", images);
    }

    fn missing(&mut self, kind: Kind, what: &str, missing: Missing) {
        let Missing { paths, places } = missing;
        let problem = match paths.as_slice() {
            [] => return,
            [path] => format!("the {what} `{path}` is not there"),
            [first, .., last] => {
                format!("{} {what}s are not there, from `{first}` to `{last}`", paths.len())
            }
        };
        let suggestion = "add the files beside the page, or mend the paths";
        self.add((kind, Severity::Minor), &places, problem, suggestion);
    }

    pub(super) fn fences(&mut self) {
        for line in self.page.unclosed.clone() {
            self.add(
                (Kind::AmbiguousInstruction, Severity::Minor),
                &[Lines::one(line)],
                "this fence is never closed: a renderer takes the rest of the page for code"
                    .to_owned(),
                "close the block with a fence of the same signs and length",
            );
        }
    }

    /// "Create `app.js` and copy the code above" where the block above is titled otherwise.
    pub(super) fn copied_names(&mut self) {
        let named: Vec<(u32, String)> = self
            .tutorial
            .blocks
            .iter()
            .filter_map(|block| {
                crate::info::Info::read(&block.info).file.map(|file| (block.lines.last, file))
            })
            .collect();
        let mut found = Vec::new();
        for step in &self.tutorial.steps {
            let Action::WriteFile { path, .. } = &step.action else { continue };
            if step.block.is_some() {
                continue;
            }
            // Those that stand side by side right above.
            let above = named.partition_point(|(line, _)| *line < step.lines.first);
            let titles: Vec<String> = named
                .get(above.saturating_sub(4)..above)
                .unwrap_or_default()
                .iter()
                .map(|(_, file)| file.clone())
                .collect();
            if !titles.is_empty() && !titles.contains(path) {
                found.push((step.lines, path.clone(), titles));
            }
        }
        for (lines, path, titles) in found {
            let above = titles.join("`, `");
            self.add(
                (Kind::AmbiguousInstruction, Severity::Major),
                &[lines],
                format!("the text asks for the file `{path}`, and the code above is titled `{above}`: which one is meant is left open"),
                "use one name for the file in the text and in the title of the block",
            );
        }
    }

    /// "Create the file `x`" without a word on what is in it, and a later command uses it.
    pub(super) fn contents_not_given(&mut self) {
        let page = self.page;
        let given = self.given();
        // Where each word of a block stands last.
        let mut used: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, item) in page.items.iter().enumerate() {
            if let ItemKind::Code(code) = &item.kind {
                let words = code.content.iter().flat_map(|line| line.split_whitespace());
                used.extend(words.map(|word| (word, index)));
            }
        }
        let mut found: Vec<(String, Vec<Lines>)> = Vec::new();
        for (index, item) in page.items.iter().enumerate() {
            let ItemKind::Text(spans) = &item.kind else { continue };
            for sentence in sentence::sentences(spans) {
                let Some(file) = made_without_content(&sentence) else { continue };
                if given.contains(&file) || used.get(file.as_str()).is_none_or(|last| *last < index)
                {
                    continue;
                }
                match found.iter_mut().find(|(known, _)| *known == file) {
                    Some((_, places)) => places.push(sentence.lines),
                    None => found.push((file, vec![sentence.lines])),
                }
            }
        }
        for (file, places) in found {
            self.add(
                (Kind::AmbiguousInstruction, Severity::Minor),
                &places,
                format!("the reader is to create `{file}`, and nothing says what is in it"),
                format!("show sample content for `{file}`"),
            );
        }
    }

    /// The files that any step or block makes, exercises and other parts included.
    fn given(&self) -> BTreeSet<String> {
        let mut given = BTreeSet::new();
        for step in &self.tutorial.steps {
            match &step.action {
                Action::WriteFile { path, .. } => drop(given.insert(path.clone())),
                Action::Run(command) => given.extend(shell::read(&command.text).writes),
                Action::Visit { .. } | Action::Look => {}
            }
        }
        for item in &self.page.items {
            let ItemKind::Code(code) = &item.kind else { continue };
            given.extend(code.info.file.clone());
            for line in &code.content {
                let typed = crate::prompt::read(line).map_or(line.as_str(), |p| p.typed);
                given.extend(crate::command::editor_file(typed).map(ToOwned::to_owned));
            }
        }
        given
    }

    /// "Update the configuration." and nothing more.
    pub(super) fn vague(&mut self) {
        let page = self.page;
        for (index, item) in page.items.iter().enumerate() {
            let ItemKind::Text(spans) = &item.kind else { continue };
            if spans.iter().any(|span| span.url.is_some()) {
                continue;
            }
            let followed = page
                .items
                .get(index + 1)
                .is_some_and(|next| !matches!(next.kind, ItemKind::Heading { .. }));
            let sentences = sentence::sentences(spans);
            let Some(sentence) = sentences.last() else { continue };
            if !followed && is_vague(sentence) {
                self.add(
                    (Kind::AmbiguousInstruction, Severity::Minor),
                    &[sentence.lines],
                    "this tells to change something, and not what to change it to".to_owned(),
                    "name the file and show the lines to change",
                );
            }
        }
    }
}

/// The file that a sentence tells to create without saying what is in it.
fn made_without_content(sentence: &Sentence) -> Option<String> {
    let starts = [
        "create ",
        "write ",
        "now create ",
        "next, create ",
        "then create ",
        "make a file",
        "first, create ",
        "first create ",
    ]
    .iter()
    .any(|start| sentence.text.starts_with(start));
    let told = sentence.announces()
        || sentence.has("following|copy|paste|contents|content|containing|empty|contains|below|above|with the|with a|with some|with your|command|called `0` directory|folder|directory|run");
    if !starts || told {
        return None;
    }
    sentence.codes.iter().map(|code| code.text.clone()).find(|text| crate::info::is_file_like(text))
}

/// An imperative whose object is only "the configuration" or the like.
fn is_vague(sentence: &Sentence) -> bool {
    // "If you do not like it, adjust the settings": the last clause tells what to do.
    let text = sentence.text.trim_end_matches(['.', '!']);
    let clause = text.rsplit(", ").next().unwrap_or(text);
    let clause = clause.strip_prefix("then ").or(clause.strip_prefix("please ")).unwrap_or(clause);
    let words: Vec<&str> = clause.split(' ').collect();
    let [verb, rest @ ..] = words.as_slice() else { return false };
    let object = rest.join(" ");
    let object = ["the ", "your "].iter().find_map(|article| object.strip_prefix(article));
    let generic = object.is_some_and(|object| {
        matches!(
            object,
            "configuration"
                | "config"
                | "settings"
                | "configuration file"
                | "config file"
                | "environment"
                | "environment variables"
                | "configuration accordingly"
                | "settings accordingly"
        )
    });
    matches!(*verb, "update" | "edit" | "modify" | "adjust" | "change" | "configure") && generic
}
