//! Classing what an external program printed, by the one table in `table.rs`.

use std::sync::LazyLock;

use regex::Regex;

use super::table::{ROWS, Row, Says};
use super::{by_errno, grpc, http};
use crate::verdict::{Phase, Reason, Verdict};

/// How much of the end of an output is looked at: a program says last why it failed.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

/// Classes the output of an external program that failed: `git`, `docker`, `npm`, `pip`, `apt`, a
/// registry client. The first row of the table that matches anywhere decides; what no row knows is
/// final. Only the last 16 KiB are looked at.
///
/// ```
/// use smile_resilience::{Phase, Reason, classify_output};
///
/// let output = "fatal: unable to access 'https://h/r/': The requested URL returned error: 503";
/// assert_eq!(classify_output(output, Phase::Steady).reason, Reason::Unavailable);
/// assert!(!classify_output("fatal: not a git repository", Phase::Steady).is_transient());
/// ```
pub fn classify_output(output: &str, phase: Phase) -> Verdict {
    let start = output.len().saturating_sub(OUTPUT_BYTES_MAX);
    let start = (start..output.len()).find(|at| output.is_char_boundary(*at)).unwrap_or(0);
    let output = &output[start..];
    let decided = TABLE.iter().find_map(|(row, pattern)| decide(row, pattern, output, phase));
    decided.unwrap_or(Verdict::never(Reason::Unknown))
}

static TABLE: LazyLock<Vec<(&'static Row, Regex)>> =
    LazyLock::new(|| ROWS.iter().map(|row| (row, anchored(row.pattern))).collect());

/// A phrase counts only where it stands alone: after the start of a line or a separator, and before
/// its end or a separator. Inside a path, a flag or a name it is part of something else.
fn anchored(pattern: &str) -> Regex {
    let anchored = format!(r#"(?im)(?:^|[\s:("'\[,`])(?:{pattern})(?:$|[\s:;,.)"'\]!`])"#);
    Regex::new(&anchored).expect("the tests compile every row of the table")
}

fn decide(row: &Row, pattern: &Regex, output: &str, phase: Phase) -> Option<Verdict> {
    if let Says::Verdict(verdict) = row.says {
        return pattern.is_match(output).then_some(verdict);
    }
    pattern.captures_iter(output).find_map(|captures| {
        let code = (1..captures.len()).find_map(|group| captures.get(group))?.as_str();
        match row.says {
            Says::Status => {
                let status = code.parse().ok().filter(|status| (400..600).contains(status))?;
                Some(http::classify_status(status, None))
            }
            // Some servers put a cause of any kind into `Unknown` and `Internal`: text goes on.
            Says::Grpc => grpc::code_named(code)
                .filter(|code| !matches!(code, 0 | 2 | 13))
                .map(|code| grpc::classify_code(code, None)),
            Says::Errno => by_errno(code.parse().ok()?, phase),
            Says::Starting(reason) => Some(Verdict::while_starting(reason, phase)),
            Says::Verdict(verdict) => Some(verdict),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_matches_its_positive_sample_and_not_its_negative() {
        for (row, pattern) in TABLE.iter() {
            let decides = |sample| decide(row, pattern, sample, Phase::Starting);
            assert!(decides(row.positive).is_some(), "{}: {}", row.pattern, row.positive);
            assert!(decides(row.negative).is_none(), "{}: {}", row.pattern, row.negative);
        }
    }

    #[test]
    fn each_row_decides_its_positive_sample_although_others_stand_before_it() {
        for (row, pattern) in TABLE.iter() {
            let own = decide(row, pattern, row.positive, Phase::Starting);
            assert_eq!(
                Some(classify_output(row.positive, Phase::Starting)),
                own,
                "{}",
                row.positive
            );
        }
    }

    #[test]
    fn only_the_end_of_a_long_output_counts_and_no_character_is_cut() {
        let filler = "ö".repeat(OUTPUT_BYTES_MAX);
        let late = format!("{filler}\nHTTP 503");
        assert!(classify_output(&late, Phase::Steady).is_transient());
        let early = format!("HTTP 503\nx{filler}");
        assert_eq!(classify_output(&early, Phase::Steady).reason, Reason::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn no_output_panics(output in ".{0,200}") {
            classify_output(&output, Phase::Steady);
        }
    }
}
