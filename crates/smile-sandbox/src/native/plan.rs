//! What the helper is told: the specification with everything resolved that only the host knows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One sandbox to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Names the run's folder and control groups.
    pub(super) id: String,
    /// The backend's folder in the user's cache.
    pub(super) cache: PathBuf,
    pub(super) base: PlanBase,
    pub(super) network: PlanNetwork,
    pub(super) limits: PlanLimits,
    pub(super) shares: Vec<PlanShare>,
    pub(super) toolchains: Vec<PathBuf>,
    pub(super) strict: bool,
    pub(super) hostname: String,
    /// Uses the mount call of kernels before 6.8 although the newer one is there; for tests.
    pub(super) old_mount_call: bool,
    /// Keeps what is written in memory, as where no folder can hold it; for tests.
    pub(super) upper_in_memory: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum PlanBase {
    Host,
    Folder(PathBuf),
    Archive(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PlanNetwork {
    None,
    /// By a TUN device whose other end the host's program serves.
    Internet {
        address: [u8; 4],
        prefix: u8,
        gateway: [u8; 4],
        mtu: u16,
    },
    Host,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanLimits {
    pub(super) memory_bytes_max: u64,
    pub(super) processes_max: u32,
    pub(super) disk_bytes_max: u64,
    pub(super) cpu_millis_max: Option<u32>,
    pub(super) lifetime_ms_max: Option<u64>,
    pub(super) may_be_missing: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanShare {
    pub(super) source: PathBuf,
    /// Absolute, inside.
    pub(super) destination: PathBuf,
    pub(super) copied: bool,
}

/// The home folder inside: the learner is root there.
pub(super) const HOME: &str = "/root";
/// Where the learner starts.
pub(super) const WORK: &str = "/root/work";
