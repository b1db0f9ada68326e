//! What is left when a sandbox ends, in whatever way: nothing.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use smile_sandbox::{Base, Network, SandboxSpec};

use tokio::time::Instant;

use crate::case::{Case, Context, block_on, command};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case { name: "nothing_is_left_after_a_stop", run: nothing_is_left_after_a_stop },
        Case { name: "nothing_is_left_after_a_drop", run: nothing_is_left_after_a_drop },
        Case { name: "nothing_is_left_after_a_kill", run: nothing_is_left_after_a_kill },
        Case { name: "a_killed_helper_ends_its_sandbox", run: a_killed_helper_ends_its_sandbox },
    ]
}

/// The other process of a case: makes a sandbox with daemons in it, says so, and stops it, drops
/// it, or waits to be killed.
pub(crate) fn alone(how: &str) {
    let (how, marker) = how.split_once(' ').expect("what to do, and a marker");
    let folder = tempfile::tempdir().expect("a folder");
    let cache = std::env::var_os("SMILE_TEST_CACHE").expect("a cache").into();
    let context =
        Context { folder: folder.path().to_owned(), cache, is_root: false, has_users: false };
    block_on(async {
        let spec = SandboxSpec::new(Base::Host).with_network(Network::Internet);
        let mut inside = context.create(&spec).await;
        let daemon =
            format!("setsid sh -c 'trap \"\" TERM HUP; sleep {marker}; :' >/dev/null 2>&1 &");
        inside.ok(&format!("{daemon} {daemon} echo x > file; sleep 0.2")).await;
        #[expect(clippy::print_stdout, reason = "the way to the other process")]
        {
            println!("ready");
        }
        match how {
            "stop" => inside.stop().await,
            "drop" => drop(inside),
            _ => std::future::pending().await,
        }
        // The other process looks while this one is still there.
        tokio::time::sleep(Duration::from_secs(20)).await;
    });
}

struct Other {
    process: Child,
    helper: u32,
    marker: String,
}

impl Other {
    fn start(context: &Context, how: &str) -> Self {
        // Unlike any other sleep on the machine.
        let marker = format!("{}.{}", 3000 + std::process::id(), how.len());
        let mut process = command(&format!("{how} {marker}"), &context.cache)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("this program starts");
        let stdout = process.stdout.take().expect("it is a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it speaks");
        assert_eq!(line, "ready\n");
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", process.id()));
        let helper = children.expect("it lives").trim().parse().expect("it has one child");
        Self { process, helper, marker }
    }

    /// Everything of the sandbox that can be seen from here.
    fn seen(&self, context: &Context) -> Vec<String> {
        let mut seen = Vec::new();
        for entry in fs::read_dir("/proc").expect("processes are listed").flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&self.marker)
                && entry.file_name() != *self.process.id().to_string()
            {
                seen.push(format!(
                    "{}: {}",
                    entry.path().display(),
                    String::from_utf8_lossy(&line)
                ));
            }
        }
        if Path::new(&format!("/proc/{}/exe", self.helper)).read_link().is_ok() {
            seen.push(format!("helper {}", self.helper));
        }
        let own = format!("-{}-", self.process.id());
        for folder in [context.cache.join("runs"), "/sys/fs/cgroup".into()] {
            seen.extend(named(&folder, &own, 5));
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts are listed");
        seen.extend(mounts.lines().filter(|line| line.contains(&own)).map(str::to_owned));
        seen
    }

    fn gone_within(&self, context: &Context, most: Duration) {
        let began = Instant::now();
        loop {
            let seen = self.seen(context);
            if seen.is_empty() {
                return;
            }
            assert!(began.elapsed() < most, "still there: {seen:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Folders below `folder` with `part` in their name.
fn named(folder: &Path, part: &str, depth: u32) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
    {
        if entry.file_name().to_string_lossy().contains(part) {
            found.push(entry.path().display().to_string());
        } else if depth > 0 && !folder.ends_with("runs") {
            found.extend(named(&entry.path(), part, depth - 1));
        }
    }
    found
}

fn nothing_is_left_after_a_stop(context: &Context) {
    let other = Other::start(context, "stop");
    other.gone_within(context, Duration::from_secs(5));
}

fn nothing_is_left_after_a_drop(context: &Context) {
    let other = Other::start(context, "drop");
    other.gone_within(context, Duration::from_secs(5));
}

fn nothing_is_left_after_a_kill(context: &Context) {
    let mut other = Other::start(context, "wait");
    assert!(!other.seen(context).is_empty(), "it can be seen while it lives");
    other.process.kill().expect("it lives");
    other.process.wait().expect("it has ended");
    other.gone_within(context, Duration::from_secs(5));
}

fn a_killed_helper_ends_its_sandbox(context: &Context) {
    let other = Other::start(context, "wait");
    let helper = i32::try_from(other.helper).ok().and_then(rustix::process::Pid::from_raw);
    let helper = helper.expect("a process");
    rustix::process::kill_process(helper, rustix::process::Signal::KILL).expect("it lives");
    let began = Instant::now();
    while other.seen(context).iter().any(|seen| seen.contains(&other.marker)) {
        assert!(began.elapsed() < Duration::from_secs(5), "the sandbox lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Its folder cannot be removed by anybody but the next start, which is told by the lock.
    block_on(async { context.host_base().await.stop().await });
    let own = format!("-{}-", other.process.id());
    assert_eq!(named(&context.cache.join("runs"), &own, 1), Vec::<String>::new());
    assert_eq!(named(Path::new("/sys/fs/cgroup"), &own, 5), Vec::<String>::new());
}
