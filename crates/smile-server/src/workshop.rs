//! The learner's machine: a sandbox of any backend, and its guest doing what the loop asks.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use smile_guest::{
    client::{self, ClientError, Guest, RunStream},
    message::{
        Change, Exec, OpenSession, ReadFile, RunCommand, RunEnd, RunEnded, RunEvent, Visit,
        WriteFile, operation,
    },
};
use smile_loop::{
    CommandEnd, EnvironmentNote, FileChange, NetworkFact, Observation, OutputText, Perform, Prompt,
    SandboxFacts,
};
use smile_sandbox::{Backend, Network, Sandbox, SandboxSpec, StartFacts};
use tokio::{task::JoinSet, time::timeout};

use crate::hands::{Hands, Seen, Trouble, Written};

/// Kept of one command's output; a page that shows more is over its own limit.
const OUTPUT_BYTES_MAX: u64 = 128 * 1024;
/// The largest file that is read to fit a part into it.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How long a guest may take for what is no command of the tutorial.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How much longer than its own limit a command's end may take to arrive.
const END_GRACE: Duration = Duration::from_secs(10);

/// How long an address is waited for while servers listen, but not there.
const WRONG_DOOR_PATIENCE: Duration = Duration::from_secs(2);

/// A sandbox, made anew for each iteration.
pub(crate) struct Workshop {
    backend: Arc<dyn Backend>,
    spec: SandboxSpec,
    made: Option<Made>,
    described: Option<Described>,
}

/// A sandbox in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Backend, system, user and network, on one line.
    pub(crate) words: String,
    /// What the machine lacks that was asked for.
    pub(crate) notes: Vec<EnvironmentNote>,
}

struct Made {
    sandbox: Box<dyn Sandbox>,
    guest: Guest,
    /// Moves the guest's pipe; ends with the guest.
    pipe: JoinSet<()>,
    session: u32,
    shell: String,
    /// Ports that programs of the tutorial began to listen on.
    listening: BTreeSet<u16>,
}

impl Workshop {
    pub(crate) fn new(backend: Arc<dyn Backend>, spec: SandboxSpec) -> Self {
        Self { backend, spec, made: None, described: None }
    }

    fn made(&mut self) -> Result<&mut Made, Trouble> {
        self.made.as_mut().ok_or_else(|| Trouble("there is no sandbox".to_owned()))
    }
}

impl Hands for Workshop {
    async fn create(&mut self) -> Result<SandboxFacts, Trouble> {
        self.remove().await;
        let mut sandbox = self.backend.create(&self.spec).await.map_err(|error| {
            let Trouble(reason) = trouble(&error);
            Trouble(format!("{reason} ({})", error.hint()))
        })?;
        let stream = sandbox
            .guest_stream()
            .ok_or_else(|| Trouble("the sandbox gives no stream to its guest".to_owned()))?;
        let (guest, driver) = client::connect(stream);
        let mut pipe = JoinSet::new();
        pipe.spawn(async move {
            // How the pipe ended is seen by the call that was under way.
            let _ = driver.await;
        });
        self.described = Some(describe(sandbox.facts()));
        let made = self.made.insert(Made {
            sandbox,
            guest,
            pipe,
            session: 0,
            shell: String::new(),
            listening: BTreeSet::new(),
        });
        let required = [operation::SESSION_RUN, operation::FILE_WRITE];
        bounded("the guest's greeting", made.guest.hello(&required)).await?;
        let start = made.sandbox.facts();
        Ok(SandboxFacts {
            home: start.home.clone(),
            cwd: start.work.clone(),
            user: start.user.clone(),
            root: start.user == "root",
            hostname: self.spec.hostname.clone(),
            system: system(&made.guest, start).await,
            network: match start.network {
                Network::Internet | Network::Host => NetworkFact::Internet,
                _ => NetworkFact::None,
            },
            programs_present: BTreeSet::new(),
            programs_asked: BTreeSet::new(),
            files_given: self
                .spec
                .shares
                .iter()
                .map(|share| share.destination.display().to_string())
                .collect(),
        })
    }

    fn described(&self) -> Option<Described> {
        self.described.clone()
    }

    async fn open_session(&mut self) -> Result<(), Trouble> {
        let made = self.made()?;
        let facts = made.sandbox.facts();
        let open = OpenSession {
            columns: 80,
            rows: 24,
            cwd: facts.work.clone(),
            env: facts.environment.clone(),
            state_of: None,
        };
        let opened = bounded("opening the shell", made.guest.open_session(&open)).await?;
        made.session = opened.session;
        made.shell = opened.shell;
        Ok(())
    }

    async fn inspect(&mut self, programs: Vec<String>) -> Result<BTreeSet<String>, Trouble> {
        let made = self.made()?;
        let look = r#"for p; do command -v -- "$p" >/dev/null 2>&1 && printf '%s\n' "$p"; done; :"#;
        let mut argv =
            vec![made.shell.clone(), "-c".to_owned(), look.to_owned(), "smile".to_owned()];
        argv.extend(programs);
        let facts = made.sandbox.facts();
        let exec = Exec {
            argv,
            env: facts.environment.clone(),
            cwd: facts.work.clone(),
            output_bytes_max: 1 << 20,
            timeout_ms: Some(10_000),
            ..Exec::default()
        };
        let ended = bounded("looking for programs", made.guest.exec(&exec)).await?;
        let found = client::decode(&ended.stdout).map_err(|error| trouble(&error))?;
        Ok(String::from_utf8_lossy(&found).lines().map(str::to_owned).collect())
    }

