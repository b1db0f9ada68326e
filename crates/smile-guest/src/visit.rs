//! Opening an address from inside: a minimal HTTP/1.1 GET to the sandbox's own loopback.
//!
//! Names are not resolved, because a static program has no name service: `localhost` is known.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use smile_resilience::{Phase, Policy, Retrier};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::message::{GuestError, Visit, Visited};

const BODY_BYTES_MAX: usize = 64 * 1024;
const HEAD_BYTES_MAX: usize = 64 * 1024;
const REDIRECTS_MAX: usize = 5;

/// Opens an address, trying again while nothing answers yet: a server may be just starting.
///
/// # Errors
/// `INVALID_INPUT` for what is no `http` address on loopback, `TIMEOUT`.
pub(crate) async fn visit(visit: &Visit) -> Result<Visited, GuestError> {
    let address = Address::parse(&visit.url).ok_or_else(|| not_here(&visit.url))?;
    Retrier::new("open an address", Policy::until(Duration::from_millis(visit.timeout_ms)))
        .in_phase(Phase::Starting)
        .run(|_attempt| follow(address.clone()))
        .await
        .map_err(|error| match error.into_inner() {
            Some(error) => unanswered(&visit.url, &error.to_string()),
            None => unanswered(&visit.url, "no answer in time"),
        })
}

/// Asks for a page, going where it sends its readers.
async fn follow(mut address: Address) -> std::io::Result<Visited> {
    let mut redirects = 0;
    loop {
        match get(&address).await? {
            Answer::Page(page) => return Ok(page),
            Answer::Elsewhere(status, location) => {
                redirects += 1;
                match address.join(&location) {
                    Some(next) if redirects <= REDIRECTS_MAX => address = next,
                    // A page elsewhere: that there is an answer is what was asked.
                    _ => return Ok(Visited { status, body: String::new() }),
                }
            }
        }
    }
}

fn not_here(url: &str) -> GuestError {
    GuestError::new("INVALID_INPUT", format!("`{url}` is no http address on this machine"))
}

fn unanswered(url: &str, why: &str) -> GuestError {
    let mut error = GuestError::new("TIMEOUT", format!("`{url}` did not answer: {why}"));
    error.retryable = true;
    error
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    /// As the server is to see it.
    host: String,
    port: u16,
    /// Path and query.
    target: String,
}

impl Address {
    fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let target = target.split('#').next().unwrap_or_default();
        let authority = authority.rsplit('@').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, 80),
        };
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let sound = !host.is_empty() && !url.contains(|c: char| c.is_control() || c == ' ');
        let address = Self { host: host.to_owned(), port, target };
        (sound && !address.candidates().is_empty()).then_some(address)
    }

    fn join(&self, location: &str) -> Option<Self> {
        if location.contains("://") {
            return Self::parse(location);
        }
        let target = if location.starts_with('/') {
            location.to_owned()
        } else {
            let folder = self.target.split('?').next()?.rsplit_once('/')?.0;
            format!("{folder}/{location}")
        };
        (!target.contains(|c: char| c.is_control() || c == ' '))
            .then(|| Self { target, ..self.clone() })
    }

    /// Where to connect: loopback only.
    fn candidates(&self) -> Vec<SocketAddr> {
        let name = self.host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        let addresses = if name == "localhost" || name.ends_with(".localhost") {
            vec![v4, v6]
        } else {
            match name.parse::<IpAddr>() {
                Ok(address) if address.is_loopback() => vec![address],
                Ok(address) if address.is_unspecified() => vec![v4, v6],
                _ => Vec::new(),
            }
        };
        addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect()
    }
}

enum Answer {
    Page(Visited),
    Elsewhere(u16, String),
}

async fn get(address: &Address) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(&*address.candidates()).await?;
    let Address { host, port, target } = address;
    let host = if *port == 80 { host.clone() } else { format!("{host}:{port}") };
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux) smile\r\n\
         Accept: text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8\r\n\
         Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    read_answer(stream).await
}

async fn read_answer(mut stream: TcpStream) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(head) = Head::parse(&bytes) {
            if let Some(location) =
                head.location.clone().filter(|_| (300..400).contains(&head.status))
            {
                return Ok(Answer::Elsewhere(head.status, location));
            }
            let body = head.body(&bytes);
            let enough = head.is_complete(body) || body.len() >= BODY_BYTES_MAX;
            if count == 0 || enough {
                let mut body = if head.chunked { unchunk(body).0 } else { body.to_vec() };
                body.truncate(head.length.unwrap_or(usize::MAX).min(BODY_BYTES_MAX));
                let body = String::from_utf8_lossy(&body).into_owned();
                return Ok(Answer::Page(Visited { status: head.status, body }));
            }
        } else if count == 0 || bytes.len() > HEAD_BYTES_MAX {
            return Err(std::io::Error::other("what answers there is no HTTP server"));
        }
    }
}

#[derive(Debug, Default)]
struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
    location: Option<String>,
    end: usize,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = text.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
        let mut head = Self { status, end: end + 4, ..Self::default() };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.trim().parse().ok(),
                "transfer-encoding" => head.chunked = value.to_lowercase().contains("chunked"),
                "location" => head.location = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        Some(head)
    }

    fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.end.min(bytes.len())..]
    }

    fn is_complete(&self, body: &[u8]) -> bool {
        if self.chunked {
            unchunk(body).1
        } else {
            matches!(self.status, 204 | 304)
                || self.length.is_some_and(|length| body.len() >= length)
        }
    }
}

/// The content of a chunked body as far as it is there, and whether that is all of it.
fn unchunk(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    loop {
        let Some(end) = body.windows(2).position(|window| window == b"\r\n") else {
            return (content, false);
        };
        let size = String::from_utf8_lossy(&body[..end]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { return (content, true) };
        if size == 0 {
            return (content, true);
        }
        body = &body[end + 2..];
        let here = size.min(body.len());
        content.extend_from_slice(&body[..here]);
        let Some(next) = size.checked_add(2).filter(|&next| next <= body.len()) else {
            return (content, false);
        };
        body = &body[next..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<(&str, u16, &str)>) {
        let seen = Address::parse(url);
        let seen = seen.as_ref().map(|a| (a.host.as_str(), a.port, a.target.as_str()));
        assert_eq!(seen, expected, "{url}");
    }

    #[test]
    fn addresses() {
        check("http://localhost:8000", Some(("localhost", 8000, "/")));
        check("http://127.0.0.1:3000/a?b=c#d", Some(("127.0.0.1", 3000, "/a?b=c")));
        check("http://[::1]:80/x", Some(("[::1]", 80, "/x")));
        check("http://0.0.0.0:5000?x", Some(("0.0.0.0", 5000, "/?x")));
        check("http://app.localhost/", Some(("app.localhost", 80, "/")));
        check("http://example.com/", None);
        check("https://localhost/", None);
        check("http://10.0.0.1/", None);
        check("http://localhost:99999/", None);
        check("http://localhost/a b", None);
    }

    #[test]
    fn chunks() {
        let check = |body: &str, content: &str, whole| {
            let (seen, complete) = unchunk(body.as_bytes());
            assert_eq!((String::from_utf8(seen).unwrap().as_str(), complete), (content, whole));
        };
        check("5\r\nhello\r\n0\r\n\r\n", "hello", true);
        check("5\r\nhello\r\n3;x\r\nabc\r\n", "helloabc", false);
        check("5\r\nhel", "hel", false);
        check("ffffffffffffffff\r\nhel", "hel", false);
        check("zz\r\n", "", true);
    }
}
