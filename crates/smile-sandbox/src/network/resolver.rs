//! Answers the sandbox's questions for names, by the host's own nameservers and hosts file.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    Outcome, Protocol, Recorder, Refusal,
    dns::{self, Code, Question, kind},
    engine::random,
    gate::Gate,
    record::Tracker,
};

/// How often all nameservers are asked, and how long each may take. Together less than the
/// 5 seconds after which a program inside asks again.
const ROUNDS: u32 = 2;
const TRY_MAX: Duration = Duration::from_millis(1200);
const NAMESERVERS_MAX: usize = 2;

/// Seconds for which an answer from the hosts file holds.
const HOSTS_SECONDS: u32 = 5;

/// The largest datagram of a nameserver (what modern resolvers announce).
const DATAGRAM_BYTES_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct Resolver {
    gate: Arc<Gate>,
    recorder: Recorder,
}

/// How the sandbox asked, which bounds the answer's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carriage {
    Datagram,
    Stream,
}

impl Resolver {
    pub(super) fn new(gate: Arc<Gate>, recorder: Recorder) -> Self {
        Self { gate, recorder }
    }

    /// Answers a message; none for one that is no question.
    pub(super) async fn answer(&self, message: &[u8], carriage: Carriage) -> Option<Vec<u8>> {
        let question = dns::read_question(message)?;
        match question.kind {
            // There is no IPv6 here, and a name's service records would speak of it.
            kind::AAAA | kind::SVCB | kind::HTTPS => {
                Some(dns::write_answer(&question, Code::Success, &[]))
            }
            kind::ANY => Some(dns::write_answer(&question, Code::NotImplemented, &[])),
            kind::A => Some(self.addresses(&question).await),
            _ => Some(self.forward(&question, message, carriage).await),
        }
    }

    async fn addresses(&self, question: &Question) -> Vec<u8> {
        if question.name == "localhost" || question.name.ends_with(".localhost") {
            let loopback = [(Ipv4Addr::LOCALHOST, HOSTS_SECONDS)];
            return dns::write_answer(question, Code::Success, &loopback);
        }
        let tracker = self.track(question);
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        let mut found = addresses_in_hosts(&hosts, &question.name);
        if found.is_empty() {
            match self.look_up(question).await {
                Ok(answer) if answer.code == 0 => found = answer.addresses,
                Ok(answer) if answer.code == Code::NoSuchName as u8 => {
                    tracker.end(Outcome::failed(&"no such name"));
                    return dns::write_answer(question, Code::NoSuchName, &[]);
                }
                Ok(answer) => {
                    let code = answer.code;
                    tracker.end(Outcome::failed(&format_args!("the nameserver says {code}")));
                    return dns::write_answer(question, Code::ServerFailure, &[]);
                }
                Err(error) => {
                    tracker.end(Outcome::failed(&error));
                    return dns::write_answer(question, Code::ServerFailure, &[]);
                }
            }
        }
        let mut refused = None;
        found.retain(|&(ip, _)| {
            let verdict = self.gate.judge_answer(&question.name, ip);
            refused = refused.or(verdict.err());
            verdict.is_ok()
        });
        tracker.end(match (refused, found.is_empty()) {
            (Some(denied), true) => Outcome::Refused(Refusal::Name(denied)),
            (_, false) => Outcome::Ended,
            (None, true) => Outcome::failed(&"the name has no IPv4 address"),
        });
        dns::write_answer(question, Code::Success, &found)
    }

