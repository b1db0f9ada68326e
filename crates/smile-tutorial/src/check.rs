//! The static reading: what can be said about a page without running anything.

mod running;
mod text;

use std::collections::BTreeSet;
use std::fmt;

use crate::finding::{Finding, Kind, Severity};
use crate::page::{ItemKind, Page};
use crate::placeholder::placeholders;
use crate::step::{Action, Command, Role, Step, Tutorial};
use crate::{Lines, Location, shell};

/// What the caller knows about the world around the page.
pub struct CheckContext<'a> {
    /// Whether a relative target of a link or an image exists, by its path as the page gives it
    /// (without `#anchor` and `?query`, percent escapes decoded). None where nobody can tell, such
    /// as for a target outside of the page's folder.
    pub exists: &'a dyn Fn(&str) -> Option<bool>,
}

impl fmt::Debug for CheckContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CheckContext").finish_non_exhaustive()
    }
}

/// Reads the page statically; the findings come in the order of their first lines.
///
/// What is only likely is left out: each finding is one that an author can act on.
pub fn check(tutorial: &Tutorial, context: &CheckContext<'_>) -> Vec<Finding> {
    let page = Page::read(&tutorial.text);
    let mut checker = Checker { tutorial, page: &page, findings: Vec::new() };
    checker.links(context);
    checker.fences();
    checker.blanks();
    if let Some(why) = &tutorial.reference {
        checker.reference(why);
    } else {
        checker.placeholders();
        checker.home_paths();
        checker.same_directory();
        checker.variables();
        checker.undeclared();
        checker.other_platform();
        checker.servers();
        checker.interpreters();
    }
    checker.copied_names();
    checker.contents_not_given();
    checker.vague();
    let mut findings = checker.findings;
    findings.sort_by_key(|finding| finding.locations.first().map(|place| place.first_line));
    findings
}

