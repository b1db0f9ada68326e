//! One cause is one gap, whatever follows from it.

use smile_loop::Settings;

use crate::stage::{Answer, briefs, facts, fails, failures, missing, ok, play, prints, session};

fn gaps(steps: &[(&str, &str)], sandbox: impl FnMut(&str) -> Answer) -> Vec<String> {
    briefs(&play(&session(steps), Settings::default(), &facts(), sandbox))
}

/// The line of the n-th command (from 0) of [`session`]: without outputs each block takes six.
fn line(n: u32) -> u32 {
    6 + 6 * n
}

#[test]
fn a_missing_folder_and_everything_after_it_is_one_gap() {
    let commands: Vec<String> =
        (0..49).map(|n| format!("git {} f{n}", ["add", "status", "diff"][n % 3])).collect();
    let mut steps = vec![("cd ~/Desktop/recipes", "")];
    steps.extend(commands.iter().map(|command| (command.as_str(), "")));
    let record = play(&session(&steps), Settings::default(), &facts(), |text| {
        if text.starts_with("cd") {
            fails(1, "bash: cd: /root/Desktop/recipes: No such file or directory\r\n")
        } else {
            fails(128, "fatal: not a git repository (or any of the parent directories): .git\r\n")
        }
    });
    assert_eq!(failures(&record), 50);
    let [gap] = &record.gaps[..] else { panic!("{:?}", briefs(&record)) };
    assert_eq!(smile_loop::kind_name(gap.kind), "missing-prerequisite");
    assert_eq!(gap.severity, smile_tutorial::Severity::Critical);
    assert_eq!(gap.location.first_line, line(0));
    assert_eq!(gap.consequences.len(), 49);
    assert_eq!(record.blocked_at.as_ref().map(|at| at.line), Some(line(0)));
}

#[test]
fn a_missing_program_is_one_gap_with_all_its_places() {
    let steps = [
        ("frob init", ""),
        ("echo hi", "hi\n"),
        ("frob one", ""),
        ("frob two", ""),
        ("frob three", ""),
        ("frob four", ""),
        ("frob five", ""),
    ];
    let found =
        gaps(
            &steps,
            |text| if text.starts_with("echo") { prints("hi\n") } else { missing("frob") },
        );
    assert_eq!(found, ["critical missing-prerequisite 6 19 25 31 37 43"]);
}

#[test]
fn what_was_not_installed_is_not_found() {
    let steps = [("pip install frobnicate", ""), ("frobnicate build", ""), ("echo fine", "fine\n")];
    let found = gaps(&steps, |text| match text {
        "echo fine" => prints("fine\n"),
        "frobnicate build" => missing("frobnicate"),
        _ => fails(
            1,
            "error: externally-managed-environment\r\n\r\n× This environment is externally managed\r\n",
        ),
    });
    assert_eq!(found, ["major failing-command 6 > 12"]);
}

#[test]
fn files_of_a_failed_build_are_not_gaps_of_their_own() {
    let steps = [("make", ""), ("./demo", ""), ("cat unrelated.txt", ""), ("ls", "")];
    let found = gaps(&steps, |text| match text {
        "make" => fails(2, "make: *** [Makefile:3: demo] Error 1\r\n"),
        "./demo" => fails(127, "bash: ./demo: No such file or directory\r\n"),
        "ls" => prints("Makefile\n"),
        _ => fails(1, "cat: unrelated.txt: No such file or directory\r\n"),
    });
    assert_eq!(found, ["critical failing-command 6 > 12 18"]);
}

#[test]
fn independent_causes_stay_apart() {
    let steps = [
        ("frob x", ""),
        ("cat notes.txt", ""),
        ("curl http://127.0.0.1:9/", ""),
        ("echo a", "b\n"),
    ];
    let found = gaps(&steps, |text| match text {
        "frob x" => missing("frob"),
        "cat notes.txt" => fails(1, "cat: notes.txt: No such file or directory\r\n"),
        "echo a" => prints("a\n"),
        _ => fails(
            7,
            "curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server\r\n",
        ),
    });
    assert_eq!(
        found,
        [
            "major missing-prerequisite 6",
            "major missing-file 12",
            "major failing-command 18",
            "minor output-mismatch 25",
        ]
    );
}

#[test]
fn a_reader_who_makes_a_folder_is_at_home_again() {
    let steps = [
        ("cd ~/elsewhere", ""),
        ("git status", ""),
        ("mkdir bio", ""),
        ("cd bio", ""),
        ("cat me.txt", ""),
    ];
    let found = gaps(&steps, |text| match text {
        "cd ~/elsewhere" => fails(1, "bash: cd: /root/elsewhere: No such file or directory\r\n"),
        "git status" => fails(128, "fatal: not a git repository\r\n"),
        "mkdir bio" => ok().made("/root/work/bio", 0),
        "cd bio" => ok().goes_to("/root/work/bio"),
        _ => fails(1, "cat: me.txt: No such file or directory\r\n"),
    });
    assert_eq!(found, ["major missing-prerequisite 6 > 12", "major missing-file 30"]);
}

#[test]
fn many_files_from_nowhere_have_one_reason() {
    let steps = [
        ("cat a.txt", ""),
        ("wc b.csv", ""),
        ("sort c.txt", ""),
        ("head d.log", ""),
        ("cut -f1 e.tsv", ""),
    ];
    let found = gaps(&steps, |text| {
        let name = text.split_whitespace().last().unwrap_or_default();
        let program = text.split_whitespace().next().unwrap_or_default();
        fails(1, &format!("{program}: {name}: No such file or directory\r\n"))
    });
    assert_eq!(found, ["critical missing-prerequisite 6 12 18 24 30"]);
}

#[test]
fn a_commit_that_failed_leaves_no_log() {
    let steps = [("git init", ""), ("git commit -m x", ""), ("git log", ""), ("git show HEAD", "")];
    let found = gaps(&steps, |text| match text {
        "git init" => prints("Initialized empty Git repository in /root/work/.git/\r\n"),
        "git commit -m x" => {
            fails(128, "Author identity unknown\r\n\r\n*** Please tell me who you are.\r\n")
        }
        "git log" => {
            fails(128, "fatal: your current branch 'main' does not have any commits yet\r\n")
        }
        _ => fails(
            128,
            "fatal: ambiguous argument 'HEAD': unknown revision or path not in the working tree.\r\n",
        ),
    });
    assert_eq!(found, ["major missing-prerequisite 12 > 18 24"]);
}

#[test]
fn a_question_explains_only_what_comes_right_after_it() {
    let steps = [
        ("./todo archive", ""),
        ("cat autumn.txt", ""),
        ("touch weekly", ""),
        ("./weekly", ""),
        ("cat archive/*.txt | sort | uniq -c > chores.txt", ""),
    ];
    let found = gaps(&steps, |text| match text {
        "./todo archive" => ok().end(smile_loop::CommandEnd::Waiting).asked("Name?", None),
        "cat autumn.txt" => fails(1, "cat: autumn.txt: No such file or directory\n"),
        "touch weekly" => ok().made("/root/work/weekly", 0),
        "./weekly" => fails(126, "bash: ./weekly: Permission denied\n"),
        _ => prints("cat: 'archive/*.txt': No such file or directory\n").pipe(&[1, 0, 0]),
    });
    assert_eq!(
        found,
        ["major interactive-command 6 > 12", "major permission 24", "major silent-failure 30",]
    );
}
