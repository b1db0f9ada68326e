//! Names are resolved, and those that lead to private places are not.

use std::{io::ErrorKind, net::Ipv4Addr, time::Duration};

use smile_sandbox::network::{Denied, GATEWAY, Outcome, Policy, Protocol, Refusal};
use tokio::time::Instant;

use crate::world::{self, AT_ONCE, PRIVATE, SERVER, World, question};

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// The code and the addresses of an answer to a question by datagram.
fn look_up(world: &World, name: &str, kind: u16) -> (u8, Vec<Ipv4Addr>) {
    let socket = world.datagrams(GATEWAY, 53);
    let started = Instant::now();
    socket.send(&question(name, kind)).unwrap();
    let mut buffer = [0; 512];
    let bytes = socket.recv(&mut buffer).unwrap();
    assert!(started.elapsed() < AT_ONCE, "{name} took {:?}", started.elapsed());
    read(&buffer[..bytes], name)
}

fn read(answer: &[u8], name: &str) -> (u8, Vec<Ipv4Addr>) {
    let count = usize::from(answer[7]);
    assert_eq!(answer[..2], [0x12, 0x34], "{name}");
    let records = answer[answer.len() - 16 * count..].chunks(16);
    let address = |record: &[u8]| Ipv4Addr::from(<[u8; 4]>::try_from(&record[12..]).unwrap());
    (answer[3] & 15, records.map(address).collect())
}

fn last(world: &World) -> (Option<Box<str>>, Outcome) {
    let entry = world.recorder.snapshot().entries.pop().unwrap();
    assert_eq!(entry.protocol, Protocol::Dns);
    (entry.name, entry.outcome)
}

#[test]
fn names_resolve_to_what_may_be_reached() {
    let name = "names::names_resolve_to_what_may_be_reached";
    world::test(name, Policy::internet(), |world| {
        world::serve_names(world);
        assert_eq!(look_up(world, "Web.Test", A), (0, vec![SERVER]));
        assert_eq!(last(world), (Some("web.test".into()), Outcome::Ended));
        assert_eq!(look_up(world, "web.test", AAAA), (0, vec![]));
        assert_eq!(look_up(world, "no.test", A), (3, vec![]));
        assert!(matches!(last(world).1, Outcome::Failed(_)));
        assert_eq!(look_up(world, "localhost", A), (0, vec![Ipv4Addr::LOCALHOST]));
        // Private addresses are left out; nothing left is an answer without address.
        let private = Outcome::Refused(Refusal::Name(Denied::Private));
        assert_eq!(look_up(world, "private.test", A), (0, vec![]));
        assert_eq!(last(world), (Some("private.test".into()), private));
        assert_eq!(look_up(world, "host.test", A), (0, vec![]));
        assert_eq!(look_up(world, "mixed.test", A), (0, vec![SERVER]));
        // Too much for a datagram outside, and cut to what one holds inside.
        assert_eq!(look_up(world, "large.test", A), (0, vec![SERVER; 14]));
        // A connection to an address is recorded with its name.
        let listener = world.listen(SERVER, 80);
        drop(world.pair(&listener));
        let entry = world.recorder.snapshot().entries.pop().unwrap();
        assert_eq!(entry.name.as_deref(), Some("large.test"), "the name looked up last");
    });
}

#[test]
fn other_records_pass_and_streams_work() {
    let name = "names::other_records_pass_and_streams_work";
    world::test(name, Policy::internet(), |world| {
        world::serve_names(world);
        let socket = world.datagrams(GATEWAY, 53);
        socket.send(&question("web.test", TXT)).unwrap();
        let mut buffer = [0; 512];
        let bytes = socket.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..2], [0x12, 0x34]);
        assert!(buffer[..bytes].ends_with(b"\x02hi"));
        let mut stream = world.connect(GATEWAY, 53).unwrap();
        for _ in 0..2 {
            world::write_framed(&mut stream, &question("web.test", A));
            let answer = world::read_framed(&mut stream).unwrap();
            assert_eq!(read(&answer, "web.test"), (0, vec![SERVER]));
        }
    });
}

#[test]
fn a_name_that_turns_private_leads_nowhere() {
    let name = "names::a_name_that_turns_private_leads_nowhere";
    world::test(name, Policy::internet(), |world| {
        world::serve_names(world);
        let _listener = world.listen(PRIVATE, 80);
        assert_eq!(look_up(world, "turn.test", A), (0, vec![SERVER]));
        assert_eq!(look_up(world, "turn.test", A), (0, vec![]));
        // Whatever a program believes the name to be, the destination counts.
        assert_eq!(world.refused(PRIVATE, 80), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_name_in_a_rule_may_be_private() {
    let policy = Policy::internet().with_allow(["mirror.test:80".parse().unwrap()]);
    world::test("names::a_name_in_a_rule_may_be_private", policy, |world| {
        world::serve_names(world);
        let listener = world.listen(PRIVATE, 80);
        // Not by the address alone, and not by another name for it.
        assert_eq!(look_up(world, "private.test", A), (0, vec![]));
        assert_eq!(world.refused(PRIVATE, 80), ErrorKind::ConnectionRefused);
        assert_eq!(look_up(world, "mirror.test", A), (0, vec![PRIVATE]));
        drop(world.pair(&listener));
        assert_eq!(world.refused(PRIVATE, 81), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn silent_nameservers_are_given_up() {
    let silent = vec![(PRIVATE, 53).into()];
    let policy = Policy::internet().with_nameservers(silent);
    world::test("names::silent_nameservers_are_given_up", policy, |world| {
        let place = world.internet.run(|| std::net::UdpSocket::bind((PRIVATE, 53)).unwrap());
        let socket = world.datagrams(GATEWAY, 53);
        let started = Instant::now();
        socket.send(&question("web.test", A)).unwrap();
        let mut buffer = [0; 512];
        let bytes = socket.recv(&mut buffer).unwrap();
        assert_eq!(read(&buffer[..bytes], "web.test"), (2, vec![]), "server failure");
        assert!(started.elapsed() < Duration::from_secs(5));
        drop(place);
    });
}
