//! What a recorded step costs, against the same commands in one plain shell, in the same run.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot run has nothing to say")]

use std::{
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
    time::Duration,
};

use smile_guest::{
    client::{self, Guest},
    message::{OpenSession, RunCommand, RunEvent},
};
use tokio::time::Instant;

const ROUNDS: usize = 300;
const STARTS: usize = 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let (guest, session, end) = start().await;
        run(&guest, &command(session, "true", false)).await;
        starts.push(began.elapsed());
        drop(guest);
        end.await;
    }
    let mut bare = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let done = Command::new("bash").args(["--norc", "-c", "true"]).status();
        assert!(done.expect("bash").success());
        bare.push(began.elapsed());
    }
    row("start, hello, shell, first command", median(starts), "bash -c true", median(bare));
    let (guest, session, end) = start().await;
    for text in ["true", "/bin/true", "echo hello > f && cat f"] {
        let plain = plain(text);
        for track_files in [false, true] {
            let command = command(session, text, track_files);
            let mut steps = Vec::new();
            for _ in 0..ROUNDS {
                let began = Instant::now();
                run(&guest, &command).await;
                steps.push(began.elapsed());
            }
            let tracked = if track_files { "tracked" } else { "untracked" };
            row(&format!("`{text}`, {tracked}"), median(steps), "the same in one bash", plain);
        }
    }
    drop(guest);
    end.await;
}

fn row(what: &str, ours: Duration, against: &str, theirs: Duration) {
    println!("{what:42} {ours:>10.1?}   {against}: {theirs:>10.1?}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn start() -> (Guest, u32, impl Future<Output = ()>) {
    let folder = std::env::temp_dir().join(format!("smile-bench-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("work")).expect("a folder");
    let (here, there) = UnixStream::pair().expect("sockets");
    let mut process = Command::new(env!("CARGO_BIN_EXE_smile-guest"))
        .arg(folder.join("guest"))
        .stdin(Stdio::from(OwnedFd::from(there)))
        .spawn()
        .expect("the guest");
    here.set_nonblocking(true).expect("a socket");
    let (guest, driver) =
        client::connect(tokio::net::UnixStream::from_std(here).expect("a socket"));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(driver);
    guest.hello(&[]).await.expect("hello");
    let home = folder.join("work").to_string_lossy().into_owned();
    let open = OpenSession {
        columns: 80,
        rows: 24,
        cwd: home.clone(),
        env: vec![("HOME".to_owned(), home), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        state_of: None,
    };
    let session = guest.open_session(&open).await.expect("a session").session;
    let end = async move {
        while tasks.join_next().await.is_some() {}
        process.wait().expect("the guest's end");
        let _ = std::fs::remove_dir_all(folder);
    };
    (guest, session, end)
}

fn command(session: u32, text: &str, track_files: bool) -> RunCommand {
    RunCommand {
        session,
        text: text.to_owned(),
        silence_s: 60,
        limit_s: 600,
        answers: Vec::new(),
        accept_defaults: true,
        move_servers_aside: true,
        track_files,
        editor_input: None,
        output_bytes_max: 1 << 20,
    }
}

async fn run(guest: &Guest, command: &RunCommand) {
    let mut stream = guest.run(command).await.expect("a command");
    let mut ended = false;
    while let Some(event) = stream.next().await.expect("an event") {
        ended |= matches!(event, RunEvent::Ended(_));
    }
    assert!(ended, "no end");
}

/// One step in a kept shell over a pipe, without a terminal or any record.
fn plain(text: &str) -> Duration {
    let mut shell = Command::new("bash")
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash");
    let mut input = shell.stdin.take().expect("its input");
    let mut output = BufReader::new(shell.stdout.take().expect("its output"));
    let mut steps = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        writeln!(input, "{{ {text}; }} >/dev/null; echo end").expect("a line in");
        let mut line = String::new();
        output.read_line(&mut line).expect("a line out");
        steps.push(began.elapsed());
    }
    drop(input);
    shell.wait().expect("its end");
    median(steps)
}
