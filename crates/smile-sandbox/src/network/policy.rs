//! Which destinations a sandbox may reach.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    str::FromStr,
};

use super::GATEWAY;

/// What a sandbox may reach: the public internet, and what is named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Exceptions from the deny list, by the user or from the host's own configuration.
    pub allow: Vec<Rule>,
    /// Connections and UDP exchanges at a time; one more is refused.
    pub flows_max: usize,
    /// Where names are looked up; none: where the host's `/etc/resolv.conf` says.
    pub nameservers: Option<Vec<SocketAddr>>,
}

/// A destination that is allowed although its address is not public.
///
/// Written `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS:PORT`, `RANGE/BITS` or `RANGE/BITS:PORT`.
/// A rule with a name allows the private addresses that the name resolves to, but no loopback,
/// link-local or metadata address and none of the host's own. A rule with an address allows
/// exactly that; the host's loopback cannot be reached by its own address, because the sandbox
/// has a loopback itself, so `127.0.0.1:PORT` and `localhost:PORT` open that port at
/// [`GATEWAY`](super::GATEWAY) instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Host {
    /// Lower case, without the final dot.
    Name(Box<str>),
    Range {
        network: Ipv4Addr,
        bits: u8,
    },
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// One of the host's interfaces, or one of its broadcast addresses.
    #[error("an address of the host itself")]
    OwnAddress,
    /// `127.0.0.0/8`, `::1`.
    #[error("a loopback address")]
    Loopback,
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`.
    #[error("a private address")]
    Private,
    /// `100.64.0.0/10`.
    #[error("a carrier's private address")]
    SharedNat,
    /// `169.254.0.0/16`, `fe80::/10`: also where clouds serve credentials.
    #[error("a link-local address")]
    LinkLocal,
    /// Addresses outside the link-local range where clouds serve machine secrets.
    #[error("a cloud's metadata address")]
    Metadata,
    /// `fc00::/7`.
    #[error("a unique local address")]
    UniqueLocal,
    /// Multicast and broadcast.
    #[error("a multicast or broadcast address")]
    Multicast,
    /// `0.0.0.0/8`, `::`.
    #[error("an unspecified address")]
    Unspecified,
    /// `240.0.0.0/4`, `192.0.0.0/24`.
    #[error("a reserved address")]
    Reserved,
    /// The stack's own address, on another port than DNS.
    #[error("the sandbox's gateway")]
    Gateway,
}

/// How a rule holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mentioned {
    Exactly,
    InRange,
}

/// Text that is no [`Rule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a host, address or range with an optional port")]
pub struct InvalidRule {
    text: String,
}

impl Policy {
    /// The public internet and nothing else, with modest limits.
    pub fn internet() -> Self {
        Self { allow: Vec::new(), flows_max: 256, nameservers: None }
    }

    /// Adds exceptions from the deny list.
    #[must_use]
    pub fn with_allow(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.allow.extend(rules);
        self
    }

    /// Sets how many flows there may be at a time.
    #[must_use]
    pub fn with_flows_max(mut self, flows_max: usize) -> Self {
        self.flows_max = flows_max;
        self
    }

    /// Sets where names are looked up.
    #[must_use]
    pub fn with_nameservers(mut self, nameservers: Vec<SocketAddr>) -> Self {
        self.nameservers = Some(nameservers);
        self
    }

    /// Whether a rule allows this destination by its address. No range is meant to hold what can
    /// only be on this machine.
    pub(super) fn allows(&self, to: SocketAddrV4, how: Mentioned) -> bool {
        let only_here = matches!(
            denied(IpAddr::V4(*to.ip())),
            Some(Denied::Loopback | Denied::Unspecified | Denied::Multicast | Denied::Gateway)
        );
        let opens = |rule: &&Rule| rule.port.is_none_or(|port| port == to.port());
        !only_here && (self.allow.iter()).filter(opens).any(|rule| rule.mentions(*to.ip(), how))
    }

    /// Whether a rule allows some port of this address.
    pub(super) fn mentions(&self, ip: Ipv4Addr, how: Mentioned) -> bool {
        self.allow.iter().any(|rule| rule.mentions(ip, how))
    }

