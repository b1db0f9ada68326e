//! What the host and its helper say to each other: one sequenced-packet socket, one JSON value a
//! packet, at most one descriptor with it.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A packet is refused beyond this; a plan with hundreds of shares and variables stays below.
const PACKET_BYTES_MAX: usize = 160 * 1024;

/// Where in the making of a sandbox something failed; each has its own advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Plan,
    Store,
    UserNamespace,
    IdMap,
    Namespaces,
    Base,
    Overlay,
    Proc,
    Devices,
    Files,
    Share,
    Network,
    Pivot,
    Limits,
    Harden,
}

/// A failure as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) stage: Stage,
    /// What was tried, for people.
    pub(super) what: String,
    /// The system's error number; none where the error is not the system's.
    pub(super) errno: Option<i32>,
    /// The error's text.
    pub(super) text: String,
}

/// Names the stage and the attempt where an error passes through.
pub(super) trait At<T> {
    fn at(self, stage: Stage, what: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, stage: Stage, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| {
            let error = error.into();
            Failure {
                stage,
                what: what.into(),
                errno: error.raw_os_error(),
                text: error.to_string(),
            }
        })
    }
}

/// What the helper tells the host, in this order; `Limited` may come any number of times.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Report {
    /// The TUN device comes with this packet.
    Tun,
    /// The guest starts now.
    Ready(Ready),
    /// There will be no sandbox.
    Failed(Failure),
    /// A limit was met; the programs of the sandbox were ended for it.
    Limited(String),
    /// No process is left.
    Dead {
        /// The guest's exit code; 128 + N after signal N.
        code: i32,
    },
    /// Nothing at all is left.
    Removed,
}

/// What came out differently than wished, but not badly enough to refuse.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ready {
    /// Limits that are not enforced.
    pub(super) limits_missing: Vec<String>,
    /// Why there is no network although one was asked for.
    pub(super) network_missing: Option<String>,
    /// One user only is known inside.
    pub(super) single_user: bool,
    /// What is written is kept in memory.
    pub(super) upper_in_memory: bool,
}

/// What the host tells the helper after the plan. A closed socket means the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// From the helper to the first process: go on as the guest.
    Start,
    /// From the host to the helper.
    Stop,
}

/// A connected pair, closed on exec.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Sends one value, with a descriptor if there is one.
pub(super) fn send<T: Serialize>(
    socket: impl AsFd,
    value: &T,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let packet = serde_json::to_vec(value)?;
    if packet.len() > PACKET_BYTES_MAX {
        return Err(io::Error::other("the message for the sandbox helper is too long"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.into_iter().collect();
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(
            socket.as_fd(),
            &[IoSlice::new(&packet)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )
    })?;
    Ok(())
}

/// Receives one value; none at the end.
pub(super) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(
            socket.as_fd(),
            &mut [IoSliceMut::new(&mut packet)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        )
    })?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptor = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last();
        }
    }
    let value = serde_json::from_slice(&packet[..received.bytes])?;
    Ok(Some((value, descriptor)))
}
