//! The host's side: starts the helper, waits for the sandbox, and holds its ends.

use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as BlockingStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio::{io::Interest, net::UnixStream, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Backend, Base, BoxFuture, GuestStream, Network, Probe, Sandbox, SandboxSpec, Share, StartError,
    StartFacts, Stopped,
    network::{self, Policy, Stack},
};

use super::{
    channel::{self, Failure, Order, Ready, Report, Stage},
    environment,
    plan::{HOME, Plan, PlanBase, PlanLimits, PlanNetwork, PlanShare, WORK},
    reason::start_error,
    toolchain,
};

/// Unpacking a large archive, or mirroring a large system, the first time.
const START_MAX: Duration = Duration::from_mins(10);

/// How long a stop waits for the removal of what was written.
const REMOVAL_WAIT_MAX: Duration = Duration::from_millis(900);

/// How long a stop waits for the last process; the kernel ends them at once.
const DEATH_WAIT_MAX: Duration = Duration::from_secs(10);

/// Helpers that may not have been waited for yet. There are never more than sandboxes.
static HELPERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// What the backend has to know about the host's user; only the program reads the environment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The folder for runs, bases and what is prepared: `$XDG_CACHE_HOME/smile/native`.
    pub cache: PathBuf,
    /// The program that becomes the helper: this one.
    pub program: PathBuf,
    /// The arguments by which it knows that it is the helper; see
    /// [`helper_main`](super::helper_main).
    pub arguments: Vec<OsString>,
    /// The caller's environment.
    pub environment: Vec<(String, String)>,
    /// What the network policy allows beyond the public internet.
    pub policy: Policy,
    /// Uses the mount call of older kernels although this one has a newer.
    pub old_mount_call: bool,
    /// Keeps what sandboxes write in memory although the cache could hold it.
    pub changes_in_memory: bool,
}

impl Settings {
    /// This program, called again as `program __sandbox`.
    pub fn new(cache: PathBuf, environment: Vec<(String, String)>) -> Self {
        Self {
            cache,
            program: "/proc/self/exe".into(),
            arguments: vec!["__sandbox".into()],
            environment,
            policy: Policy::internet(),
            old_mount_call: false,
            changes_in_memory: false,
        }
    }
}

/// Makes sandboxes on this machine.
#[derive(Debug)]
pub struct Native {
    settings: Settings,
    /// With what the host's configuration names as proxy or mirror; read when first needed.
    policy: OnceLock<Policy>,
}

