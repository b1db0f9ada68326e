//! The role of one block, decided from its label, its lines, and the text around it.

mod file;

use file::{
    continues, file_decision, is_data, is_script_name, named_file, prints_files, same_name,
};

use crate::command;
use crate::info::Language;
use crate::lead::Lead;
use crate::page::{Code, Shape};
use crate::prompt::Sign;
use crate::session;
use crate::step::{Role, WriteMode};

/// What is known where a block stands.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) code: &'a Code,
    pub(crate) lead: &'a Lead,
    /// The path that a caption, a container or the author's comment gives.
    pub(crate) caption: Option<String>,
    /// No text stands between this block and the one before.
    pub(crate) adjacent: bool,
    /// The role of the block before in this section.
    pub(crate) previous: Option<Role>,
    /// The commands of the block before, if it has any.
    pub(crate) commands: &'a [String],
    /// The page has written this file before, with this text.
    pub(crate) written: Option<(&'a str, &'a str)>,
    /// An exercise is around the block.
    pub(crate) quiz: Option<String>,
    /// The block is not meant for the reader, or folded away.
    pub(crate) aside: Option<String>,
    /// Another branch is followed.
    pub(crate) branch: Option<String>,
    /// The editor that is open: the file it edits.
    pub(crate) editor: Option<&'a str>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) role: Role,
    pub(crate) why: String,
    pub(crate) plan: Plan,
}

/// What the reader does with the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Types each command.
    Commands,
    /// Types each command at a prompt, and compares.
    Session(Sign),
    /// Writes a file.
    File(String, WriteMode),
    /// Types the text into the editor that is open.
    Editor(String),
    /// Compares it with what the command before printed.
    Output,
    /// Nothing; a place to look at.
    Look,
}

fn decided(role: Role, plan: Plan, why: impl Into<String>) -> Decision {
    Decision { role, plan, why: why.into() }
}

/// Decides the role of a block.
pub(crate) fn decide(context: &Context<'_>) -> Decision {
    let code = context.code;
    let label = match code.info.language.as_str() {
        "" => match code.shape {
            Shape::Fenced => "no language".to_owned(),
            Shape::Indented => "an indented block".to_owned(),
            Shape::Preformatted => "an HTML <pre> block".to_owned(),
        },
        language => format!("labelled {language}"),
    };
    if let Some(why) = &context.quiz {
        return decided(Role::Quiz, Plan::Look, why.clone());
    }
    if let Some(why) = &context.branch {
        return decided(Role::Alternative, Plan::Look, why.clone());
    }
    if code.content.iter().all(|line| line.trim().is_empty()) {
        return decided(Role::Listing, Plan::Look, format!("{label}, empty"));
    }
    if is_include(&code.content) {
        return decided(
            Role::Listing,
            Plan::Look,
            "its content is put in from another file when the site is built",
        );
    }
    let kind = code.info.kind();
    if let Some(decision) = session(context, kind, &label) {
        return decision;
    }
    if is_tree(&code.content) {
        let tree = context.commands.last().is_some_and(|command| {
            command.starts_with("tree") || command.contains(" tree") || command.contains("| tree")
        });
        if tree && (context.adjacent || context.lead.output.is_some()) {
            return decided(
                Role::Output,
                Plan::Output,
                "a directory tree, after the command `tree`",
            );
        }
        return decided(Role::Listing, Plan::Look, format!("{label}, a directory tree"));
    }
    if let Some(decision) = editor(context, &label) {
        return decision;
    }
    match kind {
        Language::OtherShell => {
            decided(Role::Alternative, Plan::Look, format!("{label}: a shell of another platform"))
        }
        Language::Interpreter => interpreter(context, &label),
        Language::Shell | Language::Terminal => shell(context, kind, &label),
        Language::Error => decided(
            Role::Output,
            Plan::Output,
            format!("{label}: what the command prints as it fails"),
        ),
        Language::Output => output_label(context, &label),
        Language::Difference => difference(context, &label),
        Language::None | Language::Text => unlabelled(context, &label),
        Language::Other => other(context, &label),
    }
}

