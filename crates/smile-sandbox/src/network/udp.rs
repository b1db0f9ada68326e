//! One pair of UDP ports: datagrams there and back until nobody speaks.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::UdpSocket, sync::mpsc, time::timeout};

use super::{
    Outcome,
    driver::Shared,
    packet::{self, Flow, Unreachable},
    record::Tracker,
};

/// Without a datagram in either direction for so long, the pair is forgotten.
const IDLE_MAX: Duration = Duration::from_mins(1);

/// Datagrams that wait for the host's socket; more are lost, as on a full wire.
pub(super) const WAITING_MAX: usize = 64;

const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Carries datagrams; each that comes from the sandbox arrives here as its whole packet.
pub(super) async fn carry(
    shared: Arc<Shared>,
    flow: Flow,
    to: SocketAddr,
    mut packets: mpsc::Receiver<Vec<u8>>,
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
    packets: &mut mpsc::Receiver<Vec<u8>>,
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
                *last = sent;
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
