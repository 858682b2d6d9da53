use proptest::prelude::*;

use super::*;
use crate::mail::Mailbox;

const SHARED: &str = "MingerSharedSecret2024!";

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

fn parse(datagram: &str) -> Result<Query<'_>, NoQuery<'_>> {
    Query::parse(datagram.as_bytes())
}

/// Secret, address, what stands behind `d=`.
const WORKED: [(&str, &str, &str); 9] = [
    (
        "0123456789abcdef",
        "arvel@example.com",
        "A7E/WJtlUbO5NWDjZba+bw==",
    ),
    (SHARED, "user01@example.com", "bzH4tg0sLx9JA9J34a1weg=="),
    (SHARED, "USER01@EXAMPLE.COM", "POKeSFPsS7J6Wr1BPZfH4Q=="),
    (SHARED, "User01@example.com", "8dvMjVPcuBiXdUGMtVzV/Q=="),
    (
        "correct:horse:battery:staple",
        "sales@example.org",
        "q+67iAW/+4dHcCcVpK2oUQ==",
    ),
    (
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX",
        "postmaster@mail.example.net",
        "xHLzBxY6wKrMj/HGZ/vjDw==",
    ),
    (
        SHARED,
        "o'brien+tag@sub.example.co.uk",
        "DN2NegKhNdBV93xdJxgQJw==",
    ),
    (
        "shared-secret-16",
        "nobody@example.com",
        "HBxwx25d3g7KWiDupcWsVw==",
    ),
    (
        SHARED,
        "\"john doe\"@example.com",
        "uWY+Y5YAYkAFDRU3erUYbQ==",
    ),
];

#[test]
fn the_worked_examples_are_read_and_verified() {
    for (shared, address, digest) in WORKED {
        let text = format!("{address} d={digest}");
        let query = parse(&text).unwrap();
        assert_eq!(query.address(), address);
        assert_eq!(query.to_string(), text);
        assert_eq!(query.verified_by([&secret(shared)]), Some(0), "{text}");
        assert_eq!(query.verified_by([&secret("another-secret-0")]), None);
    }
}

#[test]
fn the_worked_examples_are_printed_in_lower_case() {
    for (shared, address, digest) in WORKED {
        let mailbox = Mailbox::parse(address).unwrap();
        let query = Query::new(&mailbox, Some(&secret(shared))).unwrap();
        let printed = query.to_string();
        if address.bytes().any(|octet| octet.is_ascii_uppercase()) {
            assert_eq!(printed, "user01@example.com d=bzH4tg0sLx9JA9J34a1weg==");
        } else {
            assert_eq!(printed, format!("{address} d={digest}"));
        }
    }
}

#[test]
fn the_octets_are_those_of_the_worked_example() {
    let mailbox = Mailbox::parse("user01@example.com").unwrap();
    let query = Query::new(&mailbox, Some(&secret(SHARED))).unwrap();
    let hex: String = query
        .to_string()
        .bytes()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        hex,
        "757365723031406578616d706c652e636f6d20643d627a4834746730734c78394a41394a3334613177\
         65673d3d"
    );
    let mut answer = Vec::new();
    let status = Status::Active;
    let address = "user01@example.com";
    Answer { address, status }.write_to(&mut answer);
    let hex: String = answer.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "757365723031406578616d706c652e636f6d2035");
}

#[test]
fn the_answers_of_the_worked_examples_are_read() {
    for (text, address, status) in [
        ("arvel@example.com 5", "arvel@example.com", Status::Active),
        (
            "sales@example.org 4",
            "sales@example.org",
            Status::Unavailable,
        ),
        (
            "nobody@example.com 3",
            "nobody@example.com",
            Status::Unknown,
        ),
        (
            "user01@example.com 2",
            "user01@example.com",
            Status::BadCredentials,
        ),
        ("* 5", "*", Status::Active),
        (
            "\"john doe\"@example.com 1",
            "\"john doe\"@example.com",
            Status::Denied,
        ),
        (
            "USER01@example.com 0\r\n",
            "USER01@example.com",
            Status::Malformed,
        ),
    ] {
        let answer = Answer::parse(text.as_bytes()).unwrap();
        assert_eq!(answer, Answer { address, status }, "{text}");
        assert_eq!(answer.to_string(), text.trim_end());
        assert!(answer.is_about(&address.to_ascii_uppercase()));
        assert!(!answer.is_about("other@example.com"));
    }
}

