//! The guest as a program of its own: `smile-guest FOLDER` with a socket as its standard input,
//! or `smile-guest sudo …`. The `smile` program holds the same; this one is for tests and for
//! sandboxes that need the guest only.

use std::{ffi::OsString, os::fd::AsFd, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("sudo".as_ref()) {
        return smile_guest::sudo_main(arguments);
    }
    let folder = first.unwrap_or_else(|| OsString::from("/run/smile")).into();
    let served = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|socket| smile_guest::run_on_socket(socket, smile_guest::Options { folder }));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE, // Nobody reads this process's output.
    }
}
