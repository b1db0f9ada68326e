//! Alternatives: of several ways to do one thing the one that fits the reader is followed.

use std::collections::BTreeMap;

use crate::container::Kind;
use crate::page::{Item, ItemKind, Page};
use crate::platform::{self, Fit, NEUTRAL, OTHER_PLATFORM};

/// The items that are not followed, with the reason.
pub(crate) fn not_followed(page: &Page) -> BTreeMap<usize, String> {
    let mut out = BTreeMap::new();
    tabs(page, &mut out);
    code_groups(page, &mut out);
    headings(page, &mut out);
    variants(page, &mut out);
    out
}

/// Sets of tabs: neighbours of the same depth with nothing in between.
fn tabs(page: &Page, out: &mut BTreeMap<usize, String>) {
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for (index, container) in page.containers.iter().enumerate() {
        if container.kind != Kind::Tab {
            continue;
        }
        let neighbour = sets.iter_mut().rev().find(|set| {
            let before = set.last().and_then(|last| page.containers.get(*last));
            before.is_some_and(|before| {
                before.depth == container.depth
                    && before.lines.last < container.lines.first
                    && !page.items.iter().any(|item| {
                        item.lines.first > before.lines.last
                            && item.lines.first < container.lines.first
                    })
            })
        });
        match neighbour {
            Some(set) => set.push(index),
            None => sets.push(vec![index]),
        }
    }
    for set in sets {
        let labels: Vec<&str> = set
            .iter()
            .filter_map(|index| page.containers.get(*index))
            .map(|container| container.label.as_str())
            .collect();
        let Some(chosen) = choose(&labels) else { continue };
        for (position, container) in set.iter().enumerate() {
            if position == chosen {
                continue;
            }
            let why = reason(labels.get(position), labels.get(chosen), "tab");
            for (at, item) in page.items.iter().enumerate() {
                if item.containers.contains(container) {
                    out.entry(at).or_insert_with(|| why.clone());
                }
            }
        }
    }
}

/// Code groups: each block is a tab, named by its info string.
fn code_groups(page: &Page, out: &mut BTreeMap<usize, String>) {
    for (index, container) in page.containers.iter().enumerate() {
        if container.kind != Kind::CodeGroup {
            continue;
        }
        let blocks: Vec<(usize, &str)> = page
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.containers.contains(&index))
            .filter_map(|(at, item)| match &item.kind {
                ItemKind::Code(code) => {
                    let label = code.info.label.as_deref().or(code.info.file.as_deref());
                    Some((at, label.unwrap_or_default()))
                }
                _ => None,
            })
            .collect();
        // Named by files they are several files, not one in several ways.
        let files = blocks.iter().filter(|(_, label)| crate::info::is_file_like(label)).count();
        if files == blocks.len() {
            continue;
        }
        let labels: Vec<&str> = blocks.iter().map(|(_, label)| *label).collect();
        let Some(chosen) = choose(&labels) else { continue };
        for (position, (at, label)) in blocks.iter().enumerate() {
            if position != chosen {
                out.entry(*at).or_insert_with(|| reason(Some(label), labels.get(chosen), "tab"));
            }
        }
    }
}

/// Files side by side that differ only in their extension are one program in several languages.
fn variants(page: &Page, out: &mut BTreeMap<usize, String>) {
    let named = |at: usize| match &page.items.get(at)?.kind {
        ItemKind::Code(code) => {
            let file = code.info.file.as_deref()?;
            file.rsplit_once('.').map(|(stem, extension)| (stem, extension, file))
        }
        _ => None,
    };
    let mut first: Option<usize> = None;
    for at in 0..page.items.len() {
        let Some((stem, extension, _)) = named(at) else {
            first = None;
            continue;
        };
        match first.and_then(named) {
            // A header belongs to its source.
            Some((other, one, file))
                if other == stem
                    && one != extension
                    && is_program(one)
                    && is_program(extension) =>
            {
                out.entry(at).or_insert_with(|| format!("a variant of `{file}` right above"));
            }
            _ => first = Some(at),
        }
    }
}

/// Whether the extension is one of several languages that one program is shown in.
fn is_program(extension: &str) -> bool {
    matches!(
        extension,
        "js" | "cjs"
            | "mjs"
            | "ts"
            | "jsx"
            | "tsx"
            | "py"
            | "rb"
            | "go"
            | "java"
            | "kt"
            | "rs"
            | "php"
            | "cs"
            | "yml"
            | "yaml"
            | "json"
            | "toml"
    )
}

/// Sections that are named by platforms.
fn headings(page: &Page, out: &mut BTreeMap<usize, String>) {
    let sections: Vec<(usize, u8, &Item, Option<Fit>)> = page
        .items
        .iter()
        .enumerate()
        .filter_map(|(at, item)| match &item.kind {
            ItemKind::Heading { level, text } => Some((at, *level, item, heading_fit(text))),
            _ => None,
        })
        .collect();
    for (position, (at, level, item, fit)) in sections.iter().enumerate() {
        let Some(fit) = fit else { continue };
        let parent = item.headings.get(..item.headings.len().saturating_sub(1));
        let siblings: Vec<Fit> = sections
            .iter()
            .filter(|(other, other_level, other_item, _)| {
                other != at
                    && other_level == level
                    && other_item.headings.get(..other_item.headings.len().saturating_sub(1))
                        == parent
            })
            .filter_map(|(.., fit)| *fit)
            .collect();
        let best = siblings.iter().copied().max().unwrap_or(0);
        let first_of_equals =
            sections.iter().take(position).all(|(_, other_level, other, other_fit)| {
                other_level != level
                    || other_fit != &Some(*fit)
                    || other.headings.get(..other.headings.len().saturating_sub(1)) != parent
            });
        let other_platform = *fit <= OTHER_PLATFORM;
        let followed = !other_platform && *fit >= best && (first_of_equals || siblings.is_empty());
        if followed || (siblings.is_empty() && !other_platform) {
            continue;
        }
        let end = sections
            .iter()
            .skip(position + 1)
            .find(|(_, other_level, ..)| other_level <= level)
            .map_or(page.items.len(), |(end, ..)| *end);
        let name = item.headings.last().map_or("", String::as_str);
        for inside in *at..end {
            out.entry(inside)
                .or_insert_with(|| format!("under the heading \"{name}\": another platform's way"));
        }
    }
}

/// A heading that only names a platform or a package manager, such as "On Windows" or "npm".
fn heading_fit(text: &str) -> Option<Fit> {
    let words = text.split_whitespace().count();
    (words <= 5).then(|| platform::fit(text)).flatten().filter(|fit| {
        // "Install Docker" or "Using curl" is a step, not a choice.
        !matches!(*fit, 3 | 6 | 7) || words <= 2
    })
}

/// Which of the labels is followed; none where there is nothing to choose.
fn choose(labels: &[&str]) -> Option<usize> {
    if labels.len() < 2 {
        let fit = labels.first().and_then(|label| platform::fit(label))?;
        return (fit <= OTHER_PLATFORM).then_some(usize::MAX);
    }
    let fits = labels.iter().map(|label| platform::fit(label).unwrap_or(NEUTRAL));
    let best = fits.clone().max()?;
    fits.into_iter().position(|fit| fit == best)
}

fn reason(label: Option<&&str>, chosen: Option<&&str>, what: &str) -> String {
    let label = label.copied().unwrap_or_default();
    match chosen {
        Some(chosen) => format!("the {what} \"{label}\" is another way; \"{chosen}\" is followed"),
        None => format!("the {what} \"{label}\" is for another platform"),
    }
}
