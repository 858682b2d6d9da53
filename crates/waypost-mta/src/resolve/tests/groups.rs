//! Groups: flattened to final members, each once, each with its own verdict.

use proptest::prelude::*;
use waypost_proto::mail::ReversePath;
use waypost_proto::route::{Expansion, Verdict};
use waypost_proto::smtp::params::{Notify, Orcpt, RcptParams, Xtext};

use super::asking::{Asking, Scripted};
use super::site::{Site, mailbox};
use crate::resolve::expand::{Expanded, Once, Report};
use crate::resolve::*;

const SITE: &str = "\
    target old host=10.0.0.7 recipient=@old.example.com\n\
    domain example.com aliases=example.org relay=old forward-unknown\n\
    user alice@example.com local addresses=alice@*,a@*\n\
    user bob@example.com local addresses=bob@*\n\
    user gone@example.com local addresses=gone@* suspended\n\
    user jdoe@example.com third-party addresses=jdoe@*\n\
    group team@example.com addresses=team@* members=alice@example.com,jdoe@example.com,x@elsewhere.net\n\
    group all@example.com addresses=all@* members=team@example.org,bob@example.com,a@example.org,Alice@example.com\n\
    group owned@example.com addresses=owned@* members=bob@example.com,inner@example.com owner=boss@example.com\n\
    group inner@example.com addresses=inner@* members=alice@example.com,innermost@example.com\n\
    group innermost@example.com addresses=innermost@* members=x@elsewhere.net owner=other@example.com\n\
    group dead@example.com addresses=dead@* members=gone@example.com,nobody@example.com\n\
    group half@example.com addresses=half@* members=gone@example.com,alice@example.com\n\
    group unsure@example.com addresses=unsure@* members=slow@example.com,gone@example.com\n\
    group one@example.com addresses=one@* members=alice@example.com\n";

struct Groups {
    asking: Asking,
    once: Once,
}

impl Groups {
    fn new() -> Self {
        let relay = Scripted::new("550-5.1.1");
        relay.says("slow@old.example.com", "silence");
        Self {
            asking: Asking::new(Site::new(SITE), &relay),
            once: Once::new(Some('+')),
        }
    }

    async fn expand(&mut self, group: &str, sender: &str) -> Expanded {
        let resolver = &self.asking.resolver;
        let address = mailbox(group);
        let request = Request::at_rcpt(&address, &Side::Stranger);
        let Verdict::Expand(expansion) = resolver.decide(&request).await.verdict else {
            panic!("{group} is no group");
        };
        let sender = ReversePath::parse(sender).unwrap();
        resolver
            .expand(&request, &expansion, &sender, &mut self.once)
            .await
    }

    /// `address: verdict`, with the sender that replaces the reverse-path.
    fn members(&self, expanded: &Expanded) -> Vec<String> {
        let members = expanded.members.iter().map(|member| {
            let words = self.asking.site.words(&member.decided.verdict);
            match &member.owner {
                Some(owner) => format!("{}: {words} from {owner}", member.address),
                None => format!("{}: {words}", member.address),
            }
        });
        members.collect()
    }
}

#[tokio::test]
async fn members_go_where_the_same_rules_send_them() {
    let mut groups = Groups::new();
    let expanded = groups.expand("team@example.org", "<s@elsewhere.net>").await;
    assert_eq!(
        groups.members(&expanded),
        [
            "alice@example.com: deliver alice@example.com for alice@example.com",
            "jdoe@example.com: relay old jdoe@old.example.com",
            "x@elsewhere.net: relay mx x@elsewhere.net",
        ]
    );
    assert_eq!(expanded.reply.code(), 250);
}

#[tokio::test]
async fn every_final_recipient_gets_the_message_once() {
    let mut groups = Groups::new();
    let alice = mailbox("alice@example.org");
    let request = Request::at_rcpt(&alice, &Side::Stranger);
    let decided = groups.asking.resolver.decide(&request).await;
    assert!(groups.once.first(&alice, &decided.verdict));
    assert!(
        !groups
            .once
            .first(&mailbox("a@example.com"), &decided.verdict)
    );
    // all: team (alice, jdoe, x), bob, and alice twice more by other names.
    let expanded = groups.expand("all@example.com", "<s@elsewhere.net>").await;
    assert_eq!(
        groups.members(&expanded),
        [
            "bob@example.com: deliver bob@example.com for bob@example.com",
            "jdoe@example.com: relay old jdoe@old.example.com",
            "x@elsewhere.net: relay mx x@elsewhere.net",
        ]
    );
    // Another group of the same people adds nobody, and is no error.
    let again = groups.expand("team@example.com", "<s@elsewhere.net>").await;
    assert!(again.members.is_empty());
    assert_eq!((again.duplicates, again.reply.code()), (3, 250));
}