    async fn perform(
        &mut self,
        perform: Perform,
        output: impl FnMut(&[u8]) + Send,
    ) -> Result<Observation, Trouble> {
        let made = self.made()?;
        let command = RunCommand {
            session: made.session,
            text: perform.text.clone(),
            silence_s: perform.silence.as_secs().max(1),
            limit_s: perform.limit.as_secs().max(1),
            answers: perform.answers.clone(),
            accept_defaults: perform.accept_defaults,
            move_servers_aside: true,
            track_files: true,
            editor_input: perform.editor_input.clone(),
            output_bytes_max: OUTPUT_BYTES_MAX,
        };
        let run = async {
            let mut stream = made.guest.run(&command).await?;
            follow(&mut stream, output).await
        };
        // The guest keeps the limits; this one only catches a guest that has stopped answering.
        let (ended, prompts) = match timeout(perform.limit + END_GRACE, run).await {
            Ok(Ok(Some(done))) => done,
            Ok(Ok(None)) => {
                return Err(Trouble("the guest ended a command without its end".to_owned()));
            }
            Ok(Err(error)) => return Err(trouble(&error)),
            Err(_) => return Err(Trouble("the guest does not answer any more".to_owned())),
        };
        made.session = ended.session;
        made.listening.extend(&ended.listening);
        let mut observation = observation(ended, prompts, &perform)?;
        if observation.limited.is_none() {
            observation.limited = made.sandbox.limits_met().into_iter().next();
        }
        Ok(observation)
    }

    async fn write(
        &mut self,
        path: String,
        content: String,
        append: bool,
    ) -> Result<Written, Trouble> {
        let made = self.made()?;
        let session = made.session;
        let look = ReadFile { path: path.clone(), session, bytes_max: 0 };
        let before = match bounded("looking at a file", made.guest.read_file(&look)).await {
            Ok((_, bytes)) => Some(bytes),
            Err(_) => None,
        };
        let write = WriteFile {
            path,
            session,
            data: client::encode(content.as_bytes()),
            append,
            make_folders: true,
            mode: 0o644,
        };
        match timeout(ANSWER_LIMIT, made.guest.write_file(&write)).await {
            Ok(Ok(written)) => Ok(Written::Done {
                path: written.path,
                existed: before.is_some(),
                bytes: content.len() as u64 + if append { before.unwrap_or(0) } else { 0 },
            }),
            Ok(Err(ClientError::Refused(error))) if error.code != "INTERNAL" => {
                Ok(Written::Refused(error.message))
            }
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble("the guest did not write a file in time".to_owned())),
        }
    }

    async fn read(&mut self, path: String) -> Result<Option<String>, Trouble> {
        let made = self.made()?;
        let read = ReadFile { path, session: made.session, bytes_max: FILE_BYTES_MAX };
        match timeout(ANSWER_LIMIT, made.guest.read_file(&read)).await {
            Ok(Ok((bytes, _))) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Ok(Err(ClientError::Refused(error))) if error.code != "INTERNAL" => Ok(None),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble("the guest did not read a file in time".to_owned())),
        }
    }

    async fn visit(&mut self, url: String, patience: Duration) -> Result<Seen, Trouble> {
        let made = self.made()?;
        // Who has started a server elsewhere is waiting at the wrong door.
        let elsewhere = !made.listening.is_empty()
            && port(&url).is_some_and(|port| !made.listening.contains(&port));
        let patience = if elsewhere { patience.min(WRONG_DOOR_PATIENCE) } else { patience };
        let timeout_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let visit = Visit { url, timeout_ms };
        match timeout(patience + END_GRACE, made.guest.visit(&visit)).await {
            Ok(Ok(visited)) => Ok(Seen::Answer { status: visited.status, body: visited.body }),
            Ok(Err(ClientError::Refused(error))) => Ok(Seen::Nothing(error.message)),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble("the guest did not open an address in time".to_owned())),
        }
    }

    async fn remove(&mut self) {
        let Some(mut made) = self.made.take() else { return };
        made.sandbox.stop().await;
        made.pipe.shutdown().await;
    }
}

fn describe(facts: &StartFacts) -> Described {
    let network = match facts.network {
        Network::Internet => "internet",
        Network::Host => "this machine's network",
        _ => "no network",
    };
    let strict = if facts.strict { ", strict" } else { "" };
    let StartFacts { backend, base, user, .. } = facts;
    let words = format!("{backend} sandbox, user {user}, {network}{strict}, {base}");
    Described { words, notes: notes(facts) }
}