#[test]
fn what_is_no_answer_is_not_read_as_one() {
    for text in [
        "",
        " ",
        "5",
        " 5",
        "a@b.test",
        "a@b.test5",
        "a@b.test  5",
        "a@b.test 6",
        "a@b.test 55",
        "a@b.test 5 ",
        "a@b.test d=5",
        "a@b 5\n\n",
        "a 5",
        "a@b.test\t5",
        "\"a@b.test 5",
        "a@b.test 5 5",
        "** 5",
        "a@b@c.test 5",
    ] {
        assert_eq!(Answer::parse(text.as_bytes()), Err(NoAnswer), "{text:?}");
    }
}

#[test]
fn a_test_of_credentials_alone_is_the_one_of_the_field() {
    let printed = Query::test(Some(&secret(SHARED))).to_string();
    assert_eq!(printed, "* d=duCgk2VCqQawuWL7nMSWEw==");
    assert_eq!(
        parse(&printed).unwrap().verified_by([&secret(SHARED)]),
        Some(0)
    );
    assert_eq!(Query::test(None).to_string(), "*");
}

#[test]
fn anonymous_queries_and_tags_are_read() {
    let query = parse("user01@example.com").unwrap();
    assert!(!query.is_authenticated());
    assert_eq!(query.verified_by([&secret(SHARED)]), None);
    let query = parse("user01@example.com d=bzH4tg0sLx9JA9J34a1weg== v=1 src=gw_1").unwrap();
    assert_eq!(query.verified_by([&secret(SHARED)]), Some(0));
    let query = parse("user01@example.com v=1 D=x").unwrap();
    assert!(!query.is_authenticated());
    assert_eq!(query.address(), "user01@example.com");
}

#[test]
fn one_line_end_or_nul_does_not_count() {
    for end in ["\r\n", "\n", "\0"] {
        let text = format!("user01@example.com d=bzH4tg0sLx9JA9J34a1weg=={end}");
        assert_eq!(
            parse(&text).unwrap().verified_by([&secret(SHARED)]),
            Some(0)
        );
        let twice = format!("{text}{end}");
        assert_eq!(
            parse(&twice),
            Err(Silence::NotPrintable.into()),
            "{twice:?}"
        );
    }
}

#[test]
fn typical_mistakes_in_the_digest_are_bad_credentials() {
    for digest in [
        "NmYzMWY4YjYwZDJjMmYxZjQ5MDNkMjc3ZTFhZDcwN2E=",
        "a5vJyMDkltU/tu3oxrTZAw==",
        "rN8YUc+l8S8P+VHX43hqaw==",
        "vUtSWNAifx5RHdCqV6uKBg==",
        "5LaLZeE4tIEBZZZrBHClHQ==",
        "bzH4tg0sLx9JA9J34a1wew==",
        "AAAA",
    ] {
        let text = format!("user01@example.com d={digest}");
        let query = parse(&text).unwrap();
        assert!(query.is_authenticated());
        assert_eq!(query.verified_by([&secret(SHARED)]), None, "{digest}");
    }
}