    async fn look_up(&self, question: &Question) -> io::Result<dns::Answer> {
        let id = random_id();
        let query = dns::write_question(question, id);
        let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "an unreadable answer");
        let message = self.exchange(question, &query, id, Carriage::Stream).await?;
        dns::read_answer(&message).ok_or_else(unreadable)
    }

    async fn forward(&self, question: &Question, message: &[u8], carriage: Carriage) -> Vec<u8> {
        let tracker = self.track(question);
        let id = random_id();
        let mut query = message.to_vec();
        query[..2].copy_from_slice(&id.to_be_bytes());
        match self.exchange(question, &query, id, carriage).await {
            Ok(mut answer) => {
                tracker.end(Outcome::Ended);
                answer[..2].copy_from_slice(&question.id.to_be_bytes());
                answer
            }
            Err(error) => {
                tracker.end(Outcome::failed(&error));
                dns::write_answer(question, Code::ServerFailure, &[])
            }
        }
    }

    /// Asks the nameservers in turn. A cut answer is asked for again by stream where the
    /// carriage has room for all of it.
    async fn exchange(
        &self,
        question: &Question,
        query: &[u8],
        id: u16,
        carriage: Carriage,
    ) -> io::Result<Vec<u8>> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no nameserver");
        let nameservers = self.nameservers();
        for _ in 0..ROUNDS {
            for &server in &nameservers {
                let asked = async {
                    let answer = ask_by_datagram(server, question, query, id).await?;
                    if dns::is_truncated(&answer) && carriage == Carriage::Stream {
                        return ask_by_stream(server, question, query, id).await;
                    }
                    Ok(answer)
                };
                match timeout(TRY_MAX, asked).await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(error)) => failure = error,
                    Err(_) => {
                        let text = "the nameserver does not answer";
                        failure = io::Error::new(io::ErrorKind::TimedOut, text);
                    }
                }
            }
        }
        Err(failure)
    }

    /// Where to ask now: the host may have moved to another network since the last time.
    fn nameservers(&self) -> Vec<SocketAddr> {
        let configured = self.gate.policy().nameservers.clone();
        configured.unwrap_or_else(|| {
            let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
            host_nameservers(&text)
        })
    }

    fn track(&self, question: &Question) -> Tracker {
        let name = question.name.as_str().into();
        self.recorder.begin(Protocol::Dns, Some(name), None)
    }
}

async fn ask_by_datagram(
    server: SocketAddr,
    question: &Question,
    query: &[u8],
    id: u16,
) -> io::Result<Vec<u8>> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let bytes = socket.recv(&mut buffer).await?;
        if dns::answers(&buffer[..bytes], question, id) {
            buffer.truncate(bytes);
            return Ok(buffer);
        }
    }
}

async fn ask_by_stream(
    server: SocketAddr,
    question: &Question,
    query: &[u8],
    id: u16,
) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let mut framed = u16::try_from(query.len()).map_err(io::Error::other)?.to_be_bytes().to_vec();
    framed.extend_from_slice(query);
    stream.write_all(&framed).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    if dns::answers(&answer, question, id) {
        return Ok(answer);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "an answer to another question"))
}

/// The nameservers that a `resolv.conf` names.
fn host_nameservers(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let address = line.strip_prefix("nameserver")?.split_whitespace().next()?;
        Some(SocketAddr::from((address.parse::<IpAddr>().ok()?, 53)))
    };
    let mut servers: Vec<_> = text.lines().filter_map(server).collect();
    servers.truncate(NAMESERVERS_MAX);
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, 53).into()); // As the C library does.
    }
    servers
}

/// The IPv4 addresses that a hosts file gives a name.
fn addresses_in_hosts(text: &str, name: &str) -> Vec<(Ipv4Addr, u32)> {
    let address = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        let named = words.any(|word| word.trim_end_matches('.').eq_ignore_ascii_case(name));
        named.then_some((address, HOSTS_SECONDS))
    };
    text.lines().filter_map(address).collect()
}

fn random_id() -> u16 {
    let [high, low, ..] = random().to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_are_read_as_the_c_library_reads_them() {
        let check = |text: &str, expected: &[&str]| {
            let expected: Vec<_> = expected.iter().map(|s| s.parse().unwrap()).collect();
            assert_eq!(host_nameservers(text), expected, "{text}");
        };
        check("", &["127.0.0.1:53"]);
        check("# nameserver 1.1.1.1\nsearch a b\n", &["127.0.0.1:53"]);
        check(
            "nameserver 1.1.1.1\nnameserver\t::1 \nnameserver 3.3.3.3",
            &["1.1.1.1:53", "[::1]:53"],
        );
        check("nameserver fe80::1%eth0\nnameserver 2.2.2.2", &["2.2.2.2:53"]);
    }

    #[test]
    fn names_are_found_in_a_hosts_file() {
        let text = "127.0.0.1 localhost\n::1 a.test\n1.2.3.4 x A.test # b.test\n5.6.7.8 a.test.\n";
        let of = |name| addresses_in_hosts(text, name).into_iter().map(|(ip, _)| ip);
        let expected = [Ipv4Addr::new(1, 2, 3, 4), Ipv4Addr::new(5, 6, 7, 8)];
        assert!(of("a.test").eq(expected));
        assert_eq!(of("b.test").count(), 0);
    }
}
