use std::time::{Duration, UNIX_EPOCH};

use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

use super::*;

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_328_572 + seconds)
}

fn failed(recipient: &str) -> About {
    About {
        action: Action::Failed,
        status: EnhancedStatus::new(5, 1, 1),
        original: None,
        recipient: mailbox(recipient),
        remote_mta: Some("mx.example.net".into()),
        diagnostic: Some(format!("550 5.1.1 <{recipient}>: User unknown")),
        last_attempt: Some(at(60)),
        will_retry_until: None,
    }
}

/// The whole report about these recipients, returning the given content or its headers.
fn write(to: &str, recipients: &[About], returned: Returned<'_>, content: &[u8]) -> Vec<u8> {
    let host = Domain::parse("mx1.example.com").unwrap();
    Report {
        reporting_mta: &host,
        queue_id: "4FZK2",
        token: "9XQ1",
        envid: Xtext::from_decoded("QQ314159").as_ref(),
        arrived: at(0),
        date: at(90),
        to: &mailbox(to),
        recipients,
    }
    .clone_into_bytes(returned, content)
}

impl Report<'_> {
    fn clone_into_bytes(&self, returned: Returned<'_>, content: &[u8]) -> Vec<u8> {
        let mut out = self.opening(returned);
        if matches!(returned, Returned::Full(_)) {
            out.extend_from_slice(content);
        }
        out.extend_from_slice(&self.closing());
        out
    }
}

/// The three parts as an independent parser sees them: type and decoded text.
fn parts(wire: &[u8]) -> Vec<(String, String)> {
    let message = MessageParser::default().parse(wire).unwrap();
    let kind = message.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("multipart", Some("report"))
    );
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    let PartType::Multipart(ids) = &message.root_part().body else {
        panic!("not multipart");
    };
    ids.iter()
        .map(|&id| {
            let part = message.part(id).unwrap();
            let kind = part.content_type().unwrap();
            let name = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
            let text = match &part.body {
                PartType::Message(inner) => String::from_utf8_lossy(inner.raw_message()).into(),
                body => String::from_utf8_lossy(match body {
                    PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
                    PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
                    PartType::Message(_) | PartType::Multipart(_) => panic!("unexpected part"),
                })
                .into(),
            };
            (name, text)
        })
        .collect()
}

#[test]
fn reports_all_recipients_of_a_message_in_one_notification() {
    let mut unreachable = failed("b@example.net");
    unreachable.remote_mta = None;
    unreachable.status = EnhancedStatus::new(4, 4, 1);
    unreachable.diagnostic = Some("connection refused".into());
    unreachable.original = Some(Orcpt {
        kind: "rfc822".into(),
        address: Xtext::from_decoded("B@Example.net").unwrap(),
    });
    let recipients = [failed("a@example.net"), unreachable];
    let wire = write(
        "s@example.org",
        &recipients,
        Returned::Headers(b"Subject: x\r\n"),
        b"",
    );
    assert!(wire.is_ascii());
    let message = MessageParser::default().parse(&wire).unwrap();
    assert_eq!(
        message.subject(),
        Some("Undelivered Mail Returned to Sender")
    );
    assert_eq!(
        message.header_raw("Auto-Submitted").map(str::trim),
        Some("auto-replied")
    );
    let parts = parts(&wire);
    let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "text/plain",
            "message/delivery-status",
            "text/rfc822-headers"
        ]
    );
    assert!(
        parts[0]
            .1
            .contains("<a@example.net>: 550 5.1.1 <a@example.net>: User unknown")
    );
    let expected = "Original-Envelope-Id: QQ314159\r\n\
        Reporting-MTA: dns; mx1.example.com\r\n\
        X-Waypost-Queue-ID: 4FZK2\r\n\
        Arrival-Date: Sun, 22 Nov 2026 06:22:52 +0000\r\n\
        \r\n\
        Final-Recipient: rfc822;a@example.net\r\n\
        Action: failed\r\n\
        Status: 5.1.1\r\n\
        Remote-MTA: dns; mx.example.net\r\n\
        Diagnostic-Code: smtp; 550 5.1.1 <a@example.net>: User unknown\r\n\
        Last-Attempt-Date: Sun, 22 Nov 2026 06:23:52 +0000\r\n\
        \r\n\
        Original-Recipient: rfc822;B@Example.net\r\n\
        Final-Recipient: rfc822;b@example.net\r\n\
        Action: failed\r\n\
        Status: 4.4.1\r\n\
        Diagnostic-Code: x-waypost; connection refused\r\n\
        Last-Attempt-Date: Sun, 22 Nov 2026 06:23:52 +0000\r\n";
    assert_eq!(parts[1].1.trim_end(), expected.trim_end());
    assert_eq!(parts[2].1.trim_end(), "Subject: x");
}

