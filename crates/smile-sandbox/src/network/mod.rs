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

use std::{io, net::Ipv4Addr, os::fd::OwnedFd, sync::Arc};

use tokio::{net::unix::pipe, task::JoinSet};
use tokio_util::sync::CancellationToken;

mod configuration;
mod dns;
mod driver;
mod engine;
mod gate;
mod packet;
mod policy;
mod record;
mod resolver;
mod tcp;
mod udp;

use self::driver::{Driver, Shared};

pub use configuration::{allowed_by_configuration, environment_inside};
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

/// The network of one sandbox. Dropped, it ends at once and breaks what is open.
#[derive(Debug)]
pub struct Stack {
    recorder: Recorder,
    tasks: JoinSet<()>,
    cancel: CancellationToken,
}

/// Why a stack could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The descriptor is no device that can be waited for.
    #[error("the sandbox's network device cannot be used")]
    Device {
        /// What the system said.
        source: io::Error,
    },
    /// The host's own addresses are unknown, so they could not be refused.
    #[error("the host's own addresses cannot be read from `/proc/thread-self/net/fib_trie`")]
    OwnAddresses {
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Device { .. } => "run without network: `--network none`",
            Self::OwnAddresses { .. } => "mount `/proc`, or run without network: `--network none`",
        }
    }
}

impl Stack {
    /// Serves a TUN device (`IFF_TUN | IFF_NO_PI`, [`MTU`], [`GUEST`] with a default route to
    /// [`GATEWAY`]; it may be set up after this call) until the token is cancelled, the device
    /// is removed or the stack is dropped. Connections are made in the network namespace of the
    /// calling runtime. The descriptor keeps the device's namespace alive: a sandbox whose
    /// processes are all gone still needs its stack to be stopped.
    ///
    /// # Errors
    ///
    /// Where the descriptor cannot be waited for, or the host's addresses cannot be told.
    ///
    /// # Panics
    ///
    /// Outside of a runtime with its I/O and time drivers enabled.
    pub fn start(
        tun: OwnedFd,
        policy: Policy,
        cancel: &CancellationToken,
    ) -> Result<Self, StartError> {
        let device = |source| StartError::Device { source };
        rustix::io::ioctl_fionbio(&tun, true).map_err(|error| device(error.into()))?;
        // A device is read like a pipe: whole packets, and nothing when there is none.
        let readable =
            tun.try_clone().and_then(pipe::Receiver::from_owned_fd_unchecked).map_err(device)?;
        let recorder = Recorder::default();
        let shared = Shared::new(tun, policy, recorder.clone())
            .map_err(|source| StartError::OwnAddresses { source })?;
        let driver = Driver::new(Arc::new(shared));
        let cancel = cancel.child_token(); // `stop` ends this stack only.
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run(readable, cancel.clone()));
        Ok(Self { recorder, tasks, cancel })
    }

    /// What the sandbox did on the network; stays readable after the end.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Ends it: open connections are reset, and nothing of it is left when this returns.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}
