//! Everything beside sessions: files, exec, versions, evidence, `sudo`.

use smile_guest::{
    client::{decode, encode},
    message::{Change, Exec, OpenSession, ReadFile, RunCommand, WriteFile},
};

use crate::world::World;

#[tokio::test]
async fn files_go_in_and_out() {
    let mut world = World::new().await;
    world.check("mkdir sub && cd sub", 0, "").await;
    let write = |path: &str, data: &str, append| WriteFile {
        path: path.to_owned(),
        session: world.session,
        data: encode(data.as_bytes()),
        append,
        make_folders: true,
        mode: 0o644,
    };
    let (first, second, third) = (
        write("a/b.txt", "one\n", false),
        write("a/b.txt", "two\n", true),
        write("~/c", "c", false),
    );
    let written = world.guest.write_file(&first).await.unwrap();
    assert!(written.path.ends_with("/work/sub/a/b.txt"), "{written:?}");
    world.guest.write_file(&second).await.unwrap();
    world.guest.write_file(&third).await.unwrap();
    world.check("cat a/b.txt ~/c", 0, "one\ntwo\nc").await;
    let read = ReadFile { path: "a/b.txt".to_owned(), session: world.session, bytes_max: 3 };
    assert_eq!(world.guest.read_file(&read).await.unwrap(), (b"one".to_vec(), 8));
    let read = ReadFile { path: "none".to_owned(), ..read };
    assert_eq!(world.guest.read_file(&read).await.unwrap_err().code(), Some("NOT_FOUND"));
    let read = ReadFile { session: 99, ..read };
    assert_eq!(world.guest.read_file(&read).await.unwrap_err().code(), Some("NO_SESSION"));
}

#[tokio::test]
async fn changed_files_are_told() {
    let mut world = World::new().await;
    world.check("echo 1 > old; echo 1 > gone", 0, "").await;
    let text = "echo 22 > old; rm gone; mkdir d; echo new > d/new; cd d";
    let command = RunCommand { track_files: true, ..world.command(text) };
    let seen = world.run_command(&command).await;
    let work = world.home.join("work");
    let files: Vec<_> = seen
        .ended
        .files
        .iter()
        .map(|file| (file.path.strip_prefix(work.to_str().unwrap()).unwrap(), file.change))
        .collect();
    assert_eq!(
        files,
        [
            ("/d", Change::Made),
            ("/d/new", Change::Made),
            ("/gone", Change::Removed),
            ("/old", Change::Changed)
        ]
    );
    assert!(seen.ended.cwd_before.ends_with("/work") && seen.ended.cwd_after.ends_with("/work/d"));
    let command = RunCommand { track_files: true, ..world.command("cat new") };
    assert_eq!(world.run_command(&command).await.ended.files, []);
}

#[tokio::test]
async fn exec_captures() {
    let world = World::new().await;
    let exec = |argv: &[&str], stdin: &[u8]| Exec {
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        env: world.env(&[("X", "1")]),
        cwd: "/".to_owned(),
        stdin: encode(stdin),
        output_bytes_max: 2_000_000,
        timeout_ms: Some(20_000),
    };
    let check = async |exec: Exec| {
        let ended = world.guest.exec(&exec).await.unwrap();
        (ended.code, decode(&ended.stdout).unwrap(), decode(&ended.stderr).unwrap(), ended.cut)
    };
    let big = vec![b'x'; 1_000_000];
    assert_eq!(check(exec(&["cat"], &big)).await, (0, big.clone(), vec![], false));
    let text = exec(&["sh", "-c", "echo $X $PWD; echo err >&2; exit 3"], b"");
    assert_eq!(check(text).await, (3, b"1 /\n".to_vec(), b"err\n".to_vec(), false));
    let cut = Exec { output_bytes_max: 3, ..exec(&["cat"], b"abcdef") };
    assert_eq!(check(cut).await, (0, b"abc".to_vec(), vec![], true));
    let late = Exec { timeout_ms: Some(100), ..exec(&["sh", "-c", "trap '' TERM; sleep 99"], b"") };
    let ended = world.guest.exec(&late).await.unwrap();
    assert_eq!((ended.code, ended.timed_out), (137, true));
    let left = exec(&["sh", "-c", "sleep 2 & echo here"], b"");
    assert_eq!(check(left).await, (0, b"here\n".to_vec(), vec![], false));
    let error = world.guest.exec(&exec(&["nosuchprogram"], b"")).await.unwrap_err();
    assert_eq!(error.code(), Some("NOT_FOUND"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let world = World::new().await;
    let error = world.guest.hello(&["teleport"]).await.unwrap_err();
    assert_eq!(error.code(), Some("VERSION"));
    assert!(error.to_string().contains("`teleport`"), "{error}");
    let open = OpenSession {
        columns: 80,
        rows: 24,
        cwd: "/".to_owned(),
        env: Vec::new(),
        state_of: Some(77),
    };
    assert_eq!(world.guest.open_session(&open).await.unwrap_err().code(), Some("NO_SESSION"));
    let mut stream = world.guest.run(&world.command("echo \0")).await.unwrap();
    assert_eq!(stream.next().await.unwrap_err().code(), Some("INVALID_INPUT"));
}

#[tokio::test]
async fn a_session_can_begin_with_the_state_of_another() {
    let mut world = World::new().await;
    world.check("A='1 2'; export B=3; cd /", 0, "").await;
    let open = OpenSession {
        columns: 80,
        rows: 24,
        cwd: String::new(),
        env: Vec::new(),
        state_of: Some(world.session),
    };
    let other = world.guest.open_session(&open).await.unwrap().session;
    world.check("A=changed", 0, "").await;
    world.session = other;
    world.check("echo $A $B $PWD; stty size", 0, "1 2 3 /\n24 80\n").await;
}

#[tokio::test]
async fn two_sessions_run_at_once_and_one_runs_one_command() {
    let mut world = World::new().await;
    let other = world.open(&[]).await;
    let mut slow = world.guest.run(&world.command("sleep 1; echo slow")).await.unwrap();
    let mut refused = world.guest.run(&world.command("echo no")).await.unwrap();
    assert_eq!(refused.next().await.unwrap_err().code(), Some("BUSY"));
    world.session = other;
    world.check("echo quick", 0, "quick\n").await;
    let mut events = 0;
    while slow.next().await.unwrap().is_some() {
        events += 1;
    }
    assert_eq!(events, 2);
}

#[tokio::test]
async fn sudo_just_runs_the_command() {
    let mut world = World::new().await;
    let sudo = format!("sudo() {{ '{}' sudo \"$@\"; }}", env!("CARGO_BIN_EXE_smile-guest"));
    world.check(&sudo, 0, "").await;
    world.check("sudo -n echo hi", 0, "hi\n").await;
    world.check("sudo -E A=1 sh -c 'echo $A; exit 4'", 4, "1\n").await;
    world.check("sudo -v && sudo -k", 0, "").await;
    world.check("sudo nosuch", 1, "sudo: nosuch: command not found\n").await;
    world.check("echo to | sudo tee file >/dev/null && cat file", 0, "to\n").await;
}
