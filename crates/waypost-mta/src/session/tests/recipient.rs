//! Each recipient has a reply of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use waypost_proto::route::{Side, Via};
use waypost_spool::State;

use super::world::{LMTP, Plan, RELAY, SMTP, STRANGER, TRUSTED, World, mailbox};
use crate::limits::Limits;

const UNKNOWN: &str = "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown";

#[tokio::test]
async fn every_recipient_gets_its_own_reply() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<>", "250 2.1.0").await;
    for (to, reply) in [
        ("alice@example.com", "250 2.1.5 Ok"),
        ("ALICE+tag@example.org", "250 2.1.5 Ok"),
        ("nobody@example.com", UNKNOWN),
        ("bob@example.com", "550 5.2.1 <bob@example.com>: "),
        ("dave@split.example", "250 2.1.5 Ok"),
        ("known@split.example", "250 2.1.5 Ok"),
        ("busy@split.example", "451 4.4.3 <busy@split.example>: "),
        ("nobody@split.example", "550 5.1.1 <nobody@split.example>: "),
        ("u@elsewhere.example", "554 5.7.1 <u@elsewhere.example>: "),
        ("postmaster", "250 2.1.5 Ok"),
        ("abuse@example.com", "250 2.1.5 Ok"),
    ] {
        client.say(&format!("RCPT TO:<{to}>"), reply).await;
    }
    client.say("DATA", "354").await;
    client.say(".", "250 2.0.0 Ok: queued as").await;
    let taken = world.taken();
    // Nobody has abuse@ either, so that it goes to the same mailbox as postmaster: once.
    assert_eq!(
        taken[0].recipients(),
        [
            "alice@example.com",
            "ALICE+tag@example.org",
            "dave@split.example",
            "known@split.example",
            "postmaster@mx.example.com",
        ]
    );
    assert_eq!(taken[0].envelope.side, Side::Stranger);
}

#[tokio::test]
async fn pipelined_recipients_are_asked_about_together() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    let recipients: Vec<_> = (0..20).map(|i| format!("known{i}@split.example")).collect();
    let mut burst = "MAIL FROM:<a@b.example>\r\n".to_owned();
    for to in &recipients {
        burst += &format!("RCPT TO:<{to}>\r\n");
    }
    client
        .send(&(burst + "RCPT TO:<busy@split.example>\r\nDATA\r\n"))
        .await;
    client.hear("MAIL", "250").await;
    for to in &recipients {
        client.hear(to, "250 2.1.5").await;
    }
    client.hear("busy", "451 4.4.3").await;
    client.hear("DATA", "354").await;
    assert!(world.relayed.most_at_once.load(Ordering::SeqCst) >= 20);
    client.say(".", "250").await;
    assert_eq!(world.taken()[0].recipients(), recipients);
}

#[tokio::test]
async fn a_group_is_expanded_when_it_is_accepted() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client
        .say(
            "RCPT TO:<ghosts@example.com>",
            "550 5.1.1 <ghosts@example.com>",
        )
        .await;
    client
        .say("RCPT TO:<team@example.com>", "250 2.1.5 Ok")
        .await;
    client
        .say("RCPT TO:<alice@example.org>", "250 2.1.5 Ok")
        .await;
    client.say("DATA", "354").await;
    client.say(".", "250").await;
    let taken = world.taken();
    // Once per message, however often she is named.
    // Nobody has abuse@ either, so that it goes to the same mailbox as postmaster: once.
    assert_eq!(
        taken[0].recipients(),
        ["alice@example.com", "x@elsewhere.example"]
    );
    let original = &taken[0].envelope.recipients[1].original;
    assert_eq!(*original, Some(mailbox("team@example.com")));
}

