//! Several sites in memory that hand mail to each other: does it always arrive somewhere?

use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use waypost_directory::Host;
use waypost_proto::mail::ReversePath;
use waypost_proto::mail::trace::TraceField;
use waypost_proto::route::Verdict;
use waypost_proto::smtp::reply::{RemoteReply, Reply};

use super::arrangements::cases;
use super::shared;
use super::site::{Site, mailbox};
use crate::clock::ManualClock;
use crate::resolve::expand::Once;
use crate::resolve::*;
use crate::trace::{Journey, SECRET_LEN, Tracer};

/// More copies than any message of these tests makes, groups that name each other counted in.
const TOO_MANY: usize = 1000;

/// One site of the world, at an address of its own.
pub(super) struct Place {
    pub(super) address: IpAddr,
    pub(super) site: Site,
    pub(super) resolver: Resolver,
    tracer: Tracer,
}

pub(super) type Places = Arc<OnceLock<Vec<Place>>>;

/// Asks another place over a network that never fails.
struct Wire {
    places: Weak<OnceLock<Vec<Place>>>,
    from: usize,
}

impl Ask for Wire {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        Box::pin(async move {
            let world = self.places.upgrade().unwrap();
            let places = world.get().unwrap();
            let (Authority::Callout(target) | Authority::Peer(target)) = question.authority else {
                return Said::nothing();
            };
            let Some(to) = place_of(places, self.from, target) else {
                return Said::nothing();
            };
            if let Authority::Peer(_) = question.authority {
                let asker = places[self.from].address;
                let status = shared::status(&places[to], asker, &question.address);
                return status.map_or_else(Said::nothing, Said::in_status);
            }
            let side = side_at(&places[to], places[self.from].address);
            let request = Request::at_rcpt(&question.address, &side);
            Said::in_reply(remote(&places[to].resolver.decide(&request).await.reply()))
        })
    }
}

fn remote(reply: &Reply) -> RemoteReply {
    let mut wire = Vec::new();
    reply.write_to(&mut wire);
    let lines = wire.split(|b| *b == b'\n').filter(|line| line.len() > 4);
    let texts = lines.map(|line| line[4..].trim_ascii_end());
    RemoteReply::new(reply.code(), texts.collect::<Vec<_>>())
}

/// Which place a target of a place is; none: outside the world.
fn place_of(places: &[Place], from: usize, target: TargetId) -> Option<usize> {
    let snapshot = places[from].site.snapshot();
    let Host::Address(address) = snapshot.target(target)?.host else {
        return None;
    };
    places.iter().position(|place| place.address == address)
}

/// How a place sees a client: a target by its address, anybody else as a stranger.
pub(super) fn side_at(place: &Place, client: IpAddr) -> Side {
    let snapshot = place.site.snapshot();
    let mut targets = snapshot.targets();
    let known = targets.find(|target| target.host == Host::Address(client));
    known.map_or(Side::Stranger, |target| Side::Target(target.id))
}

pub(super) fn world(sites: &[&str]) -> Places {
    world_of(sites.iter().map(|text| Site::new(text)).collect())
}

/// The same, of sites that are there already.
pub(super) fn world_of(sites: Vec<Site>) -> Places {
    let places: Places = Arc::default();
    let built = sites.into_iter().enumerate().map(|(n, site)| {
        let directory = Arc::clone(&site.directory);
        let (resolver, _) = Resolver::new(Parts {
            snapshots: Arc::new(move || directory.snapshot()),
            here: Arc::new(site.here.clone()),
            keep: Arc::new(KeepNothing),
            ask: Arc::new(Wire {
                places: Arc::downgrade(&places),
                from: n,
            }),
            clock: Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH)),
            settings: site.settings.clone(),
            cache: CacheSettings {
                positive: Duration::from_secs(60),
                refresh: Duration::from_secs(60),
                negative: Duration::from_secs(60),
                entries: 100,
                wait: Duration::from_secs(60),
            },
        });
        let number = u8::try_from(n).unwrap();
        Place {
            address: IpAddr::from([10, 0, 0, number + 1]),
            site,
            resolver,
            tracer: Tracer::new(format!("site{n}"), &[number; SECRET_LEN]),
        }
    });
    let built = built.collect();
    assert!(places.set(built).is_ok());
    places
}