struct Checker<'a> {
    tutorial: &'a Tutorial,
    page: &'a Page,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn add(
        &mut self,
        (kind, severity): (Kind, Severity),
        places: &[Lines],
        problem: String,
        suggestion: impl Into<String>,
    ) {
        let locations: Vec<Location> =
            places.iter().map(|lines| self.tutorial.location(*lines)).collect();
        let suggestion = suggestion.into();
        self.findings.push(Finding { kind, severity, locations, problem, suggestion });
    }

    /// The commands of the page, each with its step.
    fn commands(&self) -> impl Iterator<Item = (&'a Step, &'a Command)> + use<'a> {
        self.tutorial.steps.iter().filter_map(|step| match &step.action {
            Action::Run(command) => Some((step, command)),
            _ => None,
        })
    }

    /// The same stand-in at several places is one finding.
    fn placeholders(&mut self) {
        let mut found: Vec<(&str, Vec<Lines>)> = Vec::new();
        for (step, command) in self.commands() {
            for text in &command.placeholders {
                match found.iter_mut().find(|(known, _)| known == text) {
                    Some((_, places)) => places.push(step.lines),
                    None => found.push((text, vec![step.lines])),
                }
            }
        }
        for (text, places) in found {
            self.add(
                (Kind::Placeholder, Severity::Minor),
                &places,
                format!("`{text}` stands for something, and the reader is not told for what"),
                format!("say what to put in the place of `{text}`, or give a value that works"),
            );
        }
    }

    /// Blanks in exercises: `____`.
    fn blanks(&mut self) {
        let mut places = Vec::new();
        for block in self.tutorial.blocks.iter().filter(|block| block.role == Role::Quiz) {
            for (index, line) in self.tutorial.quote(block.lines).lines().enumerate() {
                if placeholders(line).iter().any(|text| text.contains("____")) {
                    let offset = u32::try_from(index).unwrap_or(u32::MAX);
                    places.push(Lines::one(block.lines.first.saturating_add(offset)));
                }
            }
        }
        if !places.is_empty() {
            self.add(
                (Kind::Placeholder, Severity::Minor),
                &places,
                "the commands have blanks to fill in, and look like commands to type".to_owned(),
                "say beside the block that it is an exercise and is not to be run as it stands",
            );
        }
    }

    fn reference(&mut self, why: &str) {
        let first = self.tutorial.blocks.first().map_or(Lines::one(1), |block| block.lines);
        let stand_ins = self.commands().filter(|(_, command)| !command.placeholders.is_empty());
        let places: Vec<Lines> =
            std::iter::once(first).chain(stand_ins.map(|(step, _)| step.lines)).collect();
        self.add(
            (Kind::NotASequence, Severity::Minor),
            &places,
            format!("the page is reference material and no sequence of steps: {why}"),
            "say at the top that the commands are examples and need not be run in order",
        );
    }

    /// Paths below somebody's home folder.
    fn home_paths(&mut self) {
        let mut found: Vec<(String, Vec<Lines>)> = Vec::new();
        for (step, command) in self.commands() {
            for home in command.text.split([' ', '"', '\'', '=', ':']).filter_map(home_of) {
                match found.iter_mut().find(|(known, _)| *known == home) {
                    Some((_, places)) => places.push(step.lines),
                    None => found.push((home, vec![step.lines])),
                }
            }
        }
        for (home, places) in found {
            self.add(
                (Kind::HardCodedPath, Severity::Minor),
                &places,
                format!("`{home}` is a home folder of the author's machine; the reader has none of that name"),
                "write `~` or `$HOME` in its place",
            );
        }
    }

    /// `cd build` where the reader is in `build` already.
    fn same_directory(&mut self) {
        let mut last: Option<(String, Lines)> = None;
        let mut found = Vec::new();
        for (step, command) in self.commands() {
            for directory in shell::read(&command.text).directories {
                let simple = !directory.starts_with(['/', '~', '.', '-', '$']);
                if let Some((before, lines)) = &last
                    && simple
                    && *before == directory
                {
                    found.push((directory.clone(), *lines, step.lines));
                }
                last = Some((directory, step.lines));
            }
            // A program that makes the folder inside makes the second step right.
            if last.as_ref().is_some_and(|(directory, lines)| {
                *lines != step.lines
                    && command.text.split_whitespace().any(|word| word == directory)
            }) {
                last = None;
            }
        }
        for (directory, before, lines) in found {
            self.add(
                (Kind::AmbiguousInstruction, Severity::Minor),
                &[lines],
                format!(
                    "the reader is in `{directory}` since line {}: a second `cd {directory}` fails",
                    before.first
                ),
                "say \"instead\" where this replaces the step before, or leave the `cd` out",
            );
        }
    }

    /// Variables that are read and that no step sets.
    fn variables(&mut self) {
        const GIVEN: &str = "HOME PATH USER PWD OLDPWD SHELL TERM LANG LC_ALL EDITOR VISUAL TMPDIR HOSTNAME \
            LOGNAME UID EUID PS1 PS2 IFS RANDOM SECONDS LINENO REPLY BASH BASH_VERSION OSTYPE MACHTYPE \
            HOSTTYPE DISPLAY XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR CDPATH \
            COLUMNS LINES PPID BASHPID FUNCNAME HISTFILE HISTSIZE PIPESTATUS GROUPS DIRSTACK ZSH_VERSION \
            SHLVL MAIL VIRTUAL_ENV COMP_LINE FILE";
        let mut set: BTreeSet<String> = GIVEN.split_whitespace().map(ToOwned::to_owned).collect();
        let mut found: Vec<(String, Vec<Lines>)> = Vec::new();
        for (step, command) in self.commands() {
            let reading = shell::read(&command.text);
            set.extend(reading.variables_set);
            // What a script that is read in sets is not known.
            if reading
                .programs
                .iter()
                .any(|p| matches!(p.name.as_str(), "source" | "." | "eval" | "awk" | "perl"))
            {
                return;
            }
            for name in reading.variables_read.into_iter().filter(|name| !set.contains(name)) {
                match found.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, places)) => places.push(step.lines),
                    None => found.push((name, vec![step.lines])),
                }
            }
        }
        for (name, places) in found {
            self.add(
                (Kind::UndefinedVariable, Severity::Minor),
                &places,
                format!("`${name}` is used, and no step before sets it"),
                format!("add a step that sets `{name}` and say which value it takes"),
            );
        }
    }

    /// Tools that a page with a list of prerequisites does not list.
    fn undeclared(&mut self) {
        let listed = self.page.items.iter().any(|item| {
            matches!(&item.kind, ItemKind::Heading { text, .. } if crate::requirement::is_prerequisites(text))
        });
        if !listed {
            return;
        }
        let declared: BTreeSet<&str> = self
            .tutorial
            .requirements
            .iter()
            .map(|requirement| requirement.name.as_str())
            .collect();
        let text = self.tutorial.text.to_lowercase();
        let mut seen = BTreeSet::new();
        for (step, command) in self.commands() {
            for program in shell::read(&command.text).programs {
                let tool = program.name.as_str();
                let needs = NEEDS_INSTALLING.split(' ').any(|known| known == tool);
                let stated = declared.contains(tool)
                    || family(tool).iter().any(|other| declared.contains(other))
                    || text.contains(&format!("install {tool}"));
                if needs && !stated && seen.insert(program.name.clone()) {
                    self.add(
                        (Kind::MissingPrerequisite, Severity::Minor),
                        &[step.lines],
                        format!("`{tool}` is needed here, and the list of prerequisites does not name it"),
                        format!("add {tool} to the prerequisites"),
                    );
                }
            }
        }
    }

    /// Commands that only another platform has, given as the only way.
    fn other_platform(&mut self) {
        const TOOLS: &str =
            "brew choco winget scoop pbcopy pbpaste xcode-select launchctl port mas";
        let others = ["apt install", "apt-get install", "dnf install"]
            .iter()
            .any(|way| self.tutorial.text.contains(way));
        let mut places: Vec<(String, Lines)> = Vec::new();
        for (step, command) in self.commands() {
            for program in shell::read(&command.text).programs {
                if TOOLS.split(' ').any(|tool| tool == program.name) {
                    places.push((program.name, step.lines));
                }
            }
        }
        if let (Some((tool, _)), false) = (places.first().cloned(), others) {
            let lines: Vec<Lines> = places.iter().map(|(_, lines)| *lines).collect();
            self.add(
                (Kind::PlatformAlternative, Severity::Minor),
                &lines,
                format!(
                    "`{tool}` exists on another platform only; readers on Linux are given no way"
                ),
                "give the commands for Linux too, or say at the top which platform the page is for",
            );
        }
    }
}

