//! Fits a shown part into a file, as a reader does: known lines are context.

/// No place for the part can be found; the page leaves open where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoPlace;

/// The file with the part in its place.
pub(crate) fn fit_in(file: Option<&str>, part: &str) -> Result<String, NoPlace> {
    let Some(file) = file.filter(|text| !text.trim().is_empty()) else {
        let shown: Vec<&str> = part.lines().filter(|line| !is_elision(line)).collect();
        return Ok(joined(&shown));
    };
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    let chunks = chunks_of(part);
    if chunks.len() == 1 && holds_all(&chunks[0], &lines) {
        return Ok(joined(&chunks[0])); // The whole file, as it is to be from now on.
    }
    let mut from = 0;
    for chunk in &chunks {
        from = place(&mut lines, chunk, from)?;
    }
    Ok(joined(&lines))
}

fn joined<S: AsRef<str>>(lines: &[S]) -> String {
    lines.iter().flat_map(|line| [line.as_ref(), "\n"]).collect()
}

/// A line that stands for lines left out: `...`, `// ...`, `# --snip--`, `<!-- … -->`.
fn is_elision(line: &str) -> bool {
    let bare = line
        .trim()
        .trim_start_matches(|c: char| "/#;%*-<!".contains(c) || c.is_whitespace())
        .trim_end_matches(|c: char| "*/->".contains(c) || c.is_whitespace());
    matches!(bare, "..." | "…" | "[...]" | "[…]" | "snip" | "(...)")
}

fn chunks_of(part: &str) -> Vec<Vec<String>> {
    let mut chunks = vec![Vec::new()];
    for line in part.lines() {
        if is_elision(line) {
            chunks.push(Vec::new());
        } else if let Some(chunk) = chunks.last_mut() {
            chunk.push(line.to_owned());
        }
    }
    for chunk in &mut chunks {
        while chunk.first().is_some_and(|line| line.trim().is_empty()) {
            chunk.remove(0);
        }
        while chunk.last().is_some_and(|line| line.trim().is_empty()) {
            chunk.pop();
        }
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// Whether the chunk has every line of the file, in the same order.
fn holds_all(chunk: &[String], file: &[String]) -> bool {
    let mut rest = chunk.iter();
    file.iter()
        .filter(|line| !line.trim().is_empty())
        .all(|line| rest.any(|own| own.trim_end() == line.trim_end()))
}

/// Puts one chunk into the file at or after `from`; returns the line behind it.
fn place(file: &mut Vec<String>, chunk: &[String], from: usize) -> Result<usize, NoPlace> {
    // Anchors: lines of the chunk that the file has already, in order.
    let mut anchors = Vec::new();
    let mut at = from;
    for (own, line) in chunk.iter().enumerate() {
        if line.trim().len() < 2 {
            continue; // A lone bracket is everywhere.
        }
        let found = file.iter().skip(at).position(|other| other.trim_end() == line.trim_end());
        let found = found.map(|offset| at + offset).or_else(|| {
            let key = key_of(line)?;
            let mut same = file.iter().enumerate().skip(at).filter(|(_, l)| key_of(l) == Some(key));
            let first = same.next()?.0;
            same.next().is_none().then_some(first) // Two of that name: not clear which.
        });
        if let Some(position) = found {
            anchors.push((own, position));
            at = position + 1;
        }
    }
    let (Some(&(own_first, file_first)), Some(&(_, file_last))) = (anchors.first(), anchors.last())
    else {
        return Err(NoPlace);
    };
    let mut placed: Vec<String> = chunk[..own_first].to_vec();
    placed.push(chunk[own_first].clone());
    for pair in anchors.windows(2) {
        let [(own, position), (own_next, position_next)] = [pair[0], pair[1]];
        if own + 1 == own_next {
            placed.extend_from_slice(&file[position + 1..position_next]);
        } else {
            placed.extend_from_slice(&chunk[own + 1..own_next]);
        }
        placed.push(chunk[own_next].clone());
    }
    let own_last = anchors.last().map_or(0, |anchor| anchor.0);
    let tail = &chunk[own_last + 1..];
    // Brackets at the end that the file has there already are context, too.
    let after = &file[file_last + 1..];
    let known = tail.iter().zip(after).take_while(|(a, b)| a.trim_end() == b.trim_end()).count();
    placed.extend_from_slice(tail);
    let end = placed.len() + file_first;
    file.splice(file_first..=file_last + known, placed);
    Ok(end)
}

/// The key of a setting such as `name: value` or `name = value`, with its indentation.
fn key_of(line: &str) -> Option<&str> {
    let end = line.find([':', '='])?;
    let key = line[..end].trim_end();
    let bare = key.trim_start().trim_matches('"');
    let plain = bare.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    (!bare.is_empty() && plain && !line[end..].starts_with("::")).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, part: &str, expected: Result<&str, NoPlace>) {
        assert_eq!(fit_in(Some(file), part), expected.map(str::to_owned));
    }

    #[test]
    fn parts_find_their_place() {
        check("a = 1\nb = 2\n", "b = 3\n", Ok("a = 1\nb = 3\n"));
        check("name: x\n", "name: y\nnav:\n  - one\n", Ok("name: y\nnav:\n  - one\n"));
        check(
            "use a;\n\nfn main() {\n    one();\n}\n",
            "fn main() {\n    zero();\n    one();\n",
            Ok("use a;\n\nfn main() {\n    zero();\n    one();\n}\n"),
        );
        check(
            "first\nsecond\nthird\n",
            "# ...\nsecond\nmore\n# ...\n",
            Ok("first\nsecond\nmore\nthird\n"),
        );
        check(
            "fn main() {\n    one();\n}\n",
            "fn main() {\n    one();\n    two();\n}\n",
            Ok("fn main() {\n    one();\n    two();\n}\n"),
        );
        check("alpha\nbeta\n", "something else\n", Err(NoPlace));
        check("x: 1\nx: 2\n", "x: 3\n", Err(NoPlace));
    }

    #[test]
    fn a_missing_file_is_the_part() {
        assert_eq!(fit_in(None, "a\n...\nb\n").as_deref(), Ok("a\nb\n"));
    }

    proptest::proptest! {
        #[test]
        fn fitting_never_panics(file in "[ab:=}{.\n ]{0,40}", part in "[ab:=}{.\n ]{0,40}") {
            let _ = fit_in(Some(&file), &part);
        }
    }
}