    /// The ports that rules allow on a name's private addresses; empty: the name is in no rule.
    pub(super) fn ports_of_name(&self, name: &str) -> Vec<Option<u16>> {
        let of_name = |rule: &&Rule| matches!(&rule.host, Host::Name(ours) if **ours == *name);
        self.allow.iter().filter(of_name).map(|rule| rule.port).collect()
    }

    /// Where on the host's loopback a port of the gateway leads.
    pub(super) fn loopback_behind_gateway(&self, port: u16) -> Option<SocketAddr> {
        self.allow
            .iter()
            .filter(|rule| rule.port == Some(port))
            .find_map(|rule| match &rule.host {
                Host::Name(name) if &**name == "localhost" => Some(Ipv4Addr::LOCALHOST),
                Host::Range { network, bits: 32 } if network.is_loopback() => Some(*network),
                Host::Name(_) | Host::Range { .. } => None,
            })
            .map(|ip| SocketAddr::from((ip, port)))
    }
}

impl Rule {
    /// A rule for one host name or address; `None` where the text is neither.
    pub(super) fn host(host: &str, port: Option<u16>) -> Option<Self> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(network) = host.parse() {
            let host = Host::Range { network, bits: 32 };
            return Some(Self { host, port });
        }
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        // A last label of digits is a mistyped address, never a name.
        let numeric = host.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit());
        (host.len() <= 253 && host.bytes().all(letter) && !numeric)
            .then(|| Self { host: Host::Name(host.into()), port })
    }

    fn mentions(&self, ip: Ipv4Addr, how: Mentioned) -> bool {
        match (&self.host, how) {
            (&Host::Range { network, bits }, Mentioned::InRange)
            | (&Host::Range { network, bits: bits @ 32 }, Mentioned::Exactly) => {
                in_range(ip, network, bits)
            }
            (Host::Range { .. } | Host::Name(_), _) => false,
        }
    }
}

