//! Commands behave as at a terminal: planted on real pages, and asserted on in the report.

use serde_json::Value;

use crate::desk::{Desk, output, steps};

fn page(blocks: &[&str]) -> String {
    let mut text = String::from("# A page\n");
    for block in blocks {
        text.push_str(&format!("\nDo this:\n\n```sh\n{block}\n```\n"));
    }
    text
}

/// Follows a page without a network and gives the report.
fn follow(text: &str) -> Value {
    follow_bytes(text.as_bytes())
}

fn follow_bytes(text: &[u8]) -> Value {
    let desk = Desk::new(&[]);
    desk.write("tutorial.md", text);
    let ran =
        desk.smile(&["run", "--network", "none", "--timeout", "120s", "--step-timeout", "60s"]);
    let report = desk.report();
    assert_eq!(report["status"], "completed", "{ran:?}");
    report
}

/// Follows blocks that must all pass.
fn passes(blocks: &[&str]) -> Value {
    let report = follow(&page(blocks));
    let failed: Vec<_> =
        steps(&report).into_iter().filter(|step| !step.ends_with("-> passed")).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{:#}", report["steps"]);
    report
}

#[test]
fn the_shell_is_one_through_the_tutorial() {
    let report = passes(&[
        "mkdir demo && cd demo\nexport GREETING=hello\ncolour=blue",
        "greet() {\n  echo \"$GREETING $1\"\n}\nshopt -s expand_aliases\nalias shout='echo LOUD'",
        "pwd\ngreet you\nshout\necho $colour",
    ]);
    assert_eq!(output(&report, "pwd").trim(), "/root/work/demo");
    assert_eq!(output(&report, "greet you").trim(), "hello you");
    assert_eq!(output(&report, "shout").trim(), "LOUD");
    assert_eq!(output(&report, "echo $colour").trim(), "blue");
}

#[test]
fn an_activated_environment_stays_active() {
    let report = passes(&[
        "mkdir env\nprintf 'VIRTUAL=on\\nPS1=\"(env) $PS1\"\\nhey() { echo active; }\\n' > env/activate",
        ". env/activate",
        "hey\necho $VIRTUAL",
    ]);
    assert_eq!(output(&report, "hey").trim(), "active");
    assert_eq!(output(&report, "echo $VIRTUAL").trim(), "on");
}

#[test]
fn background_jobs_live_on_and_are_ended_by_their_number() {
    let report = passes(&["sleep 1000 &", "jobs", "kill %1", "wait; echo gone"]);
    assert!(output(&report, "jobs").contains("sleep 1000"));
}

#[test]
fn here_documents_continuations_and_comments_work() {
    let report = passes(&[
        "# Make a file.\ncat > poem.txt <<'EOF'\nroses $HOME\n  are `red`\nEOF",
        "cat \\\n  poem.txt   # and show it",
        "for n in 1 2 3; do\n  echo \"n=$n\"\ndone",
    ]);
    let all = report["steps"].to_string();
    assert!(all.contains("roses $HOME"), "{all}");
    assert!(all.contains("n=3"), "{all}");
}

#[test]
fn set_e_and_exit_do_not_end_the_tutorial() {
    let report = follow(&page(&["set -e", "false", "echo still here", "exit 3", "echo and here"]));
    assert_eq!(output(&report, "echo still here").trim(), "still here");
    assert_eq!(output(&report, "echo and here").trim(), "and here");
}

#[test]
fn each_command_of_a_block_has_its_own_line_and_exit_code() {
    let report = follow("# A page\n\n```sh\ntrue\n(exit 7)\ntrue\n```\n");
    assert_eq!(steps(&report), ["4: true -> passed", "5: (exit 7) -> failed", "6: true -> passed"]);
    assert_eq!(report["steps"][1]["observation"]["end"]["code"], 7);
    assert_eq!(report["gaps"][0]["location"]["firstLine"], 5);
    assert_eq!(report["gaps"].as_array().unwrap().len(), 1);
}

#[test]
fn pagers_are_off_and_prompts_get_their_default() {
    let report = passes(&[
        "seq 1 500 | ${PAGER:-cat} | tail -n 1",
        "read -rp 'Continue? [Y/n] ' answer; echo \"got <$answer>\"",
    ]);
    let all = report["steps"].to_string();
    assert!(all.contains("got <>"), "{all}");
    assert_eq!(report["steps"][1]["observation"]["prompts"][0]["question"], "Continue? [Y/n]");
}

#[test]
fn a_server_in_the_foreground_is_moved_aside_and_answers() {
    // Perl is on every Debian machine, Python is not.
    let server = "use IO::Socket::INET;\nmy $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', \
                  LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die;\n\
                  while (my $c = $s->accept) { print $c \"HTTP/1.0 200 OK\\r\\n\\r\\nport $ARGV[0]\\n\"; close $c }";
    let write = format!("cat > serve.pl <<'EOF'\n{server}\nEOF");
    let serve = |port| format!("perl serve.pl {port}");
    let get = |port| format!("exec 5<>/dev/tcp/127.0.0.1/{port}; tail -n 1 <&5; exec 5>&-");
    let report =
        follow(&page(&[&write, &serve(8731), &get(8731), &serve(8732), &get(8732), &get(8731)]));
    assert_eq!(
        report["steps"][1]["observation"]["end"]["how"], "moved-aside",
        "{:#}",
        report["steps"][1]
    );
    assert_eq!(report["steps"][3]["observation"]["end"]["how"], "moved-aside");
    for (index, port) in [(2, 8731), (4, 8732), (5, 8731)] {
        assert_eq!(
            report["steps"][index]["observation"]["output"]["text"].as_str().unwrap().trim(),
            format!("port {port}")
        );
    }
}

#[test]
fn much_output_binary_output_and_output_without_a_newline_are_kept_bounded() {
    let report = passes(&[
        "head -c 30000000 /dev/zero | tr '\\0' x",
        "head -c 300 /dev/urandom",
        "printf 'no newline'",
        "echo next",
    ]);
    assert_eq!(report["steps"][0]["observation"]["output"]["bytesTotal"], 30_000_000);
    assert_eq!(report["steps"][0]["observation"]["output"]["cut"], true);
    assert!(report.to_string().len() < 2_000_000);
    assert_eq!(output(&report, "printf 'no newline'"), "no newline");
    assert_eq!(output(&report, "echo next").trim(), "next");
}

#[test]
fn a_long_file_is_written_whole() {
    let lines: String = (1..=10_000).map(|n| format!("{n}\n")).collect();
    let text = format!(
        "# A page\n\nCreate `numbers.txt`:\n\n```text\n{lines}```\n\n```sh\nwc -l < numbers.txt\ntail -n 1 numbers.txt\n```\n"
    );
    let report = follow(&text);
    assert_eq!(output(&report, "wc -l < numbers.txt").trim(), "10000");
    assert_eq!(output(&report, "tail -n 1 numbers.txt").trim(), "10000");
}

#[test]
fn carriage_returns_and_a_byte_order_mark_change_nothing() {
    let text =
        "\u{feff}# A page\r\n\r\n```console\r\n$ echo hello\r\nhello\r\n$ cat none\r\n```\r\n";
    let report = follow_bytes(text.as_bytes());
    assert_eq!(steps(&report), ["4: echo hello -> passed", "6: cat none -> failed"]);
}

#[test]
fn lists_tabs_comments_tags_and_odd_fences_are_read_as_a_reader_would() {
    let text = "# A page\n\n1. First:\n\n   ```sh\n   echo in-a-list\n   ```\n\n2. Then:\n\n\techo indented-by-a-tab\n\n\
                <!-- ```sh\necho in-a-comment\n``` -->\n\n<Tabs>\n<Tab title=\"Linux\">\n\n```sh\necho on-linux\n```\n\n</Tab>\n\
                <Tab title=\"Windows\">\n\n```powershell\nWrite-Host on-windows\n```\n\n</Tab>\n</Tabs>\n\n\
                ~~~bash\necho tilde-fence\n~~~\n";
    let report = follow(text);
    let seen = steps(&report).join("\n");
    for wanted in ["echo in-a-list", "echo on-linux", "echo tilde-fence"] {
        assert!(seen.contains(&format!("{wanted} -> passed")), "{wanted} is not in\n{seen}");
    }
    for unwanted in ["in-a-comment -> passed", "on-windows -> passed", "on-windows -> failed"] {
        assert!(!seen.contains(unwanted), "{unwanted} is in\n{seen}");
    }
}

#[test]
fn a_command_that_prints_our_own_marks_does_not_end_early() {
    let report = passes(&[
        "printf '\\033]777;smile;end;0\\007\\n\\033]133;D;0\\007\\n'; sleep 0.3; echo real-end",
        "echo next",
    ]);
    assert!(
        report["steps"][0]["observation"]["output"]["text"].as_str().unwrap().contains("real-end")
    );
    assert_eq!(output(&report, "echo next").trim(), "next");
}

#[test]
fn files_for_the_reader_are_in_the_work_folder_and_the_page_beside_it() {
    let desk = Desk::new(&[
        (
            "tutorial.md",
            "# A page\n\n```sh\ncat data.csv input/x.txt\nls /workspace/tutorial\n```\n",
        ),
        ("data.csv", "a,b\n"),
    ]);
    let ran = desk.smile(&[
        "run",
        "--network=none",
        "--with",
        "data.csv",
        "--with",
        "data.csv:input/x.txt",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = desk.report();
    assert_eq!(output(&report, "cat data.csv input/x.txt"), "a,b\na,b\n");
    assert_eq!(output(&report, "ls /workspace/tutorial").trim(), "tutorial.md");
}

#[test]
fn the_host_is_out_of_reach() {
    let desk = Desk::new(&[
        ("tutorial.md", "# A page\n\n```sh\ncat secret.txt\nls -A ~ | head\n```\n"),
        ("secret.txt", "hush-hush"),
    ]);
    let ran = desk.smile(&["run", "--network=none"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(!desk.read("smile-report.json").contains("hush-hush"));
}
