//! Whole pages: what each part is taken for, and that nothing breaks on any text.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use smile_tutorial::{
    Action, CheckContext, Match, Role, Tutorial, WriteMode, check, explain, parse, parse_with_limit,
};

fn read(page: &str) -> Tutorial {
    parse("page.md", page.as_bytes()).unwrap()
}

/// The steps of a page, each as one line: `3 run ls`, `5 write a.txt`, `7 visit URL`.
fn steps(page: &str) -> Vec<String> {
    read(page)
        .steps
        .iter()
        .filter_map(|step| {
            let line = step.lines.first;
            Some(match &step.action {
                Action::Run(command) => format!("{line} run {}", command.text),
                Action::WriteFile { path, mode, .. } => {
                    let how = match mode {
                        WriteMode::Replace => "write",
                        WriteMode::Append => "append",
                        _ => "merge",
                    };
                    format!("{line} {how} {path}")
                }
                Action::Visit { url } => format!("{line} visit {url}"),
                _ => return None,
            })
        })
        .collect()
}

fn check_steps(page: &str, expected: &[&str]) {
    assert_eq!(steps(page), expected, "{page}");
}

fn roles(page: &str) -> Vec<Role> {
    read(page).blocks.iter().map(|block| block.role).collect()
}

fn command(page: &str, index: usize) -> smile_tutorial::Command {
    let tutorial = read(page);
    let mut commands = tutorial.steps.into_iter().filter_map(|step| match step.action {
        Action::Run(command) => Some(command),
        _ => None,
    });
    commands.nth(index).unwrap()
}

#[test]
fn lines_are_those_of_the_file() {
    check_steps("# A\n\n```sh\nls\n\n# note\npwd\n```\n", &["4 run ls", "7 run pwd"]);
    check_steps("\u{feff}# A\r\n\r\n```sh\r\nls\r\n```\r\n", &["4 run ls"]);
    check_steps(
        "1. One:\n\n   ```sh\n   ls\n   ```\n\n2. Two:\n   ```sh\n   pwd\n   ```\n",
        &["4 run ls", "9 run pwd"],
    );
    check_steps("> Do it:\n>\n> ```sh\n> ls\n> ```\n", &["4 run ls"]);
    check_steps("<!-- a\ncomment\n-->\n\n```sh\nls\n```\n", &["6 run ls"]);
    check_steps("---\ntitle: T\n---\n\n```sh\nls\n```\n", &["6 run ls"]);
    check_steps("Run this:\n\n    $ ls\n    a  b\n", &["3 run ls"]);
    check_steps("- a\n\n\t```sh\n\tls\n\t```\n", &["4 run ls"]);
}

#[test]
fn dialects() {
    let page = "=== \"Linux\"\n\n    ```sh\n    ls\n    ```\n\n=== \"Windows\"\n\n    ```powershell\n    dir\n    ```\n";
    check_steps(page, &["4 run ls"]);
    check_steps("!!! note\n    Do it:\n\n    ```sh\n    ls\n    ```\n", &["5 run ls"]);
    check_steps("/// tip\n\n```sh\nls\n```\n\n///\n", &["4 run ls"]);
    check_steps(":::note Title\n```sh\nls\n```\n:::\n", &["3 run ls"]);
    let tabs = "<Tabs>\n<TabItem value=\"yarn\">\n```sh\nyarn add x\n```\n</TabItem>\n<TabItem value=\"npm\">\n```sh\nnpm i x\n```\n</TabItem>\n</Tabs>\n";
    check_steps(tabs, &["9 run npm i x"]);
    let group = "::: code-group\n```sh [npm]\nnpm i x\n```\n```sh [yarn]\nyarn add x\n```\n:::\n";
    check_steps(group, &["3 run npm i x"]);
    check_steps("import A from 'a';\n\n<A />\n\n```sh\nls\n```\n", &["6 run ls"]);
    check_steps("{% highlight bash %}\nls\n{% endhighlight %}\n", &["2 run ls"]);
    check_steps(
        "{{< tabs >}}\n{{% tab name=\"Windows\" %}}\n```sh\ndir\n```\n{{% /tab %}}\n{{% tab name=\"Linux\" %}}\n```sh\nls\n```\n{{% /tab %}}\n{{< /tabs >}}\n",
        &["9 run ls"],
    );
    check_steps("<pre>\n<b>$ ls</b>\na &lt; b\n</pre>\n", &["2 run ls"]);
    check_steps("<details>\n<summary>More</summary>\n\n```sh\nls\n```\n\n</details>\n", &[]);
    check_steps("````{note}\n```sh\nls\n```\n````\n", &["3 run ls"]);
}

