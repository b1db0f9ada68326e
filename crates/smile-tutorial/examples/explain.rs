//! Prints what each part of a page is taken for, and what the static reading finds:
//! `cargo run -p smile-tutorial --example explain -- FILE…`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::path::Path;

use smile_tutorial::{CheckContext, check, explain, parse};

fn main() -> Result<(), Box<dyn Error>> {
    for file in std::env::args().skip(1) {
        let tutorial = parse(&file, &std::fs::read(&file)?)?;
        println!("{file}: {} blocks, {} steps", tutorial.blocks.len(), tutorial.steps.len());
        if let Some(why) = &tutorial.reference {
            println!("  reference material: {why}");
        }
        for requirement in &tutorial.requirements {
            let version = requirement.version.as_deref().unwrap_or_default();
            println!(
                "  asks for {} {version} (line {})",
                requirement.name, requirement.lines.first
            );
        }
        for line in explain(&tutorial) {
            let indent = if line.inside { "    " } else { "  " };
            println!(
                "{indent}{}-{} {}: {}",
                line.lines.first, line.lines.last, line.what, line.why
            );
        }
        let folder = Path::new(&file).parent().unwrap_or(Path::new("."));
        let exists = |path: &str| Some(folder.join(path).exists());
        for finding in check(&tutorial, &CheckContext { exists: &exists }) {
            let lines: Vec<u32> = finding.locations.iter().map(|place| place.first_line).collect();
            println!(
                "  {:?} {:?} at {lines:?}: {}",
                finding.severity, finding.kind, finding.problem
            );
        }
    }
    Ok(())
}
