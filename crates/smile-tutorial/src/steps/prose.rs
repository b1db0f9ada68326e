//! Steps from running text.

use super::{Builder, joined};
use crate::container::Kind;
use crate::failure::is_silent;
use crate::language::extensions;
use crate::page::{Item, ItemKind};
use crate::placeholder::placeholders;
use crate::sentence::Sentence;
use crate::step::{Action, Command, Role, Step, WriteMode};
use crate::{Lines, about, inline, session, shell};

impl Builder<'_> {
    /// The first sentence of the text right after an item.
    pub(super) fn text_after(&self, item: &Item) -> Option<Sentence> {
        let next = self.page.items.partition_point(|other| other.lines.first <= item.lines.last);
        self.sentences.get(next)?.first().cloned()
    }

    /// Instructions in the running text.
    pub(super) fn prose(&mut self, index: usize, item: &Item) {
        let sentences = self.sentences.get(index).cloned().unwrap_or_default();
        let next = self.next_block(index);
        let followed = !self.not_followed.contains_key(&index)
            && self.quiz(item).is_none()
            && self.aside(item).is_none();
        let beside = item.quoted || self.containers(item).any(|c| c.kind == Kind::Aside);
        let before_code = matches!(
            self.page.items.get(index + 1).map(|next| &next.kind),
            Some(ItemKind::Code(_))
        );
        self.announced.clear();
        let told = index
            .checked_sub(1)
            .and_then(|at| self.sentences.get(at))
            .is_some_and(|before| before.last().is_some_and(Sentence::announces));
        if followed
            && !beside
            && !before_code
            && let Some(found) = inline::alone(&sentences, told, item.numbered)
        {
            self.inline(item, found);
            return;
        }
        let count = sentences.len();
        for (at, sentence) in sentences.into_iter().enumerate() {
            // A sentence that ends with a colon right before a block speaks of that block.
            let announces = before_code && at + 1 == count && sentence.announces();
            self.said_after(index, item, &sentence, announces);
            if followed {
                let repeated: &[String] = &next;
                for found in inline::instructions(&sentence, repeated, beside, at + 1 == count) {
                    self.inline(item, found);
                }
            }
            if announces {
                self.announced.push(sentence);
            }
        }
    }

    /// Notes what a sentence says about the command before it.
    fn said_after(&mut self, index: usize, item: &Item, sentence: &Sentence, announces: bool) {
        let Some(distance) = self.distance(index, item) else { return };
        // After a visit the text speaks of what the browser shows.
        let visited =
            matches!(self.steps.last().map(|step| &step.action), Some(Action::Visit { .. }));
        let running = self.is_running();
        let last = self.command_steps.last().copied();
        let Some(step) = last.and_then(|at| self.steps.get_mut(at)) else { return };
        if announces || visited {
            about::goes_on(sentence, step, distance);
        } else {
            about::about(sentence, step, distance, running);
        }
    }

    /// Whether a command that goes on running was given before the last ones.
    fn is_running(&self) -> bool {
        let last = self.command_steps.last().copied().unwrap_or_default();
        // Far above, what was left running has been forgotten.
        self.steps.iter().take(last).rev().take(100).any(|step| match &step.action {
            Action::Run(command) => command.keeps_running.is_some(),
            _ => false,
        })
    }

    /// Applies what was announced to the commands of the block just read: a promise to the last,
    /// the rest to the first that is not silent.
    pub(super) fn apply_announced(&mut self, first: usize) {
        let announced = std::mem::take(&mut self.announced);
        let runs: Vec<usize> =
            self.command_steps.iter().copied().filter(|step| *step >= first).collect();
        let Some(last) = runs.last().copied() else { return };
        let loud =
            runs.iter().copied().find(|step| match self.steps.get(*step).map(|s| &s.action) {
                Some(Action::Run(command)) => !is_silent(&command.text),
                _ => false,
            });
        if let Some(step) = self.steps.get_mut(last) {
            about::promised_before(&announced, step);
        }
        if let Some(step) = loud.and_then(|at| self.steps.get_mut(at)) {
            about::answers_before(&announced, step);
        }
    }

    /// How many texts stand between the last command and this one, in the same section; none
    /// where another section or container is between.
    fn distance(&self, index: usize, item: &Item) -> Option<usize> {
        let step = self.command_steps.last().and_then(|step| self.steps.get(*step))?;
        if self.left_out.is_some() || step.headings.as_slice() != &*item.headings {
            return None;
        }
        let between = self.page.items.get(..index)?.iter().rev();
        let texts = between
            .take_while(|other| other.lines.first > step.lines.last)
            .take(20)
            .filter(|other| matches!(other.kind, ItemKind::Text(_)))
            .count();
        Some(texts)
    }

    fn inline(&mut self, item: &Item, found: inline::Found) {
        let action = match found.action {
            inline::Instruction::Run(text) => {
                let command = Command {
                    placeholders: placeholders(&text),
                    text: text.clone(),
                    ..Command::default()
                };
                self.start_commands();
                self.commands.push(text);
                self.command_steps.push(self.steps.len());
                self.left_out = None;
                self.previous = Some(Role::Command);
                Action::Run(command)
            }
            inline::Instruction::Visit(url) => Action::Visit { url },
            inline::Instruction::CopyTo(path) => {
                let Some((content, why)) = self.shown_above(&path) else { return };
                self.remember(&path, &content, WriteMode::Replace);
                self.push_inline(
                    item,
                    found.lines,
                    Action::WriteFile { path, content, mode: WriteMode::Replace },
                    &why,
                );
                return;
            }
        };
        self.push_inline(item, found.lines, action, &found.why);
    }

    fn push_inline(&mut self, item: &Item, lines: Lines, action: Action, why: &str) {
        self.steps.push(Step {
            number: u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX),
            lines,
            headings: item.headings.to_vec(),
            block: None,
            action,
            why: why.to_owned(),
        });
    }

    /// The code that "the code above" means: the nearest block of code that is no command.
    fn shown_above(&self, path: &str) -> Option<(String, String)> {
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        let shown = |at: &usize| {
            self.blocks.get(*at).is_some_and(|block| {
                matches!(block.role, Role::File | Role::Listing | Role::Alternative)
                    && !block.why.contains("put in from another file")
                    && !block.why.contains("directory tree")
            })
        };
        let code = |at: usize| {
            let item = self.block_items.get(at).and_then(|item| self.page.items.get(*item))?;
            match &item.kind {
                ItemKind::Code(code) => Some((item, code)),
                _ => None,
            }
        };
        let fits = |at: &usize| {
            code(*at).zip(extension).is_some_and(|((_, code), end)| {
                extensions(&code.info.language).contains(&end)
                    || code.info.file.as_deref().is_some_and(|file| file.ends_with(end))
            })
        };
        let last = (0..self.blocks.len()).rev().find(shown)?;
        // Variants of one program stand side by side: the first one that fits, else the first.
        let mut first = last;
        while let Some(before) = first.checked_sub(1).filter(shown)
            && self.block_items.get(before).map(|item| item + 1)
                == self.block_items.get(first).copied()
        {
            first = before;
        }
        let chosen = (first..=last).find(fits).unwrap_or(first);
        let (item, code) = code(chosen)?;
        let line = item.lines.first;
        let why = format!("the text tells to copy the code of line {line} to `{path}`");
        Some((joined(&code.content), why))
    }

    /// The commands of the next block before other text, to see what it repeats.
    fn next_block(&self, index: usize) -> Vec<String> {
        let mut texts = 0;
        for other in self.page.items.iter().skip(index + 1) {
            match &other.kind {
                ItemKind::Code(code) => {
                    let sign = session::sign(&code.content, true);
                    return match sign {
                        Some(sign) => session::exchanges(&code.content, sign)
                            .into_iter()
                            .map(|e| e.text)
                            .collect(),
                        None => shell::split(&code.content.join("\n"))
                            .into_iter()
                            .map(|p| p.text)
                            .collect(),
                    };
                }
                ItemKind::Text(_) if texts < 1 => texts += 1,
                ItemKind::Text(_) | ItemKind::Heading { .. } | ItemKind::Cell => return Vec::new(),
            }
        }
        Vec::new()
    }
}
