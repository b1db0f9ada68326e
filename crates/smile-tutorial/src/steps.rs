//! From the parts of a page to what the reader does, in order.

use std::collections::BTreeMap;

use crate::about;
use crate::branch;
use crate::command;
use crate::container::Kind;
use crate::directive::Directive;
use crate::inline;
use crate::lead::{self, Lead};
use crate::page::{Code, Item, ItemKind, Page};
use crate::placeholder::placeholders;
use crate::role::{self, Context, Decision, Plan};
use crate::sentence::{self, Sentence};
use crate::session;
use crate::shell;
use crate::step::{
    Action, Block, BlockId, Command, Expected, Match, Role, Step, Tutorial, WriteMode,
};
use crate::{Lines, reference, requirement};

/// Builds the tutorial of a page.
pub(crate) fn tutorial(file: &str, text: &str, page: &Page) -> Tutorial {
    let mut builder = Builder::new(page);
    for index in 0..page.items.len() {
        builder.item(index);
    }
    let mut tutorial = Tutorial {
        file: file.to_owned(),
        text: text.to_owned(),
        title: page.title.clone(),
        blocks: builder.blocks,
        steps: builder.steps,
        requirements: Vec::new(),
        reference: None,
    };
    tutorial.requirements = requirement::requirements(page, &tutorial);
    tutorial.reference = reference::reference(&tutorial);
    tutorial
}

struct Builder<'a> {
    page: &'a Page,
    sentences: Vec<Vec<Sentence>>,
    not_followed: BTreeMap<usize, String>,
    directives: Vec<(u32, Directive)>,
    blocks: Vec<Block>,
    steps: Vec<Step>,
    /// The commands of the last block of commands that was taken.
    commands: Vec<String>,
    /// The steps of that block.
    command_steps: Vec<usize>,
    /// The role of the block before, in this section.
    previous: Option<Role>,
    /// The block before that was not taken (its item): outputs right after it belong to it.
    left_out: Option<usize>,
    /// The editor that is open: its step and its file.
    editor: Option<(usize, String)>,
    /// Files that the page has written, the last one at the end.
    files: Vec<(String, String)>,
}

impl<'a> Builder<'a> {
    fn new(page: &'a Page) -> Self {
        let sentences = page
            .items
            .iter()
            .map(|item| match &item.kind {
                ItemKind::Text(spans) => sentence::sentences(spans),
                _ => Vec::new(),
            })
            .collect();
        let directives =
            page.directives.iter().map(|(line, text)| (*line, Directive::read(text))).collect();
        Self {
            page,
            sentences,
            not_followed: branch::not_followed(page),
            directives,
            blocks: Vec::new(),
            steps: Vec::new(),
            commands: Vec::new(),
            command_steps: Vec::new(),
            previous: None,
            left_out: None,
            editor: None,
            files: Vec::new(),
        }
    }

    fn item(&mut self, index: usize) {
        let page = self.page;
        let Some(item) = page.items.get(index) else { return };
        match &item.kind {
            ItemKind::Heading { .. } => self.previous = None,
            ItemKind::Cell => {}
            ItemKind::Text(_) => self.prose(index, item),
            ItemKind::Code(code) => self.code(index, item, code),
        }
    }

    /// Whether an item is one of another branch of the tabs around `index`.
    fn is_sibling_tab(&self, other: &Item, item: &Item) -> bool {
        other.containers.iter().any(|container| {
            !item.containers.contains(container)
                && self.page.containers.get(*container).is_some_and(|c| c.kind == Kind::Tab)
        })
    }

    /// The paragraph before an item, a caption between them, and whether no text stands between.
    fn lead(&self, index: usize) -> (Vec<Sentence>, Option<String>, bool) {
        let Some(item) = self.page.items.get(index) else { return (Vec::new(), None, false) };
        let mut caption = None;
        for before in (0..index).rev() {
            let Some(other) = self.page.items.get(before) else { break };
            if self.is_sibling_tab(other, item) {
                continue;
            }
            match &other.kind {
                ItemKind::Text(_) => {
                    let sentences = self.sentences.get(before).cloned().unwrap_or_default();
                    if caption.is_none()
                        && let Some(file) = lead::caption(&sentences)
                    {
                        caption = Some(file);
                        continue;
                    }
                    return (sentences, caption, false);
                }
                ItemKind::Code(_) => return (Vec::new(), caption.clone(), caption.is_none()),
                ItemKind::Heading { text, .. } => {
                    let name = text.trim_matches(['`', ':']);
                    let named = crate::info::is_file_like(name) && caption.is_none();
                    return (
                        Vec::new(),
                        if named { Some(name.to_owned()) } else { caption },
                        false,
                    );
                }
                ItemKind::Cell => return (Vec::new(), caption, false),
            }
        }
        (Vec::new(), caption, false)
    }

