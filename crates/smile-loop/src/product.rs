//! What a step is meant to leave behind, read from its own words.

use smile_tutorial::{Action, Step};

use crate::{
    package,
    shell::{self, Simple},
};

/// Something a later step may need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Product {
    /// A file or folder, as the page names it.
    Path(String),
    /// A word of a program that nothing is known about: it may be made, or be needed.
    Perhaps(String),
    /// The reader is in this directory from then on.
    Directory(String),
    /// A package or program by the name it is installed under.
    Installed(String),
    /// A script from the network that installs something, by its address.
    Installer(String),
    /// A repository.
    Repository,
    /// A commit.
    Commit,
    /// A remote.
    Remote(String),
    /// A variable.
    Variable(String),
    /// Something that listens.
    Server,
    /// The state that a tool keeps (a build folder, a lock file, a cluster).
    State(String),
}

/// Programs that only look, or whose state is nothing but the files they name.
const STATELESS: &[&str] = &[
    "cat", "ls", "echo", "printf", "grep", "egrep", "rg", "head", "tail", "less", "more", "man",
    "wc", "sort", "uniq", "cut", "sed", "awk", "tr", "find", "diff", "cmp", "file", "stat", "tree",
    "which", "type", "test", "[", "true", "false", "pwd", "date", "python", "python3", "node",
    "ruby", "perl", "bash", "sh", "curl", "wget", "open", "xdg-open", "seq", "tee", "xargs", "du",
    "df", "env", "time", "sleep", "kill", "nano", "vi", "vim", "cp", "mv", "rm", "mkdir", "touch",
    "chmod", "chown", "ln", "sudo", "cd", "pushd", "popd", "export", "source", ".", "gzip",
    "gunzip", "zip", "rmdir", "basename", "dirname", "realpath", "readlink", "set", "alias",
];

/// What the step would have left behind.
pub(crate) fn of_step(step: &Step) -> Vec<Product> {
    match &step.action {
        Action::Run(command) => {
            let mut products = Vec::new();
            for simple in shell::read(&command.text) {
                of_command(&simple, &mut products);
            }
            if let Some((path, _)) = &command.editor_input {
                products.push(Product::Path(path.clone()));
            }
            if command.keeps_running.is_some() || command.text.trim_end().ends_with('&') {
                products.push(Product::Server);
            }
            products
        }
        Action::WriteFile { path, .. } => vec![Product::Path(path.clone())],
        _ => Vec::new(),
    }
}

