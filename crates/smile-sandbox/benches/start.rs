//! A sandbox made, the first command of a shell run in it, and all of it removed, beside the
//! plain start of a program and beside `bwrap`. Run as root it measures both kinds of users.

#[path = "../tests/native/guest.rs"]
mod guest;
#[path = "../tests/native/probe.rs"]
mod probe;

use std::{
    error::Error,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, SystemTime},
};

use smile_sandbox::{
    Backend, Base, Network, SandboxSpec, Stopped,
    native::{Native, Settings},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: u32 = 60;
const USER: u32 = 4711;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's output")]
fn main() -> ExitCode {
    let mut arguments = std::env::args();
    if arguments.next().is_some_and(|name| name.ends_with("sudo")) {
        return smile_guest::sudo_main(arguments.map(Into::into));
    }
    match arguments.next().as_deref() {
        Some("__sandbox") => smile_sandbox::native::helper_main(guest::serve),
        Some("__alone") => {}
        _ if rustix::process::geteuid().is_root() => drop(as_user()),
        _ => {}
    }
    match measure() {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program once more as an ordinary user, from where that user can reach it.
fn as_user() -> Result<(), Box<dyn Error>> {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let program = folder.path().join("bench");
    std::fs::copy("/proc/self/exe", &program)?;
    Command::new(program).arg("__alone").current_dir("/").uid(USER).gid(USER).status()?;
    Ok(())
}

fn measure() -> Result<String, Box<dyn Error>> {
    let user = if rustix::process::geteuid().is_root() { "root" } else { "user" };
    let cache = std::env::temp_dir().join(format!("smile-bench-{}", rustix::process::geteuid()));
    // Without the caller's environment no toolchains are shown, as `bwrap` shows none.
    let native = Native::new(Settings::new(cache, Vec::new()));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut spec = SandboxSpec::new(Base::Host);
    runtime.block_on(sandbox(&native, &spec))?; // What is made once is made now.
    let mut times = vec![Vec::new(); 5];
    for _ in 0..ROUNDS {
        // In turns, so that a busy moment of the machine meets all of them.
        times[0].push(program("/bin/true", &[])?);
        times[1].push(program("/bin/sh", &["-c", "true"])?);
        if Path::new("/usr/bin/bwrap").exists() {
            times[2].push(program("/usr/bin/bwrap", &BWRAP)?);
        }
        times[3].push(runtime.block_on(sandbox(&native, &spec))?);
        spec.network = Network::Internet;
        times[4].push(runtime.block_on(sandbox(&native, &spec))?);
        spec.network = Network::None;
    }
    let base = median(&mut times[0]);
    let names = ["true", "sh -c true", "bwrap, sh -c true", "smile, no network", "smile, internet"];
    let mut table = String::new();
    for (name, mut times) in names.into_iter().zip(times).filter(|(_, times)| !times.is_empty()) {
        let time = median(&mut times);
        let ratio = time.as_secs_f64() / base.as_secs_f64();
        let line = format!("{user}: {name:20} {:8.2} ms {ratio:6.1} x\n", time.as_secs_f64() * 1e3);
        table.push_str(&line);
    }
    Ok(table)
}

const BWRAP: [&str; 14] = [
    "--unshare-all",
    "--die-with-parent",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "/bin/sh",
    "-c",
    "true",
];

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn program(path: &str, arguments: &[&str]) -> Result<Duration, Box<dyn Error>> {
    let began = SystemTime::now();
    let status = Command::new(path).args(arguments).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("{path} failed").into());
    }
    Ok(began.elapsed()?)
}

async fn sandbox(native: &Native, spec: &SandboxSpec) -> Result<Duration, Box<dyn Error>> {
    let began = SystemTime::now();
    let mut sandbox = native.create(spec).await?;
    let mut stream = sandbox.guest_stream().ok_or("no stream")?;
    stream.write_all(&[0, 0, 0, 4]).await?;
    stream.write_all(b"true").await?;
    let code = stream.read_i32().await?;
    if code != 0 || sandbox.stop().await != Stopped::Removed {
        return Err("the sandbox failed".into());
    }
    Ok(began.elapsed()?)
}
