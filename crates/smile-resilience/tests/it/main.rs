//! What the crate promises, seen from outside.

mod budget;
mod classifier;
mod messages;
mod retry;
