//! What is found, where, and in which words.

use smile_loop::{CommandEnd, NetworkFact, SandboxFacts, Settings};

use crate::stage::{Answer, briefs, facts, fails, missing, ok, play, prints, session};

fn one(steps: &[(&str, &str)], sandbox: impl FnMut(&str) -> Answer) -> smile_loop::Gap {
    let mut record = play(&session(steps), Settings::default(), &facts(), sandbox);
    assert_eq!(record.gaps.len(), 1, "{:?}", briefs(&record));
    record.gaps.remove(0)
}

fn none(steps: &[(&str, &str)], sandbox: impl FnMut(&str) -> Answer) {
    let record = play(&session(steps), Settings::default(), &facts(), sandbox);
    assert_eq!(briefs(&record), Vec::<String>::new());
}

#[test]
fn another_name_on_this_system_is_a_failing_command_with_an_edit() {
    let gap = one(&[("python -m this", ""), ("python x.py", "")], |_| missing("python"));
    assert_eq!(smile_loop::kind_name(gap.kind), "failing-command");
    assert!(gap.problem.contains("`python3` is"), "{}", gap.problem);
    let patch = gap.suggestion.patch.unwrap_or_default();
    assert!(patch.contains("-$ python -m this\n+$ python3 -m this\n"), "{patch}");
    assert!(patch.contains("+$ python3 x.py\n"), "{patch}");
}

#[test]
fn under_the_other_name_the_reader_finds_the_next_gaps() {
    let steps =
        [("python -m http.server", ""), ("python tool.py", ""), ("python -V", "Python 3.1.1\n")];
    let record = play(&session(&steps), Settings::default(), &facts(), |text| match text {
        "python3 -m http.server" => prints("Serving\r\n").listens(8000),
        "python3 tool.py" => fails(
            2,
            "python3: can't open file '/root/work/tool.py': [Errno 2] No such file or directory\r\n",
        ),
        "python3 -V" => prints("Python 3.11.2\r\n"),
        _ => missing("python"),
    });
    assert_eq!(
        briefs(&record),
        ["major failing-command 6 12 18", "major long-running 6", "major missing-file 12"]
    );
    assert_eq!(record.gaps[0].evidence[0].exit_code, Some(127));
    assert_eq!(record.gaps[1].evidence[0].command, "python3 -m http.server");
    let stopping = Settings { going_on: smile_loop::GoingOn::StopAtFirst, ..Settings::default() };
    let mut typed = 0;
    play(&session(&steps), stopping, &facts(), |_| {
        typed += 1;
        missing("python")
    });
    assert_eq!(typed, 1, "a learner who stops takes no detour");
}

#[test]
fn an_answer_that_nobody_gave_is_missing_afterwards() {
    let gap = one(&[("./todo archive", ""), ("cat autumn.txt", "")], |text| {
        if text.starts_with("cat") {
            fails(1, "cat: autumn.txt: No such file or directory\r\n")
        } else {
            fails(1, "Name?\r\n").asked("Name?", Some("\n"))
        }
    });
    assert_eq!(gap.consequences.len(), 1);
}

#[test]
fn refused_scripts_get_their_bit() {
    let gap = one(&[("./weekly", "")], |_| fails(126, "bash: ./weekly: Permission denied\r\n"));
    assert_eq!(smile_loop::kind_name(gap.kind), "permission");
    assert!(gap.suggestion.patch.unwrap_or_default().contains("+$ chmod +x ./weekly\n"));
}

#[test]
fn a_file_that_is_made_later_says_where() {
    let steps = [("cat out.txt", ""), ("echo x > out.txt", "")];
    let gap = one(&steps, |text| {
        if text.starts_with("cat") {
            fails(1, "cat: out.txt: No such file or directory\r\n")
        } else {
            ok()
        }
    });
    assert_eq!(smile_loop::kind_name(gap.kind), "missing-file");
    assert!(gap.problem.contains("only made at line 12"), "{}", gap.problem);
}

#[test]
fn a_makefile_elsewhere_is_the_wrong_directory() {
    let steps = [("touch Makefile", ""), ("cd site", ""), ("make clean", "")];
    let gap = one(&steps, |text| match text {
        "touch Makefile" => ok().made("/root/work/Makefile", 1),
        "cd site" => ok().goes_to("/root/work/site"),
        _ => fails(2, "make: *** No rule to make target 'clean'.  Stop.\r\n"),
    });
    assert_eq!(smile_loop::kind_name(gap.kind), "wrong-directory");
    assert!(gap.suggestion.text.contains("cd .."), "{}", gap.suggestion.text);
}

#[test]
fn a_port_that_is_still_taken_names_the_holder() {
    let steps = [("serve one", ""), ("serve two", "")];
    let record = play(&session(&steps), Settings::default(), &facts(), |text| {
        if text == "serve one" {
            ok().listens(8123)
        } else {
            fails(1, "OSError: [Errno 98] Address already in use\r\n")
        }
    });
    assert_eq!(briefs(&record), ["major long-running 6", "major failing-command 12"]);
    assert!(record.gaps[1].problem.contains("`serve one` of line 6"), "{}", record.gaps[1].problem);
}

#[test]
fn questions_without_an_answer() {
    let gap = one(&[("./archive", "")], |_| {
        fails(1, "Name? \r\nneeds a name\r\n").asked("Name? ", Some("\n"))
    });
    assert_eq!(smile_loop::kind_name(gap.kind), "interactive-command");
    assert!(gap.problem.contains("asks `Name?`"), "{}", gap.problem);
    none(&[("./setup", "")], |_| prints("Go on? [Y/n]\r\n").asked("Go on? [Y/n]", Some("\n")));
}

