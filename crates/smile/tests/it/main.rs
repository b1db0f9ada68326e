//! The real program, run as people run it.
#![expect(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test that cannot go on has failed, and its texts are short"
)]

mod behaviour;
mod commands;
mod configuration;
mod desk;
mod end;
mod input;
mod machine;
mod samples;
mod several;
