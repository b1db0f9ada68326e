//! What went wrong, read from what programs say: a table of evidence.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};

/// One recognised trouble.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Symptom {
    /// The shell, `env`, `sudo` or `make` could not find a program.
    CommandNotFound(String),
    /// A language's module or package is not installed.
    ModuleMissing(String),
    /// A C header or a library known to `pkg-config` is not there.
    LibraryMissing(String),
    /// A file or folder is not there.
    NoSuchFile(String),
    /// A project's own file (`Cargo.toml`, `Makefile`, `package.json`) is not here.
    ManifestMissing(String),
    /// Not inside a repository.
    NotARepository,
    /// Git does not know who commits.
    IdentityUnknown,
    /// A repository without what the command refers to.
    NoSuchRevision(String),
    /// A remote that nobody has added.
    NoSuchRemote(String),
    /// The system's Python refuses packages.
    ExternallyManaged,
    /// A right is missing.
    PermissionDenied(String),
    /// Somebody listens there already.
    PortInUse(Option<u16>),
    /// A name could not be resolved, or a host not be reached.
    HostUnreachable(Option<String>),
    /// Nothing listens on this machine's own port.
    NothingListens(Option<u16>),
    /// It is there already.
    AlreadyExists(String),
    /// A package manager does not know the package.
    PackageUnknown(String),
    /// A screen is needed.
    NoDisplay,
    /// A terminal is needed.
    NoTerminal,
    /// The shell could not read the command.
    ShellSyntax,
    /// A program does not know an option or subcommand.
    UsageError(String),
    /// A daemon such as Docker's does not answer.
    DaemonDown(String),
    /// Another process holds a lock for the moment.
    LockHeld,
    /// The system has no more room, memory or processes.
    OutOfRoom,
    /// The version of a program or language is too old or too new.
    VersionUnfit(String),
}

impl Symptom {
    /// Whether it may pass by itself.
    pub(crate) fn transient(&self) -> bool {
        matches!(self, Self::LockHeld | Self::HostUnreachable(_))
    }
}

