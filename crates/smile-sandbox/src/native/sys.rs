//! Everything that needs `unsafe`: system calls without a safe wrapper. Each function's signature
//! is safe; what it relies on is said where it relies on it.

#![expect(unsafe_code, reason = "the one module for raw system calls")]

use std::{
    ffi::CStr,
    io,
    net::Ipv4Addr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use rustix::thread::UnshareFlags;

/// Which side of a [`fork`] runs.
pub(super) enum Fork {
    /// The new process.
    Child,
    /// The old one, with the number of the new one.
    Parent(rustix::process::Pid),
}

/// Splits this process in two.
///
/// # Errors
/// With more than one thread: the child of such a fork may only call async-signal-safe functions,
/// so this refuses.
pub(super) fn fork() -> io::Result<Fork> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("a process with several threads must not fork"));
    }
    // SAFETY: there is one thread, so no lock can be held by another one in the child's copy.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(
            rustix::process::Pid::from_raw(pid).expect("fork gives the parent a positive number"),
        )),
    }
}

/// Ends this process at once, without running anything that its parent registered for its end.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: takes no pointers and does not return.
    unsafe { libc::_exit(code) }
}

/// Puts this process (which has one thread) into namespaces of its own.
pub(super) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: the descriptor table stays shared (see the assertion), which is the only hazard.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Takes the descriptor that a parent process left open at `number`.
///
/// Closing another owner's descriptor would be the hazard; the helper calls this once for each
/// number, first thing.
pub(super) fn inherited(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: only asks for the descriptor's flags.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open (see above), and nothing in this process owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Closes every descriptor from `first` on. Call it only where none of them has an owner that
/// lives on.
pub(super) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: takes no pointers; the hazard is in what the docs above ask for.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0u32) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets attributes (`MOUNT_ATTR_…`) of a mount, or of all mounts below it as well.
pub(super) fn mount_attributes(mount: BorrowedFd<'_>, set: u64, recursive: bool) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: both pointers are valid for the call, and the size is that of the structure.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets the ids that file accesses of this thread are checked against. With another user than
/// 0 the kernel also takes the file capabilities away until 0 comes back.
pub(super) fn file_access_as(user: u32, group: u32) -> io::Result<()> {
    // SAFETY: neither call takes pointers.
    unsafe {
        libc::syscall(libc::SYS_setfsgid, group);
        libc::syscall(libc::SYS_setfsuid, user);
        // The calls give the old value and no error; asking again with an impossible id tells.
        let now = libc::syscall(libc::SYS_setfsuid, u32::MAX);
        if now != i64::from(user) {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
    }
    Ok(())
}

/// Installs a seccomp filter for this thread and all it will start. It stays for good.
pub(super) fn seccomp(filter: &[seccompiler::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| io::Error::other("filter is too long"))?,
        filter: filter.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `program` and the filter it points to outlive the call; the kernel copies them and
    // does not write. `sock_filter` has the kernel's layout (`repr(C)`).
    let done = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0u32, &raw const program)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A name of a network interface as the kernel wants it.
fn interface(name: &CStr) -> libc::ifreq {
    // SAFETY: all bytes zero is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let bytes = name.to_bytes();
    for (to, from) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(bytes) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request
}

fn ioctl<T>(socket: &impl AsFd, request: libc::Ioctl, argument: &mut T) -> io::Result<()> {
    // SAFETY: callers pair each request with the structure that the kernel reads or writes for it.
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), request, &raw mut *argument) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Brings a network interface up, keeping its other flags.
pub(super) fn interface_up(socket: &impl AsFd, name: &CStr) -> io::Result<()> {
    let mut request = interface(name);
    ioctl(socket, libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: SIOCGIFFLAGS has just filled this member of the union.
    unsafe {
        request.ifr_ifru.ifru_flags |=
            i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).expect("both flags fit");
    }
    ioctl(socket, libc::SIOCSIFFLAGS, &mut request)
}

/// Makes a TUN interface (whole IP packets, no extra header) in this network namespace; the
/// descriptor is its other end.
pub(super) fn tun_attach(device: &OwnedFd, name: &CStr) -> io::Result<()> {
    let mut request = interface(name);
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).expect("both flags fit");
    ioctl(device, libc::TUNSETIFF, &mut request)
}

/// Sets the largest packet.
pub(super) fn interface_mtu(socket: &impl AsFd, name: &CStr, bytes: u16) -> io::Result<()> {
    let mut request = interface(name);
    request.ifr_ifru.ifru_mtu = i32::from(bytes);
    ioctl(socket, libc::SIOCSIFMTU, &mut request)
}

fn address_v4(address: Ipv4Addr) -> libc::sockaddr {
    let inet = libc::sockaddr_in {
        sin_family: libc::AF_INET.try_into().expect("the family fits"),
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
        sin_zero: [0; 8],
    };
    // SAFETY: both are plain 16-byte structures, made to be read as one another.
    unsafe { std::mem::transmute(inet) }
}

/// Gives an interface its IPv4 address and network size.
pub(super) fn interface_address_v4(
    socket: &impl AsFd,
    name: &CStr,
    address: Ipv4Addr,
    prefix: u8,
) -> io::Result<()> {
    let mut request = interface(name);
    request.ifr_ifru.ifru_addr = address_v4(address);
    ioctl(socket, libc::SIOCSIFADDR, &mut request)?;
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    request.ifr_ifru.ifru_netmask = address_v4(Ipv4Addr::from(mask));
    ioctl(socket, libc::SIOCSIFNETMASK, &mut request)
}

/// Sends everything that has no nearer way to `gateway`.
pub(super) fn default_route_v4(socket: &impl AsFd, gateway: Ipv4Addr) -> io::Result<()> {
    // SAFETY: all bytes zero is a valid `rtentry`.
    let mut route: libc::rtentry = unsafe { std::mem::zeroed() };
    route.rt_dst = address_v4(Ipv4Addr::UNSPECIFIED);
    route.rt_genmask = address_v4(Ipv4Addr::UNSPECIFIED);
    route.rt_gateway = address_v4(gateway);
    route.rt_flags = libc::RTF_UP | libc::RTF_GATEWAY;
    ioctl(socket, libc::SIOCADDRT, &mut route)
}
