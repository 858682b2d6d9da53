use proptest::prelude::*;
use waypost_proto::mail::Domain;
use waypost_proto::route::{Destination, Store, UserId, Via};

use super::*;

const OLD: Side = Side::Target(TargetId(1));
const NEW: Side = Side::Target(TargetId(2));
const ALICE: Side = Side::Authenticated(UserId(1));
const SIDES: [Side; 6] = [ALICE, Side::Here, Side::Stranger, OLD, NEW, Side::Trusted];
const LIVES_ON_OLD: Home = Home::Target(TargetId(1));

fn limits() -> Limits {
    Limits {
        connections: 100,
        connections_per_client: 10,
        recipients: 1000,
    }
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

/// The first words of what the client is told.
fn told(decision: &Decision) -> String {
    match decision {
        Decision::Accept => "accept".to_owned(),
        Decision::Disconnect(reply) => format!("disconnect {reply}"),
        Decision::Refuse(reply) => reply.to_string(),
    }
}

fn mail(service: Service, side: &Side, path: &str, ownership: Ownership, home: Home) -> String {
    told(&decide(&Facts::Mail(Mail {
        service,
        side,
        reverse_path: &ReversePath::parse(path).unwrap(),
        ownership,
        home,
    })))
}

#[test]
fn submission_needs_a_login() {
    let submit = |side: &Side, path: &str| {
        let ownership = Ownership::Own;
        mail(
            Service::Submission,
            side,
            path,
            ownership,
            Home::Unprotected,
        )
    };
    for side in [Side::Stranger, Side::Trusted, OLD] {
        for path in ["<alice@example.com>", "<>"] {
            assert_eq!(submit(&side, path), "530 5.7.0 Authentication required");
        }
    }
    assert_eq!(submit(&ALICE, "<alice@example.com>"), "accept");
}

#[test]
fn a_user_sends_as_himself_or_without_reverse_path() {
    let from =
        |path: &str, ownership| mail(Service::Submission, &ALICE, path, ownership, Home::Here);
    assert_eq!(from("<alice@example.com>", Ownership::Own), "accept");
    assert_eq!(from("<>", Ownership::Foreign), "accept");
    assert_eq!(
        from("<bob@example.com>", Ownership::Foreign),
        "553 5.7.1 <bob@example.com>: Sender address rejected: not owned by user"
    );
    // A login on the port of other servers is held to the same.
    let other_port = mail(
        Service::Smtp,
        &ALICE,
        "<bob@example.com>",
        Ownership::Foreign,
        Home::Unprotected,
    );
    assert!(other_port.starts_with("553 5.7.1"), "{other_port}");
}

#[test]
fn a_header_from_is_held_to_the_same() {
    let bob = mailbox("bob@example.com");
    let from = |side: &Side, ownership| {
        told(&decide(&Facts::From(Author {
            side,
            address: &bob,
            ownership,
        })))
    };
    assert_eq!(from(&ALICE, Ownership::Own), "accept");
    assert_eq!(
        from(&ALICE, Ownership::Foreign),
        "553 5.7.1 <bob@example.com>: Sender address rejected: not owned by user"
    );
    for side in SIDES.iter().filter(|side| **side != ALICE) {
        assert_eq!(from(side, Ownership::Foreign), "accept", "{side:?}");
    }
}

#[test]
fn a_protected_sender_comes_from_where_he_lives() {
    let from = |side: &Side, home| {
        let ownership = Ownership::Foreign;
        mail(Service::Smtp, side, "<jdoe@example.com>", ownership, home)
    };
    let refused = "553 5.7.1 <jdoe@example.com>: Sender address rejected: not logged in";
    for (side, home, expected) in [
        (Side::Stranger, Home::Here, refused),
        (Side::Stranger, LIVES_ON_OLD, refused),
        (Side::Stranger, Home::Unprotected, "accept"),
        (OLD, LIVES_ON_OLD, "accept"),
        (NEW, LIVES_ON_OLD, refused),
        (OLD, Home::Here, refused),
        (OLD, Home::Unprotected, "accept"),
        (Side::Trusted, Home::Here, "accept"),
        (Side::Here, Home::Here, "accept"),
    ] {
        assert_eq!(from(&side, home), expected, "{side:?} {home:?}");
    }
}

#[test]
fn the_null_reverse_path_is_nobodys_and_always_taken() {
    for side in SIDES {
        for home in [Home::Here, LIVES_ON_OLD, Home::Unprotected] {
            let told = mail(Service::Smtp, &side, "<>", Ownership::Foreign, home);
            assert_eq!(told, "accept", "{side:?} {home:?}");
        }
    }
}

fn connect(side: &Side, open: usize, open_from_client: usize, pace: Pace) -> String {
    told(&decide(&Facts::Connection(Connection {
        side,
        open,
        open_from_client,
        pace,
        limits: &limits(),
    })))
}

#[test]
fn connections_are_limited_together_and_per_client() {
    let too_many = "disconnect 421 4.3.2 Too many connections";
    let too_fast = "disconnect 421 4.7.0 Connecting too often, try again later";
    for (side, open, from_client, pace, expected) in [
        (Side::Stranger, 99, 9, Pace::Kept, "accept"),
        (Side::Stranger, 99, 10, Pace::Kept, too_many),
        (Side::Stranger, 100, 0, Pace::Kept, too_many),
        (Side::Stranger, 0, 0, Pace::TooFast, too_fast),
        (Side::Trusted, 0, 10, Pace::Kept, too_many),
        (OLD, 99, 50, Pace::TooFast, "accept"),
        (OLD, 100, 0, Pace::Kept, too_many),
    ] {
        let told = connect(&side, open, from_client, pace);
        assert_eq!(told, expected, "{side:?} {open} {from_client} {pace:?}");
    }
}

fn rcpt(side: &Side, verdict: &Verdict, change: impl FnOnce(&mut Rcpt<'_>)) -> String {
    let limits = limits();
    let mut facts = Rcpt {
        side,
        accepted: 0,
        verdict,
        room: None,
        guessing: Pace::Kept,
        limits: &limits,
    };
    change(&mut facts);
    told(&decide(&Facts::Rcpt(facts)))
}

fn deliver() -> Verdict {
    Verdict::Deliver(Destination {
        store: Store::User,
        domain: Domain::parse("example.com").unwrap(),
        login: "alice".into(),
        quota_bytes: 0,
        recipient: mailbox("alice@example.com"),
    })
}

fn unknown() -> Verdict {
    Verdict::Refuse(replies::user_unknown(&mailbox("nobody@example.com")))
}

#[test]
fn recipients_are_limited_per_message() {
    let full = "452 4.5.3 Too many recipients";
    assert_eq!(
        rcpt(&Side::Stranger, &deliver(), |f| f.accepted = 999),
        "accept"
    );
    assert_eq!(
        rcpt(&Side::Stranger, &deliver(), |f| f.accepted = 1000),
        full
    );
    let refused = rcpt(&Side::Stranger, &unknown(), |f| f.accepted = 1000);
    assert!(refused.starts_with("550 5.1.1"), "{refused}");
}

#[test]
fn a_guesser_is_cut_off_and_nobody_else_is() {
    let guess = |verdict: &Verdict| rcpt(&Side::Stranger, verdict, |f| f.guessing = Pace::TooFast);
    assert_eq!(
        guess(&unknown()),
        "disconnect 421 4.7.0 Too many unknown recipients"
    );
    assert_eq!(guess(&deliver()), "accept");
    let suspended = Verdict::Refuse(replies::mailbox_disabled(&mailbox("bob@example.com")));
    assert!(guess(&suspended).starts_with("550 5.2.1"));
    for side in [ALICE, OLD, Side::Trusted] {
        let told = rcpt(&side, &unknown(), |f| f.guessing = Pace::TooFast);
        assert!(told.starts_with("550 5.1.1"), "{side:?} {told}");
    }
}

#[test]
fn what_cannot_be_told_now_is_queued_for_a_user_and_put_off_for_others() {
    let alice = mailbox("alice@example.com");
    let unsure = Verdict::TryLater(replies::verification_unavailable(&alice));
    assert_eq!(rcpt(&ALICE, &unsure, |_| ()), "accept");
    for side in [Side::Stranger, OLD, Side::Trusted] {
        let told = rcpt(&side, &unsure, |_| ());
        assert!(told.starts_with("451 4.4.3"), "{side:?} {told}");
    }
    let full = Verdict::TryLater(replies::mailbox_full(&alice));
    assert!(rcpt(&ALICE, &full, |_| ()).starts_with("452 4.2.2"));
}

#[test]
fn a_mailbox_is_full_when_the_message_does_not_fit() {
    for (quota, used, size, fits) in [
        (0, u64::MAX, u64::MAX, true),
        (100, 0, 0, true),
        (100, 50, 50, true),
        (100, 50, 51, false),
        (100, 100, 0, false),
        (100, 99, u64::MAX, false),
    ] {
        let room = Room {
            quota_bytes: quota,
            used_bytes: used,
            size_bytes: size,
        };
        let told = rcpt(&Side::Stranger, &deliver(), |f| f.room = Some(room));
        let expected = if fits {
            "accept"
        } else {
            "452 4.2.2 <alice@example.com>: Recipient address rejected: Mailbox full"
        };
        assert_eq!(told, expected, "{room:?}");
    }
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    let alice = mailbox("alice@example.com");
    prop_oneof![
        Just(deliver()),
        Just(unknown()),
        Just(Verdict::TryLater(replies::verification_unavailable(&alice))),
        Just(Verdict::Refuse(replies::relay_denied(&alice))),
        Just(Verdict::Relay {
            via: Via::Mx,
            recipient: alice,
        }),
    ]
}

proptest! {
    /// Whatever the limits say, a refusal of the resolver is never turned into a yes.
    #[test]
    fn policy_never_accepts_what_the_resolver_refuses(
        verdict in verdicts(),
        side in prop::sample::select(SIDES.to_vec()),
        accepted in 0_usize..2000,
        too_fast: bool,
    ) {
        let told = rcpt(&side, &verdict, |facts| {
            facts.accepted = accepted;
            facts.guessing = if too_fast { Pace::TooFast } else { Pace::Kept };
        });
        if matches!(verdict, Verdict::Refuse(_)) {
            prop_assert_ne!(told, "accept");
        }
    }

    /// Without a login, a stranger never sends as a protected address.
    #[test]
    fn a_stranger_never_sends_as_a_protected_address(local in "[a-z]{1,10}") {
        let path = format!("<{local}@example.com>");
        for home in [Home::Here, LIVES_ON_OLD] {
            let told = mail(Service::Smtp, &Side::Stranger, &path, Ownership::Own, home);
            prop_assert!(told.starts_with("553 5.7.1"), "{told}");
        }
    }
}
