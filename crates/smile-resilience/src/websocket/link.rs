//! One connection, from dialling to its end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use futures::{FutureExt, Sink, SinkExt, Stream as _};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::dial::Stream;
use super::ended::{Ended, is_terminal};
use super::handle::Incoming;
use super::wire::{FromClient, FromServer, Hello};
use crate::http;
use crate::order::{Arrival, Delivery};
use crate::verdict::{Retry, Verdict};

type Socket = WebSocketStream<Box<dyn Stream>>;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// For good.
    Ended(Ended),
    /// Another is made after a pause of at least `floor`.
    Lost { cause: String, floor: Duration },
    /// Another is made at once: a new one is the cure.
    AtOnce { cause: String },
}

impl End {
    fn lost(cause: impl Into<String>) -> Self {
        Self::Lost { cause: cause.into(), floor: Duration::ZERO }
    }
}

/// The state of one connection. Nothing of it outlives the connection, so that what an old one
/// still had to say cannot reach a new one.
pub(super) struct Link<'a> {
    client: &'a mut Client,
    answered: bool,
    answer_by: Instant,
    stable_at: Option<Instant>,
    ping_at: Instant,
    ping: u64,
    pong_by: Option<Instant>,
    hole_until: Option<Instant>,
    /// Hello and pings, written before any request.
    control: VecDeque<Message>,
    unflushed: bool,
}

/// What the socket did.
enum Progress {
    Wrote,
    Read(Option<Result<Message, Error>>),
}

impl<'a> Link<'a> {
    pub(super) fn new(client: &'a mut Client) -> Self {
        let now = Instant::now();
        client.shared.outbox.lock().rewind();
        Self {
            answered: false,
            answer_by: now + client.options.answer_within,
            stable_at: None,
            ping_at: now + client.options.config.heartbeat_interval,
            ping: 0,
            pong_by: None,
            hole_until: None,
            control: VecDeque::new(),
            unflushed: false,
            client,
        }
    }

    /// Runs the connection to its end, and says whether the server had answered.
    pub(super) async fn run(mut self, cancel: &CancellationToken) -> (End, bool) {
        let connecting = timeout_at(self.answer_by, self.connect());
        let end = match cancel.run_until_cancelled(connecting).await {
            None => End::Ended(Ended::Cancelled),
            Some(Err(_elapsed)) => End::lost("the server did not answer in time"),
            Some(Ok(Err(end))) => end,
            Some(Ok(Ok(mut socket))) => {
                self.greet();
                match self.talk(&mut socket, cancel).await {
                    Ok(never) => match never {},
                    Err(end) => end,
                }
            }
        };
        (end, self.answered)
    }

