//! The client through proxies that cut, freeze, delay, repeat and reorder.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use smile_resilience::websocket::{Client, Ended, Events, Handle, Incoming, Options};
use smile_resilience::{ConnectionState, Random, ResiliencyConfig};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::proxy::{Harm, Proxy};
use crate::server::{Server, event};
use crate::shuffle::{Harms, shuffle};

const EVENTS: u64 = 100_000;
const REQUESTS: u64 = 10_000;
const CUTS: u32 = 1_000;
const MILLI: Duration = Duration::from_millis(1);
/// Far more than everything takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Streams with little room inside, so that a cut finds little on the way.
fn pipe() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(2_048)
}

/// Opens ways to the server, each through a proxy that repeats and reorders messages.
fn shuffled(
    server: Server,
    harms: &Arc<Harms>,
    tasks: &mut JoinSet<()>,
) -> impl Fn() -> DuplexStream + Send + use<> {
    let harms = Arc::clone(harms);
    let (opened, mut to_open) = mpsc::channel::<DuplexStream>(16);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        let mut random = Random::seeded(11);
        loop {
            tokio::select! {
                Some(client) = to_open.recv() => {
                    let (near, far) = pipe();
                    let (server, seed) = (server.clone(), random.bits());
                    let harms = Arc::clone(&harms);
                    connections.spawn(async move {
                        // Whichever ends first ends the other; why is the client's to find out.
                        tokio::select! {
                            _ended = shuffle(client, near, seed, &harms) => {}
                            _ended = server.serve(far) => {}
                        }
                    });
                }
                Some(_done) = connections.join_next() => {}
            }
        }
    });
    move || {
        let (near, far) = pipe();
        // Where it does not fit the far end is dropped: one more connection that is cut.
        drop(opened.try_send(far));
        near
    }
}

fn quick() -> ResiliencyConfig {
    ResiliencyConfig {
        heartbeat_interval: MILLI * 200,
        heartbeat_timeout: MILLI * 300,
        base_backoff: MILLI,
        max_backoff: MILLI * 8,
        ..ResiliencyConfig::default()
    }
}

fn start(options: Options, tasks: &mut JoinSet<Ended>) -> (Handle, Events, CancellationToken) {
    let cancel = CancellationToken::new();
    let (client, handle, events) = Client::new(options);
    tasks.spawn(client.run(cancel.clone()));
    (handle, events, cancel)
}

fn options(proxy: &Proxy, config: ResiliencyConfig) -> Options {
    let address = format!("ws://{}/ws", proxy.address);
    Options::new(&address).unwrap().with_config(config).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts_lose_nothing_and_repeat_nothing() {
    let server = Server::new("run");
    let (harms, mut background) = (Arc::new(Harms::default()), JoinSet::new());
    let harm = Harm {
        seed: 4,
        cuts: CUTS,
        down_bytes_max: 7_000,
        up_bytes_max: 4_000,
        one_freezes_in: 101,
    };
    let proxy = Proxy::start(harm, shuffled(server.clone(), &harms, &mut background)).await;
    let buffer = usize::try_from(REQUESTS).unwrap();
    let config = ResiliencyConfig { message_buffer_size: buffer, ..quick() };
    let options = options(&proxy, config)
        .with_stable_after(MILLI * 50)
        .with_answer_within(MILLI * 500)
        // Nothing is lost for good here, so a gap would be a mistake.
        .with_hole_patience(PATIENCE);
    let mut clients = JoinSet::new();
    let (handle, mut events, cancel) = start(options, &mut clients);
    server.publish(EVENTS);

    // Half of the requests wait from the beginning, the others come while events arrive.
    let mut made = 0;
    let mut send = |up_to: u64| {
        while made < up_to.min(REQUESTS) {
            made += 1;
            assert_eq!(handle.send("note", json!(made)), Ok(made), "the buffer is large enough");
        }
    };
    send(REQUESTS / 2);
    let all = async {
        for seq in 1..=EVENTS {
            assert_eq!(events.next().await, Some(Incoming::Event(event(seq))));
            send(REQUESTS / 2 + seq / 12);
        }
        send(REQUESTS);
        handle.acknowledged(REQUESTS).await.unwrap();
    };
    timeout(PATIENCE, all).await.expect("it does not hang");

    let received = server.received().borrow().clone();
    assert!(received.iter().copied().eq(1..=REQUESTS), "each request once and in order");
    assert_eq!(proxy.cuts(), CUTS);
    assert!(proxy.freezes() > 0, "some connections froze as well");
    assert!(harms.repeated.load(Ordering::Relaxed) > EVENTS / 20);
    assert!(harms.overtaken.load(Ordering::Relaxed) > EVENTS / 20);
    assert!(handle.status().borrow().generation > CUTS);
    cancel.cancel();
    assert_eq!(clients.join_next().await.unwrap().unwrap(), Ended::Cancelled);
    assert_eq!(events.next().await, None, "and nothing else came");
}

#[tokio::test]
async fn a_half_open_link_is_noticed_within_interval_and_timeout() {
    let server = Server::new("run");
    let (harms, mut background) = (Arc::new(Harms::default()), JoinSet::new());
    let proxy = Proxy::start(Harm::NONE, shuffled(server.clone(), &harms, &mut background)).await;
    let config =
        ResiliencyConfig { base_backoff: MILLI * 500, max_backoff: MILLI * 500, ..quick() };
    let mut clients = JoinSet::new();
    let (handle, mut events, _cancel) = start(options(&proxy, config), &mut clients);
    server.publish(1);
    assert_eq!(events.next().await, Some(Incoming::Event(event(1))));
    proxy.freeze();
    let frozen = Instant::now();
    let mut status = handle.status();
    let lost = status.wait_for(|status| status.state == ConnectionState::Reconnecting);
    let lost = timeout(PATIENCE, lost).await.unwrap().unwrap().clone();
    let limit = config.heartbeat_interval + config.heartbeat_timeout;
    // The exact bound is tested on paused time; here the machine may be busy.
    assert!(frozen.elapsed() < limit + MILLI * 300, "{:?}", frozen.elapsed());
    assert_eq!(lost.cause.as_deref(), Some("no answer to the heartbeat"));
}
