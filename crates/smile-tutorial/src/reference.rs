//! Pages that are reference material and no sequence.

use crate::step::Tutorial;

/// Why the page is reference material, where it is.
pub(crate) fn reference(_tutorial: &Tutorial) -> Option<String> {
    None
}
