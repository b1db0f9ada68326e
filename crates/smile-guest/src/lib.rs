//! The small agent inside every sandbox: sessions, commands, files, processes.

pub mod message;
