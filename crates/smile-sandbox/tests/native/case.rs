//! A case, and the sandbox that it works with.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use smile_sandbox::{
    Backend, Base, GuestStream, Sandbox, SandboxSpec, StartError, StartFacts, Stopped,
    native::{Native, Settings},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The number of an ordinary user without ranges in `/etc/subuid`.
const USER: u32 = 4711;

/// The number of one with ranges.
const USER_WITH_RANGES: u32 = 4712;

/// The ranges.
const RANGES: &str = "4712:3000000:65536\n";

/// Cases that are also tried where the host's root is an overlay itself, as in a container.
const ON_AN_OVERLAY: [&str; 4] = [
    "starts_and_stops",
    "the_hosts_files_are_hidden",
    "the_hosts_files_stay",
    "packages_can_be_installed",
];

/// Something to try.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Context),
}

/// What a case works with.
pub(crate) struct Context {
    /// A folder for the host's side, private to the user.
    pub(crate) folder: PathBuf,
    /// The backend's cache.
    pub(crate) cache: PathBuf,
    pub(crate) is_root: bool,
    /// Other users than root are known inside.
    pub(crate) has_users: bool,
}

impl Case {
    /// As root: one trial here, and one each as an ordinary user without and with ranges. Else here.
    pub(crate) fn trials(self) -> Vec<Trial> {
        let name = self.name;
        if !rustix::process::geteuid().is_root() {
            return vec![Trial::test(name, move || {
                self.run_here();
                Ok(())
            })];
        }
        let mut trials = vec![
            Trial::test(format!("root::{name}"), move || {
                self.run_here();
                Ok(())
            }),
            Trial::test(format!("user::{name}"), move || run_as_user(name, USER, "")),
            Trial::test(format!("ranges::{name}"), move || {
                run_as_user(name, USER_WITH_RANGES, RANGES)
            }),
        ];
        if ON_AN_OVERLAY.contains(&name) {
            let trial = Trial::test(format!("container::{name}"), move || run_on_an_overlay(name));
            trials.push(trial);
        }
        trials
    }

    pub(crate) fn run_here(&self) {
        let folder = tempfile::Builder::new().prefix("smile-test-").tempdir().expect("a folder");
        let user = rustix::process::geteuid();
        let is_root = user.is_root();
        let ranges = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
        let has_users = is_root || ranges.contains(&format!("{user}:"));
        // What is made once for a user is shared by all cases, as it is by all runs.
        let cache = std::env::var_os("SMILE_TEST_CACHE").map_or_else(
            || {
                std::env::temp_dir()
                    .join(format!("smile-test-cache-{}", rustix::process::geteuid()))
            },
            PathBuf::from,
        );
        let folder_path = folder.path().to_owned();
        (self.run)(&Context { folder: folder_path, cache, is_root, has_users });
    }
}

/// This program as another process, with a part to play.
pub(crate) fn command(argument: &str, cache: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["__alone", argument]).env("SMILE_TEST_CACHE", cache);
    command
}

