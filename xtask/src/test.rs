//! `cargo xtask test`: everything that must hold before something lands, on a bare machine.

use std::{path::Path, process::Command, time::SystemTime};

use anyhow::{Context as _, bail};

use crate::{check, tool};

/// Programs that tests use beside Rust, and the Debian package of each.
const PROGRAMS: [(&str, &str); 9] = [
    ("bwrap", "bubblewrap"),
    ("newuidmap", "uidmap"),
    ("busybox", "busybox-static"),
    ("python3", "python3"),
    ("git", "git"),
    ("curl", "curl"),
    ("make", "make"),
    ("setpriv", "util-linux"),
    ("ip", "iproute2"),
];

/// A named step.
type Step = (&'static str, fn() -> anyhow::Result<()>);

/// Runs all steps in order and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let steps: [Step; 6] = [
        ("packages", packages),
        ("checks", check),
        ("documentation", documentation),
        ("dependencies", dependencies),
        ("main job", main_job),
        ("tests", || tool::run("cargo", &["test", "--workspace", "--locked", "--no-fail-fast"])),
    ];
    for (name, step) in steps {
        tool::say(&format!("== {name}"));
        let start = SystemTime::now();
        step().with_context(|| format!("the step `{name}` did not pass"))?;
        let seconds = start.elapsed().map_or(0, |elapsed| elapsed.as_secs());
        tool::say(&format!("== {name}: {seconds} s"));
    }
    Ok(())
}

/// Installs missing programs where this is a Debian machine and we are root.
fn packages() -> anyhow::Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let root = tool::output("id", &["-u"])?.trim() == "0";
    if !root || !on_path("apt-get") {
        bail!("the tests need `{}`: install them, then try again", missing.join(" "));
    }
    tool::run("apt-get", &["update", "-qq"])?;
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(&missing);
    tool::run("apt-get", &install)
}

/// The documentation builds without a warning.
fn documentation() -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["doc", "--workspace", "--no-deps", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(tool::root())
        .status()
        .context("could not start `cargo doc`")?;
    if !status.success() {
        bail!("`cargo doc` failed");
    }
    Ok(())
}

/// Licences, sources and banned crates. Advisories need the network and are a matter of `cargo deny
/// check advisories` where there is one.
fn dependencies() -> anyhow::Result<()> {
    if !on_path("cargo-deny") {
        // Outside the workspace: its target and flags are not the tool's.
        let status = Command::new("cargo")
            .args(["install", "cargo-deny", "--locked", "--quiet"])
            .current_dir("/")
            .status()
            .context("could not start `cargo install`")?;
        if !status.success() {
            bail!("`cargo install cargo-deny` failed");
        }
    }
    let check = ["deny", "--log-level", "error", "check", "bans", "licenses", "sources"];
    tool::run("cargo", &check)
}

/// The README's first command, as it stands there: the sample has gaps, so it ends with 1.
fn main_job() -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--release", "--locked", "--", "run", "examples/todo-list/tutorial.md"])
        .current_dir(tool::root())
        .status()
        .context("could not start `cargo run`")?;
    if status.code() != Some(1) {
        bail!("the main job ended with {status}, not with 1 for the gaps of the sample");
    }
    for report in ["smile-report.md", "smile-report.json", "smile-audit.log"] {
        if !tool::root().join(report).is_file() {
            bail!("the main job left no `{report}`");
        }
    }
    Ok(())
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }) || Path::new("/usr/sbin").join(program).is_file()
}
