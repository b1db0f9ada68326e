//! Reads shell text: where commands end, and what one command uses.

mod lex;
mod split;

pub(crate) use lex::Lexer;
pub(crate) use split::without_comment;
pub use split::{Piece, is_complete, split};
