//! The helper: the same program, started again with one thread and nothing of the host's in its
//! memory or environment. It makes the sandbox, starts the guest as the first process inside, and
//! watches: when the host's program ends in any way, so does everything in the sandbox.

#[expect(
    clippy::disallowed_types,
    reason = "this process has no runtime whose time could stop"
)]
use std::time::Instant;
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags},
    process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus},
    thread::UnshareFlags,
};

use super::{
    archive,
    cgroup::Groups,
    channel::{self, At, Failure, Order, Ready, Report, Stage},
    inside, layers,
    plan::{Plan, PlanBase},
    skeleton::{self, Kind, Skeleton},
    store::{self, RunFolder},
    sys,
    users::{self, Namespace},
    watch::Watch,
};

/// How often limits are looked at that no mechanism of the kernel enforces here.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// How long the helper stays to remove what earlier states of the host needed.
const OLD_REMOVAL_MAX: Duration = Duration::from_millis(400);

/// Runs the helper; never returns. `guest` gets the stream to the host and its result is the
/// first process's exit code.
///
/// The program calls this, before any thread is started, when its first argument is the one that
/// [`Settings`](super::Settings) names.
pub fn helper_main(guest: fn(OwnedFd) -> i32) -> ! {
    let code = match run(guest) {
        Ok(()) => 0,
        // Without its control socket there is nobody to tell; the host sees the end of it.
        Err(_) => 125,
    };
    sys::exit_now(code)
}

fn run(guest: fn(OwnedFd) -> i32) -> io::Result<()> {
    sys::close_from(3)?;
    let (control, stream) = (sys::inherited(0)?, sys::inherited(1)?);
    let (control, stream) = (above_standard(control)?, above_standard(stream)?);
    // Ctrl+C at the terminal is for the host's program, which stops its sandboxes in order.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let Some((plan, _)) = channel::receive::<Plan>(&control)? else { return Ok(()) };
    if let Err(failure) = make(&plan, &control, stream, guest) {
        channel::send(&control, &Report::Failed(failure), None)?;
        channel::send(&control, &Report::Removed, None)?;
    }
    Ok(())
}

/// Moves a descriptor away from 0, 1 and 2, and puts `/dev/null` where it was.
fn above_standard(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    let moved = rustix::io::fcntl_dupfd_cloexec(&descriptor, 3)?;
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    let mut descriptor = descriptor;
    rustix::io::dup2(&null, &mut descriptor)?;
    // The standard number stays open, on nothing, for as long as the process lives.
    std::mem::forget(descriptor);
    Ok(moved)
}

/// What is made outside of the sandbox, and has to be removed after it.
struct Outside {
    run: RunFolder,
    groups: Groups,
    /// Held until the end, so that nobody removes it.
    skeleton: Option<Skeleton>,
}

impl Outside {
    /// The answer holds what only this process can still see.
    fn remove(mut self) -> io::Result<Vec<OwnedFd>> {
        let groups = self.groups.remove();
        drop(self.skeleton.take());
        let held = self.run.remove()?;
        groups.map(|()| held)
    }
}

fn make(
    plan: &Plan,
    control: &OwnedFd,
    stream: OwnedFd,
    guest: fn(OwnedFd) -> i32,
) -> Result<(), Failure> {
    store::private_folders(&plan.cache).at(Stage::Store, plan.cache.display().to_string())?;
    let run = RunFolder::create(&plan.cache, &plan.id)
        .at(Stage::Store, plan.cache.display().to_string())?;
    let groups = Groups::create(&plan.id, &plan.limits);
    let mut outside = Outside { run, groups, skeleton: None };
    let started = prepare_and_start(plan, control, stream, guest, &mut outside);
    let (first, ready) = match started {
        Ok(started) => started,
        Err(failure) => {
            drop(outside.remove());
            return Err(failure);
        }
    };
    for id in store::sweep(&plan.cache).unwrap_or_default() {
        Groups::remove_left(&id);
    }
    let code = watch_over(plan, control, first, &mut outside, &ready);
    let dead = Report::Dead { code: code.unwrap_or(125) };
    drop(channel::send(control, &dead, None)); // The host may be gone.
    match outside.remove() {
        Ok(held) => {
            drop(channel::send(control, &Report::Removed, None));
            drop(held);
            // Nobody waits for this process any more.
            drop(skeleton::remove_old(&plan.cache, OLD_REMOVAL_MAX));
        }
        Err(error) => {
            let removing = "removing what the sandbox wrote";
            let failed: Result<(), _> = Err(error).at(Stage::Store, removing);
            drop(failed.map_err(|failure| channel::send(control, &Report::Failed(failure), None)));
        }
    }
    Ok(())
}

