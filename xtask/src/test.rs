//! `cargo xtask test`: everything that must hold before something lands, on a bare machine.

use std::{
    path::Path,
    process::{Command, ExitCode},
    time::SystemTime,
};

use crate::say;

/// Programs that tests use beside Rust, and the Debian package of each.
const PROGRAMS: [(&str, &str); 8] = [
    ("bwrap", "bubblewrap"),
    ("newuidmap", "uidmap"),
    ("busybox", "busybox-static"),
    ("python3", "python3"),
    ("curl", "curl"),
    ("make", "make"),
    ("script", "bsdutils"),
    ("ip", "iproute2"),
];

/// A named step; the error says what to look at.
type Step = (&'static str, fn() -> Result<(), String>);

/// Runs all steps in order and stops at the first that fails.
pub(crate) fn run() -> ExitCode {
    let steps: [Step; 7] = [
        ("packages", packages),
        ("format", || cargo(&["fmt", "--all", "--check"])),
        ("lints", || {
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        }),
        ("docs", docs),
        ("dependencies", dependencies),
        ("build", || cargo(&["build", "--release", "--locked", "--package", "smile"])),
        ("tests", || cargo(&["test", "--workspace", "--locked", "--no-fail-fast"])),
    ];
    for (name, step) in steps {
        say(&format!("== {name}"));
        let start = SystemTime::now();
        if let Err(error) = step() {
            say(&format!("== {name} FAILED: {error}"));
            return ExitCode::FAILURE;
        }
        let seconds = start.elapsed().map_or(0, |elapsed| elapsed.as_secs());
        say(&format!("== {name} passed in {seconds} s"));
    }
    ExitCode::SUCCESS
}

fn packages() -> Result<(), String> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() || !rooted() {
        return Err(format!("missing: {}; install them as root and try again", missing.join(" ")));
    }
    execute(Command::new("apt-get").args(["update", "-qq"]))?;
    execute(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn docs() -> Result<(), String> {
    execute(
        Command::new(env!("CARGO"))
            .args(["doc", "--workspace", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn dependencies() -> Result<(), String> {
    if !on_path("cargo-deny") {
        // For the host itself: the workspace's own target and flags are not the tool's.
        execute(
            Command::new(env!("CARGO"))
                .args(["install", "cargo-deny", "--locked", "--quiet"])
                .current_dir("/"),
        )?;
    }
    cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"])
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    execute(Command::new(env!("CARGO")).args(arguments))
}

fn execute(command: &mut Command) -> Result<(), String> {
    let name = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name}` ended with {status}")),
        Err(error) => Err(format!("`{name}` could not be started: {error}")),
    }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }) || Path::new("/usr/sbin").join(program).is_file()
}

fn rooted() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