/// A copy of the message on its way to one recipient.
struct Copy {
    to: usize,
    from: Option<usize>,
    recipient: Mailbox,
    fields: Vec<TraceField>,
    /// Where it has been, and as whom.
    path: Vec<(usize, Mailbox)>,
}

/// Where the message was offered, for whom, and what became of it there.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) visits: Vec<(usize, String)>,
    pub(super) ends: Vec<String>,
    /// Where it was taken, for whom.
    pub(super) accepted: Vec<(usize, String)>,
    /// How often one place was offered one recipient by one copy, at most.
    pub(super) most_visits: usize,
}

/// Sends a message to one recipient, and follows it to every end.
pub(super) async fn send(places: &Places, first: usize, client: Side, recipient: &str) -> Log {
    let places = places.get().unwrap();
    let mut log = Log::default();
    let mut copies = vec![Copy {
        to: first,
        from: None,
        recipient: mailbox(recipient),
        fields: Vec::new(),
        path: Vec::new(),
    }];
    while let Some(mut copy) = copies.pop() {
        let here = (copy.to, copy.recipient.clone());
        copy.path.push(here);
        let visits = copy
            .path
            .iter()
            .filter(|(to, as_whom)| *to == copy.to && as_whom.same_as(&copy.recipient));
        log.most_visits = log.most_visits.max(visits.count());
        log.visits.push((copy.to, copy.recipient.to_string()));
        if log.visits.len() > TOO_MANY {
            break;
        }
        let place = &places[copy.to];
        let side = copy.from.map_or_else(
            || client.clone(),
            |from| side_at(place, places[from].address),
        );
        let verdicts = at(place, &side, &copy).await;
        if verdicts.iter().any(|(verdict, _)| is_taken(verdict)) {
            log.accepted.push((copy.to, copy.recipient.to_string()));
        }
        for (verdict, outgoing) in verdicts {
            let to = match verdict {
                Verdict::Relay {
                    via: Via::Target(id),
                    ..
                } => place_of(places, copy.to, id),
                _ => None,
            };
            let (Some(to), Verdict::Relay { via, recipient }) = (to, &verdict) else {
                log.ends.push(format!("{}: {outgoing}", copy.to));
                continue;
            };
            let mut fields = copy.fields.clone();
            fields.push(place.tracer.field("<1@world>", *via, [recipient]));
            copies.push(Copy {
                to,
                from: Some(copy.to),
                recipient: recipient.clone(),
                fields,
                path: copy.path.clone(),
            });
        }
    }
    log
}

fn is_taken(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Deliver(_) | Verdict::Relay { .. })
}

/// What a place does with a copy: a verdict for each final recipient, and its words.
async fn at(place: &Place, side: &Side, copy: &Copy) -> Vec<(Verdict, String)> {
    let request = Request::at_rcpt(&copy.recipient, side);
    let decided = place.resolver.decide(&request).await;
    let mut finals = Vec::new();
    match &decided.verdict {
        Verdict::Expand(expansion) => {
            let mut once = Once::new(Some('+'));
            let sender = ReversePath::Null;
            let resolver = &place.resolver;
            let expanded = resolver
                .expand(&request, expansion, &sender, &mut once)
                .await;
            finals.extend(expanded.members.into_iter().map(|member| member.address));
            if finals.is_empty() {
                return vec![(
                    Verdict::Refuse(expanded.reply.clone()),
                    expanded.reply.to_string(),
                )];
            }
        }
        Verdict::Refuse(_) | Verdict::TryLater(_) => {
            return vec![(decided.verdict.clone(), place.site.words(&decided.verdict))];
        }
        Verdict::Deliver(_) | Verdict::Relay { .. } => finals.push(copy.recipient.clone()),
    }
    let journey = Journey {
        tracer: &place.tracer,
        fields: &copy.fields,
        message_id: Some("<1@world>"),
    };
    let mut verdicts = Vec::new();
    for address in &finals {
        let through = (*address != copy.recipient).then_some(&copy.recipient);
        let request = Request {
            original: through,
            ..Request::in_queue(address, side)
        };
        let (decided, _) = place.resolver.decide_returned(&request, &journey).await;
        let words = place.site.words(&decided.verdict);
        verdicts.push((decided.verdict, words));
    }
    verdicts
}

