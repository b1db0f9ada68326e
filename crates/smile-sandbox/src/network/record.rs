//! What a sandbox did on the network, within bounded memory.

use std::{collections::VecDeque, fmt, net::SocketAddr, sync::Arc, time::SystemTime};

use parking_lot::Mutex;

use super::Denied;

/// Entries that are kept; the oldest goes first.
const ENTRIES_MAX: usize = 4096;

/// Bytes of a failure's text.
const FAILURE_BYTES_MAX: usize = 200;

/// Everything that was reached, or not, since a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Record {
    /// What was reached or refused, in order of start.
    pub entries: Vec<Entry>,
    /// Older entries that were given up for want of room.
    pub dropped: u64,
}

/// One connection, UDP exchange or name looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When it began.
    pub started: SystemTime,
    /// The name; for an address, the name that was last seen to resolve to it.
    pub name: Option<Box<str>>,
    /// The destination; none for a name looked up.
    pub address: Option<SocketAddr>,
    /// How it was reached.
    pub protocol: Protocol,
    /// Bytes of payload from the sandbox.
    pub bytes_up: u64,
    /// Bytes of payload to the sandbox.
    pub bytes_down: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a destination was reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// A TCP connection.
    Tcp,
    /// Datagrams between one pair of ports.
    Udp,
    /// A name looked up.
    Dns,
}

/// What became of a connection, exchange or lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It goes on.
    Open,
    /// It ended as it should.
    Ended,
    /// The destination, or the way to it, failed: the host's own words.
    Failed(Box<str>),
    /// The policy refused it.
    Refused(Refusal),
    /// The sandbox ended before it did.
    Cut,
}

/// Why the policy refused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// By its address.
    #[error("the destination is {0}")]
    Address(Denied),
    /// By the addresses its name resolves to.
    #[error("the name resolves to {0}")]
    Name(Denied),
    /// As many flows as allowed are open already.
    #[error("too many connections at a time")]
    TooMany,
}

/// A moment in a record, to tell what came after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mark(u64);

/// Reads and writes the record of one stack; clones see the same record.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Kept>>);

/// Writes one entry while it goes on; given up without an end, the entry is [`Outcome::Cut`].
#[derive(Debug)]
pub(super) struct Tracker {
    recorder: Recorder,
    /// The entry's number since the start, for as long as it is kept.
    number: u64,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    /// The number of the first entry kept, which is also how many went before it.
    first: u64,
}

impl Recorder {
    /// Everything that is kept.
    pub fn snapshot(&self) -> Record {
        self.since(Mark(0))
    }

    /// This moment.
    pub fn mark(&self) -> Mark {
        let kept = self.0.lock();
        Mark(kept.first + kept.entries.len() as u64)
    }

    /// Everything that began at or after a moment.
    pub fn since(&self, mark: Mark) -> Record {
        let kept = self.0.lock();
        let skip = usize::try_from(mark.0.saturating_sub(kept.first)).unwrap_or(usize::MAX);
        Record {
            entries: kept.entries.iter().skip(skip).cloned().collect(),
            dropped: kept.first.saturating_sub(mark.0),
        }
    }

    pub(super) fn begin(
        &self,
        protocol: Protocol,
        name: Option<Box<str>>,
        address: Option<SocketAddr>,
    ) -> Tracker {
        let mut kept = self.0.lock();
        if kept.entries.len() == ENTRIES_MAX {
            kept.entries.pop_front();
            kept.first += 1;
        }
        let number = kept.first + kept.entries.len() as u64;
        kept.entries.push_back(Entry {
            started: SystemTime::now(),
            name,
            address,
            protocol,
            bytes_up: 0,
            bytes_down: 0,
            outcome: Outcome::Open,
        });
        Tracker { recorder: self.clone(), number }
    }
}

impl Tracker {
    pub(super) fn up(&self, bytes: usize) {
        self.change(|entry| entry.bytes_up += bytes as u64);
    }

    pub(super) fn down(&self, bytes: usize) {
        self.change(|entry| entry.bytes_down += bytes as u64);
    }

