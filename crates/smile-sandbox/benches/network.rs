//! Bytes a second through the stack, against the same sockets without it.
//!
//! `cargo bench -p smile-sandbox --bench network`; loopback devices of its own namespaces only.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails says where")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "../tests/network/world.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod world;

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use smile_sandbox::network::Policy;
use tokio::time::Instant;

use world::{SERVER, World};

const BYTES: usize = 2 << 30;
const ROUND_TRIPS: u32 = 5_000;

fn main() {
    if !world::is_inside() {
        let status = world::inside(&[]).status().unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    let world = World::new(Policy::internet());
    println!("| | direct | through the stack | ratio |\n| --- | --- | --- | --- |");
    let listener = world.listen(SERVER, 80);
    let direct = || {
        let client = TcpStream::connect((SERVER, 80)).unwrap();
        (client, listener.accept().unwrap().0)
    };
    let stack = || world.pair(&listener);
    row("to the sandbox, MB/s", |through| {
        let (client, server) = if through { stack() } else { direct() };
        copy(server, client)
    });
    row("from the sandbox, MB/s", |through| {
        let (client, server) = if through { stack() } else { direct() };
        copy(client, server)
    });
    row("connections a second", |through| {
        let started = Instant::now();
        for _ in 0..1000 {
            drop(if through { stack() } else { direct() });
        }
        1000.0 / started.elapsed().as_secs_f64()
    });
    row("round trips a second", |through| {
        let (mut client, mut server) = if through { stack() } else { direct() };
        client.set_nodelay(true).unwrap();
        let serving = thread::spawn(move || {
            let mut byte = [0; 1];
            while server.read_exact(&mut byte).is_ok() {
                server.write_all(&byte).unwrap();
            }
        });
        let started = Instant::now();
        for _ in 0..ROUND_TRIPS {
            client.write_all(b"x").unwrap();
            client.read_exact(&mut [0; 1]).unwrap();
        }
        let rate = f64::from(ROUND_TRIPS) / started.elapsed().as_secs_f64();
        drop(client);
        serving.join().unwrap();
        rate
    });
}

fn row(name: &str, measure: impl Fn(bool) -> f64) {
    let (direct, through) = (measure(false), measure(true));
    println!("| {name} | {direct:.0} | {through:.0} | {:.2} |", through / direct);
}

/// Megabytes a second from one end to the other.
fn copy(mut from: TcpStream, mut to: TcpStream) -> f64 {
    let started = Instant::now();
    let writing = thread::spawn(move || {
        let chunk = vec![7; 256 << 10];
        for _ in 0..BYTES / chunk.len() {
            from.write_all(&chunk).unwrap();
        }
    });
    let mut buffer = vec![0; 256 << 10];
    let mut left = BYTES;
    while left > 0 {
        left -= to.read(&mut buffer).unwrap();
    }
    let took = started.elapsed().as_secs_f64();
    writing.join().unwrap();
    f64::from(u32::try_from(BYTES >> 20).unwrap()) * 1.048_576 / took
}
