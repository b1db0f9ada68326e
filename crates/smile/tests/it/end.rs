//! How a run ends before its end: Ctrl+C at any moment, `kill -9`, a second run, the limits.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout},
    thread::sleep,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::desk::{As, Desk, Ran};

/// A name that no other process on this machine has in its command line.
fn mark() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("31{:07}{:02}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Processes whose command line holds `mark`.
fn alive(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok())
        .filter(|line| line.contains(mark))
        .collect()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("{what} did not come");
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Reads events until one of this name.
fn until(lines: &mut BufReader<ChildStdout>, name: &str) -> Value {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "no `{name}` came");
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == name {
            return event;
        }
    }
}

fn page(mark: &str) -> String {
    format!(
        "# A page\n\n```sh\necho one\n(trap '' TERM INT; sleep {mark} & sleep {mark})\necho three\n```\n"
    )
}

/// Stops a run after the event of that name, and measures.
fn stop_after(user: As, event: &str, extra: Duration) {
    let mark = mark();
    let desk = Desk::of(user, &[("tutorial.md", &page(&mark))]);
    let mut child = desk.start(&["run", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, event);
    sleep(extra);
    let began = tokio::time::Instant::now();
    signal(&child, Signal::INT);
    let status = child.wait().unwrap();
    let took = began.elapsed();
    assert_eq!(status.code(), Some(130), "after {event}");
    assert!(took < Duration::from_secs(1), "stopping after {event} took {took:?}");
    assert_eq!(alive(&mark), Vec::<String>::new());
    let report = desk.report();
    assert_eq!(report["status"], "stopped");
    assert!(desk.read("smile-report.md").contains("Stopped"));
    let state: Value = serde_json::from_str(&desk.read(".smile/state.json")).unwrap();
    assert_eq!(state["status"], "stopped");
}

#[test]
fn control_c_while_the_sandbox_is_made() {
    stop_after(As::Me, "run_started", Duration::ZERO);
}

#[test]
fn control_c_while_the_shell_is_opened() {
    stop_after(As::Me, "iteration_start", Duration::ZERO);
}

#[test]
fn control_c_while_a_command_runs_that_ignores_it() {
    stop_after(As::Me, "step_finished", Duration::from_millis(300));
    stop_after(As::Ordinary, "step_finished", Duration::from_millis(300));
}

#[test]
fn a_second_control_c_ends_at_once() {
    let mark = mark();
    let desk = Desk::new(&[("tutorial.md", &page(&mark))]);
    let mut child = desk.start(&["run", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "step_finished");
    signal(&child, Signal::INT);
    signal(&child, Signal::INT);
    let status = child.wait().unwrap();
    // The two may also be seen as one, where the first is still on its way.
    assert_eq!(status.code(), Some(130));
    wait_for("the end of everything inside", || alive(&mark).is_empty());
}

fn killed_run_leaves_nothing(user: As) {
    let mark = mark();
    let desk = Desk::of(user, &[("tutorial.md", &page(&mark))]);
    let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
    let before = mounts();
    let mut child = desk.start(&["run", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "step_finished");
    wait_for("the command", || !alive(&mark).is_empty());
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    wait_for("the end of everything inside", || alive(&mark).is_empty());
    assert_eq!(mounts(), before);
    // The state tells of a run that never ended; its lock holds nobody up.
    let state: Value = serde_json::from_str(&desk.read(".smile/state.json")).unwrap();
    assert_eq!(state["status"], Value::Null);
    desk.write("tutorial.md", b"# A page\n\n```sh\necho again\n```\n");
    let ran = desk.smile(&["run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(desk.smile(&["report", "--list"]).stdout.contains("killed"));
}

#[test]
fn a_killed_run_leaves_nothing() {
    killed_run_leaves_nothing(As::Me);
}

#[test]
fn a_killed_run_of_an_ordinary_user_leaves_nothing() {
    killed_run_leaves_nothing(As::Ordinary);
}

#[test]
fn a_second_run_of_the_same_tutorial_is_refused_by_name() {
    let mark = mark();
    let desk = Desk::new(&[("tutorial.md", &page(&mark))]);
    let mut child = desk.start(&["run", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "iteration_start");
    let ran = desk.smile(&["run"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains(&format!("by process {}", child.id())), "{}", ran.stderr);
    // Another persona is another run.
    let other =
        desk.command(&["run", "--persona=offline", "--timeout=1s", "--quiet"]).output().unwrap();
    assert_eq!(other.status.code(), Some(4));
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn the_runs_time_is_enforced_while_a_command_runs() {
    let desk = Desk::new(&[("tutorial.md", "# A page\n\n```sh\necho one\nsleep 100\n```\n")]);
    let ran = desk.smile(&["run", "--timeout", "2s"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let report = desk.report();
    assert_eq!(report["status"], "timeout");
    assert!(report["durationMs"].as_u64().unwrap() < 4_000, "{}", report["durationMs"]);
}

#[test]
fn a_steps_time_is_enforced_and_the_tutorial_goes_on() {
    let page = "# A page\n\n```sh\nwhile :; do echo busy; sleep 0.1; done\necho after\n```\n";
    let desk = Desk::new(&[("tutorial.md", page)]);
    let ran = desk.smile(&["run", "--step-timeout", "2s", "--timeout", "60s"]);
    let report = desk.report();
    assert_eq!(report["status"], "completed", "{ran:?}");
    assert_eq!(report["steps"][0]["observation"]["end"]["how"], "over-time");
    assert_eq!(report["steps"][1]["outcome"]["is"], "passed");
}

#[test]
fn stop_at_first_ends_where_a_learner_would() {
    let page = "# A page\n\n```sh\ncat no-such-file\ntouch later\n```\n";
    let desk = Desk::new(&[("tutorial.md", page)]);
    let ran: Ran = desk.smile(&["run", "--stop-at-first"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = desk.report();
    assert_eq!(report["status"], "blocker");
    assert_eq!(report["steps"][1]["outcome"]["is"], "skipped");
}
