//! Outputs: what a person sees of them, what of them is stable, and whether two are the same.

mod compare;
mod normalise;
mod terminal;

#[cfg(test)]
mod pairs;

pub(crate) use compare::{Comparison, Difference, compare, tells_the_same};
pub use terminal::plain;
