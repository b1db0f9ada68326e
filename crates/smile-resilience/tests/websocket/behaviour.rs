//! Heartbeat, pauses, order, resumption: each rule on paused time.

use std::time::Duration;

use serde_json::json;
use smile_resilience::websocket::wire::FromServer;
use smile_resilience::websocket::{Incoming, SendError};
use smile_resilience::{ConnectionState, Random, ResiliencyConfig};
use tokio::time::{Instant, sleep};

use crate::peer::{SECOND, event, start, start_with};

#[tokio::test(start_paused = true)]
async fn events_and_requests_go_both_ways() {
    let mut bench = start();
    assert_eq!(bench.handle.send("mentor_answer", json!({"text": "hi"})), Ok(1));
    let (mut peer, hello) = bench.greet(0, 0).await;
    assert_eq!((hello.epoch.as_deref(), hello.last_seq, hello.last_ack), (None, 0, 0));
    assert!(hello.client_id.is_some_and(|id| id.len() == 32));
    let request = peer.request().await;
    assert_eq!((request.seq, request.kind.as_str()), (1, "mentor_answer"));
    assert_eq!(request.payload, json!({"text": "hi"}));
    peer.send(FromServer::Ack(1)).await;
    assert_eq!(bench.handle.acknowledged(1).await, Ok(()));
    peer.text(r#"{"event":"connected","payload":{"state":"idle"}}"#).await;
    assert_eq!(bench.next_event().await.seq, None);
    peer.event(1).await;
    assert_eq!(bench.next_event().await, event(1));
    peer.text("nonsense").await;
    let unreadable = Incoming::Unreadable { text: "nonsense".to_owned() };
    assert_eq!(bench.events.next().await, Some(unreadable));
}

#[tokio::test(start_paused = true)]
async fn a_silent_link_is_dead_after_interval_and_timeout() {
    let mut bench = start();
    let (_frozen, _) = bench.greet(0, 0).await;
    bench.wait_connected(1).await;
    let start = Instant::now();
    let lost = bench.wait_for(|status| status.cause.is_some()).await;
    assert_eq!(start.elapsed(), SECOND * 20, "15 s interval and 5 s timeout");
    assert_eq!(lost.cause.as_deref(), Some("no answer to the heartbeat"));
    assert_eq!((lost.state, lost.attempts), (ConnectionState::Reconnecting, 1));
    assert_eq!(lost.retry_at, Some(Instant::now() + SECOND));
}

#[tokio::test(start_paused = true)]
async fn an_answered_heartbeat_keeps_the_link_and_an_old_answer_does_not() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(0, 0).await;
    bench.wait_connected(1).await;
    let start = Instant::now();
    peer.stay(SECOND * 3_600).await;
    assert_eq!(bench.handle.status().borrow().generation, 1);
    // From now on the peer only says what it has said before.
    let status = bench.handle.status();
    while status.borrow().cause.is_none() && start.elapsed() < SECOND * 4_000 {
        peer.pong(&1_u64.to_be_bytes()).await;
        sleep(SECOND).await;
    }
    assert!(start.elapsed() <= SECOND * (3_600 + 21), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_late_end_of_an_old_connection_does_not_touch_the_new_one() {
    let mut bench = start();
    let (old, _) = bench.greet(0, 0).await;
    let (mut new, _) = bench.greet(0, 0).await; // After the heartbeat has found the old one dead.
    bench.wait_connected(2).await;
    drop(old);
    new.event(1).await;
    assert_eq!(bench.next_event().await, event(1));
    new.stay(SECOND * 60).await;
    bench.wait_connected(2).await;
}

#[tokio::test(start_paused = true)]
async fn attempts_are_reset_only_after_the_peer_has_answered_and_stayed() {
    let config = ResiliencyConfig { jitter_percent: 0, ..ResiliencyConfig::default() };
    let mut bench = start_with(|options| options.with_config(config).unwrap());
    let mut pauses = Vec::new();
    let mut dropped = Instant::now();
    for _ in 0..7 {
        let (peer, _) = bench.greet(0, 0).await;
        pauses.push(dropped.elapsed());
        drop(peer); // It answers, but does not stay.
        dropped = Instant::now();
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30].map(Duration::from_secs));
    let (mut peer, _) = bench.greet(0, 0).await;
    assert_eq!(bench.wait_connected(8).await.attempts, 7);
    peer.stay(SECOND * 9).await;
    assert_eq!(bench.handle.status().borrow().attempts, 7, "not yet");
    peer.stay(SECOND * 2).await;
    assert_eq!(bench.handle.status().borrow().attempts, 0);
    drop(peer);
    let lost = Instant::now();
    let _peer = bench.accept().await;
    assert_eq!(lost.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_and_says_nothing_is_given_up() {
    let mut bench = start();
    let start = Instant::now();
    let _mute = bench.accept().await;
    let lost = bench.wait_for(|status| status.cause.is_some()).await;
    assert_eq!(start.elapsed(), SECOND * 10);
    assert_eq!((lost.state, lost.attempts), (ConnectionState::Reconnecting, 1));
    let _stream = bench.streams.recv().await.unwrap(); // Not even a handshake.
    let lost = bench.wait_for(|status| status.attempts == 2).await;
    assert_eq!(lost.cause.as_deref(), Some("the server did not answer in time"));
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_refuses_and_is_usable_again() {
    let mut bench = start();
    for seq in 1..=256 {
        assert_eq!(bench.handle.send("note", json!(seq)), Ok(seq));
    }
    assert_eq!(bench.handle.send("note", json!(257)), Err(SendError::Full { capacity: 256 }));
    let (mut peer, _) = bench.greet(0, 0).await;
    for seq in 1..=256 {
        assert_eq!(peer.request().await.seq, seq);
    }
    peer.send(FromServer::Ack(256)).await;
    bench.handle.acknowledged(256).await.unwrap();
    assert_eq!(bench.handle.send("note", json!(257)), Ok(257), "no number is lost");
    assert_eq!(peer.request().await.seq, 257);
    let long = "x".repeat(1 << 20);
    assert!(matches!(bench.handle.send("note", json!(long)), Err(SendError::TooLong { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_is_sent_again_unless_the_peer_has_it() {
    let mut bench = start();
    for number in 1..=4 {
        bench.handle.send("note", json!(number)).unwrap();
    }
    let (mut peer, _) = bench.greet(0, 0).await;
    for seq in 1..=4 {
        assert_eq!(peer.request().await.seq, seq);
    }
    peer.send(FromServer::Ack(1)).await;
    bench.handle.acknowledged(1).await.unwrap();
    drop(peer);
    let (mut peer, hello) = bench.greet(0, 2).await;
    assert_eq!(hello.last_ack, 1);
    assert_eq!([peer.request().await.seq, peer.request().await.seq], [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn the_client_goes_on_where_it_was() {
    let mut bench = start_with(|options| options.resuming("run", 40));
    let (mut peer, hello) = bench.greet(41, 0).await;
    assert_eq!((hello.epoch.as_deref(), hello.last_seq), (Some("run"), 40));
    peer.event(41).await;
    assert_eq!(bench.next_event().await, event(41));
    drop(peer);
    let (mut peer, hello) = bench.greet(42, 0).await;
    assert_eq!(hello.last_seq, 41);
    for repeat in [40, 41, 42, 41, 42] {
        peer.event(repeat).await;
    }
    peer.event(43).await;
    assert_eq!([bench.next_event().await, bench.next_event().await], [event(42), event(43)]);
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_asked_for_again_and_only_then_a_gap() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(0, 0).await;
    for seq in [1, 4] {
        peer.event(seq).await;
    }
    assert_eq!(bench.next_event().await, event(1));
    // It does not come, so it is asked for by a new connection, which is made at once.
    let waited = Instant::now();
    let (mut peer, hello) = bench.greet(9, 0).await;
    assert_eq!((hello.last_seq, waited.elapsed()), (1, SECOND * 2));
    for seq in [3, 2, 9] {
        peer.event(seq).await;
    }
    for seq in 2..=4 {
        assert_eq!(bench.next_event().await, event(seq));
    }
    let (mut peer, hello) = bench.greet(9, 0).await;
    assert_eq!(hello.last_seq, 4);
    peer.event(8).await; // This peer cannot fill the hole from 5 to 7.
    assert_eq!(bench.events.next().await, Some(Incoming::Gap { from: 5, to: 7 }));
    assert_eq!([bench.next_event().await, bench.next_event().await], [event(8), event(9)]);
    peer.send(FromServer::Gap { from: 10, to: 12 }).await;
    assert_eq!(bench.events.next().await, Some(Incoming::Gap { from: 10, to: 12 }));
    peer.event(13).await;
    assert_eq!(bench.next_event().await, event(13));
}

#[tokio::test(start_paused = true)]
async fn another_history_is_told_and_its_numbers_begin_anew() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(1, 0).await;
    peer.event(1).await;
    bench.next_event().await;
    bench.handle.send("stop", json!({})).unwrap();
    peer.request().await;
    drop(peer);
    let mut peer = bench.accept().await;
    peer.hello("other run", 5, 0).await;
    let restarted = Incoming::Restarted { epoch: "other run".to_owned(), unsent: vec![1] };
    assert_eq!(bench.events.next().await, Some(restarted));
    let mut peer = bench.accept().await;
    let hello = peer.hello("other run", 5, 0).await;
    let told = (hello.epoch.as_deref(), hello.last_seq, hello.last_ack);
    assert_eq!(told, (Some("other run"), 0, 1), "the old request is settled, not repeated");
    peer.event(1).await;
    assert_eq!(bench.next_event().await, event(1));
    assert_eq!(bench.handle.send("stop", json!({})), Ok(2));
    assert_eq!(peer.request().await.seq, 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_lost_its_end_is_another_history() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(2, 0).await;
    peer.event(1).await;
    peer.event(2).await;
    drop(peer);
    bench.greet(1, 0).await;
    assert_eq!([bench.next_event().await, bench.next_event().await], [event(1), event(2)]);
    let restarted = Incoming::Restarted { epoch: "run".to_owned(), unsent: vec![] };
    assert_eq!(bench.events.next().await, Some(restarted));
    let (mut peer, hello) = bench.greet(1, 0).await;
    assert_eq!(hello.last_seq, 1);
    peer.event(2).await;
    assert_eq!(bench.next_event().await, event(2), "a new event with a number used before");
}

#[tokio::test(start_paused = true)]
async fn a_slow_program_slows_the_server_and_keeps_its_link() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(0, 0).await;
    let sending = async {
        for seq in 1..=5_000 {
            peer.event(seq).await;
        }
        peer.stay(SECOND * 300).await;
    };
    let reading = async {
        sleep(SECOND * 120).await;
        for seq in 1..=5_000 {
            assert_eq!(bench.next_event().await, event(seq));
        }
        bench.wait_connected(1).await;
        bench.cancel.cancel();
    };
    tokio::join!(sending, reading);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_only_sends_may_drop_the_events() {
    let mut bench = start();
    let (mut peer, _) = bench.greet(0, 0).await;
    let crate::peer::Bench { handle, events, cancel, .. } = bench;
    drop(events);
    for seq in 1..=1_000 {
        peer.event(seq).await;
    }
    handle.send("ping", json!({})).unwrap();
    assert_eq!(peer.request().await.seq, 1);
    cancel.cancel();
}

#[tokio::test(start_paused = true)]
async fn two_clients_do_not_return_together() {
    let mut pauses = Vec::new();
    for _ in 0..2 {
        let mut bench = start_with(|options| options.with_random(Random::new()));
        drop(bench.accept().await);
        let lost = bench.wait_for(|status| status.retry_at.is_some()).await;
        pauses.push(lost.retry_at.unwrap() - Instant::now());
    }
    assert_ne!(pauses[0], pauses[1]);
}
