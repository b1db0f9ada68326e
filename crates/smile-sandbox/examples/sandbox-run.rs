//! Runs one shell script in a fresh native sandbox: `sandbox-run [OPTIONS] -- SCRIPT`.
//!
//! Options: `--internet`, `--host-network`, `--strict`, `--base FOLDER_OR_ARCHIVE`,
//! `--old-mount-call`, `--in-memory`, `--times N`.

#[path = "../tests/native/guest.rs"]
mod guest;
#[path = "../tests/native/probe.rs"]
mod probe;

use std::{error::Error, path::PathBuf, process::ExitCode, time::SystemTime};

use smile_sandbox::{
    Backend, Base, Network, SandboxSpec,
    native::{Native, Settings},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[expect(clippy::print_stderr, reason = "an example's output")]
fn main() -> ExitCode {
    let mut arguments = std::env::args();
    if arguments.next().is_some_and(|name| name.ends_with("sudo")) {
        return smile_guest::sudo_main(arguments.map(Into::into));
    }
    let mut spec = SandboxSpec::new(Base::Host);
    let cache =
        std::env::temp_dir().join(format!("sandbox-run-{}", rustix::process::geteuid().as_raw()));
    let mut settings = Settings::new(cache, std::env::vars().collect());
    let mut times = 1;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "__sandbox" => smile_sandbox::native::helper_main(guest::serve),
            "--internet" => spec.network = Network::Internet,
            "--host-network" => spec.network = Network::Host,
            "--strict" => spec.strict = true,
            "--old-mount-call" => settings.old_mount_call = true,
            "--in-memory" => settings.changes_in_memory = true,
            "--times" => times = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            "--base" => {
                let path = PathBuf::from(arguments.next().unwrap_or_default());
                spec.base = if path.is_dir() { Base::Folder(path) } else { Base::Archive(path) };
            }
            _ => break,
        }
    }
    let script = arguments.collect::<Vec<_>>().join(" ");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            let native = Native::new(settings);
            let mut code = 0;
            for _ in 0..times {
                code = once(&native, &spec, &script).await?;
            }
            Ok::<_, Box<dyn Error>>(code)
        })
    });
    match done {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            eprintln!("{error}: {:?}", error.source());
            ExitCode::from(125)
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example's output")]
async fn once(native: &Native, spec: &SandboxSpec, script: &str) -> Result<i32, Box<dyn Error>> {
    let began = SystemTime::now();
    let mut sandbox = native.create(spec).await?;
    let created = began.elapsed()?;
    let mut stream = sandbox.guest_stream().ok_or("no stream")?;
    stream.write_all(&u32::try_from(script.len())?.to_be_bytes()).await?;
    stream.write_all(script.as_bytes()).await?;
    let code = stream.read_i32().await?;
    let mut text = vec![0; stream.read_u32().await? as usize];
    stream.read_exact(&mut text).await?;
    let ran = began.elapsed()?.saturating_sub(created);
    print!("{}", String::from_utf8_lossy(&text));
    for limit in sandbox.limits_met() {
        eprintln!("limit met: {limit}");
    }
    let facts = sandbox.facts().clone();
    let stopped = sandbox.stop().await;
    eprintln!(
        "created {created:?}, ran {:?}, {stopped:?} {:?}; {:?} {:?}",
        ran,
        began.elapsed()?.saturating_sub(created + ran),
        facts.network_missing,
        facts.limits_missing
    );
    Ok(code)
}
