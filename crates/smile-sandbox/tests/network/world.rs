//! A small internet of three network namespaces: the host, what it can reach, and the sandbox.
//!
//! ```text
//! sandbox 10.77.0.2 -- TUN -- [stack] host 198.51.100.1 -- veth -- 198.51.100.2 internet
//! ```
//!
//! Each test runs itself again in namespaces of its own (as root, or as anybody where user
//! namespaces are allowed), so tests never meet, need nothing of the machine's network and
//! leave nothing behind.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    os::fd::OwnedFd,
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use smile_sandbox::network::{GATEWAY, GUEST, MTU, PREFIX_LENGTH, Policy, Recorder, Stack};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const INSIDE: &str = "SMILE_TEST_NETWORK_INSIDE";

/// A public server.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
/// The nameserver.
pub(crate) const NAMESERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 53);
/// A machine in the host's private network.
pub(crate) const PRIVATE: Ipv4Addr = Ipv4Addr::new(192, 168, 50, 1);
/// Where a cloud would give out secrets.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// An address that the host knows to be unreachable.
pub(crate) const NOWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 99);
/// The host itself.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The host itself, by a second address.
pub(crate) const HOST_SECOND: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

/// How soon a refusal must come: "at once", on a busy machine.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(800);

/// How long anything else may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) internet: Namespace,
    pub(crate) guest: Namespace,
    pub(crate) recorder: Recorder,
    pub(crate) stack: Option<Stack>,
    pub(crate) runtime: tokio::runtime::Runtime,
}

/// A thread that lives in a network namespace of its own. Sockets made by it belong there,
/// whoever uses them.
pub(crate) struct Namespace(mpsc::Sender<Box<dyn FnOnce() + Send>>);

/// Runs a test's body in a world of its own.
pub(crate) fn test(name: &str, policy: Policy, body: impl FnOnce(&mut World)) {
    if is_inside() {
        return body(&mut World::new(policy));
    }
    let output = inside(&[name, "--exact", "--nocapture"]).output();
    let output = output.expect("`unshare` of util-linux runs");
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}\n{}", text[0], text[1]);
    assert!(text[0].contains("1 passed"), "the test ran inside: {}", text[0]);
}

/// Whether this process is in namespaces of its own.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// This program, in namespaces of its own.
pub(crate) fn inside(arguments: &[&str]) -> Command {
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new("unshare");
    command
        .arg(if root { "-n" } else { "-Urn" })
        .arg(std::env::current_exe().unwrap())
        .args(arguments)
        .env(INSIDE, "1");
    command
}

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        let internet = Namespace::new();
        let guest = Namespace::new();
        ip("link set lo up");
        let place = internet.run(rustix::thread::gettid).as_raw_nonzero();
        ip(&format!("link add inet type veth peer name host netns {place}"));
        ip(&format!("addr add {HOST}/24 dev inet"));
        ip(&format!("addr add {HOST_SECOND}/24 dev inet"));
        ip("link set inet up");
        internet.run(|| {
            ip("link set lo up");
            ip("link set host up");
            ip("addr add 198.51.100.2/24 dev host");
            for address in [SERVER, NAMESERVER, PRIVATE, METADATA] {
                ip(&format!("addr add {address}/32 dev lo"));
            }
        });
        ip("route add default via 198.51.100.2");
        ip(&format!("route add unreachable {NOWHERE}"));
        // The kernel brings the link up a moment later, and drops what comes before.
        let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
        let soon = Duration::from_millis(50);
        while !TcpStream::connect_timeout(&(SERVER, 1).into(), soon).is_err_and(refused) {}
        let tun = guest.run(|| {
            let tun = tun("smile0").expect("a TUN device can be made: is /dev/net/tun there?");
            ip("link set lo up");
            ip(&format!("link set smile0 mtu {MTU} up"));
            ip(&format!("addr add {GUEST}/{PREFIX_LENGTH} dev smile0"));
            ip(&format!("route add default via {GATEWAY}"));
            tun
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let policy = match policy.nameservers {
            Some(_) => policy,
            None => policy.with_nameservers(vec![(NAMESERVER, 53).into()]),
        };
        let entered = runtime.enter();
        let stack = Stack::start(tun, policy, &CancellationToken::new()).unwrap();
        drop(entered);
        Self { internet, guest, recorder: stack.recorder(), stack: Some(stack), runtime }
    }

    /// Listens somewhere in the internet.
    pub(crate) fn listen(&self, ip: Ipv4Addr, port: u16) -> TcpListener {
        self.internet.run(move || TcpListener::bind((ip, port)).unwrap())
    }

    /// Connects from within the sandbox.
    pub(crate) fn connect(&self, ip: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
        let address = SocketAddr::from((ip, port));
        let stream = (self.guest).run(move || TcpStream::connect_timeout(&address, PATIENCE))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// A connection from within the sandbox, and its other end.
    pub(crate) fn pair(&self, listener: &TcpListener) -> (TcpStream, TcpStream) {
        let SocketAddr::V4(to) = listener.local_addr().unwrap() else { panic!("listens on IPv4") };
        let guest = self.connect(*to.ip(), to.port()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        server.set_write_timeout(Some(PATIENCE)).unwrap();
        (guest, server)
    }

    /// How a connection from within fails, which must be at once.
    pub(crate) fn refused(&self, ip: Ipv4Addr, port: u16) -> ErrorKind {
        let started = Instant::now();
        let error = self.connect(ip, port).expect_err("refused");
        let took = started.elapsed();
        assert!(took < AT_ONCE, "{ip}:{port} was refused after {took:?}: {error}");
        error.kind()
    }

    /// A datagram socket within the sandbox, connected.
    pub(crate) fn datagrams(&self, ip: Ipv4Addr, port: u16) -> UdpSocket {
        self.guest.run(move || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
            socket.connect((ip, port)).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        })
    }

    /// Waits until something holds, which takes no longer than it must.
    pub(crate) fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            assert!(
                started.elapsed() < PATIENCE,
                "still not: {what}; {:#?}",
                self.recorder.snapshot()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Namespace {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (ready, made) = mpsc::channel();
        thread::spawn(move || {
            ready.send(unshare_network()).unwrap();
            while let Ok(task) = receiver.recv() {
                task();
            }
        });
        made.recv().unwrap().expect("a network namespace can be made");
        Self(sender)
    }

    /// Runs something in the namespace.
    pub(crate) fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = mpsc::channel();
        let send = move || drop(sender.send(task()));
        self.0.send(Box::new(send)).unwrap();
        receiver.recv().expect("the task did not panic")
    }
}

/// Runs `ip` of iproute2 in the calling thread's namespace.
pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.expect("`ip` of iproute2 runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {error}");
}

