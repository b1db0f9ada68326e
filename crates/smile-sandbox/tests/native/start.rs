//! Starting on each base and by each way of mounting, and what the facts say.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use smile_sandbox::{Backend, Base, Network, SandboxSpec, StartError, native::Native};

use crate::case::{Case, Context, block_on};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case { name: "starts_and_stops", run: starts_and_stops },
        Case { name: "the_environment_is_clean", run: the_environment_is_clean },
        Case { name: "a_toolchain_is_shown", run: a_toolchain_is_shown },
        Case { name: "starts_by_the_old_mount_call", run: starts_by_the_old_mount_call },
        Case { name: "starts_on_a_folder", run: starts_on_a_folder },
        Case { name: "starts_on_an_archive", run: starts_on_an_archive },
        Case { name: "a_wrong_base_is_named", run: a_wrong_base_is_named },
        Case { name: "the_probe_answers", run: the_probe_answers },
        Case { name: "many_start_at_once", run: many_start_at_once },
        Case { name: "other_users_are_known_or_said_not_to_be", run: other_users },
        Case { name: "packages_can_be_installed", run: packages_can_be_installed },
    ]
}

fn starts_and_stops(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        let facts = inside.facts().clone();
        assert_eq!((facts.user.as_str(), facts.home.as_str()), ("root", "/root"));
        assert_eq!(facts.unprivileged, !context.is_root);
        assert_eq!(facts.limits_missing, Vec::<String>::new());
        // An overlay's changes cannot lie on another one, as in a container.
        let mounts = fs::read_to_string("/proc/mounts").expect("mounts are listed");
        let root = mounts.lines().rfind(|line| line.split(' ').nth(1) == Some("/"));
        let in_container = root.is_some_and(|line| line.split(' ').nth(2) == Some("overlay"));
        assert_eq!(facts.changes_in_memory, in_container);
        assert_eq!(inside.ok("id -u; pwd; ls -A; hostname").await, "0\n/root/work\nsmile\n");
        inside.ok("echo x > f && chmod 600 f && mkdir -p d/e && cat /etc/resolv.conf").await;
        inside.ok("grep -q \"$(hostname)\" /etc/hosts && test -w /tmp && test -w /var/tmp").await;
        inside.stop().await;
    });
}