    /// The author's comments between the part before and this one.
    fn directive(&self, index: usize) -> Directive {
        let Some(item) = self.page.items.get(index) else { return Directive::default() };
        let before = index
            .checked_sub(1)
            .and_then(|before| self.page.items.get(before))
            .map_or(0, |before| before.lines.last);
        let mut out = Directive::default();
        for (line, directive) in &self.directives {
            if *line >= before && *line <= item.lines.first {
                let directive = directive.clone();
                out.skip |= directive.skip;
                out.background |= directive.background;
                out.file = directive.file.or(out.file);
                out.expect = directive.expect.or(out.expect);
                out.timeout_s = directive.timeout_s.or(out.timeout_s);
                out.exit = directive.exit.or(out.exit);
                out.answers.extend(directive.answers);
            }
        }
        out
    }

    fn containers(&self, item: &Item) -> impl Iterator<Item = &crate::container::Container> {
        item.containers.iter().filter_map(|index| self.page.containers.get(*index))
    }

    fn quiz(&self, item: &Item) -> Option<String> {
        if let Some(container) = self.containers(item).find(|c| c.kind == Kind::Quiz) {
            let label = if container.label.is_empty() { "an exercise" } else { &container.label };
            return Some(format!("inside of an exercise ({label})"));
        }
        let heading = item.headings.iter().skip(1).find(|heading| is_quiz_heading(heading));
        heading.map(|heading| format!("under the heading \"{heading}\": an exercise"))
    }

    fn aside(&self, item: &Item) -> Option<String> {
        self.containers(item).find_map(|container| match container.kind {
            Kind::Folded => Some("inside of a part that is folded away".to_owned()),
            Kind::NotForReader => Some("inside of a part that is not for the reader".to_owned()),
            _ => None,
        })
    }

    fn code(&mut self, index: usize, item: &Item, code: &Code) {
        let code = &plain(code);
        let (sentences, caption, adjacent) = self.lead(index);
        let lead = lead::read(&sentences);
        let directive = self.directive(index);
        let mut decision = self.decide(index, item, code, (&sentences, &lead, caption, adjacent));
        if directive.skip {
            decision = Decision {
                role: Role::Illustration,
                plan: Plan::Look,
                why: "the author's comment says skip".to_owned(),
            };
        } else if let Some(file) = &directive.file {
            decision = Decision {
                role: Role::File,
                plan: Plan::File(file.clone(), WriteMode::Replace),
                why: format!("the author's comment says file={file}"),
            };
        }
        let id = BlockId(u32::try_from(self.blocks.len()).unwrap_or(u32::MAX));
        let place = Place { item, code, id, lead: &lead };
        let role = decision.role;
        self.act(&place, &mut decision, &directive);
        self.blocks.push(Block {
            id,
            lines: item.lines,
            info: code.info.raw.clone(),
            role: decision.role,
            why: decision.why,
            headings: item.headings.to_vec(),
        });
        if matches!(role, Role::Command | Role::Session) {
            self.left_out = None;
        } else if matches!(role, Role::Quiz | Role::Alternative | Role::Illustration) {
            self.left_out = Some(index);
        }
        // What is not followed changes nothing for what comes after it.
        if role != Role::Alternative {
            self.previous = Some(role);
        }
    }

