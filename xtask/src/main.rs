//! The workspace's own commands: `cargo xtask test` passes every test on a bare Debian machine.

mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test        installs what the tests need (Debian packages, cargo-deny), then runs every check
              and every test; what CI runs
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("help" | "--help" | "-h") => {
            say(USAGE);
            ExitCode::SUCCESS
        }
        _ => {
            say(USAGE);
            ExitCode::from(2)
        }
    }
}

/// The one place of this program that prints.
#[expect(clippy::print_stderr, reason = "a command for developers: standard output is the tests'")]
fn say(text: &str) {
    eprintln!("{text}");
}
