//! How the bytes get there: TCP by default, or whatever the caller brings.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A byte stream to the server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What [`Dial::dial`] gives.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Opens byte streams to the server: for Unix sockets, TLS, and tests in memory.
///
/// ```
/// use smile_resilience::websocket::{Dial, Dialing};
/// use tokio::net::UnixStream;
///
/// #[derive(Debug)]
/// struct Socket(std::path::PathBuf);
///
/// impl Dial for Socket {
///     fn dial(&self) -> Dialing<'_> {
///         Box::pin(async { Ok(Box::new(UnixStream::connect(&self.0).await?) as _) })
///     }
/// }
/// ```
pub trait Dial: Debug + Send + Sync {
    /// Opens one stream.
    fn dial(&self) -> Dialing<'_>;
}

#[derive(Debug)]
pub(super) struct Tcp {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Dial for Tcp {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            // Messages are small and somebody waits for each.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as _)
        })
    }
}
