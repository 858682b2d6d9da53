//! Many of one thing: connections, handshakes, recipients, fields, commands without end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::site::{Plan, SUBMISSIONS_PORT, Site};
use waypost_testkit::wait::{self, PATIENCE};

use super::{site, up_to_content};
use crate::{PROGRAM, message};

/// Alice's site, with these limits.
fn limited(limits: &str) -> Site {
    let file = "[[domain]]\nname = \"example.com\"\n\n[[user]]\ndomain = \"example.com\"\n\
                login = \"alice\"\nmail = \"local\"\naddresses = [\"alice@example.com\"]\n";
    let plan = Plan::new(PROGRAM).unwrap().section("limits", limits);
    plan.site(file).start().unwrap()
}

#[test]
fn a_flood_of_connections_from_one_address_leaves_the_others_theirs() {
    let site = limited("connections_per_client = 5\n");
    let flooding = waypost_testkit::place::unused_address().unwrap();
    let held: Vec<_> = (0..5)
        .map(|_| Dialogue::connect_from(flooding, site.smtp()).unwrap())
        .collect();
    assert!(held.iter().all(|(_, greeting)| greeting.code == 220));
    for _ in 0..20 {
        let (_, greeting) = Dialogue::connect_from(flooding, site.smtp()).unwrap();
        assert_eq!(greeting.code, 421, "{}", greeting.text);
    }
    site.wait_for_log(&["reject: CONNECT", &flooding.to_string(), "421 4.3.2"])
        .unwrap();
    let mut other = Dialogue::open(site.smtp()).unwrap();
    up_to_content(&mut other);
    other.send(message("served").as_bytes()).unwrap();
    other.expect(".", 250).unwrap();
    drop(held);
    // Those who went have given their places back.
    wait::until("a place for the first address", || {
        let (_, greeting) = Dialogue::connect_from(flooding, site.smtp()).ok()?;
        (greeting.code == 220).then_some(())
    })
    .unwrap();
}

#[test]
fn handshakes_that_never_come_are_ended_and_hinder_nobody() {
    let site = limited("handshake_timeout = \"1s\"\n");
    let server = SocketAddr::new(site.address, SUBMISSIONS_PORT);
    let mut silent: Vec<TcpStream> = (0..40)
        .map(|_| TcpStream::connect(server).unwrap())
        .collect();
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Half of a handshake's first record.
        stream.write_all(&[22, 3, 1, 2, 0]).unwrap();
    }
    Dialogue::open(site.smtp()).unwrap();
    for stream in &mut silent {
        let mut rest = Vec::new();
        // Ended, in whatever way.
        let _ = stream.read_to_end(&mut rest);
    }
    site.wait_for_log(&["disconnect from", "why="]).unwrap();
}

#[test]
fn a_flood_of_unknown_recipients_ends_the_session_with_a_line_in_the_log() {
    let site = limited("unknown_rate = 5\nerrors = 1000\n");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    let mut ended = None;
    for number in 0..50 {
        let heard = client
            .say(&format!("RCPT TO:<guess{number}@example.com>"))
            .unwrap();
        if heard.code != 550 {
            ended = Some(heard);
            break;
        }
    }
    let ended = ended.unwrap();
    assert!(ended.text.starts_with("421 4.7.0"), "{}", ended.text);
    assert!(client.say("NOOP").is_err());
    site.wait_for_log(&["reject: RCPT", "guess0@example.com", "550 5.1.1"])
        .unwrap();
    site.wait_for_log(&["reject: RCPT", "421 4.7.0"]).unwrap();
}

#[test]
fn recipients_beyond_the_limit_are_put_off_and_the_others_get_their_mail() {
    let site = limited("recipients = 100\n");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    for number in 0..103 {
        let heard = client
            .say(&format!("RCPT TO:<alice+{number}@example.com>"))
            .unwrap();
        let wanted = if number < 100 { 250 } else { 452 };
        assert_eq!(heard.code, wanted, "{}", heard.text);
    }
    for number in 100..103 {
        let to = format!("to=<alice+{number}@example.com>");
        let from = "from=<a@elsewhere.test>";
        let reply = "452 4.5.3 Too many recipients";
        let told = [
            "reject: RCPT from",
            reply,
            from,
            &to,
            "proto=ESMTP",
            "helo=",
        ];
        site.wait_for_log(&told).unwrap();
    }
    let counted = "waypost_recipients_refused_total{rule=\"policy\",class=\"4\"} 3";
    let metrics = site.tell(&["metrics"]).unwrap();
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    client.expect("DATA", 354).unwrap();
    client.send(message("many").as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
    site.wait_for_messages("example.com", "alice", 1).unwrap();
}

#[test]
fn headers_without_measure_are_taken_as_they_are_and_cost_nobody_else() {
    let site = site().unwrap();
    let fields = "X-Bomb: boom\r\n".repeat(60_000);
    let folded = format!("X-Fold:{}\r\n", "\r\n .".repeat(60_000));
    let comments = format!("From: {} <a@elsewhere.test>\r\n", "(".repeat(100_000));
    let dates = "Date: 99 Foo 99999999999999999999 99:99:99 +99999999\r\n".repeat(1_000);
    for bomb in [fields, folded, comments, dates] {
        let mut client = Dialogue::open(site.smtp()).unwrap();
        up_to_content(&mut client);
        client.send(bomb.as_bytes()).unwrap();
        client
            .send(b"Subject: bomb\r\n\r\nHello.\r\n.\r\n")
            .unwrap();
        // Taken or refused, and the session is sound.
        let heard = client.hear().unwrap();
        assert!(matches!(heard.code, 250 | 500..=599), "{}", heard.text);
        client.expect("NOOP", 250).unwrap();
    }
    let mut client = Dialogue::open(site.smtp()).unwrap();
    up_to_content(&mut client);
    client.send(message("after").as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
    wait::until("the message behind the bombs", || {
        let all = site.messages("example.com", "alice");
        all.iter()
            .any(|text| text.contains("Subject: after"))
            .then_some(())
    })
    .unwrap();
}

#[test]
fn commands_without_end_whose_replies_nobody_reads_stop_being_read() {
    let site = limited("write_timeout = \"1s\"\n");
    let mut stream = TcpStream::connect(site.smtp()).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let noops = b"NOOP\r\n".repeat(10_000);
    // The kernel takes what it takes; then the server has to read, and does not.
    let stopped = wait::until("the server to end the session", || {
        stream.write_all(&noops).is_err().then_some(())
    });
    stopped.unwrap();
    site.wait_for_log(&["disconnect from", "why=timeout"])
        .unwrap();
    Dialogue::open(site.smtp()).unwrap();
}
