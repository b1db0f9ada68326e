//! Reads the device and gives each conversation a task.

use std::{collections::HashMap, io, net::SocketAddr, os::fd::OwnedFd, sync::Arc, time::Duration};

use tokio::{
    io::Interest,
    net::unix::pipe,
    sync::{Semaphore, mpsc},
    task::{AbortHandle, Id, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    GATEWAY, MTU, Outcome, Policy, Protocol, Recorder, Refusal,
    engine::{Engine, Taken},
    gate::Gate,
    packet::{self, Flow, Incoming, Unreachable},
    resolver::{Carriage, Resolver},
    tcp, udp,
};

/// How often the stack looks at its timers; the shortest that matters is a second.
const TICK: Duration = Duration::from_millis(100);

/// Packets that are read before anything else is looked at.
const BATCH: usize = 64;

const DNS_PORT: u16 = 53;

/// What all conversations use.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    pub(super) gate: Arc<Gate>,
    pub(super) resolver: Resolver,
    pub(super) recorder: Recorder,
    pub(super) datagram_room: Arc<Semaphore>,
}

impl Shared {
    pub(super) fn new(tun: OwnedFd, policy: Policy, recorder: Recorder) -> io::Result<Self> {
        let gate = Arc::new(Gate::new(policy)?);
        Ok(Self {
            engine: Arc::new(Engine::new(tun)),
            resolver: Resolver::new(Arc::clone(&gate), recorder.clone()),
            gate,
            recorder,
            datagram_room: Arc::new(Semaphore::new(udp::WAITING_BYTES_MAX)),
        })
    }
}

