//! A WebSocket client that comes back and loses nothing.
//!
//! ```no_run
//! use smile_resilience::websocket::{Client, Incoming, Options};
//! use tokio::task::JoinSet;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, handle, mut events) = Client::new(Options::new("ws://127.0.0.1:3000/ws")?);
//! let cancel = CancellationToken::new();
//! let mut tasks = JoinSet::new();
//! tasks.spawn(client.run(cancel.clone())); // Connects, and connects again.
//!
//! let answer = serde_json::json!({"text": "use port 8081"});
//! let seq = handle.send("mentor_answer", answer)?; // Taken, or refused where the buffer is full.
//! handle.acknowledged(seq).await?; // The server has it.
//!
//! while let Some(incoming) = events.next().await {
//!     match incoming {
//!         Incoming::Event(event) => println!("{}: {}", event.event, event.payload),
//!         Incoming::Gap { from, to } => println!("events {from} to {to} cannot be had any more"),
//!         Incoming::Restarted { epoch, unsent } => println!("now following {epoch}, {unsent:?}"),
//!         Incoming::Unreadable { text } => println!("? {text}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What it promises, with a server that speaks [`wire`]:
//!
//! - **Each event once and in order**, over any number of reconnects: it asks for what follows the
//!   last one that it has, holds back what came early, drops what came again. What cannot be had
//!   any more is reported as a gap, and another history as a restart.
//! - **Each request counted once**: it is repeated after every reconnect until the server has
//!   acknowledged it, under the same number, by which the server drops repeats. A full buffer
//!   refuses, and the caller is told.
//! - **A dead link is noticed** within the heartbeat's interval and timeout, also where nobody
//!   closes it; only the answer to the latest ping counts.
//! - **It returns politely**: exponential pauses with jitter; attempts count from zero only after the
//!   server has answered and stayed; a `Retry-After` is never shortened; a refusal or close code
//!   that means "never" is the end ([`is_terminal`]).
//! - **Its state is visible** ([`Handle::status`]), and every wait ends at once on cancellation.
//!
//! A connection's own state lives and dies with it, so nothing that an old connection still had
//! to say reaches a new one; [`Status::generation`] counts them.
//!
//! TLS, Unix sockets and streams in memory come in through [`Options::with_dial`].

mod client;
mod dial;
mod ended;
mod handle;
mod link;
mod options;
mod outbox;
pub mod wire;

pub use client::Client;
pub use dial::{Dial, Dialing, Stream};
pub use ended::{Ended, is_terminal};
pub use handle::{Events, Handle, Incoming, SendError, Status};
pub use options::{Options, OptionsError};
