//! Checks that the workspace keeps its own rules.

fn main() {}