/// Tools that no minimal system has.
const NEEDS_INSTALLING: &str = "git docker docker-compose node npm npx yarn pnpm python python3 pip pip3 ruby gem \
    bundle go cargo rustc java javac mvn gradle cmake make ninja meson gcc g++ clang kubectl helm minikube kind \
    terraform ansible aws az gcloud jq psql mysql redis-cli sqlite3 ffmpeg php composer dotnet mix elixir hugo uv \
    poetry conda deno bun";

/// What brings a tool with it.
fn family(tool: &str) -> &'static [&'static str] {
    match tool {
        "npm" | "npx" | "node" => &["node", "npm"],
        "pip" | "pip3" | "python" | "python3" => &["python", "python3", "pip", "uv"],
        "cargo" | "rustc" => &["rust", "cargo", "rustup"],
        "gem" | "bundle" | "ruby" => &["ruby", "rails"],
        "java" | "javac" => &["java", "mvn", "gradle"],
        "gcc" | "g++" | "clang" => &["c++", "cc", "gcc", "g++", "clang"],
        "kubectl" => &["kubernetes", "minikube", "kind"],
        "docker-compose" => &["docker"],
        "psql" => &["postgresql"],
        "redis-cli" => &["redis"],
        "mix" | "elixir" => &["elixir"],
        "composer" => &["php"],
        "make" | "ninja" => &["cmake", "meson", "c++", "cc", "gcc"],
        _ => &[],
    }
}