fn prepare_and_start(
    plan: &Plan,
    control: &OwnedFd,
    stream: OwnedFd,
    guest: fn(OwnedFd) -> i32,
    outside: &mut Outside,
) -> Result<(Pid, Ready), Failure> {
    let namespace = users::enter_namespace()?;
    let kind = Kind {
        in_user_namespace: namespace != Namespace::Host,
        single_user: namespace == Namespace::SingleUser,
        thorough: false,
    };
    let mut ready = Ready { single_user: kind.single_user, ..Ready::default() };
    let base = match &plan.base {
        PlanBase::Host => {
            if kind.in_user_namespace || layers::cover_can_be_cached(&plan.base) {
                let skeleton = Skeleton::ensure(&plan.cache, kind)
                    .at(Stage::Base, "preparing the host's system as a base")?;
                let path = skeleton.path.clone();
                outside.skeleton = Some(skeleton);
                inside::Base::Host { skeleton: Some(path) }
            } else {
                inside::Base::Host { skeleton: None }
            }
        }
        PlanBase::Folder(path) => inside::Base::Folder(path.clone()),
        PlanBase::Archive(path) => {
            let folder = archive::ensure(&plan.cache, path, !kind.single_user)
                .at(Stage::Base, "unpacking the archive")?;
            inside::Base::Folder(folder)
        }
    };
    if let inside::Base::Folder(folder) = &base {
        archive::check_root(folder).at(Stage::Base, "looking at the root file system")?;
    }
    let upper_in_memory = plan.upper_in_memory || !store::can_hold_changes(outside.run.path());
    ready.upper_in_memory = upper_in_memory;
    let (ours, theirs) = channel::pair().at(Stage::Namespaces, "making a socket")?;
    sys::unshare(UnshareFlags::NEWPID).at(Stage::Namespaces, "a process namespace")?;
    let fork = sys::fork().at(Stage::Namespaces, "starting the first process")?;
    let first = match fork {
        sys::Fork::Parent(first) => first,
        sys::Fork::Child => {
            drop(ours);
            let parts = inside::Parts {
                plan,
                base,
                run_path: outside.run.path().to_owned(),
                kind,
                upper_in_memory,
                ready,
                watcher: theirs,
            };
            inside::become_guest(&parts, control.as_fd(), &stream, guest)
        }
    };
    drop((theirs, stream));
    let admitted = outside.groups.admit(first.as_raw_nonzero().get().unsigned_abs());
    if admitted.is_err() {
        outside.groups.enforced.clear();
    }
    ready.limits_missing = missing_limits(plan, &outside.groups, kind);
    let refused: Vec<_> = ready
        .limits_missing
        .iter()
        .filter(|limit| !plan.limits.may_be_missing.contains(limit))
        .cloned()
        .collect();
    if !refused.is_empty() {
        end(first);
        return Err(Failure {
            stage: Stage::Limits,
            what: refused.join(", "),
            errno: None,
            text: "no control group can be made, and no other way enforces it".to_owned(),
        });
    }
    // The guest tells that its end is bound to ours, and only then learns that it may begin. If
    // this process ends before, the guest reads the end of the socket and ends too.
    let armed = channel::receive::<Result<Ready, Failure>>(&ours)
        .at(Stage::Namespaces, "waiting for the first process")?;
    match armed {
        Some((Ok(inner), _)) => {
            ready.network_missing = inner.network_missing;
            channel::send(&ours, &Order::Start, None)
                .at(Stage::Namespaces, "starting the guest")?;
            channel::send(control, &Report::Ready(ready.clone()), None)
                .at(Stage::Plan, "telling the host")?;
            Ok((first, ready))
        }
        Some((Err(failure), _)) => {
            end(first);
            Err(failure)
        }
        None => {
            end(first);
            Err(Failure {
                stage: Stage::Namespaces,
                what: "the first process ended while the sandbox was made".to_owned(),
                errno: None,
                text: "no reason is known".to_owned(),
            })
        }
    }
}

