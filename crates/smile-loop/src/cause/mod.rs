//! Causes, not consequences: what failed for a reason of its own, and what only follows from it.

mod key;
mod variable;

use std::collections::BTreeSet;

use smile_tutorial::{Action, Step, Tutorial};

pub(crate) use key::Key;
use key::{key_of, same_key};
use variable::{loop_variables, usual_variable, variables_set_by};

use crate::{
    SandboxFacts, StepOutcome, StepRecord,
    judge::{self, Complaint, Judgement},
    package,
    product::{self, Product},
    shell,
    student::is_own_address,
    symptom::Symptom,
};

/// One cause with all that comes from it.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) key: Key,
    /// Indexes of the steps that meet it directly, the first first.
    pub(crate) steps: Vec<usize>,
    /// Indexes of the steps that fail because of it.
    pub(crate) consequences: Vec<usize>,
    pub(crate) complaint: Complaint,
    pub(crate) symptom: Option<Symptom>,
    /// Declared by the page, or the sandbox's own: a note, no gap.
    pub(crate) note: bool,
    /// The page's requirement that covers it.
    pub(crate) declared: Option<usize>,
    /// Further programs that are missing where the reader is blocked already.
    pub(crate) also: Vec<String>,
    /// Met only under the name that the page's program has here.
    pub(crate) detour: bool,
}

/// The causes, and how each step was judged.
#[derive(Debug)]
pub(crate) struct Causes {
    pub(crate) causes: Vec<Cause>,
    pub(crate) judgements: Vec<Judgement>,
}

/// Walks through the steps in order and sorts what went wrong by cause.
pub(crate) fn find(tutorial: &Tutorial, records: &[StepRecord], facts: &SandboxFacts) -> Causes {
    let mut search = Search {
        tutorial,
        causes: Vec::new(),
        unmade: Vec::new(),
        lost: None,
        made: BTreeSet::new(),
        set: BTreeSet::new(),
        unknown_variables: false,
        named: BTreeSet::new(),
        announced: announced(tutorial),
        at: 0,
        unanswered: None,
    };
    let mut judgements = Vec::with_capacity(records.len());
    for (index, (step, record)) in tutorial.steps.iter().zip(records).enumerate() {
        let first = judge::judge_record(step, record, facts);
        let last = judge::judge_detour(step, record, facts);
        search.step(index, step, record, &first, last.as_ref());
        judgements.push(last.unwrap_or(first));
    }
    let mut causes = search.causes;
    if !reached_network(tutorial, records) {
        // Where nothing came through, the line of this machine is as likely the reason as a host.
        for cause in causes.iter_mut().filter(|cause| matches!(cause.key, Key::Host(_))) {
            cause.note = true;
        }
    }
    Causes { causes, judgements }
}

/// Every path that some step of the page says it makes.
fn announced(tutorial: &Tutorial) -> Vec<String> {
    tutorial
        .steps
        .iter()
        .flat_map(product::of_step)
        .filter_map(|product| match product {
            Product::Path(path) => Some(path),
            _ => None,
        })
        .collect()
}

/// Whether any step got something from another machine.
fn reached_network(tutorial: &Tutorial, records: &[StepRecord]) -> bool {
    tutorial.steps.iter().zip(records).any(|(step, record)| {
        let (Action::Run(command), StepOutcome::Passed) = (&step.action, &record.outcome) else {
            return false;
        };
        shell::read(&command.text).iter().any(|simple| {
            let words: Vec<&str> = simple.inner().iter().map(|word| word.text.as_str()).collect();
            match words.first().copied() {
                Some("curl" | "wget") => {
                    words.iter().skip(1).any(|w| !w.starts_with('-') && !is_own_address(w))
                }
                Some("git") => {
                    words.get(1).is_some_and(|w| matches!(*w, "clone" | "fetch" | "pull"))
                        && words.iter().any(|w| w.contains("://") || w.starts_with("git@"))
                }
                Some(
                    "pip" | "pip3" | "npm" | "apt" | "apt-get" | "gem" | "cargo" | "go" | "docker",
                ) => words
                    .iter()
                    .any(|w| matches!(*w, "install" | "update" | "add" | "pull" | "get")),
                _ => false,
            }
        })
    })
}