    fn decide(
        &self,
        index: usize,
        item: &Item,
        code: &Code,
        (sentences, lead, caption, adjacent): (&[Sentence], &Lead, Option<String>, bool),
    ) -> Decision {
        let branch = self
            .not_followed
            .get(&index)
            .cloned()
            .or_else(|| role::other_platform(sentences, self.previous));
        let container_file = self.containers(item).rev_file();
        let extensions = extensions(&code.info.language);
        let named =
            lead.file.clone().or_else(|| code.info.file.clone()).or_else(|| caption.clone());
        let written = match &named {
            Some(file) => self.files.iter().rev().find(|(path, _)| path == file),
            None => self.files.iter().rev().find(|(path, _)| {
                let name = path.rsplit('/').next().unwrap_or(path);
                extensions.iter().any(|end| {
                    name == *end || name.rsplit_once('.').is_some_and(|(_, ext)| ext == *end)
                })
            }),
        };
        role::decide(&Context {
            code,
            lead,
            caption: caption.or(container_file),
            adjacent,
            previous: self.previous,
            commands: &self.commands,
            written: written.map(|(path, text)| (path.as_str(), text.as_str())),
            quiz: self.quiz(item),
            aside: self.aside(item),
            branch,
            editor: self.editor.as_ref().map(|(_, file)| file.as_str()),
        })
    }

    fn act(&mut self, place: &Place<'_>, decision: &mut Decision, directive: &Directive) {
        match decision.plan.clone() {
            Plan::Commands => self.commands(place, &decision.why, directive),
            Plan::Session(sign) => {
                let exchanges = session::exchanges(&place.code.content, sign);
                self.session(place, decision, directive, exchanges);
            }
            Plan::File(path, mode) => {
                let content = joined(&place.code.content);
                self.write(place.content_lines(), place, path, content, mode, &decision.why);
            }
            Plan::Editor(file) => self.fill_editor(place, &file),
            Plan::Output => self.output(place, decision),
            Plan::Look => {
                if decision.role == Role::Listing && !decision.why.contains("directory tree") {
                    // A listing asks nothing of the reader.
                }
                if matches!(decision.role, Role::Illustration | Role::Quiz | Role::Alternative) {
                    self.push(place.content_lines(), place, Action::Look, &decision.why);
                }
            }
        }
    }

    fn commands(&mut self, place: &Place<'_>, why: &str, directive: &Directive) {
        let pieces = shell::split(&place.code.content.join("\n"));
        let branches = choices(&place.code.content);
        self.start_commands();
        let typed = typed_pieces(&pieces);
        let printed: Vec<String> =
            pieces.iter().skip(typed).map(|piece| piece.text.clone()).collect();
        let rest = pieces.get(typed).map(|piece| piece.first);
        for piece in pieces.into_iter().take(typed) {
            let lines = place.lines(piece.first, piece.last);
            if let Some(reason) = branches.get(&piece.first) {
                self.push(lines, place, Action::Look, reason);
                continue;
            }
            let command = Command { text: piece.text, ..Command::default() };
            self.run(lines, place, command, why, directive);
        }
        // The last lines are no commands: what the last command prints, without a prompt before.
        if let (Some(first), Some(step)) = (rest, self.command_steps.last().copied())
            && let Some(Step { action: Action::Run(command), .. }) = self.steps.get_mut(step)
            && command.expected.is_none()
        {
            let lines = place.lines(first, place.code.content.len().saturating_sub(1));
            command.expected =
                Some(Expected { text: printed.join("\n"), lines, matching: Match::Loose });
        }
    }

    fn session(
        &mut self,
        place: &Place<'_>,
        decision: &mut Decision,
        directive: &Directive,
        mut exchanges: Vec<session::Exchange>,
    ) {
        // The block shows again, with its output, the command just given: one step.
        if let Some(first) = exchanges.first()
            && exchanges.len() == 1
            && first.output.is_some()
            && self.previous.is_some()
            && let Some(step) = self.command_steps.last().copied()
            && step + 1 == self.steps.len()
            && let Some(Step { action: Action::Run(command), .. }) = self.steps.get_mut(step)
            && command.expected.is_none()
            && command.text == first.text
        {
            let first = exchanges.remove(0);
            let (from, to, text) = first.output.unwrap_or_default();
            let expected =
                Expected { text, lines: place.lines(from, to), matching: matching(place.lead) };
            note_failure(command, &expected.text, Some(place.lead), false);
            command.expected = Some(expected);
            decision.role = Role::Output;
            decision.why =
                format!("{}; the command just given again, with its output", decision.why);
            return;
        }
        self.start_commands();
        for exchange in exchanges {
            let lines = place.lines(exchange.first, exchange.last);
            if let Some(reason) = choice(&exchange.comment) {
                self.push(lines, place, Action::Look, &reason);
                continue;
            }
            let random = is_random(&exchange.text);
            let expected = exchange.output.map(|(from, to, text)| Expected {
                text,
                lines: place.lines(from, to),
                matching: if random { Match::Loose } else { matching(place.lead) },
            });
            let mut command =
                Command { text: exchange.text, answers: exchange.answers, ..Command::default() };
            if let Some(expected) = &expected {
                note_failure(&mut command, &expected.text, None, false);
                let remark = remark_of_failure(&exchange.remark);
                command.expected_failure = command.expected_failure.or(remark);
            }
            command.expected = expected;
            self.run(lines, place, command, &decision.why, directive);
        }
    }

