//! Sandboxes: the trait, the specification, and the backends.

pub mod network;
mod spec;

pub use spec::{Base, Limits, Network, SandboxSpec, Share};