struct Search<'a> {
    tutorial: &'a Tutorial,
    causes: Vec<Cause>,
    /// What failed steps were to leave behind, with their cause.
    unmade: Vec<(Product, usize)>,
    /// The cause for which the reader is not where the page thinks.
    lost: Option<usize>,
    /// Names of what steps have made.
    made: BTreeSet<String>,
    /// Variables that steps have set.
    set: BTreeSet<String>,
    /// A file was sourced or a text evaluated: it may have set any variable.
    unknown_variables: bool,
    /// Names that earlier steps have used: who uses one again does not make it.
    named: BTreeSet<String>,
    /// Every path that some step of the page says it makes.
    announced: Vec<String>,
    /// The index of the step that is looked at.
    at: usize,
    /// The last question that nobody answered: its cause and its step's index.
    unanswered: Option<(usize, usize)>,
}

impl Search<'_> {
    fn step(
        &mut self,
        index: usize,
        step: &Step,
        record: &StepRecord,
        first: &Judgement,
        last: Option<&Judgement>,
    ) {
        self.at = index;
        let products = product::of_step(step);
        let sort = |search: &mut Self, judgement: &Judgement| match &judgement.complaint {
            Some(complaint) => search.sort(index, step, judgement, complaint),
            None => Vec::new(),
        };
        let mut causes = sort(self, first);
        if let Some(last) = last {
            // The page's own program is a cause; what came under the other name has its own.
            let known = self.causes.len();
            causes = sort(self, last);
            for cause in &mut self.causes[known..] {
                cause.detour = true;
            }
        }
        let judgement = last.unwrap_or(first);
        if let (Some(Complaint::Unanswered(_)), Some(&cause)) =
            (&judgement.complaint, causes.first())
        {
            self.unanswered = Some((cause, index));
        }
        let failed = matches!(
            judgement.outcome,
            StepOutcome::Failed(_) | StepOutcome::SandboxLimited(_) | StepOutcome::Skipped(_)
        );
        let only_output = matches!(judgement.complaint, Some(Complaint::Mismatch(_)));
        if let (Some(&cause), true, false) = (causes.first(), failed, only_output) {
            for product in products {
                // With another editor, for example, the file was written all the same.
                if matches!(&product, Product::Path(path) if left_behind(record, path)) {
                    continue;
                }
                if let Product::Directory(_) = product {
                    self.lost = Some(cause);
                }
                let product = match product {
                    Product::Perhaps(path) => {
                        let name = product::components(&path).last().copied().unwrap_or_default();
                        if self.named.contains(name) || self.made.contains(name) {
                            continue;
                        }
                        Product::Path(path)
                    }
                    product => product,
                };
                self.unmade.push((product, cause));
            }
        } else {
            self.succeeded(record, &products);
        }
        if let Some(seen) = record.last_seen() {
            for file in seen.files.iter().filter(|file| file.what != "removed") {
                self.made.extend(file.path.rsplit('/').next().map(str::to_owned));
            }
        }
        if causes.is_empty() {
            self.unset_variables(index, step, record);
        }
        self.learn_variables(step);
        self.learn_names(step);
    }

    /// Things that a step has made are there; the reader may have found the way again.
    fn succeeded(&mut self, record: &StepRecord, products: &[Product]) {
        if record.last_seen().is_none() {
            return;
        }
        for product in products {
            match product {
                Product::Directory(path) => {
                    let absolute =
                        path.starts_with('/') || path.starts_with('~') || path == "$HOME";
                    let last = product::components(path).last().map(|name| (*name).to_owned());
                    if absolute || last.is_some_and(|name| self.made.contains(&name)) {
                        self.lost = None;
                    }
                }
                Product::Path(path) => {
                    let last = product::components(path).last().map(|name| (*name).to_owned());
                    self.made.extend(last);
                    self.unmade.retain(
                        |(other, _)| !matches!(other, Product::Path(p) if same_name(p, path)),
                    );
                }
                Product::Repository => {
                    self.unmade.retain(|(other, _)| *other != Product::Repository);
                }
                _ => {}
            }
        }
    }

    /// Finds the causes of one complaint, or makes new ones; the first is the weightiest.
    fn sort(
        &mut self,
        index: usize,
        step: &Step,
        judgement: &Judgement,
        complaint: &Complaint,
    ) -> Vec<usize> {
        if let Complaint::Limited(why) = complaint {
            let cause = self.enter(index, Key::Limited(why.clone()), complaint, None);
            self.causes[cause].note = true;
            return vec![cause];
        }
        let text = match &step.action {
            Action::Run(command) => command.text.as_str(),
            _ => "",
        };
        // Whatever else is said, a program that is not there is a cause.
        let missing: Vec<&String> = judgement
            .symptoms
            .iter()
            .filter_map(|symptom| match symptom {
                Symptom::CommandNotFound(name) => Some(name),
                _ => None,
            })
            .collect();
        let judged_by_symptoms =
            matches!(complaint, Complaint::Failed | Complaint::PartFailed | Complaint::NotWritten);
        if judged_by_symptoms && !missing.is_empty() {
            return missing
                .into_iter()
                .map(|name| self.missing_program(index, name, complaint))
                .collect();
        }
        if judged_by_symptoms
            && !self.unknown_variables
            && let Some(name) = self.first_unset(text)
        {
            let unmade = self
                .unmade
                .iter()
                .rev()
                .find(|(product, _)| *product == Product::Variable(name.clone()));
            if let Some(&(_, cause)) = unmade {
                self.causes[cause].consequences.push(index);
                return vec![cause];
            }
            return vec![self.enter(index, Key::Variable(name), complaint, None)];
        }
        let symptom = judgement.symptoms.first().filter(|_| judged_by_symptoms);
        if let Some(cause) = self.explain(text, judgement, complaint, symptom) {
            self.causes[cause].consequences.push(index);
            return vec![cause];
        }
        let key = match symptom {
            Some(symptom) => key_of(symptom, text, step.number),
            None => match complaint {
                Complaint::Failed => Key::Command(text.to_owned()),
                Complaint::Mismatch(difference) if difference.reworded => Key::Drift(
                    shell::programs_of(text).last().cloned().unwrap_or_else(|| text.to_owned()),
                ),
                Complaint::Mismatch(_) => Key::Output(text.to_owned()),
                Complaint::LongRunning => Key::Serves(
                    text.split_whitespace()
                        .filter(|word| !word.chars().all(|c| c.is_ascii_digit()))
                        .take(3)
                        .collect::<Vec<_>>()
                        .join(" "),
                ),
                _ => Key::Step(step.number),
            },
        };
        vec![self.enter(index, key, complaint, symptom.cloned())]
    }

    fn missing_program(&mut self, index: usize, name: &str, complaint: &Complaint) -> usize {
        let unmade = self.unmade.iter().rev().find(|(product, _)| product::gives(product, name));
        if let Some(&(_, cause)) = unmade {
            self.causes[cause].consequences.push(index);
            return cause;
        }
        // What is missing on a way that is blocked by a missing program is one list to complete.
        let known = self.causes.iter().any(|cause| cause.key == Key::Program(name.to_owned()));
        if let (Some(cause), false) = (self.lost, known)
            && matches!(&self.causes[cause].key, Key::Program(first) if plainly_missing(first) && plainly_missing(name))
        {
            self.causes[cause].steps.push(index);
            if !self.causes[cause].also.iter().any(|other| other == name) {
                self.causes[cause].also.push(name.to_owned());
            }
            return cause;
        }
        let symptom = Symptom::CommandNotFound(name.to_owned());
        let cause = self.enter(index, Key::Program(name.to_owned()), complaint, Some(symptom));
        let declared =
            self.tutorial.requirements.iter().position(|r| package::provides(&r.name, name));
        if declared.is_some() {
            self.causes[cause].note = true;
            self.causes[cause].declared = declared;
        }
        cause
    }

    /// Adds the step to the cause with this key, or makes it.
    fn enter(
        &mut self,
        index: usize,
        key: Key,
        complaint: &Complaint,
        symptom: Option<Symptom>,
    ) -> usize {
        let same = self.causes.iter().position(|cause| same_key(&cause.key, &key));
        if let Some(found) = same {
            self.causes[found].steps.push(index);
            return found;
        }
        self.causes.push(Cause {
            key,
            steps: vec![index],
            consequences: Vec::new(),
            complaint: complaint.clone(),
            symptom,
            note: false,
            declared: None,
            also: Vec::new(),
            detour: false,
        });
        self.causes.len() - 1
    }

    /// The earlier cause from which this follows, if one is known.
    fn explain(
        &self,
        text: &str,
        judgement: &Judgement,
        complaint: &Complaint,
        symptom: Option<&Symptom>,
    ) -> Option<usize> {
        if matches!(
            complaint,
            Complaint::StandIn | Complaint::LongRunning | Complaint::Unanswered(_)
        ) {
            return None;
        }
        let by = |wanted: &dyn Fn(&Product) -> bool| {
            self.unmade.iter().rev().find(|(product, _)| wanted(product)).map(|&(_, cause)| cause)
        };
        let path_needed = |path: &str| {
            by(&|product| match product {
                Product::Path(made) | Product::Directory(made) => product::is_or_holds(made, path),
                _ => false,
            })
        };
        let found = match symptom {
            Some(Symptom::ModuleMissing(name)) => by(&|product| product::gives(product, name)),
            Some(Symptom::LibraryMissing(name)) => by(&|product| same_library(product, name)),
            Some(Symptom::NoSuchFile(path) | Symptom::AlreadyExists(path)) => path_needed(path)
                .or_else(|| {
                    // Variables that were never set lead to paths that are nowhere.
                    let is_relative = !path.starts_with('/')
                        || text.contains(path.rsplit('/').next().unwrap_or(path));
                    self.lost.filter(|_| is_relative && !names_other_root(text))
                }),
            Some(Symptom::PermissionDenied(path)) => path_needed(path),
            Some(Symptom::ManifestMissing(name)) => {
                let file = name.split(' ').next().unwrap_or(name);
                path_needed(file).or(self.lost).or_else(|| {
                    by(&|product| matches!(product, Product::State(tool) if shell::programs_of(text).contains(tool)))
                        .filter(|_| !self.made.contains(file))
                })
            }
            Some(Symptom::NotARepository) => {
                by(&|product| *product == Product::Repository).or(self.lost)
            }
            Some(Symptom::NoSuchRevision(name)) => by(&|product| *product == Product::Commit)
                .or_else(|| path_needed(name))
                .or(self.lost),
            Some(Symptom::NoSuchRemote(name)) => {
                by(&|product| matches!(product, Product::Remote(other) if other == name))
                    .or(self.lost)
            }
            Some(Symptom::NothingListens(_)) => {
                by(&|product| *product == Product::Server).or_else(|| self.last_failure_of_server())
            }
            // These have reasons of their own, wherever the reader is.
            Some(
                Symptom::IdentityUnknown
                | Symptom::ExternallyManaged
                | Symptom::CommandNotFound(_)
                | Symptom::HostUnreachable(_)
                | Symptom::PortInUse(_)
                | Symptom::NoDisplay
                | Symptom::NoTerminal
                | Symptom::DaemonDown(_)
                | Symptom::PackageUnknown(_)
                | Symptom::ShellSyntax
                | Symptom::LockHeld
                | Symptom::OutOfRoom
                | Symptom::VersionUnfit(_),
            ) => return None,
            Some(Symptom::UsageError(_)) | None => None,
        };
        if found.is_some() {
            return found;
        }
        match symptom {
            // What no step names may have been made by a build that failed.
            Some(Symptom::NoSuchFile(path)) if !self.somebody_makes(path) => {
                by(&|product| matches!(product, Product::State(tool) if is_builder(tool)))
                    .or_else(|| self.unanswered_just_before())
            }
            // A path that nothing was to make is a cause of its own.
            Some(
                Symptom::NoSuchFile(_)
                | Symptom::PermissionDenied(_)
                | Symptom::ModuleMissing(_)
                | Symptom::LibraryMissing(_),
            ) => None,
            _ => self.explain_by_words(text, judgement, complaint),
        }
    }

    /// Follows from what the command names, from the place it is in, or from its tool's state.
    fn explain_by_words(
        &self,
        text: &str,
        judgement: &Judgement,
        complaint: &Complaint,
    ) -> Option<usize> {
        let commands = shell::read(text);
        let words: Vec<&str> = commands
            .iter()
            .flat_map(|simple| simple.inner().iter().skip(1))
            .map(|word| word.text.as_str())
            .filter(|word| !word.starts_with('-') && word.len() > 1)
            .collect();
        let named = self.unmade.iter().rev().find(|(product, _)| match product {
            Product::Path(made) => {
                let name = product::components(made).last().copied().unwrap_or_default();
                name.len() > 1
                    && (words.iter().any(|word| product::components(word).contains(&name))
                        || mentions(complaint, name))
            }
            Product::Server => matches!(complaint, Complaint::NoAnswer),
            _ => false,
        });
        if let Some(&(_, cause)) = named {
            return Some(cause);
        }
        if matches!(complaint, Complaint::NoAnswer) {
            return self.last_failure_of_server();
        }
        let anywhere = commands.iter().all(|simple| {
            matches!(
                simple.inner_program(),
                Some("echo" | "printf" | "date" | "true" | "whoami" | "sleep")
            ) || simple
                .words
                .iter()
                .any(|word| matches!(word.text.as_str(), "--version" | "--help" | "-V"))
        });
        if self.lost.is_some() && !anywhere {
            return self.lost;
        }
        let programs = shell::programs_of(text);
        let state = self.unmade.iter().rev().find(|(product, _)| match product {
            Product::State(tool) => programs.contains(tool),
            _ => false,
        });
        // A tool's state explains other output, and failures that say nothing of their own.
        let weak = matches!(complaint, Complaint::Mismatch(_)) || judgement.symptoms.is_empty();
        state.filter(|_| weak).map(|&(_, cause)| cause)
    }

    /// What a question decides is known to those who answered it; for the next few steps.
    fn unanswered_just_before(&self) -> Option<usize> {
        const STEPS: usize = 2;
        self.unanswered.filter(|&(_, asked)| self.at <= asked + STEPS).map(|(cause, _)| cause)
    }

    /// Whether any step of the page names this path as something that it makes.
    fn somebody_makes(&self, path: &str) -> bool {
        self.announced.iter().any(|made| same_name(made, path))
    }

    /// The last cause that kept a program from serving.
    fn last_failure_of_server(&self) -> Option<usize> {
        self.unmade.iter().rev().find_map(|(product, cause)| match product {
            Product::Server => Some(*cause),
            Product::State(tool) if is_server_tool(tool) => Some(*cause),
            _ => None,
        })
    }

    /// A variable that nothing has set, in a command that otherwise went through.
    fn unset_variables(&mut self, index: usize, step: &Step, record: &StepRecord) {
        let Action::Run(command) = &step.action else { return };
        if record.outcome != StepOutcome::Passed || self.unknown_variables {
            return;
        }
        if let Some(name) = self.first_unset(&command.text) {
            let symptom = None;
            let complaint = Complaint::PartFailed;
            self.enter(index, Key::Variable(name), &complaint, symptom);
        }
    }

    fn first_unset(&self, text: &str) -> Option<String> {
        let mut own: BTreeSet<String> = loop_variables(text).collect();
        for simple in shell::read(text) {
            for word in simple.words.iter().chain(simple.redirects.iter().map(|r| &r.target)) {
                for name in &word.variables {
                    let known = self.set.contains(name)
                        || own.contains(name)
                        || usual_variable(name)
                        || !name.chars().any(|c| c.is_ascii_uppercase());
                    if !known {
                        return Some(name.clone());
                    }
                }
            }
            own.extend(simple.assignments.iter().cloned());
            own.extend(variables_set_by(&simple));
        }
        None
    }

    fn learn_names(&mut self, step: &Step) {
        match &step.action {
            Action::Run(command) => {
                for simple in shell::read(&command.text) {
                    for word in &simple.words {
                        self.named.extend(
                            product::components(&word.text).last().map(|n| (*n).to_owned()),
                        );
                    }
                }
            }
            Action::WriteFile { path, .. } => {
                self.named.extend(product::components(path).last().map(|n| (*n).to_owned()));
            }
            _ => {}
        }
    }

    fn learn_variables(&mut self, step: &Step) {
        let Action::Run(command) = &step.action else { return };
        for simple in shell::read(&command.text) {
            self.set.extend(simple.assignments.iter().cloned());
            self.set.extend(variables_set_by(&simple));
            self.unknown_variables |=
                matches!(simple.program(), Some("source" | "." | "eval" | "mapfile" | "getopts"))
                    && !simple.words.iter().any(|word| word.text.ends_with("activate"));
        }
        self.set.extend(loop_variables(&command.text));
    }
}