#[test]
fn what_breaks_the_grammar_is_malformed() {
    let many: String = (0..17).map(|n| format!(" t{n}=x")).collect();
    for tags in [
        " D=bzH4tg0sLx9JA9J34a1weg==",
        "  d=bzH4tg0sLx9JA9J34a1weg==",
        " v=1 d=bzH4tg0sLx9JA9J34a1weg==",
        " d=bzH4tg0sLx9JA9J34a1weg",
        " d=bzH4tg0sLx9JA9J34a1weh==",
        " d=bzH4tg0sLx9JA9J34a1weg== d=bzH4tg0sLx9JA9J34a1weg==",
        " d=",
        " d=x",
        " v=1 v=2",
        " v=",
        " =1",
        " v",
        " v=1 ",
        " ",
        " v=a-b",
        " 6",
        " 5 5",
        &many,
    ] {
        let text = format!("user01@example.com{tags}");
        let address = "user01@example.com";
        assert_eq!(parse(&text), Err(NoQuery::Malformed { address }), "{text}");
    }
    let enough: String = (0..16).map(|n| format!(" t{n}=x")).collect();
    assert!(parse(&format!("user01@example.com{enough}")).is_ok());
}

#[test]
fn what_has_no_address_or_looks_like_an_answer_gets_no_answer() {
    let long = format!("{}@example.com", "a".repeat(65));
    for (text, silence) in [
        ("", Silence::Empty),
        ("\r\n", Silence::Empty),
        ("user01@example.com 3", Silence::Answer),
        ("user01@example.com 0\n", Silence::Answer),
        ("* 5", Silence::Answer),
        ("user01", Silence::NoAddress),
        (" user01@example.com", Silence::NoAddress),
        ("user01 d=bzH4tg0sLx9JA9J34a1weg==", Silence::NoAddress),
        ("a:b@example.com", Silence::NoAddress),
        ("\"john doe@example.com", Silence::NoAddress),
        (&long, Silence::NoAddress),
        ("user01@example.com\u{7f}", Silence::NotPrintable),
        ("jürgen@example.com", Silence::NotPrintable),
        ("user01@example.com\t5", Silence::NotPrintable),
        ("user01@exa\0mple.com", Silence::NotPrintable),
    ] {
        assert_eq!(parse(text), Err(silence.into()), "{text:?}");
    }
    let octets = vec![b'a'; MAX_DATAGRAM_OCTETS + 1];
    assert_eq!(Query::parse(&octets), Err(Silence::TooLong.into()));
}

#[test]
fn a_stretched_digest_is_not_looked_at() {
    // What length extension makes: padding of MD5 behind the address, then more of an address.
    let mut datagram = b"user01@example.com\x80".to_vec();
    datagram.extend_from_slice(&[0; 12]);
    datagram.extend_from_slice(b"x@example.com d=bzH4tg0sLx9JA9J34a1weg==");
    assert_eq!(Query::parse(&datagram), Err(Silence::NotPrintable.into()));
}

#[test]
fn a_digest_of_the_lower_case_address_is_good_too() {
    let query = parse("User01@Example.com d=bzH4tg0sLx9JA9J34a1weg==").unwrap();
    assert_eq!(query.verified_by([&secret(SHARED)]), Some(0));
    assert_eq!(query.address(), "User01@Example.com");
}

#[test]
fn any_of_several_secrets_is_good_and_the_first_is_named() {
    let [old, new] = [secret("0123456789abcdef"), secret(SHARED)];
    let query = parse("user01@example.com d=bzH4tg0sLx9JA9J34a1weg==").unwrap();
    assert_eq!(query.verified_by([&old, &new]), Some(1));
    assert_eq!(query.verified_by([&new, &old, &new]), Some(0));
}

#[test]
fn secrets_are_long_enough_and_never_seen() {
    assert_eq!(Secret::parse("fifteen--------"), Err(SecretError::TooShort));
    assert_eq!(Secret::parse(&"x".repeat(51)), Err(SecretError::TooLong));
    for text in [
        "sixteen or more words",
        "sixteen\r\nor-more-",
        "sechzehn-öderer-",
    ] {
        assert_eq!(Secret::parse(text), Err(SecretError::Character));
    }
    assert_eq!(format!("{:?}", secret(SHARED)), "***");
    assert!(Secret::parse(&"x".repeat(50)).is_ok());
}

#[test]
fn an_address_that_is_not_ascii_cannot_be_asked_about() {
    let mailbox = Mailbox::parse("jürgen@example.com").unwrap();
    assert_eq!(Query::new(&mailbox, None), Err(NotAscii));
    let mailbox = Mailbox::parse("jurgen@münchen.example").unwrap();
    let query = Query::new(&mailbox, None).unwrap();
    assert_eq!(query.to_string(), "jurgen@xn--mnchen-3ya.example");
}

