//! One pair of UDP ports: datagrams there and back until nobody speaks.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::UdpSocket,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

use super::{
    Outcome,
    driver::Shared,
    packet::{self, Flow, Unreachable},
    record::Tracker,
};

/// Without a datagram in either direction for so long, the pair is forgotten.
const IDLE_MAX: Duration = Duration::from_mins(1);

/// Datagrams of one pair that wait for the host's socket; more are lost, as on a full wire.
pub(super) const WAITING_MAX: usize = 64;

/// Bytes of datagrams that wait in all pairs together.
pub(super) const WAITING_BYTES_MAX: usize = 4 << 20;

/// A packet from the sandbox, and the room that it takes while it waits.
#[derive(Debug)]
pub(super) struct Waiting {
    packet: Vec<u8>,
    room: OwnedSemaphorePermit,
}

impl Waiting {
    /// None where there is no room.
    pub(super) fn new(room: &Arc<Semaphore>, packet: &[u8]) -> Option<Self> {
        let bytes = u32::try_from(packet.len()).ok()?;
        let room = Arc::clone(room).try_acquire_many_owned(bytes).ok()?;
        let packet = packet.to_vec();
        Some(Self { packet, room })
    }
}

const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Carries datagrams; each that comes from the sandbox arrives here as its whole packet.
pub(super) async fn carry(
    shared: Arc<Shared>,
    flow: Flow,
    to: SocketAddr,
    mut packets: mpsc::Receiver<Waiting>,
    tracker: Tracker,
) {
    let mut last = Vec::new();
    let result = exchange(&shared, flow, to, &mut packets, &tracker, &mut last).await;
    let Err(error) = result else {
        return tracker.end(Outcome::Ended);
    };
    tracker.end(Outcome::failed(&error));
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Port,
        io::ErrorKind::NetworkUnreachable => Unreachable::Network,
        _ => Unreachable::Host,
    };
    if let Some(answer) = packet::unreachable(&last, why) {
        shared.engine.send(&answer);
    }
}

async fn exchange(
    shared: &Shared,
    flow: Flow,
    to: SocketAddr,
    packets: &mut mpsc::Receiver<Waiting>,
    tracker: &Tracker,
    last: &mut Vec<u8>,
) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    // Connected: only the destination's own datagrams come back, and its refusals are told.
    socket.connect(to).await?;
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let event = async {
            tokio::select! {
                packet = packets.recv() => Ok(packet),
                bytes = socket.recv(&mut buffer) => Err(bytes),
            }
        };
        match timeout(IDLE_MAX, event).await {
            Err(_) | Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(sent))) => {
                drop(sent.room);
                *last = sent.packet;
                if let packet::Incoming::Udp { payload, .. } = packet::read(last) {
                    tracker.up(payload.len());
                    socket.send(payload).await?;
                }
            }
            Ok(Err(received)) => {
                let bytes = received?;
                if let Some(answer) = packet::datagram(flow, &buffer[..bytes]) {
                    tracker.down(bytes);
                    shared.engine.send(&answer);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddrV4, UdpSocket as Blocking};

    use tokio::time::Instant;

    use super::*;
    use crate::network::{GUEST, Policy, Protocol, Recorder};

    #[tokio::test(start_paused = true)]
    async fn a_silent_pair_is_forgotten() {
        let server = Blocking::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = server.local_addr().unwrap();
        let recorder = Recorder::default();
        let device = std::fs::File::options().write(true).open("/dev/null").unwrap();
        let shared = Shared::new(device.into(), Policy::internet(), recorder.clone()).unwrap();
        let flow = Flow { guest_port: 9, destination: SocketAddrV4::new(GUEST, 9) };
        // A packet to itself is as good as one from the sandbox.
        let packet = packet::datagram(flow, b"hello").unwrap();
        let room = Arc::new(Semaphore::new(packet.len()));
        let (sender, receiver) = mpsc::channel(1);
        sender.send(Waiting::new(&room, &packet).unwrap()).await.unwrap();
        assert!(Waiting::new(&room, &packet).is_none(), "no room for two");
        let tracker = recorder.begin(Protocol::Udp, None, Some(to));
        let started = Instant::now();
        carry(Arc::new(shared), flow, to, receiver, tracker).await;
        assert!(started.elapsed() >= IDLE_MAX);
        let entry = &recorder.snapshot().entries[0];
        assert_eq!((entry.bytes_up, &entry.outcome), (5, &Outcome::Ended));
        let mut buffer = [0; 8];
        assert_eq!(server.recv(&mut buffer).unwrap(), 5);
        assert!(Waiting::new(&room, &packet).is_some(), "room again");
    }
}
