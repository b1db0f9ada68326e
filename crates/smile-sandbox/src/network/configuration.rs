//! What the host's own configuration allows: proxies and package mirrors.
//!
//! Where a company's proxy or mirror has a private address, the author's machine was set up to
//! use it, in its environment or in the files of its package managers. Those hosts, on those
//! ports, are part of the internet as this machine has it. Names that merely resolve to private
//! addresses are not.

use std::path::PathBuf;

use super::{GATEWAY, Rule};

/// The largest configuration file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Rules from one configuration.
const RULES_MAX: usize = 256;

/// Variables that hold the address of a proxy, mirror or registry (lower case).
const VARIABLES: &[&str] = &[
    "pip_index_url",
    "pip_extra_index_url",
    "pip_proxy",
    "uv_default_index",
    "uv_index",
    "uv_index_url",
    "uv_extra_index_url",
    "npm_config_registry",
    "yarn_registry",
    "yarn_npm_registry_server",
    "goproxy",
    "gosumdb",
    "rustup_dist_server",
    "rustup_update_root",
    "cargo_http_proxy",
    "hf_endpoint",
    "conda_channel_alias",
    "homebrew_api_domain",
    "homebrew_bottle_domain",
];

/// Beginnings and ends of such variables' names.
const VARIABLE_PREFIXES: &[&str] = &["cargo_registries_", "cargo_source_", "bundle_mirror__"];
const VARIABLE_SUFFIXES: &[&str] = &["_proxy"];

/// Configuration files for everyone.
const SYSTEM_FILES: &[&str] = &[
    "/etc/pip.conf",
    "/etc/npmrc",
    "/usr/etc/npmrc",
    "/etc/apt/sources.list",
    "/etc/apt/apt.conf",
    "/etc/apk/repositories",
    "/etc/uv/uv.toml",
];

/// Folders of them, with the ends of the names that count.
const SYSTEM_FOLDERS: &[(&str, &[&str])] = &[
    ("/etc/apt/sources.list.d", &[".list", ".sources"]),
    ("/etc/apt/apt.conf.d", &[""]),
    ("/etc/yum.repos.d", &[".repo"]),
];

/// The user's own, below the home folder.
const HOME_FILES: &[&str] = &[
    ".pip/pip.conf",
    ".config/pip/pip.conf",
    ".config/uv/uv.toml",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".cargo/config.toml",
    ".gemrc",
    ".bundle/config",
    ".condarc",
    ".m2/settings.xml",
];

/// The hosts that the given environment and the package managers' files name as proxy, mirror
/// or registry, each with its port.
///
/// Reads files; call it outside of the runtime's threads or accept a few of them being read.
pub fn allowed_by_configuration<'e>(
    environment: impl IntoIterator<Item = (&'e str, &'e str)>,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut files: Vec<PathBuf> = SYSTEM_FILES.iter().map(PathBuf::from).collect();
    for (name, value) in environment {
        match name {
            "HOME" => files.extend(HOME_FILES.iter().map(|file| PathBuf::from(value).join(file))),
            "PIP_CONFIG_FILE"
            | "npm_config_userconfig"
            | "NPM_CONFIG_USERCONFIG"
            | "UV_CONFIG_FILE" => files.push(value.into()),
            "CARGO_HOME" => files.push(PathBuf::from(value).join("config.toml")),
            _ if names_a_server(name) => add_from_value(value, &mut rules),
            _ => {}
        }
    }
    for (folder, ends) in SYSTEM_FOLDERS {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let counts = |path: &PathBuf| {
            let name = path.to_string_lossy();
            ends.iter().any(|end| name.ends_with(end))
        };
        files.extend(entries.map(|entry| entry.path()).filter(counts));
    }
    for file in files {
        if let Some(text) = read_small(&file) {
            add_from_file(&text, &mut rules);
        }
    }
    rules
}

/// The value that a variable must have inside, where it names a proxy or mirror on the host's
/// loopback: there, the [`GATEWAY`] stands for it (see [`Rule`]). None: the value stays.
pub fn environment_inside(name: &str, value: &str) -> Option<String> {
    if !names_a_server(name) {
        return None;
    }
    let words: Vec<_> = split_values(value).collect();
    let mut inside = value.to_owned();
    for word in words {
        let Some((host, Some(_))) = server_of(word) else {
            continue;
        };
        if is_loopback(host) {
            let moved = word.replacen(host, &GATEWAY.to_string(), 1);
            inside = inside.replacen(word, &moved, 1);
        }
    }
    (inside != value).then_some(inside)
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::Ipv4Addr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn names_a_server(variable: &str) -> bool {
    let name = variable.to_ascii_lowercase();
    name != "no_proxy"
        && (VARIABLES.contains(&&*name)
            || VARIABLE_PREFIXES.iter().any(|start| name.starts_with(start))
            || VARIABLE_SUFFIXES.iter().any(|end| name.ends_with(end)))
}

fn split_values(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|letter: char| letter.is_whitespace() || letter == ',' || letter == '|')
        .filter(|word| !word.is_empty())
}

