//! Ways out, each tried from inside; refused there, and the host is the same afterwards.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use smile_sandbox::{Base, Network, SandboxSpec};

use crate::case::{Case, Context, block_on};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case { name: "system_calls_are_refused", run: system_calls_are_refused },
        Case { name: "strict_leaves_no_capability", run: strict_leaves_no_capability },
        Case { name: "the_hosts_files_are_hidden", run: the_hosts_files_are_hidden },
        Case { name: "the_hosts_files_stay", run: the_hosts_files_stay },
        Case { name: "the_hosts_processes_are_away", run: the_hosts_processes_are_away },
        Case { name: "the_kernels_settings_stay", run: the_kernels_settings_stay },
        Case { name: "the_guest_is_closed", run: the_guest_is_closed },
        Case { name: "devices_are_few", run: devices_are_few },
        Case { name: "the_hosts_network_is_away", run: the_hosts_network_is_away },
        Case { name: "sockets_of_the_host_are_away", run: sockets_of_the_host_are_away },
        Case { name: "sandboxes_do_not_meet", run: sandboxes_do_not_meet },
        Case { name: "shares_are_read_only", run: shares_are_read_only },
    ]
}

fn system_calls_are_refused(context: &Context) {
    let refused = [
        ("EPERM", "mount remount umount2 pivot_root chroot fsopen open_tree move_mount"),
        ("EPERM", "mount_setattr open_by_handle_at unshare clone setns keyctl add_key bpf"),
        ("EPERM", "perf_event_open userfaultfd io_uring_setup kexec_load init_module reboot"),
        ("EPERM", "settimeofday sethostname syslog personality swapon acct ptrace-first"),
        ("EPERM", "type-into-terminal type-into-terminal-64 mknod raw"),
        ("ENOSYS", "clone3"),
        ("EAFNOSUPPORT", "packet vsock alg netfilter"),
        ("signal 31", "32-bit"),
    ];
    block_on(async {
        for strict in [false, true] {
            let mut spec = SandboxSpec::new(Base::Host);
            spec.strict = strict;
            let mut inside = context.create(&spec).await;
            for (expected, names) in refused {
                for name in names.split(' ') {
                    assert_eq!(inside.probe(name).await, expected, "{name}, strict: {strict}");
                }
            }
            inside.stop().await;
        }
    });
}

fn strict_leaves_no_capability(context: &Context) {
    block_on(async {
        let mut spec = SandboxSpec::new(Base::Host);
        spec.strict = true;
        let mut inside = context.create(&spec).await;
        let status = inside.ok("cat /proc/self/status").await;
        for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"] {
            assert!(status.contains(line), "{line} in {status}");
        }
        assert!(inside.facts().strict);
        inside.stop().await;
    });
}

/// A file of the host that is removed again.
struct Planted(PathBuf);

