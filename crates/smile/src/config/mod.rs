//! Configuration: what may be written in `smile.json`, and the complete settings that come of it,
//! the flags and the environment.

mod find;
mod load;
mod options;
mod read;
mod settings;

pub(crate) use load::{Loaded, load};
pub(crate) use options::{Backend, FailOn, Format, LimitName, Network, Options, Persona, schema};
pub(crate) use read::present;
#[cfg(test)]
pub(crate) use read::read;
pub(crate) use settings::Settings;