#[tokio::test]
async fn a_refused_recipient_takes_nobodys_place() {
    let limits = Limits {
        expanded_recipients: 1,
        ..Limits::default()
    };
    let world = World::plan(Plan {
        limits,
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client.say("RCPT TO:<team@example.com>", "452 4.5.3").await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client
        .say("RCPT TO:<erin@split.example>", "452 4.5.3")
        .await;
    client.say("DATA", "354").await;
    client.say(".", "250").await;
    assert_eq!(world.taken()[0].recipients(), ["alice@example.com"]);
}

#[tokio::test]
async fn over_lmtp_every_recipient_has_a_final_reply() {
    let world = World::new();
    let mut client = world.connect(LMTP, None);
    client.hear("greeting", "220 mx.example.com LMTP").await;
    client.say("EHLO x", "500").await;
    client.say("LHLO x", "250").await;
    client
        .begin(
            "",
            &[
                "alice@example.com",
                "alice@example.com",
                "u@elsewhere.example",
            ],
        )
        .await;
    client.send(".\r\n").await;
    for _ in 0..3 {
        client.hear("final reply", "250 2.0.0").await;
    }
    client.say("QUIT", "221").await;
    let taken = world.taken();
    // Nobody has abuse@ either, so that it goes to the same mailbox as postmaster: once.
    assert_eq!(
        taken[0].recipients(),
        ["alice@example.com", "u@elsewhere.example"]
    );
    assert_eq!(taken[0].envelope.protocol, "LMTP");
}

#[tokio::test]
async fn a_full_maildir_is_known_at_rcpt_with_the_declared_size() {
    let world = World::plan(Plan {
        used: Some(Arc::new(|_| Some(900))),
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    let full = "452 4.2.2 <full@example.com>: Recipient address rejected: Mailbox full";
    client.say("MAIL FROM:<> SIZE=200", "250").await;
    client.say("RCPT TO:<full@example.com>", full).await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client.say("RSET", "250").await;
    client.say("MAIL FROM:<> SIZE=50", "250").await;
    client.say("RCPT TO:<full@example.com>", "250").await;
}

#[tokio::test]
async fn nothing_goes_back_to_the_target_it_came_from() {
    let world = World::new();
    let mut client = world.meet(SMTP, RELAY).await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    let looping = |to: &str| format!("554 5.4.6 <{to}>: Routing loop detected");
    for to in ["dave@split.example", "unheard-of@split.example"] {
        client.say(&format!("RCPT TO:<{to}>"), &looping(to)).await;
    }
    client.say("RCPT TO:<erin@split.example>", "250").await;
    client.say("DATA", "354").await;
    client.say(".", "250").await;
    assert_eq!(world.taken()[0].envelope.side, Side::Target(world.old));
}

#[tokio::test]
async fn a_message_that_comes_back_by_another_way_is_recognised() {
    let world = World::new();
    let dave = mailbox("dave@split.example");
    let via = Via::Target(world.old);
    let mut field = Vec::new();
    world
        .tracer
        .field("<1@b.example>", via, [&dave])
        .write_to(&mut field);
    let trace = String::from_utf8(field).unwrap();
    let message = format!("{trace}Message-ID: <1@b.example>\r\n\r\nx\r\n.");
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", &["dave@split.example"]).await;
    client.say(&message, "554 5.4.6").await;
    // With somebody whose journey goes on the message is taken, and the queue reports the other.
    client
        .begin("a@b.example", &["dave@split.example", "alice@example.com"])
        .await;
    client.say(&message, "250").await;
    let taken = world.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].envelope.recipients[0].visited, [world.old]);
    assert!(taken[0].envelope.recipients[1].visited.is_empty());
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_others() {
    let world = World::new();
    let mut stranger = world.connect(SMTP, Some(STRANGER));
    stranger.reply().await;
    let ehlo = stranger.say("EHLO x", "250").await;
    assert!(!ehlo.contains("XCLIENT"));
    stranger.say("XCLIENT ADDR=127.0.0.1", "550").await;
    let mut client = world.meet(SMTP, TRUSTED).await;
    client
        .say("XCLIENT ADDR=192.0.2.99 NAME=spike.example", "220")
        .await;
    client.say("EHLO spike.example", "250").await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client
        .say("RCPT TO:<u@elsewhere.example>", "554 5.7.1")
        .await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client.say("DATA", "354").await;
    client.say(".", "250").await;
    assert_eq!(
        world.taken()[0].envelope.client,
        "spike.example[192.0.2.99]"
    );
}

#[tokio::test]
async fn who_guesses_addresses_is_sent_away() {
    let limits = Limits {
        unknown_rate: 5,
        ..Limits::default()
    };
    let world = World::plan(Plan {
        limits,
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    for guess in 0..5 {
        client
            .say(&format!("RCPT TO:<{guess}@example.com>"), "550 5.1.1")
            .await;
    }
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client.say("RCPT TO:<6@example.com>", "421 4.7.0").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_group_whose_sender_wants_to_know_is_reported_as_expanded() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client
        .say("RCPT TO:<team@example.com> NOTIFY=SUCCESS,FAILURE", "250")
        .await;
    client.say("DATA", "354").await;
    client.say(".", "250").await;
    let taken = world.taken();
    let states = taken[0].envelope.recipients.iter().map(|to| to.state);
    assert_eq!(
        states.collect::<Vec<_>>(),
        [State::Queued, State::Queued, State::Delivered]
    );
    assert_eq!(taken[0].recipients()[2], "team@example.com");
}
