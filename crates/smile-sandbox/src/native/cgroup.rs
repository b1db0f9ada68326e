//! Control groups, version 1 or 2, where this user may make them: limits for the whole sandbox.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use smile_resilience::{Backoff, Policy, RetryError, Verdict, blocking::Retrier};

use super::plan::PlanLimits;

/// How long a group may take to become empty, and how often that is tried.
const REMOVE_WITHIN: Duration = Duration::from_millis(100);
const REMOVE_AGAIN: Duration = Duration::from_millis(2);

/// The groups of one sandbox.
#[derive(Debug, Default)]
pub(super) struct Groups {
    folders: Vec<PathBuf>,
    /// The folder for all sandboxes' groups, removed with the last of them.
    parent: Option<PathBuf>,
    /// Limits that these groups enforce, by the names of `Limits::may_be_missing`.
    pub(super) enforced: Vec<&'static str>,
}

impl Groups {
    /// Makes what can be made. Having none is no error: the caller knows what it needs.
    pub(super) fn create(id: &str, limits: &PlanLimits) -> Self {
        let mut groups = Self::default();
        let (Ok(mounts), Ok(own)) =
            (fs::read_to_string("/proc/self/mountinfo"), fs::read_to_string("/proc/self/cgroup"))
        else {
            return groups;
        };
        let places = places(&mounts, &own);
        if let Some(unified) = places.iter().find(|place| place.controller.is_none()) {
            groups.add_unified(unified, id, limits);
        }
        for place in &places {
            let Some(controller) = &place.controller else { continue };
            let done = match controller.as_str() {
                "pids" => groups.add(place, id, "processes", |folder| {
                    write(folder, "pids.max", limits.processes_max)
                }),
                "memory" => groups.add(place, id, "memory", |folder| {
                    write(folder, "memory.limit_in_bytes", limits.memory_bytes_max)?;
                    // Exists only where swap is counted.
                    match write(folder, "memory.memsw.limit_in_bytes", limits.memory_bytes_max) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                        done => done,
                    }
                }),
                "cpu" => match limits.cpu_millis_max {
                    Some(millis) => groups.add(place, id, "cpu", |folder| {
                        write(folder, "cpu.cfs_period_us", 100_000)?;
                        write(folder, "cpu.cfs_quota_us", u64::from(millis) * 100)
                    }),
                    None => Ok(()),
                },
                _ => Ok(()),
            };
            // A group that cannot be made leaves its limit unenforced, which the caller sees.
            drop(done);
        }
        groups
    }

    fn add(
        &mut self,
        place: &Place,
        id: &str,
        limit: &'static str,
        set: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.enforced.contains(&limit) {
            return Ok(());
        }
        let folder = place.folder.join(format!("smile-{id}"));
        fs::create_dir(&folder)?;
        self.folders.push(folder.clone());
        set(&folder)?;
        self.enforced.push(limit);
        Ok(())
    }

    fn add_unified(&mut self, place: &Place, id: &str, limits: &PlanLimits) {
        // Below the root of the tree when root (its processes are no hindrance there), else
        // beside this process's own group, where that part of the tree is delegated.
        for parent in [place.mount.join("smile"), place.folder.clone()] {
            // Where version 1 has the controllers, this tree has none, and each group costs time.
            let above = parent.parent().unwrap_or(&place.mount);
            if !has_controllers(above) {
                continue;
            }
            let made = fs::create_dir(&parent).is_ok();
            if made {
                self.parent = Some(parent.clone());
            } else if !parent.is_dir() {
                continue;
            }
            drop(enable(above));
            drop(enable(&parent));
            let folder = parent.join(format!("smile-{id}"));
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            if write(&folder, "pids.max", limits.processes_max).is_ok() {
                self.enforced.push("processes");
            }
            if write(&folder, "memory.max", limits.memory_bytes_max).is_ok() {
                drop(write(&folder, "memory.swap.max", 0));
                self.enforced.push("memory");
            }
            if let Some(millis) = limits.cpu_millis_max {
                let quota = format!("{} 100000", u64::from(millis) * 100);
                if write(&folder, "cpu.max", quota).is_ok() {
                    self.enforced.push("cpu");
                }
            }
            self.folders.push(folder);
            self.parent = Some(parent);
            return;
        }
    }

    /// Puts a process and all it will start into the groups.
    pub(super) fn admit(&mut self, process: u32) -> io::Result<()> {
        for folder in &self.folders {
            write(folder, "cgroup.procs", process)?;
        }
        Ok(())
    }

    /// Whether a process of the sandbox was ended for want of memory, so far.
    pub(super) fn memory_kills(&self) -> u64 {
        self.folders
            .iter()
            .filter_map(|folder| {
                fs::read_to_string(folder.join("memory.events"))
                    .or_else(|_| fs::read_to_string(folder.join("memory.oom_control")))
                    .ok()
            })
            .filter_map(|events| number_after(&events, "oom_kill "))
            .sum()
    }

    /// Whether the limit of processes was met, so far.
    pub(super) fn refused_processes(&self) -> u64 {
        self.folders
            .iter()
            .filter_map(|folder| fs::read_to_string(folder.join("pids.events")).ok())
            .filter_map(|events| number_after(&events, "max "))
            .sum()
    }

    /// Removes the groups of a run whose helper was killed; it took its processes along.
    pub(super) fn remove_left(id: &str) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let name = format!("smile-{id}");
        for place in places(&mounts, &own) {
            for parent in [place.mount.join("smile"), place.folder] {
                // Most of them were never made.
                drop(fs::remove_dir(parent.join(&name)));
            }
        }
    }

    /// Removes the groups; their processes must be gone.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        let mut last = Ok(());
        for folder in self.folders.drain(..) {
            // A dying process leaves its group a moment after its parent hears of it.
            let policy = Policy::until(REMOVE_WITHIN).with_backoff(Backoff::constant(REMOVE_AGAIN));
            let removed = Retrier::new("remove a control group", policy).run_with(
                |_attempt| fs::remove_dir(&folder),
                |error, _phase| Verdict::told(error.kind() == io::ErrorKind::ResourceBusy, None),
            );
            match removed.map_err(RetryError::into_inner) {
                Err(Some(error)) if error.kind() != io::ErrorKind::NotFound => last = Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        if let Some(parent) = self.parent.take().filter(|parent| parent.ends_with("smile")) {
            // Refused while another sandbox has its group in it.
            drop(fs::remove_dir(parent));
        }
        last
    }
}

