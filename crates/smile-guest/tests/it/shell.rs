//! Commands behave as at a terminal.

use smile_guest::message::RunEnd;

use crate::world::World;

#[tokio::test]
async fn what_a_command_leaves_behind_carries_over() {
    let mut world = World::new().await;
    world.check("echo hello", 0, "hello\n").await;
    world.check("mkdir -p a/b && cd a/b", 0, "").await;
    world.check("basename $PWD", 0, "b\n").await;
    world.check("cd ../..; export NAME='x y' PLAIN=1", 0, "").await;
    world.check("sh -c 'echo \"$NAME\"'", 0, "x y\n").await;
    world.check("greet() { echo \"hi $1\"; }", 0, "").await;
    world.check("greet you", 0, "hi you\n").await;
    world.check("alias ll='echo listing'", 0, "").await;
    world.check("ll all", 0, "listing all\n").await;
    world.check("list=(1 '2 3'); declare -A map=([k]=v)", 0, "").await;
    world.check("echo ${#list[@]} ${map[k]}", 0, "2 v\n").await;
    world.check("umask 027; umask", 0, "0027\n").await;
    world.check("echo \"$-\" | grep -o i; [ -t 0 ] && [ -t 1 ] && echo tty", 0, "i\ntty\n").await;
}

#[tokio::test]
async fn exit_codes_are_exact() {
    let mut world = World::new().await;
    world.check("false", 1, "").await;
    world.check("echo $?", 0, "1\n").await;
    world.check("(exit 42)", 42, "").await;
    world.check("echo $?", 0, "42\n").await;
    world.check("echo $?", 0, "0\n").await;
    world.check("sh -c 'kill -9 $$'", 137, "Killed\n").await;
    world.check("false | true", 0, "").await;
    world.check("echo ${PIPESTATUS[@]}", 0, "1 0\n").await;
    let seen = world.run("true | (exit 3) | true").await;
    assert_eq!(seen.ended.pipe_status, [0, 3, 0]);
    world.check("set -o pipefail; (exit 3) | true", 3, "").await;
    world.check("mkdir -p one/two", 0, "").await;
    world.check("cd $_ && basename $PWD", 0, "two\n").await;
}

#[tokio::test]
async fn syntax_errors_end_only_their_command() {
    let mut world = World::new().await;
    world.check("echo (", 2, "bash: syntax error near unexpected token `newline'\n").await;
    world.check("echo 'open", 2, "bash: unexpected EOF while looking for matching `''\n").await;
    world.check("for i in 1 2; do", 2, "bash: syntax error: unexpected end of file\n").await;
    world.check("if true; then echo yes; fi", 0, "yes\n").await;
    world.check("echo \"it's fine\"", 0, "it's fine\n").await;
}

#[tokio::test]
async fn commands_of_several_lines() {
    let mut world = World::new().await;
    world.check("cat <<EOF\na $HOME_NOT_SET b\n'c'\nEOF", 0, "a  b\n'c'\n").await;
    world.check("cat > f.txt <<'EOF'\n$x `y`\nEOF\ncat f.txt", 0, "$x `y`\n").await;
    world.check("echo one \\\n  two", 0, "one two\n").await;
    world.check("for i in 1 2; do\n  echo $i\ndone", 0, "1\n2\n").await;
    world.check("# only a comment", 0, "").await;
    world.check("echo a # and a comment", 0, "a\n").await;
    world.check("echo a\n\necho b", 0, "a\nb\n").await;
    let long = "x".repeat(100_000);
    world.check(&format!("echo {long} | wc -c"), 0, "100001\n").await;
}

#[tokio::test]
async fn unset_variables_and_errors_of_expansion() {
    let mut world = World::new().await;
    world
        .check("set -u; echo $missing; echo not reached", 1, "bash: missing: unbound variable\n")
        .await;
    world.check("echo still here", 0, "still here\n").await;
    world.check("set +u; echo \"[$missing]\"", 0, "[]\n").await;
}

#[tokio::test]
async fn names_that_are_no_commands_are_told() {
    let mut world = World::new().await;
    let seen = world.run("nosuchtool --version | cat; echo end").await;
    assert_eq!(seen.output, "bash: nosuchtool: command not found\nend\n");
    assert_eq!(seen.ended.commands_not_found, ["nosuchtool"]);
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    world.check("othertool", 127, "bash: othertool: command not found\n").await;
}

#[tokio::test]
async fn a_shell_that_ends_is_replaced_with_its_state() {
    let mut world = World::new().await;
    world
        .check("export KEPT='a\nb'; f() { echo func; }; alias k='echo alias'; cd /tmp", 0, "")
        .await;
    world
        .check("declare -i number=5; declare -r fixed=1; declare -A map=(['a b']='c d')", 0, "")
        .await;
    world.check("set -f; shopt -s extglob; umask 077; trap 'echo got' USR1", 0, "").await;
    let seen = world.run("exit 3").await;
    assert_eq!((seen.how, seen.output.as_str()), (RunEnd::ShellEnded { code: 3 }, "exit\n"));
    world.check("echo \"$KEPT\"; f; pwd; umask", 0, "a\nb\nfunc\n/tmp\n0077\n").await;
    world
        .check("k; number=number+1; echo $number ${map['a b']} $-", 0, "alias\n6 c d fhimBs\n")
        .await;
    world.check("fixed=2", 1, "bash: fixed: readonly variable\n").await;
    world.check("shopt extglob; kill -USR1 $$", 0, "extglob        \ton\ngot\n").await;
    world.check("env | grep -c ^KEPT=", 0, "1\n").await;
}

