//! The sandbox's side of its TCP connections.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use smoltcp::{
    iface::{Config, Interface, PollResult, SocketHandle, SocketSet},
    phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken},
    socket::tcp::{RecvError, Socket, SocketBuffer, State},
    time::Instant as StackInstant,
    wire::{HardwareAddress, IpCidr, IpListenEndpoint},
};
use tokio::time::Instant;

use super::{GATEWAY, MTU, PREFIX_LENGTH, packet::Flow};

/// Bytes that wait in each direction of a connection; the sender waits beyond.
const BUFFER_BYTES: usize = 256 << 10;

/// Without an answer from the sandbox to what was sent for so long, a connection is given up.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// The connections, and the device that they speak through.
#[derive(Debug)]
pub(super) struct Engine {
    tun: OwnedFd,
    started: Instant,
    state: Mutex<EngineState>,
}

struct EngineState {
    interface: Interface,
    sockets: SocketSet<'static>,
    attached: HashMap<Flow, SocketHandle>,
    outgoing: Vec<u8>,
}

/// One connection, as the server that the sandbox believes to speak with. Dropped: reset.
#[derive(Debug)]
pub(super) struct GuestStream {
    engine: Arc<Engine>,
    flow: Flow,
    handle: SocketHandle,
}

/// What became of a segment that was handed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// No connection is attached to its flow.
    NoConnection,
}

impl Engine {
    pub(super) fn new(tun: OwnedFd) -> Self {
        let mut outgoing = Vec::new();
        let mut port = Port { tun: &tun, incoming: None, outgoing: &mut outgoing };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = random();
        let mut interface = Interface::new(config, &mut port, StackInstant::ZERO);
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(GATEWAY.into(), PREFIX_LENGTH);
            addresses.push(own).expect("room for one address");
        });
        // Every address is ours: the stack plays each server that the sandbox speaks with.
        interface.set_any_ip(true);
        interface.routes_mut().add_default_ipv4_route(GATEWAY).expect("room for one route");
        Self {
            tun,
            started: Instant::now(),
            state: Mutex::new(EngineState {
                interface,
                sockets: SocketSet::new(Vec::new()),
                attached: HashMap::new(),
                outgoing,
            }),
        }
    }

    /// Writes one packet to the sandbox. Where the kernel has no room it is lost, as on a wire.
    pub(super) fn send(&self, packet: &[u8]) {
        transmit(&self.tun, packet);
    }

    /// Answers a connection, by the segment that asked for it.
    pub(super) fn accept(self: &Arc<Self>, flow: Flow, opening: &[u8]) -> GuestStream {
        let buffer = || SocketBuffer::new(vec![0; BUFFER_BYTES]);
        let mut socket = Socket::new(buffer(), buffer());
        // There is no wire to spare: waiting to send more at once only adds waiting.
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.set_timeout(Some(SILENCE_MAX.into()));
        let endpoint = IpListenEndpoint {
            addr: Some((*flow.destination.ip()).into()),
            port: flow.destination.port(),
        };
        socket.listen(endpoint).expect("new, and its port is not zero");
        let mut state = self.state.lock();
        let handle = state.sockets.add(socket);
        state.attached.insert(flow, handle);
        self.ingress(&mut state, opening);
        self.egress(&mut state);
        GuestStream { engine: Arc::clone(self), flow, handle }
    }

    /// Takes a segment of a connection that was accepted.
    pub(super) fn take(&self, flow: Flow, segment: &[u8]) -> Taken {
        let mut state = self.state.lock();
        let Some(&handle) = state.attached.get(&flow) else {
            return Taken::NoConnection;
        };
        self.ingress(&mut state, segment);
        let socket = state.sockets.get_mut::<Socket<'_>>(handle);
        if socket.is_listening() {
            // Reset before it was established. It must not take another flow's opening.
            socket.abort();
        }
        Taken::Yes
    }

    /// Sends what is due: acknowledgements, data, repetitions.
    pub(super) fn flush(&self) {
        self.egress(&mut self.state.lock());
    }

    fn ingress(&self, state: &mut EngineState, packet: &[u8]) {
        let mut port =
            Port { tun: &self.tun, incoming: Some(packet), outgoing: &mut state.outgoing };
        let now = self.now();
        state.interface.poll_ingress_single(now, &mut port, &mut state.sockets);
    }

    fn egress(&self, state: &mut EngineState) {
        let mut port = Port { tun: &self.tun, incoming: None, outgoing: &mut state.outgoing };
        let now = self.now();
        while state.interface.poll_egress(now, &mut port, &mut state.sockets)
            == PollResult::SocketStateChanged
        {}
    }

    fn now(&self) -> StackInstant {
        let micros = self.started.elapsed().as_micros();
        StackInstant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl std::fmt::Debug for EngineState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineState").field("attached", &self.attached).finish_non_exhaustive()
    }
}

