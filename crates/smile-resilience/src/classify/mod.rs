//! From a failure to its class: the producer's own type, then protocol codes, and only for the
//! output of external programs their text.

mod chain;
mod familiar;
pub mod grpc;
pub mod http;
mod io;
mod table;
mod text;

pub use chain::{Classified, classify_error, classify_foreign};
pub use familiar::{is_permanent_error, is_transient_io_error, is_transient_network_error};
pub use text::classify_output;

pub(crate) use io::by_errno;
