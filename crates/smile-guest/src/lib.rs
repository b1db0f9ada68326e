//! The small agent inside every sandbox: sessions, commands, files, processes.
//!
//! [`serve`] is the guest itself, [`client`] the host's way to it, [`message`] what they say.

pub mod client;
pub mod message;
