//! Prints what each part of a page is taken for: `cargo run -p smile-tutorial --example explain -- FILE`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    for file in std::env::args().skip(1) {
        let bytes = std::fs::read(&file)?;
        let tutorial = smile_tutorial::parse(&file, &bytes)?;
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
        for line in smile_tutorial::explain(&tutorial) {
            let indent = if line.inside { "    " } else { "  " };
            println!(
                "{indent}{}-{} {}: {}",
                line.lines.first, line.lines.last, line.what, line.why
            );
        }
    }
    Ok(())
}
