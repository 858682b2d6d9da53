//! What holds for every recipient, side and answer.

use std::sync::LazyLock;

use proptest::prelude::*;
use waypost_proto::route::Verdict;

use super::look;
use super::site::{Site, mailbox};
use crate::resolve::*;
use crate::trace;

/// Names and hosts that no reply may tell.
const SECRETS: [&str; 5] = ["t-old", "t-new", "10.99", "old.internal", "slave.example"];

static SITE: LazyLock<Site> = LazyLock::new(|| {
    Site::new(
        "here 10.99.0.9:25\n\
         target t-old host=10.99.0.7 recipient=@old.internal\n\
         target t-new host=10.99.0.8 recipient=default\n\
         target t-self host=10.99.0.9\n\
         domain example.com aliases=example.org relay=t-old forward-unknown postmaster=alice@example.com\n\
         domain master.example relay=t-new\n\
         domain slave.example relay=t-new forward-unknown\n\
         domain self.example relay=t-self forward-unknown verify=none\n\
         user alice@example.com local addresses=alice@*,a+b@example.com\n\
         user jdoe@example.com third-party addresses=jdoe@*,john@example.org relayed=jdoe@*\n\
         user moved@example.com third-party addresses=m@example.org,moved@* target=t-new\n\
         user none@example.com none addresses=none@*\n\
         user gone@example.com third-party addresses=gone@* suspended\n\
         user self@self.example third-party addresses=self@*\n\
         user new@master.example third-party addresses=new@*\n\
         mailbox support@example.com addresses=support@*\n\
         group team@example.com addresses=team@* members=alice@example.com,x@elsewhere.net",
    )
});

fn recipients() -> impl Strategy<Value = Mailbox> {
    let locals = prop::sample::select(vec![
        "alice",
        "Alice+Tag",
        "a+b",
        "jdoe",
        "john",
        "moved",
        "m",
        "none",
        "gone",
        "self",
        "new",
        "support",
        "team",
        "nobody",
        "postmaster",
        "ABUSE+x",
        "\"quoted local\"",
        "+",
        "ü",
    ]);
    let locals = prop_oneof![locals.prop_map(str::to_owned), "[a-z+.]{1,8}[a-z]"];
    let domains = prop::sample::select(vec![
        "example.com",
        "Example.ORG",
        "master.example",
        "slave.example",
        "self.example",
        "elsewhere.net",
        "[192.0.2.1]",
        "[10.99.0.9]",
        "mx1.example.com",
    ]);
    (locals, domains).prop_filter_map("not an address", |(local, domain)| {
        Mailbox::parse(&format!("{local}@{domain}")).ok()
    })
}

fn sides() -> impl Strategy<Value = Side> {
    prop::sample::select(vec![
        "stranger",
        "trusted",
        "here",
        "from:t-old",
        "from:t-new",
        "alice@example.com",
    ])
    .prop_map(|side| SITE.side(side))
}

fn visited() -> impl Strategy<Value = Vec<TargetId>> {
    let hops = prop::sample::select(vec!["t-old", "t-new", "mx"]).prop_map(|name| match name {
        "mx" => trace::hop(Via::Mx),
        name => SITE.target(name),
    });
    prop::collection::vec(hops, 0..4)
}

const REPLIES: [&str; 6] = [
    "250-2.1.5",
    "550-5.1.1",
    "450-4.2.0",
    "554-5.7.1",
    "554-5.4.6",
    "silence",
];

