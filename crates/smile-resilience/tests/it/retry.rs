//! The drivers, blocking on a manual clock and asynchronous on paused time.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::time::Duration;

use smile_resilience::{
    Backoff, Cancel, GiveUp, Idempotency, Jitter, Last, ManualClock, Phase, Policy, Random, Reason,
    Retrier, RetryConfig, Verdict, blocking, http, is_transient_io_error, retry_with_backoff,
    retry_with_backoff_async,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Fails so often, then succeeds with the number of calls.
struct Flaky {
    failures: u32,
    kind: ErrorKind,
    calls: Cell<u32>,
}

impl Flaky {
    fn new(failures: u32, kind: ErrorKind) -> Self {
        Self { failures, kind, calls: Cell::new(0) }
    }

    fn call(&self) -> io::Result<u32> {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() <= self.failures { Err(self.kind.into()) } else { Ok(self.calls.get()) }
    }
}

fn quick() -> RetryConfig {
    RetryConfig { initial_delay: MILLI, max_delay: MILLI * 2, ..RetryConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn the_familiar_functions_count_calls_alike() {
    let check = async |failures, kind, config: RetryConfig, calls, succeeds| {
        let flaky = Flaky::new(failures, kind);
        let blocking = retry_with_backoff(config, "call", || flaky.call(), is_transient_io_error);
        assert_eq!((flaky.calls.get(), blocking.is_ok()), (calls, succeeds));
        let flaky = Flaky::new(failures, kind);
        let waited =
            retry_with_backoff_async(config, "call", async || flaky.call(), is_transient_io_error)
                .await;
        assert_eq!((flaky.calls.get(), waited.is_ok()), (calls, succeeds));
        if let Err(error) = waited {
            assert_eq!(error.kind(), kind, "the operation's own error comes back");
        }
    };
    let passing = ErrorKind::ConnectionReset;
    check(0, passing, quick(), 1, true).await;
    check(2, passing, quick(), 3, true).await;
    check(9, passing, quick(), 3, false).await;
    check(9, ErrorKind::PermissionDenied, quick(), 1, false).await;
    check(9, passing, RetryConfig { max_attempts: 0, ..quick() }, 1, false).await;
    check(9, passing, RetryConfig { max_attempts: 1, ..quick() }, 1, false).await;
    let none = Duration::ZERO;
    check(9, passing, RetryConfig { initial_delay: none, max_delay: none, ..quick() }, 3, false)
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_familiar_function_waits_as_configured_and_not_after_the_last_attempt() {
    let start = Instant::now();
    let flaky = Flaky::new(9, ErrorKind::TimedOut);
    let config = RetryConfig::for_network();
    let retry = |error: &io::Error| is_transient_io_error(error);
    let failed = retry_with_backoff_async(config, "call", async || flaky.call(), retry).await;
    assert!(failed.is_err());
    assert_eq!(start.elapsed(), MILLI * (500 + 1_000 + 2_000));
}

#[test]
fn absurd_configurations_end_without_a_hot_loop_or_an_overflow() {
    let absurd = [
        (Duration::ZERO, Duration::ZERO, 0.0),
        (Duration::from_nanos(1), SECOND, f64::NAN),
        (Duration::MAX, Duration::MAX, f64::MAX),
        (SECOND, MILLI, f64::INFINITY),
        (SECOND, SECOND * 5, -3.0),
    ];
    for (initial_delay, max_delay, backoff_multiplier) in absurd {
        for jitter in [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
            let (initial, max, multiplier) = (initial_delay, max_delay, backoff_multiplier);
            let policy =
                Policy::attempts(200).with_backoff(Backoff { initial, max, multiplier, jitter });
            let clock = ManualClock::new();
            let flaky = Flaky::new(u32::MAX, ErrorKind::ConnectionReset);
            let error = blocking::Retrier::new("call", policy.with_idempotency(Idempotency::Keyed))
                .with_clock(clock.clone())
                .run(|_| flaky.call())
                .unwrap_err();
            assert_eq!((error.why, flaky.calls.get()), (GiveUp::Attempts, 200));
            assert_eq!(clock.slept().len(), 199);
            assert!(clock.slept().iter().all(|pause| *pause >= MILLI && *pause <= max.max(MILLI)));
        }
    }
}

#[test]
fn the_blocking_driver_sleeps_within_the_deadline_and_tells_its_history() {
    let clock = ManualClock::new();
    let policy = Policy::attempts(10)
        .with_backoff(Backoff { jitter: Jitter::None, ..Backoff::default() })
        .with_deadline(SECOND);
    let ticking = clock.clone();
    let error = blocking::Retrier::new("call", policy)
        .with_clock(clock.clone())
        .run_with(
            |attempt| {
                ticking.advance(MILLI * 100);
                assert!(attempt.time_left.unwrap() <= SECOND);
                Err::<(), _>("no")
            },
            |_, _| Verdict::transient(Reason::Busy),
        )
        .unwrap_err();
    // 100 + 100, 100 + 200, 100: after 600 ms the next pause of 400 ms would end at the deadline.
    assert_eq!(clock.slept(), [MILLI * 100, MILLI * 200]);
    assert_eq!((error.why, error.last), (GiveUp::Deadline, Last::Failed("no")));
    assert_eq!((error.history.attempts, error.history.elapsed), (3, MILLI * 600));
    let records: Vec<_> = error.history.records().map(|r| (r.number, r.ended, r.pause)).collect();
    let expected = [
        (1, MILLI * 100, Some(MILLI * 100)),
        (2, MILLI * 300, Some(MILLI * 200)),
        (3, MILLI * 600, None),
    ];
    assert_eq!(records, expected);
}

#[test]
fn the_blocking_driver_is_cancelled_during_a_pause() {
    let cancel = Cancel::new();
    let policy = Policy::attempts(3).with_backoff(Backoff::constant(SECOND * 3_600));
    let flaky = Flaky::new(9, ErrorKind::NotConnected);
    std::thread::scope(|scope| {
        let canceller = cancel.clone();
        let error = blocking::Retrier::new("call", policy)
            .with_cancel(cancel.clone())
            .run(|_| {
                let canceller = canceller.clone();
                scope.spawn(move || canceller.cancel());
                flaky.call()
            })
            .unwrap_err();
        assert_eq!((error.why, flaky.calls.get()), (GiveUp::Cancelled, 1));
        assert!(matches!(error.last, Last::Failed(_)), "the real error is kept");
    });
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_cut_and_repeated_where_that_is_safe() {
    let run = async |idempotency| {
        let calls = Cell::new(0);
        let policy = Policy::attempts(3)
            .with_backoff(Backoff::constant(MILLI * 10))
            .with_attempt_timeout(SECOND)
            .with_idempotency(idempotency);
        let start = Instant::now();
        let result = Retrier::new("hang", policy)
            .run(async |_| {
                calls.set(calls.get() + 1);
                sleep(SECOND * 3_600).await;
                Ok::<(), io::Error>(())
            })
            .await;
        (result.unwrap_err(), calls.get(), start.elapsed())
    };
    let (error, calls, took) = run(Idempotency::Idempotent).await;
    assert_eq!((error.why, calls, took), (GiveUp::Attempts, 3, MILLI * 3_020));
    assert_eq!(error.last.map_none(), Last::TimedOut { after: SECOND });
    let (error, calls, took) = run(Idempotency::AtMostOnce).await;
    assert_eq!((error.why, calls, took), (GiveUp::Ambiguous, 1, SECOND));
}

/// `io::Error` cannot be compared; the other ends can.
trait MapNone {
    fn map_none(self) -> Last<()>;
}

impl<E> MapNone for Last<E> {
    fn map_none(self) -> Last<()> {
        match self {
            Last::Failed(_) => Last::Failed(()),
            Last::TimedOut { after } => Last::TimedOut { after },
            Last::Cancelled => Last::Cancelled,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_an_attempt_and_is_the_reason() {
    let start = Instant::now();
    let error = Retrier::new("hang", Policy::attempts(3).with_deadline(SECOND * 2))
        .run(|_| std::future::pending::<io::Result<()>>())
        .await
        .unwrap_err();
    assert_eq!((error.why, start.elapsed()), (GiveUp::Deadline, SECOND * 2));
    assert_eq!(error.last.map_none(), Last::TimedOut { after: SECOND * 2 });
}

#[tokio::test(start_paused = true)]
async fn no_sleep_reaches_past_the_deadline() {
    for seed in 0..50 {
        let start = Instant::now();
        let flaky = Flaky::new(u32::MAX, ErrorKind::NotConnected);
        let error = Retrier::new("call", Policy::attempts(1_000).with_deadline(SECOND * 20))
            .with_random(Random::seeded(seed))
            .run(async |_| flaky.call())
            .await
            .unwrap_err();
        assert_eq!(error.why, GiveUp::Deadline);
        assert!(start.elapsed() < SECOND * 20);
    }
}

#[tokio::test(start_paused = true)]
async fn cancellation_ends_an_attempt_and_a_pause_at_once() {
    let cancelled_after = async |wait, kind: Option<ErrorKind>| {
        let cancel = CancellationToken::new();
        let policy = Policy::attempts(3).with_backoff(Backoff::constant(SECOND * 60));
        let start = Instant::now();
        let trying =
            Retrier::new("call", policy).with_cancel(cancel.clone()).run(async |_| match kind {
                Some(kind) => Err::<(), _>(io::Error::from(kind)),
                None => std::future::pending().await,
            });
        let (result, ()) = tokio::join!(trying, async {
            sleep(wait).await;
            cancel.cancel();
        });
        assert_eq!(start.elapsed(), wait);
        result.unwrap_err()
    };
    let during_attempt = cancelled_after(SECOND, None).await;
    assert_eq!(during_attempt.why, GiveUp::Cancelled);
    assert_eq!(during_attempt.last.map_none(), Last::Cancelled);
    let during_pause = cancelled_after(SECOND, Some(ErrorKind::NotConnected)).await;
    assert_eq!(during_pause.why, GiveUp::Cancelled);
    assert_eq!(during_pause.last.map_none(), Last::Failed(()), "the real error is kept");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_being_started_is_waited_for_and_one_that_was_up_is_not() {
    let listening_after = async |phase| {
        let start = Instant::now();
        let result = Retrier::new("connect", Policy::until(SECOND * 5))
            .in_phase(phase)
            .run(async |attempt| {
                let up = start.elapsed() >= SECOND;
                if up { Ok(attempt.number) } else { Err(ErrorKind::ConnectionRefused.into()) }
            })
            .await;
        result.map_err(|error: smile_resilience::RetryError<io::Error>| error.why)
    };
    assert!(listening_after(Phase::Starting).await.unwrap() > 3);
    assert_eq!(listening_after(Phase::Steady).await, Err(GiveUp::Fatal));
}

#[tokio::test(start_paused = true)]
async fn reaching_out_again_does_no_harm() {
    for policy in [Policy::until(SECOND * 5), Policy::forever()] {
        let flaky = Flaky::new(4, ErrorKind::TimedOut);
        let reached = Retrier::new("connect", policy).run(async |_| flaky.call()).await;
        assert_eq!(reached.unwrap(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_obeyed_or_ends_it() {
    let run = async |retry_after, deadline| {
        let start = Instant::now();
        let mut calls = 0;
        let policy = Policy::attempts(2)
            .with_backoff(Backoff { max: SECOND * 60, ..Backoff::default() })
            .with_deadline(deadline);
        let result = Retrier::new("call", policy)
            .with_random(Random::fixed(0.0))
            .run(|_| {
                calls += 1;
                let throttled = http::Failure { status: 429, retry_after: Some(retry_after) };
                let outcome = if calls == 1 { Err(throttled) } else { Ok(()) };
                std::future::ready(outcome)
            })
            .await;
        (result.map_err(|error| error.why), start.elapsed())
    };
    assert_eq!(run(SECOND * 7, SECOND * 100).await, (Ok(()), SECOND * 7));
    let why = GiveUp::HintTooLong { hint: SECOND * 61, allowed: SECOND * 60 };
    assert_eq!(run(SECOND * 61, SECOND * 100).await, (Err(why), Duration::ZERO));
    let why = GiveUp::HintTooLong { hint: SECOND * 7, allowed: SECOND * 5 };
    assert_eq!(run(SECOND * 7, SECOND * 5).await, (Err(why), Duration::ZERO));
}
