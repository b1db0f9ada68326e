//! One function a command.

mod check;
mod doctor;
mod explain;
mod generate;
mod init;
mod machine;
mod pages;
mod report;
mod run;

pub(crate) use check::check;
pub(crate) use doctor::doctor;
pub(crate) use explain::explain;
pub(crate) use generate::{completions, man, print_schema};
pub(crate) use init::init;
pub(crate) use report::report;
pub(crate) use run::run;