/// Whether a group of version 2 can give its limits to groups below it.
fn has_controllers(folder: &Path) -> bool {
    let listed = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
    ["pids", "memory"].iter().any(|wanted| listed.split_whitespace().any(|found| found == *wanted))
}

fn number_after(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)).and_then(|rest| rest.trim().parse().ok())
}

fn enable(parent: &Path) -> io::Result<()> {
    fs::write(parent.join("cgroup.subtree_control"), "+pids +memory +cpu")
}

fn write(folder: &Path, name: &str, value: impl std::fmt::Display) -> io::Result<()> {
    fs::write(folder.join(name), value.to_string())
}

/// A place in a tree of groups.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Of version 1; none for the one tree of version 2.
    controller: Option<String>,
    /// Where the tree is mounted.
    mount: PathBuf,
    /// This process's own group.
    folder: PathBuf,
}

/// Joins what is mounted (`mountinfo`) with where this process is (`cgroup`).
fn places(mounts: &str, own: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let wanted: Vec<Option<&str>> = if controllers.is_empty() {
            vec![None]
        } else {
            controllers.split(',').map(Some).collect()
        };
        for controller in wanted {
            if let Some((mount, root)) = mount_of(mounts, controller) {
                let below = path.strip_prefix(&*root).unwrap_or(path).trim_start_matches('/');
                let folder = mount.join(below);
                places.push(Place { controller: controller.map(str::to_owned), mount, folder });
            }
        }
    }
    places
}

/// The mount point of a controller's tree, and which folder of the tree is mounted there.
fn mount_of(mounts: &str, controller: Option<&str>) -> Option<(PathBuf, String)> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut kind = after.split(' ');
        let matches = match (kind.next()?, controller) {
            ("cgroup2", None) => true,
            ("cgroup", Some(controller)) => {
                kind.nth(1)?.split(',').any(|option| option == controller)
            }
            _ => false,
        };
        let mut fields = before.split(' ');
        let root = fields.nth(3)?.to_owned();
        let point = fields.next()?;
        let root = if root == "/" { String::new() } else { root };
        matches.then(|| (point.into(), root))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found_where_they_are_mounted() {
        let mounts = "\
30 20 0:26 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
31 20 0:27 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
        let own = "8:pids:/\n4:memory:/docker/x/y\n0::/user.slice/me";
        let found: Vec<_> = places(mounts, own)
            .into_iter()
            .map(|place| (place.controller, place.folder.display().to_string()))
            .collect();
        assert_eq!(
            found,
            [
                (Some("pids".to_owned()), "/sys/fs/cgroup/pids/".to_owned()),
                (Some("memory".to_owned()), "/sys/fs/cgroup/memory/y".to_owned()),
                (None, "/sys/fs/cgroup/unified/user.slice/me".to_owned()),
            ]
        );
    }
}