/// A block right below the command that opens an editor is what is typed there: an editor prints
/// nothing.
fn editor(context: &Context<'_>, label: &str) -> Option<Decision> {
    let file = context.editor?;
    let opened = context.commands.last().and_then(|command| command::editor_file(command));
    let direct = context.adjacent && opened == Some(file);
    direct.then(|| {
        decided(
            Role::File,
            Plan::Editor(file.to_owned()),
            format!("{label}, right below the command that opens the editor"),
        )
    })
}

/// Blocks with prompts.
fn session(context: &Context<'_>, kind: Language, label: &str) -> Option<Decision> {
    let code = context.code;
    let terminal = matches!(kind, Language::Terminal | Language::Shell);
    let applies = terminal
        || matches!(
            kind,
            Language::None | Language::Text | Language::Interpreter | Language::OtherShell
        )
        || kind == Language::Output;
    if !applies {
        return None;
    }
    let sign = session::sign(&code.content, terminal || code.shape == Shape::Preformatted)?;
    // The empty prompt of an output block is no command.
    match sign {
        Sign::Windows => {
            return Some(decided(
                Role::Alternative,
                Plan::Look,
                format!("{label}, prompts of Windows"),
            ));
        }
        Sign::Interpreter => return Some(interpreter(context, label)),
        Sign::Dollar | Sign::Percent | Sign::Hash | Sign::Angle | Sign::Fancy => {}
    }
    if kind == Language::OtherShell {
        return None;
    }
    if kind == Language::Output && context.lead.run.is_none() {
        return None;
    }
    let prompt = match sign {
        Sign::Dollar => "$",
        Sign::Percent => "%",
        Sign::Hash => "#",
        Sign::Angle => ">",
        _ => "a prompt",
    };
    if let Some(aside) = &context.aside {
        return Some(decided(Role::Illustration, Plan::Look, aside.clone()));
    }
    if let Some(words) = context.lead.unreal {
        return Some(decided(
            Role::Illustration,
            Plan::Look,
            format!("{label}, prompts; the text before says \"{words}\": it is not what happens"),
        ));
    }
    if let Some(decision) = another(context, label) {
        return Some(decision);
    }
    Some(decided(
        Role::Session,
        Plan::Session(sign),
        format!("{label}, lines with the prompt {prompt}"),
    ))
}

/// Another way of what the block before did.
fn another(context: &Context<'_>, label: &str) -> Option<Decision> {
    let words = context.lead.another?;
    let done = matches!(context.previous, Some(Role::Command | Role::Session | Role::File));
    done.then(|| {
        decided(
            Role::Alternative,
            Plan::Look,
            format!("{label}; \"{words}\": another way of what was just done"),
        )
    })
}

fn interpreter(context: &Context<'_>, label: &str) -> Decision {
    let follows = matches!(context.previous, Some(Role::Command | Role::Session))
        && (context.adjacent || context.lead.output.is_some());
    let starts = context.commands.last().is_some_and(|command| {
        let program = command::first_program(command).unwrap_or_default();
        ["python", "node", "irb", "psql", "mysql", "sqlite3", "ipython", "julia", "ghci", "R"]
            .iter()
            .any(|name| program.starts_with(name))
    });
    if follows && starts {
        return decided(
            Role::Illustration,
            Plan::Look,
            format!("{label}: a session inside of the interpreter just started"),
        );
    }
    decided(
        Role::Illustration,
        Plan::Look,
        format!("{label}: a session of an interpreter, not of the shell"),
    )
}

