use base64::Engine as _;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

fn read(pieces: &[&[u8]]) -> Canonical {
    let mut reading = Reading::new();
    for piece in pieces {
        reading.feed(piece);
    }
    reading.finish().unwrap()
}

fn body_digest(body: &str) -> [u8; 32] {
    read(&[b"From: a@example.com\r\n\r\n", body.as_bytes()]).body
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[test]
fn a_body_is_relaxed() {
    for (body, relaxed) in [
        ("", ""),
        ("\r\n\r\n", ""),
        (" \t \r\n\r\n", ""),
        ("one", "one\r\n"),
        ("one\r\n", "one\r\n"),
        ("one \t \r\n\r\n \r\n", "one\r\n"),
        // RFC 6376 §3.4.5.
        (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"),
        ("one\r\n\r\n\r\ntwo\r\n", "one\r\n\r\n\r\ntwo\r\n"),
        ("one\rtwo\r\n", "one\rtwo\r\n"),
        ("one\r", "one\r\r\n"),
    ] {
        assert_eq!(body_digest(body), digest(relaxed), "{body:?}");
    }
}

#[test]
fn a_field_is_relaxed() {
    for (field, relaxed) in [
        ("A: X\r\n", "a:X"),
        ("B : Y\t\r\n\tZ  \r\n", "b:Y Z"),
        ("Subject:\r\n  folded\r\n", "subject:folded"),
        ("To:\r\n", "to:"),
    ] {
        let found = header::canonical(field.as_bytes());
        assert_eq!(String::from_utf8(found).unwrap(), relaxed);
    }
}

#[test]
fn fields_are_signed_from_the_bottom_and_absent_ones_too() {
    let message = "Received: x\r\nTo: first@example.com\r\nfrom: a@example.com\r\n\
                   X-Other: no\r\nTo: second@example.com\r\n\r\nbody\r\n";
    let (names, text) = read(&[message.as_bytes()]).fields.in_order();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(
        text,
        "from:a@example.com\r\nto:second@example.com\r\nto:first@example.com\r\n"
    );
    let count = |name| names.iter().filter(|it| **it == name).count();
    assert_eq!((count("from"), count("to"), count("cc")), (2, 3, 1));
    assert_eq!(
        (count("received"), count("list-id"), count("x-other")),
        (0, 0, 0)
    );
}

#[test]
fn a_signature_is_a_field_of_short_lines() {
    let domain = Domain::parse("example.com").unwrap();
    let selector = Selector::parse("wp1").unwrap();
    let signer = Signer {
        domain: &domain,
        selector: &selector,
        algorithm: Algorithm::Rsa,
        at: UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000),
    };
    let message = read(&[b"From: a@example.com\r\n\r\nbody\r\n"]);
    let unsigned = message.unsigned(&signer);
    assert!(
        unsigned.signed().ends_with(b"; b="),
        "no line end, no signature"
    );
    let field = unsigned.complete(&[7; 256]);
    assert!(field.ends_with("\r\n") && !field.ends_with("\r\n\r\n"));
    for line in field.split_terminator("\r\n") {
        assert!(line.len() <= 78, "{line}");
    }
    for tag in [
        "v=1;",
        "a=rsa-sha256;",
        "d=example.com;",
        "s=wp1;",
        "t=1700000000;",
    ] {
        assert!(field.contains(tag), "{tag} in {field}");
    }
    let bare: String = field.split_whitespace().collect();
    let (_, signature) = bare.rsplit_once(";b=").unwrap();
    assert_eq!(BASE64.decode(signature).unwrap(), [7; 256]);
}

#[test]
fn a_header_that_is_too_long_is_not_signed() {
    let mut reading = Reading::new();
    reading.feed(b"From: a@example.com\r\n");
    for _ in 0..1000 {
        reading.feed(b"X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    }
    assert!(reading.finish().is_none());
}

#[test]
fn a_record_is_known_again_however_it_is_written() {
    let key = [1, 2, 3, 4, 5, 6];
    let written = record(Algorithm::Ed25519, &key);
    assert_eq!(written, "v=DKIM1; k=ed25519; p=AQIDBAUG");
    for (found, same) in [
        (written.as_str(), true),
        ("v=DKIM1;k=ed25519;p=AQID BAUG", true),
        ("k=ed25519; t=s; p=AQIDBAUG; n=note", true),
        ("v=DKIM1; p=AQIDBAUG", false),
        ("v=DKIM1; k=ed25519; p=", false),
        ("v=DKIM1; k=ed25519; p=AQIDBAUH", false),
        ("", false),
    ] {
        assert_eq!(record_has(found, Algorithm::Ed25519, &key), same, "{found}");
    }
    assert!(record_has("v=DKIM1; p=AQIDBAUG", Algorithm::Rsa, &key));
}

#[test]
fn selectors_are_labels() {
    for (text, good) in [
        ("wp1", true),
        ("wp-2026", true),
        ("", false),
        ("-a", false),
        ("a-", false),
        ("A", false),
        ("a.b", false),
        ("../a", false),
    ] {
        assert_eq!(Selector::parse(text).is_ok(), good, "{text}");
    }
    assert!(Selector::parse(&"a".repeat(64)).is_err());
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        text in "(From: a@example\\.com\r\n|To:[ \t\r\nb]{0,6}\r\n){0,3}\r\n[a \t\r\n]{0,60}",
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let whole = read(&[text.as_bytes()]);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for place in places {
            pieces.push(&text.as_bytes()[start..place]);
            start = place;
        }
        pieces.push(&text.as_bytes()[start..]);
        let cut = read(&pieces);
        prop_assert_eq!(cut.body, whole.body);
        prop_assert_eq!(cut.fields.in_order(), whole.fields.in_order());
    }
}
