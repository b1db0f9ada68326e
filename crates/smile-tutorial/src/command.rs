//! Whether a text looks like a command, by its first word.

/// Programs that tutorials call, most of them common on Unix.
const PROGRAMS: &[&str] = &[
    "ansible",
    "ansible-playbook",
    "apk",
    "apt",
    "apt-get",
    "ar",
    "autoconf",
    "automake",
    "awk",
    "aws",
    "az",
    "babel",
    "base64",
    "bash",
    "bazel",
    "bc",
    "brew",
    "bun",
    "bunx",
    "bundle",
    "bzip2",
    "cabal",
    "cargo",
    "cat",
    "cd",
    "cc",
    "chmod",
    "chown",
    "clang",
    "clang++",
    "clear",
    "cmake",
    "cmp",
    "comm",
    "composer",
    "conda",
    "cp",
    "createdb",
    "csplit",
    "ctest",
    "curl",
    "cut",
    "date",
    "deno",
    "dd",
    "df",
    "diff",
    "django-admin",
    "dnf",
    "docker",
    "docker-compose",
    "dotnet",
    "dpkg",
    "du",
    "echo",
    "elixir",
    "emacs",
    "env",
    "eslint",
    "export",
    "expand",
    "fastapi",
    "ffmpeg",
    "file",
    "find",
    "fish",
    "flake8",
    "flask",
    "flutter",
    "fold",
    "g++",
    "gcc",
    "gcloud",
    "gem",
    "gh",
    "ghc",
    "git",
    "go",
    "gpg",
    "gradle",
    "./gradlew",
    "grep",
    "gunicorn",
    "gunzip",
    "gzip",
    "head",
    "helm",
    "heroku",
    "history",
    "hostname",
    "htop",
    "http",
    "hugo",
    "id",
    "install",
    "ip",
    "ipython",
    "iex",
    "java",
    "javac",
    "jekyll",
    "jest",
    "join",
    "jq",
    "julia",
    "jupyter",
    "k3d",
    "kill",
    "killall",
    "kind",
    "kubectl",
    "less",
    "ln",
    "ls",
    "lua",
    "lsof",
    "make",
    "man",
    "meson",
    "minikube",
    "mix",
    "mkdir",
    "mkdocs",
    "mktemp",
    "mount",
    "mv",
    "mvn",
    "mypy",
    "mysql",
    "nano",
    "nc",
    "ncu",
    "netstat",
    "next",
    "ng",
    "nginx",
    "ninja",
    "nix",
    "nl",
    "node",
    "nodemon",
    "npm",
    "npx",
    "nslookup",
    "nvm",
    "od",
    "openssl",
    "pacman",
    "paste",
    "patch",
    "perl",
    "php",
    "pip",
    "pip3",
    "pipenv",
    "pipx",
    "ping",
    "pkg",
    "pnpm",
    "poetry",
    "popd",
    "pr",
    "pre-commit",
    "printenv",
    "printf",
    "prettier",
    "protoc",
    "ps",
    "psql",
    "pushd",
    "pwd",
    "pytest",
    "python",
    "python2",
    "python3",
    "pyenv",
    "quarto",
    "rails",
    "rake",
    "redis-cli",
    "redis-server",
    "rg",
    "rm",
    "rmdir",
    "rsync",
    "ruby",
    "ruff",
    "rustc",
    "rustup",
    "scp",
    "screen",
    "sed",
    "seq",
    "set",
    "sftp",
    "sh",
    "sha256sum",
    "shuf",
    "sleep",
    "sort",
    "source",
    "split",
    "sqlite3",
    "ssh",
    "ssh-keygen",
    "stat",
    "su",
    "sudo",
    "svn",
    "swift",
    "systemctl",
    "tac",
    "tail",
    "tar",
    "tee",
    "terraform",
    "test",
    "time",
    "tmux",
    "top",
    "touch",
    "tr",
    "tree",
    "truncate",
    "tsc",
    "tsx",
    "type",
    "ufw",
    "uname",
    "unexpand",
    "uniq",
    "unzip",
    "uv",
    "uvicorn",
    "uvx",
    "vagrant",
    "vi",
    "vim",
    "virtualenv",
    "vite",
    "vue",
    "watch",
    "wc",
    "wget",
    "which",
    "whoami",
    "xargs",
    "xz",
    "yarn",
    "yes",
    "yum",
    "zig",
    "zip",
    "zsh",
    "zypper",
    "cue",
    "dagger",
    "direnv",
    "just",
    "mise",
    "asdf",
    "locust",
    "black",
    "isort",
    "tox",
    "nox",
    "hatch",
    "pdm",
    "rye",
    "twine",
    "scrapy",
    "celery",
    "airflow",
    "dbt",
    "streamlit",
    "gradio",
    "ollama",
    "podman",
    "buildah",
    "skopeo",
    "flyctl",
    "fly",
    "vercel",
    "netlify",
    "wrangler",
    "firebase",
    "supabase",
    "prisma",
    "drizzle-kit",
    "turbo",
    "nx",
    "lerna",
    "playwright",
    "cypress",
    "vitest",
    "mocha",
    "gleam",
    "crystal",
    "nim",
    "opam",
    "dune",
    "stack",
    "sbt",
    "scala",
    "clojure",
    "lein",
    "erl",
    "rebar3",
    "wasm-pack",
    "trunk",
    "maturin",
    "pulumi",
    "consul",
    "vault",
    "nomad",
    "packer",
    "etcdctl",
    "caddy",
    "certbot",
    "journalctl",
    "crontab",
    "useradd",
    "usermod",
    "groupadd",
    "passwd",
    "gpasswd",
    "pg_dump",
    "pg_restore",
    "mongod",
    "mongosh",
    "createuser",
    "dropdb",
    "ss",
    "dig",
    "host",
    "traceroute",
    "alias",
    "unalias",
    "unset",
    "read",
    "exit",
    "bat",
    "fzf",
    "rustfmt",
    "cargo-watch",
    "emcc",
    "mdbook",
    "zola",
    "sphinx-build",
    "sphinx-quickstart",
    "pandoc",
    "latex",
    "pdflatex",
];