impl GuestStream {
    /// Waits until the sandbox has confirmed the connection.
    pub(super) async fn established(&self) -> io::Result<()> {
        self.poll(|socket, context| match socket.state() {
            State::Listen | State::SynReceived => {
                socket.register_send_waker(context.waker());
                Poll::Pending
            }
            State::Closed => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            _ => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Reads what the sandbox sent; 0 after its end.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.poll(|socket, context| match socket.recv_slice(buffer) {
            Ok(0) => {
                socket.register_recv_waker(context.waker());
                Poll::Pending
            }
            Ok(bytes) => Poll::Ready(Ok(bytes)),
            Err(RecvError::Finished) => Poll::Ready(Ok(0)),
            Err(RecvError::InvalidState) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        })
        .await
    }

    /// Sends all of it, as fast as the sandbox takes it.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self
                .poll(|socket, context| match socket.send_slice(bytes) {
                    Ok(0) => {
                        socket.register_send_waker(context.waker());
                        Poll::Pending
                    }
                    Ok(written) => Poll::Ready(Ok(written)),
                    Err(_) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                })
                .await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Says that nothing more is sent; the other direction stays open.
    pub(super) fn finish(&self) {
        let mut state = self.engine.state.lock();
        state.sockets.get_mut::<Socket<'_>>(self.handle).close();
        self.engine.egress(&mut state);
    }

    /// Waits until both sides have seen both ends.
    pub(super) async fn closed(&self) {
        self.wait(|socket| is_over(socket.state())).await;
    }

    /// Waits until the sandbox has all that was sent, or is gone.
    pub(super) async fn drained(&self) {
        self.wait(|socket| socket.send_queue() == 0 || is_over(socket.state())).await;
    }

    async fn wait(&self, holds: impl Fn(&Socket<'static>) -> bool) {
        poll_fn(|context| {
            let mut state = self.engine.state.lock();
            let socket = state.sockets.get_mut::<Socket<'_>>(self.handle);
            if holds(socket) {
                return Poll::Ready(());
            }
            socket.register_recv_waker(context.waker());
            socket.register_send_waker(context.waker());
            Poll::Pending
        })
        .await;
    }

    async fn poll<T>(
        &self,
        mut step: impl FnMut(&mut Socket<'static>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        poll_fn(|context| {
            let mut state = self.engine.state.lock();
            let polled = step(state.sockets.get_mut(self.handle), context);
            if polled.is_ready() {
                // Room or data is new: the sandbox hears of it now, not at the next tick.
                self.engine.egress(&mut state);
            }
            polled
        })
        .await
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        let mut state = self.engine.state.lock();
        let socket = state.sockets.get_mut::<Socket<'_>>(self.handle);
        if socket.state() != State::TimeWait {
            socket.abort();
            self.engine.egress(&mut state);
        }
        state.sockets.remove(self.handle);
        state.attached.remove(&self.flow);
    }
}

/// The device for one call of the stack: at most one packet in, any number out.
struct Port<'p> {
    tun: &'p OwnedFd,
    incoming: Option<&'p [u8]>,
    outgoing: &'p mut Vec<u8>,
}

struct Received<'p>(&'p [u8]);

struct Sending<'p> {
    tun: &'p OwnedFd,
    buffer: &'p mut Vec<u8>,
}

impl Device for Port<'_> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Sending<'a>
    where
        Self: 'a;

    fn receive(&mut self, now: StackInstant) -> Option<(Received<'_>, Sending<'_>)> {
        let packet = self.incoming.take()?;
        Some((Received(packet), self.transmit(now)?))
    }

    fn transmit(&mut self, _now: StackInstant) -> Option<Sending<'_>> {
        Some(Sending { tun: self.tun, buffer: self.outgoing })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU.into();
        // What comes in was never on a wire: the kernel above made it a moment ago.
        capabilities.checksum.ipv4 = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        self.buffer.resize(length, 0);
        let result = f(self.buffer);
        transmit(self.tun, self.buffer);
        result
    }
}

/// Whether nothing more can be said or must be heard.
fn is_over(state: State) -> bool {
    matches!(state, State::Closed | State::TimeWait)
}

fn transmit(tun: &OwnedFd, packet: &[u8]) {
    if let Err(error) = rustix::io::write(tun.as_fd(), packet) {
        tracing::trace!(bytes = packet.len(), %error, "packet to the sandbox lost");
    }
}