impl Native {
    /// Does nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, policy: OnceLock::new() }
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<NativeSandbox, StartError> {
        let toolchains = match spec.base {
            Base::Host => toolchain::of_caller(&self.settings.environment),
            Base::Folder(_) | Base::Archive(_) => toolchain::Toolchains::default(),
        };
        let plan = self.plan(spec, &toolchains)?;
        let helper =
            |what: &str, source: io::Error| StartError::Helper { what: what.to_owned(), source };
        let (control, helper_control) =
            channel::pair().map_err(|source| helper("making a socket", source))?;
        let (stream, helper_stream) =
            BlockingStream::pair().map_err(|source| helper("making a socket", source))?;
        collect_helpers();
        let child = Command::new(&self.settings.program)
            .args(&self.settings.arguments)
            .env_clear()
            .stdin(Stdio::from(helper_control))
            .stdout(Stdio::from(OwnedFd::from(helper_stream)))
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| helper("starting this program again", source))?;
        HELPERS.lock().push(child);
        channel::send(&control, &plan, None)
            .map_err(|source| helper("sending the plan", source))?;
        let mut control = Control::new(control)
            .map_err(|source| helper("watching the helper's socket", source))?;
        let (ready, tun) = timeout(START_MAX, control.ready())
            .await
            .map_err(|_| helper("waiting for it", io::ErrorKind::TimedOut.into()))?
            .map_err(|failure| start_error(failure, base_path(&spec.base)))?;
        let network = tun
            .map(|tun| {
                let policy = self.policy().clone().with_allow(spec.allow_hosts.iter().cloned());
                Stack::start(tun, policy, &CancellationToken::new())
                    .map_err(|source| StartError::Network { source })
            })
            .transpose()?;
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| UnixStream::from_std(stream))
            .map_err(|source| helper("watching the guest's stream", source))?;
        let facts = self.facts(spec, ready, &toolchains);
        Ok(NativeSandbox { control, stream: Some(stream), network, facts })
    }

    fn policy(&self) -> &Policy {
        self.policy.get_or_init(|| {
            let environment = &self.settings.environment;
            let named = network::allowed_by_configuration(
                environment.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            );
            self.settings.policy.clone().with_allow(named)
        })
    }

    fn plan(
        &self,
        spec: &SandboxSpec,
        toolchains: &toolchain::Toolchains,
    ) -> Result<Plan, StartError> {
        let limits = &spec.limits;
        let mut shares: Vec<_> = spec.shares.iter().map(plan_share).collect::<Result<_, _>>()?;
        let pass = &spec.environment_pass;
        for path in environment::certificates(&self.settings.environment, pass) {
            shares.push(PlanShare { source: path.clone(), destination: path, copied: false });
        }
        Ok(Plan {
            id: run_id(),
            cache: self.settings.cache.clone(),
            base: match &spec.base {
                Base::Host => PlanBase::Host,
                Base::Folder(path) => PlanBase::Folder(absolute(path)?),
                Base::Archive(path) => PlanBase::Archive(absolute(path)?),
            },
            network: match spec.network {
                Network::None => PlanNetwork::None,
                Network::Internet => PlanNetwork::Internet {
                    address: network::GUEST.octets(),
                    prefix: network::PREFIX_LENGTH,
                    gateway: network::GATEWAY.octets(),
                    mtu: network::MTU,
                },
                Network::Host => PlanNetwork::Host,
            },
            limits: PlanLimits {
                memory_bytes_max: limits.memory_bytes_max,
                processes_max: limits.processes_max,
                disk_bytes_max: limits.disk_bytes_max,
                cpu_millis_max: limits.cpu_millis_max,
                lifetime_ms_max: limits
                    .lifetime_max
                    .map(|most| u64::try_from(most.as_millis()).unwrap_or(u64::MAX)),
                may_be_missing: limits.may_be_missing.clone(),
            },
            shares,
            toolchains: toolchains.folders.clone(),
            strict: spec.strict,
            hostname: spec.hostname.clone(),
            old_mount_call: self.settings.old_mount_call,
            upper_in_memory: self.settings.changes_in_memory,
        })
    }

    fn facts(
        &self,
        spec: &SandboxSpec,
        ready: Ready,
        toolchains: &toolchain::Toolchains,
    ) -> StartFacts {
        let has = |path: &str| match &spec.base {
            Base::Folder(base) => base.join(path).exists(),
            Base::Host | Base::Archive(_) => PathBuf::from("/").join(path).exists(),
        };
        let shell = if has("bin/bash") { "/bin/bash" } else { "/bin/sh" };
        let network = match (spec.network, &ready.network_missing) {
            (Network::Internet, Some(_)) => Network::None,
            (wished, _) => wished,
        };
        let mut environment = environment::inside(
            &self.settings.environment,
            &spec.environment_pass,
            HOME,
            shell,
            &toolchains.path,
        );
        environment.extend(toolchains.variables.iter().cloned());
        if network == Network::Internet {
            for (name, value) in &mut environment {
                if let Some(inside) = network::environment_inside(name, value) {
                    *value = inside;
                }
            }
        }
        StartFacts {
            backend: "native",
            base: describe(&spec.base),
            user: "root".to_owned(),
            home: HOME.to_owned(),
            work: WORK.to_owned(),
            environment,
            network,
            network_missing: ready.network_missing,
            single_user: ready.single_user,
            unprivileged: !rustix::process::geteuid().is_root(),
            limits_missing: ready.limits_missing,
            changes_in_memory: ready.upper_in_memory,
            strict: spec.strict,
            toolchains: toolchains.path.clone(),
        }
    }
}

impl Backend for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async {
            let spec = SandboxSpec::new(Base::Host).with_network(Network::Internet);
            let result = match self.start(&spec).await {
                Ok(sandbox) => {
                    let facts = sandbox.facts.clone();
                    Box::new(sandbox).stop().await;
                    Ok(facts)
                }
                Err(error) => Err(error),
            };
            Probe { backend: "native", result }
        })
    }

    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, StartError>> {
        Box::pin(async {
            let sandbox = self.start(spec).await?;
            Ok(Box::new(sandbox) as Box<dyn Sandbox>)
        })
    }
}

/// Waits for helpers that have ended, so that none stays as a zombie.
fn collect_helpers() {
    HELPERS.lock().retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}

/// Names a run: time, process, number.
fn run_id() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{}-{number}", now.as_micros(), std::process::id())
}

