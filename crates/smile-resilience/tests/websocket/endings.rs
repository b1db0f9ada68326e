//! What ends a client for good, what does not, and that stopping takes no time.

use serde_json::json;
use smile_resilience::websocket::{Ended, Incoming, SendError};
use smile_resilience::{ConnectionState, ResiliencyConfig};
use tokio::time::{Instant, sleep};

use crate::peer::{NOTHING, SECOND, event, start, start_limited, start_with};

#[tokio::test(start_paused = true)]
async fn terminal_close_codes_end_it_and_others_do_not() {
    for code in [1000, 1008, 4401, 4403, 4404] {
        let mut bench = start();
        let (mut peer, _) = bench.greet(1, 0).await;
        peer.event(1).await;
        peer.close(code).await;
        let ended = bench.ended().await;
        assert_eq!(ended, Ended::Closed { code, reason: "because".to_owned() });
        assert_eq!(bench.next_event().await, event(1), "what came before the end is given");
        assert_eq!(bench.events.next().await, None);
        let status = bench.handle.status().borrow().clone();
        assert_eq!(
            (status.state, status.ended),
            (ConnectionState::Disconnected, Some(ended.clone()))
        );
        assert_eq!(bench.handle.send("stop", json!({})), Err(SendError::Ended(ended.clone())));
        assert_eq!(bench.handle.acknowledged(1).await, Err(ended));
    }
    for code in [1001, 1011, 1012, 1013, 4000, 4429, 4500] {
        let mut bench = start();
        let (mut peer, _) = bench.greet(0, 0).await;
        peer.close(code).await;
        let lost = bench.wait_for(|status| status.cause.is_some()).await;
        assert!(lost.cause.unwrap().contains(&code.to_string()));
        let _peer = bench.greet(0, 0).await;
        bench.wait_connected(2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_stays_ends_it_and_one_that_passes_does_not() {
    for (status, code) in
        [("401 Unauthorized", 401), ("403 Forbidden", 403), ("404 Not Found", 404)]
    {
        let mut bench = start();
        bench.refuse(status).await;
        assert_eq!(bench.ended().await, Ended::Refused { status: code });
    }
    let mut bench = start();
    bench.refuse("503 Service Unavailable").await;
    bench.refuse("429 Too Many Requests\r\nretry-after: 17").await;
    let refused = Instant::now();
    let _peer = bench.greet(0, 0).await;
    assert_eq!(refused.elapsed(), SECOND * 17, "a hint is never shortened");
    bench.wait_connected(3).await;
    let mut bench = start();
    bench.refuse("503 Service Unavailable\r\nretry-after: 31").await;
    let ended = bench.ended().await;
    assert_eq!(ended, Ended::AskedToWait { asked_s: 31, longest_s: 30 });
}

#[tokio::test(start_paused = true)]
async fn reconnects_are_limited_where_that_is_asked_for() {
    let mut bench = start_limited(3);
    let mut dialled = 0;
    while let Some(stream) = bench.streams.recv().await {
        dialled += 1;
        drop(stream);
    }
    assert_eq!(dialled, 4, "the first, and three reconnects");
    let ended = bench.ended().await;
    assert!(matches!(ended, Ended::Attempts { attempts: 3, .. }), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_program_had_not_taken_at_the_end_is_still_given() {
    let config = ResiliencyConfig { max_reconnect_attempts: Some(0), ..Default::default() };
    let mut bench =
        start_with(|options| options.with_config(config).unwrap().resuming("old run", 7));
    let mut peer = bench.accept().await;
    for _ in 0..256 {
        peer.text(r#"{"event":"connected"}"#).await; // As many as are kept for the program.
    }
    peer.hello("run", 9, 0).await;
    bench.wait_for(|status| status.generation == 1).await;
    sleep(SECOND).await;
    for _ in 0..256 {
        assert_eq!(bench.next_event().await.event, "connected");
    }
    let restarted = Incoming::Restarted { epoch: "run".to_owned(), unsent: vec![] };
    assert_eq!(bench.events.next().await, Some(restarted));
    assert_eq!(bench.events.next().await, None);
    assert!(matches!(bench.ended().await, Ended::Attempts { attempts: 0, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_long_would_come_again() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(0, 0).await;
    let (ended, ()) = tokio::join!(bench.ended(), peer.overflow(2 << 20));
    assert!(matches!(ended, Ended::Protocol { .. }));
}

#[tokio::test(start_paused = true)]
async fn every_wait_ends_at_once_on_cancellation() {
    // While dialling.
    let mut bench = start();
    sleep(SECOND).await;
    let now = Instant::now();
    bench.cancel.cancel();
    assert_eq!((bench.ended().await, now.elapsed()), (Ended::Cancelled, NOTHING));
    // While waiting for an answer.
    let mut bench = start();
    let _mute = bench.accept().await;
    let now = Instant::now();
    bench.cancel.cancel();
    assert_eq!((bench.ended().await, now.elapsed()), (Ended::Cancelled, NOTHING));
    // While connected, to a peer that does not read.
    let mut bench = start();
    let _peer = bench.greet(0, 0).await;
    bench.wait_connected(1).await;
    for _ in 0..256 {
        bench.handle.send("note", json!("x".repeat(1_000))).unwrap();
    }
    let now = Instant::now();
    bench.cancel.cancel();
    assert_eq!((bench.ended().await, now.elapsed()), (Ended::Cancelled, NOTHING));
    // While waiting to reconnect.
    let mut bench = start();
    drop(bench.accept().await);
    bench.wait_for(|status| status.retry_at.is_some()).await;
    let now = Instant::now();
    bench.cancel.cancel();
    assert_eq!((bench.ended().await, now.elapsed()), (Ended::Cancelled, NOTHING));
    let ended = bench.handle.status().borrow().ended.clone();
    assert_eq!(ended, Some(Ended::Cancelled));
}
