//! The call protocol: one way to reach a sandbox, at every hop.
//!
//! [`frame`] is the length-prefixed JSON carriage, [`envelope`] what a frame says, [`call`] the two
//! sides of one call over one stream, and [`mux`] many such streams over one pipe. Everything is
//! generic over `AsyncRead + AsyncWrite` and knows no transport.

pub mod call;
pub mod envelope;
pub mod frame;
pub mod mux;

pub use call::{Call, CallEnd, Caller, Incoming, Responder};
pub use envelope::{CallError, Code, Event, Request};
