//! Judges each destination: the policy, what the host is now, and what names resolved to.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Denied, GATEWAY, Policy, Refusal,
    policy::{Mentioned, denied, in_range},
};

/// How old knowledge of the host's addresses may be.
const OWN_AGE_MAX: Duration = Duration::from_secs(1);

/// Addresses whose names are remembered; the oldest goes first.
const NAMES_MAX: usize = 4096;

/// Private addresses that may be reached because a rule names their host.
const PINNED_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Gate {
    policy: Policy,
    own: Mutex<OwnAddresses>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct OwnAddresses {
    read_at: Instant,
    ranges: Vec<(Ipv4Addr, u8)>,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<Ipv4Addr, Box<str>>,
    order: VecDeque<Ipv4Addr>,
    pinned: Vec<(Ipv4Addr, Option<u16>)>,
}

impl Gate {
    pub(super) fn new(policy: Policy) -> io::Result<Self> {
        let own = OwnAddresses { read_at: Instant::now(), ranges: own_ranges()? };
        Ok(Self { policy, own: Mutex::new(own), known: Mutex::default() })
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Where a connection to this destination goes.
    pub(super) fn judge(&self, destination: SocketAddrV4) -> Result<SocketAddr, Refusal> {
        let (ip, port) = (*destination.ip(), destination.port());
        if ip == GATEWAY {
            return self
                .policy
                .loopback_behind_gateway(port)
                .ok_or(Refusal::Address(Denied::Gateway));
        }
        let allowed = Ok(destination.into());
        if self.policy.allows(destination, Mentioned::Exactly) {
            return allowed;
        }
        if self.is_own(ip) {
            return Err(Refusal::Address(Denied::OwnAddress));
        }
        match denied(IpAddr::V4(ip)) {
            None => allowed,
            Some(_) if self.policy.allows(destination, Mentioned::InRange) => allowed,
            Some(_) if self.is_pinned(ip, port) => allowed,
            Some(denied) => Err(Refusal::Address(denied)),
        }
    }

    /// Whether the sandbox may learn that a name has this address. One that a rule names may
    /// then be reached by it.
    pub(super) fn judge_answer(&self, name: &str, ip: Ipv4Addr) -> Result<(), Denied> {
        // A rule with an address allows it on its port only; `judge` sees to that.
        let verdict = if self.policy.mentions(ip, Mentioned::Exactly) {
            None
        } else if self.is_own(ip) {
            Some(Denied::OwnAddress)
        } else if self.policy.mentions(ip, Mentioned::InRange) {
            None
        } else {
            match denied(IpAddr::V4(ip)) {
                Some(private @ (Denied::Private | Denied::SharedNat)) => {
                    let ports = self.policy.ports_of_name(name);
                    self.pin(ip, &ports);
                    ports.is_empty().then_some(private)
                }
                other => other,
            }
        };
        if verdict.is_none() {
            self.remember(name, ip);
        }
        verdict.map_or(Ok(()), Err)
    }

    /// The name that was last seen to resolve to an address.
    pub(super) fn name_of(&self, ip: Ipv4Addr) -> Option<Box<str>> {
        self.known.lock().names.get(&ip).cloned()
    }

    fn remember(&self, name: &str, ip: Ipv4Addr) {
        let mut known = self.known.lock();
        if known.names.insert(ip, name.into()).is_none() {
            known.order.push_back(ip);
            if known.order.len() > NAMES_MAX
                && let Some(oldest) = known.order.pop_front()
            {
                known.names.remove(&oldest);
            }
        }
    }

    fn pin(&self, ip: Ipv4Addr, ports: &[Option<u16>]) {
        let mut known = self.known.lock();
        for port in ports {
            if !known.pinned.contains(&(ip, *port)) && known.pinned.len() < PINNED_MAX {
                known.pinned.push((ip, *port));
            }
        }
    }

    fn is_pinned(&self, ip: Ipv4Addr, port: u16) -> bool {
        let fits = |pin: &(Ipv4Addr, Option<u16>)| pin.0 == ip && pin.1.is_none_or(|p| p == port);
        self.known.lock().pinned.iter().any(fits)
    }

    fn is_own(&self, ip: Ipv4Addr) -> bool {
        let mut own = self.own.lock();
        if own.read_at.elapsed() > OWN_AGE_MAX {
            // A few microseconds from memory, so not worth another thread.
            match own_ranges() {
                Ok(ranges) => own.ranges = ranges,
                Err(error) => tracing::warn!(%error, "the host's addresses cannot be read again"),
            }
            own.read_at = Instant::now();
        }
        own.ranges.iter().any(|&(network, bits)| in_range(ip, network, bits))
    }
}

/// The host's own and broadcast addresses, from the kernel's routing table: all that is
/// delivered on this machine, secondary addresses and local routes included.
fn own_ranges() -> io::Result<Vec<(Ipv4Addr, u8)>> {
    std::fs::read_to_string("/proc/thread-self/net/fib_trie").map(|table| read_table(&table))
}

fn read_table(table: &str) -> Vec<(Ipv4Addr, u8)> {
    let mut ranges = Vec::new();
    let mut network = None;
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            network = address.parse().ok();
        } else if let Some(leaf) = line.strip_prefix('/')
            && let Some((bits, kind)) = leaf.split_once(' ')
            && (kind.ends_with("LOCAL") || kind.ends_with("BROADCAST"))
            && let (Some(network), Ok(bits)) = (network, bits.parse())
        {
            let range = (network, bits);
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 198.51.100.0\n        /24 link UNICAST\nLocal:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 198.51.100.2\n        /32 host LOCAL\n     |-- 198.51.100.255\n        /32 link BROADCAST\n";

    fn gate(rules: &[&str]) -> Gate {
        let rules = rules.iter().map(|rule| rule.parse().unwrap());
        Gate {
            policy: Policy::internet().with_allow(rules),
            own: Mutex::new(OwnAddresses {
                read_at: Instant::now() + Duration::from_hours(1),
                ranges: read_table(TABLE),
            }),
            known: Mutex::default(),
        }
    }

    #[test]
    fn local_and_broadcast_routes_are_the_hosts_own() {
        let own = |ip: &str, bits| (ip.parse().unwrap(), bits);
        let expected = [own("127.0.0.0", 8), own("198.51.100.2", 32), own("198.51.100.255", 32)];
        assert_eq!(read_table(TABLE), expected);
    }

    #[test]
    fn destinations_are_judged() {
        let check = |rules: &[&str], destination: &str, expected: Result<&str, Denied>| {
            let judged = gate(rules).judge(destination.parse().unwrap());
            let expected = expected.map(|to| to.parse().unwrap()).map_err(Refusal::Address);
            assert_eq!(judged, expected, "{rules:?} {destination}");
        };
        check(&[], "198.51.100.7:80", Ok("198.51.100.7:80"));
        check(&[], "198.51.100.2:80", Err(Denied::OwnAddress));
        check(&[], "198.51.100.255:80", Err(Denied::OwnAddress));
        check(&[], "192.168.1.1:80", Err(Denied::Private));
        check(&[], "10.77.0.1:80", Err(Denied::Gateway));
        check(&["192.168.1.1:80"], "192.168.1.1:80", Ok("192.168.1.1:80"));
        check(&["192.168.1.1:80"], "192.168.1.1:81", Err(Denied::Private));
        check(&["192.168.0.0/16"], "192.168.9.9:81", Ok("192.168.9.9:81"));
        // A range is not meant to hold the host itself, its exact address is.
        check(&["0.0.0.0/0"], "198.51.100.2:80", Err(Denied::OwnAddress));
        check(&["0.0.0.0/0"], "127.0.0.1:80", Err(Denied::OwnAddress));
        check(&["0.0.0.0/0"], "224.0.0.1:80", Err(Denied::Multicast));
        check(&["198.51.100.2:80"], "198.51.100.2:80", Ok("198.51.100.2:80"));
        check(&["localhost:31"], "10.77.0.1:31", Ok("127.0.0.1:31"));
        check(&["127.0.0.1:31"], "10.77.0.1:31", Ok("127.0.0.1:31"));
        check(&["localhost:31"], "10.77.0.1:32", Err(Denied::Gateway));
    }

    #[test]
    fn a_name_in_a_rule_may_be_private_but_not_local() {
        let gate = gate(&["mirror.lan:8081"]);
        let mirror = Ipv4Addr::new(192, 168, 3, 4);
        let to = |port| SocketAddrV4::new(mirror, port);
        assert_eq!(gate.judge_answer("evil.test", mirror), Err(Denied::Private));
        assert!(gate.judge(to(8081)).is_err());
        assert_eq!(gate.judge_answer("mirror.lan", mirror), Ok(()));
        assert!(gate.judge(to(8081)).is_ok());
        assert!(gate.judge(to(22)).is_err());
        assert_eq!(gate.name_of(mirror).as_deref(), Some("mirror.lan"));
        for (ip, expected) in [
            ("127.0.0.1", Denied::OwnAddress),
            ("169.254.169.254", Denied::LinkLocal),
            ("198.51.100.2", Denied::OwnAddress),
        ] {
            let answer = gate.judge_answer("mirror.lan", ip.parse().unwrap());
            assert_eq!(answer, Err(expected), "{ip}");
        }
    }
}