const A: &str = "\
    target b host=10.0.0.2\n\
    domain example.com relay=b forward-unknown\n\
    user alice@example.com local addresses=alice@*\n\
    group team@example.com addresses=team@* members=alice@example.com,bob@example.com,nobody@example.com\n\
    user moved@example.com third-party addresses=moved@*\n";
const B: &str = "\
    target a host=10.0.0.1\n\
    domain example.com relay=a forward-unknown\n\
    user bob@example.com local addresses=bob@*\n\
    user moved@example.com third-party addresses=moved@*\n";

#[tokio::test]
async fn two_sites_that_forward_unknown_to_each_other_refuse_what_nobody_has() {
    let both = world(&[A, B]);
    // A stranger is refused at once: each has asked the other.
    for first in [0, 1] {
        let log = send(&both, first, Side::Stranger, "nobody@example.com").await;
        assert_eq!(log.visits.len(), 1);
        assert_eq!(
            log.ends,
            [format!(
                "{first}: 550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown"
            )]
        );
    }
    // A client that is accepted unasked gets its answer one hop on.
    let log = send(&both, 0, Side::Trusted, "nobody@example.com").await;
    assert_eq!(
        log.ends,
        ["1: 554 5.4.6 <nobody@example.com>: Routing loop detected"]
    );
    assert_eq!(log.visits.len(), 2);
}

#[tokio::test]
async fn each_site_finds_the_others_users() {
    let both = world(&[A, B]);
    let log = send(&both, 0, Side::Stranger, "bob@example.com").await;
    assert_eq!(log.ends, ["1: deliver bob@example.com for bob@example.com"]);
    let log = send(&both, 1, Side::Stranger, "alice+tag@example.com").await;
    assert_eq!(
        log.ends,
        ["0: deliver alice@example.com for alice+tag@example.com"]
    );
}

#[tokio::test]
async fn a_user_who_is_elsewhere_for_both_is_refused_after_one_hop() {
    let both = world(&[A, B]);
    let log = send(&both, 0, Side::Stranger, "moved@example.com").await;
    assert_eq!(
        log.ends,
        ["1: 554 5.4.6 <moved@example.com>: Routing loop detected"]
    );
    assert_eq!(log.visits.len(), 2);
}

#[tokio::test]
async fn a_group_sends_back_under_a_new_name_and_ends_there() {
    let both = world(&[A, B]);
    // Sent at b, where the group is unknown; b's user comes back as himself.
    let mut log = send(&both, 1, Side::Trusted, "team@example.com").await;
    log.ends.sort();
    assert_eq!(
        log.ends,
        [
            "0: deliver alice@example.com for alice@example.com",
            "1: 554 5.4.6 <nobody@example.com>: Routing loop detected",
            "1: deliver bob@example.com for bob@example.com",
        ]
    );
    assert_eq!(log.most_visits, 1);
}

#[tokio::test]
async fn a_ring_of_three_ends_after_one_extra_hop() {
    let site = |next: u8, last: u8| {
        format!(
            "target next host=10.0.0.{next}\n\
             target last host=10.0.0.{last}\n\
             domain example.com relay=next forward-unknown"
        )
    };
    let ring = world(&[&site(2, 3), &site(3, 1), &site(1, 2)]);
    let log = send(&ring, 0, Side::Trusted, "nobody@example.com").await;
    assert_eq!(
        log.ends,
        ["0: 554 5.4.6 <nobody@example.com>: Routing loop detected"]
    );
    assert_eq!(log.visits.len(), 4);
}

#[tokio::test]
async fn sites_that_rewrite_each_others_addresses_end_after_one_extra_hop() {
    let site = |n: u8, default: &str, other: &str| {
        format!(
            "target peer host=10.0.0.{n} recipient=default\n\
             domain example.com relay=peer\n\
             user jdoe@example.com third-party addresses={default}@*,{other}@*"
        )
    };
    let both = world(&[&site(2, "jdoe", "j.doe"), &site(1, "j.doe", "jdoe")]);
    let log = send(&both, 0, Side::Stranger, "j.doe@example.com").await;
    assert_eq!(
        log.ends,
        ["0: 554 5.4.6 <j.doe@example.com>: Routing loop detected"]
    );
    assert_eq!(log.visits.len(), 3);
}

