//! What the crate promises, seen from outside.

mod budget;
mod classifier;
mod logs;
mod messages;
mod retry;
