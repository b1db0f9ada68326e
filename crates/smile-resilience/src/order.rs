//! Numbered messages brought back into order: each exactly once, and what is missing named.

use std::collections::BTreeMap;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is new; [`Ordered::pop`] gives it once everything before it is there.
    Taken,
    /// It had been there before and is dropped.
    Repeat,
    /// Too many wait for an earlier one already; it was not taken.
    Full,
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<T> {
    /// The next message.
    Item {
        /// Its number.
        seq: u64,
        /// What it is.
        item: T,
    },
    /// These do not come any more.
    Gap {
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    },
}

/// Takes numbered messages as they arrive, early, late or again, and gives each once and in order.
/// Either end of a stream uses it: a client for events, a server for what its clients send.
///
/// ```
/// use smile_resilience::{Arrival, Delivery, Ordered};
///
/// let mut events = Ordered::after(0, 16);
/// assert_eq!(events.accept(2, "b"), Arrival::Taken);
/// assert_eq!(events.pop(), None);
/// assert_eq!(events.missing(), Some((1, 1)));
/// events.accept(1, "a");
/// assert_eq!(events.accept(2, "b"), Arrival::Repeat);
/// assert_eq!(events.pop(), Some(Delivery::Item { seq: 1, item: "a" }));
/// assert_eq!(events.pop(), Some(Delivery::Item { seq: 2, item: "b" }));
/// ```
#[derive(Debug)]
pub struct Ordered<T> {
    next: u64,
    held: BTreeMap<u64, Held<T>>,
    held_max: usize,
}

#[derive(Debug)]
enum Held<T> {
    Item(T),
    /// This number and all up to `to` do not come.
    Lost {
        to: u64,
    },
}

impl<T> Ordered<T> {
    /// Goes on after number `last`; at most `held_max` messages wait for an earlier one.
    pub fn after(last: u64, held_max: usize) -> Self {
        Self { next: last.saturating_add(1), held: BTreeMap::new(), held_max }
    }

    /// The last number that has come out.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// Takes message number `seq`.
    pub fn accept(&mut self, seq: u64, item: T) -> Arrival {
        if seq < self.next || matches!(self.held.get(&seq), Some(Held::Item(_))) {
            return Arrival::Repeat;
        }
        // The one that is waited for always fits: it lets the others go.
        if seq != self.next && self.held.len() >= self.held_max {
            return Arrival::Full;
        }
        if let Some(Held::Lost { to }) = self.held.insert(seq, Held::Item(item))
            && to > seq
        {
            self.held.entry(seq + 1).or_insert(Held::Lost { to });
        }
        Arrival::Taken
    }

    /// Notes that `from` to `to` do not come any more.
    pub fn lost(&mut self, from: u64, to: u64) {
        let from = from.max(self.next);
        if from <= to && !self.held.contains_key(&from) {
            self.held.insert(from, Held::Lost { to });
        }
    }

    /// The next in order, or nothing while it is missing.
    pub fn pop(&mut self) -> Option<Delivery<T>> {
        let (&seq, _) = self.held.first_key_value()?;
        if seq > self.next {
            return None;
        }
        match self.held.remove(&seq)? {
            Held::Item(item) => {
                self.next = seq.saturating_add(1);
                Some(Delivery::Item { seq, item })
            }
            Held::Lost { to } => {
                // A message that has come after all ends the gap before it.
                let known = self.held.first_key_value().map(|(&seq, _)| seq);
                let end = known.map_or(to, |known| to.min(known - 1));
                if let Some(known) = known.filter(|known| *known < to) {
                    self.held.entry(known + 1).or_insert(Held::Lost { to });
                }
                let from = self.next;
                self.next = end.saturating_add(1);
                Some(Delivery::Gap { from, to: end })
            }
        }
    }

    /// The first hole, where later messages wait behind one.
    pub fn missing(&self) -> Option<(u64, u64)> {
        let (&first, _) = self.held.first_key_value()?;
        (first > self.next).then(|| (self.next, first - 1))
    }

    /// Turns the first hole into a gap: nobody can fill it.
    pub fn give_up_missing(&mut self) {
        if let Some((from, to)) = self.missing() {
            self.lost(from, to);
        }
    }

    /// Begins anew after number `last`; what is held is dropped.
    pub fn restart_after(&mut self, last: u64) {
        self.next = last.saturating_add(1);
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pop_all<T>(ordered: &mut Ordered<T>) -> Vec<Delivery<T>> {
        std::iter::from_fn(|| ordered.pop()).collect()
    }

    proptest! {
        #[test]
        fn any_order_with_repeats_comes_out_once_and_in_order(
            order in Just((1..=40_u64).collect::<Vec<_>>()).prop_shuffle(),
            repeats in proptest::collection::vec(1..=40_u64, 0..40),
        ) {
            let mut ordered = Ordered::after(0, 40);
            let mut out = Vec::new();
            let mut repeats = repeats.into_iter();
            for seq in order {
                for seq in [Some(seq), repeats.next()].into_iter().flatten() {
                    ordered.accept(seq, seq);
                    out.extend(pop_all(&mut ordered));
                }
            }
            let right: Vec<_> =
                (1..=40).map(|seq| Delivery::Item { seq, item: seq }).collect();
            prop_assert_eq!(out, right);
        }

        #[test]
        fn items_and_gaps_together_cover_every_number_once(
            arrivals in proptest::collection::vec((1..60_u64, 0..6_u64, any::<bool>()), 0..60),
        ) {
            let mut ordered = Ordered::after(0, 100);
            let mut next = 1;
            for (seq, length, is_item) in arrivals {
                if is_item {
                    ordered.accept(seq, ());
                } else {
                    ordered.lost(seq, seq + length);
                }
                for delivery in pop_all(&mut ordered) {
                    let (from, to) = match delivery {
                        Delivery::Item { seq, .. } => (seq, seq),
                        Delivery::Gap { from, to } => (from, to),
                    };
                    prop_assert_eq!(from, next);
                    prop_assert!(to >= from);
                    next = to + 1;
                }
                prop_assert_eq!(ordered.last() + 1, next);
            }
        }
    }

    #[test]
    fn too_many_early_ones_are_refused_but_never_the_one_that_is_waited_for() {
        let mut ordered = Ordered::after(0, 2);
        assert_eq!([3, 4, 5, 1, 2].map(|seq| ordered.accept(seq, ())), {
            use Arrival::{Full, Taken};
            [Taken, Taken, Full, Taken, Full]
        });
        assert_eq!(pop_all(&mut ordered).len(), 1);
        assert_eq!(ordered.accept(2, ()), Arrival::Taken);
        assert_eq!(pop_all(&mut ordered).len(), 3);
    }

    #[test]
    fn a_hole_that_nobody_fills_becomes_a_gap() {
        let mut ordered = Ordered::after(4, 8);
        ordered.accept(8, "x");
        assert_eq!(ordered.missing(), Some((5, 7)));
        ordered.give_up_missing();
        let out = pop_all(&mut ordered);
        assert_eq!(out, [Delivery::Gap { from: 5, to: 7 }, Delivery::Item { seq: 8, item: "x" }]);
        assert_eq!(ordered.accept(6, "late"), Arrival::Repeat);
    }
}
