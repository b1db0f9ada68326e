//! Limits that no mechanism of the kernel enforces here, looked at a few times a second from
//! outside: bytes written to disk, and memory where no control group can be made.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};

use super::{cgroup::Groups, plan::Plan};

/// A page as `/proc/PID/statm` counts; the smallest there is, so that no limit is met too early.
const PAGE_BYTES: u64 = 4096;

pub(super) struct Watch {
    first: Pid,
    memory_bytes_max: u64,
    disk: Option<Disk>,
    memory_kills: u64,
    refused_processes: u64,
}

struct Disk {
    changes: PathBuf,
    bytes_max: u64,
    /// The folder is measured once the file system has less free than this.
    measure_below: u64,
}

impl Watch {
    pub(super) fn new(plan: &Plan, first: Pid, run: &Path, upper_in_memory: bool) -> Self {
        let changes = run.to_owned();
        let bytes_max = plan.limits.disk_bytes_max;
        // In memory the file system has exactly the size of the limit.
        let disk = free_bytes(&changes).filter(|_| !upper_in_memory).map(|free| Disk {
            changes,
            bytes_max,
            measure_below: free.saturating_sub(bytes_max),
        });
        Self {
            first,
            memory_bytes_max: plan.limits.memory_bytes_max,
            disk,
            memory_kills: 0,
            refused_processes: 0,
        }
    }

    /// Enforces what has to be, and says which limits were met since the last look.
    pub(super) fn look(&mut self, groups: &Groups) -> Vec<String> {
        let mut met = Vec::new();
        if groups.enforced.contains(&"memory") {
            let kills = groups.memory_kills();
            if kills > std::mem::replace(&mut self.memory_kills, kills) {
                met.push("memory".to_owned());
            }
        } else if self.end_the_largest() {
            met.push("memory".to_owned());
        }
        let refused = groups.refused_processes();
        if refused > std::mem::replace(&mut self.refused_processes, refused) {
            met.push("processes".to_owned());
        }
        if self.disk.as_mut().is_some_and(Disk::is_over) {
            for (process, _) in self.processes() {
                let _ = rustix::process::kill_process(process, Signal::KILL);
            }
            met.push("disk".to_owned());
        }
        met
    }

    /// As the kernel does when memory is short.
    fn end_the_largest(&self) -> bool {
        let processes = self.processes();
        let all: u64 = processes.iter().map(|(_, bytes)| bytes).sum();
        if all <= self.memory_bytes_max {
            return false;
        }
        let largest = processes.into_iter().max_by_key(|(_, bytes)| *bytes);
        largest.is_some_and(|(process, _)| {
            rustix::process::kill_process(process, Signal::KILL).is_ok()
        })
    }

    /// All processes inside but the first, with their resident memory. Orphans are children of
    /// the first one, so the tree holds everybody.
    fn processes(&self) -> Vec<(Pid, u64)> {
        let mut found = Vec::new();
        let mut waiting = vec![self.first.as_raw_nonzero().get()];
        while let Some(process) = waiting.pop() {
            let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for task in tasks.flatten() {
                let children = fs::read_to_string(task.path().join("children"));
                let children = children.unwrap_or_default();
                waiting.extend(children.split_whitespace().filter_map(|id| id.parse::<i32>().ok()));
            }
            if let Some(process) = Pid::from_raw(process).filter(|id| *id != self.first) {
                found.push((process, resident_bytes(process)));
            }
        }
        found
    }
}

fn resident_bytes(process: Pid) -> u64 {
    let path = format!("/proc/{}/statm", process.as_raw_nonzero());
    let pages = fs::read_to_string(path)
        .ok()
        .and_then(|statm| statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()));
    pages.unwrap_or(0) * PAGE_BYTES
}

impl Disk {
    /// Measuring a large tree is dear, so the free space of the whole file system, which is
    /// cheap, says when it can be worth it.
    fn is_over(&mut self) -> bool {
        let Some(free) = free_bytes(&self.changes) else { return false };
        if free >= self.measure_below {
            return false;
        }
        let used = used_bytes(&self.changes);
        self.measure_below = free.saturating_sub(self.bytes_max.saturating_sub(used) / 2);
        used > self.bytes_max
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bfree * found.f_frsize)
}

/// What a folder holds, on the disk.
fn used_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            let Ok(found) = entry.metadata() else { continue };
            bytes += found.blocks() * 512;
            if found.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    bytes
}
