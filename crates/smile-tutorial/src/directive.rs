//! Comments of the author to this program: `<!-- smile: timeout=90s | answer="y" -->`.

/// What a comment asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) skip: bool,
    pub(crate) file: Option<String>,
    pub(crate) expect: Option<String>,
    pub(crate) timeout_s: Option<u64>,
    pub(crate) background: bool,
    pub(crate) answers: Vec<String>,
    pub(crate) exit: Option<i32>,
    /// Parts that are not understood, for a finding.
    pub(crate) unknown: Vec<String>,
}

impl Directive {
    /// Reads the text after `smile:`; parts are divided by `|`, `,` or blanks.
    pub(crate) fn read(text: &str) -> Self {
        let mut out = Self::default();
        for part in parts(text) {
            let (name, value) = part.split_once('=').unwrap_or((part.as_str(), ""));
            let value = value.trim().trim_matches('"').to_owned();
            match name.trim() {
                "skip" => out.skip = true,
                "background" => out.background = true,
                "file" if !value.is_empty() => out.file = Some(value),
                "expect" => out.expect = Some(value),
                "answer" => out.answers.push(value),
                "timeout" => match seconds(&value) {
                    Some(timeout) => out.timeout_s = Some(timeout),
                    None => out.unknown.push(part),
                },
                "exit" => match value.parse() {
                    Ok(code) => out.exit = Some(code),
                    Err(_) => out.unknown.push(part),
                },
                "persona" | "" => {}
                _ => out.unknown.push(part),
            }
        }
        out
    }
}

/// The parts, quotes respected.
fn parts(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
            '|' | ' ' | '\t' | ',' if !quoted => out.push(String::new()),
            _ => {
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    out.retain(|part| !part.trim().is_empty());
    out
}

/// `90`, `90s`, `2m`, `1h` in seconds.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    let factor = match text.get(digits.len()..)? {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_comment() {
        let seen =
            Directive::read("timeout=2m | answer=\"my app\" | answer=y | exit=1 | file=a/b.txt");
        assert_eq!(seen.timeout_s, Some(120));
        assert_eq!(seen.answers, ["my app", "y"]);
        assert_eq!(seen.exit, Some(1));
        assert_eq!(seen.file.as_deref(), Some("a/b.txt"));
        assert!(Directive::read("skip").skip);
        assert_eq!(Directive::read("skpi timeout=soon").unknown, ["skpi", "timeout=soon"]);
    }
}