#[tokio::test]
async fn errexit_ends_the_shell() {
    let mut world = World::new().await;
    world.check("set -e", 0, "").await;
    world.check("true", 0, "").await;
    let seen = world.run("false; echo not reached").await;
    assert_eq!((seen.how, seen.output.as_str()), (RunEnd::ShellEnded { code: 1 }, ""));
    let seen = world.run("exec false").await;
    assert_eq!(seen.how, RunEnd::ShellEnded { code: 1 });
    world.check("echo on", 0, "on\n").await;
}

#[tokio::test]
async fn output_is_the_programs_own() {
    let mut world = World::new().await;
    world.check("printf 'no newline'", 0, "no newline").await;
    world.check("printf 'a\\tb\\r\\n'", 0, "a\tb\r\n").await;
    world
        .check(
            "head -c 3 /dev/zero | od -An -c; printf '\\001\\002\\377' | od -An -tx1",
            0,
            "  \\0  \\0  \\0\n 01 02 ff\n",
        )
        .await;
    let seen = world.run("printf '\\000\\001\\377\\200end'").await;
    assert_eq!(smile_guest::client::decode(&seen.ended.output).unwrap(), b"\x00\x01\xff\x80end");
    world.check("stty size", 0, "30 100\n").await;
    world.check("echo err >&2", 0, "err\n").await;
    // Nothing of the guest's or the shell's own reaches a program.
    let own = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap().stdout;
    world.check("ls /proc/self/fd | cat", 0, &String::from_utf8(own).unwrap()).await;
}

#[tokio::test]
async fn an_end_cannot_be_forged() {
    let mut world = World::new().await;
    let fake = r"printf 'E\0wrong\0000\0/\0i\0000\0.\0'; for f in $(find ~/../guest -name reports); do printf 'E\0wrong\0007\0/\0i\0007\0.\0' > $f; done; echo real; (exit 5)";
    let seen = world.run(fake).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 5 });
    assert!(seen.output.ends_with("real\n"), "{:?}", seen.output);
    world
        .check(
            "printf '\\001%032d\\001' 0; echo after",
            0,
            "\u{1}00000000000000000000000000000000\u{1}after\n",
        )
        .await;
}

#[tokio::test]
async fn jobs_carry_over() {
    let mut world = World::new().await;
    let seen = world.run("sleep 100 &").await;
    assert!(seen.output.starts_with("[1] "), "{:?}", seen.output);
    assert!(seen.ended.duration_us < 10_000_000);
    world.check("jobs", 0, "[1]+  Running                 sleep 100 &\n").await;
    world.check("kill %1", 0, "").await;
    world.run("wait; jobs").await;
    world.check("jobs; echo done", 0, "done\n").await;
    let seen = world.run("(sleep 1; echo late) &").await;
    assert!(!seen.output.contains("late"));
    tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
    let seen = world.run("echo now").await;
    assert_eq!(seen.output, "now\n");
    assert_eq!(smile_guest::client::decode(&seen.ended.earlier_output).unwrap(), b"late\n");
}

#[tokio::test]
async fn history_is_what_was_typed() {
    let mut world = World::new().await;
    world.check("echo one", 0, "one\n").await;
    world.check("echo two", 0, "two\n").await;
    world.check("history", 0, "    1  echo one\n    2  echo two\n").await;
    world
        .check("echo 'hey!' \"you!\" '!!' [!a] ${!HOM*} ! x", 0, "hey! you! !! [!a] HOME ! x\n")
        .await;
    world.check("echo one", 0, "one\n").await;
    world.check("echo [!!]", 0, "echo [echo one]\n[echo one]\n").await;
    world.check("echo \"#!/bin/sh\" > f", 1, "bash: !/bin/sh\": event not found\n").await;
    world.check("cat > f <<'EOF'\n#!/bin/sh\necho ran\nEOF\nsh f", 0, "ran\n").await;
}

#[tokio::test]
async fn traces_are_the_commands_own() {
    let mut world = World::new().await;
    world.check("set -x", 0, "").await;
    let seen = world.run("echo t").await;
    assert!(
        seen.output.ends_with("echo t\nt\n") && !seen.output.contains("printf"),
        "{}",
        seen.output
    );
    world.run("set +x").await;
    world.check("set -v", 0, "").await;
    world.check("echo v", 0, "echo v\nv\n").await;
    world.run("set +v").await;
    world.check("echo plain", 0, "plain\n").await;
}

