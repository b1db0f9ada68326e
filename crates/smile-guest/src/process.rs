//! What `/proc` tells about processes.

use std::{fs, path::Path};

/// One process, as its `stat` file shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// `S` sleeping, `R` running, `T` stopped, `Z` dead.
    pub(crate) state: char,
    /// Processor time used, in clock ticks.
    pub(crate) ticks: u64,
    pub(crate) name: String,
}

/// All processes that can be seen.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(one).collect()
}

/// One process.
pub(crate) fn one(pid: i32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Those of `all` that descend from `ancestor`, as far as their parents live.
pub(crate) fn descendants(all: &[Process], ancestor: i32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    loop {
        let is_new = |process: &&Process| {
            (process.parent == ancestor || found.iter().any(|one| one.pid == process.parent))
                && !found.iter().any(|one| one.pid == process.pid)
        };
        let more: Vec<Process> = all.iter().filter(is_new).cloned().collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// How many children a process has; many where that cannot be seen.
pub(crate) fn children(pid: i32) -> usize {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .map_or(usize::MAX, |children| children.split_ascii_whitespace().count())
}

/// A process's program and arguments.
pub(crate) fn arguments(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The bytes that a process has read and written so far, where that may be seen.
pub(crate) fn bytes_moved(pid: i32) -> u64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/io")) else { return 0 };
    let count = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    count("rchar:") + count("wchar:")
}

/// What a process's descriptors refer to.
pub(crate) fn descriptors(pid: i32) -> Vec<(i32, String)> {
    let folder = format!("/proc/{pid}/fd");
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let read = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        let target = fs::read_link(Path::new(&folder).join(entry.file_name())).ok()?;
        Some((number, target.to_string_lossy().into_owned()))
    };
    entries.flatten().filter_map(read).collect()
}

fn parse(stat: &str) -> Option<Process> {
    // The name stands in brackets and may hold anything, brackets and spaces too.
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        state: fields.first()?.chars().next()?,
        ticks: ticks(11)? + ticks(12)?,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_with_a_strange_name() {
        let line = "42 (a) b (c) S 1 42 7 34816 42 4194304 1 0 0 0 5 6 0 0 20 0 1 0 100 0 0";
        let process = parse(line).unwrap();
        assert_eq!(process.name, "a) b (c");
        assert_eq!((process.pid, process.parent, process.group, process.session), (42, 1, 42, 7));
        assert_eq!((process.state, process.ticks), ('S', 11));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn this_process_is_among_all() {
        let own = std::process::id().cast_signed();
        assert!(all().iter().any(|process| process.pid == own));
        assert!(descriptors(own).iter().any(|(number, _)| *number == 0));
    }
}
