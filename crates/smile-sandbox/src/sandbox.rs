//! What every backend gives: a way to make sandboxes, and sandboxes that are a byte stream to the
//! guest inside, some facts, and an end.

use std::{future::Future, pin::Pin};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{SandboxSpec, StartError};

/// A future of a trait's method.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The stream to the guest: the call protocol in both directions.
pub type GuestStream = Box<dyn Stream>;

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl std::fmt::Debug for dyn Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Stream")
    }
}

/// A kind of sandbox: this machine's own, later a container engine or a cluster.
pub trait Backend: Send + Sync {
    /// How reports and settings name it.
    fn name(&self) -> &'static str;

    /// Says whether sandboxes can be made here, and what is missing.
    fn probe(&self) -> BoxFuture<'_, Probe>;

    /// Makes a sandbox with the guest running in it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes back whatever was made so far.
    ///
    /// # Errors
    ///
    /// [`StartError`] names what is missing; its hint says what mends it.
    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, StartError>>;
}

/// A running sandbox. Dropping it ends everything inside, as [`Sandbox::stop`] does, without
/// waiting for it.
pub trait Sandbox: Send + std::fmt::Debug {
    /// What is true of it.
    fn facts(&self) -> &StartFacts;

    /// The stream to the guest; the first call has it.
    fn guest_stream(&mut self) -> Option<GuestStream>;

    /// The network's record and policy, where the sandbox's traffic goes through this process.
    fn network(&self) -> Option<&crate::network::Stack>;

    /// The sandbox's own limits that were met so far: `memory`, `processes`, `disk`, `lifetime`.
    /// The programs inside were ended for the last three.
    fn limits_met(&mut self) -> Vec<String>;

    /// Waits until the sandbox ends by itself (the guest ended, or its lifetime is over).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    fn ended(&mut self) -> BoxFuture<'_, i32>;

    /// Ends everything inside and removes what was written. Returns once no process is left and
    /// either nothing else is, or a second is over: then the removal goes on by itself.
    fn stop(self: Box<Self>) -> BoxFuture<'static, Stopped>;
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing is left.
    Removed,
    /// No process is left; files are still being removed, which goes on also without this
    /// process.
    Removing,
}

/// What is true of a sandbox that has started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct StartFacts {
    /// The backend's name.
    pub backend: &'static str,
    /// What the file system is, in words: `Debian GNU/Linux 12 (this host's system)`.
    pub base: String,
    /// Who the learner is inside.
    pub user: String,
    /// Their home folder.
    pub home: String,
    /// Where they start.
    pub work: String,
    /// The whole environment of a session that starts.
    pub environment: Vec<(String, String)>,
    /// What may be reached, in fact.
    pub network: crate::Network,
    /// Why there is less network than was asked for.
    pub network_missing: Option<String>,
    /// Only one user is known inside: what changes owners or becomes another user fails, and that
    /// is the sandbox's doing, not the tutorial's.
    pub single_user: bool,
    /// The host's user is not root.
    pub unprivileged: bool,
    /// Limits of the specification that are not enforced.
    pub limits_missing: Vec<String>,
    /// What is written is kept in memory.
    pub changes_in_memory: bool,
    /// Capabilities and new privileges are gone: `sudo` cannot work.
    pub strict: bool,
    /// Folders with programs of the author's own that are shown, at the end of `PATH`.
    pub toolchains: Vec<String>,
}

/// What `smile doctor` says about a backend.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The backend's name.
    pub backend: &'static str,
    /// A sandbox that was made and removed for the question, or why it could not be.
    pub result: Result<StartFacts, StartError>,
}
