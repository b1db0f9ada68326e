//! The network of a sandbox: a TCP/IP stack in this process at the other end of its TUN device.
//!
//! The sandbox has the device, one address and a default route; everything it sends arrives here
//! as IP packets. Connections are made again from the host's side, by ordinary sockets of an
//! ordinary user, so no firewall rule, bridge or helper program is needed, and policy and
//! evidence are in one place:
//!
//! - A connection is answered only once the host's side has been answered, so "connection
//!   refused" and "no route to host" mean inside what they mean outside.
//! - [`Policy`] refuses the host's own addresses and everything that is not the public internet,
//!   judged by the destination of each connection, so a name that changes its address between
//!   lookup and use gains nothing. A refusal is immediate.
//! - [`Recorder`] keeps each destination, with its name where one was looked up, its bytes and
//!   its end.
//!
//! IPv4 only: the device gets no IPv6 address or route, so IPv6 fails at once with "network is
//! unreachable", and names resolve to IPv4 addresses only. A host that has nothing but IPv6
//! needs the `host` network.

#![expect(dead_code, reason = "the stack that uses these lands next")]

use std::net::Ipv4Addr;

mod policy;
mod record;

pub use policy::{Denied, InvalidRule, Policy, Rule};
pub use record::{Entry, Mark, Outcome, Protocol, Record, Recorder, Refusal};

/// The sandbox's address on its device.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// The default route of the sandbox, and its only nameserver.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The length of the device's network prefix.
pub const PREFIX_LENGTH: u8 = 24;

/// The device's largest packet, in bytes: there is no wire, so it is as large as IP allows,
/// which makes each system call carry more.
pub const MTU: u16 = 65_535;

/// What `/etc/resolv.conf` says inside.
pub const RESOLV_CONF: &str = "nameserver 10.77.0.1\n";
