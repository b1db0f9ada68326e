//! Why a sandbox could not be made, and what mends it.

use std::{io, path::PathBuf};

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The kernel lets ordinary users make no user namespaces at all.
    #[error("this system does not let ordinary users make user namespaces ({what})")]
    UserNamespacesOff {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// `AppArmor` takes the rights in user namespaces away.
    #[error("AppArmor does not let this program use a user namespace ({what})")]
    AppArmor {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// This process runs in a container that forbids what a sandbox needs.
    #[error("the container that this runs in does not let it make a sandbox ({what})")]
    Container {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel has no overlay file system, or no folder can hold its changes.
    #[error("the overlay file system cannot be mounted ({what})")]
    Overlay {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The base does not exist or is none.
    #[error("the base `{}` cannot be used", path.display())]
    Base {
        /// The folder or archive.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Something to be shown inside cannot be.
    #[error("`{what}` cannot be brought into the sandbox")]
    Share {
        /// Its path.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The cache cannot be written.
    #[error("the cache `{what}` cannot be used")]
    Cache {
        /// The folder.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A limit of the specification cannot be enforced here.
    #[error("the limit of {what} cannot be enforced on this machine")]
    Limit {
        /// Which limits.
        what: String,
    },
    /// The network stack could not start.
    #[error("the sandbox's network could not be started")]
    Network {
        /// What the stack said.
        source: crate::network::StartError,
    },
    /// The helper process could not be started, or did not answer.
    #[error("the sandbox's helper process failed ({what})")]
    Helper {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that the system refused.
    #[error("the sandbox could not be made ({what})")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    /// What the user can do about it: one command where there is one.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UserNamespacesOff { .. } => {
                "switch them on: `sudo sysctl -w kernel.unprivileged_userns_clone=1 \
                 user.max_user_namespaces=10000`, or run `sudo smile run …`"
            }
            Self::AppArmor { .. } => {
                "allow it: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, \
                 or give the smile program an AppArmor profile with `userns,`"
            }
            Self::Container { .. } => {
                "start the container with `--security-opt seccomp=unconfined \
                 --security-opt systempaths=unconfined --cap-add SYS_ADMIN`, or run smile on the \
                 host"
            }
            Self::Overlay { .. } => {
                "load it: `sudo modprobe overlay`; as an ordinary user it needs Linux 5.11 or newer"
            }
            Self::Base { .. } => {
                "name a folder with a root file system or a tar archive of one (plain or gzip)"
            }
            Self::Share { .. } => "check that it exists and that you may read it",
            Self::Cache { .. } => {
                "set XDG_CACHE_HOME to a folder that you can write and that has space"
            }
            Self::Limit { .. } => {
                "run in a session with delegated control groups (`systemd-run --user --scope \
                 smile run …`), or start without it: `--allow-missing-limit NAME`"
            }
            Self::Network { source } => source.hint(),
            Self::Helper { .. } => "run `smile doctor`, which names what is missing",
            Self::System { .. } => "run `smile doctor`, which tries each part by itself",
        }
    }
}
