//! What the page itself asks the reader to have.

use crate::page::Page;
use crate::step::{Requirement, Tutorial};

/// The requirements that the page states.
pub(crate) fn requirements(_page: &Page, _tutorial: &Tutorial) -> Vec<Requirement> {
    Vec::new()
}
