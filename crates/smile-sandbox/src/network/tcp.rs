//! One TCP connection: made again from the host's side, then answered, then copied.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Outcome,
    driver::Shared,
    engine::GuestStream,
    packet::{self, Flow, Unreachable},
    record::Tracker,
    resolver::Carriage,
};

/// How long the destination may take to answer; the kernel itself would wait for two minutes.
const DIAL_MAX: Duration = Duration::from_secs(30);

/// How long the sandbox may take for its part of an opening or an ending.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// Bytes that are copied at once.
const CHUNK_BYTES: usize = 64 << 10;

/// How long a resolver inside may keep its connection without a question.
const QUESTION_MAX: Duration = Duration::from_secs(10);

/// The largest question; a name and its type fit 300 bytes.
const QUESTION_BYTES_MAX: usize = 1232;

/// Connects to where the sandbox wants to and carries bytes until both sides have ended.
pub(super) async fn carry(
    shared: Arc<Shared>,
    flow: Flow,
    opening: Vec<u8>,
    to: SocketAddr,
    tracker: Tracker,
) {
    let dialled = match timeout(DIAL_MAX, TcpStream::connect(to)).await {
        Ok(dialled) => dialled,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let server = match dialled {
        Ok(server) => server,
        Err(error) => {
            tracker.end(Outcome::failed(&error));
            if let Some(answer) = refusal(&opening, &error) {
                shared.engine.send(&answer);
            }
            return;
        }
    };
    let guest = shared.engine.accept(flow, &opening);
    let established = timeout(HANDSHAKE_MAX, guest.established()).await;
    if !matches!(established, Ok(Ok(()))) {
        tracker.end(Outcome::failed(&"the sandbox gave up before the answer"));
        return;
    }
    // What the sandbox asked to be sent at once is not held back here either.
    let _unsupported = server.set_nodelay(true);
    match copy(&guest, server, &tracker).await {
        Ok(()) => {
            tracker.end(Outcome::Ended);
            let _too_slow = timeout(HANDSHAKE_MAX, guest.closed()).await;
        }
        Err(Broken::Guest) => tracker.end(Outcome::Ended),
        Err(Broken::Server(error)) => {
            tracker.end(Outcome::failed(&error));
            // What the server sent before it broke is still worth reading.
            let _too_slow = timeout(HANDSHAKE_MAX, guest.drained()).await;
        }
    }
    // Dropping the guest's side resets what is not closed.
}

/// Which side broke the connection. A program inside may end its own as it likes.
enum Broken {
    Guest,
    Server(io::Error),
}

/// Copies both ways. What a program can have seen was recorded before it could see it, so that
/// whoever waits for the program finds it in the record.
async fn copy(guest: &GuestStream, mut server: TcpStream, tracker: &Tracker) -> Result<(), Broken> {
    let (mut from_server, mut to_server) = server.split();
    let up = async {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let bytes = guest.read(&mut buffer).await.map_err(|_| Broken::Guest)?;
            if bytes == 0 {
                let ended = to_server.shutdown().await;
                return Ok(ended.or_else(ignore_not_connected).err());
            }
            tracker.up(bytes);
            if let Err(error) = to_server.write_all(&buffer[..bytes]).await {
                // The other direction first delivers what came before it.
                return Ok(Some(error));
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let bytes = from_server.read(&mut buffer).await.map_err(Broken::Server)?;
            if bytes == 0 {
                guest.finish();
                return Ok(());
            }
            tracker.down(bytes);
            let written = guest.write_all(&buffer[..bytes]).await;
            written.map_err(|_| Broken::Guest)?;
        }
    };
    let result = match tokio::try_join!(up, down) {
        Ok((None, ())) => Ok(()),
        Ok((Some(error), ())) => Err(Broken::Server(error)),
        Err(broken) => Err(broken),
    };
    if result.is_err() {
        // The server sees a reset too, not an orderly end of data that is incomplete.
        let _unsupported = server.set_zero_linger();
    }
    result
}

/// A server that is gone has ended its side anyway.
fn ignore_not_connected(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotConnected => Ok(()),
        _ => Err(error),
    }
}

/// Tells the sandbox in its own terms why the host's side could not connect.
fn refusal(opening: &[u8], error: &io::Error) -> Option<Vec<u8>> {
    match error.kind() {
        io::ErrorKind::NetworkUnreachable => packet::unreachable(opening, Unreachable::Network),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => packet::reset(opening),
        _ => packet::unreachable(opening, Unreachable::Host),
    }
}

/// Answers questions for names that come by stream.
pub(super) async fn answer_names(shared: Arc<Shared>, flow: Flow, opening: Vec<u8>) {
    let guest = shared.engine.accept(flow, &opening);
    let serve = async {
        timeout(HANDSHAKE_MAX, guest.established()).await??;
        loop {
            let mut length = [0; 2];
            timeout(QUESTION_MAX, read_exact(&guest, &mut length)).await??;
            let length = usize::from(u16::from_be_bytes(length));
            if length > QUESTION_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut question = vec![0; length];
            timeout(QUESTION_MAX, read_exact(&guest, &mut question)).await??;
            let answered = shared.resolver.answer(&question, Carriage::Stream).await;
            let answer = answered.ok_or(io::ErrorKind::InvalidData)?;
            let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
            guest.write_all(&length.to_be_bytes()).await?;
            guest.write_all(&answer).await?;
        }
    };
    let ended: io::Result<()> = serve.await;
    if matches!(&ended, Err(error) if error.kind() == io::ErrorKind::UnexpectedEof) {
        guest.finish();
        let _too_slow = timeout(HANDSHAKE_MAX, guest.closed()).await;
    }
}

async fn read_exact(guest: &GuestStream, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        let bytes = guest.read(buffer).await?;
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[bytes..];
    }
    Ok(())
}