/// Limits that neither a group nor the kernel's limits per user nor the watch enforces.
fn missing_limits(plan: &Plan, groups: &Groups, kind: Kind) -> Vec<String> {
    let mut missing = Vec::new();
    // In a user namespace, processes are counted for it alone; for root they never are, and the
    // watch is too slow against a fork bomb.
    if !groups.enforced.contains(&"processes") && !kind.in_user_namespace {
        missing.push("processes".to_owned());
    }
    if plan.limits.cpu_millis_max.is_some() && !groups.enforced.contains(&"cpu") {
        missing.push("cpu".to_owned());
    }
    missing
}

/// Ends every process inside and waits until the last one is gone.
fn end(first: Pid) -> Option<WaitStatus> {
    // The kernel ends a process namespace with its first process, before that can be waited for.
    let _ = rustix::process::kill_process(first, Signal::KILL);
    loop {
        match rustix::process::waitpid(Some(first), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Some(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Returns when no process is left inside.
#[expect(clippy::disallowed_types, reason = "as above")]
fn watch_over(
    plan: &Plan,
    control: &OwnedFd,
    first: Pid,
    outside: &mut Outside,
    ready: &Ready,
) -> io::Result<i32> {
    let process = rustix::process::pidfd_open(first, PidfdFlags::empty())?;
    let mut watch = Watch::new(plan, first, outside.run.path(), ready.upper_in_memory);
    let began = Instant::now();
    let lifetime = plan.limits.lifetime_ms_max.map(Duration::from_millis);
    loop {
        if lifetime.is_some_and(|most| began.elapsed() >= most) {
            drop(channel::send(control, &Report::Limited("lifetime".to_owned()), None));
            break;
        }
        let (order, ended) = wait(control.as_fd(), process.as_fd(), WATCH_INTERVAL)?;
        if ended {
            break;
        }
        // Whatever comes is the order to stop, and so is the end of the host's program.
        if order {
            break;
        }
        for limit in watch.look(&outside.groups) {
            if channel::send(control, &Report::Limited(limit), None).is_err() {
                break;
            }
        }
    }
    let status = end(first);
    Ok(status.map_or(125, |status| {
        let signal = status.terminating_signal().map(|signal| 128 + signal);
        status.exit_status().or(signal).unwrap_or(125)
    }))
}

/// Waits for a packet (or the end) on `control`, or the end of `process`.
fn wait(
    control: BorrowedFd<'_>,
    process: BorrowedFd<'_>,
    most: Duration,
) -> io::Result<(bool, bool)> {
    let mut polled = [
        PollFd::from_borrowed_fd(control, PollFlags::IN),
        PollFd::from_borrowed_fd(process, PollFlags::IN),
    ];
    let timeout = rustix::event::Timespec::try_from(most).map_err(io::Error::other)?;
    match rustix::event::poll(&mut polled, Some(&timeout)) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok((false, false)),
        Err(error) => return Err(error.into()),
    }
    Ok((!polled[0].revents().is_empty(), !polled[1].revents().is_empty()))
}