#[test]
fn outputs_go_to_the_command_above() {
    let page = "Run:\n\n```sh\necho hi\n```\n\nYou should see:\n\n```\nhi\n```\n";
    let expected = command(page, 0).expected.unwrap();
    assert_eq!(
        (expected.text.as_str(), expected.matching, expected.lines.first),
        ("hi", Match::Whole, 10)
    );
    let page =
        "```console\n$ a\n```\n\nThe output will look similar to this:\n\n```output\n1\n```\n";
    assert_eq!(command(page, 0).expected.unwrap().matching, Match::Loose);
    let page = "Run `make`. It prints `done`.\n";
    assert_eq!(command(page, 0).expected.unwrap().matching, Match::Contains);
    let twice =
        "```console\n$ tool test\n```\n\nYou should see:\n\n```console\n$ tool test\nok\n```\n";
    check_steps(twice, &["2 run tool test"]);
    assert_eq!(command(twice, 0).expected.unwrap().text, "ok");
    let json = "```sh\ncurl localhost:1/x\n```\n```json\n{}\n```\n";
    assert_eq!(roles(json), [Role::Command, Role::Output]);
}

#[test]
fn files_are_written() {
    check_steps("Create `app/main.py`:\n\n```python\nx = 1\n```\n", &["4 write app/main.py"]);
    check_steps("```js title=\"src/a.js\"\nx\n```\n", &["2 write src/a.js"]);
    check_steps("```js\n// src/a.js\nx\n```\n", &["2 write src/a.js"]);
    check_steps("**app.py**\n\n```python\nx = 1\n```\n", &["4 write app.py"]);
    check_steps("Add this to the end of `a.txt`:\n\n```text\nb\n```\n", &["4 append a.txt"]);
    check_steps(
        "In `a.yml`, add the `theme` setting:\n\n```yaml\ntheme: x\n```\n",
        &["4 merge a.yml"],
    );
    let page = "Create `a.c`:\n\n```c\nint a;\nint b;\n```\n\nNow edit the file. The new version looks like this:\n\n```c\nint a;\nint c;\nint d;\n```\n";
    check_steps(page, &["4 write a.c", "11 write a.c"]);
    check_steps("The tool has created `a.toml`, it looks like this:\n\n```toml\na = 1\n```\n", &[]);
    check_steps("Save as `run.sh`:\n\n```bash\n#!/bin/sh\nls\n```\n", &["4 write run.sh"]);
    let long = format!("Create `big.txt`:\n\n```text\n{}```\n", "line\n".repeat(10_000));
    let tutorial = read(&long);
    let Action::WriteFile { content, .. } = &tutorial.steps[0].action else { panic!("no file") };
    assert_eq!((content.lines().count(), tutorial.steps[0].lines.last), (10_000, 10_003));
}

#[test]
fn editors_are_filled() {
    let page =
        "```sh\n$ nano a.md\n```\n\nType the text below into the file:\n\n```output\n# A\n```\n";
    assert_eq!(command(page, 0).editor_input, Some(("a.md".to_owned(), "# A\n".to_owned())));
    let page = "```sh\n$ nano a.md\n$ cat a.md\n```\n\n```output\n# A\n# B\n```\n";
    assert_eq!(command(page, 0).editor_input, Some(("a.md".to_owned(), "# A\n# B\n".to_owned())));
    assert_eq!(command(page, 1).expected.unwrap().text, "# A\n# B");
}

#[test]
fn failures_on_purpose() {
    let check = |page: &str, expected: bool| {
        assert_eq!(command(page, 0).expected_failure.is_some(), expected, "{page}");
    };
    check("```sh\n$ rm a\n```\n\n```error\nrm: cannot remove 'a'\n```\n", true);
    check("```console\n$ rm a\nrm: cannot remove 'a': Is a directory\n```\n", true);
    check("```console\n$ tool x\nok\n```\n", false);
    check("A wrong number is refused:\n\n```console\n$ ./tool 9\ntool: there is no 9\n```\n", true);
    check(
        "```sh\n$ tool save\n```\n\n```output\nnothing was saved\n```\n\nWhoops, that is not it.\n",
        true,
    );
    check("```console\n$ cat log\nerror: this is only a log\n```\n", false);
}

#[test]
fn one_of_several_ways_is_followed() {
    let page = "```sh\nnpm i x\n```\n\nOr with yarn:\n\n```sh\nyarn add x\n```\n";
    check_steps(page, &["2 run npm i x"]);
    let page =
        "On macOS, run:\n\n```sh\nbrew install x\n```\n\nOn Ubuntu:\n\n```sh\napt install x\n```\n";
    check_steps(page, &["10 run apt install x"]);
    let page = "## macOS\n\n```sh\nbrew install x\n```\n\n## Linux\n\n```sh\napt install x\n```\n\n## Use it\n\n```sh\nx\n```\n";
    check_steps(page, &["10 run apt install x", "16 run x"]);
    let page = "```sh\n# npm\nnpm i x\n# or yarn\nyarn add x\n```\n";
    check_steps(page, &["3 run npm i x"]);
    let page =
        "If you had changed it, you would have seen this:\n\n```console\n$ make\nbuilding\n```\n";
    check_steps(page, &[]);
    check_steps("```console\nPS> dir\n```\n", &[]);
}

