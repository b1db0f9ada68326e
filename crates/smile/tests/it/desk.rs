//! A folder with files in it, and the program run there.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// The id of the ordinary user that root's tests become. It needs no entry in the user list.
const ORDINARY: u32 = 54_321;

/// Who runs the program, and on what kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    /// Whoever runs the tests.
    Me,
    /// An ordinary user, also when root runs the tests.
    Ordinary,
    /// Whoever runs the tests, on a machine without any network.
    WithoutNetwork,
}

/// A folder of its own for one test.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    user: As,
}

impl Desk {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::of(As::Me, files)
    }

    pub(crate) fn of(user: As, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder, user };
        for (name, content) in files {
            desk.write(name, content.as_bytes());
        }
        if desk.changes_user() {
            // The program must be readable where it stands; the build folder may not be.
            fs::copy(env!("CARGO_BIN_EXE_smile"), desk.path("smile-program")).unwrap();
            fs::set_permissions(desk.path("smile-program"), fs::Permissions::from_mode(0o755))
                .unwrap();
            give(desk.folder.path());
        }
        desk
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file below, by name, without what this desk itself needs.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![self.folder.path().to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.folder.path()).unwrap().display().to_string();
                if name == "cache" || name == "smile-program" {
                } else if path.is_dir() {
                    waiting.push(path);
                } else {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }

    fn changes_user(&self) -> bool {
        self.user == As::Ordinary && rustix::process::geteuid().is_root()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = if self.changes_user() {
            self.path("smile-program")
        } else {
            PathBuf::from(env!("CARGO_BIN_EXE_smile"))
        };
        let mut command = if self.user == As::WithoutNetwork {
            let mut command = Command::new("unshare");
            // An ordinary user may make a network of its own in a user namespace only.
            if !rustix::process::geteuid().is_root() {
                command.args(["--user", "--map-current-user"]);
            }
            command.arg("--net").arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.cache())
            .env("HOME", self.folder.path())
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, _) in std::env::vars() {
            if name.starts_with("SMILE_") {
                command.env_remove(name);
            }
        }
        if self.changes_user() {
            command.uid(ORDINARY).gid(ORDINARY);
        }
        command
    }

    /// Root's tests share one cache, so that what every sandbox needs is made once.
    fn cache(&self) -> PathBuf {
        if self.changes_user() {
            self.path("cache")
        } else {
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
        }
    }

    pub(crate) fn smile(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.read("smile-report.json")).unwrap()
    }
}

fn give(path: &Path) {
    std::os::unix::fs::chown(path, Some(ORDINARY), Some(ORDINARY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What became of the steps: `line: command -> outcome`.
pub(crate) fn steps(report: &Value) -> Vec<String> {
    report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            format!(
                "{}: {} -> {}",
                step["lines"]["first"],
                step["what"].as_str().unwrap(),
                step["outcome"]["is"].as_str().unwrap()
            )
        })
        .collect()
}

/// What a step printed, by its command.
pub(crate) fn output(report: &Value, what: &str) -> String {
    let steps = report["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["what"] == what);
    let step = step.unwrap_or_else(|| panic!("no step `{what}` in {:#?}", self::steps(report)));
    step["observation"]["output"]["text"].as_str().unwrap_or_default().replace("\r\n", "\n")
}