/// Whether a missing program is simply not installed: no other name, no way around.
fn plainly_missing(name: &str) -> bool {
    name != "sudo" && package::stand_in_for(name).is_none() && !package::is_editor(name)
}

/// Whether a step has made this file or folder, whatever its exit code says.
fn left_behind(record: &StepRecord, path: &str) -> bool {
    record.last_seen().is_some_and(|seen| {
        seen.files.iter().any(|file| file.what != "removed" && same_name(&file.path, path))
    })
}

fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (product::components(a), product::components(b));
    !a.is_empty() && (a == b || a.ends_with(&b) && !b.is_empty() || b.ends_with(&a))
}

fn same_library(product: &Product, wanted: &str) -> bool {
    let Product::Installed(name) = product else { return false };
    let stem = |text: &str| -> String {
        let text = text.to_lowercase();
        let text = text.trim_start_matches("lib").trim_end_matches("-dev");
        text.chars().take_while(char::is_ascii_alphabetic).collect()
    };
    let (a, b) = (stem(name), stem(wanted));
    a.len() >= 2 && b.len() >= 2 && (a.starts_with(&b) || b.starts_with(&a))
}

/// Whether the difference is about this name.
fn mentions(complaint: &Complaint, name: &str) -> bool {
    let Complaint::Mismatch(difference) = complaint else { return false };
    name.len() > 2
        && difference.missing.iter().any(|line| {
            line.split(|c: char| !c.is_alphanumeric() && !"._-".contains(c))
                .any(|word| word == name)
        })
}