#[test]
fn exercises_are_left_out() {
    let page = "::: challenge\n\n```sh\nrm -r x\n```\n\n:::\n\n```sh\nls\n```\n";
    check_steps(page, &["10 run ls"]);
    check_steps("# A\n\n## Exercise 1\n\n```sh\nrm x\n```\n", &[]);
    let page = "<details><summary>Solution</summary>\n\n```sh\nrm x\n```\n\n</details>\n";
    assert_eq!(roles(page), [Role::Quiz]);
}

#[test]
fn what_the_text_says_about_a_command() {
    let server = "```sh\nserve\n```\n\nIn another terminal, go on:\n\n```sh\nls\n```\n";
    assert!(command(server, 0).keeps_running.is_some());
    assert!(command(server, 1).keeps_running.is_none());
    let asked = "Type `ok` at the question:\n\n```sh\n./ask\n```\n";
    assert_eq!(command(asked, 0).answers, ["ok"]);
    let before = "```sh\n./first\n```\n\nThis prints `1`:\n\n```sh\n./second\n```\n";
    assert!(command(before, 0).expected.is_none());
    assert_eq!(command(before, 1).expected.unwrap().text, "1");
}

#[test]
fn the_authors_comments_decide() {
    check_steps("<!-- smile: skip -->\n\n```sh\nrm x\n```\n", &[]);
    check_steps("<!-- smile: file=a/b.txt -->\n```\nx\n```\n", &["3 write a/b.txt"]);
    let page = "<!-- smile: timeout=2m | answer=\"y\" | exit=1 | background -->\n```sh\nx y\n```\n";
    let command = command(page, 0);
    assert_eq!((command.timeout_s, command.exit), (Some(120), Some(1)));
    assert_eq!(command.answers, ["y"]);
    assert!(command.keeps_running.is_some());
}

#[test]
fn the_explanation_covers_each_block_and_step() {
    let tutorial = read("Run `ls`.\n\n```sh\npwd\n```\n\nThen open http://localhost:1/.\n");
    let lines: Vec<String> = explain(&tutorial)
        .into_iter()
        .map(|line| format!("{} {}", line.lines.first, line.what))
        .collect();
    assert_eq!(lines, ["1 run `ls`", "3 command", "4 run `pwd`", "7 visit http://localhost:1/"]);
}

#[test]
fn the_limit_is_the_callers() {
    assert!(parse_with_limit("a.md", &[b'a'; 20], 10).is_err());
    assert!(parse_with_limit("a.md", &[b'a'; 10], 10).is_ok());
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let tutorial = parse("a.md", text.as_bytes()).unwrap();
    let count = u32::try_from(text.split('\n').count()).unwrap();
    for block in &tutorial.blocks {
        prop_assert!(block.lines.first >= 1 && block.lines.last <= count, "{:?}", block);
    }
    let mut last = 0;
    for (index, step) in tutorial.steps.iter().enumerate() {
        prop_assert_eq!(step.number as usize, index + 1);
        prop_assert!(step.lines.first >= 1 && step.lines.last <= count, "{:?}", step);
        prop_assert!(step.lines.first >= last, "steps out of order: {:?}", tutorial.steps);
        last = step.lines.first;
    }
    let exists = |_: &str| Some(false);
    for finding in check(&tutorial, &CheckContext { exists: &exists }) {
        prop_assert!(!finding.locations.is_empty());
        prop_assert!(finding.locations.iter().all(|place| place.last_line <= count));
    }
    let _ = explain(&tutorial);
    Ok(())
}

/// Pieces of pages, put together in any order.
const PIECES: &[&str] = &[
    "# Title",
    "## Linux",
    "## Windows",
    "",
    "",
    "```sh",
    "```",
    "```console",
    "~~~",
    "$ ls -l",
    "> x",
    "# note",
    "cat <<EOF",
    "EOF",
    "Run `npm install`.",
    "Create `a.txt`:",
    "You should see:",
    "- item",
    "  ```",
    "    $ code",
    "1. one",
    "=== \"Linux\"",
    "    ```sh",
    "!!! note",
    "::: challenge",
    ":::",
    "/// tip",
    "///",
    "<details>",
    "</details>",
    "<pre>",
    "</pre>",
    "<!-- smile: skip -->",
    "<!--",
    "-->",
    "| a | b |",
    "|---|---|",
    "> quote",
    "[a](b.md)",
    "![i](i.png)",
    "nano a.txt",
    "export A=$B",
    "`````",
    "\t\ttab",
    "é“ü”",
    "{% highlight sh %}",
    "{% endhighlight %}",
    "<TabItem value=\"x\">",
    "</TabItem>",
    "Alternatively:",
    "make \\",
    "'",
    "\"",
    "---",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,300}|[ -~\n\t]{0,400}") {
        holds(&text)?;
    }

    #[test]
    fn any_page(picks in prop::collection::vec(0..PIECES.len(), 0..60), crlf: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let lines: Vec<&str> = picks.into_iter().map(|at| PIECES[at]).collect();
        holds(&lines.join(end))?;
    }
}
