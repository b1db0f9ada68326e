//! The `smile` program.

fn main() {}