    fn start_commands(&mut self) {
        self.commands.clear();
        self.command_steps.clear();
    }

    /// Adds a step that types a command.
    fn run(
        &mut self,
        lines: Lines,
        place: &Place<'_>,
        mut command: Command,
        why: &str,
        directive: &Directive,
    ) {
        command.placeholders = placeholders(&command.text);
        command.timeout_s = directive.timeout_s;
        command.exit = directive.exit;
        command.answers.extend(directive.answers.iter().cloned());
        if directive.background {
            command.keeps_running = Some("the author's comment says background".to_owned());
        } else if command.text.ends_with('&') && !command.text.ends_with("&&") {
            command.keeps_running = Some("the command ends with `&`".to_owned());
        }
        if let Some(text) = &directive.expect {
            command.expected =
                Some(Expected { text: text.clone(), lines, matching: Match::Contains });
        }
        if let Some(expected) = &command.expected {
            self.fill_by_output(&command.text, &expected.text.clone());
        }
        let editor = command::editor_file(&command.text).map(ToOwned::to_owned);
        self.commands.push(command.text.clone());
        let step = self.steps.len();
        self.command_steps.push(step);
        self.push(lines, place, Action::Run(command), why);
        if let Some(file) = editor {
            self.editor = Some((step, file));
        }
    }

