//! Many streams over one pipe: the guest over a socket pair or an exec's stdin and stdout.
//!
//! A stream costs no round trip to open: its first frame opens it.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Config, Connection, ConnectionError, Mode};

/// One bidirectional stream of the pipe.
pub type Stream = Compat<yamux::Stream>;

/// Streams under way at once.
pub const STREAMS_MAX: usize = 512;
/// Bytes buffered over all streams of a pipe: the smallest that the library allows.
const RECEIVE_BYTES_MAX: usize = STREAMS_MAX * 256 * 1024;
const REQUESTS_MAX: usize = 64;

/// Which end of the pipe this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that calls: the host.
    Caller,
    /// The one that is called: the guest.
    Handler,
}

/// Why the pipe is of no more use.
#[derive(Debug, thiserror::Error)]
#[error("the pipe to the peer broke")]
pub struct PipeError(#[source] ConnectionError);

/// The pipe is closed: no more streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pipe to the peer is closed")]
pub struct Closed;

/// Opens streams; cheap to clone. When the last one is gone the pipe is closed.
#[derive(Debug, Clone)]
pub struct Opener {
    requests: mpsc::Sender<oneshot::Sender<yamux::Stream>>,
}

impl Opener {
    /// Opens a stream.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn open(&self) -> Result<Stream, Closed> {
        let (answer, stream) = oneshot::channel();
        self.requests.send(answer).await.map_err(|_| Closed)?;
        Ok(stream.await.map_err(|_| Closed)?.compat())
    }
}

/// Drives a pipe until it ends: the caller's side ends when every [`Opener`] is gone, the
/// handler's side when the peer closes. `on_stream` gets each stream that the peer opens; the
/// caller's side refuses them.
///
/// The returned future must be polled for anything to move.
pub fn over<T, F>(
    io: T,
    side: Side,
    mut on_stream: F,
) -> (Opener, impl Future<Output = Result<(), PipeError>>)
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(Stream),
{
    let (requests, mut inbox) = mpsc::channel::<oneshot::Sender<yamux::Stream>>(REQUESTS_MAX);
    let mut config = Config::default();
    config.set_max_num_streams(STREAMS_MAX);
    config.set_max_connection_receive_window(Some(RECEIVE_BYTES_MAX));
    let mode = match side {
        Side::Caller => Mode::Client,
        Side::Handler => Mode::Server,
    };
    let mut connection = Connection::new(io.compat(), config, mode);
    let mut waiting: Option<oneshot::Sender<yamux::Stream>> = None;
    let mut closing = false;
    let driver = poll_fn(move |context: &mut Context<'_>| {
        loop {
            if closing {
                return connection.poll_close(context).map_err(PipeError);
            }
            if waiting.is_none() {
                match inbox.poll_recv(context) {
                    Poll::Ready(Some(request)) => waiting = Some(request),
                    Poll::Ready(None) if side == Side::Caller => {
                        closing = true;
                        continue;
                    }
                    Poll::Ready(None) | Poll::Pending => {}
                }
            }
            if waiting.is_some()
                && let Poll::Ready(stream) = connection.poll_new_outbound(context)
            {
                let stream = stream.map_err(PipeError)?;
                if let Some(request) = waiting.take() {
                    // A caller that no longer waits drops the stream, which resets it.
                    let _ = request.send(stream);
                }
                continue;
            }
            match connection.poll_next_inbound(context) {
                Poll::Ready(Some(Ok(stream))) => {
                    if side == Side::Handler {
                        on_stream(stream.compat());
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(PipeError(error))),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    });
    (Opener { requests }, driver)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn many_streams_share_a_pipe() {
        let (here, there) = duplex(4096);
        let (opener, client) = over(here, Side::Caller, drop);
        let (streams, mut inbox) = mpsc::channel(64);
        let (_keep, server) = over(there, Side::Handler, move |stream| {
            streams.try_send(stream).unwrap();
        });
        let echo = async {
            let mut tasks = tokio::task::JoinSet::new();
            while let Some(mut stream) = inbox.recv().await {
                tasks.spawn(async move {
                    let mut text = vec![0; 300_000];
                    stream.read_exact(&mut text).await.unwrap();
                    stream.write_all(&text).await.unwrap();
                    stream.close_write().await;
                });
            }
            while tasks.join_next().await.is_some() {}
        };
        let calls = async move {
            let all = (0_u8..20).map(|number| {
                let opener = opener.clone();
                async move {
                    let mut stream = opener.open().await.unwrap();
                    let (mut reader, mut writer) = tokio::io::split(&mut stream);
                    let sent = vec![number; 300_000];
                    let mut seen = Vec::new();
                    let (written, read) =
                        tokio::join!(writer.write_all(&sent), reader.read_to_end(&mut seen));
                    written.unwrap();
                    read.unwrap();
                    assert_eq!(seen, sent);
                }
            });
            join_all(all).await;
            drop(opener); // The last one: closes the pipe, so that all futures end.
        };
        let ((), client, server, ()) = tokio::join!(calls, client, server, echo);
        client.unwrap();
        server.unwrap();
    }

    #[tokio::test]
    async fn a_lost_pipe_closes_its_openers() {
        let (here, there) = duplex(4096);
        let (opener, client) = over(here, Side::Caller, drop);
        drop(there);
        let _ = client.await;
        assert!(matches!(opener.open().await, Err(Closed)));
    }

    trait CloseWrite {
        async fn close_write(&mut self);
    }

    impl CloseWrite for Stream {
        async fn close_write(&mut self) {
            self.shutdown().await.unwrap();
        }
    }
}
