//! IP packets: what one is, and the answers that are no connection.

use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::{
    phy::ChecksumCapabilities,
    wire::{
        Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr,
        TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
    },
};

use super::GUEST;

const HOPS: u8 = 64;

/// Bytes of a refused packet's payload that its refusal quotes (RFC 792).
const QUOTED_BYTES: usize = 8;

/// What a packet from the sandbox is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'p> {
    Tcp {
        flow: Flow,
        /// Asks for a new connection.
        opens: bool,
        /// Ends one at once.
        resets: bool,
    },
    Udp {
        flow: Flow,
        payload: &'p [u8],
    },
    Echo {
        destination: Ipv4Addr,
        ident: u16,
        sequence: u16,
        payload: &'p [u8],
    },
    /// Another protocol, which gets an answer.
    Unsupported,
    /// Nothing that deserves one.
    Noise,
}

/// The two ends of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub(super) guest_port: u16,
    pub(super) destination: SocketAddrV4,
}

/// Why a packet went no further, as ICMP says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreachable {
    Network,
    Host,
    Protocol,
    Port,
    /// Forbidden: programs are told "network is unreachable".
    Prohibited,
}

/// Reads a packet from the device.
pub(super) fn read(packet: &[u8]) -> Incoming<'_> {
    let Ok(ip) = Ipv4Packet::new_checked(packet) else {
        return Incoming::Noise; // IPv6 neighbour discovery, most of all.
    };
    // The device carries the largest packet that there is, so nobody honest has to split one.
    if ip.version() != 4 || ip.src_addr() != GUEST || ip.more_frags() || ip.frag_offset() != 0 {
        return Incoming::Noise;
    }
    let destination = ip.dst_addr();
    let payload = ip.payload();
    match ip.next_header() {
        IpProtocol::Tcp => match TcpPacket::new_checked(payload) {
            Ok(tcp) => Incoming::Tcp {
                flow: Flow {
                    guest_port: tcp.src_port(),
                    destination: SocketAddrV4::new(destination, tcp.dst_port()),
                },
                opens: tcp.syn() && !tcp.ack() && !tcp.rst() && !tcp.fin(),
                resets: tcp.rst(),
            },
            Err(_) => Incoming::Noise,
        },
        IpProtocol::Udp => match UdpPacket::new_checked(payload) {
            Ok(udp) => Incoming::Udp {
                flow: Flow {
                    guest_port: udp.src_port(),
                    destination: SocketAddrV4::new(destination, udp.dst_port()),
                },
                payload: udp.payload(),
            },
            Err(_) => Incoming::Noise,
        },
        IpProtocol::Icmp => {
            let parsed = Icmpv4Packet::new_checked(payload);
            let sums = ChecksumCapabilities::default();
            match parsed.and_then(|icmp| Icmpv4Repr::parse(&icmp, &sums)) {
                Ok(Icmpv4Repr::EchoRequest { ident, seq_no: sequence, data: payload }) => {
                    Incoming::Echo { destination, ident, sequence, payload }
                }
                _ => Incoming::Noise,
            }
        }
        _ => Incoming::Unsupported,
    }
}

