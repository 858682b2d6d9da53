//! What clients do wrong, by mistake or on purpose.

mod floods;
mod injection;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

fn site() -> Result<Site> {
    Plan::new(PROGRAM)?
        .site(
            "[[domain]]\nname = \"example.com\"\n\n[[user]]\ndomain = \"example.com\"\n\
             login = \"alice\"\nmail = \"local\"\naddresses = [\"alice@example.com\"]\n",
        )
        .start()
}

/// Starts a transaction for alice up to the content.
fn up_to_content(client: &mut Dialogue) {
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<alice@example.com>", 250).unwrap();
    client.expect("DATA", 354).unwrap();
}

#[test]
fn only_crlf_dot_crlf_ends_a_message_from_anybody() {
    let trusted = unused_address().unwrap();
    let site = Plan::new(PROGRAM)
        .unwrap()
        .section("trust", &format!("networks = [\"{trusted}/32\"]\n"))
        .site(
            "[[domain]]\nname = \"example.com\"\n\n[[user]]\ndomain = \"example.com\"\n\
             login = \"alice\"\nmail = \"local\"\naddresses = [\"alice@example.com\"]\n",
        )
        .start()
        .unwrap();
    let smuggled = "MAIL FROM:<ceo@example.com>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n\
                    Subject: smuggled\r\n\r\nPay.\r\n.\r\n";
    for ending in [
        "\n.\n",
        "\r\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r\n.\r",
        "\r.\r\n",
        "\r\n.\0\r\n",
    ] {
        for source in ["127.0.0.1".parse().unwrap(), trusted] {
            let mut client = Dialogue::open_from(source, site.smtp()).unwrap();
            up_to_content(&mut client);
            let content = format!("Subject: outer\r\n\r\nHello.{ending}{smuggled}");
            client.send(content.as_bytes()).unwrap();
            let heard = client.hear().unwrap();
            assert_eq!(heard.code / 100, 5, "{ending:?} got {}", heard.text);
            // The session is sound: one reply for one message, and the next command is heard.
            client.expect("NOOP", 250).unwrap();
        }
    }
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn commands_injected_before_tls_are_not_obeyed() {
    let site = site().unwrap();
    let mut stream = TcpStream::connect(site.smtp()).unwrap();
    stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    let mut greeting = [0; 512];
    assert!(stream.read(&mut greeting).unwrap() > 0);
    stream
        .write_all(b"EHLO client.test\r\nSTARTTLS\r\nMAIL FROM:<a@elsewhere.test>\r\n")
        .unwrap();
    let mut heard = Vec::new();
    // The server refuses to go on, or waits for a handshake that the injected line is not.
    stream.read_to_end(&mut heard).unwrap();
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(!heard.contains("2.1.0"), "{heard}");
}

#[test]
fn no_form_of_address_opens_a_relay() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    for recipient in [
        "<x@elsewhere.test>",
        "<@example.com:x@elsewhere.test>",
        "<x%elsewhere.test@example.com>",
        "<elsewhere.test!x@example.com>",
        "<\"x@elsewhere.test\"@example.com>",
        "<x@elsewhere.test@example.com>",
        "<x@[127.0.0.1]>",
        "<x@[192.0.2.1]>",
        "<x@example.com.elsewhere.test>",
        "<alice@example.com@elsewhere.test>",
        "<\"alice@example.com\"@elsewhere.test>",
        "<x@elsewhere.test.>",
        "x@elsewhere.test",
        "<x@>",
        "<>",
        "<x@localhost>",
        "<alice@example.com\0@elsewhere.test>",
    ] {
        client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
        let heard = client.say(&format!("RCPT TO:{recipient}")).unwrap();
        assert_eq!(heard.code / 100, 5, "{recipient} got {}", heard.text);
        client.expect("RSET", 250).unwrap();
    }
}

#[test]
fn chunks_are_counted_and_wrong_sequences_refused() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    // Without a transaction the chunk is swallowed, not read as commands.
    let command = "MAIL FROM:<a@example.com>\r\n";
    client
        .send(format!("BDAT {} LAST\r\n{command}", command.len()).as_bytes())
        .unwrap();
    assert_eq!(client.hear().unwrap().code, 503);
    client.expect("NOOP", 250).unwrap();
    // A message in two chunks, the second with a lone dot line in it.
    client
        .expect("MAIL FROM:<a@elsewhere.test> BODY=8BITMIME", 250)
        .unwrap();
    client.expect("RCPT TO:<alice@example.com>", 250).unwrap();
    for (chunk, last) in [
        ("Subject: chunk\r\n\r\n", ""),
        ("before\r\n.\r\nafter\r\n", " LAST"),
    ] {
        client
            .send(format!("BDAT {}{last}\r\n{chunk}", chunk.len()).as_bytes())
            .unwrap();
        assert_eq!(client.hear().unwrap().code, 250);
    }
    let stored = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(stored[0].contains("before\n.\nafter\n"), "{stored:?}");
    // DATA after BDAT is a wrong sequence (RFC 3030 §2).
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<alice@example.com>", 250).unwrap();
    client.send(b"BDAT 3\r\nX: ").unwrap();
    assert_eq!(client.hear().unwrap().code, 250);
    client.expect("DATA", 503).unwrap();
}

#[test]
fn overlong_and_broken_lines_cost_nothing_and_end_nothing() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.send("X".repeat(1 << 20).as_bytes()).unwrap();
    client.send(b"\r\n").unwrap();
    assert_eq!(client.hear().unwrap().code, 500);
    client
        .expect("MAIL FROM:<a@elsewhere.test> SIZE=99999999999999", 552)
        .unwrap();
    client
        .expect("MAIL FROM:<a@elsewhere.test> FOO=bar", 555)
        .unwrap();
    client.expect("MAIL FROM:a@elsewhere.test", 501).unwrap();
    client.expect("RCPT TO:<alice@example.com>", 503).unwrap();
    client.expect("DATA", 503).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 503).unwrap();
    client.expect("RCPT TO:<alice@example.com>", 250).unwrap();
    client.expect("RSET", 250).unwrap();
    client.expect("DATA", 503).unwrap();
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .send(
            b"MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<alice@example.com>\r\n\
              RCPT TO:<nobody@example.com>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n",
        )
        .unwrap();
    let codes: Vec<u16> = (0..5).map(|_| client.hear().unwrap().code).collect();
    assert_eq!(codes, [250, 250, 550, 554, 354]);
    let more = format!("{}.\r\nNOOP\r\nQUIT\r\n", message("pipelined"));
    client.send(more.as_bytes()).unwrap();
    let codes: Vec<u16> = (0..3).map(|_| client.hear().unwrap().code).collect();
    assert_eq!(codes, [250, 250, 221]);
    site.wait_for_messages("example.com", "alice", 1).unwrap();
}