#[expect(clippy::too_many_lines, reason = "one flat match over programs")]
fn of_command(simple: &Simple, out: &mut Vec<Product>) {
    out.extend(simple.assignments.iter().cloned().map(Product::Variable));
    for redirect in simple.redirects.iter().filter(|redirect| redirect.writes) {
        if redirect.target.text != "/dev/null" {
            out.push(Product::Path(redirect.target.text.clone()));
        }
    }
    let Some((program, arguments)) = simple.inner().split_first() else { return };
    let program = program.text.as_str();
    let words: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
    let operands: Vec<&str> =
        words.iter().copied().filter(|word| !word.starts_with('-') && !word.is_empty()).collect();
    let sub = operands.first().copied().unwrap_or_default();

    match program {
        "cd" | "pushd" => {
            out.push(Product::Directory(operands.first().copied().unwrap_or("~").to_owned()));
        }
        "mkdir" | "touch" | "tee" | "nano" | "vi" | "vim" | "emacs" | "code" | "install" => {
            out.extend(operands.iter().map(|&path| Product::Path(path.to_owned())));
        }
        "cp" | "mv" | "ln" | "rsync" | "scp" => {
            if let Some((target, sources)) = operands.split_last() {
                // A folder to put something into must be there already.
                if !target.ends_with('/') && *target != "." && *target != ".." {
                    out.push(Product::Path((*target).to_owned()));
                }
                if target.ends_with('/') || *target == "." {
                    let into = target.trim_end_matches(['/', '.']);
                    out.extend(sources.iter().map(|source| {
                        let name =
                            source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
                        Product::Path(if into.is_empty() {
                            name.to_owned()
                        } else {
                            format!("{into}/{name}")
                        })
                    }));
                }
            }
        }
        "curl" | "wget" => {
            let option = words
                .iter()
                .position(|w| matches!(*w, "-o" | "--output" | "-O" | "--output-document"));
            let named = option
                .and_then(|at| words.get(at + 1))
                .filter(|w| !w.starts_with('-') && !w.contains("://"));
            out.extend(named.map(|path| Product::Path((*path).to_owned())));
            for address in operands.iter().filter(|word| word.contains("://") || word.contains('/'))
            {
                let name = address.split(['?', '#']).next().unwrap_or(address).rsplit('/').next();
                out.extend(name.filter(|n| n.len() > 1).map(|n| Product::Path(n.to_owned())));
                out.push(Product::Installer((*address).to_owned()));
            }
        }
        "tar" if words.first().is_some_and(|flags| flags.contains('c')) => {
            out.extend(
                operands
                    .iter()
                    .find(|word| word.contains('.'))
                    .map(|&path| Product::Path(path.to_owned())),
            );
        }
        "tar" | "unzip" | "gunzip" | "bunzip2" | "unxz" | "7z" => {
            for archive in operands.iter().filter(|word| word.contains('.')) {
                let stem = archive.rsplit('/').next().unwrap_or(archive);
                out.push(Product::Path(stem.to_owned()));
                let bare = [".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip", ".gz"]
                    .iter()
                    .find_map(|end| stem.strip_suffix(end));
                out.extend(bare.map(|bare| Product::Path(bare.to_owned())));
            }
        }
        "export" | "declare" | "readonly" | "local" | "read" => {
            for word in &operands {
                let name = word.split('=').next().unwrap_or(word);
                out.push(Product::Variable(name.to_owned()));
            }
        }
        "git" => of_git(sub, &operands, out),
        "pip" | "pip3" | "pipx" | "apt" | "apt-get" | "brew" | "npm" | "yarn" | "pnpm" | "gem"
        | "cargo" | "go" | "dnf" | "yum" | "apk" | "pacman" | "conda" | "uv" | "snap"
        | "poetry" | "choco" | "zypper" => of_package_manager(program, &operands, out),
        "python" | "python3" if words.contains(&"venv") || words.contains(&"virtualenv") => {
            out.extend(operands.last().map(|path| Product::Path((*path).to_owned())));
        }
        "python" | "python3" if words.contains(&"pip") => {
            let rest: Vec<&str> = operands.iter().copied().filter(|&word| word != "pip").collect();
            of_package_manager("pip", &rest, out);
        }
        _ => out.extend(
            operands
                .iter()
                // Of a script of the page's own, the first word says what to do.
                .skip(usize::from(program.contains('/')))
                .filter(|word| {
                    !word.contains("://") && !STATELESS.contains(&program) && word.len() > 1
                })
                .map(|&word| Product::Perhaps(word.to_owned())),
        ),
    }
    if !STATELESS.contains(&program) && !program.contains('/') {
        out.push(Product::State(program.to_owned()));
    }
}

fn of_git(sub: &str, operands: &[&str], out: &mut Vec<Product>) {
    match sub {
        "init" => {
            out.push(Product::Repository);
            out.extend(operands.get(1).map(|&path| Product::Path(path.to_owned())));
        }
        "clone" => {
            out.push(Product::Repository);
            let folder = operands.get(2).copied().or_else(|| {
                let address = operands.get(1)?.trim_end_matches('/');
                let name = address.rsplit(['/', ':']).next()?;
                Some(name.strip_suffix(".git").unwrap_or(name))
            });
            out.extend(folder.map(|path| Product::Path(path.to_owned())));
        }
        "commit" | "merge" | "pull" | "cherry-pick" | "revert" => out.push(Product::Commit),
        "remote" => out.extend(operands.get(2).map(|&name| Product::Remote(name.to_owned()))),
        "checkout" | "switch" | "branch" | "tag" => {
            out.push(Product::Commit);
            out.extend(operands.get(1).map(|&name| Product::Path(name.to_owned())));
        }
        _ => {}
    }
}

fn of_package_manager(program: &str, operands: &[&str], out: &mut Vec<Product>) {
    let verb = operands.first().copied().unwrap_or_default();
    match (program, verb) {
        (_, "install" | "add" | "i" | "-S" | "get" | "tool" | "ci") => {
            out.extend(operands.iter().skip(1).map(|name| {
                let bare = name.split(['=', '<', '>', '[', '~', '!']).next().unwrap_or(name);
                let bare = if bare.len() > 1 {
                    bare.rsplit_once('@').filter(|(n, _)| !n.is_empty()).map_or(bare, |(n, _)| n)
                } else {
                    bare
                };
                Product::Installed(bare.to_owned())
            }));
        }
        ("cargo" | "npm" | "uv" | "poetry" | "go", "new" | "init" | "create" | "venv" | "mod") => {
            out.extend(operands.iter().skip(1).map(|&path| Product::Path(path.to_owned())));
            out.extend(
                [
                    ("cargo", "Cargo.toml"),
                    ("npm", "package.json"),
                    ("go", "go.mod"),
                    ("uv", "pyproject.toml"),
                    ("poetry", "pyproject.toml"),
                ]
                .iter()
                .filter(|(tool, _)| *tool == program)
                .map(|(_, file)| Product::Path((*file).to_owned())),
            );
        }
        _ => out.extend(operands.iter().skip(1).map(|&path| Product::Path(path.to_owned()))),
    }
}