fn add_from_value(value: &str, rules: &mut Vec<Rule>) {
    for word in split_values(value) {
        add(server_of(word), rules);
    }
}

/// Adds every address with a scheme outside of comments.
fn add_from_file(text: &str, rules: &mut Vec<Rule>) {
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with(['#', ';']) || line.starts_with("//") {
            continue;
        }
        let between = |letter: char| letter.is_whitespace() || "\"'<>,;[]{}()".contains(letter);
        for word in line.split(between) {
            // `key=http://…`, `sparse+https://…`: the scheme is what counts.
            if let Some(scheme) = ["http://", "https://", "socks5://", "ftp://"]
                .into_iter()
                .find_map(|scheme| word.find(scheme))
            {
                add(server_of(&word[scheme..]), rules);
            }
        }
    }
}

fn add(server: Option<(&str, Option<u16>)>, rules: &mut Vec<Rule>) {
    if let Some((host, port)) = server
        && let Some(rule) = Rule::host(host, port)
        && rules.len() < RULES_MAX
        && !rules.contains(&rule)
    {
        rules.push(rule);
    }
}

/// The host and port of an address, with or without a scheme.
fn server_of(address: &str) -> Option<(&str, Option<u16>)> {
    let (scheme, rest) = match address.split_once("://") {
        Some(split) => split,
        // A bare word may be a keyword; with a port it is a server.
        None if address.contains(':') => ("http", address),
        None => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (server, None),
    };
    let usual = match scheme.rsplit('+').next()? {
        "http" => 80,
        "https" => 443,
        "ftp" => 21,
        "socks4" | "socks4a" | "socks5" | "socks5h" => 1080,
        _ => return None,
    };
    (!host.is_empty()).then_some((host, Some(port.unwrap_or(usual))))
}

fn read_small(path: &PathBuf) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return None;
    }
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(add: impl FnOnce(&mut Vec<Rule>)) -> Vec<String> {
        let mut rules = Vec::new();
        add(&mut rules);
        rules.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn variables_that_name_a_server_become_rules() {
        let check = |name: &str, value: &str, expected: &[&str]| {
            assert!(names_a_server(name), "{name}");
            let rules = printed(|rules| add_from_value(value, rules));
            assert_eq!(rules, expected, "{name}={value}");
        };
        check("http_proxy", "http://user:p%40ss@proxy.lan:3128/", &["proxy.lan:3128"]);
        check("HTTPS_PROXY", "10.1.2.3:8080", &["10.1.2.3:8080"]);
        check("all_proxy", "socks5h://10.1.2.3", &["10.1.2.3:1080"]);
        check("PIP_INDEX_URL", "https://pypi.lan/simple", &["pypi.lan:443"]);
        check(
            "PIP_EXTRA_INDEX_URL",
            "http://a.lan/x https://b.lan:8443/y",
            &["a.lan:80", "b.lan:8443"],
        );
        check("GOPROXY", "https://go.lan|direct,off", &["go.lan:443"]);
        check("CARGO_REGISTRIES_OUR_INDEX", "sparse+https://c.lan/i/", &["c.lan:443"]);
        assert!(!names_a_server("NO_PROXY"));
        assert!(!names_a_server("HOME"));
    }

    #[test]
    fn files_of_package_managers_become_rules() {
        let text = "[global]\nindex-url = https://u:p@pypi.lan:8443/simple\n# https://no.lan\n\
                    registry=http://npm.lan/\ndeb [signed-by=/k] http://apt.lan/debian stable main\n\
                    Acquire::http::Proxy \"http://10.9.8.7:3142\";\n// http://no.lan\n";
        let rules = printed(|rules| add_from_file(text, rules));
        assert_eq!(rules, ["pypi.lan:8443", "npm.lan:80", "apt.lan:80", "10.9.8.7:3142"]);
    }

    #[test]
    fn a_server_on_the_loopback_is_behind_the_gateway() {
        let check = |name: &str, value: &str, expected: Option<&str>| {
            assert_eq!(environment_inside(name, value).as_deref(), expected, "{value}");
        };
        check("http_proxy", "http://localhost:3128", Some("http://10.77.0.1:3128"));
        check("http_proxy", "http://u:p@127.0.0.1:3128/", Some("http://u:p@10.77.0.1:3128/"));
        check("http_proxy", "http://proxy.lan:3128", None);
        check("PATH", "localhost:80", None);
    }

    #[test]
    fn the_environment_and_files_are_read_together() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".npmrc"), "registry=https://npm.lan:4873/\n").unwrap();
        let home = home.path().to_str().unwrap();
        let rules = allowed_by_configuration([("HOME", home), ("https_proxy", "http://p.lan:1")]);
        let rules: Vec<_> = rules.iter().map(ToString::to_string).collect();
        for expected in ["npm.lan:4873", "p.lan:1"] {
            assert!(rules.iter().any(|rule| rule == expected), "{rules:?}");
        }
    }
}
