//! Peers asked over Minger: at the same time, in their order, with patience that ends.

use std::time::Duration;

use waypost_proto::mail::Mailbox;
use waypost_proto::route::{Side, Verdict};

use super::asking::{Asking, Scripted};
use super::site::{Site, mailbox};
use crate::resolve::*;

const TWO_PEERS: &str = "peer lyon host=10.0.0.8\n\
                         peer nice host=10.0.0.9\n\
                         domain example.com sharing=lyon,nice";

fn sharing(peers: &std::sync::Arc<Scripted>) -> Asking {
    Asking::new(Site::new(TWO_PEERS), peers)
}

async fn at_rcpt(asking: &Asking, address: &Mailbox, side: &Side) -> Decided {
    let request = Request::at_rcpt(address, side);
    asking.resolver.decide(&request).await
}

fn peers(asking: &Asking) -> [Authority; 2] {
    ["lyon", "nice"].map(|name| Authority::Peer(asking.site.target(name)))
}

#[tokio::test(start_paused = true)]
async fn an_earlier_peer_has_a_time_of_grace_after_a_later_yes() {
    let jane = mailbox("jane@example.com");
    for (lyon_ms, expected) in [(0, "lyon"), (199, "lyon"), (201, "nice")] {
        let script = Scripted::new("3");
        let asking = sharing(&script);
        let [lyon, nice] = peers(&asking);
        script.of(lyon, "5", Duration::from_millis(100 + lyon_ms));
        script.of(nice, "5", Duration::from_millis(100));
        let decided = at_rcpt(&asking, &jane, &Side::Stranger).await;
        let words = asking.site.words(&decided.verdict);
        assert_eq!(
            words,
            format!("relay {expected} jane@example.com"),
            "{lyon_ms}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_yes_is_a_conflict_also_when_nobody_waited_for_it() {
    let jane = mailbox("jane@example.com");
    for late_ms in [0, 3000] {
        let script = Scripted::new("3");
        let asking = sharing(&script);
        let [lyon, nice] = peers(&asking);
        script.of(lyon, "5", Duration::ZERO);
        script.of(nice, "5", Duration::from_millis(late_ms));
        let decided = at_rcpt(&asking, &jane, &Side::Stranger).await;
        assert!(matches!(decided.verdict, Verdict::Relay { .. }));
        asking.in_background(Duration::from_secs(4)).await;
        let conflicts = asking.resolver.conflicts();
        let [conflict] = &conflicts[..] else {
            panic!("{late_ms}: {conflicts:?}");
        };
        assert_eq!((conflict.winner, conflict.other), (lyon, nice));
        assert_eq!(conflict.address, jane);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_less_often_and_stays_a_451() {
    let script = Scripted::new("3");
    let asking = sharing(&script);
    let [lyon, _] = peers(&asking);
    script.of(lyon, "silence", Duration::from_secs(5));
    let mut told = Vec::new();
    for number in 0..10 {
        let address = mailbox(&format!("user{number}@example.com"));
        told.push(
            at_rcpt(&asking, &address, &Side::Stranger)
                .await
                .reply()
                .code(),
        );
    }
    assert_eq!(told, [451; 10]);
    assert_eq!(script.asked_of(lyon), 3, "then it is spared");
    let paused = asking.resolver.paused_for(asking.site.target("lyon"));
    assert!(paused.is_some());
    script.of(lyon, "5", Duration::ZERO);
    asking.clock.advance(paused.unwrap());
    let jane = mailbox("jane@example.com");
    let decided = at_rcpt(&asking, &jane, &Side::Stranger).await;
    assert_eq!(decided.reply().code(), 250);
    assert_eq!(asking.resolver.paused_for(asking.site.target("lyon")), None);
}

#[tokio::test(start_paused = true)]
async fn a_no_of_earlier_is_asked_again_before_it_refuses_with_one_of_now() {
    let script = Scripted::new("3");
    let asking = sharing(&script);
    let [lyon, nice] = peers(&asking);
    let jane = mailbox("jane@example.com");
    // She is at the one that does not answer.
    script.of(nice, "silence", Duration::from_secs(5));
    let told = at_rcpt(&asking, &jane, &Side::Stranger).await;
    assert_eq!(told.reply().code(), 451);
    // She moves to the other one.
    script.of(lyon, "5", Duration::ZERO);
    script.of(nice, "3", Duration::ZERO);
    let decided = at_rcpt(&asking, &jane, &Side::Stranger).await;
    assert_eq!(
        asking.site.words(&decided.verdict),
        "relay lyon jane@example.com"
    );
    assert_eq!((script.asked_of(lyon), script.asked_of(nice)), (2, 2));
    // Who is nobody's is refused after one question to each, and again from memory.
    let nobody = mailbox("nobody@example.com");
    script.of(lyon, "3", Duration::ZERO);
    for _ in 0..2 {
        let told = at_rcpt(&asking, &nobody, &Side::Stranger).await;
        assert_eq!(told.reply().code(), 550);
        assert_eq!((script.asked_of(lyon), script.asked_of(nice)), (3, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hands_mail_over_is_not_believed_to_have_the_address() {
    let script = Scripted::new("3");
    let asking = sharing(&script);
    let [lyon, nice] = peers(&asking);
    script.of(lyon, "5", Duration::ZERO);
    let jane = mailbox("jane@example.com");
    let from_lyon = Side::Target(asking.site.target("lyon"));
    assert_eq!(
        at_rcpt(&asking, &jane, &Side::Stranger)
            .await
            .reply()
            .code(),
        250
    );
    // The other peer's answer is still on its way.
    asking.in_background(Duration::from_secs(1)).await;
    assert_eq!(
        at_rcpt(&asking, &jane, &from_lyon).await.reply().code(),
        550
    );
    // What was remembered of it is gone.
    script.of(lyon, "3", Duration::ZERO);
    script.of(nice, "5", Duration::ZERO);
    asking.resolver.forget(&jane);
    let decided = at_rcpt(&asking, &jane, &Side::Stranger).await;
    assert_eq!(
        asking.site.words(&decided.verdict),
        "relay nice jane@example.com"
    );
}

#[tokio::test(start_paused = true)]
async fn the_queue_asks_peers_when_nothing_is_remembered_and_only_then() {
    let script = Scripted::new("3");
    let asking = sharing(&script);
    let [lyon, _] = peers(&asking);
    script.of(lyon, "5", Duration::ZERO);
    let jane = mailbox("jane@example.com");
    let request = Request::in_queue(&jane, &Side::Stranger);
    assert_eq!(asking.resolver.decide_unasked(&request), None);
    assert_eq!(script.asked_of(lyon), 0);
    let asked = asking.resolver.decide(&request).await;
    let known = asking.resolver.decide_unasked(&request).unwrap();
    assert_eq!(known.verdict, asked.verdict);
    assert_eq!(script.asked_of(lyon), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_counts_after_a_restart_as_long_as_it_would_have() {
    let jane = mailbox("jane@example.com");
    for (age, expected) in [
        (Duration::from_hours(119), 0),
        (Duration::from_hours(121), 1),
    ] {
        let script = Scripted::new("3");
        let asking = sharing(&script);
        let [lyon, _] = peers(&asking);
        asking.clock.advance(Duration::from_hours(1000));
        let kept = Kept {
            authority: lyon,
            address: "jane@example.com".into(),
            answer: Answer::Active,
            given: asking.wall() - age,
        };
        let late = Kept {
            given: asking.wall() + Duration::from_secs(1),
            address: "later@example.com".into(),
            ..kept.clone()
        };
        let restored = asking.resolver.restore([kept, late]);
        assert_eq!(restored, 1 - expected);
        at_rcpt(&asking, &jane, &Side::Stranger).await;
        assert_eq!(script.asked_of(lyon), expected, "{age:?}");
    }
}
