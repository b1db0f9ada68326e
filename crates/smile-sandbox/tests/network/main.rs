//! The user-space network on a real device, in namespaces of its own.

#![expect(clippy::unwrap_used, reason = "a test says by it what must hold")]

mod flows;
mod names;
mod refusals;
mod world;