#[test]
fn silence_without_end() {
    let gap = one(&[("wait-for-it", "")], |_| ok().end(CommandEnd::Silent { limit_s: 60 }));
    assert_eq!(smile_loop::kind_name(gap.kind), "long-running");
    assert!(gap.problem.contains("60 s"));
}

#[test]
fn a_variable_that_nobody_sets_expands_to_nothing() {
    let gap = one(&[("sed -i \"s|@HOME@|$SITE_URL|\" index.html", "")], |_| ok());
    assert_eq!(smile_loop::kind_name(gap.kind), "undefined-variable");
    none(&[("export SITE_URL=x", ""), ("echo \"$SITE_URL\" > y", "")], |_| ok());
    none(&[("echo $HOME $1 ${PORT:-80}", "")], |_| ok());
    none(&[("for F in a b; do touch $F; done", "")], |_| ok());
    none(&[(". ./settings.sh", ""), ("touch $NAME", "")], |_| ok());
}

#[test]
fn a_part_that_fails_in_silence() {
    let gap = one(&[("cat archive/*.txt | sort > chores.txt", "")], |_| {
        prints("cat: 'archive/*.txt': No such file or directory\r\n").pipe(&[1, 0])
    });
    assert_eq!(smile_loop::kind_name(gap.kind), "silent-failure");
}

#[test]
fn other_output_is_placed_at_the_line_that_did_not_come() {
    let gap = one(&[("./todo list", " 1  milk\nYou have 3 tasks left.\n")], |_| {
        prints(" 1  milk\r\n3 open\r\n")
    });
    assert_eq!(smile_loop::kind_name(gap.kind), "output-mismatch");
    assert_eq!(gap.location.first_line, 8);
    assert_eq!(gap.location.quote, "You have 3 tasks left.");
    let note = gap.evidence[0].note.clone().unwrap_or_default();
    assert!(note.contains("- You have 3 tasks left.\n+ 3 open\n"), "{note}");
}

#[test]
fn without_a_network_on_purpose_nothing_is_said_of_the_page() {
    let offline = SandboxFacts { network: NetworkFact::None, ..facts() };
    let steps =
        [("git clone https://example.org/a/project.git", ""), ("cd project", ""), ("make", "")];
    let record = play(&session(&steps), Settings::default(), &offline, |text| match text {
        "cd project" => fails(1, "bash: cd: project: No such file or directory\r\n"),
        "make" => fails(2, "make: *** No targets specified and no makefile found.  Stop.\r\n"),
        _ => fails(
            128,
            "fatal: unable to access 'https://example.org/a/project.git/': Could not resolve host: example.org\r\n",
        ),
    });
    assert_eq!(briefs(&record), Vec::<String>::new());
    let [note] = &record.notes[..] else { panic!("{:?}", record.notes) };
    assert_eq!((note.code.as_str(), note.line), ("sandbox-limited", Some(6)));
    assert!(note.text.contains("lines 12, 18"), "{}", note.text);
}

#[test]
fn a_host_that_is_not_reached_counts_only_where_others_are() {
    let steps = [
        ("curl -O https://gone.example.org/a.zip", ""),
        ("curl -O https://there.example.org/b.zip", ""),
    ];
    let lost = "curl: (6) Could not resolve host: gone.example.org\r\n";
    let record = play(&session(&steps), Settings::default(), &facts(), |_| fails(6, lost));
    assert_eq!(briefs(&record), Vec::<String>::new());
    assert_eq!(record.notes[0].code, "network-not-reached");
    let record = play(&session(&steps), Settings::default(), &facts(), |text| {
        if text.contains("gone") { fails(6, lost) } else { ok().made("/root/work/b.zip", 9) }
    });
    assert_eq!(briefs(&record), ["major network 6"]);
}

#[test]
fn what_the_page_asks_for_is_a_note_and_so_is_what_follows() {
    let mut page =
        (*crate::stage::page(&session(&[("frob setup out", ""), ("cd out", "")]))).clone();
    page.requirements = vec![smile_tutorial::Requirement {
        name: "frob".to_owned(),
        version: None,
        lines: smile_tutorial::Lines::one(1),
    }];
    let record = crate::stage::play_page(&page.into(), Settings::default(), &facts(), |text| {
        if text.starts_with("cd") {
            fails(1, "bash: cd: out: No such file or directory\r\n")
        } else {
            missing("frob")
        }
    });
    assert_eq!(briefs(&record), Vec::<String>::new());
    assert_eq!(record.notes.len(), 1);
    assert_eq!(record.notes[0].code, "prerequisite-not-met");
}

#[test]
fn ids_stay_when_lines_come_and_go() {
    let steps = [("frob x", ""), ("cat y.txt", "")];
    let sandbox = |text: &str| {
        if text.starts_with("frob") {
            missing("frob")
        } else {
            fails(1, "cat: y.txt: No such file or directory\r\n")
        }
    };
    let first = play(&session(&steps), Settings::default(), &facts(), sandbox);
    let longer =
        session(&steps).replacen("# A page\n", "# A page\n\nA word more.\n\nAnd another.\n", 1);
    let second = play(&longer, Settings::default(), &facts(), sandbox);
    let ids = |record: &smile_loop::RunRecord| -> Vec<String> {
        record.gaps.iter().map(|gap| gap.id.clone()).collect()
    };
    assert_eq!(ids(&first), ids(&second));
    assert_ne!(briefs(&first), briefs(&second));
}