/// A number that a peer cannot guess, without a generator of one's own.
pub(super) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, SocketAddrV4},
        os::unix::net::UnixDatagram,
        pin::pin,
        task::Waker,
    };

    use proptest::prelude::*;
    use smoltcp::{
        phy::ChecksumCapabilities,
        wire::{IpProtocol, Ipv4Packet, Ipv4Repr, TcpPacket},
    };

    use super::*;
    use crate::network::GUEST;

    const FLOW: Flow = Flow {
        guest_port: 40_000,
        destination: SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 10), 80),
    };
    const SYN: u8 = 2;
    const ACK: u8 = 16;

    #[derive(Debug, Clone)]
    enum Act {
        Segment(Segment),
        Read,
        Write(usize),
        Finish,
    }

    #[derive(Debug, Clone)]
    struct Segment {
        flags: u8,
        sequence: u32,
        acknowledged: u32,
        window: u16,
        options: Vec<u8>,
        payload: usize,
    }

    /// A segment of the flow, as bytes that a hostile sandbox chose.
    fn bytes(segment: &Segment) -> Vec<u8> {
        let options = segment.options.len().next_multiple_of(4);
        let repr = Ipv4Repr {
            src_addr: GUEST,
            dst_addr: *FLOW.destination.ip(),
            next_header: IpProtocol::Tcp,
            payload_len: 20 + options + segment.payload,
            hop_limit: 64,
        };
        let mut bytes = vec![0; 20 + repr.payload_len];
        let mut ip = Ipv4Packet::new_unchecked(&mut bytes[..]);
        repr.emit(&mut ip, &ChecksumCapabilities::default());
        let tcp = ip.payload_mut();
        tcp[12] = u8::try_from((20 + options) / 4).unwrap() << 4;
        tcp[13] = segment.flags;
        tcp[4..8].copy_from_slice(&segment.sequence.to_be_bytes());
        tcp[8..12].copy_from_slice(&segment.acknowledged.to_be_bytes());
        tcp[14..16].copy_from_slice(&segment.window.to_be_bytes());
        tcp[20..20 + segment.options.len()].copy_from_slice(&segment.options);
        let mut tcp = TcpPacket::new_unchecked(tcp);
        tcp.set_src_port(FLOW.guest_port);
        tcp.set_dst_port(FLOW.destination.port());
        bytes
    }

    /// Distances from the start of the connection: near, and any.
    fn number() -> impl Strategy<Value = u32> {
        prop_oneof![0_u32..300, Just(u32::MAX), any::<u32>()]
    }

    fn segment() -> impl Strategy<Value = Segment> {
        let options = proptest::collection::vec(any::<u8>(), 0..40);
        let fields = (any::<u8>(), number(), number(), any::<u16>(), options, 0_usize..3000);
        fields.prop_map(|(flags, sequence, acknowledged, window, options, payload)| Segment {
            flags,
            sequence,
            acknowledged,
            window,
            options,
            payload,
        })
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            8 => segment().prop_map(Act::Segment),
            1 => Just(Act::Read),
            1 => (0_usize..100_000).prop_map(Act::Write),
            1 => Just(Act::Finish),
        ]
    }

    proptest! {
        #[test]
        fn no_segment_panics(mut opening in segment(), acts in proptest::collection::vec(act(), 0..40)) {
            opening.flags = SYN;
            let (device, guest) = UnixDatagram::pair().unwrap();
            device.set_nonblocking(true).unwrap(); // What nobody reads is lost.
            let engine = Arc::new(Engine::new(device.into()));
            let stream = engine.accept(FLOW, &bytes(&opening));
            // An opening with senseless options gets no answer.
            let mut answer = [0; 100];
            guest.set_nonblocking(true).unwrap();
            let _unanswered = guest.recv(&mut answer);
            let theirs = u32::from_be_bytes(answer[24..28].try_into().unwrap());
            let here = |segment: Segment| Segment {
                sequence: opening.sequence.wrapping_add(segment.sequence),
                acknowledged: theirs.wrapping_add(segment.acknowledged),
                ..segment
            };
            let confirm = Segment { flags: ACK, sequence: 1, acknowledged: 1, ..opening.clone() };
            engine.take(FLOW, &bytes(&here(confirm)));
            let mut buffer = [0; 2000];
            let mut context = Context::from_waker(Waker::noop());
            for act in acts {
                match act {
                    Act::Segment(segment) => {
                        prop_assert_eq!(engine.take(FLOW, &bytes(&here(segment))), Taken::Yes);
                    }
                    Act::Read => drop(pin!(stream.read(&mut buffer)).poll(&mut context)),
                    Act::Write(length) => {
                        drop(pin!(stream.write_all(&vec![7; length])).poll(&mut context));
                    }
                    Act::Finish => stream.finish(),
                }
            }
            drop(stream);
            let gone = engine.take(FLOW, &bytes(&opening));
            prop_assert_eq!(gone, Taken::NoConnection);
        }
    }
}