#[tokio::test]
async fn tags_are_different_recipients_of_one_mailbox() {
    let groups = Groups::new();
    let mut once = Once::new(Some('+'));
    for (address, first) in [
        ("alice@example.com", true),
        ("alice+a@example.com", true),
        ("alice+a@example.org", false),
        ("alice+b@example.com", true),
    ] {
        let recipient = mailbox(address);
        let request = Request::at_rcpt(&recipient, &Side::Stranger);
        let decided = groups.asking.resolver.decide(&request).await;
        assert_eq!(once.first(&recipient, &decided.verdict), first, "{address}");
    }
}

#[tokio::test]
async fn recipients_that_rewriting_makes_equal_go_once() {
    let groups = Groups::new();
    let mut once = Once::new(Some('+'));
    for (address, first) in [
        ("jdoe@example.com", true),
        ("jdoe@example.org", false),
        ("JDoe@example.com", false),
        ("jdoe+t@example.com", true),
    ] {
        let recipient = mailbox(address);
        let request = Request::at_rcpt(&recipient, &Side::Stranger);
        let decided = groups.asking.resolver.decide(&request).await;
        assert_eq!(once.first(&recipient, &decided.verdict), first, "{address}");
    }
}

#[tokio::test]
async fn an_owner_replaces_the_reverse_path_but_never_the_null_one() {
    let mut groups = Groups::new();
    let expanded = groups
        .expand("owned@example.com", "<s@elsewhere.net>")
        .await;
    assert_eq!(
        groups.members(&expanded),
        [
            "bob@example.com: deliver bob@example.com for bob@example.com from boss@example.com",
            "alice@example.com: deliver alice@example.com for alice@example.com from boss@example.com",
            "x@elsewhere.net: relay mx x@elsewhere.net from other@example.com",
        ]
    );
    let mut groups = Groups::new();
    let expanded = groups.expand("owned@example.com", "<>").await;
    assert!(expanded.members.iter().all(|member| member.owner.is_none()));
}

#[tokio::test]
async fn refused_members_are_left_out_and_all_refused_is_unknown() {
    let mut groups = Groups::new();
    let half = groups.expand("half@example.com", "<s@elsewhere.net>").await;
    assert_eq!(
        (half.members.len(), half.refused.len(), half.reply.code()),
        (1, 1, 250)
    );
    let dead = groups.expand("dead@example.com", "<s@elsewhere.net>").await;
    assert_eq!((dead.members.len(), dead.refused.len()), (0, 2));
    assert_eq!(
        dead.reply.to_string(),
        "550 5.1.1 <dead@example.com>: Recipient address rejected: User unknown"
    );
}

#[tokio::test]
async fn members_that_cannot_be_decided_now_are_queued_unresolved() {
    let mut groups = Groups::new();
    let expanded = groups
        .expand("unsure@example.com", "<s@elsewhere.net>")
        .await;
    assert_eq!(expanded.reply.code(), 250);
    assert!(
        matches!(expanded.members[..], [ref one] if matches!(one.decided.verdict, Verdict::TryLater(_)))
    );
}

fn received(notify: Option<Notify>) -> RcptParams {
    RcptParams {
        notify,
        orcpt: Some(Orcpt {
            kind: "rfc822".into(),
            address: Xtext::from_decoded("group@example.com").unwrap(),
        }),
    }
}

const ALL: Notify = Notify {
    success: true,
    failure: true,
    delay: true,
};

/// RFC 3461 §5.2.7.1 to §5.2.7.3.
#[tokio::test]
async fn reports_about_groups_go_to_who_is_entitled() {
    let asked = received(Some(ALL));
    let mut groups = Groups::new();
    // An alias of several: success is reported as "expanded", the rest travels on.
    let team = groups.expand("team@example.com", "<s@elsewhere.net>").await;
    let onward = team.params(&team.members[0], &asked);
    assert_eq!(onward.notify.unwrap().to_string(), "FAILURE,DELAY");
    assert_eq!(onward.orcpt, asked.orcpt);
    assert_eq!(team.report(&asked), Some(Report::Expanded));
    assert_eq!(team.report(&received(None)), None);
    assert_eq!(
        team.params(&team.members[0], &received(None)),
        received(None)
    );
    // Only success was wanted: nothing more is.
    let only = Notify {
        failure: false,
        delay: false,
        ..ALL
    };
    let onward = team.params(&team.members[0], &received(Some(only)));
    assert_eq!(onward.notify, Some(Notify::NEVER));
    // An alias of one: everything travels on, nothing is reported.
    let mut groups = Groups::new();
    let one = groups.expand("one@example.com", "<s@elsewhere.net>").await;
    assert_eq!(one.params(&one.members[0], &asked), asked);
    assert_eq!(one.report(&asked), None);
    // A list: delivered when it reaches the list, and a message of the owner from there.
    let mut groups = Groups::new();
    let list = groups
        .expand("owned@example.com", "<s@elsewhere.net>")
        .await;
    assert_eq!(list.params(&list.members[0], &asked), RcptParams::default());
    assert_eq!(list.report(&asked), Some(Report::Delivered));
}

