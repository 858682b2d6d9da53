use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::mail::header::Scan;

fn facts() -> ReceivedFacts<'static> {
    ReceivedFacts {
        helo: Some("client.example.net"),
        client_name: Some("host.example.net"),
        client_address: Some(IpAddr::from([192, 0, 2, 1])),
        by: "mx1.example.com",
        protocol: "ESMTPS",
        tls: Some("TLSv1.3 TLS_AES_256_GCM_SHA384"),
        id: "3K9Q",
        recipient: None,
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_328_734),
    }
}

fn written(facts: &ReceivedFacts<'_>) -> String {
    let mut out = Vec::new();
    received(facts, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn writes_a_received_field_as_the_field_does() {
    assert_eq!(
        written(&facts()),
        "Received: from client.example.net (host.example.net [192.0.2.1])\r\n\
         \tby mx1.example.com (Waypost)\r\n\
         \twith ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 3K9Q;\r\n\
         \tSun, 22 Nov 2026 06:25:34 +0000\r\n"
    );
}

#[test]
fn names_a_single_recipient_and_an_ipv6_client() {
    let recipient = Mailbox::parse("jdoe@example.com").unwrap();
    let field = written(&ReceivedFacts {
        client_address: "2001:db8::1".parse().ok(),
        client_name: None,
        tls: None,
        recipient: Some(&recipient),
        ..facts()
    });
    assert!(field.contains("(unknown [IPv6:2001:db8::1])"), "{field}");
    assert!(
        field.contains("id 3K9Q\r\n\tfor <jdoe@example.com>; Sun,"),
        "{field}"
    );
}

#[test]
fn a_message_made_here_came_from_nowhere() {
    let field = written(&ReceivedFacts {
        helo: None,
        client_address: None,
        ..facts()
    });
    assert!(field.starts_with("Received: by mx1.example.com (Waypost)"));
}

#[test]
fn refuses_trace_fields_that_are_not_ours() {
    for value in [
        "",
        "site=a; hop=1; key=b",
        "site=a; hop=x; key=b; mac=",
        "hop=1; site=a; key=b; mac=",
        "site=a; hop=1; key=%G0; mac=",
        "site=a; hop=1; key=b; mac=AAAA",
        "site=a; hop=4294967296; key=b; mac=",
    ] {
        assert_eq!(TraceField::parse(value.as_bytes()), None, "{value}");
    }
}

proptest! {
    #[test]
    fn trace_fields_read_back_from_a_header(
        site in "[a-z0-9.-]{1,60}",
        key in "\\PC{0,200}|[ -~\r\n]{0,200}",
        hop: u32,
        macs in proptest::collection::vec(any::<[u8; 16]>(), 0..60),
    ) {
        let field = TraceField { site, key, hop, macs };
        let mut out = Vec::new();
        field.write_to(&mut out);
        for line in out.split(|&b| b == b'\n') {
            prop_assert!(line.len() < 998);
        }
        let mut scan = Scan::new();
        scan.feed(&out);
        scan.finish();
        prop_assert_eq!(scan.trace_fields(), &[field]);
    }

    #[test]
    fn no_client_text_ends_the_received_field(helo in "[\\PC\r\n\0]{0,300}") {
        let named = ReceivedFacts { helo: Some(&helo), client_name: Some(&helo), ..facts() };
        let field = written(&named);
        let mut scan = Scan::new();
        scan.feed(field.as_bytes());
        scan.feed(b"\r\n");
        prop_assert!(scan.is_complete());
        prop_assert_eq!(scan.received_count(), 1);
        prop_assert_eq!(scan.header_len(), field.len() as u64 + 2);
    }
}
