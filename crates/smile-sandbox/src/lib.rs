//! Sandboxes: the trait, the specification, and the backends.

mod spec;

pub use spec::{Base, Limits, Network, SandboxSpec, Share};
