//! The loop against a stage: pages as Markdown, a sandbox played by a function.

mod behaviour;
mod findings;
mod folding;
mod machine;
mod properties;
mod stage;
