//! Which of several ways fits the reader's machine: Debian Linux.

use crate::phrase::contains as has_phrase;
use crate::sentence::Sentence;

/// How well a label fits; higher is better.
pub(crate) type Fit = u8;

/// The fit of a label that names nothing known.
pub(crate) const NEUTRAL: Fit = 5;
/// At or below this the way is for another platform.
pub(crate) const OTHER_PLATFORM: Fit = 1;

const LABELS: &[(&str, Fit)] = &[
    ("debian", 9),
    ("ubuntu", 9),
    ("apt", 9),
    ("apt-get", 9),
    ("linux", 8),
    ("unix", 8),
    ("gnu/linux", 8),
    ("wsl", 6),
    ("bash", 8),
    ("posix", 8),
    ("npm", 7),
    ("pip", 7),
    ("venv", 7),
    ("shell", 7),
    ("terminal", 7),
    ("curl", 6),
    ("zsh", 6),
    ("yarn", 4),
    ("pnpm", 4),
    ("bun", 3),
    ("deno", 3),
    ("poetry", 3),
    ("pipenv", 3),
    ("conda", 3),
    ("mamba", 3),
    ("docker", 3),
    ("fish", 3),
    ("fedora", 2),
    ("rhel", 2),
    ("centos", 2),
    ("arch", 2),
    ("arch linux", 2),
    ("alpine", 2),
    ("opensuse", 2),
    ("nixos", 2),
    ("nix", 2),
    ("gentoo", 2),
    ("freebsd", 1),
    ("openbsd", 1),
    ("macos", 1),
    ("mac os", 1),
    ("os x", 1),
    ("osx", 1),
    ("mac", 1),
    ("homebrew", 1),
    ("brew", 1),
    ("macports", 1),
    ("windows", 0),
    ("powershell", 0),
    ("cmd", 0),
    ("command prompt", 0),
    ("chocolatey", 0),
    ("scoop", 0),
    ("winget", 0),
    ("android", 0),
    ("ios", 0),
];

/// The fit of a tab's name or a heading; none where it names no platform and no package manager.
pub(crate) fn fit(label: &str) -> Option<Fit> {
    let lower = label.to_lowercase();
    // A label is short: a sentence that mentions a platform is none.
    if lower.split_whitespace().count() > 8 {
        return None;
    }
    let mut best = None;
    for (name, fit) in LABELS {
        let narrower = *name == "linux"
            && ["arch linux", "alpine linux", "fedora linux"].iter().any(|n| lower.contains(n));
        // "Windows Subsystem for Linux" is Windows to the reader.
        let on_windows = *name == "linux" && lower.contains("subsystem");
        if !narrower && !on_windows && has_phrase(&lower, name) {
            best = best.max(Some(*fit));
        }
    }
    best
}

/// Whether a label names a platform or a package manager; shells and programs are everywhere.
fn is_platform(name: &str) -> bool {
    !matches!(
        name,
        "bash"
            | "shell"
            | "terminal"
            | "curl"
            | "zsh"
            | "venv"
            | "posix"
            | "apt"
            | "apt-get"
            | "docker"
            | "fish"
    )
}

/// The platform that a sentence restricts what follows to: "On Windows, use", "If you are on a
/// Mac", "macOS users".
pub(crate) fn restriction(sentence: &Sentence) -> Option<(Fit, String)> {
    let text = sentence.text.as_str();
    let mut found: Option<(Fit, String)> = None;
    for (name, fit) in LABELS.iter().filter(|(name, _)| is_platform(name)) {
        if !has_phrase(text, name) {
            continue;
        }
        let forms = [
            format!("on {name}"),
            format!("on a {name}"),
            format!("for {name}"),
            format!("under {name}"),
            format!("in {name}"),
            format!("{name} users"),
            format!("{name}:"),
            format!("with {name}"),
            format!("using {name}"),
            format!("use {name}"),
            format!("prefer {name}"),
            format!("via {name}"),
            format!("(for {name}"),
            format!("({name})"),
        ];
        let stated = forms.iter().any(|form| has_phrase(text, form)) || text == *name;
        if stated && found.as_ref().is_none_or(|(best, _)| best < fit) {
            found = Some((*fit, (*name).to_owned()));
        }
    }
    // "On Linux and macOS": the better one counts, wherever it stands.
    if let Some((best, _)) = &found {
        for name in ["linux", "unix", "ubuntu", "debian", "npm"] {
            if *best < 8 && has_phrase(text, name) && !has_phrase(text, "instead of") {
                found = Some((8, name.to_owned()));
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let check =
            |label: &str, expected: Option<Fit>| assert_eq!(fit(label), expected, "{label}");
        check("macOS and Linux", Some(8));
        check("Windows", Some(0));
        check("Ubuntu / Debian", Some(9));
        check("yarn", Some(4));
        check("npm", Some(7));
        check("Arch Linux", Some(2));
        check("Configuration", None);
    }

    #[test]
    fn restrictions() {
        let check = |text: &str, expected: Option<Fit>| {
            let sentences = crate::sentence::tests::read(text);
            assert_eq!(restriction(&sentences[0]).map(|(fit, _)| fit), expected, "{text}");
        };
        check("On macOS the system comes with an old Bash, so install one:", Some(1));
        check("If you are on Windows, use:", Some(0));
        check("On Linux and macOS:", Some(8));
        check("If you use yarn:", Some(4));
        check("Run the following command:", None);
        check("Create a file for the shell:", None);
    }
}
