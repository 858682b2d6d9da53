//! Submission: TLS first, then a login, and then only as oneself.

use super::world::{PASSWORD, SMTP, STRANGER, SUBMISSION, TRUSTED, World, plain};

#[tokio::test]
async fn no_login_without_tls_and_no_mail_without_login() {
    let world = World::new();
    let mut client = world.meet(SUBMISSION, TRUSTED).await;
    client
        .say(
            "MAIL FROM:<alice@example.com>",
            "530 5.7.0 Authentication required",
        )
        .await;
    client
        .say(&plain("alice@example.com", PASSWORD), "538 5.7.11")
        .await;
    client.say("STARTTLS", "220").await;
    let mut client = client.secure().await;
    // Nothing from before counts: not even EHLO.
    client
        .say(&plain("alice@example.com", PASSWORD), "503")
        .await;
    let ehlo = client.say("EHLO x", "250").await;
    assert!(
        ehlo.contains("AUTH PLAIN LOGIN") && !ehlo.contains("STARTTLS"),
        "{ehlo}"
    );
    client
        .say("MAIL FROM:<alice@example.com>", "530 5.7.0")
        .await;
    client
        .say(&plain("alice@example.com", "wrong"), "535 5.7.8")
        .await;
    client
        .say(&plain("alice@example.com", PASSWORD), "235 2.7.0")
        .await;
    client.say("MAIL FROM:<alice@example.com>", "250").await;
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_log_in_gets_the_same_words() {
    let world = World::new();
    for (login, password) in [
        ("nobody@example.com", PASSWORD),
        ("bob@example.com", PASSWORD),
        ("dave@split.example", PASSWORD),
        ("alice", PASSWORD),
    ] {
        let mut client = world
            .connect(super::world::SUBMISSIONS, Some(STRANGER))
            .secure()
            .await;
        client.reply().await;
        client.say("EHLO x", "250").await;
        client
            .say(&plain(login, password), "535 5.7.8 Authentication")
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_wrong_logins_end_the_session() {
    let world = World::new();
    let mut client = world
        .connect(super::world::SUBMISSIONS, Some(STRANGER))
        .secure()
        .await;
    client.reply().await;
    client.say("EHLO x", "250").await;
    for _ in 0..5 {
        client
            .say(&plain("alice@example.com", "wrong"), "535 5.7.8")
            .await;
    }
    assert!(client.rest().await.starts_with("421 4.7.0"));
}

#[tokio::test]
async fn a_user_sends_only_as_himself_in_envelope_and_header() {
    let world = World::new();
    let mut client = world.log_in("alice@example.com").await;
    let foreign = "553 5.7.1 <erin@split.example>: Sender address rejected: not owned by user";
    client.say("MAIL FROM:<erin@split.example>", foreign).await;
    client
        .begin("alice+list@example.org", &["u@elsewhere.example"])
        .await;
    client
        .say("From: Erin <erin@split.example>\r\n\r\nx\r\n.", foreign)
        .await;
    client.begin("", &["u@elsewhere.example"]).await;
    client
        .say(
            "From: alice@example.com, erin@split.example\r\n\r\nx\r\n.",
            foreign,
        )
        .await;
    client
        .begin("alice@example.com", &["u@elsewhere.example"])
        .await;
    client
        .say("From: Alice <alice@example.com>\r\n\r\nx\r\n.", "250")
        .await;
    assert_eq!(world.taken().len(), 1);
}

#[tokio::test]
async fn a_user_is_not_told_to_try_again() {
    let world = World::new();
    let mut client = world.log_in("alice@example.com").await;
    client.say("MAIL FROM:<alice@example.com>", "250").await;
    client
        .say("RCPT TO:<busy@split.example>", "250 2.1.5 Ok")
        .await;
    client
        .say("RCPT TO:<nobody@example.com>", "550 5.1.1")
        .await;
    client.say("DATA", "354").await;
    client.say("\r\nx\r\n.", "250").await;
    assert_eq!(world.taken()[0].recipients(), ["busy@split.example"]);
}

#[tokio::test]
async fn a_submitted_message_gets_the_fields_it_lacks() {
    let world = World::new();
    let mut client = world.log_in("alice@example.com").await;
    client
        .begin("alice@example.com", &["alice@example.com"])
        .await;
    client.say("Subject: x\r\n\r\nx\r\n.", "250").await;
    client
        .begin("alice@example.com", &["alice@example.com"])
        .await;
    client
        .say("Date: now\r\nMessage-ID: <1@x>\r\n\r\nx\r\n.", "250")
        .await;
    client
        .begin("alice@example.com", &["alice@example.com"])
        .await;
    client.say("no header at all\r\n.", "250").await;
    let taken = world.taken();
    let first = &taken[0];
    let id = format!("<{}@mx.example.com>", first.id);
    assert!(
        first
            .content
            .contains(&format!("Message-ID: {id}\r\nDate: ")),
        "{}",
        first.content
    );
    assert!(first.content.ends_with("\r\nSubject: x\r\n\r\nx\r\n"));
    assert_eq!(first.envelope.message_key, id);
    assert_eq!(first.envelope.protocol, "ESMTPSA");
    assert_eq!(taken[1].content.matches("Date: ").count(), 1);
    assert_eq!(taken[1].envelope.message_key, "<1@x>");
    assert!(taken[2].content.ends_with("no header at all\r\n"));
}

#[tokio::test]
async fn plain_text_behind_starttls_is_never_taken_for_what_came_under_tls() {
    let world = World::new();
    for injected in ["MAIL FROM:<a@b.example>\r\n", "RSET\r\n", "x"] {
        let mut client = world.meet(SMTP, STRANGER).await;
        client.send(&format!("STARTTLS\r\n{injected}")).await;
        let rest = client.rest().await;
        assert!(!rest.contains("250") && !rest.contains("220"), "{rest}");
    }
}

#[tokio::test]
async fn own_senders_of_a_protected_domain_come_from_inside() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    let refused = "553 5.7.1 <alice@example.com>: Sender address rejected: not logged in";
    client.say("MAIL FROM:<alice@example.com>", refused).await;
    client.say("MAIL FROM:<>", "250").await;
}