/// Blocks in a shell language without prompts.
fn shell(context: &Context<'_>, kind: Language, label: &str) -> Decision {
    let code = context.code;
    let lead = context.lead;
    if let Some(file) = named_file(context) {
        return file_decision(context, &file, label);
    }
    let script = code.content.first().is_some_and(|line| line.starts_with("#!"));
    let commands = looks_like_commands(&code.content);
    let names_script = lead.file.as_deref().is_some_and(|file| is_script_name(file) || !commands);
    if script || lead.write.is_some() && names_script {
        if let Some(file) = lead.file.clone().filter(|_| lead.write.is_some()) {
            return file_decision(context, &file, label);
        }
        if script {
            return decided(
                Role::Listing,
                Plan::Look,
                format!("{label}: a script (first line `#!`), and no text says where it is saved"),
            );
        }
    }
    if let Some(words) = lead.unreal {
        return decided(
            Role::Illustration,
            Plan::Look,
            format!("{label}; the text before says \"{words}\": it is not what happens"),
        );
    }
    if let Some(aside) = &context.aside {
        return decided(Role::Illustration, Plan::Look, aside.clone());
    }
    let follows = matches!(context.previous, Some(Role::Command | Role::Session));
    if !commands && follows && (lead.output.is_some() || context.adjacent) {
        let words = lead.output.unwrap_or("");
        return decided(
            Role::Output,
            Plan::Output,
            format!("{label}, but its lines are no commands and it follows one (\"{words}\")"),
        );
    }
    if !commands && let (Some(file), true) = (lead.file.clone(), lead.write.is_some()) {
        return file_decision(context, &file, label);
    }
    if kind == Language::Terminal && !commands {
        if follows {
            return decided(
                Role::Output,
                Plan::Output,
                format!("{label}, no prompt and no command"),
            );
        }
        return decided(Role::Listing, Plan::Look, format!("{label}, no prompt and no command"));
    }
    if let Some(decision) = another(context, label) {
        return decision;
    }
    if !commands && lead.shown.is_some() && lead.run.is_none() {
        return decided(Role::Listing, Plan::Look, format!("{label}, shown and not to be typed"));
    }
    if is_settings(&code.content) && lead.write.is_some() {
        return decided(
            Role::Listing,
            Plan::Look,
            format!("{label}, settings for a file that is not named"),
        );
    }
    decided(Role::Command, Plan::Commands, label.to_owned())
}

/// Blocks that are called an output by their label.
fn output_label(context: &Context<'_>, label: &str) -> Decision {
    let lead = context.lead;
    if let Some(file) = context.editor
        && (lead.typed || lead.write.is_some() && lead.output.is_none())
        && lead.file.as_deref().is_none_or(|named| same_name(named, file))
    {
        return decided(
            Role::File,
            Plan::Editor(file.to_owned()),
            format!("{label}, but the text before tells to type it into the editor"),
        );
    }
    if let (Some(file), Some(mode), None) = (&lead.file, lead.mode, lead.output)
        && lead.write.is_some()
        && lead.shown.is_none()
    {
        return decided(
            Role::File,
            Plan::File(file.clone(), mode),
            format!("{label}, but the text before tells to write it to `{file}`"),
        );
    }
    decided(Role::Output, Plan::Output, label.to_owned())
}

fn difference(context: &Context<'_>, label: &str) -> Decision {
    let after_diff = context
        .commands
        .last()
        .is_some_and(|command| command.contains("diff") || command.contains("show"));
    if after_diff && (context.adjacent || context.lead.output.is_some()) {
        return decided(
            Role::Output,
            Plan::Output,
            format!("{label}, after a command that shows it"),
        );
    }
    decided(Role::Listing, Plan::Look, format!("{label}: a change that is shown, not a file"))
}