#[test]
fn nothing_that_is_printed_is_longer_than_promised() {
    let local = "a".repeat(64);
    let domain = [
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(63),
        "e".repeat(63),
    ]
    .join(".");
    let mailbox = Mailbox::parse(&format!("{local}@{domain}")).unwrap();
    let query = Query::new(&mailbox, Some(&secret(SHARED))).unwrap();
    assert!(query.to_string().len() <= MAX_PRINTED_OCTETS);
}

#[test]
fn every_status_has_its_digit() {
    for (digit, status) in (0_u8..).zip(Status::ALL) {
        assert_eq!(status.digit(), digit);
        let text = format!("a@b.test {digit}");
        assert_eq!(Answer::parse(text.as_bytes()).unwrap().status, status);
    }
}

/// Datagrams that come close to queries and answers.
fn close() -> impl Strategy<Value = Vec<u8>> {
    let address = prop_oneof![
        Just("user01@example.com"),
        Just("\"john doe\"@example.com"),
        Just("*"),
        Just("a"),
        Just("\"a\\\" 5\"@example.com"),
        Just("A@[192.0.2.1]"),
        Just("\"a"),
        Just("")
    ];
    let rest = prop_oneof![
        Just(String::new()),
        Just(" 5".to_owned()),
        Just(" d=bzH4tg0sLx9JA9J34a1weg==".to_owned()),
        "[ -~]{0,20}",
        "( [a-dD_]{1,2}=[a-z0-9_]{0,2}){0,4}",
        "( d=[A-Za-z+/=]{0,26})?( [0-9])?"
    ];
    let end = prop_oneof![
        Just(""),
        Just("\r\n"),
        Just("\n"),
        Just("\0"),
        Just("\r"),
        Just(" ")
    ];
    (address, rest, end).prop_map(|(address, rest, end)| format!("{address}{rest}{end}").into())
}

fn datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2000),
        prop::collection::vec(b' '..=b'~', 0..1100),
        close(),
    ]
}

proptest! {
    #[test]
    fn no_datagram_is_both_query_and_answer_and_what_is_printed_is_what_was_read(
        octets in datagram()
    ) {
        let query = Query::parse(&octets);
        let answer = Answer::parse(&octets);
        prop_assert!(query.is_err() || answer.is_err());
        if let Ok(query) = query {
            let printed = query.to_string();
            prop_assert!(octets.starts_with(printed.as_bytes()));
            prop_assert!(octets.len() - printed.len() <= 2);
            prop_assert_eq!(Query::parse(printed.as_bytes()), Ok(query.clone()));
            prop_assert_eq!(query.verified_by([&secret(SHARED)]).is_some(),
                printed.contains("d=") && query.address().eq_ignore_ascii_case("user01@example.com")
                    && printed.contains("bzH4tg0sLx9JA9J34a1weg=="));
        }
        if let Ok(answer) = answer {
            let mut printed = Vec::new();
            answer.write_to(&mut printed);
            prop_assert_eq!(Answer::parse(&printed), Ok(answer));
            prop_assert!(printed.len() <= MAX_PRINTED_OCTETS);
        }
    }

    #[test]
    fn every_mailbox_can_be_asked_about_and_is_found_again(
        local in "[!-~]{1,20}|\"[ !#-Z^-~]{0,20}\"", shared in "[!-~]{16,50}"
    ) {
        if let Ok(mailbox) = Mailbox::parse(&format!("{local}@Example.com")) {
            let shared = secret(&shared);
            let printed = Query::new(&mailbox, Some(&shared)).unwrap().to_string();
            let query = Query::parse(printed.as_bytes()).unwrap();
            prop_assert_eq!(query.verified_by([&shared]), Some(0));
            let found = Mailbox::parse(query.address()).unwrap();
            prop_assert!(found.same_as(&mailbox));
        }
    }
}