struct Rule {
    pattern: Regex,
    make: fn(&Captures<'_>) -> Symptom,
}

fn group(found: &Captures<'_>, number: usize) -> String {
    let text = found.get(number).map_or("", |part| part.as_str());
    text.trim().trim_matches(['\'', '"', '`', '‘', '’', '“', '”']).to_owned()
}

fn port(found: &Captures<'_>, number: usize) -> Option<u16> {
    found.get(number).and_then(|part| part.as_str().parse().ok())
}

/// Looked at in this order, line by line; the first that fits names the line's trouble.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    type Make = fn(&Captures<'_>) -> Symptom;
    let table: &[(&str, Make)] = &[
        // Programs.
        (r"(?:^|: )(?:line \d+: )?([^\s:'\x22]+): (?:command not found|not found)$", |c| {
            Symptom::CommandNotFound(group(c, 1))
        }),
        (
            r"^(?:-?bash|sh|zsh|fish|dash): (?:line )?(?:\d+: )?([^\s:]+): (?:command )?not found",
            |c| Symptom::CommandNotFound(group(c, 1)),
        ),
        (r"command not found: (\S+)$", |c| Symptom::CommandNotFound(group(c, 1))),
        (
            r"^(?:/usr/bin/)?env: [‘'\x22]?([^’'\x22:]+)[’'\x22]?: No such file or directory",
            |c| Symptom::CommandNotFound(group(c, 1)),
        ),
        (r"^sudo: (\S+): command not found", |c| Symptom::CommandNotFound(group(c, 1))),
        (r"^make(?:\[\d+\])?: ([^\s:/]+): No such file or directory", |c| {
            Symptom::CommandNotFound(group(c, 1))
        }),
        (r#"exec: "([^"]+)": executable file not found"#, |c| {
            Symptom::CommandNotFound(group(c, 1))
        }),
        (r"(?i)error: (?:no such command|unknown command):? [`'\x22]?([\w-]+)", |c| {
            Symptom::UsageError(group(c, 1))
        }),
        // Modules and libraries.
        (r"ModuleNotFoundError: No module named '?([\w.]+)'?", |c| {
            Symptom::ModuleMissing(group(c, 1))
        }),
        (r"ImportError: No module named '?([\w.]+)'?", |c| Symptom::ModuleMissing(group(c, 1))),
        (r": No module named '?([\w.]+)'?$", |c| Symptom::ModuleMissing(group(c, 1))),
        (r"Cannot find (?:module|package) '([^'./][^']*)'", |c| {
            Symptom::ModuleMissing(group(c, 1))
        }),
        (r"Can't locate (\S+)\.pm in @INC", |c| {
            Symptom::ModuleMissing(group(c, 1).replace('/', "::"))
        }),
        (r"cannot load such file -- (\S+)", |c| Symptom::ModuleMissing(group(c, 1))),
        (r"there is no package called (\S+)", |c| Symptom::ModuleMissing(group(c, 1))),
        (r"error: no required module provides package (\S+)", |c| {
            Symptom::ModuleMissing(group(c, 1))
        }),
        (r"fatal error: ([\w./+-]+\.h(?:pp|xx)?): No such file or directory", |c| {
            Symptom::LibraryMissing(group(c, 1))
        }),
        (r"[Pp]ackage '?([\w.+-]+)'?,? (?:required by .* )?(?:was )?not found", |c| {
            Symptom::LibraryMissing(group(c, 1))
        }),
        (r"Dependency \x22([\w.+-]+)\x22 not found", |c| Symptom::LibraryMissing(group(c, 1))),
        (r"cannot find -l([\w+-]+)", |c| Symptom::LibraryMissing(format!("lib{}", group(c, 1)))),
        (r"error while loading shared libraries: (\S+):", |c| Symptom::LibraryMissing(group(c, 1))),
        // Python's own refusal.
        (r"externally-managed-environment", |_| Symptom::ExternallyManaged),
        // Git.
        (r"not a git repository", |_| Symptom::NotARepository),
        (
            r"Author identity unknown|Please tell me who you are|unable to auto-detect email address|empty ident name",
            |_| Symptom::IdentityUnknown,
        ),
        (r"does not have any commits yet", |_| Symptom::NoSuchRevision("HEAD".to_owned())),
        (
            r"(?:ambiguous argument|bad revision|unknown revision or path not in the working tree|invalid reference:|Not a valid object name:?) ?'?([^\s':]*)",
            |c| Symptom::NoSuchRevision(group(c, 1)),
        ),
        (r"error: src refspec (\S+) does not match any", |c| Symptom::NoSuchRevision(group(c, 1))),
        (r"error: No such remote:? '?([^\s']+)", |c| Symptom::NoSuchRemote(group(c, 1))),
        (r"'([^']+)' does not appear to be a git repository", |c| {
            Symptom::NoSuchRemote(group(c, 1))
        }),
        (r"No configured push destination", |_| Symptom::NoSuchRemote("origin".to_owned())),
        (r"pathspec '([^']+)' did not match any file", |c| Symptom::NoSuchFile(group(c, 1))),
        (r"fatal: repository '([^']+)' does not exist", |c| Symptom::NoSuchFile(group(c, 1))),
        (r"fatal: destination path '([^']+)' already exists", |c| {
            Symptom::AlreadyExists(group(c, 1))
        }),
        // A project's own file.
        (r"could not find `(Cargo\.toml)`", |c| Symptom::ManifestMissing(group(c, 1))),
        (r"manifest path `([^`]+)` does not exist", |c| Symptom::ManifestMissing(group(c, 1))),
        (r"No targets specified and no makefile found", |_| {
            Symptom::ManifestMissing("Makefile".to_owned())
        }),
        (r"No rule to make target [`'‘]([^'’]+)['’]", |c| {
            Symptom::ManifestMissing(format!("Makefile with a target {}", group(c, 1)))
        }),
        (r"(?:ENOENT|enoent|Could not read).*?[/'\x22]?(package\.json)", |c| {
            Symptom::ManifestMissing(group(c, 1))
        }),
        (r"go: (?:cannot find main module|go\.mod file not found)|no (go\.mod) file", |_| {
            Symptom::ManifestMissing("go.mod".to_owned())
        }),
        (r"does not appear to contain (CMakeLists\.txt)", |c| {
            Symptom::ManifestMissing(group(c, 1))
        }),
        (r"(?i)no configuration file provided|can't find a suitable configuration file", |_| {
            Symptom::ManifestMissing("docker-compose.yml".to_owned())
        }),
        (r"[Nn]o `?(pyproject\.toml)`? found", |c| Symptom::ManifestMissing(group(c, 1))),
        (r"Config file '([^']+)' does not exist", |c| Symptom::ManifestMissing(group(c, 1))),
        (r"Could not locate a (Flask application|Gemfile)", |c| {
            Symptom::ManifestMissing(group(c, 1))
        }),
        (r"Neither directory contains a build file (meson\.build)", |c| {
            Symptom::ManifestMissing(group(c, 1))
        }),
        (r"Missing (build\.gradle|pom\.xml)|no POM in this directory", |_| {
            Symptom::ManifestMissing("build file".to_owned())
        }),
        // Terminals, screens, daemons.
        (
            r"(?i)cannot open display|no display name and no \$DISPLAY|could not connect to display|Missing X server|unable to open X display|no protocol specified|\$DISPLAY",
            |_| Symptom::NoDisplay,
        ),
        (
            r"(?i)the input device is not a TTY|not a terminal|inappropriate ioctl|stdin is not a tty|must be run from a terminal|Error opening terminal",
            |_| Symptom::NoTerminal,
        ),
        (r"(?i)cannot connect to the (docker) daemon", |c| Symptom::DaemonDown(group(c, 1))),
        (r"System has not been booted with (systemd)", |c| Symptom::DaemonDown(group(c, 1))),
        (r"(?i)could not connect to (?:server|database).*(postgres|mysql|redis|mongo)", |c| {
            Symptom::DaemonDown(group(c, 1))
        }),
        // Ports and hosts.
        (
            r"(?i)(?:address already in use|EADDRINUSE|port is already allocated|port (\d+) is (?:already )?in use)(?:.*?:(\d{2,5}))?",
            |c| Symptom::PortInUse(port(c, 1).or_else(|| port(c, 2))),
        ),
        (
            r"(?i)(?:Failed to connect to|connect(?:ion)? to) (?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)(?: \([^)]*\))?[: ](?:port )?(\d+)",
            |c| Symptom::NothingListens(port(c, 1)),
        ),
        (r"ECONNREFUSED (?:127\.0\.0\.1|::1|localhost):(\d+)", |c| {
            Symptom::NothingListens(port(c, 1))
        }),
        (
            r"(?i)(?:Could not resolve (?:host:?|proxy:?|hostname)|Name or service not known|Temporary failure (?:in name resolution|resolving)|getaddrinfo \w+|unable to resolve host(?: address)?|failed to lookup address|nodename nor servname|server misbehaving|Unknown host|Name does not resolve)(?: ?:? ?[‘'\x22]?([\w-]+(?:\.[\w-]+)+))?",
            |c| Symptom::HostUnreachable(c.get(1).map(|h| h.as_str().to_owned())),
        ),
        (
            r"(?i)Network is unreachable|No route to host|ENETUNREACH|ETIMEDOUT|Connection timed out|Connection reset by peer|ECONNRESET|NewConnectionError|Failed to establish a new connection|TLS handshake timeout|Temporary failure|spurious network error|error: failed to get .* from registry|failed to download from",
            |_| Symptom::HostUnreachable(None),
        ),
        (r"(?i)(?:The requested URL returned error:|HTTP error|status code:?) 50[234]", |_| {
            Symptom::HostUnreachable(None)
        }),
        // Packages.
        (r"Unable to locate package (\S+)", |c| Symptom::PackageUnknown(group(c, 1))),
        (r"No matching distribution found for (\S+)", |c| Symptom::PackageUnknown(group(c, 1))),
        (r"npm (?:ERR!|error) 404 +'([^']+)' is not in", |c| Symptom::PackageUnknown(group(c, 1))),
        (r"error: could not find `([^`]+)` in registry", |c| Symptom::PackageUnknown(group(c, 1))),
        (
            r"Could not get lock|is another process using it|Unable to acquire the dpkg frontend lock|database is locked|Text file busy|Blocking waiting for file lock",
            |_| Symptom::LockHeld,
        ),
        (
            r"(?i)No space left on device|Disk quota exceeded|Cannot allocate memory|MemoryError|Resource temporarily unavailable|fork: retry",
            |_| Symptom::OutOfRoom,
        ),
        // Files.
        (r"^\S+: ([^\s:]+): Cannot (?:stat|open|read): No such file", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (r"cannot remove [‘'\x22]([^’'\x22]+)[’'\x22]: No such file", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (
            r"(?:cannot|can't|could not|failed to|unable to|error:?) (?:access|stat|open|find|read|create|cd to|load|touch|move|chdir|list)[^‘'\x22]{0,40}[‘'\x22]([^’'\x22]+)[’'\x22].*(?:No such file or directory|does not exist|not found)",
            |c| Symptom::NoSuchFile(group(c, 1)),
        ),
        (r"No such file or directory: [‘'\x22]?([^’'\x22]+?)[’'\x22]?$", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (
            r"(?i)(?:ENOENT|no such file or directory)[^'\x22]*,? \w+ ['\x22]([^'\x22]+)['\x22]",
            |c| Symptom::NoSuchFile(group(c, 1)),
        ),
        (r"can't open file '([^']+)'", |c| Symptom::NoSuchFile(group(c, 1))),
        (r"Cannot find module '([./][^']*)'", |c| Symptom::NoSuchFile(group(c, 1))),
        (r"(?:^|: )(?:can't open|cannot open) ([^\s:]+): No such file", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (
            r"(?:can't|cannot) (?:cd|stat|open|read)[^:]*?:? ?[‘'\x22]?([^\s:‘’'\x22]+)[’'\x22]?: No such file",
            |c| Symptom::NoSuchFile(group(c, 1)),
        ),
        (r"error: couldn't (?:read|open) [`'\x22]?([^`'\x22]+?)[`'\x22]?: No such file", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (r"[Ff]ile (?:not found|does not exist):? ?[‘'\x22`]?([^\s‘’'\x22`]+)", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (r"[‘'\x22]?([^\s:‘’'\x22]+)[’'\x22]?: No such file or directory", |c| {
            Symptom::NoSuchFile(group(c, 1))
        }),
        (r"(?:cannot|failed to) create \w+ [‘'\x22]([^’'\x22]+)[’'\x22]: File exists", |c| {
            Symptom::AlreadyExists(group(c, 1))
        }),
        (r"[‘'\x22`]?([^\s:‘’'\x22`]+)[’'\x22`]?:? (?:File exists|already exists)", |c| {
            Symptom::AlreadyExists(group(c, 1))
        }),
        // Rights.
        (
            r"(?i)are you root\?|must be run as root|requires root|need to be root|must be superuser|only root can|operation not permitted|EACCES|EPERM|a password is required|is not in the sudoers",
            |_| Symptom::PermissionDenied(String::new()),
        ),
        (
            r"(?:^|: )(?:line \d+: )?[‘'\x22]?([^\s:‘’'\x22]+)[’'\x22]?: Permission denied",
            |c| Symptom::PermissionDenied(group(c, 1)),
        ),
        (r"(?i)permission denied", |_| Symptom::PermissionDenied(String::new())),
        // The command itself.
        (
            r"syntax error near unexpected token|syntax error: unexpected|unexpected EOF while looking|command not found: [<>]",
            |_| Symptom::ShellSyntax,
        ),
        (
            r"(?i)(?:unrecognized|unknown|invalid|illegal|unexpected) (?:option|argument|flag|subcommand|command)s?:?(?: --)? ?[‘'\x22`]?([\w-]*)",
            |c| Symptom::UsageError(group(c, 1)),
        ),
        (r"(?i)no such (?:option|subcommand|command):? ?[‘'\x22`]?([\w-]*)", |c| {
            Symptom::UsageError(group(c, 1))
        }),
        (
            r"(?i)(?:requires|needs) (?:at least |a minimum of )?([A-Za-z][\w.+-]*)(?: version)? ?(?:>=|=>|≥|version)? ?v?\d+[\d.]*(?: or (?:newer|higher|later|above))?.*(?:but|found|you have|is installed|running)",
            |c| Symptom::VersionUnfit(group(c, 1)),
        ),
        (r"Unsupported engine|EBADENGINE|Requires-Python|requires rustc (\d)", |_| {
            Symptom::VersionUnfit(String::new())
        }),
    ];
    table
        .iter()
        .map(|&(pattern, make)| Rule {
            pattern: Regex::new(pattern).expect("the patterns of this table are tested"),
            make,
        })
        .collect()
});

/// The troubles that a plain output tells of, the first first, each once.
pub(crate) fn find(output: &str) -> Vec<Symptom> {
    const LINES_MAX: usize = 4_000;
    let mut found: Vec<Symptom> = Vec::new();
    for line in output.lines().take(LINES_MAX) {
        let line: String = line.trim_end().chars().take(1_000).collect();
        if let Some(symptom) = find_in_line(&line)
            && !found.contains(&symptom)
            && found.len() < 16
        {
            found.push(symptom);
        }
    }
    found
}

/// All patterns at once: nearly every line fits none of them.
static ANY: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(RULES.iter().map(|rule| rule.pattern.as_str()))
        .expect("the patterns of this table are tested")
});

fn find_in_line(line: &str) -> Option<Symptom> {
    let first = ANY.matches(line).iter().next()?;
    RULES[first..]
        .iter()
        .find_map(|rule| rule.pattern.captures(line).map(|found| (rule.make)(&found)))
}

/// Lines that say that something went wrong, whatever the exit code is.
pub(crate) fn error_lines(output: &str) -> Vec<&str> {
    static ERROR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:\S+: )?(?:(?:fatal|error|Error|ERROR|FATAL|panic|E)(?:\[\w+\])?:|Traceback \(most recent|\S*Error: )|: (?:command not found|No such file or directory|Permission denied)$|npm (?:ERR!|error)")
            .expect("a tested pattern")
    });
    output.lines().take(4_000).filter(|line| ERROR.is_match(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Symptom::*, *};

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn troubles_are_named() {
        let s = str::to_owned;
        let cases: Vec<(&str, Symptom)> = vec![
            ("bash: line 1: meson: command not found", CommandNotFound(s("meson"))),
            ("bash: tree: command not found", CommandNotFound(s("tree"))),
            ("sh: 1: foo: not found", CommandNotFound(s("foo"))),
            ("zsh: command not found: uv", CommandNotFound(s("uv"))),
            ("/usr/bin/env: ‘node’: No such file or directory", CommandNotFound(s("node"))),
            ("make: gcc: No such file or directory", CommandNotFound(s("gcc"))),
            ("/root/work/build.sh: line 3: cmake: command not found", CommandNotFound(s("cmake"))),
            ("sudo: apt-fast: command not found", CommandNotFound(s("apt-fast"))),
            ("ModuleNotFoundError: No module named 'flask'", ModuleMissing(s("flask"))),
            ("/usr/bin/python3: No module named mkdocs", ModuleMissing(s("mkdocs"))),
            ("Error: Cannot find module 'express'", ModuleMissing(s("express"))),
            ("Error: Cannot find module '/root/work/app.js'", NoSuchFile(s("/root/work/app.js"))),
            ("Can't locate JSON/XS.pm in @INC (you may need)", ModuleMissing(s("JSON::XS"))),
            (
                "main.c:2:10: fatal error: gtk/gtk.h: No such file or directory",
                LibraryMissing(s("gtk/gtk.h")),
            ),
            (
                "meson.build:2:0: ERROR: Dependency \"gtk+-3.0\" not found, tried pkgconfig",
                LibraryMissing(s("gtk+-3.0")),
            ),
            ("error: externally-managed-environment", ExternallyManaged),
            (
                "fatal: not a git repository (or any of the parent directories): .git",
                NotARepository,
            ),
            ("Author identity unknown", IdentityUnknown),
            ("fatal: unable to auto-detect email address (got 'root@x.(none)')", IdentityUnknown),
            (
                "fatal: your current branch 'main' does not have any commits yet",
                NoSuchRevision(s("HEAD")),
            ),
            (
                "fatal: ambiguous argument 'HEAD~1': unknown revision or path not in the working tree.",
                NoSuchRevision(s("HEAD~1")),
            ),
            ("fatal: pathspec 'me.txt' did not match any files", NoSuchFile(s("me.txt"))),
            (
                "error: could not find `Cargo.toml` in `/root/work` or any parent directory",
                ManifestMissing(s("Cargo.toml")),
            ),
            (
                "make: *** No targets specified and no makefile found.  Stop.",
                ManifestMissing(s("Makefile")),
            ),
            (
                "make: *** No rule to make target 'clean'.  Stop.",
                ManifestMissing(s("Makefile with a target clean")),
            ),
            (
                "npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/root/work/package.json'",
                ManifestMissing(s("package.json")),
            ),
            (
                "bash: cd: /root/Desktop/recipes: No such file or directory",
                NoSuchFile(s("/root/Desktop/recipes")),
            ),
            ("cat: ferris.txt: No such file or directory", NoSuchFile(s("ferris.txt"))),
            (
                "cp: cannot stat 'theme/style.css': No such file or directory",
                NoSuchFile(s("theme/style.css")),
            ),
            ("ls: cannot access 'x y': No such file or directory", NoSuchFile(s("x y"))),
            ("tar: todo: Cannot stat: No such file or directory", NoSuchFile(s("todo"))),
            ("rm: cannot remove 'old': No such file or directory", NoSuchFile(s("old"))),
            (
                "sed: can't read packing.txt: No such file or directory",
                NoSuchFile(s("packing.txt")),
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'cgi.py'",
                NoSuchFile(s("cgi.py")),
            ),
            (
                "python3: can't open file '/root/work/x.py': [Errno 2] No such file or directory",
                NoSuchFile(s("/root/work/x.py")),
            ),
            ("bash: ./demo: No such file or directory", NoSuchFile(s("./demo"))),
            ("bash: ./weekly: Permission denied", PermissionDenied(s("./weekly"))),
            (
                "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)",
                PermissionDenied(s("")),
            ),
            ("E: Unable to locate package foo", PackageUnknown(s("foo"))),
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1",
                LockHeld,
            ),
            ("OSError: [Errno 98] Address already in use", PortInUse(None)),
            ("Error: listen EADDRINUSE: address already in use :::3000", PortInUse(Some(3000))),
            (
                "curl: (6) Could not resolve host: example.org",
                HostUnreachable(Some(s("example.org"))),
            ),
            (
                "fatal: unable to access 'https://github.com/x/y/': Could not resolve host: github.com",
                HostUnreachable(Some(s("github.com"))),
            ),
            (
                "curl: (7) Failed to connect to localhost port 8000 after 0 ms: Couldn't connect to server",
                NothingListens(Some(8000)),
            ),
            ("mkdir: cannot create directory ‘notes’: File exists", AlreadyExists(s("notes"))),
            ("Gtk-WARNING **: cannot open display: ", NoDisplay),
            ("bash: syntax error near unexpected token `newline'", ShellSyntax),
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
                DaemonDown(s("Docker")),
            ),
            ("tool: unrecognized option '--frob'", UsageError(s("--frob"))),
        ];
        for (line, symptom) in cases {
            assert_eq!(find(line), [symptom], "{line}");
        }
    }

    #[test]
    fn quiet_words_are_no_trouble() {
        for line in [
            "0 errors, 0 warnings",
            "hello",
            "test not_found ... ok",
            "Permissions: rw-r--r--",
            "this file explains how to cd",
            "nothing to commit, working tree clean",
            "Found existing installation",
            "all checks passed",
        ] {
            assert_eq!(find(line), [], "{line}");
            assert!(error_lines(line).is_empty(), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn finding_never_panics(text: String) {
            let _ = find(&text);
            let _ = error_lines(&text);
        }
    }
}
