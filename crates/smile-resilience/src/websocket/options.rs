//! What a client needs to know before it starts.

use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::tungstenite::http::header::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::http::{HeaderMap, Uri};

use super::dial::{Dial, Tcp};
use crate::connection::ResiliencyConfig;
use crate::policy::PolicyError;
use crate::random::Random;

/// Where to connect, how to watch the connection, and where to go on. The defaults suit a server of
/// this product; each `with_` call changes one thing.
///
/// ```
/// use smile_resilience::ResiliencyConfig;
/// use smile_resilience::websocket::Options;
///
/// let options = Options::new("ws://127.0.0.1:3000/ws")?
///     .with_config(ResiliencyConfig { message_buffer_size: 1_000, ..Default::default() })?
///     .with_header("authorization", "Bearer secret")?
///     .resuming("run-7", 41);
/// # Ok::<(), smile_resilience::websocket::OptionsError>(())
/// ```
#[derive(Debug)]
pub struct Options {
    pub(super) uri: Uri,
    pub(super) config: ResiliencyConfig,
    pub(super) headers: HeaderMap,
    pub(super) dial: Arc<dyn Dial>,
    pub(super) client_id: String,
    pub(super) epoch: Option<String>,
    pub(super) last_seq: u64,
    pub(super) stable_after: Duration,
    pub(super) answer_within: Duration,
    pub(super) hole_patience: Duration,
    pub(super) message_bytes_max: usize,
    pub(super) outbox_bytes_max: usize,
    pub(super) random: Random,
}

/// Options that cannot be meant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The address is none.
    #[error("`{address}` is not the address of a WebSocket, such as `ws://127.0.0.1:3000/ws`")]
    Address {
        /// What was given.
        address: String,
    },
    /// The scheme is encrypted.
    #[error("`{address}` needs TLS: bring it with `Options::with_dial`")]
    Tls {
        /// What was given.
        address: String,
    },
    /// The header cannot be sent.
    #[error("`{name}` with its value is not a header")]
    Header {
        /// Its name; the value may be a secret.
        name: String,
    },
    /// The numbers cannot be meant.
    #[error("the connection's configuration cannot be meant")]
    Config(#[source] PolicyError),
}

impl Options {
    /// Connects to `address` over TCP: `ws://host:port/path`.
    ///
    /// # Errors
    /// `Address` where it cannot be read, `Tls` for `wss://`, see [`Options::with_dial`].
    pub fn new(address: &str) -> Result<Self, OptionsError> {
        let uri = parse(address)?;
        if uri.scheme_str() == Some("wss") {
            return Err(OptionsError::Tls { address: address.to_owned() });
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(80);
        Ok(Self::build(uri, Arc::new(Tcp { host, port })))
    }

    /// Connects through `dial`; `address` gives the path, the query and the `Host` header.
    ///
    /// # Errors
    /// `Address` where it cannot be read.
    pub fn with_dial(address: &str, dial: impl Dial + 'static) -> Result<Self, OptionsError> {
        Ok(Self::build(parse(address)?, Arc::new(dial)))
    }

    fn build(uri: Uri, dial: Arc<dyn Dial>) -> Self {
        let mut random = Random::new();
        Self {
            uri,
            config: ResiliencyConfig::default(),
            headers: HeaderMap::new(),
            dial,
            client_id: format!("{:016x}{:016x}", random.bits(), random.bits()),
            epoch: None,
            last_seq: 0,
            stable_after: Duration::from_secs(10),
            answer_within: Duration::from_secs(10),
            hole_patience: Duration::from_secs(2),
            message_bytes_max: 1 << 20,
            outbox_bytes_max: 16 << 20,
            random,
        }
    }

    /// Sets heartbeat, backoff, reconnect limit and buffer.
    ///
    /// # Errors
    /// `Config` where a number cannot be meant.
    pub fn with_config(mut self, config: ResiliencyConfig) -> Result<Self, OptionsError> {
        self.config = config.checked().map_err(OptionsError::Config)?;
        Ok(self)
    }

    /// Adds a header to the request, for a token. It is never logged.
    ///
    /// # Errors
    /// `Header` where it cannot be sent.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, OptionsError> {
        let error = || OptionsError::Header { name: name.to_owned() };
        let mut value = HeaderValue::from_str(value).map_err(|_invalid| error())?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_invalid| error())?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Goes on after event `last_seq` of `epoch`, as an earlier client had them.
    #[must_use]
    pub fn resuming(mut self, epoch: impl Into<String>, last_seq: u64) -> Self {
        self.epoch = Some(epoch.into());
        self.last_seq = last_seq;
        self
    }

