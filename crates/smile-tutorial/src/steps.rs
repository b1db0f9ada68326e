//! From the parts of a page to what the reader does, in order.

mod prose;

use std::collections::BTreeMap;

use crate::branch;
use crate::choice::{choice, choices, typed_pieces};
use crate::command;
use crate::container::Kind;
use crate::directive::Directive;
use crate::failure::{
    self, is_random, is_silent, note_failure, note_running, regret, remark_of_failure,
};
use crate::language::extensions;
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
    /// The item of each block.
    block_items: Vec<usize>,
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
    /// The text before the last block of commands says that they fail, by these words.
    doomed: Option<&'static str>,
    /// Sentences that announce the next block: they speak of its commands.
    announced: Vec<Sentence>,
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
            block_items: Vec::new(),
            steps: Vec::new(),
            commands: Vec::new(),
            command_steps: Vec::new(),
            previous: None,
            left_out: None,
            editor: None,
            doomed: None,
            announced: Vec::new(),
            files: Vec::new(),
        }
    }

    fn item(&mut self, index: usize) {
        let page = self.page;
        let Some(item) = page.items.get(index) else { return };
        match &item.kind {
            ItemKind::Heading { .. } => {
                self.previous = None;
                self.announced.clear();
            }
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
        let first = self.steps.len();
        self.act(&place, &mut decision, &directive);
        self.apply_announced(first);
        self.block_items.push(index);
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
        self.doomed = place.lead.failure.filter(|_| place.lead.announces);
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
        let refused = failure::announced(place.lead, &exchanges);
        for (index, exchange) in exchanges.into_iter().enumerate() {
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
                note_running(&mut command, &expected.text);
                note_failure(&mut command, &expected.text, None, false);
                let remark = remark_of_failure(&exchange.remark);
                command.expected_failure = command.expected_failure.or(remark);
                if let Some((_, words)) = refused.filter(|(at, _)| *at == index) {
                    let why = || format!("the text says \"{words}\"");
                    command.expected_failure.get_or_insert_with(why);
                }
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
                command.expected_failure =
                    self.doomed.take().map(|words| format!("the text says \"{words}\""));
            }
            if command.expected_failure.is_none() {
                command.expected_failure = follows.and_then(|text| regret(&text));
            }
            note_running(command, &text);
            command.expected = Some(Expected { text: text.clone(), lines, matching });
        }
        self.fill_by_output(&commands, &text);
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
        // An empty block at the end of the page has no line of its own.
        let end = self.item.lines.last;
        Lines::new(at(first).min(end), at(last).min(end))
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
