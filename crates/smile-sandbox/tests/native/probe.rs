//! System calls that a program inside may try, made in a child of the guest.

#![expect(unsafe_code, reason = "the calls are tried raw, as an attacker would")]

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::{AsRawFd, FromRawFd},
    time::Duration,
};

use libc::{c_long, c_ulong};

const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWCGROUP,
];

/// Runs one probe in a child and gives what it wrote, or the signal that ended it.
pub(crate) fn run(name: &str) -> String {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: both are new and owned by nobody else.
    let (mut read, mut write) = unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) };
    // SAFETY: the guest of these tests has one thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(read);
        let answer = answer(name);
        write.write_all(answer.as_bytes()).expect("the guest listens");
        // SAFETY: takes no pointers.
        unsafe { libc::_exit(0) };
    }
    drop(write);
    let mut text = String::new();
    read.read_to_string(&mut text).expect("the answer is text");
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if libc::WIFSIGNALED(status) {
        return format!("signal {}", libc::WTERMSIG(status));
    }
    text
}

fn answer(name: &str) -> String {
    let mut words = name.split(' ');
    match (words.next(), words.next()) {
        (Some("connect"), Some(address)) => connect(address),
        (Some("open-descriptors"), _) => open_descriptors(),
        (Some("32-bit"), _) => thirty_two_bit(),
        _ => call(name),
    }
}

fn connect(address: &str) -> String {
    let address: SocketAddr = address.parse().expect("an address");
    match TcpStream::connect_timeout(&address, Duration::from_secs(3)) {
        Ok(_) => "connected".to_owned(),
        Err(error) => format!("refused: {error}"),
    }
}

/// The numbers that are open, but for the ones of this very look and of the answer.
fn open_descriptors() -> String {
    let numbers: Vec<_> = (0..4096)
        .filter(|number| {
            // SAFETY: takes no pointers.
            unsafe { libc::fcntl(*number, libc::F_GETFD) != -1 }
        })
        .map(|number| number.to_string())
        .collect();
    numbers.join(" ")
}

#[cfg(target_arch = "x86_64")]
fn thirty_two_bit() -> String {
    let mut number = 20_i64; // getpid
    // SAFETY: the call reads and writes no memory.
    unsafe { std::arch::asm!("int 0x80", inout("rax") number) };
    format!("entered: {number}")
}

#[cfg(not(target_arch = "x86_64"))]
fn thirty_two_bit() -> String {
    "signal 31".to_owned() // There is no such entry.
}