/// Whether an installed thing gives the program or module.
pub(crate) fn gives(product: &Product, wanted: &str) -> bool {
    match product {
        Product::Installed(name) => {
            let stem = wanted.split('.').next().unwrap_or(wanted);
            package::provides(name, wanted)
                || package::provides(name, stem)
                || name.replace('-', "_").eq_ignore_ascii_case(&stem.replace('-', "_"))
        }
        Product::Installer(address) => {
            wanted.len() > 1
                && address
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                    .any(|part| part.eq_ignore_ascii_case(wanted))
        }
        _ => false,
    }
}

/// Whether a path that was to be made is the one, or lies above the one, that is wanted.
pub(crate) fn is_or_holds(made: &str, wanted: &str) -> bool {
    let made = components(made);
    let wanted = components(wanted);
    let Some(name) = made.last() else { return false };
    wanted.ends_with(&made)
        || made.ends_with(&wanted) && !wanted.is_empty()
        || wanted.iter().any(|part| part == name)
}

/// The parts of a path that name something: no `.`, `..`, `~` or variables.
pub(crate) fn components(path: &str) -> Vec<&str> {
    path.trim_start_matches("file://")
        .split('/')
        .filter(|part| {
            !matches!(*part, "" | "." | ".." | "~" | "*" | "…") && !part.starts_with('$')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use smile_tutorial::{Command, Lines};

    use super::{Product::*, *};

    fn products(text: &str) -> Vec<Product> {
        let command = Command { text: text.to_owned(), ..Command::default() };
        of_step(&Step {
            number: 1,
            lines: Lines::one(1),
            headings: Vec::new(),
            block: None,
            action: Action::Run(command),
            why: String::new(),
        })
    }

    #[test]
    fn commands_say_what_they_make() {
        let s = str::to_owned;
        for (text, wanted) in [
            ("mkdir -p a/b", Path(s("a/b"))),
            ("cd ~/Desktop/recipes", Directory(s("~/Desktop/recipes"))),
            ("git clone https://x.org/some/project.git", Path(s("project"))),
            ("git clone git@x.org:a/b.git there", Path(s("there"))),
            ("git init", Repository),
            ("git commit -m 'x'", Commit),
            ("pip install 'mkdocs>=1.5'", Installed(s("mkdocs"))),
            ("python3 -m pip install flask", Installed(s("flask"))),
            ("sudo apt-get install -y tree", Installed(s("tree"))),
            ("npm install express@4", Installed(s("express"))),
            (
                "curl -LsSf https://astral.sh/uv/install.sh | sh",
                Installer(s("https://astral.sh/uv/install.sh")),
            ),
            ("echo x > out.txt", Path(s("out.txt"))),
            ("export A=1", Variable(s("A"))),
            ("A=1", Variable(s("A"))),
            ("cp a.css site/", Path(s("site/a.css"))),
            ("meson setup builddir", Perhaps(s("builddir"))),
            ("cargo new hello", Path(s("hello"))),
            ("tar xzf pack-1.0.tar.gz", Path(s("pack-1.0"))),
            ("python3 -m venv .venv", Path(s(".venv"))),
            ("make", State(s("make"))),
        ] {
            let made = products(text);
            assert!(made.contains(&wanted), "{text}: {made:?}");
        }
    }

    #[test]
    fn installing_gives_programs() {
        assert!(gives(&Installed("mkdocs".to_owned()), "mkdocs"));
        assert!(gives(&Installed("ripgrep".to_owned()), "rg"));
        assert!(gives(&Installed("ninja-build".to_owned()), "ninja"));
        assert!(gives(&Installer("https://astral.sh/uv/install.sh".to_owned()), "uv"));
        assert!(!gives(&Installed("flask".to_owned()), "mkdocs"));
    }

    #[test]
    fn paths_meet() {
        assert!(is_or_holds("site", "site/index.html"));
        assert!(is_or_holds("~/web/site", "/root/work/web/site"));
        assert!(is_or_holds("./a.txt", "a.txt"));
        assert!(!is_or_holds("a.txt", "b.txt"));
        assert!(!is_or_holds(".", "b.txt"));
    }
}