#[tokio::test]
async fn a_user_who_moves_on_is_followed() {
    // a believes that he is on b, b that he is on c, c has him.
    let a = "target b host=10.0.0.2\ndomain example.com relay=b\nuser u@example.com third-party addresses=u@*";
    let b = "target c host=10.0.0.3\ndomain example.com relay=c\nuser u@example.com third-party addresses=u@*";
    let c = "domain example.com\nuser u@example.com local addresses=u@*";
    let chain = world(&[a, b, c]);
    let log = send(&chain, 0, Side::Stranger, "u@example.com").await;
    assert_eq!(log.ends, ["2: deliver u@example.com for u@example.com"]);
    // He has moved back in the meantime: the journey ends where he is.
    let a = "target b host=10.0.0.2\ndomain example.com relay=b\nuser u@example.com local addresses=u@*";
    let c = "target a host=10.0.0.1\ndomain example.com relay=a\nuser u@example.com third-party addresses=u@*";
    let ring = world(&[a, b, c]);
    let log = send(&ring, 1, Side::Stranger, "u@example.com").await;
    assert_eq!(log.ends, ["0: deliver u@example.com for u@example.com"]);
}

/// Whom groups may have as members: users and groups of any site, and nobody.
const MEMBERS: [&str; 7] = [
    "g0@example.com",
    "g1@example.org",
    "g2@example.com",
    "u0a@example.com",
    "u1b@example.com",
    "u2a@example.org",
    "x@example.com",
];

/// A site with users, groups and settings drawn at random, relaying to one of the others.
fn random_site(n: u8, sites: u8) -> impl Strategy<Value = String> {
    let form = prop::sample::select(vec!["original", "default", "@example.org"]);
    let unknown = prop::sample::select(vec!["", "forward-unknown", "forward-unknown verify=none"]);
    let mail = prop::sample::select(vec!["local", "third-party", "none", "absent"]);
    let users = prop::collection::vec((mail, prop::bool::ANY, 0..sites), 3);
    let members = prop::collection::btree_set(0..MEMBERS.len(), 1..5);
    (form, unknown, users, members, 1..sites).prop_map(move |(form, unknown, users, members, next)| {
        let relay = (n + next) % sites;
        let mut text = String::new();
        for other in (0..sites).filter(|other| *other != n) {
            text += &format!("target t{other} host=10.0.0.{} recipient={form}\n", other + 1);
        }
        text += &format!("domain example.com aliases=example.org relay=t{relay} {unknown}\n");
        for (i, (mail, swapped, target)) in users.into_iter().enumerate() {
            let (first, second) = if swapped { ("b", "a") } else { ("a", "b") };
            let target = if target == n { relay } else { target };
            let target = if mail == "third-party" { format!("target=t{target}") } else { String::new() };
            if mail != "absent" {
                text += &format!("user u{i}@example.com {mail} addresses=u{i}{first}@*,u{i}{second}@example.com {target}\n");
            }
        }
        // A group of its own site's name would include itself.
        let members = members.into_iter().map(|m| MEMBERS[m]);
        let members: Vec<_> = members.filter(|m| !m.starts_with(&format!("g{n}"))).collect();
        if !members.is_empty() {
            let members = members.join(",");
            text += &format!("group g@example.com addresses=g{n}@* members={members}\n");
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(48)))]

    /// Whatever the sites believe of each other, every journey ends, and no copy is offered to a
    /// site for the same recipient more than once more than it should.
    #[test]
    fn every_journey_ends(
        sites in (random_site(0, 3), random_site(1, 3), random_site(2, 3)),
        recipients in prop::collection::vec(
            prop::sample::select(vec![
                "u0a@example.com", "u0b@example.org", "u1a@example.com", "u2b+t@example.com",
                "g0@example.com", "g1@example.com", "g2@example.org", "x@example.com",
                "postmaster@example.com",
            ]), 1..4),
        trusted: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let all = world(&[&sites.0, &sites.1, &sites.2]);
            for recipient in &recipients {
                let side = if trusted { Side::Trusted } else { Side::Stranger };
                let log = send(&all, 0, side, recipient).await;
                assert!(log.visits.len() <= TOO_MANY, "{log:#?}");
                assert!(log.most_visits <= 2, "{log:#?}");
                assert!(!log.ends.is_empty());
            }
        });
    }
}
