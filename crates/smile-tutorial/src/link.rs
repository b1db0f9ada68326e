//! Where links lead inside of a project.

use std::collections::BTreeSet;

/// A target that can be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A place on the same page.
    Anchor(String),
    /// A file, relative to the page.
    Path(String),
}

/// Where a link leads inside of the project; none for addresses elsewhere.
pub(crate) fn target(url: &str) -> Option<Target> {
    let url = url.trim();
    if let Some(anchor) = url.strip_prefix('#') {
        return (!anchor.is_empty()).then(|| Target::Anchor(decode(anchor)));
    }
    let scheme = url.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    // Absolute paths belong to the site, templates to its generator.
    if url.is_empty() || scheme || url.starts_with('/') || url.contains(['{', '<', '$', '@']) {
        return None;
    }
    let path = url.split(['#', '?']).next().unwrap_or_default();
    // Without an extension, or as HTML, a site generator may make the page elsewhere.
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let made = matches!(extension, "html" | "htm");
    (name.contains('.') && name != "." && name != ".." && !made).then(|| Target::Path(decode(path)))
}

/// Whether a name is among the page's anchors; `#setup-1` is the second heading of that name.
pub(crate) fn leads_to(name: &str, anchors: &BTreeSet<String>) -> bool {
    let numbered = name.rsplit_once(['-', '_']).is_some_and(|(stem, number)| {
        number.chars().all(|c| c.is_ascii_digit()) && anchors.contains(stem)
    });
    numbered
        || anchors.contains(name)
        || anchors.contains(&name.to_lowercase())
        || anchors.iter().any(|anchor| collapsed(anchor) == collapsed(name))
        || matches!(name, "top" | "")
}

/// Generators differ in what they do with signs and with blanks in a row.
fn collapsed(anchor: &str) -> String {
    anchor.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Percent escapes decoded.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%'
            && let [high, low, tail @ ..] = after
            && let (Some(high), Some(low)) =
                (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let check =
            |url: &str, expected: Option<Target>| assert_eq!(target(url), expected, "{url}");
        check("a/b.md#c", Some(Target::Path("a/b.md".to_owned())));
        check("../img/a%20b.png", Some(Target::Path("../img/a b.png".to_owned())));
        check("#a-b", Some(Target::Anchor("a-b".to_owned())));
        for url in [
            "https://a.b/c.md",
            "mailto:a@b.c",
            "/docs/a.md",
            "guide",
            "",
            "a.html",
            "{{ base }}/x.md",
            "#",
        ] {
            check(url, None);
        }
    }
}
