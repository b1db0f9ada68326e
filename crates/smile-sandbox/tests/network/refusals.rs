//! What is refused is refused at once, and recorded with its reason.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
};

use smile_sandbox::network::{Denied, GATEWAY, Outcome, Policy, Refusal};
use tokio::time::Instant;

use crate::world::{self, AT_ONCE, HOST, HOST_SECOND, METADATA, NOWHERE, PRIVATE, SERVER, World};

fn last(world: &World) -> Outcome {
    world.recorder.snapshot().entries.pop().unwrap().outcome
}

fn nobody_came(listener: &TcpListener) {
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn private_places_are_refused_though_somebody_listens() {
    let name = "refusals::private_places_are_refused_though_somebody_listens";
    world::test(name, Policy::internet(), |world| {
        // The host's own, on all its addresses, and others in its private network.
        let listeners = [
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap(),
            world.listen(PRIVATE, 80),
            world.listen(METADATA, 80),
        ];
        for (ip, why) in [
            (HOST, Denied::OwnAddress),
            (HOST_SECOND, Denied::OwnAddress),
            (PRIVATE, Denied::Private),
            (METADATA, Denied::LinkLocal),
            (GATEWAY, Denied::Gateway),
            (Ipv4Addr::new(100, 64, 0, 1), Denied::SharedNat),
            (Ipv4Addr::new(10, 0, 0, 1), Denied::Private),
        ] {
            assert_eq!(world.refused(ip, 80), ErrorKind::ConnectionRefused, "{ip}");
            assert_eq!(last(world), Outcome::Refused(Refusal::Address(why)), "{ip}");
            let datagrams = world.datagrams(ip, 80);
            let started = Instant::now();
            datagrams.send(b"x").unwrap();
            let error = datagrams.recv(&mut [0; 1]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{ip}");
            assert!(started.elapsed() < AT_ONCE, "{ip}");
            assert_eq!(last(world), Outcome::Refused(Refusal::Address(why)), "{ip}");
        }
        listeners.iter().for_each(nobody_came);
    });
}

#[test]
fn an_address_that_the_host_gets_later_is_its_own() {
    let name = "refusals::an_address_that_the_host_gets_later_is_its_own";
    world::test(name, Policy::internet(), |world| {
        let later = Ipv4Addr::new(203, 0, 113, 77);
        world::ip(&format!("addr add {later}/32 dev lo"));
        let listener = TcpListener::bind((later, 80)).unwrap();
        let serving = listener.try_clone().unwrap();
        std::thread::spawn(move || serving.incoming().for_each(drop));
        let denied = Outcome::Refused(Refusal::Address(Denied::OwnAddress));
        world.wait_until("noticed", |world| {
            let refused = world.connect(later, 80).is_err();
            refused && last(world) == denied
        });
        drop(listener);
    });
}

#[test]
fn failures_outside_look_the_same_inside() {
    let name = "refusals::failures_outside_look_the_same_inside";
    world::test(name, Policy::internet(), |world| {
        assert_eq!(world.refused(SERVER, 81), ErrorKind::ConnectionRefused);
        assert!(matches!(last(world), Outcome::Failed(_)));
        assert_eq!(world.refused(NOWHERE, 80), ErrorKind::HostUnreachable);
        assert!(matches!(last(world), Outcome::Failed(_)));
    });
}

#[test]
fn ipv6_fails_at_once() {
    world::test("refusals::ipv6_fails_at_once", Policy::internet(), |world| {
        let to = SocketAddr::from((Ipv6Addr::new(0x2606, 0x2800, 0, 0, 0, 0, 0, 1), 80));
        let mapped = SocketAddr::from((PRIVATE.to_ipv6_mapped(), 80));
        let connect = |to| world.guest.run(move || TcpStream::connect(to).unwrap_err().kind());
        assert_eq!(connect(to), ErrorKind::NetworkUnreachable);
        assert_eq!(connect(mapped), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn what_the_user_allows_is_reached_on_its_port_only() {
    let rules = ["192.168.50.0/24:80", "198.51.100.1:80", "localhost:3128"];
    let policy = Policy::internet().with_allow(rules.map(|rule| rule.parse().unwrap()));
    let name = "refusals::what_the_user_allows_is_reached_on_its_port_only";
    world::test(name, policy, |world| {
        let others = [world.listen(PRIVATE, 81), TcpListener::bind((HOST, 81)).unwrap()];
        let own = TcpListener::bind((Ipv4Addr::LOCALHOST, 3128)).unwrap();
        for (listener, to) in [
            (world.listen(PRIVATE, 80), SocketAddr::from((PRIVATE, 80))),
            (TcpListener::bind((HOST, 80)).unwrap(), (HOST, 80).into()),
            (own, (GATEWAY, 3128).into()),
        ] {
            let SocketAddr::V4(to) = to else { unreachable!("all are IPv4") };
            let mut guest = world.connect(*to.ip(), to.port()).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            guest.write_all(b"hello").unwrap();
            let mut bytes = [0; 5];
            server.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"hello");
        }
        for ip in [PRIVATE, HOST, GATEWAY] {
            assert_eq!(world.refused(ip, 81), ErrorKind::ConnectionRefused, "{ip}");
        }
        others.iter().for_each(nobody_came);
    });
}

#[test]
fn the_gateway_answers_a_ping_and_refuses_others() {
    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketType, connect, ipproto, recv, send, socket,
    };
    let name = "refusals::the_gateway_answers_a_ping_and_refuses_others";
    world::test(name, Policy::internet(), |world| {
        let ping = |ip: Ipv4Addr| {
            world.guest.run(move || {
                let range = "/proc/thread-self/net/../../../sys/net/ipv4/ping_group_range";
                let _already = std::fs::write(range, "0 0");
                std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").unwrap();
                let socket =
                    socket(AddressFamily::INET, SocketType::DGRAM, Some(ipproto::ICMP)).unwrap();
                connect(&socket, &SocketAddr::from((ip, 0))).unwrap();
                send(&socket, &[8, 0, 0, 0, 0, 0, 0, 1, b'h', b'i'], SendFlags::empty()).unwrap();
                let mut reply = [0; 64];
                recv(&socket, &mut reply[..], RecvFlags::empty())
                    .map(|(bytes, _)| reply[..bytes].to_vec())
            })
        };
        let reply = ping(GATEWAY).unwrap();
        assert_eq!((reply[0], &reply[8..]), (0, &b"hi"[..]));
        assert_eq!(ping(SERVER).unwrap_err(), rustix::io::Errno::NETUNREACH);
    });
}
