//! How sessions end: slow clients, a server that ends, and bugs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use waypost_spool::{Envelope, Staged};

use super::world::{Plan, SMTP, STRANGER, SUBMISSIONS, World};
use crate::clock::{Clock, SystemClock};
use crate::custody::{Begun, Take, Taking};
use crate::limits::Limits;
use crate::session::Phase;

const ALICE: &[&str] = &["alice@example.com"];

fn now() -> Instant {
    SystemClock.now()
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_sent_away() {
    let world = World::new();
    let client = world.meet(SMTP, STRANGER).await;
    let start = now();
    assert_eq!(client.rest().await, "421 4.4.2 Timeout exceeded\r\n");
    assert_eq!((now() - start).as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_trickles_gets_no_more_time() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    let start = now();
    for _ in 0..4 {
        client.send("N").await;
        sleep(Duration::from_secs(70)).await;
    }
    assert_eq!(client.rest().await, "421 4.4.2 Timeout exceeded\r\n");
    assert_eq!((now() - start).as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn content_that_trickles_is_given_up() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    let start = now();
    for _ in 0..3 {
        client.send("slow\r\n").await;
        sleep(Duration::from_secs(61)).await;
    }
    client.send("slow\r\n").await;
    assert_eq!(client.rest().await, "421 4.4.2 Timeout exceeded\r\n");
    assert!((now() - start).as_secs() <= 184);
    assert_eq!(world.taken().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn content_beyond_the_limit_is_read_on_and_refused_at_its_end() {
    let limits = Limits {
        message_size: 50_000,
        ..Limits::default()
    };
    let world = World::plan(Plan {
        limits,
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    let piece = "0123456789\r\n".repeat(5000);
    client.begin("a@b.example", ALICE).await;
    for _ in 0..7 {
        client.send(&piece).await;
        sleep(Duration::from_secs(100)).await;
    }
    client.say(".", "552 5.3.4").await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client.send("BDAT 420000 LAST\r\n").await;
    for _ in 0..7 {
        client.send(&piece).await;
        sleep(Duration::from_secs(100)).await;
    }
    client.hear("the chunk", "552 5.3.4").await;
    client.begin("a@b.example", ALICE).await;
    client.say("x\r\n.", "250").await;
    assert_eq!(world.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn discarded_content_that_stops_is_given_up() {
    let limits = Limits {
        message_size: 50_000,
        ..Limits::default()
    };
    let world = World::plan(Plan {
        limits,
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    client.send(&"0123456789\r\n".repeat(5000)).await;
    let start = now();
    assert_eq!(client.rest().await, "421 4.4.2 Timeout exceeded\r\n");
    assert_eq!((now() - start).as_secs(), 180);
}

#[tokio::test]
async fn content_of_more_than_ten_times_the_limit_ends_the_session() {
    for begins in ["DATA", "BDAT 500001 LAST", "BDAT 18446744073709551615"] {
        let limits = Limits {
            message_size: 50_000,
            ..Limits::default()
        };
        let world = World::plan(Plan {
            limits,
            ..Plan::default()
        });
        let mut client = world.meet(SMTP, STRANGER).await;
        client.say("MAIL FROM:<a@b.example>", "250").await;
        client.say("RCPT TO:<alice@example.com>", "250").await;
        client.send(&format!("{begins}\r\n")).await;
        if begins == "DATA" {
            client.hear("go on", "354").await;
            client.send(&"0123456789\r\n".repeat(41_667)).await;
        }
        let rest = client.rest().await;
        assert!(rest.starts_with("552 5.3.4"), "{begins}: {rest}");
        assert_eq!(world.taken().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_replies_is_given_up() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    let start = now();
    // The replies fill the pipe, and the session stops reading.
    let flood = async {
        loop {
            if tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"HELP\r\n")
                .await
                .is_err()
            {
                return;
            }
        }
    };
    flood.await;
    client.session.await.unwrap();
    assert_eq!((now() - start).as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_is_given_up() {
    let world = World::new();
    let start = now();
    let client = world.connect(SUBMISSIONS, Some(STRANGER));
    assert_eq!(client.rest().await, "");
    assert_eq!((now() - start).as_secs(), 30);
}

#[tokio::test]
async fn what_is_no_handshake_ends_the_connection() {
    let world = World::new();
    let mut client = world.connect(SUBMISSIONS, Some(STRANGER));
    client.send("EHLO client.example\r\n").await;
    assert!(!client.text().await.contains("250"));
}

#[tokio::test]
async fn when_the_server_ends_open_transactions_finish_and_no_other_begins() {
    let world = World::new();
    let idle = world.meet(SMTP, STRANGER).await;
    let mut busy = world.meet(SMTP, STRANGER).await;
    busy.begin("a@b.example", ALICE).await;
    world.phase.send_replace(Phase::Closing);
    assert!(idle.rest().await.starts_with("421 4.3.2"));
    busy.say("x\r\n.", "250").await;
    assert!(busy.rest().await.starts_with("421 4.3.2"));
    assert_eq!(world.taken().len(), 1);
}

#[tokio::test]
async fn a_transaction_pipelined_behind_the_last_one_does_not_begin() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    world.phase.send_replace(Phase::Closing);
    client
        .send("x\r\n.\r\nMAIL FROM:<b@b.example>\r\nRCPT TO:<alice@example.com>\r\n")
        .await;
    client.hear("the message", "250").await;
    assert!(client.rest().await.starts_with("421 4.3.2"));
}

#[tokio::test]
async fn after_the_grace_even_a_transaction_gets_421() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    client.send("half a mess").await;
    world.phase.send_replace(Phase::Closed);
    assert!(client.rest().await.starts_with("421 4.3.2"));
    assert_eq!(world.taken().len(), 0);
}

struct Panicking;

impl Take for Panicking {
    fn take(&self, _: Staged, _: Envelope, _: Option<Begun>) -> Taking<'_> {
        panic!("a bug")
    }
}

#[tokio::test]
async fn a_panic_ends_one_session_with_421() {
    let world = World::plan(Plan {
        custody: Some(Arc::new(Panicking)),
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    let mut other = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    client.send("x\r\n.\r\n").await;
    assert!(client.rest().await.starts_with("421 4.3.0"));
    other.say("NOOP", "250").await;
}

#[tokio::test]
async fn settings_change_under_open_sessions() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    let mut settings = world.settings.clone();
    settings.limits.messages_per_connection = 1;
    settings.limits.max_hops = 0;
    world.shared.reload(settings);
    client.begin("a@b.example", ALICE).await;
    client.say("Received: x\r\n\r\n.", "554 5.4.6").await;
    client.begin("a@b.example", ALICE).await;
    client.say("x\r\n.", "250").await;
    client.say("MAIL FROM:<>", "421").await;
}

#[tokio::test]
async fn an_idle_session_is_small() {
    let world = World::new();
    let (_client, there) = tokio::io::duplex(64);
    let caller = crate::session::Caller::of(&world.shared, Some(STRANGER));
    let session =
        crate::session::serve(&world.shared, SMTP, caller, there, world.phase.subscribe());
    let bytes = size_of_val(&session);
    assert!(bytes < 8 * 1024, "{bytes} bytes");
}
