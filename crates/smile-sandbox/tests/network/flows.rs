//! What is allowed works as it would without the stack.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use smile_sandbox::network::{Outcome, Policy, Protocol, Refusal};
use tokio::time::Instant;

use crate::world::{self, SERVER, World};

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| at.wrapping_mul(31).to_le_bytes()[1]).collect()
}

fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_page_is_fetched_and_recorded() {
    world::test("flows::a_page_is_fetched_and_recorded", Policy::internet(), |world| {
        let listener = world.listen(SERVER, 80);
        let mark = world.recorder.mark();
        let (mut guest, mut server) = world.pair(&listener);
        let page = pattern(5_000_000);
        let sent = page.clone();
        let serving = thread::spawn(move || {
            let mut request = [0; 18];
            server.read_exact(&mut request).unwrap();
            server.write_all(&sent).unwrap();
            drop(server);
            request
        });
        guest.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        assert!(read_all(&mut guest) == page, "every byte, in order");
        drop(guest);
        assert_eq!(&serving.join().unwrap(), b"GET / HTTP/1.0\r\n\r\n");
        world.wait_until("recorded", |world| {
            let entries = world.recorder.since(mark).entries;
            entries.len() == 1 && entries[0].outcome == Outcome::Ended
        });
        let entry = &world.recorder.since(mark).entries[0];
        assert_eq!(entry.protocol, Protocol::Tcp);
        assert_eq!(entry.address, Some((SERVER, 80).into()));
        assert_eq!((entry.bytes_up, entry.bytes_down), (18, 5_000_000));
    });
}

#[test]
fn each_direction_ends_by_itself() {
    world::test("flows::each_direction_ends_by_itself", Policy::internet(), |world| {
        let listener = world.listen(SERVER, 80);
        // The sandbox ends first, in the same packet as its data, and still reads.
        let (mut guest, mut server) = world.pair(&listener);
        guest.write_all(b"question").unwrap();
        guest.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut server), b"question");
        let answer = pattern(3_000_000);
        let sent = answer.clone();
        let sending = thread::spawn(move || server.write_all(&sent).unwrap());
        assert!(read_all(&mut guest) == answer);
        sending.join().unwrap();
        // The server ends first, and still reads.
        let (mut guest, mut server) = world.pair(&listener);
        server.write_all(b"greeting").unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut guest), b"greeting");
        let upload = pattern(3_000_000);
        let sent = upload.clone();
        let sending = thread::spawn(move || guest.write_all(&sent).unwrap());
        assert!(read_all(&mut server) == upload);
        sending.join().unwrap();
    });
}