/// `/home/NAME` or `/Users/NAME`, of a name that is not a stand-in.
fn home_of(word: &str) -> Option<String> {
    let rest = word.strip_prefix("/Users/").or_else(|| word.strip_prefix("/home/"))?;
    let name = rest.split('/').next()?;
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let stand_in = matches!(name, "user" | "username" | "me" | "you" | "linuxbrew")
        || name.starts_with("your");
    (plain && !stand_in)
        .then(|| word.get(..word.len() - rest.len() + name.len()).unwrap_or(word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn check_page(text: &str, expected: &[(Kind, u32)]) {
        let tutorial = parse("a.md", text.as_bytes()).unwrap();
        let exists = |path: &str| Some(path == "there.md");
        let findings = check(&tutorial, &CheckContext { exists: &exists });
        let seen: Vec<(Kind, u32)> =
            findings.iter().map(|f| (f.kind, f.locations[0].first_line)).collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn links_and_images() {
        check_page("# A\n\n[b](there.md) [c](gone.md#x)", &[(Kind::BrokenLink, 3)]);
        check_page("![shot](img/a%20b.png)", &[(Kind::MissingImage, 1)]);
        check_page("# Set up it\n\n[a](#set-up-it) [b](#nowhere)", &[(Kind::BrokenLink, 3)]);
        check_page("<a id=\"x\"></a>\n\n[a](#x) [b](/site/page) [c](https://a.b/c.md)", &[]);
        check_page("<img src=\"no.png\">", &[(Kind::MissingImage, 1)]);
    }

    #[test]
    fn one_stand_in_is_one_finding() {
        let page = "```console\n$ ssh <user>@<host>\n$ scp a <user>@<host>:\n```\n";
        check_page(page, &[(Kind::Placeholder, 2), (Kind::Placeholder, 2)]);
        let quiz = "::: challenge\n\n```sh\n$ mv a ____/b\n```\n\n:::\n";
        check_page(quiz, &[(Kind::Placeholder, 4)]);
    }

    #[test]
    fn a_fence_that_nothing_closes() {
        check_page("Run:\n\n```sh\nls\n\nText.\n", &[(Kind::AmbiguousInstruction, 3)]);
    }

    #[test]
    fn paths_variables_and_directories() {
        check_page("```sh\ncd /home/alice/src\n```\n", &[(Kind::HardCodedPath, 2)]);
        check_page("```sh\ncd /home/user/src\n```\n", &[]);
        check_page("```sh\ncurl $BASE_URL/x\n```\n", &[(Kind::UndefinedVariable, 2)]);
        check_page("```sh\nexport U=1\ncurl $U/$HOME\n```\n", &[]);
        check_page("```sh\nmkdir b\ncd b\nls\ncd b\nls\n```\n", &[(Kind::AmbiguousInstruction, 5)]);
        check_page("```sh\ncd b\ncd ..\ncd b\n```\n", &[]);
        check_page("```sh\ncd b\nmkdir b\ncd b\n```\n", &[]);
    }

    #[test]
    fn files_and_names() {
        let page = "```js title=\"index.js\"\nx\n```\n\nCreate a file named `app.js` and copy the code from above.\n";
        check_page(page, &[(Kind::AmbiguousInstruction, 5)]);
        let page = "Create your file `me.txt` in an editor.\n\n```sh\n$ git add me.txt\n```\n";
        check_page(page, &[(Kind::AmbiguousInstruction, 1)]);
        check_page("Create `me.txt`:\n\n```text\nx\n```\n\n```sh\ncat me.txt\n```\n", &[]);
        check_page("Update the configuration.\n", &[(Kind::AmbiguousInstruction, 1)]);
        check_page(
            "If it is too loud, adjust the settings.\n\n# B\n",
            &[(Kind::AmbiguousInstruction, 1)],
        );
        check_page("Update the configuration:\n\n```yaml\na: 1\n```\n", &[]);
    }

    #[test]
    fn prerequisites_that_are_not_listed() {
        let page =
            "# A\n\n## Prerequisites\n\n- Node.js 18\n\n## Go\n\n```sh\nnpm ci\ndocker ps\n```\n";
        check_page(page, &[(Kind::MissingPrerequisite, 11)]);
        check_page("# A\n\n```sh\ndocker ps\n```\n", &[]);
        check_page("```sh\nbrew install x\n```\n", &[(Kind::PlatformAlternative, 2)]);
    }
}
