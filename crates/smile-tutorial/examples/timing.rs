//! Prints how long a page of the largest size takes:
//! `cargo run --release -p smile-tutorial --example timing`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(
    clippy::disallowed_types,
    reason = "there is no runtime here whose clock could be paused"
)]

use std::error::Error;
use std::time::Instant;

use smile_tutorial::{CheckContext, TEXT_BYTES_MAX, check, parse};

/// A page of sections with text, commands, outputs and files.
fn page() -> String {
    let mut page = "# A long page\n".to_owned();
    for number in 0.. {
        let section = format!(
            "\n## Part {number}\n\nFirst, create a file named `part{number}.txt` with the following contents:\n\n\
             ```text\nline one\nline two\n```\n\nThen run `cat part{number}.txt` and open \
             http://localhost:8000/. Run the rest:\n\n```console\n$ wc -l part{number}.txt\n2 part{number}.txt\n\
             $ cat part{number}.txt | sort > sorted\n```\n\nYou should see:\n\n```output\nline one\n```\n"
        );
        if page.len() + section.len() > TEXT_BYTES_MAX {
            break;
        }
        page.push_str(&section);
    }
    page
}

fn main() -> Result<(), Box<dyn Error>> {
    let page = page();
    for _ in 0..5 {
        let start = Instant::now();
        let tutorial = parse("page.md", page.as_bytes())?;
        let parsed = start.elapsed();
        let findings = check(&tutorial, &CheckContext { exists: &|_| None });
        let total = start.elapsed();
        println!(
            "{} bytes, {} steps, {} findings: parsed in {parsed:?}, parsed and checked in {total:?}",
            page.len(),
            tutorial.steps.len(),
            findings.len()
        );
    }
    Ok(())
}