/// Serves names. `ANSWERS` holds what is known; `turn.test` is public at first, then private.
pub(crate) fn serve_names(world: &World) {
    let (datagrams, streams) = world.internet.run(|| {
        let at = SocketAddrV4::new(NAMESERVER, 53);
        (UdpSocket::bind(at).unwrap(), TcpListener::bind(at).unwrap())
    });
    thread::spawn(move || {
        let (mut buffer, mut turns) = ([0; 1500], 0);
        while let Ok((bytes, from)) = datagrams.recv_from(&mut buffer) {
            let _gone = datagrams.send_to(&answer(&buffer[..bytes], &mut turns, 512), from);
        }
    });
    thread::spawn(move || {
        for stream in streams.incoming() {
            let mut stream = stream.unwrap();
            let question = read_framed(&mut stream).unwrap();
            write_framed(&mut stream, &answer(&question, &mut 0, 65_535));
        }
    });
}

fn answer(question: &[u8], turns: &mut u32, bytes_max: usize) -> Vec<u8> {
    let name_end = 12 + question[12..].iter().position(|&byte| byte == 0).unwrap() + 1;
    let name = String::from_utf8_lossy(&question[13..name_end - 1]).to_ascii_lowercase();
    let is_address = question[name_end..name_end + 2] == [0, 1];
    let addresses: Vec<Ipv4Addr> = match &*name {
        "web\x04test" => vec![SERVER],
        "host\x04test" => vec![HOST],
        "mixed\x04test" => vec![PRIVATE, SERVER],
        "turn\x04test" if *turns == 0 => vec![SERVER],
        "turn\x04test" | "private\x04test" | "mirror\x04test" => vec![PRIVATE],
        "large\x04test" => vec![SERVER; 40],
        _ => Vec::new(),
    };
    *turns += u32::from(name.starts_with("turn"));
    let cut = name_end + 4 + addresses.len() * 16 > bytes_max;
    let mut message = question[..name_end + 4].to_vec();
    message[2] = 0x81 | (u8::from(cut) << 1);
    message[3] = if addresses.is_empty() { 3 } else { 0 };
    message[6..12].fill(0);
    if is_address && !cut {
        message[7] = u8::try_from(addresses.len()).unwrap();
        for address in addresses {
            message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            message.extend_from_slice(&address.octets());
        }
    } else if name == "web\x04test" {
        message[7] = 1;
        message.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 3, 2, b'h', b'i']);
    }
    message
}

/// A question as a resolver inside asks it.
pub(crate) fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message
}

pub(crate) fn read_framed(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

pub(crate) fn write_framed(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap();
    stream.write_all(&length.to_be_bytes()).unwrap();
    stream.write_all(message).unwrap();
}

#[expect(unsafe_code, reason = "the safe wrapper is deprecated for its other flags")]
fn unshare_network() -> io::Result<()> {
    // SAFETY: the flag leaves the table of descriptors alone.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }?;
    Ok(())
}

#[expect(unsafe_code, reason = "no safe wrapper makes a TUN device")]
fn tun(name: &str) -> io::Result<OwnedFd> {
    const TUNSETIFF: rustix::ioctl::Opcode = 0x4004_54ca;
    const TUN_WITHOUT_HEADER: i16 = 0x1001;
    let path = std::env::var_os("SMILE_TEST_TUN").unwrap_or("/dev/net/tun".into());
    let device = File::options().read(true).write(true).open(path)?;
    let mut request = [0_u8; 40]; // `struct ifreq`: the name, then the flags.
    request[..name.len()].copy_from_slice(name.as_bytes());
    request[16..18].copy_from_slice(&TUN_WITHOUT_HEADER.to_ne_bytes());
    // SAFETY: the request is as large as the kernel reads and lives until it returns.
    unsafe {
        let set = rustix::ioctl::Setter::<TUNSETIFF, [u8; 40]>::new(request);
        rustix::ioctl::ioctl(&device, set)?;
    }
    Ok(device.into())
}
