//! Blocks that are the content of a file.

use super::{Context, Decision, Plan, another, decided};
use crate::command;
use crate::info;
use crate::step::{Role, WriteMode};

/// The path that the block itself has: title, caption, first comment line.
pub(super) fn named_file(context: &Context<'_>) -> Option<String> {
    context
        .code
        .info
        .file
        .clone()
        .or_else(|| context.caption.clone())
        .or_else(|| comment_path(&context.code.content))
}

pub(super) fn file_decision(context: &Context<'_>, file: &str, label: &str) -> Decision {
    let lead = context.lead;
    let shown = lead.shown.filter(|_| lead.write.is_none() || lead.mode.is_none());
    if let Some(words) = lead.unreal.or(shown) {
        // What is said to look like this after the reader's own edits is written as it stands.
        let known = context.written.is_some_and(|(path, _)| path == file);
        if !(known && lead.whole && lead.unreal.is_none()) {
            return decided(
                Role::Listing,
                Plan::Look,
                format!("{label}: `{file}` is shown (\"{words}\"), not written"),
            );
        }
    }
    if let Some(aside) = &context.aside {
        return decided(Role::Listing, Plan::Look, aside.clone());
    }
    if lead.another.is_some()
        && let Some(decision) = another(context, label)
    {
        return decision;
    }
    let mut mode = lead.mode.unwrap_or(WriteMode::Replace);
    if let Some((path, before)) = context.written
        && path == file
    {
        if mode != WriteMode::Append && continues(before, &context.code.content) {
            mode = WriteMode::Replace;
        } else if mode == WriteMode::Replace
            && lead.write.is_none()
            && is_part(before, &context.code.content)
        {
            mode = WriteMode::Merge;
        }
    }
    if has_elision(&context.code.content) && mode == WriteMode::Replace {
        mode = WriteMode::Merge;
    }
    let how = match mode {
        WriteMode::Replace => "the content of",
        WriteMode::Append => "goes to the end of",
        WriteMode::Merge => "a change of",
    };
    let words = lead.write.map(|words| format!(" (\"{words}\")")).unwrap_or_default();
    decided(
        Role::File,
        Plan::File(file.to_owned(), mode),
        format!("{label}, {how} `{file}`{words}"),
    )
}

/// Whether the block is the file again, with changes: same first line, about as long.
pub(super) fn continues(before: &str, content: &[String]) -> bool {
    let first = |lines: &mut dyn Iterator<Item = &str>| {
        lines.map(str::trim).find(|line| !line.is_empty()).map(ToOwned::to_owned)
    };
    let old = before.lines().count();
    let same = first(&mut before.lines()) == first(&mut content.iter().map(String::as_str));
    same && content.len() * 5 >= old * 4
}

/// Whether the block has far fewer lines than the file, and shares some: a part of it.
fn is_part(before: &str, content: &[String]) -> bool {
    let old: Vec<&str> = before.lines().map(str::trim).filter(|line| line.len() > 3).collect();
    let shared = content.iter().filter(|line| old.contains(&line.trim())).count();
    shared > 0 && content.len() * 2 < old.len()
}

/// Lines such as `...` or `# ...` that stand for the rest of a file.
fn has_elision(content: &[String]) -> bool {
    content.iter().any(|line| {
        let text = line.trim().trim_start_matches(['/', '#', '<', '!', '-', '*', ';', '{']).trim();
        let text = text.trim_end_matches(['*', '/', '>', '-', '}']).trim();
        matches!(text, "..." | "…" | "[...]" | "[…]" | "(...)" | "snip" | "--snip" | "-- snip")
            || text.starts_with("... ") && text.ends_with("...")
            || text.starts_with("existing code")
            || text.starts_with("... existing")
            || text.starts_with("rest of")
    })
}

/// Whether a file holds shell text, so that lines that look like commands are its content.
pub(super) fn is_script_name(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "sh" | "bash" | "zsh" | "fish" | "env" | "service" | "yml" | "yaml")
        || name.starts_with(".bash")
        || name.starts_with(".zsh")
        || name.starts_with(".profile")
        || name.starts_with(".env")
        || matches!(name, "Dockerfile" | "Makefile" | "Procfile" | "Justfile" | "justfile")
}

/// `a.txt` and `./dir/a.txt` are one file to the reader of one page.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    name(one) == name(other)
}

/// Languages that programs print.
pub(super) fn is_data(language: &str) -> bool {
    matches!(
        language,
        "json"
            | "xml"
            | "html"
            | "yaml"
            | "yml"
            | "csv"
            | "http"
            | "toml"
            | "markdown"
            | "md"
            | "ini"
    )
}

/// Whether a command prints the text of files.
pub(super) fn prints_files(command: &str) -> bool {
    let last = command.rsplit('|').next().unwrap_or(command);
    matches!(
        command::first_program(last),
        Some("cat" | "less" | "more" | "head" | "tail" | "bat" | "sed" | "grep" | "jq" | "curl")
    )
}

/// A path in a comment on the first line.
fn comment_path(content: &[String]) -> Option<String> {
    let line = content.first()?.trim();
    let text = ["#", "//", "<!--", "/*", "--", ";;", ";", "%"]
        .iter()
        .find_map(|mark| line.strip_prefix(mark))?
        .trim()
        .trim_end_matches("-->")
        .trim_end_matches("*/")
        .trim();
    let lower = text.to_lowercase();
    let text = ["file:", "filename:", "file "]
        .iter()
        .find_map(|prefix| lower.starts_with(prefix).then(|| text.get(prefix.len()..)))
        .flatten()
        .unwrap_or(text)
        .trim()
        .trim_end_matches(':');
    info::is_file_like(text).then(|| text.trim_start_matches("./").to_owned())
}
