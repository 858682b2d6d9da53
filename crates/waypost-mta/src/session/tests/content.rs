//! Content: where it ends, what it costs, and when it is in our charge.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use waypost_spool::{Call, Disk};

use super::world::{Plan, SMTP, STRANGER, World};
use crate::clock::{Clock, ManualClock};
use crate::limits::Limits;

const ALICE: &[&str] = &["alice@example.com"];

#[tokio::test]
async fn a_message_is_taken_whole_behind_a_received_field() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    let text = "Subject: x\r\n\r\n..dot\r\n";
    let reply = client
        .say(&format!("{text}."), "250 2.0.0 Ok: queued as ")
        .await;
    let taken = &world.taken()[0];
    assert!(reply.ends_with(&taken.id));
    let (received, rest) = taken
        .content
        .split_at(taken.content.find("Subject").unwrap());
    assert_eq!(rest, "Subject: x\r\n\r\n.dot\r\n");
    let unfolded = received.replace("\r\n\t", " ");
    let start = "Received: from client.example (unknown [192.0.2.1]) by mx.example.com (Waypost) \
                 with ESMTP id ";
    assert!(unfolded.starts_with(start), "{received}");
    assert!(unfolded.contains(&format!("{} for <alice@example.com>;", taken.id)));
    assert_eq!(taken.envelope.client, "unknown[192.0.2.1]");
}

#[tokio::test]
async fn a_clock_that_jumps_after_rcpt_takes_nothing_of_a_message_s_lifetime() {
    let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    let world = World::plan(Plan {
        clock: Some(Arc::clone(&clock) as Arc<dyn Clock>),
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    clock.jump(SystemTime::UNIX_EPOCH + Duration::from_hours(30 * 24));
    client.say("DATA", "354").await;
    client.say("Subject: x\r\n\r\n.", "250").await;
    let taken = &world.taken()[0];
    let recipient = &taken.envelope.recipients[0];
    assert_eq!(recipient.due, clock.wall());
    assert_eq!(recipient.expires, clock.wall() + world.settings.lifetime);
}

#[tokio::test]
async fn only_crlf_dot_crlf_ends_a_message() {
    let world = World::new();
    let smuggled = "MAIL FROM:<evil@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n";
    for ending in [
        "\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r\n.\n",
        "\r\n.\r",
        "\r.\r\n",
        "\0\r\n.\0\r\n",
        "\n\n.\r\n",
    ] {
        let mut client = world.meet(SMTP, STRANGER).await;
        client.begin("a@b.example", ALICE).await;
        client.send(&format!("x{ending}{smuggled}y\r\n.\r\n")).await;
        client.hear(&format!("{ending:?}"), "5").await;
        client.say("QUIT", "221").await;
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(world.taken().len(), 0);
}

#[tokio::test]
async fn large_content_by_data_and_by_chunks_is_the_same() {
    let world = World::new();
    let body = format!("\r\n{}", "0123456789abcde\r\n".repeat(100_000));
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    client.say(&format!("{body}."), "250").await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    let (head, tail) = body.split_at(777_777);
    client.send(&format!("BDAT {}\r\n{head}", head.len())).await;
    client.hear("first chunk", "250").await;
    client
        .send(&format!("BDAT {} LAST\r\n{tail}", tail.len()))
        .await;
    client.hear("last chunk", "250 2.0.0 Ok: queued as").await;
    for taken in world.taken() {
        assert!(taken.content.ends_with(&body));
    }
    assert_eq!(world.taken().len(), 2);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_leaves_nothing() {
    let limits = Limits {
        message_size: 100_000,
        ..Limits::default()
    };
    let world = World::plan(Plan {
        limits,
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<> SIZE=100001", "552 5.3.4").await;
    client.begin("", ALICE).await;
    client
        .say(
            &format!("{}.", "0123456789\r\n".repeat(10_000)),
            "552 5.3.4",
        )
        .await;
    client.begin("", ALICE).await;
    client.say("x\r\n.", "250").await;
    assert_eq!(world.taken().len(), 1);
}

#[tokio::test]
async fn too_many_hops_are_a_loop() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    let hops = |count: usize| "Received: from a\r\n\tby b; date\r\n".repeat(count) + "\r\nx\r\n.";
    client.begin("a@b.example", ALICE).await;
    client.say(&hops(31), "554 5.4.6 Too many hops").await;
    client.begin("a@b.example", ALICE).await;
    client.say(&hops(30), "250").await;
}

#[tokio::test]
async fn a_full_disk_is_told_before_the_content() {
    let spool = waypost_spool::Settings {
        reserve_bytes: u64::MAX / 4,
        ..waypost_spool::Settings::default()
    };
    let world = World::plan(Plan {
        spool,
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<>", "250").await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client.say("DATA", "452 4.3.1").await;
    client.say("QUIT", "221").await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_acknowledged() {
    let broken = Arc::new(AtomicBool::new(false));
    let fault = {
        let broken = Arc::clone(&broken);
        Disk::failing(move |call, _| {
            let hit = broken.load(Ordering::SeqCst) && matches!(call, Call::Commit | Call::Sync);
            if hit {
                Err(io::ErrorKind::Other.into())
            } else {
                Ok(())
            }
        })
    };
    let world = World::plan(Plan {
        spool: waypost_spool::Settings {
            disk: fault,
            ..waypost_spool::Settings::default()
        },
        ..Plan::default()
    });
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    broken.store(true, Ordering::SeqCst);
    client.say("x\r\n.", "451 4.3.0").await;
    assert_eq!(world.taken().len(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_within_the_content_leaves_nothing() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.begin("a@b.example", ALICE).await;
    client.send("half a mess").await;
    drop(client.stream);
    client.session.await.unwrap();
    assert_eq!(world.taken().len(), 0);
    assert_eq!(world.spool.index().unwrap().len(), 0);
}

#[tokio::test]
async fn every_end_of_a_transaction_begins_the_next_one_afresh() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    for between in ["RSET", "EHLO again.example"] {
        client.say("MAIL FROM:<one@b.example>", "250").await;
        client.say("RCPT TO:<erin@split.example>", "250").await;
        client.say(between, "250").await;
        client.say("RCPT TO:<alice@example.com>", "503").await;
        client.begin("two@b.example", ALICE).await;
        client.say("x\r\n.", "250").await;
    }
    // A refused message ends its transaction too.
    client.begin("one@b.example", &["erin@split.example"]).await;
    client.say("a\nb\r\n.", "5").await;
    client.begin("two@b.example", ALICE).await;
    client.say("x\r\n.", "250").await;
    for taken in world.taken() {
        assert_eq!(taken.recipients(), ALICE);
        assert_eq!(taken.envelope.reverse_path.to_string(), "<two@b.example>");
    }
    assert_eq!(world.taken().len(), 3);
}