/// What the sandbox lacks that was asked for: said at the start, and never a gap.
fn notes(facts: &StartFacts) -> Vec<EnvironmentNote> {
    let note =
        |code: &str, text: String| EnvironmentNote { code: code.to_owned(), line: None, text };
    let mut found = Vec::new();
    if let Some(why) = &facts.network_missing {
        found.push(note("network-missing", format!("the sandbox has no network: {why}")));
    }
    if !facts.limits_missing.is_empty() {
        let names = facts.limits_missing.join(", ");
        found.push(note("limits-missing", format!("not enforced here, as allowed: {names}")));
    }
    if facts.changes_in_memory {
        let text = "what is written is kept in memory, because no folder here can hold it";
        found.push(note("changes-in-memory", text.to_owned()));
    }
    found
}

/// The system's id and version as in os-release, such as `debian 12`; empty if unknown.
async fn system(guest: &Guest, facts: &StartFacts) -> String {
    let exec = Exec {
        argv: vec!["cat".to_owned(), "/etc/os-release".to_owned()],
        env: facts.environment.clone(),
        cwd: "/".to_owned(),
        output_bytes_max: 64 * 1024,
        timeout_ms: Some(5_000),
        ..Exec::default()
    };
    let Ok(ended) = bounded("reading the system's name", guest.exec(&exec)).await else {
        return String::new();
    };
    let text = client::decode(&ended.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    format!("{} {}", value("ID"), value("VERSION_ID")).trim().to_owned()
}

/// The port of an address.
fn port(url: &str) -> Option<u16> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_ends = authority.rfind(']').unwrap_or(0);
    match authority[host_ends..].rsplit_once(':') {
        Some((_, port)) => port.parse().ok(),
        None => Some(if scheme == "https" { 443 } else { 80 }),
    }
}

/// Reads a command's events to its end.
async fn follow(
    stream: &mut RunStream,
    mut output: impl FnMut(&[u8]) + Send,
) -> Result<Option<(RunEnded, Vec<Prompt>)>, ClientError> {
    let mut prompts = Vec::new();
    while let Some(event) = stream.next().await? {
        match event {
            RunEvent::Output { data, .. } => output(&client::decode(&data)?),
            RunEvent::Asked { question, answer } => prompts.push(Prompt { question, answer }),
            RunEvent::Ended(ended) => return Ok(Some((*ended, prompts))),
            _ => {} // `Listening` comes again in the end; others are of a newer guest.
        }
    }
    Ok(None)
}

fn observation(
    ended: RunEnded,
    prompts: Vec<Prompt>,
    perform: &Perform,
) -> Result<Observation, Trouble> {
    let bytes = client::decode(&ended.output).map_err(|error| trouble(&error))?;
    let text = match ended.cut_at.and_then(|at| usize::try_from(at).ok()) {
        None => String::from_utf8_lossy(&bytes).into_owned(),
        Some(at) => {
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            let left_out = ended.output_bytes_total.saturating_sub(bytes.len() as u64);
            format!(
                "{}\n[… {left_out} bytes left out …]\n{}",
                String::from_utf8_lossy(head),
                String::from_utf8_lossy(tail)
            )
        }
    };
    Ok(Observation {
        end: match ended.how {
            RunEnd::Exited { code } => CommandEnd::Exited { code },
            RunEnd::MovedAside => CommandEnd::MovedAside,
            RunEnd::Waiting => CommandEnd::Waiting,
            RunEnd::Silent => CommandEnd::Silent { limit_s: perform.silence.as_secs() },
            RunEnd::OverTime => CommandEnd::OverTime { limit_s: perform.limit.as_secs() },
            RunEnd::ShellEnded { code } => CommandEnd::ShellEnded { code },
            _ => CommandEnd::Stopped,
        },
        output: OutputText {
            text,
            bytes_total: ended.output_bytes_total,
            cut: ended.cut_at.is_some(),
        },
        duration_ms: ended.duration_us / 1000,
        cwd_before: ended.cwd_before,
        cwd_after: ended.cwd_after,
        pipe_status: ended.pipe_status,
        commands_not_found: ended.commands_not_found,
        files: ended
            .files
            .into_iter()
            .map(|file| FileChange {
                path: file.path,
                what: match file.change {
                    Change::Made => "made",
                    Change::Changed => "changed",
                    Change::Removed => "removed",
                }
                .to_owned(),
                bytes: file.bytes,
            })
            .collect(),
        listening: ended.listening,
        prompts,
        limited: ended.limited,
    })
}

async fn bounded<T>(
    what: &str,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, Trouble> {
    match timeout(ANSWER_LIMIT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Trouble(format!("{what}: {}", trouble(&error).0))),
        Err(_) => Err(Trouble(format!("{what} took longer than {} s", ANSWER_LIMIT.as_secs()))),
    }
}

/// An error with its causes.
fn trouble(error: &dyn std::error::Error) -> Trouble {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    Trouble(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        let check = |url: &str, expected: Option<u16>| assert_eq!(port(url), expected, "{url}");
        check("http://localhost:8000/a?b=c:1", Some(8000));
        check("http://127.0.0.1", Some(80));
        check("https://[::1]/x", Some(443));
        check("http://[::1]:81/x", Some(81));
        check("http://localhost:none", None);
        check("localhost", None);
    }
}