/// Runs a case in this same program as somebody else. The program is copied to where that user
/// can reach it. `ranges`: what `/etc/subuid` and `/etc/subgid` say, as only that process sees it.
fn run_as_user(name: &'static str, user: u32, ranges: &str) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("smile-user-").tempdir()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let program = folder.path().join("it");
    std::fs::copy("/proc/self/exe", &program)?;
    let own = folder.path().join("tmp");
    std::fs::create_dir(&own)?;
    std::os::unix::fs::chown(&own, Some(user), Some(user))?;
    let cache = std::env::temp_dir().join(format!("smile-test-cache-{user}"));
    std::fs::create_dir_all(&cache)?;
    std::os::unix::fs::chown(&cache, Some(user), Some(user))?;
    let mut passwd = std::fs::read_to_string("/etc/passwd")?;
    let home = own.display();
    passwd = format!("{passwd}smile-{user}:x:{user}:{user}::{home}:/bin/sh\n");
    std::fs::write(folder.path().join("passwd"), passwd)?;
    std::fs::write(folder.path().join("subuid"), ranges)?;
    let script = "set -e; mount --make-rprivate /; mount --bind passwd /etc/passwd
                  mount --bind subuid /etc/subuid; mount --bind subuid /etc/subgid; cd /
                  exec setpriv --reuid $2 --regid $2 --clear-groups \"$1\" __case \"$3\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(program)
        .args([&user.to_string(), name])
        .env("TMPDIR", &own)
        .env("HOME", &own)
        .env("SMILE_TEST_CACHE", &cache)
        .current_dir(folder.path())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// Runs a case in this same program, as root of a file system like a container's.
fn run_on_an_overlay(name: &'static str) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("smile-overlay-").tempdir()?;
    std::fs::copy("/proc/self/exe", folder.path().join("it"))?;
    for inside in ["memory", "root"] {
        std::fs::create_dir(folder.path().join(inside))?;
    }
    let script = "set -e; mount --make-rprivate /; mount -t tmpfs none memory
                  mkdir memory/upper memory/work
                  mount -t overlay -o lowerdir=/,upperdir=memory/upper,workdir=memory/work none root
                  cp it root/usr/local/bin/smile-it; mkdir root/old-root
                  mount -t proc none root/proc; mount --rbind /dev root/dev
                  mount --rbind /sys root/sys; cd root; pivot_root . old-root; umount -l /old-root
                  exec /usr/local/bin/smile-it __case \"$1\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", name])
        .env("SMILE_TEST_CACHE", "/var/cache/smile-test")
        .env("TMPDIR", "/tmp")
        .current_dir(folder.path())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// A sandbox and the way to its guest.
pub(crate) struct Running {
    pub(crate) sandbox: Box<dyn Sandbox>,
    stream: GuestStream,
}

impl Running {
    /// Runs a script inside: its exit code, and what it wrote.
    pub(crate) async fn sh(&mut self, script: &str) -> (i32, String) {
        let exchange = async {
            let length = u32::try_from(script.len()).expect("scripts are short");
            self.stream.write_all(&length.to_be_bytes()).await?;
            self.stream.write_all(script.as_bytes()).await?;
            let code = self.stream.read_i32().await?;
            let mut text = vec![0; self.stream.read_u32().await? as usize];
            self.stream.read_exact(&mut text).await?;
            Ok::<_, std::io::Error>((code, String::from_utf8_lossy(&text).into_owned()))
        };
        tokio::time::timeout(Duration::from_mins(2), exchange)
            .await
            .expect("the script ends")
            .expect("the guest answers")
    }

    /// Runs a script that has to succeed.
    pub(crate) async fn ok(&mut self, script: &str) -> String {
        let (code, text) = self.sh(script).await;
        assert_eq!(code, 0, "`{script}` wrote: {text}");
        text
    }

    /// Tries one system call (see `probe`) in a child of the guest.
    pub(crate) async fn probe(&mut self, name: &str) -> String {
        self.sh(&format!("probe:{name}")).await.1
    }

    pub(crate) fn facts(&self) -> &StartFacts {
        self.sandbox.facts()
    }

    pub(crate) async fn stop(self) {
        assert_eq!(self.sandbox.stop().await, Stopped::Removed);
    }
}

impl Context {
    pub(crate) fn settings(&self) -> Settings {
        Settings::new(self.cache.clone(), std::env::vars().collect())
    }

    /// A sandbox with the host's system and without network.
    pub(crate) async fn host_base(&self) -> Running {
        self.create(&SandboxSpec::new(Base::Host)).await
    }

    pub(crate) async fn create(&self, spec: &SandboxSpec) -> Running {
        Self::create_with(self.settings(), spec).await.unwrap_or_else(|error| {
            panic!(
                "no sandbox: {error}: {:?} ({})",
                std::error::Error::source(&error),
                error.hint()
            )
        })
    }

    pub(crate) async fn create_with(
        settings: Settings,
        spec: &SandboxSpec,
    ) -> Result<Running, StartError> {
        let mut sandbox = Native::new(settings).create(spec).await?;
        let stream = sandbox.guest_stream().expect("the first call has it");
        Ok(Running { sandbox, stream })
    }
}

/// Runs a case's future.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
