//! Which TCP ports are listened on, and by whom.

use std::fs;

use crate::process::{self, Process};

/// A listening socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listener {
    pub(crate) port: u16,
    inode: u64,
}

const LISTEN: &str = "0A";

/// Everything that listens on TCP in this network.
pub(crate) fn listening() -> Vec<Listener> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    tables.iter().flat_map(|path| parse(&fs::read_to_string(path).unwrap_or_default())).collect()
}

/// Those of `listeners` that one of `processes` holds, with the first holder found.
pub(crate) fn held_by<'a>(
    listeners: &[Listener],
    processes: impl Iterator<Item = &'a Process>,
) -> Vec<(Listener, String)> {
    let mut left = listeners.to_vec();
    let mut held = Vec::new();
    for holder in processes {
        if left.is_empty() {
            break;
        }
        let sockets: Vec<String> =
            process::descriptors(holder.pid).into_iter().map(|(_, target)| target).collect();
        left.retain(|listener| {
            let here = sockets.contains(&format!("socket:[{}]", listener.inode));
            if here {
                held.push((listener.clone(), holder.name.clone()));
            }
            !here
        });
    }
    held
}

/// Those of `now` that are not in `before`.
pub(crate) fn added(before: &[Listener], now: Vec<Listener>) -> Vec<Listener> {
    now.into_iter().filter(|listener| !before.contains(listener)).collect()
}

/// The ports that began to be listened on by descendants of this process, each once.
pub(crate) fn begun(before: &[Listener]) -> Vec<u16> {
    let new = added(before, listening());
    if new.is_empty() {
        return Vec::new();
    }
    let own = std::process::id().cast_signed();
    let mine = process::descendants(&process::all(), own);
    let mut ports: Vec<u16> =
        held_by(&new, mine.iter()).into_iter().map(|(listener, _)| listener.port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn parse(table: &str) -> Vec<Listener> {
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (_, port) = fields.nth(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        if fields.nth(1)? != LISTEN {
            return None;
        }
        Some(Listener { port, inode: fields.nth(5)?.parse().ok()? })
    };
    table.lines().skip(1).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_own_listener_is_seen_with_its_owner() {
        let before = listening();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let now = listening();
        assert!(added(&before, now.clone()).iter().any(|listener| listener.port == port));
        let own = process::one(std::process::id().cast_signed()).unwrap();
        let held = held_by(&now, [&own].into_iter());
        assert!(held.iter().any(|(listener, _)| listener.port == port), "{held:?}");
        drop(socket);
        assert!(!listening().iter().any(|listener| listener.port == port));
    }
}
