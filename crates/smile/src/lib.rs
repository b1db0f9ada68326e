//! The `smile` program: flags, settings, printing, exit codes.
//!
//! [`main`] is everything; the same file is also the guest inside a sandbox and its `sudo`.

mod backend;
mod cli;
mod command;
mod config;
mod failure;
mod output;
mod signal;
mod terminal;

use std::{
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::Path,
    process::ExitCode,
};

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
};

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "sudo") {
        return smile_guest::sudo_main(arguments);
    }
    // Not for people, and on the way to every sandbox: no time is spent on a command line.
    if arguments.next().is_some_and(|first| first.as_bytes() == b"__sandbox") {
        smile_sandbox::native::helper_main(guest);
    }
    match run(Cli::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// The first process of a sandbox; its result is the sandbox's exit code.
fn guest(stream: OwnedFd) -> i32 {
    let options = smile_guest::Options { folder: "/run/smile".into() };
    i32::from(smile_guest::run_on_socket(stream, options).is_err())
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(arguments) => command::run(&arguments),
        Command::Check(arguments) => command::check(&arguments),
        Command::Explain(arguments) => command::explain(&arguments),
        Command::Report(arguments) => command::report(&arguments),
        Command::Init(arguments) => command::init(&arguments),
        Command::Doctor(arguments) => command::doctor(&arguments),
        Command::Completions { shell } => command::completions(shell),
        Command::Man { output_dir } => command::man(output_dir.as_deref()),
        Command::Schema { name } => command::print_schema(name),
    }
}
