//! Running other programs, and the only place that prints.
#![expect(clippy::print_stdout, reason = "a program for developers prints what it finds")]

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, bail};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Prints a line.
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Runs a program in the workspace; its failure is ours.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    say(&format!("$ {program} {}", arguments.join(" ")));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .with_context(|| format!("could not start `{program}`"))?;
    if !status.success() {
        bail!("`{program} {}` failed", arguments.join(" "));
    }
    Ok(())
}

/// Runs a program in the workspace and gives what it prints.
pub(crate) fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .with_context(|| format!("could not start `{program}`"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("`{program} {}` failed: {why}", arguments.join(" "));
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}
