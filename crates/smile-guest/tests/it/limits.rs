//! Limits hold while a command runs.

use std::time::Duration;

use smile_guest::message::{RunCommand, RunEnd, RunEvent};
use tokio::time::Instant;

use crate::world::World;

#[tokio::test]
async fn silence_ends_a_command() {
    let mut world = World::new().await;
    let command = RunCommand { silence_s: 1, ..world.command("echo begin; sleep 100") };
    let seen = world.run_command(&command).await;
    assert_eq!((seen.how, seen.output.as_str()), (RunEnd::Silent, "begin\n"));
    // Output, processor use and file changes are signs of life.
    for text in [
        "for i in 1 2 3 4 5 6; do sleep 0.4; echo $i; done",
        "timeout 2 sh -c 'while :; do :; done'; true",
        "for i in 1 2 3 4 5 6; do sleep 0.4; echo $i >> log; done",
    ] {
        let command = RunCommand { silence_s: 1, ..world.command(text) };
        let seen = world.run_command(&command).await;
        assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{text}");
    }
}

#[tokio::test]
async fn the_whole_limit_ends_a_command_that_is_never_silent() {
    let mut world = World::new().await;
    let text = "sh -c 'trap \"\" INT TERM; while :; do echo on; sleep 0.05; done'";
    let command = RunCommand { limit_s: 1, ..world.command(text) };
    let began = Instant::now();
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::OverTime);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    world.check("echo on", 0, "on\n").await;
}

#[tokio::test]
async fn a_busy_shell_is_interrupted() {
    let mut world = World::new().await;
    let command = RunCommand { limit_s: 1, ..world.command("A=1; while :; do :; done") };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::OverTime);
    world.check("echo $A", 0, "1\n").await;
    // One that ignores Ctrl+C is replaced.
    let text = "trap '' INT; while :; do :; done";
    let command = RunCommand { limit_s: 1, ..world.command(text) };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::OverTime);
    world.check("echo $A", 0, "1\n").await;
}

#[tokio::test]
async fn an_abort_takes_less_than_a_second() {
    let mut world = World::new().await;
    for text in ["sleep 100", "sh -c 'trap \"\" INT TERM; while :; do sleep 1; done'", "yes"] {
        let command = world.command(text);
        let mut stream = world.guest.run(&command).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        stream.abort().await.unwrap();
        let mut how = None;
        while let Some(event) = stream.next().await.unwrap() {
            if let RunEvent::Ended(ended) = event {
                world.session = ended.session;
                how = Some(ended.how);
            }
        }
        assert_eq!(how, Some(RunEnd::Aborted), "{text}");
        assert!(began.elapsed() < Duration::from_secs(1), "{text}: {:?}", began.elapsed());
        world.check("echo on", 0, "on\n").await;
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_aborts() {
    let world = World::new().await;
    let command = world.command("sleep 1234.5");
    drop(world.guest.run(&command).await.unwrap());
    // The session is free again as soon as the command has ended.
    let again = world.command("pgrep -f 'sleep 1234.5'");
    for _ in 0..200 {
        let mut stream = world.guest.run(&again).await.unwrap();
        match stream.next().await {
            Err(error) if error.code() == Some("BUSY") => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(Some(RunEvent::Ended(ended))) => {
                assert_eq!(ended.how, RunEnd::Exited { code: 1 });
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the session is still busy");
}

#[tokio::test]
async fn a_gigabyte_of_output_takes_little_memory() {
    let mut world = World::new().await;
    let command = RunCommand {
        output_bytes_max: 64 * 1024,
        limit_s: 300,
        ..world.command("head -c 1000000000 /dev/zero | tr '\\0' x; echo end")
    };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    assert_eq!(seen.ended.output_bytes_total, 1_000_000_004);
    assert_eq!((seen.output.len(), seen.ended.cut_at), (64 * 1024, Some(32 * 1024)));
    assert!(seen.output.ends_with("xxend\n"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.guest_pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_slow_reader_slows_the_program_down() {
    let mut world = World::new().await;
    let text = "yes | tee >(wc -c > count) > /dev/null & yes";
    let command = RunCommand { output_bytes_max: 1 << 40, ..world.command(text) };
    let mut stream = world.guest.run(&command).await.unwrap();
    let first = stream.next().await.unwrap();
    assert!(matches!(first, Some(RunEvent::Output { .. })));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.guest_pid())).unwrap();
    let now = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let now: u64 = now.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(now < 64 * 1024, "{now} KiB");
    stream.abort().await.unwrap();
    while let Some(event) = stream.next().await.unwrap() {
        if let RunEvent::Ended(ended) = event {
            assert_eq!(ended.how, RunEnd::Aborted);
            world.session = ended.session;
        }
    }
}
