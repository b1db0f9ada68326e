//! Which TCP ports are listened on, and by whom.
//!
//! The kernel is asked for the listening sockets only: its tables in `/proc` hold every
//! connection of the machine and take milliseconds to read. They are the second choice.

use std::fs;

use rustix::{
    io,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    },
};

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
    asked().unwrap_or_else(|_| {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let read = |path: &&str| parse(&fs::read_to_string(path).unwrap_or_default());
        tables.iter().flat_map(read).collect()
    })
}

/// Asks the kernel's socket diagnosis.
fn asked() -> io::Result<Vec<Listener>> {
    const FAMILIES: [u8; 2] = [2, 10]; // AF_INET, AF_INET6
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let mut listeners = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    for family in FAMILIES {
        send(&socket, &request(family), SendFlags::empty())?;
        // The kernel answers while the request is being sent: there is nothing to wait for.
        loop {
            let (count, _) = recv(&socket, buffer.as_mut_slice(), RecvFlags::DONTWAIT)?;
            if take_answers(&buffer[..count], &mut listeners)? {
                break;
            }
        }
    }
    Ok(listeners)
}

const HEADER_BYTES: usize = 16;

/// A `nlmsghdr` and an `inet_diag_req_v2` that asks for all listening TCP sockets.
fn request(family: u8) -> Vec<u8> {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const REQUEST_AND_DUMP: u16 = 0x301;
    const TCP: u8 = 6;
    const STATE_LISTEN: u32 = 1 << 10;
    const SOCKET_ID_BYTES: usize = 48;
    let mut message = Vec::with_capacity(72);
    message.extend(72_u32.to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST_AND_DUMP.to_ne_bytes());
    message.extend([0; 8]); // Sequence and port.
    message.extend([family, TCP, 0, 0]);
    message.extend(STATE_LISTEN.to_ne_bytes());
    message.extend([0; SOCKET_ID_BYTES]);
    message
}

/// Takes the sockets of one datagram; whether it was the last.
fn take_answers(mut datagram: &[u8], listeners: &mut Vec<Listener>) -> io::Result<bool> {
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    const PORT_AT: usize = 4;
    const INODE_AT: usize = 68;
    while let Some(header) = datagram.first_chunk::<HEADER_BYTES>() {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        match u16::from_ne_bytes([header[4], header[5]]) {
            DONE => return Ok(true),
            ERROR => return Err(io::Errno::IO),
            _ => {}
        }
        let Some(body) = datagram.get(HEADER_BYTES..length) else { return Err(io::Errno::IO) };
        if let (Some(port), Some(inode)) =
            (body.get(PORT_AT..PORT_AT + 2), body.get(INODE_AT..INODE_AT + 4))
        {
            let port = u16::from_be_bytes([port[0], port[1]]);
            let inode = u32::from_ne_bytes([inode[0], inode[1], inode[2], inode[3]]);
            listeners.push(Listener { port, inode: u64::from(inode) });
        }
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
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

/// The ports that began to be listened on by descendants of this process, each once; `known`
/// becomes what is listened on now.
pub(crate) fn begun(known: &mut Vec<Listener>) -> Vec<u16> {
    let now = listening();
    let new = added(known, now.clone());
    *known = now;
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
        let tables = [fs::read_to_string("/proc/net/tcp").unwrap()];
        assert!(tables.iter().flat_map(|table| parse(table)).any(|seen| seen.port == port));
        drop(socket);
        assert!(!listening().iter().any(|listener| listener.port == port));
    }
}
