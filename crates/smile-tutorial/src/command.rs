//! Whether a text looks like a command, by its first word.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Programs that tutorials call, most of them common on Unix.
const PROGRAMS: &str = "./gradlew airflow alias ansible ansible-playbook apk apt apt-get ar asdf autoconf \
    automake awk aws az babel base64 bash bat bazel bc black brew buildah bun bundle bunx \
    bzip2 cabal caddy cargo cargo-watch cat cc cd celery certbot chmod chown clang clang++ \
    clear clojure cmake cmp comm composer conda consul cp createdb createuser crontab crystal \
    csplit ctest cue curl cut cypress dagger date dbt dd deno df diff dig direnv django-admin \
    dnf docker docker-compose dotnet dpkg drizzle-kit dropdb du dune echo elixir emacs emcc \
    env erl eslint etcdctl exit expand export fastapi ffmpeg file find firebase fish flake8 \
    flask flutter fly flyctl fold fzf g++ gcc gcloud gem gh ghc git gleam go gpasswd gpg \
    gradio gradle grep groupadd gunicorn gunzip gzip hatch head helm heroku history host \
    hostname htop http hugo id iex install ip ipython isort java javac jekyll jest join \
    journalctl jq julia jupyter just k3d kill killall kind kubectl latex lein lerna less ln \
    locust ls lsof lua make man maturin mdbook meson minikube mise mix mkdir mkdocs mktemp \
    mocha mongod mongosh mount mv mvn mypy mysql nano nc ncu netlify netstat next ng nginx \
    nim ninja nix nl node nodemon nomad nox npm npx nslookup nvm nx od ollama opam openssl \
    packer pacman pandoc passwd paste patch pdflatex pdm perl pg_dump pg_restore php ping pip \
    pip3 pipenv pipx pkg playwright pnpm podman poetry popd pr pre-commit prettier printenv \
    printf prisma protoc ps psql pulumi pushd pwd pyenv pytest python python2 python3 quarto \
    rails rake read rebar3 redis-cli redis-server rg rm rmdir rsync ruby ruff rustc rustfmt \
    rustup rye sbt scala scp scrapy screen sed seq set sftp sh sha256sum shuf skopeo sleep \
    sort source sphinx-build sphinx-quickstart split sqlite3 ss ssh ssh-keygen stack stat \
    streamlit su sudo supabase svn swift systemctl tac tail tar tee terraform test time tmux \
    top touch tox tr traceroute tree truncate trunk tsc tsx turbo twine type ufw unalias \
    uname unexpand uniq unset unzip useradd usermod uv uvicorn uvx vagrant vault vercel vi \
    vim virtualenv vite vitest vue wasm-pack watch wc wget which whoami wrangler xargs xz \
    yarn yes yum zig zip zola zsh zypper";

/// Whether the first word names a program that tutorials call.
pub(crate) fn is_known_program(word: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| PROGRAMS.split(' ').collect());
    KNOWN.contains(word) || is_versioned(word)
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
        && !crate::info::is_file_like(first)
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
    let wrappers = ["sudo", "time", "env", "exec", "nohup", "command", "doas"];
    line.split_whitespace().find(|word| !wrappers.contains(word) && !is_assignment(word))
}

/// `NAME=value`
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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