    async fn connect(&self) -> Result<Socket, End> {
        let options = &self.client.options;
        let address = options.address(self.client.epoch.as_deref(), self.client.order.last());
        let mut request = address
            .into_client_request()
            .map_err(|error| End::Ended(Ended::Protocol { reason: error.to_string() }))?;
        request.headers_mut().extend(options.headers.clone());
        let stream = options.dial.dial().await.map_err(|error| End::lost(error.to_string()))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(options.message_bytes_max))
            .max_frame_size(Some(options.message_bytes_max));
        let connected = client_async_with_config(request, stream, Some(config)).await;
        connected.map(|(socket, _response)| socket).map_err(|error| refused(&error))
    }

    fn greet(&mut self) {
        let hello = Hello {
            epoch: self.client.epoch.clone(),
            last_seq: self.client.order.last(),
            last_ack: self.client.shared.outbox.lock().settled(),
            client_id: Some(self.client.options.client_id.clone()),
        };
        self.control.push_back(Message::text(FromClient::Hello(hello).to_text()));
    }

    async fn talk(
        &mut self,
        socket: &mut Socket,
        cancel: &CancellationToken,
    ) -> Result<std::convert::Infallible, End> {
        let events = self.client.events.clone();
        let shared = Arc::clone(&self.client.shared);
        loop {
            let wake_at = self.next_deadline();
            let readable = self.client.pending.is_empty();
            let writable = self.has_work();
            tokio::select! {
                biased; // Stop first; writing and time cannot starve reading, but it could them.
                () = cancel.cancelled() => {
                    // A word of farewell if it goes out at once; nobody waits for it.
                    let _farewell = socket.close(None).now_or_never();
                    return Err(End::Ended(Ended::Cancelled));
                }
                () = sleep_until(wake_at) => self.on_time(Instant::now())?,
                permit = events.reserve(), if !readable => {
                    match (permit, self.client.pending.pop_front()) {
                        (Ok(permit), Some(next)) => permit.send(next),
                        // The program does not want events: go on without them.
                        (Err(_closed), _) => self.client.pending.clear(),
                        (Ok(_permit), None) => {}
                    }
                    self.resume_reading();
                }
                progress = poll_fn(|context| self.poll(socket, context, readable, writable)) => {
                    match progress {
                        Progress::Wrote => {}
                        Progress::Read(Some(Ok(message))) => self.on_message(message, socket)?,
                        Progress::Read(Some(Err(error))) => return Err(broken(&error)),
                        Progress::Read(None) => return Err(End::lost("the connection was closed")),
                    }
                }
                () = shared.work.notified(), if !writable => {}
            }
        }
    }

    fn next_deadline(&self) -> Instant {
        let answer_by = (!self.answered).then_some(self.answer_by);
        [answer_by, self.stable_at, self.pong_by, self.hole_until]
            .into_iter()
            .flatten()
            .fold(self.ping_at, Instant::min)
    }

    fn has_work(&self) -> bool {
        self.unflushed
            || !self.control.is_empty()
            || (self.answered && self.client.shared.outbox.lock().has_next())
    }

    fn on_time(&mut self, now: Instant) -> Result<(), End> {
        if !self.answered && now >= self.answer_by {
            return Err(End::lost("the server did not answer in time"));
        }
        if self.pong_by.is_some_and(|by| now >= by) {
            if self.client.pending.is_empty() {
                return Err(End::lost("no answer to the heartbeat"));
            }
            // Nothing is read while the program is behind, so nothing can be said about the link.
            self.pong_by = Some(now + self.client.options.config.heartbeat_timeout);
        }
        if self.stable_at.is_some_and(|at| now >= at) {
            self.stable_at = None;
            self.client.manager.connected();
            self.client.publish(|_status| ());
        }
        if now >= self.ping_at {
            self.ping_at = now + self.client.options.config.heartbeat_interval;
            if self.pong_by.is_none() {
                self.ping += 1;
                self.control.push_back(Message::Ping(self.ping.to_be_bytes().to_vec().into()));
                self.pong_by = Some(now + self.client.options.config.heartbeat_timeout);
            }
        }
        if self.hole_until.is_some_and(|until| now >= until) {
            self.on_hole()?;
        }
        Ok(())
    }

    /// Events are missing and do not come: asks for them by a new connection, once.
    fn on_hole(&mut self) -> Result<(), End> {
        self.hole_until = None;
        let Some((from, to)) = self.client.order.missing() else { return Ok(()) };
        if self.client.asked_again_for == Some(from) {
            tracing::warn!(from, to, "events cannot be had any more");
            self.client.order.give_up_missing();
            self.deliver();
            return Ok(());
        }
        self.client.asked_again_for = Some(from);
        Err(End::AtOnce { cause: format!("events {from} to {to} are missing") })
    }

    fn on_message(&mut self, message: Message, socket: &mut Socket) -> Result<(), End> {
        match message {
            Message::Text(text) => self.on_text(&text),
            Message::Pong(answer) => {
                // Only the answer to the latest question counts: an old one proves an old life.
                if answer[..] == self.ping.to_be_bytes() {
                    self.pong_by = None;
                }
                Ok(())
            }
            Message::Close(frame) => {
                let _answer = socket.flush().now_or_never();
                Err(closed(frame))
            }
            Message::Binary(bytes) => {
                self.unreadable(&String::from_utf8_lossy(&bytes));
                Ok(())
            }
            Message::Ping(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn on_text(&mut self, text: &Utf8Bytes) -> Result<(), End> {
        match FromServer::parse(text) {
            Ok(FromServer::Hello(hello)) => return self.on_hello(hello),
            Ok(FromServer::Ack(ack)) => self.acknowledge(ack),
            Ok(FromServer::Gap { from, to }) => {
                self.client.order.lost(from, to);
                self.deliver();
            }
            Ok(FromServer::Event(event)) => match event.seq {
                None => self.give(Incoming::Event(event)),
                Some(seq) => {
                    if self.client.order.accept(seq, event) == Arrival::Full {
                        return self.on_hole();
                    }
                    self.deliver();
                }
            },
            Err(_unknown) => self.unreadable(text),
        }
        Ok(())
    }

    fn on_hello(&mut self, hello: Hello) -> Result<(), End> {
        if self.answered {
            return Ok(());
        }
        let same = self.client.epoch.is_none() || self.client.epoch == hello.epoch;
        // A server that is behind what it has told before has lost its end and will reuse numbers.
        if !same || hello.last_seq < self.client.order.last() {
            return Err(self.restart(hello));
        }
        self.client.epoch = hello.epoch;
        self.acknowledge(hello.last_ack);
        self.answered = true;
        self.client.manager.opened();
        self.stable_at = Some(Instant::now() + self.client.options.stable_after);
        tracing::info!(generation = self.client.manager.generation().number(), "connected");
        self.client.publish(|status| status.cause = None);
        Ok(())
    }

    /// The server tells another history than the one that was followed.
    fn restart(&mut self, hello: Hello) -> End {
        let epoch = hello.epoch.unwrap_or_default();
        let unsent = self.client.shared.outbox.lock().abandon();
        let unsent: Vec<u64> = unsent.into_iter().map(|message| message.seq).collect();
        let (old, new) = (self.client.epoch.as_deref(), epoch.as_str());
        tracing::warn!(old, new, unsent = unsent.len(), "the server tells another history");
        let rewound = self.client.epoch.as_deref() == Some(epoch.as_str());
        self.client.order.restart_after(if rewound { hello.last_seq } else { 0 });
        self.client.asked_again_for = None;
        self.client.epoch = Some(epoch.clone());
        self.give(Incoming::Restarted { epoch, unsent });
        // Both sides begin again with the numbers of the new history.
        End::AtOnce { cause: "the server tells another history".to_owned() }
    }

    fn acknowledge(&mut self, seq: u64) {
        let mut outbox = self.client.shared.outbox.lock();
        if outbox.acknowledge(seq) {
            let settled = outbox.settled();
            drop(outbox);
            self.client.shared.settled.send_replace(settled);
        }
    }

    fn deliver(&mut self) {
        while let Some(delivery) = self.client.order.pop() {
            self.give(match delivery {
                Delivery::Item { item, .. } => Incoming::Event(item),
                Delivery::Gap { from, to } => Incoming::Gap { from, to },
            });
        }
        let missing = self.client.order.missing();
        self.hole_until = match (missing, self.hole_until) {
            (None, _) => None,
            (Some(_), Some(until)) => Some(until),
            (Some(_), None) => Some(Instant::now() + self.client.options.hole_patience),
        };
    }

    fn give(&mut self, incoming: Incoming) {
        let client = &mut *self.client;
        if client.pending.is_empty()
            && let Ok(permit) = client.events.try_reserve()
        {
            permit.send(incoming);
        } else {
            client.pending.push_back(incoming);
        }
    }

    fn unreadable(&mut self, text: &str) {
        let text: String = text.chars().take(200).collect();
        tracing::warn!(bytes = text.len(), "a message that is none of the protocol's");
        self.give(Incoming::Unreadable { text });
    }

    /// The program has caught up: the answer to a heartbeat may have been waiting unread.
    fn resume_reading(&mut self) {
        if self.client.pending.is_empty() && self.pong_by.is_some() {
            let timeout = self.client.options.config.heartbeat_timeout;
            self.pong_by = Some(Instant::now() + timeout);
        }
    }

    /// Writes what there is to write, then reads. What was not written yet when this is dropped is
    /// still where it was.
    fn poll(
        &mut self,
        socket: &mut Socket,
        context: &mut Context<'_>,
        readable: bool,
        writable: bool,
    ) -> Poll<Progress> {
        if writable {
            match self.poll_write(Pin::new(socket), context) {
                Poll::Ready(Ok(())) => return Poll::Ready(Progress::Wrote),
                Poll::Ready(Err(error)) => return Poll::Ready(Progress::Read(Some(Err(error)))),
                Poll::Pending => {}
            }
        }
        if !readable {
            return Poll::Pending;
        }
        Pin::new(socket).poll_next(context).map(Progress::Read)
    }

    fn poll_write(
        &mut self,
        mut socket: Pin<&mut Socket>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            let mut outbox = self.client.shared.outbox.lock();
            let request = if self.answered { outbox.next() } else { None };
            if self.control.is_empty() && request.is_none() {
                break;
            }
            ready!(socket.as_mut().poll_ready(context))?;
            self.unflushed = true;
            if let Some(message) = self.control.pop_front() {
                socket.as_mut().start_send(message)?;
            } else if let Some(request) = request {
                socket.as_mut().start_send(Message::Text(request.text.clone()))?;
                outbox.wrote();
            }
        }
        if self.unflushed {
            ready!(socket.poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

fn closed(frame: Option<CloseFrame>) -> End {
    let Some(frame) = frame else { return End::lost("the server closed the connection") };
    let code = u16::from(frame.code);
    let reason = frame.reason.as_str().to_owned();
    if is_terminal(code) {
        return End::Ended(Ended::Closed { code, reason });
    }
    End::lost(format!("the server closed the connection with code {code}: {reason}"))
}

fn refused(error: &Error) -> End {
    let Error::Http(response) = error else { return broken(error) };
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let hint = header.and_then(|value| http::parse_retry_after(value, SystemTime::now()));
    let Verdict { retry, .. } = http::classify_status(status, hint);
    match retry {
        Retry::Never => End::Ended(Ended::Refused { status }),
        Retry::After(floor) | Retry::Throttled(floor) => {
            End::Lost { cause: format!("the server answered with HTTP status {status}"), floor }
        }
    }
}

fn broken(error: &Error) -> End {
    match error {
        // The same message would come again.
        Error::Capacity(error) => End::Ended(Ended::Protocol { reason: error.to_string() }),
        error => End::lost(error.to_string()),
    }
}
