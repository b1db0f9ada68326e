//! Commands that do not come back, and interpreters without anything to type.

use super::Checker;
use crate::Lines;
use crate::finding::{Kind, Severity};
use crate::shell::{self, Program};
use crate::step::Command;

impl Checker<'_> {
    /// Servers that stay in the foreground where the page does not say so; the same server at
    /// several places is one finding.
    pub(super) fn servers(&mut self) {
        let mut found: Vec<(String, Vec<Lines>)> = Vec::new();
        for (step, command) in self.commands() {
            if command.keeps_running.is_some() || command.timeout_s.is_some() {
                continue;
            }
            let Some(program) = server(command) else { continue };
            match found.iter_mut().find(|(known, _)| *known == program) {
                Some((_, places)) => places.push(step.lines),
                None => found.push((program, vec![step.lines])),
            }
        }
        for (program, places) in found {
            self.add(
                (Kind::LongRunning, Severity::Major),
                &places,
                format!("`{program}` serves until it is stopped, and the text does not say so: the reader waits for a prompt that does not come"),
                "say that it keeps running: use a second terminal for what follows, or stop it with Ctrl+C",
            );
        }
    }

    /// Interpreters that wait for what the page does not give.
    pub(super) fn interpreters(&mut self) {
        let found: Vec<(Lines, String)> = self
            .commands()
            .filter(|(_, command)| command.answers.is_empty() && command.expected.is_none())
            .filter_map(|(step, command)| Some((step.lines, interpreter(command)?)))
            .collect();
        for (lines, program) in found {
            self.add(
                (Kind::InteractiveCommand, Severity::Minor),
                &[lines],
                format!("`{program}` opens a session of its own and waits; nothing says what to type or how to leave it"),
                "say what to type and how to leave (`exit()`, Ctrl+D)",
            );
        }
    }
}

/// The server that a command starts in the foreground, as far as its text tells.
fn server(command: &Command) -> Option<String> {
    let reading = shell::read(&command.text);
    // In the background, with a limit, or with its input or output piped it is another matter.
    let limited =
        reading.programs.iter().any(|program| matches!(program.name.as_str(), "timeout" | "nohup"));
    if reading.background
        || limited
        || command.text.contains("--help")
        || command.text.contains("--version")
    {
        return None;
    }
    reading.programs.iter().find(|program| serves(program)).map(|program| {
        let words =
            program.arguments.iter().map(String::as_str).filter(|word| *word != "--").take(2);
        std::iter::once(program.name.as_str()).chain(words).collect::<Vec<_>>().join(" ")
    })
}

fn serves(program: &Program) -> bool {
    let words: Vec<&str> = program.arguments.iter().map(String::as_str).collect();
    let has = |word: &str| words.contains(&word);
    let first = words.iter().copied().find(|word| !word.starts_with('-')).unwrap_or_default();
    let name = program.name.rsplit('/').next().unwrap_or(&program.name);
    let asks = has("-h") || has("--help") || has("--version");
    let serves = match name {
        "python" | "python3" => {
            has("http.server")
                || has("manage.py") && has("runserver")
                || has("-m") && (has("flask") && has("run") || has("uvicorn"))
        }
        "php" => has("-S") || has("artisan") && has("serve"),
        "flask" | "fastapi" => has("run") || has("dev"),
        "uvicorn" | "gunicorn" | "hypercorn" | "daphne" | "json-server" | "live-server"
        | "http-server" | "nodemon" | "redis-server" | "mongod" | "webpack-dev-server" => true,
        "mkdocs" | "hugo" | "jekyll" | "zola" | "mdbook" | "ng" | "eleventy" | "quarto" => {
            matches!(first, "serve" | "server" | "s" | "preview")
        }
        "npm" | "pnpm" | "yarn" | "bun" => {
            first == "start"
                || matches!(
                    words.as_slice(),
                    ["run", "dev" | "start" | "serve" | "watch", ..] | ["dev" | "serve", ..]
                )
        }
        "rails" => matches!(first, "s" | "server"),
        "django-admin" => has("runserver"),
        "jupyter" => matches!(first, "notebook" | "lab"),
        "streamlit" => first == "run",
        "uv" | "poetry" | "pipenv" | "pdm" => {
            first == "run"
                && (has("flask") && words.last() != Some(&"flask")
                    || has("uvicorn")
                    || has("runserver"))
        }
        "npx" => matches!(
            first,
            "serve" | "http-server" | "live-server" | "json-server" | "nodemon" | "vite"
        ),
        "vite" => first.is_empty() || first == "dev" || first == "preview",
        "tail" => has("-f") || has("-F"),
        "kubectl" => first == "port-forward" || first == "proxy",
        _ => false,
    };
    serves && !asks
}

/// The interpreter that a command opens without anything to run.
fn interpreter(command: &Command) -> Option<String> {
    let reading = shell::read(&command.text);
    let [program] = reading.programs.as_slice() else { return None };
    if command.text.contains(['<', '|']) || reading.background {
        return None;
    }
    let words: Vec<&str> = program.arguments.iter().map(String::as_str).collect();
    let opens = match program.name.as_str() {
        "python" | "python3" | "node" | "irb" | "ghci" | "ipython" | "bpython" | "julia"
        | "lua" | "iex" | "R" | "scala" | "jshell" => {
            words.is_empty() || matches!(words.as_slice(), ["-i"] | ["-m", "asyncio"])
        }
        "psql" => !words.iter().any(|word| {
            matches!(*word, "-c" | "-f" | "-l" | "--list" | "--version" | "--command" | "--file")
        }),
        "sqlite3" => words.len() <= 1 && words != ["--version"] && words != ["-version"],
        _ => false,
    };
    opens.then(|| command.text.clone())
}

#[cfg(test)]
mod tests {
    use crate::{CheckContext, Kind, check, parse};

    fn kinds(command: &str) -> Vec<Kind> {
        let page = format!("```sh\n{command}\n```\n");
        let tutorial = parse("a.md", page.as_bytes()).unwrap();
        check(&tutorial, &CheckContext { exists: &|_| None }).into_iter().map(|f| f.kind).collect()
    }

    #[test]
    fn servers_in_the_foreground() {
        for command in [
            "python3 -m http.server 8001",
            "php -S localhost:8000",
            "flask --app x run",
            "npm start",
            "npm run dev",
            "mkdocs serve",
            "rails s",
            "uvicorn main:app --reload",
            "uv run -- flask run -p 3000",
        ] {
            assert_eq!(kinds(command), [Kind::LongRunning], "{command}");
        }
        for command in [
            "python3 -m http.server 8001 &",
            "npm run build",
            "mkdocs build",
            "mkdocs serve --help",
            "timeout 5 npm start",
            "uv add flask",
            "hugo",
            "npm test",
        ] {
            assert_eq!(kinds(command), [], "{command}");
        }
    }

    #[test]
    fn the_text_that_says_so_is_enough() {
        let page = "```sh\nmkdocs serve\n```\n\nIn another terminal, go on.\n";
        let tutorial = parse("a.md", page.as_bytes()).unwrap();
        assert_eq!(check(&tutorial, &CheckContext { exists: &|_| None }), []);
    }

    #[test]
    fn interpreters_without_input() {
        for command in ["python3", "node", "python -m asyncio", "psql -U me db"] {
            assert_eq!(kinds(command), [Kind::InteractiveCommand], "{command}");
        }
        for command in [
            "python3 app.py",
            "node -v",
            "python3 < a.py",
            "psql -c 'select 1'",
            "echo 1 | python3",
        ] {
            assert_eq!(kinds(command), [], "{command}");
        }
    }
}
