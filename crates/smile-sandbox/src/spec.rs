//! What a sandbox is to be: starts with the tightest limits; each `with_` call loosens one.

use std::{path::PathBuf, time::Duration};

/// What a sandbox is made of and what it may do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SandboxSpec {
    /// The file system it starts from.
    pub base: Base,
    /// What it may reach.
    pub network: Network,
    /// Destinations that are allowed although they are not the public internet.
    pub allow_hosts: Vec<crate::network::Rule>,
    /// What it may use.
    pub limits: Limits,
    /// What of the author's is visible inside, copied or bound read-only.
    pub shares: Vec<Share>,
    /// Names of host environment variables that pass; `*` at the end stands for any ending.
    pub environment_pass: Vec<String>,
    /// Drops every capability and forbids new privileges; then `sudo` cannot work.
    pub strict: bool,
    /// The machine's name inside.
    pub hostname: String,
}

/// The file system a sandbox starts from; never written to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Base {
    /// The host's own system with private places hidden and a fresh home.
    Host,
    /// A root file system in a folder.
    Folder(PathBuf),
    /// A root file system in a tar archive (plain, gzip); unpacked once into the cache.
    Archive(PathBuf),
}

/// What a sandbox may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Network {
    /// Its own loopback only.
    None,
    /// The internet, but neither the host nor private ranges.
    Internet,
    /// The host's own network, only when asked.
    Host,
}

/// What a sandbox may use. A backend that cannot enforce one refuses to start, unless it is
/// named in `may_be_missing`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Memory in bytes.
    pub memory_bytes_max: u64,
    /// Processes and threads.
    pub processes_max: u32,
    /// Bytes written to its file system.
    pub disk_bytes_max: u64,
    /// Processors, in thousandths.
    pub cpu_millis_max: Option<u32>,
    /// The sandbox's whole life.
    pub lifetime_max: Option<Duration>,
    /// Limits (`memory`, `processes`, `disk`, `cpu`) that the user allows to be missing.
    pub may_be_missing: Vec<String>,
}

/// Something of the author's that is visible inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// On the host.
    pub source: PathBuf,
    /// Inside: absolute, or relative to the work folder.
    pub destination: PathBuf,
    /// `false`: bound read-only; `true`: copied, so that the reader can change it.
    pub copied: bool,
}

impl SandboxSpec {
    /// A sandbox without network and with modest limits.
    pub fn new(base: Base) -> Self {
        Self {
            base,
            network: Network::None,
            allow_hosts: Vec::new(),
            limits: Limits {
                memory_bytes_max: 4 << 30,
                processes_max: 1024,
                disk_bytes_max: 8 << 30,
                cpu_millis_max: None,
                lifetime_max: None,
                may_be_missing: Vec::new(),
            },
            shares: Vec::new(),
            environment_pass: crate::native::ENVIRONMENT_PASS
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            strict: false,
            hostname: "smile".to_owned(),
        }
    }

    /// Sets what it may reach.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Shows something of the author's inside.
    #[must_use]
    pub fn with_share(mut self, share: Share) -> Self {
        self.shares.push(share);
        self
    }
}
