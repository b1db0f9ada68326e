//! What makes two failures the same.

use crate::{product, symptom::Symptom};

/// What makes two failures the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Program(String),
    Module(String),
    Library(String),
    Path(String),
    Manifest(String),
    Repository,
    Identity,
    Python,
    Host(String),
    Daemon(String),
    Display,
    Terminal,
    Port(Option<u16>),
    Variable(String),
    Remote(String),
    /// Other words of one program's other version.
    Drift(String),
    /// A program that serves, by the beginning of its command.
    Serves(String),
    /// Another output of one command.
    Output(String),
    /// Like no other.
    Step(u32),
    /// The same command with the same end.
    Command(String),
    /// The sandbox's own limits.
    Limited(String),
}

pub(super) fn key_of(symptom: &Symptom, text: &str, number: u32) -> Key {
    match symptom {
        Symptom::CommandNotFound(name) => Key::Program(name.clone()),
        Symptom::ModuleMissing(name) => {
            Key::Module(name.split('.').next().unwrap_or(name).to_owned())
        }
        Symptom::LibraryMissing(name) => Key::Library(name.clone()),
        Symptom::NoSuchFile(path) => Key::Path(product::components(path).join("/")),
        Symptom::ManifestMissing(name) => {
            Key::Manifest(name.split(' ').next().unwrap_or(name).to_owned())
        }
        Symptom::NotARepository => Key::Repository,
        Symptom::IdentityUnknown => Key::Identity,
        Symptom::ExternallyManaged => Key::Python,
        Symptom::HostUnreachable(host) => Key::Host(host.clone().unwrap_or_default()),
        Symptom::DaemonDown(name) => Key::Daemon(name.clone()),
        Symptom::NoSuchRemote(name) => Key::Remote(name.clone()),
        Symptom::NoDisplay => Key::Display,
        Symptom::NoTerminal => Key::Terminal,
        Symptom::PortInUse(port) => Key::Port(*port),
        Symptom::UsageError(_) | Symptom::ShellSyntax => Key::Command(text.to_owned()),
        Symptom::PermissionDenied(_)
        | Symptom::NothingListens(_)
        | Symptom::NoSuchRevision(_)
        | Symptom::AlreadyExists(_)
        | Symptom::PackageUnknown(_)
        | Symptom::LockHeld
        | Symptom::OutOfRoom
        | Symptom::VersionUnfit(_) => Key::Step(number),
    }
}

/// Whether two keys are one cause: also a path and what lies under or above it.
pub(super) fn same_key(a: &Key, b: &Key) -> bool {
    match (a, b) {
        (Key::Path(a), Key::Path(b)) => {
            let (a, b) = (product::components(a), product::components(b));
            !a.is_empty()
                && !b.is_empty()
                && (a == b
                    || (a.len() > 1 && b.ends_with(&a))
                    || (b.len() > 1 && a.ends_with(&b))
                    || b.starts_with(&a))
        }
        (Key::Program(a), Key::Program(b)) => {
            a == b || matches!((a.as_str(), b.as_str()), ("pip", "pip3") | ("pip3", "pip"))
        }
        _ => a == b,
    }
}