/// Decides, with every question answered the same; also how many rounds of questions it took.
fn decide(request: &Request<'_>, says: &str) -> (Decided, usize) {
    let mut answers = Answers::default();
    for rounds in 0.. {
        match look(&SITE, request, &answers) {
            Resolution::Decided(decided) => return (decided, rounds),
            Resolution::Ask(questions) => {
                assert!(!questions.is_empty());
                for question in questions {
                    assert!(answers.to(&question).is_none(), "asked twice: {question:?}");
                    let heard = super::heard(&question, says);
                    answers.add(question, heard);
                }
            }
        }
    }
    unreachable!("a range without end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_verdict_keeps_the_law(
        recipient in recipients(),
        side in sides(),
        visited in visited(),
        through in prop::option::of(Just(mailbox("team@example.com"))),
        says in prop::sample::select(REPLIES.to_vec()),
        queued: bool,
    ) {
        let mut request = if queued {
            Request::in_queue(&recipient, &side)
        } else {
            Request::at_rcpt(&recipient, &side)
        };
        request.original = through.as_ref();
        request.visited = &visited;
        let (decided, rounds) = decide(&request, says);

        // Pure: the same again, and the same with steps.
        prop_assert_eq!(&decide(&request, says).0, &decided);
        let with_steps = Request { detail: Detail::Steps, ..request.clone() };
        let explained = decide(&with_steps, says).0;
        prop_assert_eq!(&explained.verdict, &decided.verdict);
        prop_assert_eq!(explained.rule, decided.rule);
        prop_assert!(!explained.steps.is_empty());
        prop_assert!(decided.steps.is_empty());

        // At most two rounds of questions, none at all where asking is forbidden.
        prop_assert!(rounds <= 2);
        prop_assert!(!queued || rounds == 0);

        match &decided.verdict {
            Verdict::Relay { via, recipient: outgoing } => {
                let received = through.as_ref().unwrap_or(&recipient);
                // Never back to the source with the address received.
                if let (Side::Target(source), Via::Target(target)) = (&side, via) {
                    prop_assert!(source != target || !outgoing.same_as(received));
                }
                // Never to a target visited before, and never a fourth time.
                prop_assert!(!visited.contains(&trace::hop(*via)));
                prop_assert!(visited.len() < 3);
                // Never to this server itself.
                prop_assert_ne!(*via, Via::Target(SITE.target("t-self")));
                // Outward only for those who may.
                if !queued && matches!(via, Via::Mx) {
                    prop_assert!(!matches!(side, Side::Stranger | Side::Target(_)));
                }
            }
            Verdict::Refuse(reply) => {
                prop_assert_eq!(reply.code() / 100, 5);
                prop_assert!(tells_nothing(reply, &recipient), "{reply}");
            }
            Verdict::TryLater(reply) => {
                prop_assert_eq!(reply.code() / 100, 4);
                prop_assert!(tells_nothing(reply, &recipient), "{reply}");
            }
            Verdict::Deliver(_) | Verdict::Expand(_) => {}
        }
        prop_assert_eq!(decided.reply().code() == 250, !matches!(
            decided.verdict, Verdict::Refuse(_) | Verdict::TryLater(_)
        ));
    }

    /// An unknown recipient is never taken from a stranger when the relay has said no.
    #[test]
    fn nobody_is_accepted_for_whom_every_authority_said_no(local in "[a-z]{9,12}") {
        let recipient = mailbox(&format!("{local}@example.com"));
        let request = Request::at_rcpt(&recipient, &Side::Stranger);
        prop_assert_eq!(decide(&request, "550-5.1.1").0.reply().code(), 550);
        prop_assert_eq!(decide(&request, "silence").0.reply().code(), 451);
    }
}

/// Whether a reply names nothing behind this server: only the address that the client named.
fn tells_nothing(reply: &Reply, recipient: &Mailbox) -> bool {
    let text = reply.to_string().replace(&recipient.to_string(), "");
    SECRETS.iter().all(|secret| !text.contains(secret))
}

#[test]
fn the_words_of_a_relay_are_never_passed_on() {
    let recipient = mailbox("nobody@example.com");
    let request = Request::at_rcpt(&recipient, &Side::Stranger);
    for says in REPLIES {
        let reply = decide(&request, says).0.reply().to_string();
        assert!(!reply.contains("some words"), "{reply}");
    }
}
