//! Whether a process waits for keys on its terminal: what it is blocked in, as `/proc` shows it.

use std::{fs, os::unix::fs::FileExt};

/// How a process waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It is blocked reading the terminal: nothing else can go on in it.
    Reading,
    /// It waits for several things, the terminal among them; it may be about to do more.
    Polling,
    /// What it is blocked in may not be looked at, but it sleeps with the terminal as its input.
    Perhaps,
}

/// Threads of one process that are looked at.
const THREADS_MAX: usize = 64;

/// Which terminal counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Terminal<'a> {
    /// The one with this device.
    This(&'a str),
    /// Any: also one that another program made and hands on keys to.
    Any,
}

/// How `pid` waits for keys on `terminal`, if it does. Each thread counts: some languages read
/// the terminal in another one than the first.
pub(crate) fn on_terminal(pid: i32, terminal: Terminal<'_>) -> Option<Wait> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return None };
    let mut hidden = false;
    let mut found = None;
    for thread in threads.flatten().take(THREADS_MAX) {
        match fs::read_to_string(thread.path().join("syscall")) {
            Ok(line) => match blocked_in(pid, &line, terminal) {
                Some(Wait::Reading) => return Some(Wait::Reading),
                Some(wait) => found = Some(wait),
                None => {}
            },
            Err(_) => hidden = true,
        }
    }
    let asleep = || crate::process::one(pid).is_some_and(|process| process.state == 'S');
    if found.is_none() && hidden && asleep() && holds_hidden(pid, terminal) {
        return Some(Wait::Perhaps);
    }
    found
}

/// For a process that may not be looked into (another user's): by its wait channel where that is
/// shown, else by its input where that is.
fn holds_hidden(pid: i32, terminal: Terminal<'_>) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/wchan")) {
        Ok(channel) if channel.len() > 1 => {
            channel.contains("n_tty_read") || channel.contains("wait_woken")
        }
        _ => is_terminal(pid, 0, terminal),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Poll,
    Select,
    Epoll,
}

#[cfg(target_arch = "x86_64")]
fn call(number: u64) -> Option<Call> {
    match number {
        0 | 19 => Some(Call::Read),
        7 | 271 => Some(Call::Poll),
        23 | 270 => Some(Call::Select),
        232 | 281 | 441 => Some(Call::Epoll),
        _ => None,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn call(number: u64) -> Option<Call> {
    // The table that all newer architectures share.
    match number {
        63 | 65 => Some(Call::Read),
        73 => Some(Call::Poll),
        72 => Some(Call::Select),
        22 | 441 => Some(Call::Epoll),
        _ => None,
    }
}

fn blocked_in(pid: i32, line: &str, terminal: Terminal<'_>) -> Option<Wait> {
    let mut fields = line.split_ascii_whitespace();
    let number = fields.next()?.parse().ok()?; // "running" and "-1" are no numbers of calls.
    let mut argument = || {
        let text = fields.next()?;
        u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    };
    let (first, second) = (argument()?, argument()?);
    let waits = match call(number)? {
        Call::Read => {
            return is_terminal(pid, first, terminal).then_some(Wait::Reading);
        }
        Call::Poll => polled(pid, first, second, terminal),
        Call::Select => selected(pid, first, second, terminal),
        Call::Epoll => watched(pid, first, terminal),
    };
    waits.then_some(Wait::Polling)
}

fn is_terminal(pid: i32, descriptor: u64, terminal: Terminal<'_>) -> bool {
    fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).is_ok_and(|target| {
        target.as_os_str() == "/dev/tty"
            || match terminal {
                Terminal::This(device) => target.as_os_str() == device,
                Terminal::Any => target.starts_with("/dev/pts"),
            }
    })
}

fn memory(pid: i32, address: u64, bytes: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    fs::File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(&mut buffer, address).ok()?;
    Some(buffer)
}

fn polled(pid: i32, address: u64, count: u64, terminal: Terminal<'_>) -> bool {
    const POLL_IN: u8 = 1;
    let bytes = usize::try_from(count.min(64)).unwrap_or(0) * 8;
    let Some(entries) = memory(pid, address, bytes) else { return false };
    entries.chunks_exact(8).any(|entry| {
        let descriptor = u32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let events = u16::from_ne_bytes([entry[4], entry[5]]).to_le_bytes()[0];
        events & POLL_IN != 0 && is_terminal(pid, u64::from(descriptor), terminal)
    })
}

fn selected(pid: i32, count: u64, address: u64, terminal: Terminal<'_>) -> bool {
    if address == 0 {
        return false;
    }
    // The set is an array of words; on the little-endian machines that we run on, of bytes too.
    let bytes = usize::try_from(count.min(1024).div_ceil(8)).unwrap_or(0);
    let Some(set) = memory(pid, address, bytes) else { return false };
    (0..count.min(1024)).any(|descriptor| {
        let byte = set.get(usize::try_from(descriptor / 8).unwrap_or(usize::MAX));
        byte.is_some_and(|byte| byte & (1 << (descriptor % 8)) != 0)
            && is_terminal(pid, descriptor, terminal)
    })
}

fn watched(pid: i32, descriptor: u64, terminal: Terminal<'_>) -> bool {
    const EPOLL_IN: u64 = 1;
    let path = format!("/proc/{pid}/fdinfo/{descriptor}");
    let Ok(info) = fs::read_to_string(path) else { return false };
    info.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace();
        (|| {
            let target = fields.next().filter(|&name| name == "tfd:").and(fields.next())?;
            let events = fields.next().filter(|&name| name == "events:").and(fields.next())?;
            let events = u64::from_str_radix(events, 16).ok()?;
            Some(events & EPOLL_IN != 0 && is_terminal(pid, target.parse().ok()?, terminal))
        })()
        .unwrap_or(false)
    })
}