/// Owns the conversations.
#[derive(Debug)]
pub(super) struct Driver {
    shared: Arc<Shared>,
    connections: HashMap<Flow, AbortHandle>,
    exchanges: HashMap<Flow, mpsc::Sender<udp::Waiting>>,
    flows: HashMap<Id, (Protocol, Flow)>,
    tasks: JoinSet<()>,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            connections: HashMap::new(),
            exchanges: HashMap::new(),
            flows: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Serves the device until it is gone or the token ends it.
    pub(super) async fn run(mut self, tun: pipe::Receiver, cancel: CancellationToken) {
        let mut buffer = vec![0; usize::from(MTU)];
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(ended) = self.tasks.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    self.forget(id);
                }
                _ = tick.tick(), if !self.connections.is_empty() => self.shared.engine.flush(),
                ready = tun.ready(Interest::READABLE | Interest::ERROR) => {
                    let read = match ready {
                        // Said only when the device was removed.
                        Ok(ready) if ready.is_error() => Err(io::ErrorKind::BrokenPipe.into()),
                        Ok(_) => self.on_readable(&tun, &mut buffer),
                        Err(error) => Err(error),
                    };
                    if let Err(error) = read {
                        tracing::debug!(%error, "the sandbox's network device is gone");
                        break;
                    }
                }
            }
        }
        // Dropped connections tell the sandbox; there is nothing to wait for.
        self.tasks.shutdown().await;
    }

    fn on_readable(&mut self, tun: &pipe::Receiver, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..BATCH {
            match tun.try_read(buffer) {
                Ok(bytes) => self.on_packet(&buffer[..bytes]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.shared.engine.flush();
        Ok(())
    }

    fn on_packet(&mut self, packet: &[u8]) {
        match packet::read(packet) {
            Incoming::Tcp { flow, opens, resets } => self.on_segment(packet, flow, opens, resets),
            Incoming::Udp { flow, payload } => self.on_datagram(packet, flow, payload),
            Incoming::Echo { destination, ident, sequence, payload } => {
                if destination == GATEWAY {
                    let reply = packet::echo_reply(GATEWAY, ident, sequence, payload);
                    self.shared.engine.send(&reply);
                } else {
                    // An ordinary user of the host may not ping on the sandbox's behalf.
                    self.refuse(packet, Unreachable::Prohibited);
                }
            }
            Incoming::Unsupported => self.refuse(packet, Unreachable::Protocol),
            Incoming::Noise => {}
        }
    }

    fn on_segment(&mut self, segment: &[u8], flow: Flow, opens: bool, resets: bool) {
        if let Some(task) = self.connections.get(&flow) {
            if self.shared.engine.take(flow, segment) == Taken::NoConnection && resets {
                task.abort(); // The program inside does not wait for the answer any more.
            }
            return;
        }
        if !opens {
            return self.reset(segment);
        }
        let Some(to) = self.admit(Protocol::Tcp, flow) else {
            return self.reset(segment);
        };
        let (shared, opening) = (Arc::clone(&self.shared), segment.to_vec());
        let task = if is_dns(flow) {
            self.tasks.spawn(tcp::answer_names(shared, flow, opening))
        } else {
            let tracker = self.begin(Protocol::Tcp, flow, to);
            (self.tasks).spawn(tcp::carry(shared, flow, opening, to, tracker))
        };
        self.flows.insert(task.id(), (Protocol::Tcp, flow));
        self.connections.insert(flow, task);
    }

    fn on_datagram(&mut self, packet: &[u8], flow: Flow, payload: &[u8]) {
        if let Some(exchange) = self.exchanges.get(&flow) {
            if let Some(waiting) = udp::Waiting::new(&self.shared.datagram_room, packet) {
                let _lost_when_full = exchange.try_send(waiting);
            }
            return;
        }
        let Some(to) = self.admit(Protocol::Udp, flow) else {
            return self.refuse(packet, Unreachable::Prohibited);
        };
        let shared = Arc::clone(&self.shared);
        if is_dns(flow) {
            let question = payload.to_vec();
            self.tasks.spawn(async move {
                let answered = shared.resolver.answer(&question, Carriage::Datagram).await;
                if let Some(answer) = answered.and_then(|answer| packet::datagram(flow, &answer)) {
                    shared.engine.send(&answer);
                }
            });
            return;
        }
        let tracker = self.begin(Protocol::Udp, flow, to);
        let (sender, receiver) = mpsc::channel(udp::WAITING_MAX);
        if let Some(waiting) = udp::Waiting::new(&shared.datagram_room, packet) {
            let _room_for_the_first = sender.try_send(waiting);
        }
        let task = (self.tasks).spawn(udp::carry(shared, flow, to, receiver, tracker));
        self.flows.insert(task.id(), (Protocol::Udp, flow));
        self.exchanges.insert(flow, sender);
    }

    /// Where a new flow may go; a refusal is recorded.
    fn admit(&self, protocol: Protocol, flow: Flow) -> Option<SocketAddr> {
        let gate = &self.shared.gate;
        let judged = if self.tasks.len() >= gate.policy().flows_max {
            Err(Refusal::TooMany)
        } else if is_dns(flow) {
            Ok(flow.destination.into())
        } else {
            gate.judge(flow.destination)
        };
        match judged {
            Ok(to) => Some(to),
            Err(refusal) => {
                tracing::debug!(to = %flow.destination, %refusal, "refused");
                let tracker = self.begin(protocol, flow, flow.destination.into());
                tracker.end(Outcome::Refused(refusal));
                None
            }
        }
    }

    fn begin(&self, protocol: Protocol, flow: Flow, to: SocketAddr) -> super::record::Tracker {
        let name = self.shared.gate.name_of(*flow.destination.ip());
        self.shared.recorder.begin(protocol, name, Some(to))
    }

    fn reset(&self, segment: &[u8]) {
        if let Some(answer) = packet::reset(segment) {
            self.shared.engine.send(&answer);
        }
    }

    fn refuse(&self, packet: &[u8], why: Unreachable) {
        if let Some(answer) = packet::unreachable(packet, why) {
            self.shared.engine.send(&answer);
        }
    }

    fn forget(&mut self, id: Id) {
        match self.flows.remove(&id) {
            Some((Protocol::Tcp, flow)) => drop(self.connections.remove(&flow)),
            Some((Protocol::Udp, flow)) => drop(self.exchanges.remove(&flow)),
            Some((Protocol::Dns, _)) | None => {} // A question by datagram.
        }
    }
}

fn is_dns(flow: Flow) -> bool {
    *flow.destination.ip() == GATEWAY && flow.destination.port() == DNS_PORT
}
