//! Checks that the workspace keeps its own rules, and measures it.

mod arrows;
mod bench;
mod length;
mod schema;
mod test;
mod tool;

use std::process::ExitCode;

use anyhow::bail;

const USAGE: &str = "usage: cargo xtask COMMAND

  test      install what the tests need on a bare Debian machine, then run every check and every
            test; what CI runs
  check     format, lints, arrows between crates, file lengths, generated files
  schema    write docs/schema/ anew
  bench     measure against bash, fork+exec and bwrap, and print the table";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tool::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::run(),
        ["check"] => check(),
        ["schema"] => schema::write(),
        ["bench"] => bench::run(),
        _ => bail!("{USAGE}"),
    }
}

fn check() -> anyhow::Result<()> {
    tool::run("cargo", &["fmt", "--all", "--check"])?;
    arrows::check()?;
    length::check()?;
    tool::run("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    schema::check()?;
    tool::say("all checks passed");
    Ok(())
}
