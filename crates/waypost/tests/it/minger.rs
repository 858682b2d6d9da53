//! `waypost minger query`, and the answers of a site.

use std::process::{Command, Output};

use serde_json::Value;
use waypost_proto::minger::Status;
use waypost_testkit::minger::MingerPeer;
use waypost_testkit::place::unused_address;

use crate::PROGRAM;

const SECRET: &str = "MingerSharedSecret2024!";

fn query(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    let output = command.args(["minger", "query"]).args(arguments).output();
    output.unwrap()
}

/// Exit code, standard output and standard error.
fn said(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = query(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn peer() -> MingerPeer {
    MingerPeer::plan(unused_address().unwrap())
        .secret(SECRET)
        .knows("alice@example.com")
        .says("full@example.com", Status::Unavailable)
        .start()
        .unwrap()
}

#[test]
fn a_query_says_the_answer_in_words_and_as_exit_code() {
    let peer = peer();
    let host = peer.at().ip().to_string();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let file = file.display().to_string();
    for (address, code, words) in [
        ("alice@example.com", 0, "alice@example.com: active (5)"),
        (
            "full@example.com",
            1,
            "full@example.com: cannot receive now (4)",
        ),
        (
            "nobody@example.com",
            1,
            "nobody@example.com: no such address (3)",
        ),
        ("*", 0, "*: active (5)"),
    ] {
        let heard = said(&[address, "--host", &host, "--secret-file", &file]);
        assert_eq!(heard, (Some(code), words.to_owned(), String::new()));
    }
    let heard = said(&["alice@example.com", "--host", &host]);
    let words = "alice@example.com: wrong or missing credentials (2); give its secret with \
                 --secret-file";
    assert_eq!(heard, (Some(1), words.to_owned(), String::new()));
    let output = query(&[
        "Alice@Example.com",
        "--host",
        &host,
        "--json",
        "--secret-file",
        &file,
    ]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["status"], 5);
    assert_eq!(result["meaning"], "active");
}

#[test]
fn a_query_without_an_answer_can_be_tried_later_and_a_wrong_one_says_what_is_wrong() {
    let peer = peer();
    peer.be_silent();
    let host = peer.at().ip().to_string();
    let source = unused_address().unwrap();
    let from = source.to_string();
    let mut arguments = vec!["alice@example.com", "--host", &host, "--timeout", "300ms"];
    arguments.extend(["--source", &from]);
    let (code, _, error) = said(&arguments);
    assert_eq!(code, Some(75), "{error}");
    assert_eq!(
        error,
        format!("waypost: no answer from {} within 300ms", peer.at())
    );
    assert!(peer.heard().iter().all(|heard| heard.from.ip() == source));
    let nobody = unused_address().unwrap().to_string();
    let (code, _, error) = said(&["alice@example.com", "--host", &nobody, "--timeout", "1s"]);
    assert_eq!(code, Some(75), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "short\n").unwrap();
    let file = file.display().to_string();
    for (arguments, exit, words) in [
        (
            ["alice", "--host", &host, "--port", "1"],
            2,
            "alice: the address has no @",
        ),
        (
            ["a@b.test", "--host", "mx:b.test", "--port", "1"],
            2,
            "mx: is for mail",
        ),
        (
            ["a@b.test", "--host", &host, "--secret-file", &file],
            1,
            "fewer than 16",
        ),
        (
            ["a@b.test", "--host", &host, "--timeout", "soon"],
            2,
            "a duration such as",
        ),
    ] {
        let (code, _, error) = said(&arguments);
        assert_eq!(code, Some(exit), "{error}");
        assert!(error.contains(words), "{error}");
    }
}
