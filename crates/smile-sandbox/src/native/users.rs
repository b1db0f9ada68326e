//! The user namespace of an ordinary user: root inside is the caller; more users where
//! `/etc/subuid` and `/etc/subgid` give ranges.

use std::{
    fs, io,
    process::{Command, Stdio},
};

use rustix::thread::{CapabilitySet, UnshareFlags};

use super::{
    channel::{At, Failure, Stage},
    sys,
};

/// Who is known inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    /// The host's users: this process is root and may do what is needed.
    Host,
    /// Root inside is the caller, and the ranges of `/etc/subuid` are the others.
    Ranges,
    /// Root inside is the caller, and there is nobody else.
    SingleUser,
}

/// Puts this process into a user namespace of its own where it needs one, as root of it.
pub(super) fn enter_namespace() -> Result<Namespace, Failure> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let held = rustix::thread::capabilities(None).at(Stage::UserNamespace, "capabilities")?;
    if user.is_root() && held.effective.contains(CapabilitySet::SYS_ADMIN) {
        rustix::thread::set_thread_groups(&[]).at(Stage::UserNamespace, "leaving all groups")?;
        return Ok(Namespace::Host);
    }
    let (user, group) = (user.as_raw(), group.as_raw());
    let ranges = ranges_of(user);
    let mapped = match ranges {
        Some((users, groups)) => with_ranges(user, group, users, groups)?,
        None => None,
    };
    let namespace = if let Some(namespace) = mapped {
        namespace
    } else {
        single(user, group)?;
        Namespace::SingleUser
    };
    let at = Stage::IdMap;
    rustix::thread::set_thread_res_gid(
        rustix::process::Gid::ROOT,
        rustix::process::Gid::ROOT,
        rustix::process::Gid::ROOT,
    )
    .at(at, "becoming root of the user namespace")?;
    rustix::thread::set_thread_res_uid(
        rustix::process::Uid::ROOT,
        rustix::process::Uid::ROOT,
        rustix::process::Uid::ROOT,
    )
    .at(at, "becoming root of the user namespace")?;
    if namespace == Namespace::Ranges {
        rustix::thread::set_thread_groups(&[]).at(at, "leaving all groups")?;
    }
    Ok(namespace)
}

fn unshare() -> Result<(), Failure> {
    sys::unshare(UnshareFlags::NEWUSER).at(Stage::UserNamespace, "a user namespace")
}

fn single(user: u32, group: u32) -> Result<(), Failure> {
    // With ranges that turned out not to work, the namespace is there already.
    let at = Stage::IdMap;
    if !is_in_new_namespace() {
        unshare()?;
    }
    fs::write("/proc/self/setgroups", "deny").at(at, "/proc/self/setgroups")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1")).at(at, "/proc/self/uid_map")?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1")).at(at, "/proc/self/gid_map")
}

/// A namespace without a map shows everybody as the overflow user.
fn is_in_new_namespace() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.trim().is_empty())
}

/// A first number and how many.
type Range = (u32, u32);

/// Asks the set-uid programs to write the maps; a child does, because it must be outside.
fn with_ranges(
    user: u32,
    group: u32,
    users: Range,
    groups: Range,
) -> Result<Option<Namespace>, Failure> {
    let at = Stage::IdMap;
    let target = rustix::process::getpid().as_raw_nonzero().to_string();
    let (ours, theirs) = super::channel::pair().at(at, "making a socket")?;
    let child = match sys::fork().at(at, "starting the mapper")? {
        sys::Fork::Parent(child) => child,
        sys::Fork::Child => {
            drop(ours);
            let go = super::channel::receive::<()>(&theirs);
            let done = matches!(go, Ok(Some(_)))
                && map_with("newuidmap", &target, user, users)
                && map_with("newgidmap", &target, group, groups);
            sys::exit_now(i32::from(!done));
        }
    };
    drop(theirs);
    unshare()?;
    super::channel::send(&ours, &(), None).at(at, "starting the mapper")?;
    let status = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty())
        .at(at, "waiting for the mapper")?;
    let done = status.is_some_and(|(_, status)| status.exit_status() == Some(0));
    Ok(done.then_some(Namespace::Ranges))
}

fn map_with(program: &str, target: &str, own: u32, (first, count): Range) -> bool {
    // Looked for where set-uid programs are installed; the caller's PATH is not here.
    let path = ["/usr/bin", "/bin", "/usr/local/bin"]
        .map(|folder| format!("{folder}/{program}"))
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    let Some(path) = path else { return false };
    Command::new(path)
        .args([target, "0", &own.to_string(), "1", "1", &first.to_string(), &count.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The caller's ranges of users and of groups, where both files give one.
fn ranges_of(user: u32) -> Option<(Range, Range)> {
    let name = name_of(user);
    let read = |path: &str| -> io::Result<Option<Range>> {
        Ok(range_in(&fs::read_to_string(path)?, user, name.as_deref()))
    };
    Some((read("/etc/subuid").ok()??, read("/etc/subgid").ok()??))
}

fn name_of(user: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

/// The first range of a user, who is named by name or number.
fn range_in(file: &str, user: u32, name: Option<&str>) -> Option<Range> {
    let number = user.to_string();
    file.lines().find_map(|line| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let first = fields.next()?.trim().parse().ok()?;
        let count = fields.next()?.trim().parse().ok()?;
        (owner == number || Some(owner) == name).then_some((first, count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_or_number() {
        let file = "# none\nada:100000:65536\n1001:165536:65536\nbroken:x:1\n";
        assert_eq!(range_in(file, 1000, Some("ada")), Some((100_000, 65_536)));
        assert_eq!(range_in(file, 1001, Some("bob")), Some((165_536, 65_536)));
        assert_eq!(range_in(file, 1002, Some("eve")), None);
        assert_eq!(range_in(file, 1003, Some("broken")), None);
    }
}
