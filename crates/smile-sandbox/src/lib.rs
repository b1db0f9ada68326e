//! Sandboxes: the trait, the specification, and the backends.

mod error;
pub mod native;
pub mod network;
mod sandbox;
mod spec;

pub use error::StartError;
pub use sandbox::{Backend, BoxFuture, GuestStream, Probe, Sandbox, StartFacts, Stopped, Stream};
pub use spec::{Base, Limits, Network, SandboxSpec, Share};
