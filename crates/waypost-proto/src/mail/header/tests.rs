use proptest::prelude::*;

use super::*;

fn scan(text: &str) -> Scan {
    let mut scan = Scan::new();
    scan.feed(text.as_bytes());
    scan.finish();
    scan
}

fn from(value: &str) -> (Vec<String>, bool) {
    let scan = scan(&format!("From: {value}\r\n\r\n"));
    let addresses = scan.from_addresses().iter().map(Mailbox::to_string);
    (addresses.collect(), scan.from_is_readable())
}

const MESSAGE: &str = "Received: from a\r\n\tby b; now\r\n\
    RECEIVED : from c\r\n\
    X-Received: no\r\n\
    Message-ID:\r\n <1@example.com>\r\n\
    Message-ID: <2@example.com>\r\n\
    this is no field\r\n\
    Date: now\r\n\
    From: Jane <jane@example.com>\r\n\
    \r\n\
    Received: in the body\r\n";

#[test]
fn reads_what_a_router_must_know() {
    let scan = scan(MESSAGE);
    assert_eq!(scan.received_count(), 2);
    assert_eq!(scan.message_id(), Some("<1@example.com>"));
    assert!(scan.date_present());
    assert_eq!(scan.from_addresses()[0].to_string(), "jane@example.com");
    let body = &MESSAGE[usize::try_from(scan.header_len()).unwrap()..];
    assert_eq!(body, "Received: in the body\r\n");
}

#[test]
fn finds_nothing_in_a_message_without_header() {
    let scan = scan("\r\nReceived: a\r\nDate: b\r\n");
    assert_eq!((scan.received_count(), scan.header_len()), (0, 2));
    assert!(!scan.date_present() && scan.message_id().is_none());
}

#[test]
fn ends_a_header_without_empty_line_at_the_end_of_content() {
    let scan = scan("Date: x\r\nReceived: y");
    assert_eq!((scan.received_count(), scan.header_len()), (1, 20));
}

#[test]
fn reads_every_form_of_from() {
    for (value, addresses) in [
        ("a@example.com", vec!["a@example.com"]),
        ("\"Doe, Jane <x@y>\" <a@example.com>", vec!["a@example.com"]),
        (
            "a@example.com,\r\n b@example.com",
            vec!["a@example.com", "b@example.com"],
        ),
        ("a@example.com (Jane (work), x@y)", vec!["a@example.com"]),
        (
            "team: a@example.com, <b@example.com>;",
            vec!["a@example.com", "b@example.com"],
        ),
        ("=?utf-8?q?J=C3=BC?= <a@example.com>", vec!["a@example.com"]),
        ("Jürgen <jürgen@example.com>", vec!["jürgen@example.com"]),
        (
            "<@x.example,@y.example:a@example.com>",
            vec!["a@example.com"],
        ),
        ("\"a b\"@example.com", vec!["\"a b\"@example.com"]),
        ("nobody:;", vec![]),
    ] {
        assert_eq!(
            from(value),
            (addresses.iter().map(ToString::to_string).collect(), true),
            "{value}"
        );
    }
}

#[test]
fn says_when_a_from_cannot_be_read() {
    for value in [
        "Jane Doe",
        "<a@example.com",
        "\"a@example.com",
        "a@example.com (",
        "<a@example.com> <b@example.com>",
        "a@example.com>",
    ] {
        assert_eq!(from(value), (vec![], false), "{value}");
    }
    let deep = format!("a@example.com {}", "(".repeat(1000));
    assert!(!from(&deep).1);
    let many = "a@example.com,".repeat(101);
    assert!(!from(&many).1);
}

#[test]
fn keeps_little_of_an_endless_header() {
    let mut scan = Scan::new();
    scan.feed(b"Message-ID: ");
    for _ in 0..1000 {
        scan.feed(&[b'x'; 1000]);
    }
    assert!(scan.value.len() <= MAX_VALUE_OCTETS);
    scan.finish();
    assert_eq!(scan.message_id().unwrap().len(), MAX_MESSAGE_ID_OCTETS);
    assert_eq!(scan.header_len(), 1_000_012);
}

proptest! {
    #[test]
    fn pieces_of_any_size_read_the_same(cuts in proptest::collection::vec(1usize..40, 0..60)) {
        let mut pieces = Scan::new();
        let mut rest = MESSAGE.as_bytes();
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            pieces.feed(piece);
            rest = behind;
        }
        pieces.feed(rest);
        let whole = scan(MESSAGE);
        prop_assert_eq!(pieces.received_count(), whole.received_count());
        prop_assert_eq!(pieces.message_id(), whole.message_id());
        prop_assert_eq!(pieces.header_len(), whole.header_len());
        prop_assert_eq!(pieces.from_addresses(), whole.from_addresses());
    }

    #[test]
    fn never_fails_on_any_octets(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut scan = Scan::new();
        scan.feed(b"From: ");
        scan.feed(&octets);
        scan.finish();
    }
}