fn call(name: &str) -> String {
    let nothing: c_ulong = 0;
    let number = |value: i32| c_ulong::from(value.unsigned_abs());
    let path = |text: &'static std::ffi::CStr| text.as_ptr() as c_ulong;
    let own = File::open("/proc/self/ns/mnt");
    let namespace = own.as_ref().map_or(0, |file| number(file.as_raw_fd()));
    let here = c_ulong::MAX - 99; // AT_FDCWD
    let (call, arguments): (c_long, [c_ulong; 5]) = match name {
        "mount" => (libc::SYS_mount, [path(c"none"), path(c"/mnt"), path(c"tmpfs"), 0, nothing]),
        "remount" => (libc::SYS_mount, [path(c"none"), path(c"/proc/sys"), 0, 0x1020, nothing]),
        "umount2" => (libc::SYS_umount2, [path(c"/proc/sys"), 2, 0, 0, 0]),
        "pivot_root" => (libc::SYS_pivot_root, [path(c"/"), path(c"/mnt"), 0, 0, 0]),
        "chroot" => (libc::SYS_chroot, [path(c"/mnt"), 0, 0, 0, 0]),
        "fsopen" => (libc::SYS_fsopen, [path(c"tmpfs"), 0, 0, 0, 0]),
        "open_tree" => (libc::SYS_open_tree, [here, path(c"/"), 1, 0, 0]),
        "move_mount" => (libc::SYS_move_mount, [here, path(c"/tmp"), here, path(c"/mnt"), 0]),
        "mount_setattr" => (libc::SYS_mount_setattr, [here, path(c"/"), 0, 0, 0]),
        "open_by_handle_at" => {
            (libc::SYS_open_by_handle_at, [here, path(c"xxxxxxxxxxxx"), 0, 0, 0])
        }
        "unshare" => {
            for flag in NAMESPACES {
                // SAFETY: takes no pointers.
                if unsafe { libc::unshare(flag) } == 0 {
                    return format!("OK for {flag:#x}");
                }
            }
            return errno();
        }
        "clone" => {
            (libc::SYS_clone, [number(libc::CLONE_NEWUSER | libc::SIGCHLD), nothing, 0, 0, 0])
        }
        "clone3" => (libc::SYS_clone3, [nothing, 88, 0, 0, 0]),
        "setns" => (libc::SYS_setns, [namespace, 0, 0, 0, 0]),
        "keyctl" => (libc::SYS_keyctl, [0, c_ulong::MAX, 1, 0, 0]),
        "add_key" => (libc::SYS_add_key, [path(c"user"), path(c"k"), path(c"v"), 1, c_ulong::MAX]),
        "bpf" => (libc::SYS_bpf, [0, nothing, 0, 0, 0]),
        "perf_event_open" => (libc::SYS_perf_event_open, [nothing, 0, 0, 0, 0]),
        "userfaultfd" => (libc::SYS_userfaultfd, [1, 0, 0, 0, 0]),
        "io_uring_setup" => (libc::SYS_io_uring_setup, [1, nothing, 0, 0, 0]),
        "kexec_load" => (libc::SYS_kexec_load, [0, 0, nothing, 0, 0]),
        "init_module" => (libc::SYS_init_module, [nothing, 0, path(c""), 0, 0]),
        "reboot" => (libc::SYS_reboot, [0xfee1_dead, 672_274_793, 0, 0, 0]),
        "settimeofday" => (libc::SYS_settimeofday, [nothing, nothing, 0, 0, 0]),
        "sethostname" => (libc::SYS_sethostname, [path(c"x"), 1, 0, 0, 0]),
        "syslog" => (libc::SYS_syslog, [3, nothing, 0, 0, 0]),
        "personality" => (libc::SYS_personality, [0x0040_0000, 0, 0, 0, 0]),
        "swapon" => (libc::SYS_swapon, [path(c"/x"), 0, 0, 0, 0]),
        "acct" => (libc::SYS_acct, [path(c"/x"), 0, 0, 0, 0]),
        "ptrace-first" => (libc::SYS_ptrace, [16, 1, 0, 0, 0]),
        "type-into-terminal" => (libc::SYS_ioctl, [0, 0x5412, path(c"x"), 0, 0]),
        // A high half that the kernel ignores must not get past the filter.
        "type-into-terminal-64" => (libc::SYS_ioctl, [0, 0xffff_ffff_0000_5412, path(c"x"), 0, 0]),
        "mknod" => {
            let device = libc::makedev(1, 1);
            (libc::SYS_mknodat, [here, path(c"/tmp/mem"), 0o020_666, device, 0])
        }
        "packet" => (libc::SYS_socket, [number(libc::AF_PACKET), 3, 0x0300, 0, 0]),
        "vsock" => (libc::SYS_socket, [number(libc::AF_VSOCK), 1, 0, 0, 0]),
        "alg" => (libc::SYS_socket, [number(libc::AF_ALG), 5, 0, 0, 0]),
        "raw" => (libc::SYS_socket, [number(libc::AF_INET), 3, 1, 0, 0]),
        "netfilter" => (libc::SYS_socket, [number(libc::AF_NETLINK), 3, 12, 0, 0]),
        other => panic!("no probe `{other}`"),
    };
    // SAFETY: every pointer is to a static string or null; what a call writes goes nowhere.
    let done = unsafe {
        libc::syscall(
            call,
            arguments[0],
            arguments[1],
            arguments[2],
            arguments[3],
            arguments[4],
            nothing,
        )
    };
    if done == -1 { errno() } else { format!("OK {done}") }
}

fn errno() -> String {
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EPERM) => "EPERM".to_owned(),
        Some(libc::EACCES) => "EACCES".to_owned(),
        Some(libc::ENOSYS) => "ENOSYS".to_owned(),
        Some(libc::EAFNOSUPPORT) => "EAFNOSUPPORT".to_owned(),
        other => format!("errno {other:?}"),
    }
}