#[test]
fn a_reset_is_passed_on() {
    world::test("flows::a_reset_is_passed_on", Policy::internet(), |world| {
        let listener = world.listen(SERVER, 80);
        let (mut guest, server) = world.pair(&listener);
        // Closed with unread data: a reset.
        guest.write_all(b"unread").unwrap();
        world.wait_until("arrived", |_| server.peek(&mut [0; 6]).unwrap() == 6);
        drop(server);
        let error = guest.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let failed = |world: &World| {
            let entries = world.recorder.snapshot().entries;
            matches!(entries.last().unwrap().outcome, Outcome::Failed(_))
        };
        world.wait_until("recorded", failed);
        // The other way round.
        let (guest, mut server) = world.pair(&listener);
        server.write_all(b"unread").unwrap();
        world.wait_until("arrived", |_| guest.peek(&mut [0; 6]).unwrap() == 6);
        drop(guest);
        let error = server.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn an_answer_before_a_reset_arrives() {
    world::test("flows::an_answer_before_a_reset_arrives", Policy::internet(), |world| {
        // As a server that refuses an upload: it answers, ends, and reads no more.
        let listener = world.listen(SERVER, 80);
        let (mut guest, mut server) = world.pair(&listener);
        let answer = pattern(10_000); // Sent at once: the reset throws away what is not.
        server.write_all(&answer).unwrap();
        guest.write_all(&[0; 100]).unwrap();
        world.wait_until("arrived", |_| server.peek(&mut [0; 100]).unwrap() == 100);
        drop(server);
        let mut read = vec![0; answer.len()];
        guest.read_exact(&mut read).unwrap();
        assert!(read == answer);
        assert_eq!(guest.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_slow_reader_slows_the_writer() {
    world::test("flows::a_slow_reader_slows_the_writer", Policy::internet(), |world| {
        let fill = |mut writer: &TcpStream| {
            writer.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            let chunk = vec![7; 64 << 10];
            let mut written = 0;
            loop {
                match writer.write(&chunk) {
                    Ok(bytes) => written += bytes,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return written,
                    Err(error) => panic!("{error}"),
                }
                assert!(written < 64 << 20, "nobody reads, and {written} bytes were taken");
            }
        };
        let drain = |mut reader: TcpStream, bytes: usize| {
            let mut left = bytes;
            let mut buffer = vec![0; 1 << 20];
            while left > 0 {
                let read = reader.read(&mut buffer).unwrap();
                assert!(read > 0 && buffer[..read].iter().all(|&byte| byte == 7));
                left -= read;
            }
        };
        let listener = world.listen(SERVER, 80);
        let (guest, server) = world.pair(&listener);
        let up = fill(&guest);
        drain(server, up);
        let (guest, server) = world.pair(&listener);
        let down = fill(&server);
        drain(guest, down);
    });
}

#[test]
fn many_flows_at_a_time_and_no_more_than_allowed() {
    let policy = Policy::internet().with_flows_max(100);
    world::test("flows::many_flows_at_a_time_and_no_more_than_allowed", policy, |world| {
        let listener = world.listen(SERVER, 80);
        let mut pairs: Vec<_> = (0..100).map(|_| world.pair(&listener)).collect();
        for (number, (guest, _)) in (0_u8..).zip(&mut pairs) {
            guest.write_all(&[number; 9000]).unwrap();
        }
        for (number, (guest, server)) in (0_u8..).zip(&mut pairs) {
            let mut bytes = [0; 9000];
            server.read_exact(&mut bytes).unwrap();
            server.write_all(&bytes).unwrap();
            guest.read_exact(&mut bytes).unwrap();
            assert!(bytes.iter().all(|&byte| byte == number), "flow {number}");
        }
        assert_eq!(world.refused(SERVER, 80), ErrorKind::ConnectionRefused);
        let entries = world.recorder.snapshot().entries;
        assert_eq!(entries.last().unwrap().outcome, Outcome::Refused(Refusal::TooMany));
        assert_eq!(entries.len(), 101);
        pairs.clear();
        let open = |world: &World| {
            let entries = world.recorder.snapshot().entries;
            entries.iter().filter(|entry| entry.outcome == Outcome::Open).count()
        };
        world.wait_until("all ended", |world| open(world) == 0);
        world.wait_until("room again", |world| world.connect(SERVER, 80).is_ok());
    });
}

#[test]
fn short_connections_one_after_another_leave_nothing() {
    let name = "flows::short_connections_one_after_another_leave_nothing";
    world::test(name, Policy::internet().with_flows_max(8), |world| {
        let listener = world.listen(SERVER, 80);
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        drop(world.pair(&listener));
        let before = open();
        for _ in 0..300 {
            // Eight at a time would be full soon if an ended flow stayed.
            world.wait_until("a connection", |world| {
                let Ok(mut guest) = world.connect(SERVER, 80) else { return false };
                let (mut server, _) = listener.accept().unwrap();
                server.write_all(b"x").unwrap();
                drop(server);
                read_all(&mut guest) == b"x"
            });
        }
        world.wait_until("descriptors closed", |_| open() <= before);
    });
}

#[test]
fn datagrams_go_there_and_back() {
    world::test("flows::datagrams_go_there_and_back", Policy::internet(), |world| {
        let echo = world.internet.run(|| UdpSocket::bind((SERVER, 9)).unwrap());
        thread::spawn(move || {
            let mut buffer = vec![0; 65_535];
            while let Ok((bytes, from)) = echo.recv_from(&mut buffer) {
                echo.send_to(&buffer[..bytes], from).unwrap();
            }
        });
        let guest = world.datagrams(SERVER, 9);
        let mut buffer = vec![0; 65_535];
        for size in [0, 1, 1400, 30_000, 65_507] {
            let sent = pattern(size);
            guest.send(&sent).unwrap();
            let bytes = guest.recv(&mut buffer).unwrap();
            assert!(buffer[..bytes] == sent, "{size} bytes");
        }
        let entry = &world.recorder.snapshot().entries[0];
        assert_eq!(entry.protocol, Protocol::Udp);
        assert_eq!((entry.bytes_up, entry.bytes_down), (96_908, 96_908));
        // A port where nobody listens says so.
        let nobody = world.datagrams(SERVER, 10);
        nobody.send(b"anybody?").unwrap();
        let error = nobody.recv(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_end_is_quick_and_complete() {
    world::test("flows::the_end_is_quick_and_complete", Policy::internet(), |world| {
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let listener = world.listen(SERVER, 80);
        let mut pairs: Vec<_> = (0..20).map(|_| world.pair(&listener)).collect();
        let exchange = world.datagrams(SERVER, 9);
        exchange.send(b"x").unwrap();
        let before = descriptors();
        let stack = world.stack.take().unwrap();
        let started = Instant::now();
        world.runtime.block_on(stack.stop());
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        // Two of the device and one of each flow are gone at least.
        assert!(descriptors() <= before - 22, "{before} {}", descriptors());
        for (guest, server) in &mut pairs {
            assert_eq!(guest.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
            assert!(matches!(server.read(&mut [0; 1]), Ok(0) | Err(_)));
        }
        let open = |outcome: &Outcome| *outcome == Outcome::Open;
        assert!(!world.recorder.snapshot().entries.iter().any(|entry| open(&entry.outcome)));
        let alive = |world: &World| world.runtime.metrics().num_alive_tasks();
        world.wait_until("no task is left", |world| alive(world) == 0);
    });
}

#[test]
fn the_stack_ends_with_its_device() {
    world::test("flows::the_stack_ends_with_its_device", Policy::internet(), |world| {
        let alive = |world: &World| world.runtime.metrics().num_alive_tasks();
        let listener = world.listen(SERVER, 80);
        let _pair = world.pair(&listener);
        assert!(alive(world) > 0);
        world.guest.run(|| world::ip("link delete smile0"));
        world.wait_until("no task is left", |world| alive(world) == 0);
    });
}
