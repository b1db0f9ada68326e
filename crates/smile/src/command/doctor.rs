//! `smile doctor`: what this machine lacks for the sandbox, each with the command that mends it.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{self, File},
    path::Path,
};

use smile_sandbox::{Backend as _, StartError, StartFacts};

use crate::{
    backend,
    cli::DoctorArguments,
    failure::{Failure, chain, exit},
    output::{self, Paint, columns, wrapped},
    terminal::count,
};

/// How a part of the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    /// Works, with less.
    Less,
    Bad,
}

#[derive(Debug)]
struct Finding {
    part: &'static str,
    health: Health,
    what: String,
    /// The command that mends it, or what else to do; empty where nothing is needed.
    mend: String,
}

/// Runs the command.
pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<u8, Failure> {
    let paint = Paint::for_stdout();
    if arguments.clean {
        return clean(&paint);
    }
    let native = backend::native()?;
    let runtime = backend::runtime()?;
    let probe = runtime.block_on(native.probe());
    let mut findings = vec![kernel(), user_namespaces(), overlay(), tun(), groups(), ids()];
    findings.extend(sandbox(&probe.result));
    output::print(&table(&findings, &paint))?;
    let bad = findings.iter().any(|finding| finding.health == Health::Bad);
    Ok(if bad { exit::HARNESS } else { exit::OK })
}

/// Every start of a sandbox first removes what killed runs left; this starts one for that alone.
fn clean(paint: &Paint) -> Result<u8, Failure> {
    let before = runs()?;
    let probe = backend::runtime()?.block_on(backend::native()?.probe());
    if let Err(error) = probe.result {
        return Err(Failure::harness(&error, error.hint()));
    }
    let left = runs()?;
    let removed = before.iter().filter(|name| !left.contains(name)).count();
    let mut text = match removed {
        0 => "Nothing was left behind.\n".to_owned(),
        _ => format!("Removed what {} left behind.\n", count(removed, "killed run")),
    };
    if !left.is_empty() {
        let going_on = count(left.len(), "sandbox");
        let _ = writeln!(text, "{}", paint.dim.apply_to(format!("Still in use: {going_on}.")));
    }
    output::print(&text)?;
    Ok(exit::OK)
}

/// The folders of sandboxes, in use or left behind.
fn runs() -> Result<Vec<OsString>, Failure> {
    let folder = backend::cache()?.join("runs");
    let entries = fs::read_dir(folder).into_iter().flatten();
    Ok(entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect())
}

fn finding(part: &'static str, health: Health, what: impl Into<String>, mend: &str) -> Finding {
    Finding { part, health, what: what.into(), mend: mend.to_owned() }
}

fn kernel() -> Finding {
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (5, 11) {
        finding("kernel", Health::Good, format!("Linux {release}"), "")
    } else {
        let what = format!("Linux {release}; overlays without root need 5.11");
        finding("kernel", Health::Less, what, "run a newer kernel, or run smile as root")
    }
}

fn user_namespaces() -> Finding {
    let part = "user namespaces";
    let root = rustix::process::geteuid().is_root();
    let most: u64 = read("/proc/sys/user/max_user_namespaces")
        .and_then(|text| text.parse().ok())
        .unwrap_or(u64::MAX);
    let cloning = read("/proc/sys/kernel/unprivileged_userns_clone");
    let restricted = read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    if root {
        finding(part, Health::Good, "not needed: this is root", "")
    } else if most == 0 {
        finding(part, Health::Bad, "none allowed", "sudo sysctl -w user.max_user_namespaces=10000")
    } else if cloning.as_deref() == Some("0") {
        let mend = "sudo sysctl -w kernel.unprivileged_userns_clone=1";
        finding(part, Health::Bad, "only root may make them", mend)
    } else if restricted.as_deref() == Some("1") {
        let mend = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
        finding(part, Health::Less, "AppArmor restricts them", mend)
    } else {
        finding(part, Health::Good, "allowed for ordinary users", "")
    }
}

fn overlay() -> Finding {
    let known = read("/proc/filesystems").is_some_and(|text| {
        text.lines().any(|line| line.split_whitespace().last() == Some("overlay"))
    });
    if known {
        finding("overlay", Health::Good, "the kernel has it", "")
    } else {
        let what = "not loaded; the kernel may load it when it is needed";
        finding("overlay", Health::Less, what, "sudo modprobe overlay")
    }
}

