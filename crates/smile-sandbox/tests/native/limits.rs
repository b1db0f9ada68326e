//! Limits: met inside, said outside, and the host goes on.

use std::time::Duration;

use smile_sandbox::{Base, SandboxSpec};

use tokio::time::Instant;

use crate::case::{Case, Context, Running, block_on};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case { name: "a_fork_bomb_is_held", run: a_fork_bomb_is_held },
        Case { name: "a_memory_bomb_is_held", run: a_memory_bomb_is_held },
        Case { name: "a_disk_flood_is_held", run: a_disk_flood_is_held },
        Case { name: "a_disk_flood_in_memory_is_held", run: a_disk_flood_in_memory_is_held },
        Case { name: "a_lifetime_is_held", run: a_lifetime_is_held },
        Case {
            name: "deep_and_strange_trees_are_removed",
            run: deep_and_strange_trees_are_removed,
        },
    ]
}

/// Waits until a limit is reported, for at most ten seconds.
async fn met(inside: &mut Running, limit: &str) -> bool {
    for _ in 0..100 {
        if inside.sandbox.limits_met().iter().any(|met| met == limit) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

fn a_fork_bomb_is_held(context: &Context) {
    block_on(async {
        let mut spec = SandboxSpec::new(Base::Host);
        spec.limits.processes_max = 48;
        let mut inside = context.create(&spec).await;
        let script = "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; echo all";
        let (code, text) =
            inside.sh(&format!("( {script} ) > /tmp/out 2>&1; tail -1 /tmp/out")).await;
        assert!(!text.contains("all") && text.contains("ork"), "{code}: {text}");
        let asleep = inside.sh("set -- /proc/[0-9]*; echo $#").await.1;
        assert!(asleep.trim().parse().is_ok_and(|count: u32| count <= 50), "{asleep}");
        if context.is_root {
            assert!(met(&mut inside, "processes").await);
        }
        assert!(std::process::Command::new("true").status().is_ok_and(|status| status.success()));
        let began = Instant::now();
        inside.stop().await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    });
}

fn a_memory_bomb_is_held(context: &Context) {
    block_on(async {
        let mut spec = SandboxSpec::new(Base::Host);
        spec.limits.memory_bytes_max = 128 << 20;
        let mut inside = context.create(&spec).await;
        let (code, text) = inside.sh("head -c 1G /dev/zero | tail -c 900M | wc -c").await;
        assert_ne!(text.trim(), "943718400", "{code}");
        let (_, text) = inside.sh("dd if=/dev/zero of=/dev/shm/f bs=1M count=400 2>&1").await;
        assert!(!text.contains("419430400"), "{text}");
        inside.ok("rm -f /dev/shm/f; echo still here").await;
        inside.stop().await;
    });
}

fn a_disk_flood_is_held(context: &Context) {
    block_on(async {
        let mut spec = SandboxSpec::new(Base::Host);
        spec.limits.disk_bytes_max = 64 << 20;
        let mut inside = context.create(&spec).await;
        // One file cannot be larger, also not a sparse one.
        let (code, _) = inside.sh("dd if=/dev/zero of=big bs=1M count=100 2>/dev/null").await;
        assert_ne!(code, 0);
        let (code, _) =
            inside.sh("rm -f big; truncate -s 8E sparse || truncate -s 1T sparse").await;
        assert_ne!(code, 0);
        // Many together cannot either.
        let flood = "i=0; while [ $i -lt 40 ]; do dd if=/dev/urandom of=/tmp/f$i bs=1M count=10 \
                     2>/dev/null; sleep 0.05; i=$((i+1)); done; echo all";
        let (code, text) = inside.sh(flood).await;
        assert!(code != 0 && !text.contains("all"), "{text}");
        assert!(met(&mut inside, "disk").await);
        inside.stop().await;
    });
}

fn a_disk_flood_in_memory_is_held(context: &Context) {
    block_on(async {
        let mut settings = context.settings();
        settings.changes_in_memory = true;
        let mut spec = SandboxSpec::new(Base::Host);
        spec.limits.disk_bytes_max = 16 << 20;
        let mut inside = Context::create_with(settings, &spec).await.expect("a sandbox");
        assert!(inside.facts().changes_in_memory);
        let flood = "i=0; while dd if=/dev/zero of=f$i bs=1M count=4; do i=$((i+1)); done";
        let (_, text) = inside.sh(flood).await;
        assert!(text.contains("No space left"), "{text}");
        inside.stop().await;
    });
}

fn a_lifetime_is_held(context: &Context) {
    block_on(async {
        let mut spec = SandboxSpec::new(Base::Host);
        spec.limits.lifetime_max = Some(Duration::from_millis(300));
        let mut inside = context.create(&spec).await;
        let ended = tokio::time::timeout(Duration::from_secs(10), inside.sandbox.ended()).await;
        assert_eq!(ended.expect("it ends by itself"), 137);
        assert_eq!(inside.sandbox.limits_met(), ["lifetime"]);
        inside.stop().await;
    });
}

fn deep_and_strange_trees_are_removed(context: &Context) {
    block_on(async {
        let mut inside = context.host_base().await;
        inside
            .ok("i=0; while [ $i -lt 300 ]; do mkdir d && cd d; i=$((i+1)); done; touch end
                 cd ~/work; touch \"$(printf 'new\\nline')\" -- -rf; mkdir closed; touch closed/f
                 chmod 000 closed; mkfifo fifo; ln -s / link; chmod 555 ~/work")
            .await;
        inside.stop().await;
    });
}