fn names_other_root(text: &str) -> bool {
    shell::read(text).iter().any(|simple| {
        simple
            .inner()
            .iter()
            .skip(1)
            .any(|word| word.text.starts_with("~/") || word.text.starts_with('/'))
    })
}

/// Whether a tool makes files that its command does not name.
fn is_builder(tool: &str) -> bool {
    matches!(
        tool,
        "make"
            | "cmake"
            | "ninja"
            | "meson"
            | "npm"
            | "yarn"
            | "pnpm"
            | "npx"
            | "mkdocs"
            | "hugo"
            | "jekyll"
            | "sphinx-build"
            | "tsc"
            | "webpack"
            | "gcc"
            | "cc"
            | "g++"
            | "clang"
            | "javac"
            | "go"
            | "docker"
            | "gradle"
            | "mvn"
            | "bundle"
            | "rails"
            | "unzip"
            | "tar"
            | "pandoc"
            | "mdbook"
            | "autoconf"
            | "bazel"
    )
}

fn is_server_tool(tool: &str) -> bool {
    matches!(
        tool,
        "flask"
            | "uvicorn"
            | "gunicorn"
            | "hugo"
            | "jekyll"
            | "mkdocs"
            | "npm"
            | "npx"
            | "yarn"
            | "pnpm"
            | "rails"
            | "docker"
            | "kubectl"
            | "node"
            | "deno"
            | "bun"
            | "cargo"
            | "go"
            | "serve"
            | "redis-server"
            | "nginx"
            | "fastapi"
    )
}