/// Where there is no bash: dash, and the shell of busybox.
#[tokio::test]
async fn small_shells_do_too() {
    let folder = tempfile::tempdir().unwrap();
    let ash = folder.path().join("ash");
    std::os::unix::fs::symlink("/bin/busybox", &ash).unwrap();
    for shell in ["/bin/dash", ash.to_str().unwrap()] {
        let mut world = World::with_env(&[("SHELL", shell)]).await;
        world.check("mkdir -p a && cd a && export A='1 2' && B=3", 0, "").await;
        world.check("sh -c 'echo \"$A\"'; echo $B; basename $PWD", 0, "1 2\n3\na\n").await;
        world.check("f() { echo func; }; alias k='echo alias'", 0, "").await;
        world.check("f; k", 0, "func\nalias\n").await;
        world.check("(exit 5)", 5, "").await;
        world.check("echo $?", 0, "5\n").await;
        world.check("cat <<EOF\n$A\nEOF", 0, "1 2\n").await;
        let seen = world.run("echo 'open").await;
        assert_eq!(seen.how, RunEnd::Exited { code: 2 }, "{shell}: {seen:?}");
        let seen = world.run("nosuchtool").await;
        assert_eq!(seen.how, RunEnd::Exited { code: 127 }, "{shell}: {seen:?}");
        assert!(seen.output.starts_with("sh: "), "{shell}: {seen:?}");
        assert_eq!(seen.ended.commands_not_found, ["nosuchtool"], "{shell}: {seen:?}");
        let seen = world.run("sleep 50 &").await;
        assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{shell}");
        world.check("kill %1", 0, "").await;
        let seen = world.run("exit 3").await;
        assert_eq!(seen.how, RunEnd::ShellEnded { code: 3 }, "{shell}");
        world.check("echo $A $B; basename $PWD; k", 0, "1 2 3\na\nalias\n").await;
        let seen = world.run("read x").await;
        assert_eq!(seen.how, RunEnd::Waiting, "{shell}");
        world.check("echo on", 0, "on\n").await;
    }
}

/// What a shell is asked for about its state, in words that do not depend on the process.
const PROBE: &str = "{ shopt -p | grep -v login; set +o; alias; umask; trap -p; pwd; \
    declare -f | grep -v -e smile; export -p | grep -v -e _=; \
    declare -p A B C D E F G 2>&1; echo \"${OLDPWD-}\"; } || true";

/// A kept shell and one restored from the saved state cannot be told apart.
#[tokio::test]
async fn every_state_is_restored() {
    for state in [
        "A='it'\\''s \"quoted\" \\$x \\\\ back'; B=$'tab\\tnew\\nline'; C=",
        "declare -a A=(1 'two words' [7]=seven); declare -A B=([k e y]='v a l' [x]=)",
        "declare -i A=5; declare -r B=fixed; declare -l C=LOWER; declare -u D=upper; declare -x E=env",
        "A=target; declare -n B=A; B=through; unset C; declare D",
        "f() { cat <<EOF\nhere $1\nEOF\n}; g() { local x=1; [[ $1 == a* ]] && echo yes; }; export -f g",
        "shopt -s extglob; h() { case $1 in +(a|b)) echo m;; esac; }",
        "alias a='b c'; alias ll='ls -l \"$HOME\"'; alias e=\"it's\"",
        "set -u -f -o noclobber; set +o braceexpand; shopt -u sourcepath; shopt -s nullglob dotglob",
        "umask 0077; trap 'echo \"it'\\''s\"' USR1; trap '' USR2; trap 'echo err' ERR",
        "cd /usr; cd /tmp; A=$OLDPWD",
        "IFS=:; A=a:b; B=($A)",
        "export PATH=/opt/x:$PATH; unset LANG; export -n HOME",
        "A=$(seq 5000); B=${A//[0-9]/x}",
        "set -e; A=1",
        "PS1='$(echo prompt) '; PROMPT_COMMAND='A=prompted'",
    ] {
        let mut world = World::new().await;
        world.run(state).await;
        let kept = world.run(PROBE).await;
        let ended = world.run("exit 0").await;
        assert_eq!(ended.how, RunEnd::ShellEnded { code: 0 });
        let restored = world.run(PROBE).await;
        // Its reports go its own way.
        let restored = restored.output.replace("/guest/2/", "/guest/1/");
        let differing: Vec<_> =
            kept.output.lines().zip(restored.lines()).filter(|(kept, new)| kept != new).collect();
        assert!(differing.is_empty(), "{state}: {differing:?}");
        assert_eq!(restored.len(), kept.output.len(), "{state}");
        assert!(kept.output.len() > 1000, "{}", kept.output);
    }
}

#[tokio::test]
async fn a_flood_from_the_background_hides_no_end() {
    let mut world = World::new().await;
    let seen = world.run("yes &").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    let seen = world.run("echo hello; (exit 3)").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 3 });
    assert!(seen.output.contains("hello\n"));
    let seen = world.run("kill %1; wait").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    world.run("jobs").await;
    world.check("echo calm", 0, "calm\n").await;
}
