//! A guest as an ordinary process, over a socket pair, with a fresh home folder.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use smile_guest::{
    client::{self, Guest, decode},
    message::{OpenSession, RunCommand, RunEnd, RunEnded, RunEvent},
};
use tokio::{task::JoinSet, time::timeout};

/// Longer than any command of a test takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) guest: Guest,
    pub(crate) home: PathBuf,
    pub(crate) session: u32,
    process: Child,
    _driver: JoinSet<()>,
    _folder: tempfile::TempDir,
}

/// A command's end in readable form.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) how: RunEnd,
    pub(crate) output: String,
    pub(crate) asked: Vec<(String, Option<String>)>,
    pub(crate) ended: RunEnded,
}

impl World {
    /// A world with one session.
    pub(crate) async fn new() -> Self {
        Self::with_env(&[]).await
    }

    /// A world whose session has more in its environment.
    pub(crate) async fn with_env(env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir_all(home.join("work")).unwrap();
        let (here, there) = UnixStream::pair().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_smile-guest"))
            .arg(folder.path().join("guest"))
            .stdin(Stdio::from(OwnedFd::from(there)))
            .spawn()
            .unwrap();
        here.set_nonblocking(true).unwrap();
        let (guest, driver) = client::connect(tokio::net::UnixStream::from_std(here).unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = driver.await;
        });
        guest.hello(&["session/run"]).await.unwrap();
        let mut world = Self { guest, home, session: 0, process, _driver: tasks, _folder: folder };
        world.session = world.open(env).await;
        world
    }

    /// The process id of the guest.
    pub(crate) fn guest_pid(&self) -> u32 {
        self.process.id()
    }

    /// Opens another session.
    pub(crate) async fn open(&self, more: &[(&str, &str)]) -> u32 {
        let open = OpenSession {
            columns: 100,
            rows: 30,
            cwd: self.home.join("work").to_str().unwrap().to_owned(),
            env: self.env(more),
            state_of: None,
        };
        self.guest.open_session(&open).await.unwrap().session
    }

    pub(crate) fn env(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = vec![
            ("HOME".to_owned(), self.home.to_str().unwrap().to_owned()),
            (
                "PATH".to_owned(),
                "/usr/local/bin:/usr/local/sbin:/usr/bin:/bin:/usr/sbin:/sbin".to_owned(),
            ),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ];
        env.extend(more.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        env
    }

    pub(crate) fn command(&self, text: &str) -> RunCommand {
        RunCommand {
            session: self.session,
            text: text.to_owned(),
            silence_s: 30,
            limit_s: 60,
            answers: Vec::new(),
            accept_defaults: true,
            move_servers_aside: true,
            track_files: false,
            editor_input: None,
            output_bytes_max: 1 << 20,
        }
    }

    /// Runs a command with the usual settings.
    pub(crate) async fn run(&mut self, text: &str) -> Seen {
        let command = self.command(text);
        self.run_command(&command).await
    }

    /// Runs a command to its end.
    pub(crate) async fn run_command(&mut self, command: &RunCommand) -> Seen {
        let following = async {
            let mut stream = self.guest.run(command).await.unwrap();
            let mut live = Vec::new();
            let mut asked = Vec::new();
            let mut end = None;
            while let Some(event) = stream.next().await.unwrap() {
                match event {
                    RunEvent::Output { data, .. } => live.extend(decode(&data).unwrap()),
                    RunEvent::Asked { question, answer } => asked.push((question, answer)),
                    RunEvent::Ended(ended) => end = Some(*ended),
                    _ => {}
                }
            }
            (live, asked, end.expect("the last event is the end"))
        };
        let Ok((live, asked, ended)) = timeout(PATIENCE, following).await else {
            panic!("`{}` did not end", command.text)
        };
        let output = decode(&ended.output).unwrap();
        if ended.cut_at.is_none() {
            assert_eq!(
                String::from_utf8_lossy(&live),
                String::from_utf8_lossy(&output),
                "live and final output differ"
            );
        }
        self.session = ended.session;
        Seen {
            how: ended.how.clone(),
            output: String::from_utf8_lossy(&output).into_owned(),
            asked,
            ended,
        }
    }

    /// Runs a command that must exit with `code` and print `output`.
    #[track_caller]
    pub(crate) fn check<'a>(
        &'a mut self,
        text: &'a str,
        code: i32,
        output: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let seen = self.run(text).await;
            assert_eq!(
                (seen.how, seen.output.as_str()),
                (RunEnd::Exited { code }, output),
                "`{text}` at {place}"
            );
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The guest ends everything when its pipe closes; a test that failed half-way kills it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
