//! Steps as test cases: JUnit XML, as build servers read it.

use std::io;

use quick_xml::{Writer, events::BytesDecl, events::BytesText, events::Event};
use smile_loop::{FailOn, Gap, kind_name};

use crate::{
    Followed,
    case::{Case, Verdict, cases, one_line, told},
    text::machine,
};

/// The end of an output is kept; the JSON report has more.
const OUTPUT_CHARACTERS_MAX: usize = 4_000;

/// One suite a tutorial and one case a step, with a final newline. Gaps that `fail_on` counts are
/// failures; lighter ones stand in the case's output.
///
/// # Panics
///
/// Never: writing to memory does not fail.
pub fn junit(followed: &[Followed<'_>], fail_on: FailOn) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    document(&mut writer, followed, fail_on).expect("writing to memory does not fail");
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("only text was written")
}

type Xml = Writer<Vec<u8>>;

fn document(writer: &mut Xml, followed: &[Followed<'_>], fail_on: FailOn) -> io::Result<()> {
    let suites: Vec<(&Followed<'_>, Vec<Case<'_>>)> =
        followed.iter().map(|page| (page, cases(page, fail_on))).collect();
    let all = Tally::of(suites.iter().flat_map(|(_, cases)| cases));
    let total = followed.iter().map(|page| page.record.duration_ms).sum();
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .with_attribute(("name", "SMILE"))
        .with_attributes(all.attributes().iter().map(|(name, value)| (*name, value.as_str())))
        .with_attribute(("time", seconds(total).as_str()))
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|(page, cases)| suite(writer, page, cases))
        })?;
    Ok(())
}

fn suite(writer: &mut Xml, page: &Followed<'_>, cases: &[Case<'_>]) -> io::Result<()> {
    let record = page.record;
    let file = one_line(page.file);
    writer
        .create_element("testsuite")
        .with_attribute(("name", file.as_str()))
        .with_attribute(("file", file.as_str()))
        .with_attribute(("timestamp", one_line(&record.started_at).as_str()))
        .with_attributes(
            Tally::of(cases).attributes().iter().map(|(name, value)| (*name, value.as_str())),
        )
        .with_attribute(("time", seconds(record.duration_ms).as_str()))
        .write_inner_content(|writer| {
            let properties = [
                ("run", &record.run_id),
                ("smile", &record.smile_version),
                ("sandbox", &record.sandbox),
                ("persona", &record.persona),
            ];
            writer.create_element("properties").write_inner_content(|writer| {
                properties.iter().try_for_each(|(name, value)| {
                    writer
                        .create_element("property")
                        .with_attribute(("name", *name))
                        .with_attribute(("value", one_line(value).as_str()))
                        .write_empty()
                        .map(drop)
                })
            })?;
            cases.iter().try_for_each(|case| testcase(writer, &file, case))
        })
        .map(drop)
}

fn testcase(writer: &mut Xml, file: &str, case: &Case<'_>) -> io::Result<()> {
    let name = match case.lines {
        Some(lines) => format!("line {}: {}", lines.first, case.name),
        None => case.name.clone(),
    };
    let line = case.lines.map(|lines| lines.first.to_string());
    let mut element = writer
        .create_element("testcase")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("classname", file))
        .with_attribute(("file", file));
    if let Some(line) = &line {
        element = element.with_attribute(("line", line.as_str()));
    }
    element
        .with_attribute(("time", seconds(case.duration_ms).as_str()))
        .write_inner_content(|writer| {
            let mut remarks = String::new();
            match &case.verdict {
                Verdict::Passed(gaps) => remarks = told_all(gaps),
                Verdict::Failed(gaps) => {
                    let first = gaps.first();
                    let message = first.map(|gap| one_line(&gap.problem)).unwrap_or_default();
                    let kind = first.map(|gap| kind_name(gap.kind)).unwrap_or_default();
                    writer
                        .create_element("failure")
                        .with_attribute(("message", message.as_str()))
                        .with_attribute(("type", kind.as_str()))
                        .write_text_content(BytesText::new(&told_all(gaps)))?;
                }
                Verdict::Skipped(why) => {
                    writer
                        .create_element("skipped")
                        .with_attribute(("message", why.as_str()))
                        .write_empty()?;
                }
                Verdict::Inconclusive(why) => {
                    writer
                        .create_element("error")
                        .with_attribute(("message", why.as_str()))
                        .with_attribute(("type", "inconclusive"))
                        .write_empty()?;
                }
            }
            let output = remarks + &tail(&case.output);
            if !output.trim().is_empty() {
                writer.create_element("system-out").write_text_content(BytesText::new(&output))?;
            }
            Ok(())
        })
        .map(drop)
}

fn told_all(gaps: &[&Gap]) -> String {
    gaps.iter().fold(String::new(), |mut text, gap| {
        text.push_str(&told(gap));
        text.push_str(&format_id(gap));
        text
    })
}

fn format_id(gap: &Gap) -> String {
    let severity = match gap.severity {
        smile_tutorial::Severity::Critical => "critical",
        smile_tutorial::Severity::Major => "major",
        smile_tutorial::Severity::Minor => "minor",
    };
    format!("\n\n{severity} · {}\n\n", machine(&gap.id))
}

fn tail(output: &str) -> String {
    let output = output.trim_end();
    let length = output.chars().count();
    if length <= OUTPUT_CHARACTERS_MAX {
        return output.to_owned();
    }
    let kept: String = output.chars().skip(length - OUTPUT_CHARACTERS_MAX).collect();
    format!("…\n{kept}")
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Tally {
    fn of<'a, 'b: 'a>(cases: impl IntoIterator<Item = &'a Case<'b>>) -> Self {
        cases.into_iter().fold(Self::default(), |mut tally, case| {
            tally.tests += 1;
            match case.verdict {
                Verdict::Passed(_) => {}
                Verdict::Failed(_) => tally.failures += 1,
                Verdict::Skipped(_) => tally.skipped += 1,
                Verdict::Inconclusive(_) => tally.errors += 1,
            }
            tally
        })
    }

    fn attributes(self) -> [(&'static str, String); 4] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("skipped", self.skipped.to_string()),
        ]
    }
}