impl Planted {
    fn new(path: PathBuf, mode: u32) -> Self {
        fs::write(&path, "the host's secret\n").expect("the folder is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
        Self(path)
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn the_hosts_files_are_hidden(context: &Context) {
    let own = format!("smile-secret-{}", std::process::id());
    let home = PathBuf::from(std::env::var("HOME").expect("a home"));
    block_on(async {
        // First one sandbox, so that what covers the host is made before the secrets are there.
        context.host_base().await.stop().await;
        let mut planted = vec![
            Planted::new(home.join(&own), 0o644),
            Planted::new(context.folder.join(&own), 0o644),
            Planted::new(PathBuf::from("/var/tmp").join(&own), 0o644),
        ];
        if context.is_root {
            // Also what only root can read, wherever it lies.
            for folder in ["/etc", "/usr/local/lib", "/var/lib", "/opt", "/var/log"] {
                if Path::new(folder).is_dir() {
                    planted.push(Planted::new(Path::new(folder).join(&own), 0o600));
                }
            }
            planted.push(Planted::new(Path::new("/").join(&own), 0o644));
        }
        let mut inside = context.host_base().await;
        for file in &planted {
            let script = format!("cat '{}'", file.0.display());
            let (code, text) = inside.sh(&script).await;
            assert!(code != 0 && !text.contains("secret\n"), "{script}: {text}");
        }
        let (_, text) = inside.sh("cat /etc/shadow /etc/gshadow /etc/ssh/ssh_host_*_key").await;
        assert!(!text.contains("PRIVATE KEY") && !text.contains("$y$"), "{text}");
        let hosts = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        assert_ne!(inside.ok("cat /etc/machine-id").await, hosts);
        for folder in ["/home", "/mnt", "/media", "/srv", "/run/user", "/var/log/journal"] {
            let (_, text) = inside.sh(&format!("ls -A {folder} 2>/dev/null")).await;
            assert_eq!(text, "", "{folder}");
        }
        inside.stop().await;
    });
}

fn the_hosts_files_stay(context: &Context) {
    let watched = ["/etc/passwd", "/etc/hostname", "/usr/bin/env", "/etc/shadow"];
    let state = || {
        watched.map(|path| {
            use std::os::unix::fs::MetadataExt;
            let found = fs::metadata(path).ok();
            found.map(|found| (found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
        })
    };
    let before = state();
    block_on(async {
        let mut inside = context.host_base().await;
        inside
            .ok("echo x >> /etc/passwd; echo x > /etc/hostname; rm -f /usr/bin/env /etc/shadow
                 echo x > /usr/bin/smile-made; echo x > /smile-made; mkdir /home/me; rm -rf /opt
                 chmod 777 /etc; test ! -e /usr/bin/env && test -e /usr/bin/smile-made")
            .await;
        inside.stop().await;
    });
    assert_eq!(state(), before);
    for path in ["/usr/bin/smile-made", "/smile-made", "/home/me"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    // The next one starts as if that had not been.
    block_on(async {
        let mut inside = context.host_base().await;
        inside.ok("test -e /usr/bin/env && test ! -e /usr/bin/smile-made").await;
        inside.stop().await;
    });
}

fn the_hosts_processes_are_away(context: &Context) {
    let mut host = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().expect("sleep");
    block_on(async {
        let mut inside = context.host_base().await;
        let id = host.id();
        let (code, text) = inside.sh(&format!("kill -9 {id}; ls -d /proc/{id}")).await;
        assert_ne!(code, 0, "{text}");
        let processes = inside.ok("ls -d /proc/[0-9]* | wc -l").await;
        let count: u32 = processes.trim().parse().expect("a number");
        assert!(count <= 5, "{processes}");
        inside.stop().await;
    });
    assert!(matches!(host.try_wait(), Ok(None)), "the host's process lives");
    host.kill().expect("it lives");
    host.wait().expect("it has ended");
}

fn the_kernels_settings_stay(context: &Context) {
    let watched =
        ["kernel/core_pattern", "kernel/sysrq", "vm/overcommit_memory", "kernel/hostname"];
    let read = || watched.map(|name| fs::read_to_string(Path::new("/proc/sys").join(name)).ok());
    let before = read();
    block_on(async {
        let mut inside = context.host_base().await;
        for name in watched {
            let (code, text) = inside.sh(&format!("echo 1 > /proc/sys/{name}")).await;
            assert_ne!(code, 0, "{name}: {text}");
        }
        for path in ["/proc/irq/0/smp_affinity", "/proc/bus/x", "/proc/fs/x", "/proc/pressure/cpu"]
        {
            let (code, text) = inside.sh(&format!("echo 1 > {path}")).await;
            assert_ne!(code, 0, "{path}: {text}");
        }
        // Writing goes to `/dev/null`, and nothing can be read.
        inside.sh("echo c > /proc/sysrq-trigger").await;
        for name in ["kcore", "kallsyms", "keys", "kmsg", "timer_list"] {
            let (_, text) = inside.sh(&format!("head -c 1 /proc/{name} 2>/dev/null | wc -c")).await;
            assert_eq!(text.trim(), "0", "{name}");
        }
        assert_eq!(inside.ok("ls -A /sys").await, "");
        let (code, _) = inside.sh("ls /sys/fs/cgroup").await;
        assert_ne!(code, 0);
        inside.stop().await;
    });
    assert_eq!(read(), before);
}

fn the_guest_is_closed(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        // It runs the host's program, which root inside must not get at.
        for what in
            ["cat /proc/1/exe", "ls /proc/1/root/", "readlink /proc/1/fd/3", "cat /proc/1/maps"]
        {
            let (code, text) =
                inside.sh(&format!("{what} 2>/dev/null | head -c 100 | wc -c")).await;
            assert_eq!((code, text.lines().last().map(str::trim)), (0, Some("0")), "{what}");
        }
        let (code, text) = inside.sh("echo x >> /proc/1/exe || echo x >> /proc/1/mem").await;
        assert_ne!(code, 0, "{text}");
        let (code, _) = inside.sh("kill -9 1; kill -STOP 1; kill -0 1").await;
        assert_eq!(code, 0, "the first process cannot be ended from inside");
        // Standard ones, the stream, and the pipe of the answer.
        let open = inside.probe("open-descriptors").await;
        assert_eq!(open, "0 1 2 3 5");
        assert_eq!(inside.ok("ls /proc/self/fd | wc -l").await.trim(), "4");
        let environment = inside.ok("cat /proc/1/environ 2>/dev/null; env").await;
        assert!(!environment.contains("TMPDIR") && !environment.contains("CARGO"), "{environment}");
        inside.stop().await;
    });
}

fn devices_are_few(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        let devices = inside.ok("cd /dev; ls -A | tr '\\n' ' '").await;
        assert_eq!(
            devices,
            "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero "
        );
        inside
            .ok("head -c 8 /dev/urandom | wc -c; echo x > /dev/null; test -c /dev/pts/ptmx")
            .await;
        let mounts = inside.ok("cat /proc/mounts").await;
        for line in mounts.lines() {
            let fields: Vec<_> = line.split(' ').collect();
            let device = fields[1].starts_with("/dev/") && fields[0] == "devtmpfs"
                || fields[1] == "/dev"
                || fields[1] == "/dev/pts"
                || fields[1].starts_with("/proc/");
            assert!(device || fields[3].split(',').any(|option| option == "nodev"), "{line}");
        }
        inside.stop().await;
    });
}

fn the_hosts_network_is_away(context: &Context) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the host's loopback");
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("the host's addresses");
    let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
    block_on(async {
        for network in [Network::None, Network::Internet] {
            let mut inside =
                context.create(&SandboxSpec::new(Base::Host).with_network(network)).await;
            let mut addresses = vec![
                format!("127.0.0.1:{}", port(&listener)),
                format!("10.77.0.1:{}", port(&everywhere)),
                "169.254.169.254:80".to_owned(),
                "10.0.0.1:80".to_owned(),
                "192.168.0.1:80".to_owned(),
                format!("[::1]:{}", port(&everywhere)),
                format!("[::ffff:127.0.0.1]:{}", port(&listener)),
            ];
            addresses
                .extend(own_addresses().iter().map(|own| format!("{own}:{}", port(&everywhere))));
            for address in addresses {
                let answer = inside.probe(&format!("connect {address}")).await;
                assert!(answer.starts_with("refused"), "{address} with {network:?}: {answer}");
            }
            inside.stop().await;
        }
    });
    for listener in [listener, everywhere] {
        listener.set_nonblocking(true).expect("a socket");
        assert!(listener.accept().is_err(), "nobody has connected");
    }
}

/// The address of the host that it would be reached by.
fn own_addresses() -> Vec<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a socket");
    // Sends nothing; asks which way a packet would leave.
    let routed = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    routed.map(|address| address.ip()).into_iter().filter(|ip| !ip.is_unspecified()).collect()
}

fn sockets_of_the_host_are_away(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        let found = inside
            .ok("for s in /run/docker.sock /var/run/docker.sock /run/containerd/containerd.sock \
                 /run/podman/podman.sock /run/dbus/system_bus_socket /tmp/.X11-unix \
                 /run/user/*/bus /run/systemd/private; do test -e $s && echo $s; done; \
                 find / -xdev -type s 2>/dev/null; true")
            .await;
        assert_eq!(found, "");
        assert_eq!(
            inside.ok("echo $SSH_AUTH_SOCK$DOCKER_HOST$DBUS_SESSION_BUS_ADDRESS").await,
            "\n"
        );
        inside.stop().await;
    });
}

