//! A proxy that harms bytes: it cuts at any of them, delays, and freezes with both ends open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use smile_resilience::Random;
use smile_resilience::websocket::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How much harm is done, and by which seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Harm {
    pub(crate) seed: u64,
    /// So many connections are cut; later ones are left alone.
    pub(crate) cuts: u32,
    /// A connection is cut somewhere before so many bytes from the server.
    pub(crate) down_bytes_max: u64,
    /// Or before so many bytes from the client, whichever comes first.
    pub(crate) up_bytes_max: u64,
    /// Of so many connections, one freezes instead of being cut.
    pub(crate) one_freezes_in: u64,
}

impl Harm {
    pub(crate) const NONE: Self =
        Self { seed: 0, cuts: 0, down_bytes_max: 0, up_bytes_max: 0, one_freezes_in: 0 };
}

/// What happens to one connection.
#[derive(Debug, Clone, Copy)]
struct Fate {
    up: u64,
    down: u64,
    end: End,
    delay: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Close,
    Reset,
    Freeze,
}

/// Listens on loopback; every task ends with it.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cuts: Arc<AtomicU32>,
    freezes: Arc<AtomicU32>,
    frozen: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Stands before whatever `upstream` opens.
    pub(crate) async fn start<S: Stream + 'static>(
        harm: Harm,
        upstream: impl Fn() -> S + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, freezes) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let frozen = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let (counted_cuts, counted_freezes) = (Arc::clone(&cuts), Arc::clone(&freezes));
        let freezing = frozen.subscribe();
        tasks.spawn(async move {
            let mut random = Random::seeded(harm.seed);
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((client, _)) = listener.accept() => {
                        let fate = fate(harm, &mut random, &counted_cuts, &counted_freezes);
                        connections.spawn(carry(client, upstream(), fate, freezing.clone()));
                    }
                    Some(_done) = connections.join_next() => {}
                }
            }
        });
        Self { address, cuts, freezes, frozen, _tasks: tasks }
    }

    /// Connections that were cut.
    pub(crate) fn cuts(&self) -> u32 {
        self.cuts.load(Ordering::Relaxed)
    }

    /// Connections that froze.
    pub(crate) fn freezes(&self) -> u32 {
        self.freezes.load(Ordering::Relaxed)
    }

    /// From now on nothing is carried, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }
}

fn fate(harm: Harm, random: &mut Random, cuts: &AtomicU32, freezes: &AtomicU32) -> Fate {
    let unharmed = Fate { up: u64::MAX, down: u64::MAX, end: End::Close, delay: None };
    if cuts.load(Ordering::Relaxed) == harm.cuts {
        return unharmed;
    }
    let mut below = |bound: u64| random.bits() % bound;
    let (up, down) = (below(harm.up_bytes_max), below(harm.down_bytes_max));
    let delay = (below(8) == 0).then(|| Duration::from_micros(below(3_000)));
    let end = match below(harm.one_freezes_in) {
        0 => End::Freeze,
        other if other % 2 == 0 => End::Close,
        _ => End::Reset,
    };
    let counter = if end == End::Freeze { freezes } else { cuts };
    counter.fetch_add(1, Ordering::Relaxed);
    Fate { up, down, end, delay }
}

async fn carry(
    client: TcpStream,
    server: impl Stream,
    fate: Fate,
    mut freezing: watch::Receiver<bool>,
) {
    let _unimportant = client.set_nodelay(true);
    if fate.end == End::Reset {
        // Closing with this throws away what is on the way, in both directions.
        client.set_zero_linger().unwrap();
    }
    // Both sockets stay in this function: frozen means that nobody sees an end.
    let (mut client_reads, mut client_writes) = tokio::io::split(client);
    let (mut server_reads, mut server_writes) = tokio::io::split(server);
    let reached = tokio::select! {
        end = copy(&mut client_reads, &mut server_writes, fate.up, fate.delay) => end,
        end = copy(&mut server_reads, &mut client_writes, fate.down, fate.delay) => end,
        Ok(()) = frozen(&mut freezing) => Ok(true),
    };
    let freezes = fate.end == End::Freeze || *freezing.borrow();
    if freezes && reached.is_ok_and(|reached| reached) {
        // Long after every deadline.
        sleep(Duration::from_secs(5)).await;
    }
}

async fn frozen(freezing: &mut watch::Receiver<bool>) -> Result<(), watch::error::RecvError> {
    freezing.wait_for(|frozen| *frozen).await.map(drop)
}

/// Carries at most `bytes_max`; says whether that was the end of it.
async fn copy<R: tokio::io::AsyncRead, W: tokio::io::AsyncWrite>(
    from: &mut ReadHalf<R>,
    to: &mut WriteHalf<W>,
    mut bytes_max: u64,
    delay: Option<Duration>,
) -> io::Result<bool> {
    let mut buffer = [0; 2_048];
    while bytes_max > 0 {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(false);
        }
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        let carried = length.min(usize::try_from(bytes_max).unwrap_or(usize::MAX));
        to.write_all(&buffer[..carried]).await?;
        bytes_max -= carried as u64;
    }
    Ok(true)
}
