//! The first process of the sandbox: it builds the file system and the network that it will see,
//! gives up what it needed for that, and becomes the guest.

use std::{
    fs, io,
    net::Ipv4Addr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags},
    net::{AddressFamily, SocketFlags, SocketType},
    process::{DumpableBehavior, Signal},
    thread::UnshareFlags,
};

use super::{
    accounts,
    channel::{self, At, Failure, Order, Ready, Report, Stage},
    harden, layers,
    plan::{Plan, PlanNetwork, WORK},
    skeleton::{self, Kind},
    sys, tree,
};

/// The name of the network device, as most machines and tutorials have it.
const DEVICE: &std::ffi::CStr = c"eth0";

/// The file system to start from, prepared.
pub(super) enum Base {
    /// None where the cover has to be made anew.
    Host {
        skeleton: Option<PathBuf>,
    },
    Folder(PathBuf),
}

/// What the first process needs to know.
pub(super) struct Parts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) base: Base,
    pub(super) run_path: PathBuf,
    pub(super) kind: Kind,
    pub(super) upper_in_memory: bool,
    pub(super) ready: Ready,
    /// To the helper.
    pub(super) watcher: OwnedFd,
}

/// Builds the sandbox around this process and runs the guest in it.
pub(super) fn become_guest(
    parts: &Parts<'_>,
    control: BorrowedFd<'_>,
    stream: &OwnedFd,
    guest: fn(OwnedFd) -> i32,
) -> ! {
    let mut ready = parts.ready.clone();
    let built = build(parts, control, &mut ready);
    let answer: Result<&Ready, &Failure> = match &built {
        Ok(()) => Ok(&ready),
        Err(failure) => Err(failure),
    };
    if channel::send(&parts.watcher, &answer, None).is_err() || built.is_err() {
        sys::exit_now(125);
    }
    // The end of the socket instead of an answer means that the helper is gone.
    if !matches!(channel::receive::<Order>(&parts.watcher), Ok(Some((Order::Start, _)))) {
        sys::exit_now(125);
    }
    let Ok(stream) = only_descriptor(stream) else { sys::exit_now(125) };
    sys::exit_now(guest(stream))
}

/// Closes everything but the stream and what stands in for standard input and output.
fn only_descriptor(stream: &OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::IntoRawFd;
    // The number of the stream becomes 3, so that all above can be closed at once. None of the
    // owners of the others lives on: the guest never returns to them.
    let _ = stream_to_three(stream)?.into_raw_fd();
    sys::close_from(4)?;
    sys::inherited(3)
}

fn stream_to_three(stream: &OwnedFd) -> io::Result<OwnedFd> {
    let null = OwnedFd::from(fs::File::options().read(true).write(true).open("/dev/null")?);
    let mut error_output = sys::inherited(2)?;
    rustix::io::dup2(&null, &mut error_output)?;
    std::mem::forget(error_output);
    // 3 is in use (by the first descriptor that this process opened), and is given up for this.
    let mut three = sys::inherited(3)?;
    rustix::io::dup3(stream, &mut three, rustix::io::DupFlags::CLOEXEC)?;
    Ok(three)
}

fn build(parts: &Parts<'_>, control: BorrowedFd<'_>, ready: &mut Ready) -> Result<(), Failure> {
    let plan = parts.plan;
    let mut namespaces =
        UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS | UnshareFlags::NEWCGROUP;
    namespaces.set(UnshareFlags::NEWNET, plan.network != PlanNetwork::Host);
    sys::unshare(namespaces).at(Stage::Namespaces, "namespaces")?;
    rustix::system::sethostname(plan.hostname.as_bytes())
        .at(Stage::Namespaces, "setting the host name")?;
    tree::make_private()?;
    if plan.network != PlanNetwork::Host {
        ready.network_missing = network(plan, control)?;
    }
    let root = layers::mount(parts)?;
    let root = root.as_fd();
    tree::mount_proc(root)?;
    let memory_half = plan.limits.memory_bytes_max / 2;
    tree::mount_dev(root, memory_half, !parts.kind.single_user)?;
    for share in &plan.shares {
        super::share::bring_in(root, share)?;
    }
    for toolchain in &plan.toolchains {
        layers::show(parts, root, toolchain)?;
    }
    sudo(parts, root)?;
    tree::enter(root)?;
    harden::resource_limits(&plan.limits, parts.kind.in_user_namespace)?;
    harden::apply(plan.strict)?;
    // Without this, root inside could open the program that it runs through `/proc/1/exe`, and
    // that is the host's.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .at(Stage::Harden, "closing /proc/1")?;
    // Last, because a change of rights takes it back: the end of the helper is the end of this.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .at(Stage::Harden, "binding the end to the helper's")
}