fn base_path(base: &Base) -> Option<&std::path::Path> {
    match base {
        Base::Host => None,
        Base::Folder(path) | Base::Archive(path) => Some(path),
    }
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, StartError> {
    std::path::absolute(path).map_err(|source| StartError::Base { path: path.to_owned(), source })
}

fn plan_share(share: &Share) -> Result<PlanShare, StartError> {
    let source = std::path::absolute(&share.source)
        .map_err(|source| StartError::Share { what: share.source.display().to_string(), source })?;
    Ok(PlanShare {
        source,
        destination: PathBuf::from(WORK).join(&share.destination),
        copied: share.copied,
    })
}

fn describe(base: &Base) -> String {
    match base {
        Base::Host => {
            let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
            let name = release
                .lines()
                .find_map(|line| line.strip_prefix("PRETTY_NAME="))
                .map_or("Linux", |name| name.trim_matches('"'));
            format!("{name} (this host's system)")
        }
        Base::Folder(path) | Base::Archive(path) => path.display().to_string(),
    }
}

/// The socket to the helper.
#[derive(Debug)]
struct Control {
    socket: UnixStream,
    limits_met: Vec<String>,
    exit_code: Option<i32>,
    /// Nothing is left, or the helper is gone.
    over: bool,
}

impl Control {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        // A socket of packets; all that is used of the stream type is its place in the runtime.
        let socket = BlockingStream::from(socket);
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        Ok(Self { socket, limits_met: Vec::new(), exit_code: None, over: false })
    }

    async fn next(&mut self) -> io::Result<Option<(Report, Option<OwnedFd>)>> {
        let socket = &self.socket;
        socket.async_io(Interest::READABLE, || channel::receive(socket)).await
    }

    async fn ready(&mut self) -> Result<(Ready, Option<OwnedFd>), Failure> {
        let failed = |text: String| Failure {
            stage: Stage::Plan,
            what: "waiting for the sandbox's helper".to_owned(),
            errno: None,
            text,
        };
        let mut tun = None;
        loop {
            match self.next().await {
                Ok(Some((Report::Tun, device))) => tun = device,
                Ok(Some((Report::Ready(ready), _))) => return Ok((ready, tun)),
                Ok(Some((Report::Failed(failure), _))) => return Err(failure),
                Ok(Some((Report::Limited(_) | Report::Dead { .. } | Report::Removed, _))) => {}
                Ok(None) => return Err(failed("it ended without a word".to_owned())),
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    }

    fn note(&mut self, received: io::Result<Option<(Report, Option<OwnedFd>)>>) {
        match received {
            Ok(Some((Report::Limited(limit), _))) => self.limits_met.push(limit),
            Ok(Some((Report::Dead { code }, _))) => self.exit_code = Some(code),
            Ok(Some((Report::Removed | Report::Failed(_), _)) | None) | Err(_) => {
                self.over = true;
            }
            Ok(Some((Report::Tun | Report::Ready(_), _))) => {}
        }
    }

    /// Takes what has come, without waiting.
    fn drain(&mut self) {
        while !self.over {
            match self.socket.try_io(Interest::READABLE, || channel::receive(&self.socket)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                received => self.note(received),
            }
        }
    }

    async fn dead(&mut self) -> i32 {
        while self.exit_code.is_none() && !self.over {
            let received = self.next().await;
            self.note(received);
        }
        self.exit_code.unwrap_or(125)
    }

    async fn removed(&mut self) {
        while !self.over {
            let received = self.next().await;
            self.note(received);
        }
    }
}

/// A sandbox of this machine. Its control socket is its life: when that closes, by a drop or by
/// the end of this process, the helper ends everything.
#[derive(Debug)]
struct NativeSandbox {
    control: Control,
    stream: Option<UnixStream>,
    network: Option<Stack>,
    facts: StartFacts,
}

impl Sandbox for NativeSandbox {
    fn facts(&self) -> &StartFacts {
        &self.facts
    }

    fn guest_stream(&mut self) -> Option<GuestStream> {
        self.stream.take().map(|stream| Box::new(stream) as GuestStream)
    }

    fn network(&self) -> Option<&Stack> {
        self.network.as_ref()
    }

    fn limits_met(&mut self) -> Vec<String> {
        self.control.drain();
        self.control.limits_met.clone()
    }

    fn ended(&mut self) -> BoxFuture<'_, i32> {
        Box::pin(self.control.dead())
    }

    fn stop(mut self: Box<Self>) -> BoxFuture<'static, Stopped> {
        Box::pin(async move {
            // The helper may have ended already; then the socket tells so below.
            drop(channel::send(&self.control.socket, &Order::Stop, None));
            let dead = timeout(DEATH_WAIT_MAX, self.control.dead()).await;
            let removed = timeout(REMOVAL_WAIT_MAX, self.control.removed()).await;
            if let Some(network) = self.network.take() {
                network.stop().await;
            }
            collect_helpers();
            if dead.is_ok() && removed.is_ok() { Stopped::Removed } else { Stopped::Removing }
        })
    }
}

impl Drop for NativeSandbox {
    fn drop(&mut self) {
        collect_helpers();
    }
}
