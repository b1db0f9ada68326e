//! Programs that wait for keys: answered, or ended and told.

use smile_guest::message::{RunCommand, RunEnd};

use crate::world::World;

fn asked(question: &str, answer: Option<&str>) -> (String, Option<String>) {
    (question.to_owned(), answer.map(str::to_owned))
}

#[tokio::test]
async fn a_question_gets_the_given_answers_in_order() {
    let mut world = World::new().await;
    let command = RunCommand {
        answers: vec!["Ada".to_owned(), "blue".to_owned()],
        ..world.command("read -p 'Name? ' n; read -p 'Colour? ' c; echo \"$n likes $c\"")
    };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    assert_eq!(seen.output, "Name? Ada\nColour? blue\nAda likes blue\n");
    assert_eq!(seen.asked, [asked("Name?", Some("Ada")), asked("Colour?", Some("blue"))]);
}

#[tokio::test]
async fn text_typed_into_a_file_ends_with_the_end_of_input() {
    let mut world = World::new().await;
    let answers = vec!["first line".to_owned(), "second line".to_owned()];
    let command = RunCommand { answers, ..world.command("cat > typed.txt") };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    world.check("cat typed.txt", 0, "first line\nsecond line\n").await;
    // A second question that the page has no answer for is still a question.
    let text = "read -p 'Name? ' n; read -p 'Colour? ' c; echo not reached";
    let command = RunCommand { answers: vec!["Ada".to_owned()], ..world.command(text) };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Waiting);
    assert_eq!(seen.asked.last(), Some(&asked("Colour?", None)));
}

#[tokio::test]
async fn enter_takes_a_default() {
    let mut world = World::new().await;
    let text = "sh -c 'printf \"Continue? [Y/n] \"; read a; echo \"[${a:-Y}]\"'";
    let seen = world.run(text).await;
    assert_eq!(
        (seen.how, seen.output.as_str()),
        (RunEnd::Exited { code: 0 }, "Continue? [Y/n] \n[Y]\n")
    );
    assert_eq!(seen.asked, [asked("Continue? [Y/n]", Some(""))]);
    let command = RunCommand { accept_defaults: false, ..world.command(text) };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Waiting);
    assert_eq!(seen.asked, [asked("Continue? [Y/n]", None)]);
}

#[tokio::test]
async fn a_question_without_answer_ends_the_command() {
    let mut world = World::new().await;
    for text in [
        "read -p 'Name? ' name; echo not reached",
        "sh -c 'printf \"Name? \"; read name; sleep 100'",
        "python3 -c \"input('Name? '); print('not reached')\"",
        "cat",
    ] {
        let seen = world.run(text).await;
        assert_eq!(seen.how, RunEnd::Waiting, "{text}");
        assert!(!seen.output.contains("not reached"), "{text}: {}", seen.output);
        assert!(seen.ended.duration_us < 5_000_000, "{text}");
        world.check("echo on", 0, "on\n").await;
    }
}

#[tokio::test]
async fn a_stubborn_asker_is_killed() {
    let mut world = World::new().await;
    let text = "sh -c 'trap \"\" INT TERM HUP; while :; do read x; done'";
    let seen = world.run(text).await;
    assert_eq!(seen.how, RunEnd::Waiting);
    world.check("echo on", 0, "on\n").await;
}

#[tokio::test]
async fn prompts_of_languages_wait() {
    let mut world = World::new().await;
    let seen = world.run("python3 -q").await;
    assert_eq!(seen.how, RunEnd::Waiting, "{seen:?}");
    world.check("echo on", 0, "on\n").await;
}

#[tokio::test]
async fn a_shell_within_the_shell_is_left_again() {
    let mut world = World::new().await;
    let seen = world.run("bash --norc").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    world.check("export A=1; cd /", 0, "").await;
    let seen = world.run("exec bash --norc").await;
    assert_eq!(seen.how, RunEnd::ShellEnded { code: 0 }, "{seen:?}");
    world.check("echo $A $PWD", 0, "1 /\n").await;
}

#[tokio::test]
async fn a_sleeping_program_does_not_wait_for_keys() {
    let mut world = World::new().await;
    world.check("sleep 1.5; echo rested", 0, "rested\n").await;
    world.check("echo x | (sleep 1; cat)", 0, "x\n").await;
    world.check("python3 -c 'import time; time.sleep(1.5); print(1)'", 0, "1\n").await;
}

/// As apt does with dpkg: a terminal within the terminal.
#[tokio::test]
async fn a_program_that_hands_keys_on_does_not_wait_itself() {
    let mut world = World::new().await;
    let relay = |program: &str| format!("python3 -c \"import pty; pty.spawn({program})\"");
    let seen = world.run(&relay("['sleep', '2.5']")).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    let asks = relay("['sh', '-c', 'read -r x; echo got $x']").replace("$x", "\\$x");
    let command = RunCommand { answers: vec!["Ada".to_owned()], ..world.command(&asks) };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    assert!(seen.output.contains("got Ada"), "{seen:?}");
    let seen = world.run(&asks).await;
    assert_eq!(seen.how, RunEnd::Waiting, "{seen:?}");
    world.check("echo on", 0, "on\n").await;
}

#[tokio::test]
async fn an_editor_is_ended_or_typed_into() {
    let mut world = World::new().await;
    let seen = world.run("vi notes.txt").await;
    assert_eq!(seen.how, RunEnd::Waiting, "{seen:?}");
    assert!(seen.ended.notes[0].contains("editor"), "{:?}", seen.ended.notes);
    let command = RunCommand {
        editor_input: Some(("notes.txt".to_owned(), "typed\n".to_owned())),
        ..world.command("vi notes.txt")
    };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    world.check("cat notes.txt; ls -A", 0, "typed\nnotes.txt\n").await;
    world.check("stty -a | grep -c -w icanon", 0, "1\n").await;
    let command = RunCommand {
        editor_input: Some(("other.txt".to_owned(), "typed\n".to_owned())),
        ..world.command("nosucheditor other.txt")
    };
    let seen = world.run_command(&command).await;
    assert_eq!(seen.how, RunEnd::Exited { code: 127 });
    world.check("ls", 0, "notes.txt\n").await;
}

#[tokio::test]
async fn pagers_are_off_or_left() {
    let mut world = World::new().await;
    world.run("git init -q . && git config user.email a@b && git config user.name n").await;
    world.run("for i in $(seq 60); do git commit -q --allow-empty -m \"c$i\"; done").await;
    let seen = world.run("git log --oneline").await;
    assert_eq!((seen.how, seen.output.lines().count()), (RunEnd::Exited { code: 0 }, 60));
    let seen = world.run("man bash | head -3; man ls | wc -l").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 });
    world.run("seq 500 > numbers").await;
    let seen = world.run("less numbers").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    let seen = world.run("more numbers").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
    let seen = world.run("top").await;
    assert_eq!(seen.how, RunEnd::Exited { code: 0 }, "{seen:?}");
}
