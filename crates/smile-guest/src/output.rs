//! A command's output in bounded memory: the first and the last half are kept.

use std::collections::VecDeque;

/// Keeps the beginning and the end of what is pushed.
#[derive(Debug)]
pub(crate) struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    total: u64,
}

impl Kept {
    /// Keeps at most `bytes_max`.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let half = usize::try_from(bytes_max / 2).unwrap_or(usize::MAX).max(1);
        Self { head: Vec::new(), tail: VecDeque::new(), half, total: 0 }
    }

    /// Adds output.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = (self.half - self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..over.min(self.tail.len()));
        self.tail.extend(rest);
    }

    /// All bytes that came.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// At most the last `count` bytes.
    pub(crate) fn last(&self, count: usize) -> Vec<u8> {
        let from_tail = count.min(self.tail.len());
        let from_head = (count - from_tail).min(self.head.len());
        let mut bytes = Vec::with_capacity(from_head + from_tail);
        // The head's end is next to the tail's beginning only where nothing was left out.
        if self.cut_at().is_none() {
            bytes.extend_from_slice(&self.head[self.head.len() - from_head..]);
        }
        bytes.extend(self.tail.range(self.tail.len() - from_tail..));
        bytes
    }

    /// How many bytes stand before the omission; `None` where nothing was left out.
    pub(crate) fn cut_at(&self) -> Option<u64> {
        let kept = (self.head.len() + self.tail.len()) as u64;
        (self.total > kept).then_some(self.head.len() as u64)
    }

    /// What was kept.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        bytes.extend(self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes_max: u64, pushes: &[&str], kept: &str, cut_at: Option<u64>, last: &str) {
        let mut output = Kept::new(bytes_max);
        for push in pushes {
            output.push(push.as_bytes());
        }
        assert_eq!(output.total(), pushes.concat().len() as u64);
        assert_eq!(output.cut_at(), cut_at, "{pushes:?}");
        assert_eq!(String::from_utf8(output.last(3)).unwrap(), last, "{pushes:?}");
        assert_eq!(String::from_utf8(output.into_bytes()).unwrap(), kept, "{pushes:?}");
    }

    #[test]
    fn first_and_last_half() {
        check(8, &[], "", None, "");
        check(8, &["ab", "c"], "abc", None, "abc");
        check(8, &["abcdefgh"], "abcdefgh", None, "fgh");
        check(8, &["abcdefghi"], "abcdfghi", Some(4), "ghi");
        check(8, &["ab", "cdefghijklmnop", "q"], "abcdnopq", Some(4), "opq");
        check(8, &["abcde"], "abcde", None, "cde");
    }
}
