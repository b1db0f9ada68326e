//! A bounded queue of messages that wait for a connection.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// First in, first out, never more than its capacity: a message that does not fit is refused and
/// the caller told, so that nothing is lost in silence. It may be shared between threads.
///
/// ```
/// use smile_resilience::MessageBuffer;
///
/// let buffer = MessageBuffer::new(2);
/// assert!(buffer.enqueue("a") && buffer.enqueue("b"));
/// assert!(!buffer.enqueue("c"), "full");
/// assert_eq!(buffer.drain(), ["a", "b"]);
/// assert!(buffer.enqueue("c"), "usable again");
/// ```
#[derive(Debug)]
pub struct MessageBuffer<T = String> {
    messages: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> MessageBuffer<T> {
    /// Holds at most `capacity` messages; 0 refuses every one.
    pub fn new(capacity: usize) -> Self {
        Self { messages: Mutex::new(VecDeque::new()), capacity }
    }

    /// Puts a message at the end; `false` where it is full and the message was not taken.
    #[must_use = "`false` means that the message was not taken"]
    pub fn enqueue(&self, message: T) -> bool {
        let mut messages = self.messages.lock();
        let fits = messages.len() < self.capacity;
        if fits {
            messages.push_back(message);
        }
        fits
    }

    /// Takes everything, oldest first.
    pub fn drain(&self) -> Vec<T> {
        self.drain_up_to(usize::MAX)
    }

    /// Takes the oldest messages, at most so many.
    pub fn drain_up_to(&self, count_max: usize) -> Vec<T> {
        let mut messages = self.messages.lock();
        let count = count_max.min(messages.len());
        messages.drain(..count).collect()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.messages.lock().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_limit_and_reuse() {
        let buffer = MessageBuffer::new(3);
        assert!(buffer.is_empty());
        let taken: Vec<_> = (0..5).map(|message| buffer.enqueue(message)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert_eq!(buffer.drain_up_to(1), [0]);
        assert!(buffer.enqueue(9));
        assert_eq!((buffer.len(), buffer.capacity()), (3, 3));
        assert_eq!(buffer.drain(), [1, 2, 9]);
        assert!(buffer.is_empty() && buffer.enqueue(1));
        assert!(!MessageBuffer::new(0).enqueue(1));
    }
}