/// Sets the network up; the answer says why there is none although one was asked for.
fn network(plan: &Plan, control: BorrowedFd<'_>) -> Result<Option<String>, Failure> {
    let at = Stage::Network;
    let socket =
        |family| rustix::net::socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    let inet = socket(AddressFamily::INET).at(at, "a socket")?;
    sys::interface_up(&inet, c"lo").at(at, "bringing the loopback up")?;
    let PlanNetwork::Internet { address, prefix, gateway, mtu } = plan.network else {
        return Ok(None);
    };
    let device = match rustix::fs::openat(
        CWD,
        "/dev/net/tun",
        OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
    ) {
        Ok(device) => device,
        Err(error) => {
            return Ok(Some(format!("/dev/net/tun cannot be opened: {}", io::Error::from(error))));
        }
    };
    let set_up = || -> io::Result<()> {
        let [address, gateway] = [address, gateway].map(Ipv4Addr::from);
        sys::tun_attach(&device, DEVICE)?;
        sys::interface_mtu(&inet, DEVICE, mtu)?;
        sys::interface_address_v4(&inet, DEVICE, address, prefix)?;
        sys::interface_up(&inet, DEVICE)?;
        sys::default_route_v4(&inet, gateway)
    };
    set_up().at(at, "setting the network device up")?;
    channel::send(control, &Report::Tun, Some(device.as_fd()))
        .at(at, "handing the network device over")?;
    Ok(None)
}

/// Shows this program as `sudo`, read-only, where the base has none that works.
fn sudo(parts: &Parts<'_>, root: BorrowedFd<'_>) -> Result<(), Failure> {
    let at = Stage::Files;
    let (base, place) = match &parts.base {
        Base::Host { .. } => (Path::new("/"), "/usr/bin/sudo"),
        Base::Folder(base) => (base.as_path(), "/usr/local/bin/sudo"),
    };
    if !skeleton::needs_sudo(base, parts.kind) {
        return Ok(());
    }
    // By its path: what `/proc/self/exe` leads to is a mount of the host's, which stays there.
    let path = fs::read_link("/proc/self/exe").at(at, "finding this program")?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let program = rustix::fs::open(&path, flags, Mode::empty())
        .at(at, format!("opening {}", path.display()))?;
    tree::share(root, program.as_fd(), place).at(at, "showing this program as sudo")
}

/// Writes what differs from run to run, before anything is mounted over it.
pub(super) fn seed(parts: &Parts<'_>, upper: &Path) -> io::Result<()> {
    let plan = parts.plan;
    let etc = upper.join("etc");
    fs::DirBuilder::new().mode(0o755).create(&etc)?;
    fs::write(etc.join("hostname"), format!("{}\n", plan.hostname))?;
    let hosts = format!(
        "127.0.0.1\tlocalhost\n127.0.1.1\t{}\n::1\tlocalhost ip6-localhost ip6-loopback\n",
        plan.hostname
    );
    fs::write(etc.join("hosts"), hosts)?;
    let resolve = match plan.network {
        PlanNetwork::None => String::new(),
        PlanNetwork::Internet { gateway, .. } => {
            format!("nameserver {}\n", Ipv4Addr::from(gateway))
        }
        PlanNetwork::Host => fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
    };
    fs::write(etc.join("resolv.conf"), resolve)?;
    let Base::Folder(base) = &parts.base else { return Ok(()) };
    for (path, mode) in [("root", 0o700), (WORK.trim_start_matches('/'), 0o755), ("tmp", 0o1777)] {
        let place = upper.join(path);
        fs::DirBuilder::new().recursive(true).create(&place)?;
        fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    }
    if parts.kind.single_user && base.join("etc/apt/apt.conf.d").is_dir() {
        let folder = etc.join("apt/apt.conf.d");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("99smile"), accounts::APT_SINGLE_USER)?;
    }
    Ok(())
}
