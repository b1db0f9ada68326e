//! The WebSocket client against peers that behave badly.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test itself does")]

mod behaviour;
mod endings;
mod faults;
mod peer;
mod proxy;
mod server;
mod shuffle;