fn sandboxes_do_not_meet(context: &Context) {
    block_on(async {
        let mut first = context.host_base().await;
        let mut second = context.host_base().await;
        first
            .ok("echo mine > /tmp/f; echo mine > /dev/shm/f; sleep 321 > /dev/null 2>&1 & true")
            .await;
        let (_, text) = second.sh("cat /tmp/f /dev/shm/f 2>/dev/null; ps -e 2>/dev/null").await;
        assert!(!text.contains("mine") && !text.contains("sleep"), "{text}");
        first.stop().await;
        second.ok("true").await;
        second.stop().await;
    });
}

fn shares_are_read_only(context: &Context) {
    use smile_sandbox::Share;
    let shared = context.folder.join("tutorial");
    fs::create_dir_all(shared.join("images")).expect("a folder");
    fs::write(shared.join("page.md"), "page").expect("a file");
    fs::write(shared.join("images/a"), "a").expect("a file");
    let share = |destination: &str, copied| Share {
        source: shared.clone(),
        destination: destination.into(),
        copied,
    };
    let spec = SandboxSpec::new(Base::Host)
        .with_share(share("/workspace/tutorial", false))
        .with_share(share("copy", true));
    block_on(async {
        let mut inside = context.create(&spec).await;
        assert_eq!(
            inside
                .ok("cat /workspace/tutorial/page.md /workspace/tutorial/images/a copy/images/a")
                .await,
            "pageaa"
        );
        for script in [
            "echo x > /workspace/tutorial/page.md",
            "rm -f /workspace/tutorial/page.md",
            "touch /workspace/tutorial/new",
            "chmod 777 /workspace/tutorial",
        ] {
            let (code, text) = inside.sh(script).await;
            assert_ne!(code, 0, "{script}: {text}");
        }
        inside.ok("echo x > copy/page.md; rm copy/images/a").await;
        inside.stop().await;
    });
    assert_eq!(fs::read_to_string(shared.join("page.md")).expect("it stays"), "page");
    assert!(shared.join("images/a").exists() && !shared.join("new").exists());
}
