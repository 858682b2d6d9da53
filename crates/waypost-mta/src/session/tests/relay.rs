//! Nobody relays through this server who may not, under any form of address.

use super::world::{RELAY, SMTP, STRANGER, TRUSTED, World};

/// Forms in which open relays have been found, and then some.
const FORMS: &[&str] = &[
    "<u@elsewhere.example>",
    "<U@ELSEWHERE.EXAMPLE>",
    "<@example.com:u@elsewhere.example>",
    "<@example.com,@example.org:u@elsewhere.example>",
    "<u%elsewhere.example@example.com>",
    "<u%elsewhere.example@[127.0.0.1]>",
    "<elsewhere.example!u>",
    "<elsewhere.example!u@example.com>",
    "<\"u@elsewhere.example\"@example.com>",
    "<\"u@elsewhere.example\">",
    "<u@elsewhere.example@example.com>",
    "<u@example.com@elsewhere.example>",
    "<\"u%elsewhere.example\"@example.com>",
    "<u@[192.0.2.9]>",
    "<u@[127.0.0.1]>",
    "<u@[IPv6:::1]>",
    "<u@elsewhere.example.>",
    "<u@mx.example.com>",
    "<u@localhost>",
    "<u>",
    "<>",
    "u@elsewhere.example",
    "<u@elsewhere.example",
    "<u@elsewhere.example> <alice@example.com>",
    "<alice@example.com,u@elsewhere.example>",
    "<alice@example.com\0@elsewhere.example>",
    "<u@xn--elsewhere.example>",
    "<u@example.com.elsewhere.example>",
    "<u@elsewhere.example>ORCPT=rfc822;alice@example.com",
    "<u+alice@example.com@elsewhere.example>",
];

#[tokio::test]
async fn relays_nothing_for_a_stranger_or_a_target_under_any_form_of_address() {
    let world = World::new();
    for address in [STRANGER, RELAY] {
        for form in FORMS {
            let mut client = world.meet(SMTP, address).await;
            client.say("MAIL FROM:<a@b.example>", "250").await;
            let reply = client.say(&format!("RCPT TO:{form}"), "5").await;
            assert!(!reply.starts_with("2"), "{form} from {address}: {reply}");
            client.say("DATA", "554 5.5.1").await;
        }
    }
}

#[tokio::test]
async fn an_own_sender_address_makes_nobody_known() {
    let world = World::new();
    let mut client = world.meet(SMTP, STRANGER).await;
    client.say("MAIL FROM:<erin@split.example>", "250").await;
    let denied = "554 5.7.1 <u@elsewhere.example>: Relay access denied";
    client.say("RCPT TO:<u@elsewhere.example>", denied).await;
}

#[tokio::test]
async fn a_trusted_network_may_relay_outward() {
    let world = World::new();
    let mut client = world.meet(SMTP, TRUSTED).await;
    client.begin("a@b.example", &["u@elsewhere.example"]).await;
    client
        .say("Subject: x\r\n\r\nx\r\n.", "250 2.0.0 Ok: queued as")
        .await;
    assert_eq!(world.taken()[0].recipients(), ["u@elsewhere.example"]);
}
