//! A scripted far end in memory, for tests on paused time.

use std::io;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use smile_resilience::websocket::wire::{Event, FromClient, FromServer, Hello, Request};
use smile_resilience::websocket::{
    Client, Dial, Dialing, Ended, Events, Handle, Incoming, Options, Status,
};
use smile_resilience::{ConnectionState, Random, ResiliencyConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};
use tokio_util::sync::CancellationToken;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const NOTHING: Duration = Duration::ZERO;
/// On paused time, what never comes would be waited for in a hot loop.
const PATIENCE: Duration = Duration::from_hours(2);
pub(crate) const ADDRESS: &str = "ws://peer/ws";

/// Hands the far end of each stream to the test; refused once nobody takes them.
#[derive(Debug)]
pub(crate) struct Memory(mpsc::Sender<DuplexStream>);

impl Dial for Memory {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async {
            let (near, far) = tokio::io::duplex(64 * 1024);
            self.0
                .send(far)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(near) as _)
        })
    }
}

/// A running client and the far ends of what it dials.
pub(crate) struct Bench {
    pub(crate) handle: Handle,
    pub(crate) events: Events,
    pub(crate) streams: mpsc::Receiver<DuplexStream>,
    pub(crate) cancel: CancellationToken,
    tasks: JoinSet<Ended>,
}

pub(crate) fn options() -> (Options, mpsc::Receiver<DuplexStream>) {
    let (sender, streams) = mpsc::channel(1);
    let options = Options::with_dial(ADDRESS, Memory(sender)).unwrap();
    (options.with_random(Random::fixed(0.0)), streams)
}

pub(crate) fn start() -> Bench {
    start_with(|options| options)
}

pub(crate) fn start_limited(max_reconnect_attempts: u32) -> Bench {
    let config = ResiliencyConfig {
        max_reconnect_attempts: Some(max_reconnect_attempts),
        ..ResiliencyConfig::default()
    };
    start_with(|options| options.with_config(config).unwrap())
}

pub(crate) fn start_with(change: impl FnOnce(Options) -> Options) -> Bench {
    let (options, streams) = options();
    let (client, handle, events) = Client::new(change(options));
    let cancel = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(client.run(cancel.clone()));
    Bench { handle, events, streams, cancel, tasks }
}

impl Bench {
    /// The next connection, after its handshake.
    pub(crate) async fn accept(&mut self) -> Peer {
        let stream = timeout(PATIENCE, self.streams.recv()).await;
        let stream = stream.expect("it did not connect").unwrap();
        Peer(accept_async(stream).await.unwrap())
    }

    /// The next connection, greeted as a server that has made `last_seq` events.
    pub(crate) async fn greet(&mut self, last_seq: u64, last_ack: u64) -> (Peer, Hello) {
        let mut peer = self.accept().await;
        let hello = peer.hello("run", last_seq, last_ack).await;
        (peer, hello)
    }

    /// Answers the next handshake with this HTTP status.
    pub(crate) async fn refuse(&mut self, status: &str) {
        let mut stream = self.streams.recv().await.unwrap();
        let mut request = vec![0; 4_096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    pub(crate) async fn wait_for(&self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let mut status = self.handle.status();
        let reached = timeout(PATIENCE, status.wait_for(wanted)).await;
        reached.expect("the state never came").unwrap().clone()
    }

    pub(crate) async fn wait_connected(&self, generation: u32) -> Status {
        self.wait_for(|status| {
            status.state == ConnectionState::Connected && status.generation == generation
        })
        .await
    }

    pub(crate) async fn ended(&mut self) -> Ended {
        self.tasks.join_next().await.unwrap().unwrap()
    }

    pub(crate) async fn next_event(&mut self) -> Event {
        match self.events.next().await {
            Some(Incoming::Event(event)) => event,
            other => panic!("no event but {other:?}"),
        }
    }
}

/// The far end of one connection.
pub(crate) struct Peer(WebSocketStream<DuplexStream>);

impl Peer {
    /// Exchanges greetings.
    pub(crate) async fn hello(&mut self, epoch: &str, last_seq: u64, last_ack: u64) -> Hello {
        let FromClient::Hello(hello) = self.next().await else { panic!("no greeting") };
        let epoch = Some(epoch.to_owned());
        self.send(FromServer::Hello(Hello { epoch, last_seq, last_ack, client_id: None })).await;
        hello
    }

    pub(crate) async fn send(&mut self, message: FromServer) {
        self.text(&message.to_text()).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Sends a message of so many bytes, as far as it goes.
    pub(crate) async fn overflow(&mut self, bytes: usize) {
        let refused = self.0.send(Message::text("x".repeat(bytes))).await;
        assert!(refused.is_err(), "the client leaves before all of it is there");
    }

    pub(crate) async fn pong(&mut self, payload: &[u8]) {
        self.0.send(Message::Pong(payload.to_vec().into())).await.unwrap();
    }

    pub(crate) async fn event(&mut self, seq: u64) {
        self.send(FromServer::Event(event(seq))).await;
    }

    /// The next message that is not a heartbeat; heartbeats are answered.
    pub(crate) async fn next(&mut self) -> FromClient {
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                return FromClient::parse(&text).unwrap();
            }
        }
    }

    pub(crate) async fn request(&mut self) -> Request {
        match self.next().await {
            FromClient::Request(request) => request,
            FromClient::Hello(hello) => panic!("a second greeting: {hello:?}"),
        }
    }

    /// Answers heartbeats until the client goes, or for so long.
    pub(crate) async fn stay(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while let Ok(Some(Ok(_message))) = timeout_at(until, self.0.next()).await {}
    }

    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "because".into() };
        self.0.close(Some(frame)).await.unwrap();
    }
}

pub(crate) fn event(seq: u64) -> Event {
    Event { seq: Some(seq), event: "step_output".to_owned(), payload: seq.into() }
}
