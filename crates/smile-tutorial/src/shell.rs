//! Reads shell text: where commands end, and what one command uses.

mod lex;
mod reading;
mod split;
mod word;

pub(crate) use lex::Lexer;
pub use reading::{Position, Program, Reading, Redirect, read};
pub(crate) use split::without_comment;
pub use split::{Piece, is_complete, split};