/// Blocks without a language.
fn unlabelled(context: &Context<'_>, label: &str) -> Decision {
    let code = context.code;
    let lead = context.lead;
    if let Some(file) = context.editor
        && (lead.typed || lead.write.is_some())
        && lead.output.is_none()
        && lead.file.as_deref().is_none_or(|named| same_name(named, file))
    {
        return decided(
            Role::File,
            Plan::Editor(file.to_owned()),
            format!("{label}, and the text before tells to type it into the editor"),
        );
    }
    let follows = matches!(context.previous, Some(Role::Command | Role::Session));
    let commands = looks_like_commands(&code.content);
    if let Some(file) = named_file(context) {
        return file_decision(context, &file, label);
    }
    if follows
        && let Some(words) = lead.output.filter(|_| lead.write.is_none() || lead.file.is_none())
        && (!commands || lead.run.is_none())
    {
        return decided(
            Role::Output,
            Plan::Output,
            format!("{label}; the text before says \"{words}\""),
        );
    }
    if follows && context.adjacent && !commands {
        return decided(Role::Output, Plan::Output, format!("{label}, right below a command"));
    }
    if let (Some(file), Some(_)) = (lead.file.clone(), lead.write)
        && !all_known(&code.content)
    {
        return file_decision(context, &file, label);
    }
    // Text that calls itself text is typed only where all speaks for it.
    let typed = if code.info.kind() == Language::Text {
        lead.run.is_some() && lead.announces && all_known(&code.content)
    } else {
        lead.run.is_some() || lead.announces || all_known(&code.content)
    };
    if commands && typed {
        if let Some(words) = lead.unreal {
            return decided(Role::Illustration, Plan::Look, format!("{label}; \"{words}\""));
        }
        if let Some(aside) = &context.aside {
            return decided(Role::Illustration, Plan::Look, aside.clone());
        }
        if let Some(decision) = another(context, label) {
            return decision;
        }
        return decided(Role::Command, Plan::Commands, format!("{label}, each line is a command"));
    }
    if follows && lead.output.is_some() {
        return decided(Role::Output, Plan::Output, format!("{label}, announced as an output"));
    }
    decided(Role::Listing, Plan::Look, format!("{label}, and no text says what to do with it"))
}

/// Blocks in a language that is no shell.
fn other(context: &Context<'_>, label: &str) -> Decision {
    let lead = context.lead;
    if let Some(file) = named_file(context) {
        return file_decision(context, &file, label);
    }
    let follows = matches!(context.previous, Some(Role::Command | Role::Session));
    let shows = context.commands.last().is_some_and(|command| prints_files(command));
    let printable = is_data(&context.code.info.language) || shows;
    if follows && printable && lead.write.is_none() && (lead.output.is_some() || context.adjacent) {
        return decided(
            Role::Output,
            Plan::Output,
            format!("{label}, shown as what the command prints"),
        );
    }
    if let Some(file) = context.editor
        && (lead.typed || lead.write.is_some())
        && lead.file.as_deref().is_none_or(|named| same_name(named, file))
    {
        return decided(
            Role::File,
            Plan::Editor(file.to_owned()),
            format!("{label}, and the text before tells to type it into the editor"),
        );
    }
    let again = lead.whole && context.written.is_some();
    if let Some(file) = lead.file.clone().filter(|_| lead.write.is_some() || again) {
        return file_decision(context, &file, label);
    }
    if let (Some((file, before)), Some(_)) = (context.written, lead.write)
        && lead.unnamed_file
    {
        let mode = if continues(before, &context.code.content) || lead.whole {
            WriteMode::Replace
        } else {
            lead.mode.unwrap_or(WriteMode::Merge)
        };
        if lead.unreal.is_none() && lead.another.is_none() {
            return decided(
                Role::File,
                Plan::File(file.to_owned(), mode),
                format!("{label}, a change of `{file}`, the file of this kind written last"),
            );
        }
    }
    decided(Role::Listing, Plan::Look, format!("{label}, and no text says which file it is"))
}

