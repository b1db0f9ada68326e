//! Bad input: a clear error with what to do, exit code 2, and nothing half written.

use crate::desk::Desk;

/// Runs `smile run ARGUMENTS` and expects a refusal that says `message` and `hint`.
fn refused(desk: &Desk, arguments: &[&str], message: &str, hint: &str) {
    let before = desk.files();
    let ran = desk.smile(&[&["run"], arguments].concat());
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    assert!(ran.stderr.contains(message), "`{message}` is not in {}", ran.stderr);
    assert!(ran.stderr.contains("\n hint: "), "{}", ran.stderr);
    assert!(ran.stderr.contains(hint), "`{hint}` is not in {}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(desk.files(), before);
}

const PAGE: &str = "# A page\n\n```sh\ntrue\n```\n";

#[test]
fn a_missing_file() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    refused(
        &desk,
        &["tutroial.md"],
        "there is no file or folder `tutroial.md`",
        "did you mean `tutorial.md`?",
    );
    refused(&desk, &["none/at/all.md"], "`none/at/all.md`", "check the path");
    let desk = Desk::new(&[]);
    refused(&desk, &[], "there is no file or folder `tutorial.md`", "check the path");
}

#[test]
fn a_folder_without_pages() {
    let desk = Desk::new(&[("docs/notes.txt", "x")]);
    refused(&desk, &["docs"], "the folder `docs` has no Markdown page", "`.md`");
    refused(&desk, &["docs/*.md"], "no Markdown page matches `docs/*.md`", "**");
}

#[test]
fn a_page_over_the_limit() {
    let desk = Desk::new(&[("big.md", &format!("{PAGE}{}", "text ".repeat(21_000)))]);
    refused(&desk, &["big.md"], "the limit for a tutorial is 102400", "tutorialBytesMax");
    desk.write("smile.json", br#"{ "tutorialBytesMax": 200000, "network": "none" }"#);
    assert_eq!(desk.smile(&["check", "big.md"]).code, Some(0));
}

#[test]
fn text_that_is_not_utf_8() {
    let desk = Desk::new(&[]);
    desk.write("latin.md", b"# Caf\xe9\n");
    refused(&desk, &["latin.md"], "line 1", "iconv");
    desk.write("wide.md", b"\xff\xfe#\0 \0A\0");
    refused(&desk, &["wide.md"], "UTF-16", "iconv");
}

#[test]
fn an_empty_file_and_one_without_steps() {
    let desk =
        Desk::new(&[("empty.md", ""), ("blank.md", "\n \n"), ("prose.md", "# Only\n\nWords.\n")]);
    refused(&desk, &["empty.md"], "`empty.md` is empty", "first step");
    refused(&desk, &["blank.md"], "`blank.md` is empty", "first step");
    refused(
        &desk,
        &["prose.md"],
        "has no step that a reader could carry out",
        "smile explain prose.md",
    );
}

#[test]
fn an_image_outside_the_folder() {
    let page = "# A page\n\n![logo](../secret.png)\n\n```sh\ntrue\n```\n";
    let desk = Desk::new(&[("docs/page.md", page), ("secret.png", "x")]);
    refused(
        &desk,
        &["docs/page.md"],
        "`../secret.png`, which lies outside its folder",
        "move the image",
    );
}

#[test]
fn an_image_outside_the_folder_that_is_not_at_hand_stops_nothing() {
    let page = "# A page\n\n![logo](../images/logo.png)\n\n```sh\ntrue\n```\n";
    let desk = Desk::new(&[("docs/page.md", page)]);
    assert_eq!(desk.smile(&["check", "docs/page.md"]).code, Some(0));
}

#[test]
fn a_broken_configuration() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    desk.write("smile.json", b"{\n  \"timeout\": 10\n  \"failOn\": \"major\"\n}\n");
    refused(&desk, &[], "smile.json:2:16: expected comma", "it is JSON");
    desk.write("smile.json", b"{\n  \"timeout\": \"soon\"\n}\n");
    refused(&desk, &[], "smile.json:2:14: `timeout` is `\"soon\"`", "smile init --print");
    desk.write("smile.json", b"{ \"timeuot\": 10 }");
    refused(&desk, &["--strict-config"], "there is no field `timeuot`", "did you mean `timeout`?");
    refused(
        &desk,
        &["--config", "none.json"],
        "could not read the configuration `none.json`",
        "--config",
    );
}

#[test]
fn things_named_by_flags_that_are_not_there() {
    let desk = Desk::new(&[("tutorial.md", PAGE)]);
    refused(&desk, &["--base", "rootfs"], "there is no root file system `rootfs`", "tar archive");
    refused(&desk, &["--with", "data.csv"], "there is no file or folder `data.csv`", "--with");
    refused(&desk, &["--with", "tutorial.md:../up"], "`../up` leaves", "below the work folder");
    refused(&desk, &["--allow-host", "not a host"], "`not a host` is not a host", "10.0.0.0/8");
    let ran = desk.smile(&["run", "--fail-on", "sometimes"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("[possible values: minor, major, critical, never]"), "{ran:?}");
}

#[test]
fn one_bad_page_of_several_stops_the_run_before_it_begins() {
    let desk = Desk::new(&[("docs/a.md", PAGE)]);
    desk.write("docs/b.md", b"\xff");
    refused(&desk, &["docs"], "docs/b.md", "UTF-8");
}