    pub(super) fn end(self, outcome: Outcome) {
        self.change(|entry| entry.outcome = outcome);
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        let mut kept = self.recorder.0.lock();
        let index = self.number.checked_sub(kept.first).map(usize::try_from);
        if let Some(Ok(index)) = index
            && let Some(entry) = kept.entries.get_mut(index)
        {
            change(entry);
        }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.change(|entry| {
            if entry.outcome == Outcome::Open {
                entry.outcome = Outcome::Cut;
            }
        });
    }
}

impl fmt::Display for Entry {
    /// One line: `tcp packages.example.org 151.101.0.223:443, 1293 bytes up, 79267 down`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Dns => "name",
        })?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        if let Some(address) = self.address {
            write!(f, " {address}")?;
        }
        if self.bytes_up + self.bytes_down > 0 {
            let (up, down) = (self.bytes_up, self.bytes_down);
            write!(f, ", {up} bytes up, {down} down")?;
        }
        match &self.outcome {
            Outcome::Ended => Ok(()),
            Outcome::Open => f.write_str(", still open"),
            Outcome::Failed(why) => write!(f, ": {why}"),
            Outcome::Refused(why) => write!(f, ": refused, {why}"),
            Outcome::Cut => f.write_str(", cut by the sandbox's end"),
        }
    }
}

impl Outcome {
    /// A failure in the words of its cause.
    pub(super) fn failed(cause: &dyn fmt::Display) -> Self {
        let mut text = cause.to_string();
        text.truncate(text.floor_char_boundary(FAILURE_BYTES_MAX));
        Self::Failed(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(recorder: &Recorder, name: &str) -> Tracker {
        recorder.begin(Protocol::Dns, Some(name.into()), None)
    }

    #[test]
    fn what_came_after_a_mark_is_told() {
        let recorder = Recorder::default();
        drop(begin(&recorder, "before"));
        let mark = recorder.mark();
        let tracker = begin(&recorder, "after");
        tracker.up(3);
        tracker.down(5);
        tracker.end(Outcome::Ended);
        let record = recorder.since(mark);
        assert_eq!(record.dropped, 0);
        let [entry] = &record.entries[..] else { panic!("{record:?}") };
        assert_eq!((entry.bytes_up, entry.bytes_down, &entry.outcome), (3, 5, &Outcome::Ended));
        let all = recorder.snapshot().entries;
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].outcome, Outcome::Cut, "given up without an end");
        assert_eq!(recorder.since(recorder.mark()), Record::default());
    }

    #[test]
    fn entries_are_one_line() {
        let recorder = Recorder::default();
        let address = Some("192.168.3.4:80".parse().unwrap());
        let refused = recorder.begin(Protocol::Tcp, None, address);
        refused.end(Outcome::Refused(Refusal::Address(Denied::Private)));
        let open = recorder.begin(Protocol::Udp, Some("a.test".into()), address);
        open.up(7);
        begin(&recorder, "b.test").end(Outcome::failed(&"no such name"));
        let lines = recorder.snapshot().entries;
        let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
        let expected = [
            "tcp 192.168.3.4:80: refused, the destination is a private address",
            "udp a.test 192.168.3.4:80, 7 bytes up, 0 down, still open",
            "name b.test: no such name",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_oldest_entries_go_first_and_are_counted() {
        let recorder = Recorder::default();
        let first = begin(&recorder, "0");
        for number in 1..=ENTRIES_MAX + 9 {
            begin(&recorder, &number.to_string()).end(Outcome::Ended);
        }
        first.up(1);
        let record = recorder.snapshot();
        assert_eq!((record.entries.len(), record.dropped), (ENTRIES_MAX, 10));
        assert_eq!(record.entries[0].name.as_deref(), Some("10"));
        assert!(record.entries.iter().all(|entry| entry.bytes_up == 0));
        let later = recorder.since(Mark(12));
        assert_eq!((later.entries.len(), later.dropped), (ENTRIES_MAX - 2, 0));
    }
}
