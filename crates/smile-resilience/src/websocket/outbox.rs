//! Messages on their way out: waiting in the buffer, then in flight until acknowledged.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::buffer::MessageBuffer;

/// A message with its number, as it is written to the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) seq: u64,
    pub(super) text: Utf8Bytes,
}

/// Why a message does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Messages,
    Bytes,
}

#[derive(Debug)]
pub(super) struct Outbox {
    buffer: MessageBuffer<Outgoing>,
    in_flight: VecDeque<Outgoing>,
    in_flight_max: usize,
    /// How many of those in flight have been written to this connection.
    written: usize,
    bytes: usize,
    bytes_max: usize,
    seq_last: u64,
}

impl Outbox {
    pub(super) fn new(buffer_size: usize, in_flight_max: usize, bytes_max: usize) -> Self {
        Self {
            buffer: MessageBuffer::new(buffer_size),
            in_flight: VecDeque::new(),
            in_flight_max,
            written: 0,
            bytes: 0,
            bytes_max,
            seq_last: 0,
        }
    }

    /// Takes a message; its number is used only where it fits.
    pub(super) fn push(&mut self, encode: impl FnOnce(u64) -> String) -> Result<u64, Full> {
        let seq = self.seq_last + 1;
        let text = Utf8Bytes::from(encode(seq));
        let length = text.len();
        if self.bytes + length > self.bytes_max {
            return Err(Full::Bytes);
        }
        if !self.buffer.enqueue(Outgoing { seq, text }) {
            return Err(Full::Messages);
        }
        self.bytes += length;
        self.seq_last = seq;
        Ok(seq)
    }

    /// The next to write to this connection; the same one until [`Outbox::wrote`].
    pub(super) fn next(&mut self) -> Option<&Outgoing> {
        if self.written == self.in_flight.len() {
            let room = self.in_flight_max.saturating_sub(self.in_flight.len());
            self.in_flight.extend(self.buffer.drain_up_to(room.min(1)));
        }
        self.in_flight.get(self.written)
    }

    pub(super) fn has_next(&self) -> bool {
        self.written < self.in_flight.len()
            || (self.in_flight.len() < self.in_flight_max && !self.buffer.is_empty())
    }

    pub(super) fn wrote(&mut self) {
        self.written = (self.written + 1).min(self.in_flight.len());
    }

    /// Everything up to `seq` has arrived. Says whether that was news; an acknowledgement of what
    /// was never written is ignored.
    pub(super) fn acknowledge(&mut self, seq: u64) -> bool {
        let before = self.in_flight.len();
        while let Some(first) = self.in_flight.front().filter(|first| first.seq <= seq) {
            self.bytes -= first.text.len();
            self.in_flight.pop_front();
            self.written = self.written.saturating_sub(1);
        }
        before != self.in_flight.len()
    }

    /// A new connection: whatever is not acknowledged is written again.
    pub(super) fn rewind(&mut self) {
        self.written = 0;
    }

    /// The number up to which nothing is outstanding.
    pub(super) fn settled(&self) -> u64 {
        let outstanding = self.in_flight.len() + self.buffer.len();
        self.seq_last - u64::try_from(outstanding).expect("fewer messages than numbers")
    }

    /// Takes out everything that is not acknowledged: it will not be sent.
    pub(super) fn abandon(&mut self) -> Vec<Outgoing> {
        self.written = 0;
        self.bytes = 0;
        let mut outstanding: Vec<_> = self.in_flight.drain(..).collect();
        outstanding.extend(self.buffer.drain());
        outstanding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::new(3, 2, 100);
        for _ in 0..3 {
            outbox.push(|seq| format!("m{seq}")).unwrap();
        }
        outbox
    }

    fn write_all(outbox: &mut Outbox) -> Vec<u64> {
        std::iter::from_fn(|| {
            let seq = outbox.next()?.seq;
            outbox.wrote();
            Some(seq)
        })
        .collect()
    }

    #[test]
    fn what_is_not_acknowledged_is_written_again_in_order() {
        let mut outbox = outbox();
        assert_eq!(write_all(&mut outbox), [1, 2], "the third waits for room in flight");
        assert!(outbox.acknowledge(1));
        assert!(!outbox.acknowledge(1));
        assert_eq!(write_all(&mut outbox), [3]);
        outbox.rewind();
        assert_eq!(write_all(&mut outbox), [2, 3]);
        assert_eq!(outbox.settled(), 1);
        assert!(outbox.acknowledge(u64::MAX));
        assert!(!outbox.has_next());
        assert_eq!(outbox.settled(), 3);
    }

    #[test]
    fn a_full_outbox_refuses_and_loses_no_number() {
        let mut outbox = outbox();
        assert_eq!(outbox.push(|seq| seq.to_string()), Err(Full::Messages));
        write_all(&mut outbox);
        assert_eq!(outbox.push(|_| "x".repeat(100)), Err(Full::Bytes));
        assert_eq!(outbox.push(|seq| seq.to_string()), Ok(4));
        outbox.acknowledge(2);
        assert_eq!(write_all(&mut outbox), [3, 4]);
    }

    #[test]
    fn abandoned_messages_come_back_and_their_numbers_are_settled() {
        let mut outbox = outbox();
        write_all(&mut outbox);
        let abandoned: Vec<_> = outbox.abandon().into_iter().map(|message| message.seq).collect();
        assert_eq!(abandoned, [1, 2, 3]);
        assert_eq!(outbox.settled(), 3);
        assert_eq!(outbox.push(|_| "x".repeat(100)), Ok(4), "their bytes are free again");
    }
}