    /// Names this client; the server recognises repeated requests by it. Random by default.
    #[must_use]
    pub fn with_client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = client_id.into();
        self
    }

    /// How long a connection must last, once the server has answered, before attempts count from
    /// zero again: 10 s by default.
    #[must_use]
    pub fn with_stable_after(mut self, stable_after: Duration) -> Self {
        self.stable_after = stable_after;
        self
    }

    /// How long connecting may take, up to the server's first message: 10 s by default.
    #[must_use]
    pub fn with_answer_within(mut self, answer_within: Duration) -> Self {
        self.answer_within = answer_within;
        self
    }

    /// How long a missing event is waited for before it is asked for by a reconnect, and, if that
    /// does not bring it, before it is reported as a gap: 2 s by default.
    #[must_use]
    pub fn with_hole_patience(mut self, patience: Duration) -> Self {
        self.hole_patience = patience;
        self
    }

    /// The longest message in either direction: 1 MiB by default.
    #[must_use]
    pub fn with_message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// The most bytes that may wait to be sent or acknowledged: 16 MiB by default.
    #[must_use]
    pub fn with_outbox_bytes_max(mut self, bytes: usize) -> Self {
        self.outbox_bytes_max = bytes;
        self
    }

    /// Draws jitter from `random`: for tests.
    #[must_use]
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// The address with where to go on: `?since=SEQ&epoch=…&client=…`.
    pub(super) fn address(&self, epoch: Option<&str>, last_seq: u64) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("ws");
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let path = self.uri.path();
        let own = self.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
        let client = encode(&self.client_id);
        let epoch = epoch.map(|epoch| format!("&epoch={}", encode(epoch))).unwrap_or_default();
        format!("{scheme}://{authority}{path}?{own}since={last_seq}{epoch}&client={client}")
    }
}

fn parse(address: &str) -> Result<Uri, OptionsError> {
    let error = || OptionsError::Address { address: address.to_owned() };
    let uri: Uri = address.parse().map_err(|_invalid| error())?;
    let known = matches!(uri.scheme_str(), Some("ws" | "wss"));
    if known && uri.host().is_some_and(|host| !host.is_empty()) { Ok(uri) } else { Err(error()) }
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for bad in ["", "127.0.0.1:3000", "http://h/ws", "ws:///ws", "ws://h o/ws"] {
            assert!(matches!(Options::new(bad), Err(OptionsError::Address { .. })), "{bad}");
        }
        assert!(matches!(Options::new("wss://h/ws"), Err(OptionsError::Tls { .. })));
        let options = Options::new("ws://[::1]:3000/ws?token=1").unwrap().with_client_id("a b");
        let address = options.address(Some("run/7"), 41);
        assert_eq!(address, "ws://[::1]:3000/ws?token=1&since=41&epoch=run%2F7&client=a%20b");
        let plain = Options::new("ws://h").unwrap().with_client_id("c").address(None, 0);
        assert_eq!(plain, "ws://h/?since=0&client=c");
    }

    #[test]
    fn a_secret_header_is_not_shown() {
        let options = Options::new("ws://h").unwrap();
        let options = options.with_header("authorization", "Bearer s3cret").unwrap();
        assert!(!format!("{options:?}").contains("s3cret"));
        let options = Options::new("ws://h").unwrap();
        assert!(!options.with_header("x", "a\nb").unwrap_err().to_string().contains("a\nb"));
    }
}
