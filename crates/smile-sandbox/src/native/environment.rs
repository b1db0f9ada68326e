//! What of the caller's environment a sandbox sees: little, by name.

use std::path::PathBuf;

/// Variables of the host that pass unless the specification says otherwise: where certificates
/// are, how to reach the outside, and where packages come from. `*` stands for any ending.
pub const ENVIRONMENT_PASS: &[&str] = &[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "PIP_*",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "npm_config_registry",
    "npm_config_cafile",
    "NPM_CONFIG_REGISTRY",
    "YARN_NPM_REGISTRY_SERVER",
    "CARGO_HTTP_*",
    "CARGO_NET_*",
    "CARGO_SOURCE_*",
    "CARGO_REGISTRIES_*",
    "GOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOFLAGS",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Of those, the ones whose value is a file of certificates.
const CERTIFICATES: [&str; 9] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "PIP_CERT",
    "npm_config_cafile",
    "CARGO_HTTP_CAINFO",
];

/// A name with one of these in it is a secret, whatever list it stands on.
const SECRET: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH"];

/// Where programs are found, before any toolchain of the author's.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment of a session: a fresh login's, and what passes.
pub(super) fn inside(
    host: &[(String, String)],
    pass: &[String],
    home: &str,
    shell: &str,
    toolchains: &[String],
) -> Vec<(String, String)> {
    let mut path = PATH.to_owned();
    for folder in toolchains {
        path.push(':');
        path += folder;
    }
    let mut environment: Vec<(String, String)> = [
        ("HOME", home),
        ("USER", "root"),
        ("LOGNAME", "root"),
        ("SHELL", shell),
        ("PATH", &path),
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
        ("SMILE", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in host {
        let known = environment.iter().any(|(taken, _)| taken == name);
        if !known && passes(name, pass) {
            environment.push((name.clone(), value.clone()));
        }
    }
    environment
}

/// The files of certificates that passing variables name and that the sandbox would hide.
pub(super) fn certificates(host: &[(String, String)], pass: &[String]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = host
        .iter()
        .filter(|(name, _)| CERTIFICATES.contains(&name.as_str()) && passes(name, pass))
        .map(|(_, value)| PathBuf::from(value))
        .filter(|path| path.is_absolute() && path.is_file())
        .filter(|path| !["/etc", "/usr", "/opt"].iter().any(|shown| path.starts_with(shown)))
        .collect();
    files.sort();
    files.dedup();
    files
}

fn passes(name: &str, pass: &[String]) -> bool {
    let loud = name.to_ascii_uppercase();
    let secret = SECRET.iter().any(|word| loud.contains(word));
    !secret
        && pass.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_names_pass_and_secrets_never() {
        let host: Vec<_> = [
            ("PIP_INDEX_URL", "u"),
            ("CARGO_REGISTRIES_X_TOKEN", "t"),
            ("CARGO_REGISTRIES_X_INDEX", "i"),
            ("CARGO_HOME", "/home/ada/.cargo"),
            ("AWS_PROFILE", "p"),
            ("PATH", "/home/ada/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let pass: Vec<_> = ENVIRONMENT_PASS.iter().map(|name| (*name).to_owned()).collect();
        let got = inside(&host, &pass, "/root", "/bin/bash", &["/home/ada/.cargo/bin".to_owned()]);
        let value = |name: &str| {
            got.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("PIP_INDEX_URL"), Some("u"));
        assert_eq!(value("CARGO_REGISTRIES_X_INDEX"), Some("i"));
        assert!(
            value("PATH").is_some_and(|path| path.ends_with("/sbin:/bin:/home/ada/.cargo/bin"))
        );
        for name in ["CARGO_REGISTRIES_X_TOKEN", "CARGO_HOME", "AWS_PROFILE"] {
            assert_eq!(value(name), None, "{name}");
        }
    }
}