/// Refuses a TCP segment: the program is told "connection refused", or "reset" later on.
pub(super) fn reset(packet: &[u8]) -> Option<Vec<u8>> {
    let ip = Ipv4Packet::new_checked(packet).ok()?;
    let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
    if tcp.rst() {
        return None;
    }
    let (seq_number, ack_number) = if tcp.ack() {
        (tcp.ack_number(), None)
    } else {
        let after = tcp.seq_number() + tcp.segment_len();
        (TcpSeqNumber(0), Some(after))
    };
    let repr = TcpRepr {
        src_port: tcp.dst_port(),
        dst_port: tcp.src_port(),
        control: TcpControl::Rst,
        seq_number,
        ack_number,
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let (from, to) = (ip.dst_addr(), ip.src_addr());
    Some(emit(from, IpProtocol::Tcp, repr.buffer_len(), |bytes, sums| {
        let mut packet = TcpPacket::new_unchecked(bytes);
        repr.emit(&mut packet, &from.into(), &to.into(), sums);
    }))
}

/// Says that a packet cannot get where it wants to; none for one that nobody must answer.
pub(super) fn unreachable(packet: &[u8], why: Unreachable) -> Option<Vec<u8>> {
    let ip = Ipv4Packet::new_checked(packet).ok()?;
    let destination = ip.dst_addr();
    if destination.is_multicast() || destination.is_broadcast() {
        return None;
    }
    let header = Ipv4Repr {
        src_addr: ip.src_addr(),
        dst_addr: destination,
        next_header: ip.next_header(),
        payload_len: ip.payload().len(),
        hop_limit: ip.hop_limit(),
    };
    let data = &ip.payload()[..ip.payload().len().min(QUOTED_BYTES)];
    let reason = match why {
        Unreachable::Network => Icmpv4DstUnreachable::NetUnreachable,
        Unreachable::Host => Icmpv4DstUnreachable::HostUnreachable,
        Unreachable::Protocol => Icmpv4DstUnreachable::ProtoUnreachable,
        Unreachable::Port => Icmpv4DstUnreachable::PortUnreachable,
        Unreachable::Prohibited => Icmpv4DstUnreachable::NetProhibited,
    };
    let repr = Icmpv4Repr::DstUnreachable { reason, header, data };
    // A port's refusal comes from its host, everything else from the way there.
    let from = match why {
        Unreachable::Port | Unreachable::Protocol => destination,
        Unreachable::Network | Unreachable::Host | Unreachable::Prohibited => super::GATEWAY,
    };
    Some(emit_icmp(from, &repr))
}

/// Answers an echo request.
pub(super) fn echo_reply(from: Ipv4Addr, ident: u16, seq_no: u16, data: &[u8]) -> Vec<u8> {
    emit_icmp(from, &Icmpv4Repr::EchoReply { ident, seq_no, data })
}

/// A datagram to the sandbox; none where it is larger than a packet can be.
pub(super) fn datagram(flow: Flow, payload: &[u8]) -> Option<Vec<u8>> {
    let from = *flow.destination.ip();
    let repr = UdpRepr { src_port: flow.destination.port(), dst_port: flow.guest_port };
    let length = repr.header_len() + payload.len();
    if length > usize::from(super::MTU) - smoltcp::wire::IPV4_HEADER_LEN {
        return None;
    }
    Some(emit(from, IpProtocol::Udp, length, |bytes, sums| {
        let mut packet = UdpPacket::new_unchecked(bytes);
        let copy = |buffer: &mut [u8]| buffer.copy_from_slice(payload);
        repr.emit(&mut packet, &from.into(), &GUEST.into(), payload.len(), copy, sums);
    }))
}

fn emit_icmp(from: Ipv4Addr, repr: &Icmpv4Repr<'_>) -> Vec<u8> {
    emit(from, IpProtocol::Icmp, repr.buffer_len(), |bytes, sums| {
        repr.emit(&mut Icmpv4Packet::new_unchecked(bytes), sums);
    })
}

fn emit(
    from: Ipv4Addr,
    next_header: IpProtocol,
    payload_len: usize,
    fill: impl FnOnce(&mut [u8], &ChecksumCapabilities),
) -> Vec<u8> {
    let sums = ChecksumCapabilities::default();
    let repr =
        Ipv4Repr { src_addr: from, dst_addr: GUEST, next_header, payload_len, hop_limit: HOPS };
    let mut bytes = vec![0; repr.buffer_len() + payload_len];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    repr.emit(&mut packet, &sums);
    fill(packet.payload_mut(), &sums);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from_guest(protocol: IpProtocol, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
        let mut bytes = emit(destination, protocol, payload.len(), |bytes, _| {
            bytes.copy_from_slice(payload);
        });
        let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
        packet.set_src_addr(GUEST);
        packet.set_dst_addr(destination);
        packet.fill_checksum();
        bytes
    }

    #[test]
    fn a_datagram_is_read_and_refused_with_a_quotation() {
        let destination = Ipv4Addr::new(10, 1, 2, 3);
        let payload = [0x30, 0x39, 0, 53, 0, 12, 0, 0, b'a', b'b', b'c', b'd'];
        let packet = from_guest(IpProtocol::Udp, destination, &payload);
        let flow = Flow { guest_port: 12345, destination: SocketAddrV4::new(destination, 53) };
        let expected = Incoming::Udp { flow, payload: b"abcd" };
        assert_eq!(read(&packet), expected);
        let refusal = unreachable(&packet, Unreachable::Prohibited).unwrap();
        // Destination unreachable, network prohibited, quoting the header and eight bytes.
        assert_eq!(refusal[20..22], [3, 9]);
        assert_eq!(refusal[28 + 20..], payload[..8]);
        assert_eq!(refusal[12..16], super::super::GATEWAY.octets());
    }

    #[test]
    fn nobody_answers_multicast() {
        let packet = from_guest(IpProtocol::Udp, Ipv4Addr::new(224, 0, 0, 251), &[0; 8]);
        assert_eq!(unreachable(&packet, Unreachable::Prohibited), None);
    }

    #[test]
    fn foreign_sources_and_fragments_are_noise() {
        let destination = Ipv4Addr::new(1, 2, 3, 4);
        let mut packet = from_guest(IpProtocol::Udp, destination, &[0, 1, 0, 2, 0, 8, 0, 0]);
        assert!(matches!(read(&packet), Incoming::Udp { .. }));
        packet[6] = 0x20; // More fragments.
        assert_eq!(read(&packet), Incoming::Noise);
        packet[6] = 0;
        packet[15] = 3;
        assert_eq!(read(&packet), Incoming::Noise);
    }

    proptest! {
        #[test]
        fn reading_and_refusing_never_panic(mut bytes: Vec<u8>, guest: bool) {
            if guest && bytes.len() >= 20 {
                bytes[0] = 0x45;
                bytes[12..16].copy_from_slice(&GUEST.octets());
                let length = u16::try_from(bytes.len()).unwrap();
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
            }
            read(&bytes);
            reset(&bytes);
            unreachable(&bytes, Unreachable::Host);
        }
    }
}
