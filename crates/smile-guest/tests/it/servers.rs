//! Programs that serve are moved aside, and what stays alive is looked after.

use smile_guest::{
    client::decode,
    message::{RunEnd, Visit},
};

use crate::world::World;

const SERVER: &str = "python3 -u -m http.server --bind 127.0.0.1";

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn two_servers_in_the_foreground() {
    let mut world = World::new().await;
    let (first, second) = (free_port(), free_port());
    world.check("export KEPT=yes; f() { echo func; }; echo page > index.html", 0, "").await;
    for port in [first, second] {
        let seen = world.run(&format!("{SERVER} {port}")).await;
        assert_eq!(seen.how, RunEnd::MovedAside, "{seen:?}");
        assert_eq!(seen.ended.listening, [port]);
        assert!(seen.output.contains("Serving HTTP"), "{}", seen.output);
        world.check("echo $KEPT; f; basename $PWD", 0, "yes\nfunc\nwork\n").await;
    }
    for port in [first, second] {
        // Its log goes to its own terminal, not into this command.
        world.check(&format!("curl -s http://127.0.0.1:{port}/"), 0, "page\n").await;
        let visit = Visit { url: format!("http://localhost:{port}/"), timeout_ms: 5000 };
        let visited = world.guest.visit(&visit).await.unwrap();
        assert_eq!((visited.status, visited.body.as_str()), (200, "page\n"));
    }
}

#[tokio::test]
async fn a_session_with_a_server_can_be_closed() {
    let mut world = World::new().await;
    let (port, server) = (free_port(), world.session);
    let seen = world.run(&format!("{SERVER} {port}")).await;
    assert_eq!(seen.how, RunEnd::MovedAside);
    let occupied = smile_guest::message::RunCommand { session: server, ..world.command("true") };
    let error = world.guest.run(&occupied).await.unwrap().next().await.unwrap_err();
    assert_eq!(error.code(), Some("BUSY"));
    world.guest.close_session(server).await.unwrap();
    let visit = Visit { url: format!("http://localhost:{port}/"), timeout_ms: 10 };
    let error = world.guest.visit(&visit).await.unwrap_err();
    assert_eq!(error.code(), Some("TIMEOUT"));
    let error = world.guest.close_session(server).await.unwrap_err();
    assert_eq!(error.code(), Some("NO_SESSION"));
}

#[tokio::test]
async fn a_server_in_the_background_is_ready_for_the_next_command() {
    let mut world = World::new().await;
    let port = free_port();
    world.check("echo page > index.html", 0, "").await;
    let seen = world.run(&format!("{SERVER} {port} &")).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    let seen = world.run(&format!("curl -s http://127.0.0.1:{port}/")).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    assert!(seen.output.contains("page\n"), "{seen:?}");
    world.run("kill %1").await;
}

#[tokio::test]
async fn a_program_that_listens_for_a_moment_is_no_server() {
    let mut world = World::new().await;
    let text = "python3 -c \"import socket,time; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(); time.sleep(0.2); print('done')\"";
    world.check(text, 0, "done\n").await;
}

#[tokio::test]
async fn orphans_are_reaped_and_end_with_the_guest() {
    let mut world = World::new().await;
    world.check("for i in 1 2 3 4 5; do (setsid sleep 0.01 &); done; sleep 0.3", 0, "").await;
    let seen = world.run("(setsid sleep 7777 >/dev/null 2>&1 & echo $!)").await;
    let daemon: u32 = seen.output.trim().parse().unwrap();
    let guest = world.guest_pid();
    let children = std::fs::read_to_string(format!("/proc/{guest}/task/{guest}/children")).unwrap();
    for pid in children.split_ascii_whitespace() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(!stat.contains(") Z "), "a zombie: {stat}");
    }
    assert!(std::path::Path::new(&format!("/proc/{daemon}")).exists());
    world.guest.shutdown().await.unwrap();
    for _ in 0..200 {
        if !std::path::Path::new(&format!("/proc/{daemon}")).exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the daemon outlived its guest");
}

#[tokio::test]
async fn an_activated_environment_stays() {
    let mut world = World::new().await;
    let activate = "mkdir -p venv/bin && printf '#!/bin/sh\\necho mine\\n' > venv/bin/tool && chmod +x venv/bin/tool && cat > venv/bin/activate <<'EOF'\nexport VIRTUAL_ENV=$PWD/venv\nPATH=\"$VIRTUAL_ENV/bin:$PATH\"\nPS1=\"(venv) ${PS1:-}\"\ndeactivate() { PATH=${PATH#*:}; unset VIRTUAL_ENV; }\nhash -r\nEOF";
    world.check(activate, 0, "").await;
    world.check("source venv/bin/activate", 0, "").await;
    world.check("tool", 0, "mine\n").await;
    world.check("deactivate", 0, "").await;
    let seen = world.run("tool").await;
    assert_eq!(seen.ended.commands_not_found, ["tool"]);
    let earlier = decode(&seen.ended.earlier_output).unwrap();
    assert_eq!(earlier, b"", "{}", String::from_utf8_lossy(&earlier));
}