fn is_include(content: &[String]) -> bool {
    let mut written = content.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    let include = |line: &str| {
        line.starts_with("{!")
            || line.starts_with("{*")
            || line.starts_with("{{#")
            || line.starts_with("--8<--")
            || line.starts_with("{{<") && line.ends_with(">}}")
            || line.starts_with("<<<")
            || line.starts_with("{%") && line.contains("include")
            || line.starts_with("@[code")
    };
    written.clone().next().is_some() && written.all(include)
}

fn is_tree(content: &[String]) -> bool {
    let branches = content
        .iter()
        .filter(|line| {
            line.contains("├─")
                || line.contains("└─")
                || line.contains("|-- ")
                || line.contains("`-- ")
                || line.contains("+-- ")
        })
        .count();
    branches > 0
        && branches * 2 >= content.iter().filter(|l| !l.trim().is_empty()).count().saturating_sub(2)
}

/// Lines such as `KEY=value` only.
fn is_settings(content: &[String]) -> bool {
    let mut written =
        content.iter().map(|l| l.trim()).filter(|l| !l.is_empty() && !l.starts_with('#'));
    written.clone().next().is_some()
        && written.all(|line| {
            line.split_once('=').is_some_and(|(name, value)| {
                !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && !value.trim().contains(' ')
            })
        })
}

/// Whether the lines read as commands: nearly all of them start with a program.
pub(crate) fn looks_like_commands(content: &[String]) -> bool {
    let pieces = crate::shell::split(&content.join("\n"));
    if pieces.is_empty() {
        return false;
    }
    let known = pieces.iter().filter(|piece| command::is_command_like(&piece.text)).count();
    let likely = pieces
        .iter()
        .filter(|piece| {
            command::could_be_command(&piece.text)
                || piece.text.split_whitespace().count() == 1
                    && command::first_program(&piece.text).is_none()
                || is_construct(&piece.text)
        })
        .count();
    known * 2 >= pieces.len()
        || (known > 0 && likely * 4 >= pieces.len() * 3)
        || (likely == pieces.len() && pieces.len() <= 3)
}

pub(crate) fn is_construct(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let condition = matches!(first, "[" | "[[") && text.contains(" ]");
    condition && !text.starts_with("[ ] ")
        || matches!(first, "for" | "while" | "if" | "until" | "case" | "(")
        || text.contains("() {")
}

/// Whether each line starts with a program that is known.
fn all_known(content: &[String]) -> bool {
    let pieces = crate::shell::split(&content.join("\n"));
    !pieces.is_empty() && pieces.iter().all(|piece| command::is_command_like(&piece.text))
}

/// The branch of a block by the text before it, as [`branch`] gives it for tabs and headings.
pub(crate) fn other_platform(
    lead: &[crate::sentence::Sentence],
    previous: Option<Role>,
) -> Option<String> {
    let last = lead.last()?;
    let (fit, name) = crate::platform::restriction(last)?;
    if fit <= crate::platform::OTHER_PLATFORM {
        return Some(format!("\"{}\": for {name}, another platform", short(&last.raw)));
    }
    let manager = matches!(
        name.as_str(),
        "yarn"
            | "pnpm"
            | "bun"
            | "conda"
            | "mamba"
            | "pipenv"
            | "poetry"
            | "fedora"
            | "rhel"
            | "centos"
            | "arch"
            | "arch linux"
            | "alpine"
            | "opensuse"
            | "nixos"
            | "nix"
            | "gentoo"
            | "deno"
    );
    let conditional = last.text.starts_with("if you")
        || last.text.starts_with("or ")
        || last.text.starts_with("or,")
        || last.text.starts_with("on ")
        || last.text.starts_with("with ")
        || last.text.starts_with("using ")
        || last.text.starts_with("for ")
        || last.text.trim_end_matches(':') == name;
    let done = matches!(previous, Some(Role::Command | Role::Session | Role::Alternative));
    (manager && conditional && done)
        .then(|| format!("\"{}\": another way, for {name}", short(&last.raw)))
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(60).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
