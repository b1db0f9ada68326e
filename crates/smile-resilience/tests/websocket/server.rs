//! A server as the product's is meant to be: a journal of events, and requests counted once.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use smile_resilience::websocket::Stream;
use smile_resilience::websocket::wire::{Event, FromClient, FromServer, Hello, Request};
use smile_resilience::{Delivery, Ordered};
use tokio::sync::watch;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Error, Message};

/// How many requests may come early.
const EARLY_MAX: usize = 1_024;
/// How many events are written before the server listens again.
const BATCH: u64 = 16;

/// What outlives every connection.
#[derive(Debug, Clone)]
pub(crate) struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    epoch: String,
    /// The number of the newest event; events carry their number.
    newest: watch::Sender<u64>,
    clients: Mutex<HashMap<String, Ordered<Request>>>,
    received: watch::Sender<Vec<u64>>,
}

impl Server {
    pub(crate) fn new(epoch: &str) -> Self {
        Self(Arc::new(Shared {
            epoch: epoch.to_owned(),
            newest: watch::Sender::new(0),
            clients: Mutex::new(HashMap::new()),
            received: watch::Sender::new(Vec::new()),
        }))
    }

    /// Lets events happen up to this number.
    pub(crate) fn publish(&self, newest: u64) {
        self.0.newest.send_replace(newest);
    }

    /// The payloads of all requests, in the order in which they were carried out.
    pub(crate) fn received(&self) -> watch::Receiver<Vec<u64>> {
        self.0.received.subscribe()
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(self, stream: impl Stream + 'static) -> Result<(), Error> {
        let Self(shared) = self;
        let (mut sink, mut messages) = accept_async(stream).await?.split();
        let Some(FromClient::Hello(hello)) = next(&mut messages).await? else { return Ok(()) };
        let client = hello.client_id.unwrap_or_default();
        let newest = *shared.newest.borrow();
        let last_ack = {
            let mut clients = shared.clients.lock();
            let new = || Ordered::after(hello.last_ack, EARLY_MAX);
            clients.entry(client.clone()).or_insert_with(new).last()
        };
        let same = hello.epoch.as_ref().is_none_or(|epoch| *epoch == shared.epoch);
        let mut told = if same { hello.last_seq } else { 0 };
        let greeting = Hello {
            epoch: Some(shared.epoch.clone()),
            last_seq: newest,
            last_ack,
            client_id: None,
        };
        sink.send(text(&FromServer::Hello(greeting))).await?;
        let mut news = shared.newest.subscribe();
        loop {
            let newest = *news.borrow_and_update();
            tokio::select! {
                biased; // Requests first: events are plenty.
                request = next(&mut messages) => {
                    let Some(FromClient::Request(request)) = request? else { return Ok(()) };
                    let ack = shared.carry_out(&client, request);
                    sink.send(text(&FromServer::Ack(ack))).await?;
                }
                () = std::future::ready(()), if told < newest => {
                    for seq in told + 1..=newest.min(told + BATCH) {
                        sink.feed(text(&FromServer::Event(event(seq)))).await?;
                        told = seq;
                    }
                    sink.flush().await?;
                }
                Ok(()) = news.changed() => {}
            }
        }
    }
}

impl Shared {
    /// Counts a request once and in order; gives the number up to which all have arrived.
    fn carry_out(&self, client: &str, request: Request) -> u64 {
        let mut clients = self.clients.lock();
        let order = clients.get_mut(client).expect("greeted");
        order.accept(request.seq, request);
        while let Some(delivery) = order.pop() {
            let Delivery::Item { item, .. } = delivery else { panic!("a request was lost") };
            let number = item.payload.as_u64().unwrap();
            self.received.send_modify(|received| received.push(number));
        }
        order.last()
    }
}

pub(crate) fn event(seq: u64) -> Event {
    Event { seq: Some(seq), event: "e".to_owned(), payload: seq.into() }
}

fn text(message: &FromServer) -> Message {
    Message::text(message.to_text())
}

async fn next(
    messages: &mut (impl futures::Stream<Item = Result<Message, Error>> + Unpin),
) -> Result<Option<FromClient>, Error> {
    while let Some(message) = messages.next().await {
        if let Message::Text(text) = message? {
            return Ok(Some(FromClient::parse(&text).expect("clients speak the protocol")));
        }
    }
    Ok(None)
}