    fn push(&mut self, lines: Lines, place: &Place<'_>, action: Action, why: &str) {
        self.steps.push(Step {
            number: u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX),
            lines,
            headings: place.item.headings.to_vec(),
            block: Some(place.id),
            action,
            why: why.to_owned(),
        });
    }

    fn write(
        &mut self,
        lines: Lines,
        place: &Place<'_>,
        path: String,
        content: String,
        mode: WriteMode,
        why: &str,
    ) {
        self.remember(&path, &content, mode);
        self.push(lines, place, Action::WriteFile { path, content, mode }, why);
    }

    fn remember(&mut self, path: &str, content: &str, mode: WriteMode) {
        let before = self.files.iter().position(|(known, _)| known == path);
        let old = before.map(|at| self.files.remove(at).1).unwrap_or_default();
        let text = match mode {
            WriteMode::Replace => content.to_owned(),
            WriteMode::Append => old + content,
            WriteMode::Merge if old.is_empty() => content.to_owned(),
            WriteMode::Merge => old,
        };
        self.files.push((path.to_owned(), text));
    }

    /// The block is what the reader types into the editor that is open.
    fn fill_editor(&mut self, place: &Place<'_>, file: &str) {
        let content = joined(&place.code.content);
        if let Some((step, _)) = self.editor.take()
            && let Some(Step { action: Action::Run(command), .. }) = self.steps.get_mut(step)
        {
            command.editor_input = Some((file.to_owned(), content.clone()));
        }
        self.remember(file, &content, WriteMode::Replace);
    }

    /// What `cat FILE` shows right after the editor is what was typed.
    fn fill_by_output(&mut self, text: &str, output: &str) {
        let Some((step, file)) = &self.editor else { return };
        let mut words = text.split_whitespace();
        let prints = matches!(words.next(), Some("cat" | "less" | "more" | "bat"));
        if !prints || words.next() != Some(file.as_str()) || words.next().is_some() {
            return;
        }
        let (step, file) = (*step, file.clone());
        self.editor = None;
        let content = format!("{}\n", output.trim_end_matches('\n'));
        if let Some(Step { action: Action::Run(command), .. }) = self.steps.get_mut(step) {
            command.editor_input = Some((file.clone(), content.clone()));
        }
        self.remember(&file, &content, WriteMode::Replace);
    }

    /// Whether the output is that of a block that is not carried out: of one in the same quotation
    /// or container, with no more than a paragraph between.
    fn belongs_to_left_out(&self, place: &Place<'_>) -> bool {
        let Some(other) = self.left_out.and_then(|index| self.page.items.get(index)) else {
            return false;
        };
        other.quoted == place.item.quoted && other.containers == place.item.containers
    }

    /// The block is what the last command prints.
    fn output(&mut self, place: &Place<'_>, decision: &mut Decision) {
        let text = place.code.content.join("\n").trim_end().to_owned();
        if self.belongs_to_left_out(place) {
            decision.why.push_str("; it belongs to a block that is not carried out");
            return;
        }
        let Some(step) = self.command_steps.last().copied() else {
            decision.why.push_str("; no command stands before it");
            return;
        };
        let silent = self.commands.iter().rev().skip(1).all(|command| is_silent(command));
        let lines = place.content_lines();
        let failure = place.code.info.kind() == crate::info::Language::Error;
        let commands = self.commands.last().cloned().unwrap_or_default();
        let follows = self.text_after(place.item);
        if text.is_empty() || matches!(text.as_str(), "$" | "%" | "#") {
            return; // A prompt alone: nothing is printed.
        }
        if let Some(Step { action: Action::Run(command), .. }) = self.steps.get_mut(step)
            && command.expected.is_none()
        {
            let mut matching = matching(place.lead);
            if !silent && matching == Match::Whole {
                matching = Match::Loose;
            }
            if is_random(&command.text) {
                matching = Match::Loose;
            }
            note_failure(command, &text, Some(place.lead), failure);
            if command.expected_failure.is_none() {
                command.expected_failure = follows.and_then(|text| regret(&text));
            }
            command.expected = Some(Expected { text: text.clone(), lines, matching });
        }
        self.fill_by_output(&commands, &text);
    }

    /// The first sentence of the text right after an item.
    fn text_after(&self, item: &Item) -> Option<Sentence> {
        let next = self.page.items.partition_point(|other| other.lines.first <= item.lines.last);
        self.sentences.get(next)?.first().cloned()
    }

    /// Instructions in the running text.
    fn prose(&mut self, index: usize, item: &Item) {
        let sentences = self.sentences.get(index).cloned().unwrap_or_default();
        let next = self.next_block(index);
        let followed = !self.not_followed.contains_key(&index)
            && self.quiz(item).is_none()
            && self.aside(item).is_none();
        if let Some(distance) = self.distance(index, item) {
            let last = self.command_steps.last().copied();
            if let Some(step) = last.and_then(|at| self.steps.get_mut(at)) {
                about::about(&sentences, step, distance);
            }
        }
        if !followed {
            return;
        }
        let beside = item.quoted || self.containers(item).any(|c| c.kind == Kind::Aside);
        for found in inline::instructions(&sentences, &next, beside) {
            self.inline(item, found);
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
                let Some((content, why)) = self.shown_above(item, &path) else { return };
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
    fn shown_above(&self, item: &Item, path: &str) -> Option<(String, String)> {
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        let candidates: Vec<(&Item, &Code)> = self
            .page
            .items
            .iter()
            .take_while(|other| other.lines.first < item.lines.first)
            .filter_map(|other| match &other.kind {
                ItemKind::Code(code) => Some((other, code)),
                _ => None,
            })
            .filter(|(other, _)| {
                self.blocks.iter().any(|b| {
                    b.lines == other.lines
                        && matches!(b.role, Role::File | Role::Listing | Role::Alternative)
                        && !b.why.contains("put in from another file")
                        && !b.why.contains("directory tree")
                })
            })
            .collect();
        let fits = |code: &Code| {
            extension.is_some_and(|end| {
                extensions(&code.info.language).contains(&end)
                    || code.info.file.as_deref().is_some_and(|file| file.ends_with(end))
            })
        };
        // Variants of one program stand side by side: the first one that fits, else the first.
        let last = candidates.last()?;
        let group: Vec<&(&Item, &Code)> =
            candidates.iter().filter(|(other, _)| !self.text_between(other, last.0)).collect();
        let chosen = group.iter().find(|(_, code)| fits(code)).or(group.first())?;
        let why =
            format!("the text tells to copy the code of line {} to `{path}`", chosen.0.lines.first);
        Some((joined(&chosen.1.content), why))
    }

    /// Whether a text or a heading stands between two items.
    fn text_between(&self, first: &Item, last: &Item) -> bool {
        self.page.items.iter().any(|item| {
            item.lines.first > first.lines.last
                && item.lines.first < last.lines.first
                && !matches!(item.kind, ItemKind::Code(_))
        })
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

/// Files named by containers, the innermost first.
trait RevFile {
    fn rev_file(self) -> Option<String>;
}

impl<'a, I: Iterator<Item = &'a crate::container::Container>> RevFile for I {
    fn rev_file(self) -> Option<String> {
        self.filter_map(|container| container.file.clone()).last()
    }
}

struct Place<'a> {
    item: &'a Item,
    code: &'a Code,
    id: BlockId,
    lead: &'a Lead,
}

impl Place<'_> {
    /// The lines of the file for lines of the content, counted from 0.
    fn lines(&self, first: usize, last: usize) -> Lines {
        let at =
            |index: usize| self.code.first.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
        Lines::new(at(first), at(last))
    }

    fn content_lines(&self) -> Lines {
        self.lines(0, self.code.content.len().saturating_sub(1))
    }
}

/// The block without marks of style, where it is a terminal that is shown with colours.
fn plain(code: &Code) -> Code {
    let shows = !matches!(code.info.kind(), crate::info::Language::Other);
    let mut code = code.clone();
    if shows && code.content.iter().any(|line| crate::html::is_styled(line)) {
        for line in &mut code.content {
            *line = crate::html::strip(line);
        }
    }
    code
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn matching(lead: &Lead) -> Match {
    if lead.loose.is_some() { Match::Loose } else { Match::Whole }
}

/// Whether a command prints something else each time.
fn is_random(command: &str) -> bool {
    let shuffles = sentence::has_phrase(command, "shuf") && !command.contains("random-source");
    let names = ["random", "uuidgen", "mktemp", "date", "uptime", "ps", "top"];
    let runs = command::first_program(command).is_some_and(|program| names.contains(&program))
        || command.split_whitespace().any(|word| word == "random");
    shuffles || command.contains("$RANDOM") || runs
}

/// Whether the text after an output regrets it: then the failure was meant.
fn regret(sentence: &Sentence) -> Option<String> {
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
fn remark_of_failure(remark: &str) -> Option<String> {
    let lower = remark.to_lowercase();
    let words = ["error", "fails", "doesn't work", "does not work", "won't work", "not allowed"];
    let found = words.iter().find(|word| sentence::has_phrase(&lower, word))?;
    let denied = lower.contains("no error") || lower.contains("without error");
    (!denied).then(|| format!("the remark says \"{found}\""))
}

/// Whether a heading opens an exercise.
fn is_quiz_heading(heading: &str) -> bool {
    let lower = heading.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).collect();
    let [first, rest @ ..] = words.as_slice() else { return false };
    let quiz = matches!(
        *first,
        "exercise"
            | "exercises"
            | "quiz"
            | "challenge"
            | "challenges"
            | "solution"
            | "homework"
            | "assignment"
    );
    let known = [
        "test your knowledge",
        "check your understanding",
        "practice questions",
        "try it yourself",
    ];
    quiz && rest.len() <= 1 || known.iter().any(|name| lower.starts_with(name))
}

/// The file extensions (or names) of a language.
fn extensions(language: &str) -> &'static [&'static str] {
    match language {
        "c" => &["c", "h"],
        "cpp" | "c++" | "cc" => &["cc", "cpp", "cxx", "h", "hpp"],
        "python" | "py" | "python3" => &["py"],
        "js" | "javascript" | "cjs" | "mjs" | "jsx" => &["js", "mjs", "cjs", "jsx"],
        "ts" | "typescript" | "tsx" => &["ts", "tsx"],
        "yaml" | "yml" => &["yml", "yaml"],
        "json" | "jsonc" | "json5" => &["json"],
        "toml" => &["toml"],
        "rust" | "rs" => &["rs"],
        "go" | "golang" => &["go"],
        "html" => &["html", "htm"],
        "css" => &["css"],
        "meson" => &["build", "meson.build"],
        "cmake" => &["CMakeLists.txt", "cmake"],
        "dockerfile" | "docker" => &["Dockerfile"],
        "makefile" | "make" => &["Makefile"],
        "sql" => &["sql"],
        "java" => &["java"],
        "ruby" | "rb" => &["rb"],
        "php" => &["php"],
        "kotlin" | "kt" => &["kt"],
        "ini" | "cfg" | "conf" => &["ini", "cfg", "conf"],
        "xml" => &["xml"],
        "markdown" | "md" => &["md"],
        "vue" => &["vue"],
        "svelte" => &["svelte"],
        "lua" => &["lua"],
        "haskell" | "hs" => &["hs"],
        "zig" => &["zig"],
        "nix" => &["nix"],
        "hcl" | "terraform" | "tf" => &["tf"],
        "graphql" => &["graphql", "gql"],
        _ => &[],
    }
}

/// How many of the pieces of a block without prompts are typed; what comes after a known command
/// and cannot be one is its output.
fn typed_pieces(pieces: &[shell::Piece]) -> usize {
    let Some(last) = pieces.iter().rposition(|piece| {
        command::could_be_command(&piece.text)
            || role::is_construct(&piece.text)
            || piece.first != piece.last
    }) else {
        return pieces.len();
    };
    let known = pieces.get(last).is_some_and(|piece| command::is_command_like(&piece.text));
    // One word that is no program may be one that nobody knows.
    let rest = pieces.get(last + 1..).unwrap_or_default();
    let words = rest.iter().any(|piece| piece.text.split_whitespace().count() > 1);
    if known && words { last + 1 } else { pieces.len() }
}

/// Whether the command prints nothing where all is well.
fn is_silent(command: &str) -> bool {
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

/// In a block of several ways, the commands (by their first line) that are not followed.
fn choices(content: &[String]) -> BTreeMap<usize, String> {
    let mut out = BTreeMap::new();
    let mut reason: Option<String> = None;
    let mut first_command = true;
    for (at, line) in content.iter().enumerate() {
        let text = line.trim();
        if let Some(comment) = text.strip_prefix('#') {
            if !first_command || choice(comment).is_some_and(|r| r.contains("platform")) {
                reason = choice(comment);
            }
        } else if text.is_empty() {
            reason = None;
        } else {
            if let Some(reason) = &reason {
                out.insert(at, reason.clone());
            }
            first_command = false;
        }
    }
    out
}

/// Whether a comment says that the commands below it are another way.
fn choice(comment: &str) -> Option<String> {
    let text = comment.trim().trim_start_matches(['#', '/']).trim().to_lowercase();
    let last =
        text.lines().last().unwrap_or_default().trim_start_matches(['#', '/']).trim().to_owned();
    let or = last == "or"
        || ["or ", "or:", "or,", "alternatively", "alternative:"]
            .iter()
            .any(|start| last.starts_with(start))
            && !last.starts_with("or to ");
    if or {
        return Some(format!("the comment \"{last}\" makes it another way"));
    }
    let label = last.trim_start_matches("on ").trim_start_matches("for ").trim_end_matches(':');
    if label.split_whitespace().count() <= 4
        && let Some(fit) = crate::platform::fit(label)
        && fit <= crate::platform::OTHER_PLATFORM
    {
        return Some(format!("the comment \"{last}\": for another platform"));
    }
    None
}

/// Notes that a command fails on purpose, where the page says or shows so.
fn note_failure(command: &mut Command, output: &str, lead: Option<&Lead>, labelled: bool) {
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

/// How lines that tell of a failure start, in lower case.
const FAILURE_STARTS: &str = "error: |fatal: |error[|traceback (most recent call last)|e: |npm err!|\
    npm error|bash: |sh: |zsh: |panic: ";
/// What lines that tell of a failure say, in lower case.
const FAILURE_WORDS: &str =
    "command not found|no such file or directory|permission denied|panicked at";

/// Whether an output is that of a failure: `program: message`, `error: …`, a stack trace.
fn shows_failure(command: &str, output: &str) -> Option<String> {
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
fn is_complaint(message: &str) -> bool {
    const WORDS: &str = "cannot|can't|could not|no such|not found|invalid|missing|error|illegal|\
        unknown|unrecognized|extra operand|denied|too |not a|is a directory|omitting|failed|unable|\
        not specified|out of range|usage|refus|must be|requires|bad |unexpected|only one|when |not |\
        no |argument|option";
    let lower = message.to_lowercase();
    WORDS.split('|').any(|words| lower.contains(words))
}