fn tun() -> Finding {
    let path = "/dev/net/tun";
    match File::options().read(true).write(true).open(path) {
        Ok(_) => finding("network", Health::Good, format!("{path} can be opened"), ""),
        Err(error) => {
            let what = format!("{path}: {error}; sandboxes have no network");
            let mend = if Path::new(path).exists() {
                "sudo chmod 0666 /dev/net/tun"
            } else {
                "sudo modprobe tun"
            };
            finding("network", Health::Less, what, mend)
        }
    }
}

fn groups() -> Finding {
    let part = "control groups";
    let second = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let first = Path::new("/sys/fs/cgroup/memory").is_dir();
    match (second, first) {
        (true, _) => finding(part, Health::Good, "version 2", ""),
        (false, true) => finding(part, Health::Good, "version 1", ""),
        (false, false) => {
            let what = "none; memory and processes are limited by other means";
            finding(
                part,
                Health::Less,
                what,
                "mount them: sudo mount -t cgroup2 none /sys/fs/cgroup",
            )
        }
    }
}

fn ids() -> Finding {
    let part = "user ids";
    if rustix::process::geteuid().is_root() {
        return finding(part, Health::Good, "all, as root", "");
    }
    let user = rustix::process::getuid().as_raw();
    let name = user_name(user).unwrap_or_else(|| user.to_string());
    let ranged = |path| {
        read(path).is_some_and(|text| {
            text.lines().any(|line| {
                let owner = line.split(':').next().unwrap_or_default();
                owner == name || owner == user.to_string()
            })
        })
    };
    if ranged("/etc/subuid") && ranged("/etc/subgid") {
        finding(
            part,
            Health::Good,
            format!("a range for {name} in /etc/subuid and /etc/subgid"),
            "",
        )
    } else {
        let what = format!(
            "one only: {name} has no range in /etc/subuid; commands such as `apt-get install` are \
             limited"
        );
        let mend =
            format!("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}");
        finding(part, Health::Less, what, &mend)
    }
}

fn user_name(user: u32) -> Option<String> {
    let users = read("/etc/passwd")?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == user.to_string()).then(|| name.to_owned())
    })
}

/// The one answer that counts: a sandbox was made and removed.
fn sandbox(result: &Result<StartFacts, StartError>) -> Vec<Finding> {
    match result {
        Ok(facts) => {
            let what = format!("made and removed: {}, user {}", facts.base, facts.user);
            let mut found = vec![finding("sandbox", Health::Good, what, "")];
            if let Some(why) = &facts.network_missing {
                found.push(finding("sandbox network", Health::Less, why.clone(), ""));
            }
            if !facts.limits_missing.is_empty() {
                let names = facts.limits_missing.join(", ");
                found.push(finding("limits", Health::Less, format!("not enforced: {names}"), ""));
            }
            found
        }
        Err(error) => vec![finding("sandbox", Health::Bad, chain(error), error.hint())],
    }
}

fn table(findings: &[Finding], paint: &Paint) -> String {
    let mut out = String::from("\n");
    let width = findings.iter().map(|finding| finding.part.len()).max().unwrap_or(0);
    let indent = " ".repeat(9 + width);
    let room = columns().saturating_sub(10 + width).min(100);
    for finding in findings {
        let mark = match finding.health {
            Health::Good => paint.good.apply_to("ok  "),
            Health::Less => paint.warn.apply_to("less"),
            Health::Bad => paint.bad.apply_to("bad "),
        };
        for (index, line) in wrapped(&finding.what, room).iter().enumerate() {
            let _ = if index == 0 {
                writeln!(out, "  {mark} {:width$}  {line}", finding.part)
            } else {
                writeln!(out, "{indent}{line}")
            };
        }
        if !finding.mend.is_empty() {
            let _ = writeln!(out, "{indent}{} {}", paint.dim.apply_to("mend:"), finding.mend);
        }
    }
    let worst = findings.iter().map(|finding| finding.health).max_by_key(|health| *health as u8);
    let end = match worst {
        Some(Health::Bad) => "Tutorials cannot be run here until what is bad is mended.",
        Some(Health::Less) => "Tutorials can be run here, with what is marked `less`.",
        _ => "Everything that a run needs is here.",
    };
    let _ = writeln!(out, "\n  {end}");
    out
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}
