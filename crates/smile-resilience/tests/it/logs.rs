//! What is written to the log, and how loudly.

use std::fmt::{self, Write};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use smile_resilience::{
    ManualClock, Phase, Policy, RetryConfig, blocking, is_transient_io_error, retry_with_backoff,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps each event as one line.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes everything");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("smile_resilience")
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// The lines of a familiar call that fails so often in this way.
fn lines(failures: u32, kind: io::ErrorKind) -> Vec<String> {
    let lines = Lines::default();
    let config = RetryConfig {
        initial_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryConfig::default()
    };
    let mut calls = 0;
    let call = || {
        calls += 1;
        if calls > failures { Ok(()) } else { Err(io::Error::from(kind)) }
    };
    let retry = || drop(retry_with_backoff(config, "ask", call, is_transient_io_error));
    tracing::subscriber::with_default(lines.clone(), retry);
    Arc::into_inner(lines.0).map(Mutex::into_inner).unwrap_or_default()
}

#[test]
fn each_kind_of_end_has_its_level() {
    let reset = io::ErrorKind::ConnectionReset;
    assert_eq!(lines(0, reset), [""; 0]);
    let wait = |attempt: u32, delay| {
        format!(
            "WARN message=failed, will retry operation=\"ask\" attempt={attempt} max=3 \
             delay={delay}ms error=connection reset"
        )
    };
    let success = "DEBUG message=succeeded after retries operation=\"ask\" attempt=3".to_owned();
    assert_eq!(lines(2, reset), [wait(1, 1), wait(2, 2), success]);
    let exhausted = "WARN message=gave up operation=\"ask\" attempt=3 max=3 why=\"attempts\" \
                     error=connection reset";
    assert_eq!(lines(3, reset), [wait(1, 1), wait(2, 2), exhausted.to_owned()]);
    let fatal = "DEBUG message=not retried operation=\"ask\" attempt=1 why=\"fatal\" \
                 error=permission denied";
    assert_eq!(lines(1, io::ErrorKind::PermissionDenied), [fatal]);
}

#[test]
fn waiting_for_something_to_start_is_no_warning() {
    let lines = Lines::default();
    let clock = ManualClock::new();
    let connect = || {
        let policy = Policy::until(Duration::from_millis(15));
        blocking::Retrier::new("connect", policy)
            .in_phase(Phase::Starting)
            .with_clock(clock.clone())
            .run(|_| Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)))
    };
    assert!(tracing::subscriber::with_default(lines.clone(), connect).is_err());
    let levels: Vec<_> =
        lines.0.lock().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(levels, ["DEBUG", "WARN"], "not there yet, and given up");
}
