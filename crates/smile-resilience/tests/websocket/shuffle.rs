//! A proxy that harms whole messages: it repeats some and lets others overtake.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use smile_resilience::Random;
use smile_resilience::websocket::Stream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

/// How many messages are held back at once.
const HELD_MAX: usize = 8;
/// How many messages may overtake another.
const OVERTAKEN_MAX: u64 = 100;

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Harms {
    pub(crate) repeated: AtomicU64,
    pub(crate) overtaken: AtomicU64,
}

/// Stands between two ends that speak WebSocket, until one of them goes.
pub(crate) async fn shuffle<C: Stream, S: Stream>(
    client: C,
    server: S,
    seed: u64,
    harms: &Harms,
) -> Result<(), Error> {
    let client = accept_async(client).await?;
    let (server, _response) = client_async("ws://server/ws", server).await?;
    let (to_client, from_client) = client.split();
    let (to_server, from_server) = server.split();
    tokio::select! {
        end = pass(from_client, to_server, Random::seeded(seed), harms) => end,
        end = pass(from_server, to_client, Random::seeded(!seed), harms) => end,
    }
}

async fn pass<R: Stream, W: Stream>(
    mut from: SplitStream<WebSocketStream<R>>,
    mut to: SplitSink<WebSocketStream<W>, Message>,
    mut random: Random,
    harms: &Harms,
) -> Result<(), Error> {
    // The greeting keeps its place: it is what a connection begins with.
    let Some(greeting) = from.next().await else { return Ok(()) };
    to.send(greeting?).await?;
    let mut held: VecDeque<(u64, Message)> = VecDeque::new();
    let mut passed = 0;
    loop {
        passed += 1;
        while let Some((_, late)) = held.pop_front_if(|(since, _)| passed - *since > OVERTAKEN_MAX)
        {
            to.feed(late).await?;
        }
        let patience = Duration::from_millis(if held.is_empty() { 60_000 } else { 1 });
        match tokio::time::timeout(patience, from.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(message)) => match message? {
                message @ Message::Text(_) => match random.bits() % 10 {
                    0 if held.len() < HELD_MAX => held.push_back((passed, message)),
                    1 => {
                        harms.repeated.fetch_add(1, Ordering::Relaxed);
                        to.feed(message.clone()).await?;
                        to.send(message).await?;
                    }
                    2 => {
                        to.feed(message).await?;
                        if let Some((_, late)) = held.pop_back() {
                            harms.overtaken.fetch_add(1, Ordering::Relaxed);
                            to.feed(late).await?;
                        }
                        to.flush().await?;
                    }
                    _ => to.send(message).await?,
                },
                Message::Close(_) => return Ok(()),
                _heartbeat => {}
            },
            Err(_idle) => {
                while let Some((_, late)) = held.pop_front() {
                    to.feed(late).await?;
                }
                to.flush().await?;
            }
        }
    }
}
