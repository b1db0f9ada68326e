//! Stand-ins that the reader must replace.

/// The stand-ins of a command, in order, each once.
pub fn placeholders(command: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    // The text of a here-document is data.
    let line = command.lines().next().unwrap_or_default();
    let text = if line.contains("<<") { line } else { command };
    angles(text, &mut out);
    for word in words(text) {
        // Of an address only the part that stands for something is told.
        let part = word.split(['/', '@', ':', '?']).find(|part| {
            word.contains("://") && is_stand_in(part) || word.contains('@') && is_stand_in(part)
        });
        match part {
            Some(part) => out.push(part.to_owned()),
            None if is_stand_in(word) => out.push(word.to_owned()),
            None => {}
        }
    }
    let mut seen = Vec::new();
    out.retain(|found| {
        let new = !seen.contains(found);
        seen.push(found.clone());
        new
    });
    out
}

/// `<your-host>`: angle brackets around words, not a redirection.
fn angles(text: &str, out: &mut Vec<String>) {
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let after = rest.get(start + 1..).unwrap_or_default();
        let Some(end) = after.find('>') else { return };
        let inside = after.get(..end).unwrap_or_default();
        let first = inside.chars().next();
        let named = first.is_some_and(char::is_alphabetic)
            && inside.len() <= 60
            && inside.chars().all(|c| {
                c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.' | '/' | ':' | '\'')
            })
            && !inside.ends_with(' ');
        // `sort <in >out` has a blank before the second sign, or a word right after it.
        let tail = after.get(end + 1..).unwrap_or_default().chars().next();
        let redirects = inside.contains(' ') && inside.split(' ').count() > 4;
        let tag = text.contains(&format!("</{inside}>")) || inside.ends_with('/');
        let quoted_tag =
            matches!(inside, "html" | "body" | "h1" | "p" | "b" | "div" | "br" | "EOF");
        let continues = tail.is_some_and(|c| c == '>' || c == '&');
        if named && !redirects && !tag && !quoted_tag && !continues {
            out.push(format!("<{inside}>"));
        }
        rest = after;
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ',' | ';' | '(' | ')' | '`')
    })
    .filter(|word| !word.is_empty())
}

fn is_stand_in(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| matches!(c, ':' | '.' | '|' | '&'));
    let lower = bare.to_lowercase();
    let blanks = bare.contains("____")
        || bare.split('/').any(|part| part.len() > 2 && part.chars().all(|c| c == '_'));
    let ellipsis = matches!(word, "..." | "…" | "[...]" | "<...>");
    let own = lower.contains("path/to/")
        || lower.starts_with("your-")
        || lower.starts_with("your_")
        || lower.contains("/your-")
        || lower.contains("/your_")
        || lower.contains("@your-")
        || lower.contains("your.domain")
        || lower.contains("yourdomain.")
        || lower.contains("yourname")
        || lower.contains("yourusername")
        || lower.contains("your-username")
        || lower.contains("your-org")
        || lower == "xxxxx"
        || lower.starts_with("xxxx-")
        || lower == "changeme"
        || lower.starts_with("replace-with-")
        || lower.starts_with("replace_with_");
    let upper = bare
        .chars()
        .all(|c| c.is_ascii_uppercase() || matches!(c, '_' | '-') || c.is_ascii_digit())
        && (bare.starts_with("YOUR_")
            || bare.starts_with("MY_") && bare.ends_with("_HERE")
            || bare.ends_with("_GOES_HERE"));
    blanks || ellipsis || own || upper || is_example_host(&lower)
}

/// An address that stands for another: a path below the domains kept for examples.
fn is_example_host(word: &str) -> bool {
    let host = word
        .trim_start_matches("git@")
        .trim_start_matches("https://")
        .trim_start_matches("http://")
        .trim_start_matches("ssh://");
    ["example.com", "example.org", "example.net"].iter().any(|domain| {
        host.strip_prefix(domain).is_some_and(|path| {
            // The pages at the domains themselves exist and answer.
            path.trim_matches('/').contains(char::is_alphabetic)
                && !path.trim_matches('/').starts_with("index")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins() {
        let check = |command: &str, expected: &[&str]| {
            assert_eq!(placeholders(command), expected, "{command}");
        };
        check("ssh <user>@<your-host>", &["<user>", "<your-host>"]);
        check("export API_KEY=YOUR_API_KEY", &["YOUR_API_KEY"]);
        check("cd path/to/project", &["path/to/project"]);
        check("cd /path/to/dir", &["/path/to/dir"]);
        check("mv a b ____/____", &["____/____"]);
        check(
            "git clone https://example.org/someproject.git",
            &["https://example.org/someproject.git"],
        );
        check("git clone example.org/someproject", &["example.org/someproject"]);
        check("pip install ...", &["..."]);
        check("git clone git@github.com:your-username/x.git", &["your-username"]);
    }

    #[test]
    fn what_only_looks_like_one() {
        for command in [
            "sort <in >out",
            "cat < file > other",
            "tr a b <file",
            "cat <<EOF > f\n<your-host>\nEOF",
            "curl https://example.com",
            "echo '<h1>Hi</h1>' > index.html",
            "diff <(ls a) <(ls b)",
            "go test ./...",
            "git diff a...b",
            "echo $YOUR",
            "a 2>&1 <b",
            "ls *",
            "grep '<b>' f",
            "export MY_NAME=x",
            "cmake .. && make",
            "python -c 'a < b > c'",
        ] {
            assert_eq!(placeholders(command), [""; 0], "{command}");
        }
    }
}
