//! The small agent inside every sandbox: sessions, commands, files, processes.
//!
//! [`run_on_socket`] is the guest itself, [`client`] the host's way to it, [`message`] what they
//! say to each other, and [`sudo_main`] the `sudo` of images that have none.

mod changes;
pub mod client;
mod exec;
mod files;
pub mod message;
mod output;
mod ports;
mod process;
mod question;
mod reaper;
mod run;
mod serve;
mod session;
mod sudo;
mod visit;
mod waiting;

pub use serve::{Options, run_on_socket, serve};
pub use sudo::sudo_main;
