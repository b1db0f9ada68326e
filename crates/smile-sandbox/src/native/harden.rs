//! What the sandbox's processes may not do any more, from before the guest starts until the end.

use std::io;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr,
};
use rustix::{
    process::{Resource, Rlimit},
    thread::{CapabilitySet, CapabilitySets},
};

use super::{
    channel::{At, Failure, Stage},
    plan::PlanLimits,
    seccomp, sys,
};

/// What a tutorial's `apt-get install`, `chown`, `sudo` and a server on port 80 need.
const CAPABILITIES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// The highest capability number that the kernel may know.
const CAPABILITY_LAST: u32 = 63;

/// Applies everything in the one order that works: each step takes the right to do the next.
pub(super) fn apply(strict: bool) -> Result<(), Failure> {
    let at = Stage::Harden;
    landlock().at(at, "landlock")?;
    seccomp().at(at, "seccomp")?;
    capabilities(strict).at(at, "dropping capabilities")?;
    if strict {
        rustix::thread::set_no_new_privs(true).at(at, "no_new_privs")?;
    }
    Ok(())
}

/// Per-process limits. Those of control groups come beside them where there are any.
pub(super) fn resource_limits(limits: &PlanLimits, per_user: bool) -> Result<(), Failure> {
    let at = Stage::Limits;
    let set = |resource, most: u64| {
        // A hard limit below the wished one stays: raising it is a right that we may not have.
        let most = rustix::process::getrlimit(resource).maximum.map_or(most, |old| old.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource, limit)
    };
    set(Resource::Core, 0).at(at, "limit of core files")?;
    set(Resource::Fsize, limits.disk_bytes_max).at(at, "limit of file size")?;
    set(Resource::Memlock, 8 << 20).at(at, "limit of locked memory")?;
    if per_user {
        // Counted for the caller in this user namespace only.
        set(Resource::Nproc, limits.processes_max.into()).at(at, "limit of processes")?;
        set(Resource::Data, limits.memory_bytes_max).at(at, "limit of memory")?;
    }
    Ok(())
}

/// A second wall: nothing outside the new root can be opened, even by a descriptor or a link of
/// `/proc` that leads out, and no mount can be changed.
fn landlock() -> io::Result<()> {
    // The network namespace and the process namespace bound the rest.
    let abi = ABI::V5;
    let all = AccessFs::from_all(abi);
    let rule = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            .create()?
            .add_rule(PathBeneath::new(PathFd::new("/")?, all))?
            .no_new_privs(false);
        Ok(ruleset.restrict_self()?)
    };
    // Where the kernel has none, the first wall stands alone.
    rule().map_err(io::Error::other)?;
    Ok(())
}

fn seccomp() -> io::Result<()> {
    for filter in seccomp::filters()? {
        sys::seccomp(&filter)?;
    }
    Ok(())
}

fn capabilities(strict: bool) -> rustix::io::Result<()> {
    let kept = if strict { CapabilitySet::empty() } else { CAPABILITIES };
    for number in 0..=CAPABILITY_LAST {
        let one = CapabilitySet::from_bits_retain(1 << number);
        if kept.contains(one) {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(one) {
            Err(rustix::io::Errno::INVAL) => break, // The kernel knows no higher one.
            done => done?,
        }
    }
    let had = rustix::thread::capabilities(None)?.permitted;
    let kept = kept & had;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )
}