#[test]
fn a_group_larger_than_the_limit_is_put_off_not_bounced() {
    let members = (0..=expand::MAX_MEMBERS).map(|n| mailbox(&format!("m{n}@example.com")));
    let expansion = Expansion {
        group: mailbox("crowd@example.com"),
        members: members.collect(),
        owner: None,
    };
    let mut once = Once::default();
    let mut flattening = expand::Flattening::new(&expansion, &ReversePath::Null, &mut once);
    assert!(flattening.next(10).is_empty());
    let expanded = flattening.finish();
    assert_eq!(expanded.reply.to_string(), "452 4.5.3 Too many recipients");
    assert!(expanded.members.is_empty());
}

proptest! {
    /// Whatever includes whatever, expansion ends, and nobody is given out twice.
    #[test]
    fn expansion_ends_and_gives_out_everybody_once(
        edges in prop::collection::vec((0_usize..8, 0_usize..12), 0..60),
    ) {
        // 0..8 are groups, 8..12 people.
        let address = |n: usize| mailbox(&format!("n{n}@example.com"));
        let expansion = |group: usize| Expansion {
            group: address(group),
            members: edges.iter().filter(|(g, _)| *g == group).map(|(_, m)| address(*m)).collect(),
            owner: None,
        };
        let mut once = Once::default();
        let top = expansion(0);
        let mut flattening = expand::Flattening::new(&top, &ReversePath::Null, &mut once);
        let mut given = Vec::new();
        loop {
            let candidates = flattening.next(3);
            if candidates.is_empty() {
                break;
            }
            for candidate in candidates {
                given.push(candidate.address.clone());
                let number: usize = candidate.address.local.as_str()[1..].parse().unwrap();
                let verdict = if number < 8 {
                    Verdict::Expand(expansion(number))
                } else {
                    Verdict::Relay { via: Via::Mx, recipient: candidate.address.clone() }
                };
                flattening.decided(candidate, Decided {
                    verdict,
                    rule: Rule::NotServed,
                    proof: None,
                    steps: Vec::new(),
                });
            }
        }
        let expanded = flattening.finish();
        prop_assert!(expanded.members.len() <= 4);
        let before = given.len();
        given.sort();
        given.dedup();
        prop_assert_eq!(given.len(), before);
    }
}

#[tokio::test]
async fn explaining_a_group_shows_every_member() {
    let groups = Groups::new();
    let address = mailbox("half@example.com");
    let sender = ReversePath::Null;
    let subject = Subject {
        sender: Some(&sender),
        refusal: None,
        side: &Side::Stranger,
        recipient: &address,
    };
    let explained = groups.asking.resolver.explain(&subject).await;
    assert_eq!(explained.verdict.to_string(), "expand to 2 members");
    let member = |name: &str| {
        let mut members = explained.members.iter();
        let found = members.find(|member| member.recipient == mailbox(name));
        found.map(|member| (member.verdict.to_string(), member.rule.to_string()))
    };
    let alice = member("alice@example.com").unwrap();
    assert_eq!(alice.0, "deliver to the mailbox of alice@example.com");
    let gone = member("gone@example.com").unwrap();
    assert_eq!((gone.0.as_str(), gone.1.as_str()), ("refuse", "suspended"));
}

#[tokio::test]
async fn the_relay_is_asked_for_members_at_the_same_time() {
    let relay = Scripted::new("550-5.1.1");
    let site = Site::new(
        "target old host=10.0.0.7\n\
         domain example.com relay=old forward-unknown\n\
         group g@example.com addresses=g@* members=a@example.com,b@example.com,c@example.com",
    );
    relay.together(3);
    let asking = Asking::new(site, &relay);
    let mut groups = Groups {
        asking,
        once: Once::default(),
    };
    let expanded = groups.expand("g@example.com", "<>").await;
    assert_eq!(expanded.refused.len(), 3);
}