fn the_environment_is_clean(context: &Context) {
    let mut settings = context.settings();
    let certificates = context.folder.join("ca.pem");
    fs::write(&certificates, "certificates").expect("a file");
    let certificates = certificates.to_str().expect("its name is plain");
    settings.environment = [
        ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
        ("PIP_CERT", certificates),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("PIP_PASSWORD", "secret"),
        ("HOME", "/home/ada"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    block_on(async {
        let spec = SandboxSpec::new(Base::Host);
        let mut inside = Context::create_with(settings, &spec).await.expect("a sandbox");
        // A file that a passing variable names is there, and nothing beside it.
        assert_eq!(inside.ok(&format!("cat {certificates}")).await, "certificates");
        let environment = &inside.facts().environment;
        let value = |name: &str| {
            environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("SSL_CERT_FILE"), Some("/etc/ssl/certs/ca-certificates.crt"));
        assert_eq!(value("HOME"), Some("/root"));
        assert!(!environment.iter().any(|(_, value)| value == "secret"), "{environment:?}");
        inside.stop().await;
    });
}

fn a_toolchain_is_shown(context: &Context) {
    let home = context.folder.join("home");
    let tool = |path: &str, text: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(&path, format!("#!/bin/sh\necho {text}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    };
    tool(".cargo/bin/smile-tool", "found");
    tool(".switcher/bin/sh", "shadow");
    tool(".others/versions/v1/bin/smile-other", "other");
    tool(".others/versions/v1/lib/x", "x");
    fs::write(home.join(".cargo/credentials.toml"), "secret").expect("a file");
    let folder = |path: &str| home.join(path).display().to_string();
    let path = [".cargo/bin", ".switcher/bin", ".others/versions/v1/bin"].map(folder).join(":");
    let mut settings = context.settings();
    settings.environment =
        vec![("HOME".to_owned(), home.display().to_string()), ("PATH".to_owned(), path)];
    block_on(async {
        let spec = SandboxSpec::new(Base::Host);
        let mut inside = Context::create_with(settings, &spec).await.expect("a sandbox");
        assert_eq!(
            inside.facts().toolchains,
            [folder(".cargo/bin"), folder(".others/versions/v1/bin")]
        );
        let (cargo, other) = (folder(".cargo/bin"), folder(".others/versions/v1"));
        assert_eq!(
            inside
                .ok(&format!("{cargo}/smile-tool; {other}/bin/smile-other; ls {other}/lib"))
                .await,
            "found\nother\nx\n"
        );
        inside.ok(&format!("echo changed > {cargo}/smile-tool; touch {cargo}/new")).await;
        let (code, _) = inside.sh(&format!("cat {}", folder(".cargo/credentials.toml"))).await;
        assert_ne!(code, 0);
        inside.stop().await;
    });
    assert!(
        fs::read_to_string(home.join(".cargo/bin/smile-tool")).expect("it stays").contains("found")
    );
    assert!(!home.join(".cargo/bin/new").exists());
}

fn starts_by_the_old_mount_call(context: &Context) {
    let mut settings = context.settings();
    settings.old_mount_call = true;
    block_on(async {
        let spec = SandboxSpec::new(Base::Host);
        let mut inside = Context::create_with(settings, &spec).await.expect("a sandbox");
        inside.ok("echo x > /usr/bin/smile-x && test -e /etc/passwd && test ! -e /root/.ssh").await;
        let mounts = inside.ok("grep -c '^overlay / ' /proc/mounts").await;
        assert_eq!(mounts.trim(), "1");
        inside.stop().await;
    });
    assert!(!Path::new("/usr/bin/smile-x").exists());
}

/// A root file system of one program.
fn busybox_root(context: &Context) -> PathBuf {
    let root = context.folder.join("busybox-root");
    for folder in ["bin", "etc"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    fs::copy("/bin/busybox", root.join("bin/busybox"))
        .expect("the test machine has busybox-static");
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").expect("a file");
    for name in ["sh", "cat", "ls", "id", "mkdir", "rm", "touch", "chown", "hostname", "su"] {
        let link = root.join("bin").join(name);
        if fs::symlink_metadata(&link).is_err() {
            std::os::unix::fs::symlink("busybox", link).expect("a link");
        }
    }
    root
}

async fn looks_like_busybox(context: &Context, base: Base) {
    for network in [Network::None, Network::Internet] {
        let mut inside =
            context.create(&SandboxSpec::new(base.clone()).with_network(network)).await;
        assert_eq!(inside.ok("id -u; pwd; cat /etc/hostname").await, "0\n/root/work\nsmile\n");
        inside.ok("touch /bin/new; rm /bin/ls; test -c /dev/null; sudo id; sudo -- touch x").await;
        assert_eq!(inside.probe("mount").await, "EPERM");
        inside.stop().await;
    }
}

fn starts_on_a_folder(context: &Context) {
    let root = busybox_root(context);
    block_on(looks_like_busybox(context, Base::Folder(root.clone())));
    assert!(root.join("bin/ls").symlink_metadata().is_ok() && !root.join("bin/new").exists());
}

fn starts_on_an_archive(context: &Context) {
    let root = busybox_root(context);
    for flags in ["-cf", "-czf"] {
        let archive = context.folder.join("root.tar");
        let status =
            Command::new("tar").arg(flags).arg(&archive).arg("-C").arg(&root).arg(".").status();
        assert!(status.is_ok_and(|status| status.success()));
        block_on(looks_like_busybox(context, Base::Archive(archive)));
    }
}

fn a_wrong_base_is_named(context: &Context) {
    let empty = context.folder.join("empty");
    fs::create_dir(&empty).expect("a folder");
    let text = context.folder.join("text");
    fs::write(&text, "no archive").expect("a file");
    for base in [
        Base::Folder(empty.clone()),
        Base::Folder(context.folder.join("missing")),
        Base::Archive(text.clone()),
        Base::Archive(context.folder.join("missing")),
    ] {
        let spec = SandboxSpec::new(base.clone());
        let made = block_on(Context::create_with(context.settings(), &spec));
        let error = made.err().expect("it is no base");
        assert!(matches!(error, StartError::Base { .. }), "{base:?}: {error}");
        assert!(error.hint().contains("tar archive"));
    }
}

fn the_probe_answers(context: &Context) {
    let probe = block_on(Native::new(context.settings()).probe());
    let facts = probe.result.expect("sandboxes can be made here");
    // Where the device cannot be opened, the facts say why there is no network.
    assert_eq!(facts.network == Network::None, facts.network_missing.is_some());
}

fn many_start_at_once(context: &Context) {
    block_on(async {
        let native = Native::new(context.settings());
        let spec = SandboxSpec::new(Base::Host);
        let all: Vec<_> = (0..20).map(|_| native.create(&spec)).collect();
        let mut running = Vec::new();
        for one in all {
            running.push(one.await.expect("a sandbox"));
        }
        for one in running {
            one.stop().await;
        }
    });
}

fn other_users(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        assert_eq!(inside.facts().single_user, !context.has_users);
        let (code, text) = inside
            .sh("touch f; chown 1234:1234 f && stat -c %u:%g f && chmod 777 /tmp && cd / && \
                 sudo -u nobody sh -c 'id -u; touch /tmp/theirs; ! touch /etc/theirs 2>/dev/null'")
            .await;
        if context.has_users {
            assert_eq!((code, text.as_str()), (0, "1234:1234\n65534\n"));
        } else {
            assert_ne!(code, 0, "{text}");
        }
        inside.stop().await;
    });
}

/// A package of one script, made here so that no network is needed.
fn package(context: &Context) -> PathBuf {
    let folder = context.folder.join("package");
    let write = |path: &str, text: &str, mode| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let control = "Package: smile-try\nVersion: 1\nArchitecture: all\nMaintainer: SMILE <s@s.invalid>\nDescription: try\n";
    write("DEBIAN/control", control, 0o644);
    write("DEBIAN/postinst", "#!/bin/sh\necho configured > /etc/smile-try\n", 0o755);
    write("usr/bin/smile-try", "#!/bin/sh\necho tried\n", 0o755);
    write("usr/share/man/man1/smile-try.1", "man", 0o644);
    let built = context.folder.join("smile-try.deb");
    let status = Command::new("dpkg-deb")
        .args(["--build", "--root-owner-group"])
        .args([&folder, &built])
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()));
    built
}

fn packages_can_be_installed(context: &Context) {
    if !Path::new("/usr/bin/apt-get").exists() {
        return; // The host's own system is the base, and it has another package manager.
    }
    let share = smile_sandbox::Share {
        source: package(context),
        destination: "smile-try.deb".into(),
        copied: true,
    };
    block_on(async {
        let mut inside = context.create(&SandboxSpec::new(Base::Host).with_share(share)).await;
        inside.ok("sudo apt-get install -y ./smile-try.deb").await;
        assert_eq!(inside.ok("smile-try; cat /etc/smile-try").await, "tried\nconfigured\n");
        inside.ok("dpkg -s smile-try | grep -q 'install ok installed'; sudo apt-get remove -y smile-try").await;
        let (code, _) = inside.sh("smile-try").await;
        assert_ne!(code, 0);
        inside.stop().await;
    });
    assert!(!Path::new("/usr/bin/smile-try").exists() && !Path::new("/etc/smile-try").exists());
}