#[test]
fn tells_until_when_a_delayed_recipient_is_tried() {
    let delayed = About {
        action: Action::Delayed,
        will_retry_until: Some(at(432_000)),
        ..failed("a@example.net")
    };
    let wire = write("s@example.org", &[delayed], Returned::Headers(b""), b"");
    let status = &parts(&wire)[1].1;
    assert!(status.contains("Action: delayed\r\n"));
    assert!(status.contains("Will-Retry-Until: Fri, 27 Nov 2026 06:22:52 +0000"));
}

#[test]
fn returns_a_whole_message_when_asked() {
    let content = b"Subject: hello\r\n\r\nFirst line.\r\n\r\nLast line.\r\n";
    let wire = write(
        "s@example.org",
        &[failed("a@b.example")],
        Returned::Full(Whole::SevenBit),
        content,
    );
    let parts = parts(&wire);
    assert_eq!(parts[2].0, "message/rfc822");
    assert_eq!(
        parts[2].1.trim_end(),
        String::from_utf8_lossy(content).trim_end()
    );
}

#[test]
fn an_eight_bit_message_is_cut_to_its_header_where_only_seven_bits_go() {
    let about = [failed("a@b.example")];
    for (whole, kind, content) in [
        (
            Whole::EightBit,
            "message/rfc822",
            "Subject: hello\r\n\r\nGrüße.\r\n",
        ),
        (
            Whole::Utf8Header,
            "message/global",
            "Subject: grüße\r\n\r\nGrüße.\r\n",
        ),
    ] {
        let wire = write(
            "s@example.org",
            &about,
            Returned::Full(whole),
            content.as_bytes(),
        );
        let text = String::from_utf8_lossy(&wire);
        let declared = text.matches("Content-Transfer-Encoding: 8bit\r\n").count();
        assert_eq!(declared, 2, "whole and part: {text}");
        assert!(
            text.contains(&format!("Content-Type: {kind}\r\n")),
            "{text}"
        );
        assert!(text.contains(content), "{text}");
        let headers = header_section(content.as_bytes());
        let expected = write("s@example.org", &about, Returned::Headers(headers), b"");
        let short = headers_only(&wire, "9XQ1").unwrap();
        assert_eq!(String::from_utf8(short), String::from_utf8(expected));
        assert_eq!(headers_only(&wire, "9XQ2"), None);
    }
}

#[test]
fn says_addresses_and_headers_beyond_ascii_in_seven_bits() {
    let headers = "Subject: grüße\r\n".as_bytes();
    let recipients = [failed("jürgen@example.net")];
    let wire = write(
        "s@example.org",
        &recipients,
        Returned::Headers(headers),
        b"",
    );
    assert!(wire.is_ascii());
    let parts = parts(&wire);
    assert!(parts[0].1.contains("<jürgen@example.net>"));
    assert!(
        parts[1]
            .1
            .contains("Final-Recipient: utf-8;j\\x{FC}rgen@example.net\r\n")
    );
    assert_eq!(parts[2].1.trim_end(), "Subject: grüße");
}

#[test]
fn finds_the_header_section() {
    for (content, section) in [
        (&b"A: b\r\n\r\nbody\r\n\r\n"[..], &b"A: b\r\n"[..]),
        (b"\r\nbody\r\n", b""),
        (b"A: b\r\n", b"A: b\r\n"),
    ] {
        assert_eq!(header_section(content), section);
    }
}

#[test]
fn sees_what_is_seven_bit() {
    for (pieces, holds) in [
        (vec!["abc\r\n".to_owned(), "def".to_owned()], true),
        (vec!["ü".to_owned()], false),
        (vec!["x".repeat(998) + "\r\n"], true),
        (vec!["x".repeat(500), "x".repeat(499) + "\r\n"], false),
    ] {
        let mut lines = Lines::default();
        for piece in &pieces {
            lines.feed(piece.as_bytes());
        }
        assert_eq!(lines.are_seven_bit(), holds, "{pieces:?}");
    }
}

proptest! {
    /// Promise 7: nothing that others said creates a field or a part of a report.
    #[test]
    fn foreign_text_creates_no_field(
        diagnostic in "(\\PC|[\r\n\0]){0,1200}",
        host in "(\\PC|[\r\n]){0,60}",
        headers in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let about = About {
            diagnostic: Some(diagnostic),
            remote_mta: Some(host),
            ..failed("a@example.net")
        };
        let wire = write("s@example.org", &[about], Returned::Headers(&headers), b"");
        let text = String::from_utf8_lossy(&wire);
        let start = text.find("message/delivery-status\r\n").unwrap();
        let end = start + text[start..].find("\r\n--=_9XQ1").unwrap();
        let status = &text[start..end];
        let names: Vec<&str> = status
            .split("\r\n")
            .skip(2)
            .filter(|line| !line.is_empty() && !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap_or_default())
            .collect();
        prop_assert_eq!(names, [
            "Original-Envelope-Id", "Reporting-MTA", "X-Waypost-Queue-ID", "Arrival-Date",
            "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
            "Last-Attempt-Date",
        ]);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 998));
    }
}
