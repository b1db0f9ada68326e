//! Pairs of what a page shows and what came, with the verdict of a reader.

use smile_tutorial::{Expected, Lines, Match};

use super::compare::{Comparison, compare};
use crate::SandboxFacts;

fn verdict(command: &str, page: &str, here: &str, matching: Match) -> &'static str {
    let facts = SandboxFacts {
        home: "/root".to_owned(),
        cwd: "/root/work".to_owned(),
        ..SandboxFacts::default()
    };
    let expected = Expected { text: page.to_owned(), lines: Lines::one(1), matching };
    match compare(command, &expected, here, &facts) {
        Comparison::Same => "same",
        Comparison::NotComparable => "open",
        Comparison::Differs(difference) if difference.reworded => "reworded",
        Comparison::Differs(_) => "differs",
    }
}

#[track_caller]
fn check(expected: &str, command: &str, page: &str, here: &str) {
    assert_eq!(
        verdict(command, page, here, Match::Whole),
        expected,
        "{command}: {page:?} {here:?}"
    );
}

#[test]
fn readers_accept_these() {
    for (command, page, here) in [
        ("echo hi", "hi\n", "hi\r\n"),
        ("ls", "a.txt  b.txt\nc.txt", "a.txt\nb.txt\nc.txt\n"),
        ("ls -F", "north/ south/", "south/  north/"),
        ("cat x", "one\n\n\ntwo", "one\ntwo\n"),
        ("make", "\u{1b}[32mok\u{1b}[0m", "ok\n"),
        (
            "seq 100",
            "1\n2\n...\n100",
            &(1..=100).map(|n| n.to_string()).collect::<Vec<_>>().join("\n"),
        ),
        ("tool", "start\n[...]\nend", "start\nmiddle\nend\n"),
        (
            "git log",
            "commit f22b25e\nAuthor: A <a@b>\n\n    first",
            "commit 0a1b2c3\nAuthor: Z <z@z>\n\n    first\n",
        ),
        ("cmd", "result\n# this is the author's remark", "result\n"),
        ("cmd", "result\n$ ", "result\n"),
        ("cmd", "result\n>>> ", "result\n"),
        (
            "pip install x",
            "Successfully installed x-1.2.3",
            "Collecting x\nSuccessfully installed x-2.0.1\n[notice] new release\n",
        ),
        (
            "cargo test",
            "test a ... ok\ntest b ... ok",
            "running 2 tests\ntest b ... ok\ntest a ... ok\n",
        ),
        ("cc -v", "gcc version 4.8.2", "gcc version 12.2.0 (Debian 12.2.0-14)"),
        ("pwd", "/home/maria/todo", "/root/work/todo\n"),
        ("wget x", "Saving to: ‘index.html’", "Saving to: 'index.html'\n"),
        (
            "fmt x",
            "a long line that the page\nhas broken in two",
            "a long line that the page has broken in two\n",
        ),
        ("head x", "value: [1, 2, ..., 9]", "value: [1, 2, 3, 4, 9]\n"),
        ("printf x", "x", "x\0"),
    ] {
        check("same", command, page, here);
    }
}

#[test]
fn readers_wonder_here() {
    for (command, page, here) in [
        ("./todo list", "1 milk\nYou have 3 tasks left.", "1 milk\n3 open\n"),
        ("wc -l x", "12 x", "13 x\n"),
        ("ls", "fonts license mkdocs js", "404.html about css img\n"),
        ("sort x", "a\nb\nc", "c\nb\na\n"),
        ("cat x", "hello", ""),
        ("cargo test", "running 4 tests\ntest test_bar ... ok", "running 0 tests\n"),
        ("cmd", "completely other", "nothing alike here\n"),
    ] {
        check("differs", command, page, here);
    }
}

#[test]
fn other_words_of_another_version() {
    check(
        "reworded",
        "cargo build",
        "   Compiling hello v0.1.0 (file:///projects/hello)\n    Finished dev [unoptimized + debuginfo] target(s) in 2.85 secs",
        "   Compiling hello v0.1.0 (/root/work/hello)\n    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.10s\n",
    );
}

#[test]
fn what_is_random_or_only_an_example_is_left_open() {
    for command in [
        "shuf -n1 x",
        "echo $RANDOM",
        "date",
        "python3 -c 'import random; print(random.random())'",
        "uname -a",
    ] {
        check("open", command, "12345 x", "999 y\n");
    }
    assert_eq!(verdict("x", "like this", "quite other", Match::Loose), "open");
}

#[test]
fn a_part_is_enough_where_the_sentence_names_a_part() {
    for (page, here, wanted) in [
        ("Hello World!", "say: hello world!\n", "same"),
        ("0 errors", "done, 0 errors, 2 warnings\n", "same"),
        ("Still to do: 4", "Still to do: 3\n", "differs"),
        ("listening on port 3000", "Server listening on port 3000.\n", "same"),
    ] {
        assert_eq!(verdict("run", page, here, Match::Contains), wanted, "{page}");
    }
}

proptest::proptest! {
    #[test]
    fn comparing_never_panics(page in "[a-c .…\n#$0-9/-]{0,60}", here: String) {
        let _ = verdict("x", &page, &here, Match::Whole);
        let _ = verdict("ls", &page, &here, Match::Contains);
    }

    #[test]
    fn the_same_text_is_the_same(text in "[ -~\n]{0,200}") {
        proptest::prop_assert_eq!(verdict("x", &text, &text, Match::Whole), "same");
    }
}
