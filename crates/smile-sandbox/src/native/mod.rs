//! The native backend: Linux namespaces and an overlay, without a daemon, as root or as an
//! ordinary user.

mod accounts;
mod archive;
mod cgroup;
mod channel;
mod environment;
mod harden;
mod helper;
mod host;
mod inside;
mod layers;
mod overlay;
mod plan;
mod reason;
mod seccomp;
mod share;
mod skeleton;
mod store;
mod sys;
mod toolchain;
mod tree;
mod users;
mod watch;

pub use environment::ENVIRONMENT_PASS;
pub use helper::helper_main;
pub use host::{Native, Settings};
