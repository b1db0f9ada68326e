//! The system calls that no tutorial needs and that a way out could be made of. A list of what is
//! refused, not of what is allowed: new programs use new calls, and namespaces, capabilities and
//! landlock stand behind it.

use std::{collections::BTreeMap, io};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Compare,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// Refused with "operation not permitted", whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // Mounts, roots, and files by handle.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    // Namespaces.
    libc::SYS_setns,
    // Keys of the kernel: not all kinds of them know namespaces.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Large surfaces of the kernel; programs that use them have another way.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    libc::SYS_pidfd_getfd,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_nfsservctl,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Flags of `clone` and `unshare` that make namespaces.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWCGROUP,
];

/// `unshare` only: in `clone` the bit is a part of the signal's number.
const NAMESPACE_OF_TIME: libc::c_int = 0x80;

/// Types into the terminal of another program, or into the console.
const TERMINAL_REQUESTS: [u64; 2] = [0x5412, 0x541C];

/// Families of sockets that know network namespaces and that programs use.
const SOCKET_FAMILIES: [libc::c_int; 4] =
    [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Protocols of netlink: routes (also asked by name resolution), `ss`, device events.
const NETLINK_PROTOCOLS: [libc::c_int; 3] =
    [libc::NETLINK_ROUTE, libc::NETLINK_SOCK_DIAG, libc::NETLINK_KOBJECT_UEVENT];

/// What `personality` may be set to: nothing special, a question, no random addresses
/// (debuggers), 32-bit (`setarch`), and both.
const PERSONALITIES: [u64; 5] = [0, 0xffff_ffff, 0x0004_0000, 0x8, 0x0004_0008];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters, each to be installed; the strictest answer counts.
pub(super) fn filters() -> io::Result<Vec<BpfProgram>> {
    build().map_err(io::Error::other)
}

fn build() -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let mut refused: Rules = REFUSED.iter().map(|number| (*number, Vec::new())).collect();
    let mut cloning = Vec::new();
    for flag in NAMESPACES {
        cloning.push(rule([has_flag(0, flag)?])?);
    }
    let mut unsharing = cloning.clone();
    unsharing.push(rule([has_flag(0, NAMESPACE_OF_TIME)?])?);
    refused.insert(libc::SYS_clone, cloning);
    refused.insert(libc::SYS_unshare, unsharing);
    let mut requests = Vec::new();
    for request in TERMINAL_REQUESTS {
        requests.push(rule([SeccompCondition::new(1, Length::Dword, Compare::Eq, request)?])?);
    }
    refused.insert(libc::SYS_ioctl, requests);
    refused.insert(libc::SYS_personality, vec![none_of(0, PERSONALITIES)?]);

    // Its flags lie in memory, where no filter can look; every program falls back to `clone`.
    let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);

    let families = SOCKET_FAMILIES.map(number);
    let mut netlink = none_of_conditions(2, NETLINK_PROTOCOLS.map(number))?;
    netlink.push(SeccompCondition::new(0, Length::Dword, Compare::Eq, number(libc::AF_NETLINK))?);
    let sockets = Rules::from([
        (libc::SYS_socket, vec![none_of(0, families)?, SeccompRule::new(netlink)?]),
        (libc::SYS_socketpair, vec![none_of(0, families)?]),
    ]);

    Ok(vec![
        other_numbers(),
        filter(refused, libc::EPERM)?,
        filter(unknown, libc::ENOSYS)?,
        filter(sockets, libc::EAFNOSUPPORT)?,
    ])
}

fn number(value: libc::c_int) -> u64 {
    u64::try_from(value).expect("the kernel's constants here are positive")
}

fn has_flag(
    argument: u8,
    flag: libc::c_int,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    let flag = number(flag);
    SeccompCondition::new(argument, Length::Dword, Compare::MaskedEq(flag), flag)
}

fn rule<const N: usize>(
    conditions: [SeccompCondition; N],
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into())
}

fn none_of_conditions<const N: usize>(
    argument: u8,
    values: [u64; N],
) -> Result<Vec<SeccompCondition>, seccompiler::BackendError> {
    values
        .into_iter()
        .map(|value| SeccompCondition::new(argument, Length::Dword, Compare::Ne, value))
        .collect()
}

fn none_of<const N: usize>(
    argument: u8,
    values: [u64; N],
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(none_of_conditions(argument, values)?)
}

/// Programs of another architecture (32-bit ones) are ended: each of these filters says so.
fn filter(rules: Rules, errno: libc::c_int) -> Result<BpfProgram, seccompiler::BackendError> {
    let errno = u32::try_from(errno).expect("error numbers are positive");
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), architecture())?
        .try_into()
}

fn architecture() -> TargetArch {
    if cfg!(target_arch = "aarch64") { TargetArch::aarch64 } else { TargetArch::x86_64 }
}

/// The x32 calls of x86-64 have the same architecture and other numbers; they are ended. (Bit 30
/// is never set otherwise, so this is harmless elsewhere.)
fn other_numbers() -> BpfProgram {
    const LOAD_NUMBER: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS, of offset 0: the call's number
    const JUMP_IF_SET: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    let line = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        line(LOAD_NUMBER, 0, 0, 0),
        // A signed number below zero (such as −1, from a tracer) has the bit as well.
        line(JUMP_IF_SET, 0, 2, 0x4000_0000),
        line(JUMP_IF_SET, 1, 0, 0x8000_0000),
        line(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_built_and_short_enough() {
        let filters = filters().unwrap();
        assert_eq!(filters.len(), 4);
        assert!(filters.iter().all(|filter| filter.len() < 4096));
    }
}