/// Whether the first word names a program that tutorials call.
pub(crate) fn is_known_program(word: &str) -> bool {
    PROGRAMS.contains(&word) || is_versioned(word)
}

/// `python3.11`, `gcc-12`, `pip3.9`
fn is_versioned(word: &str) -> bool {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    stem.len() < word.len()
        && matches!(
            stem,
            "python"
                | "pip"
                | "gcc"
                | "g++"
                | "clang"
                | "llvm-config"
                | "java"
                | "php"
                | "ruby"
                | "lua"
                | "node"
        )
}

/// Whether a line reads as a command: its first word (after `sudo` and assignments) is a program
/// or a path to one.
pub(crate) fn is_command_like(line: &str) -> bool {
    first_program(line).is_some_and(|word| {
        is_known_program(word)
            || word.starts_with("./")
            || word.starts_with("../") && word.len() > 3
            || word.starts_with("~/")
            || (word.starts_with('/') && word.matches('/').count() > 1 && word.is_ascii())
            || word.starts_with(".venv/")
            || word.starts_with("venv/")
            || word.starts_with("bin/")
            || word.starts_with("target/")
            || word.starts_with("node_modules/")
            || word == "."
    })
}

/// Whether a line could be a command of a program nobody knows: a lower-case word and arguments
/// that no prose has.
pub(crate) fn could_be_command(line: &str) -> bool {
    if is_command_like(line) {
        return true;
    }
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return false };
    let rest: Vec<&str> = words.collect();
    let named = first.len() >= 2
        && first.starts_with(|c: char| c.is_ascii_lowercase())
        && first.chars().all(|c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '+')
        });
    let ends_as_prose = line.trim_end().ends_with(['.', ':', ',', ';', '{', '(']);
    let has_code =
        line.contains(['=', '(', '{', ';', '"']) && !line.contains("--") && !line.contains('\'');
    named && !rest.is_empty() && rest.len() <= 12 && !ends_as_prose && !has_code
}

/// The first word after `sudo`, `env` and assignments.
pub(crate) fn first_program(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| {
        !matches!(*word, "sudo" | "time" | "env" | "exec" | "nohup" | "command" | "doas")
            && !(word.contains('=')
                && word.split('=').next().is_some_and(|n| {
                    !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                }))
    })
}

/// Programs that open a file for the reader to edit.
pub(crate) fn editor_file(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let mut program = words.next()?;
    if program == "sudo" {
        program = words.next()?;
    }
    let editors = [
        "nano", "vim", "vi", "emacs", "nvim", "gedit", "code", "subl", "pico", "micro", "kate",
        "notepad", "mousepad", "edit",
    ];
    if !editors.contains(&program) {
        return None;
    }
    let file = words.find(|word| !word.starts_with('-') && !word.starts_with('+'))?;
    (file != "." && !file.contains(['|', ';', '&', '>'])).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_prose() {
        for line in [
            "npm install",
            "sudo apt install x",
            "FOO=1 make all",
            "./configure",
            "python3.12 -m venv .venv",
            "/usr/bin/env x",
        ] {
            assert!(is_command_like(line), "{line}");
        }
        for line in
            ["The quick fox", "Hello world", "foo: bar", "import os", "<html>", "1 file changed"]
        {
            assert!(!is_command_like(line), "{line}");
        }
        assert!(could_be_command("frobnicate --all x"));
        assert!(!could_be_command("x = frob(1)"));
        assert_eq!(editor_file("sudo nano +3 a.txt"), Some("a.txt"));
        assert_eq!(editor_file("code ."), None);
    }
}