impl FromStr for Rule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let invalid = || InvalidRule { text: text.to_owned() };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let Some((network, bits)) = host.split_once('/') else {
            return Self::host(host, port).ok_or_else(invalid);
        };
        let network = network.parse().map_err(|_| invalid())?;
        let bits = bits.parse().map_err(|_| invalid())?;
        if bits > 32 {
            return Err(invalid());
        }
        let host = Host::Range { network, bits };
        Ok(Self { host, port })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            Host::Range { network, bits: 32 } => write!(f, "{network}")?,
            Host::Range { network, bits } => write!(f, "{network}/{bits}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Why an address is not of the public internet; the host's own addresses are judged elsewhere.
pub(super) fn denied(ip: IpAddr) -> Option<Denied> {
    match ip {
        IpAddr::V4(ip) => denied_v4(ip),
        IpAddr::V6(ip) => {
            let segments = ip.segments();
            // An IPv4 address in another dress (mapped, NAT64, 6to4) is judged as that address.
            let embedded = |high: u16, low: u16| {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                denied_v4(Ipv4Addr::new(a, b, c, d))
            };
            match segments {
                [0, 0, 0, 0, 0, 0, 0, 0] => Some(Denied::Unspecified),
                [0, 0, 0, 0, 0, 0, 0, 1] => Some(Denied::Loopback),
                [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    embedded(high, low)
                }
                [0x2002, high, low, ..] => embedded(high, low),
                [first, ..] if first & 0xfe00 == 0xfc00 => Some(Denied::UniqueLocal),
                [first, ..] if first & 0xffc0 == 0xfe80 => Some(Denied::LinkLocal),
                [first, ..] if first & 0xff00 == 0xff00 => Some(Denied::Multicast),
                _ => None,
            }
        }
    }
}

/// Documentation and benchmark ranges (`198.18.0.0/15` and the like) are not denied: they are
/// nobody's private network, and transparent proxies answer names with them.
fn denied_v4(ip: Ipv4Addr) -> Option<Denied> {
    // Azure's is public by its number; the other clouds' are link-local or below.
    const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    if ip == GATEWAY {
        return Some(Denied::Gateway);
    }
    match ip.octets() {
        [0, ..] => Some(Denied::Unspecified),
        [127, ..] => Some(Denied::Loopback),
        [169, 254, ..] => Some(Denied::LinkLocal),
        [100, second, ..] if second & 0xc0 == 64 => Some(Denied::SharedNat),
        [192, 0, 0, 192] => Some(Denied::Metadata),
        [192, 0, 0, _] => Some(Denied::Reserved),
        _ if ip == AZURE => Some(Denied::Metadata),
        _ if ip.is_private() => Some(Denied::Private),
        _ if ip.is_multicast() || ip.is_broadcast() => Some(Denied::Multicast),
        [240..=255, ..] => Some(Denied::Reserved),
        _ => None,
    }
}

/// Whether an address lies in a range.
pub(super) fn in_range(ip: Ipv4Addr, network: Ipv4Addr, bits: u8) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
    (ip.to_bits() ^ network.to_bits()) & mask == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_not_denied() {
        let check = |ip: &str, expected| assert_eq!(denied(ip.parse().unwrap()), expected, "{ip}");
        check("93.184.216.34", None);
        check("203.0.113.80", None);
        check("172.15.255.255", None);
        check("172.32.0.0", None);
        check("100.63.255.255", None);
        check("100.128.0.0", None);
        check("2606:2800:220:1::1", None);
        check("0.0.0.0", Some(Denied::Unspecified));
        check("0.1.2.3", Some(Denied::Unspecified));
        check("10.0.0.1", Some(Denied::Private));
        check("10.77.0.1", Some(Denied::Gateway));
        check("172.16.0.1", Some(Denied::Private));
        check("172.31.255.255", Some(Denied::Private));
        check("192.168.1.1", Some(Denied::Private));
        check("100.64.0.1", Some(Denied::SharedNat));
        check("100.100.100.200", Some(Denied::SharedNat));
        check("127.0.0.53", Some(Denied::Loopback));
        check("169.254.169.254", Some(Denied::LinkLocal));
        check("192.0.0.192", Some(Denied::Metadata));
        check("168.63.129.16", Some(Denied::Metadata));
        check("224.0.0.251", Some(Denied::Multicast));
        check("255.255.255.255", Some(Denied::Multicast));
        check("250.0.0.1", Some(Denied::Reserved));
        check("::", Some(Denied::Unspecified));
        check("::1", Some(Denied::Loopback));
        check("fd00:ec2::254", Some(Denied::UniqueLocal));
        check("fe80::1", Some(Denied::LinkLocal));
        check("ff02::1", Some(Denied::Multicast));
        check("::ffff:127.0.0.1", Some(Denied::Loopback));
        check("::ffff:8.8.8.8", None);
        check("::10.0.0.1", Some(Denied::Private));
        check("64:ff9b::10.0.0.1", Some(Denied::Private));
        check("2002:a00:1::", Some(Denied::Private));
    }

    #[test]
    fn rules_are_read_and_printed() {
        for text in [
            "proxy.corp",
            "proxy.corp:3128",
            "10.1.2.3",
            "10.1.2.3:80",
            "10.0.0.0/8",
            "10.0.0.0/8:443",
            "0.0.0.0/0",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!("Proxy.Corp.".parse::<Rule>().unwrap().to_string(), "proxy.corp");
        for text in ["", "a b", "host:", "host:65536", "10.0.0.0/33", "10.0.0.256", "host/8", "::1"]
        {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }

    #[test]
    fn rules_allow_addresses_ports_and_names() {
        let rules = ["10.1.0.0/16:80", "192.168.7.7", "mirror.lan:8081", "localhost:3128"];
        let policy = Policy::internet().with_allow(rules.map(|rule| rule.parse().unwrap()));
        let allows = |address: &str| policy.allows(address.parse().unwrap(), Mentioned::InRange);
        assert!(allows("10.1.255.1:80"));
        assert!(!allows("10.1.255.1:81"));
        assert!(!allows("10.2.0.1:80"));
        assert!(allows("192.168.7.7:9"));
        assert_eq!(policy.ports_of_name("mirror.lan"), [Some(8081)]);
        assert_eq!(policy.ports_of_name("other.lan"), []);
        assert_eq!(policy.loopback_behind_gateway(3128), Some("127.0.0.1:3128".parse().unwrap()));
        assert_eq!(policy.loopback_behind_gateway(80), None);
    }
}
