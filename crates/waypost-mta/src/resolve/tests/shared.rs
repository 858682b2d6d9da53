//! Several sites in memory that share a domain: is everybody found, and nothing sent in circles?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use proptest::prelude::*;
use waypost_directory::{Address, Edit, Key, MailType, Object, UserRecord, When};
use waypost_proto::mail::Domain;
use waypost_proto::minger::{Query, Status};

use super::site::mailbox;
use super::sites::{Log, Place, Places, send, side_at, world};
use crate::clock::{Clock as _, ManualClock};
use crate::minger::decide::{Facts, Reaction, Received, decide};
use crate::minger::peers::Peers;
use crate::minger::rate::Limits;
use crate::minger::{Rates, Settings};
use crate::resolve::*;

const SITES: usize = 3;
/// Users of the domain, each at one site or at none.
const USERS: usize = 4;
/// Who may be in a group.
const MEMBERS: [&str; 7] = ["u0", "u1", "u2", "u3", "g0", "g1", "x"];

/// What the Minger server of a place says to who asks from this address, if anything.
pub(super) fn status(place: &Place, from: IpAddr, address: &Mailbox) -> Option<Status> {
    let snapshot = place.site.snapshot();
    let caller = match side_at(place, from) {
        Side::Target(caller) => Some(caller),
        _ => None,
    };
    let settings = Settings {
        secrets: Vec::new(),
        anonymous: true,
        allow: Vec::new(),
        outside_aliases_active: true,
        test_mailbox: false,
        delimiter: Some('+'),
        rates: Rates::default(),
    };
    let facts = Facts {
        snapshot: &snapshot,
        caller,
        peers: &Peers::of(&snapshot),
        settings: &settings,
        measured: false,
    };
    let query = Query::new(address, None).unwrap().to_string();
    let received = Received {
        octets: query.as_bytes(),
        from,
        now: ManualClock::new(SystemTime::UNIX_EPOCH).now(),
    };
    match decide(received, &facts, &Limits::new(settings.rates)).reaction {
        Reaction::Answer(_, status) => Some(status),
        Reaction::Measure(..) | Reaction::Silent(_) => None,
    }
}

/// Who lives where, and which groups there are.
#[derive(Debug, Clone)]
struct Plan {
    /// The site of each user; `SITES`: nobody has him.
    homes: [usize; USERS],
    /// Which sites know that a user lives elsewhere, and where.
    told: [[bool; SITES]; USERS],
    /// Members of the groups g0 at the first site and g1 at the second; none: there is none.
    groups: [BTreeSet<usize>; 2],
    /// Whose answer counts first, for each site.
    swapped: [bool; SITES],
}

fn plans() -> impl Strategy<Value = Plan> {
    let members = || prop::collection::btree_set(0..MEMBERS.len(), 0..5);
    let homes: [_; USERS] = std::array::from_fn(|_| 0..=SITES);
    (
        homes,
        any::<[[bool; SITES]; USERS]>(),
        [members(), members()],
        any::<[bool; SITES]>(),
    )
        .prop_map(|(homes, told, groups, swapped)| Plan {
            homes,
            told,
            groups,
            swapped,
        })
}

impl Plan {
    fn build(&self) -> Places {
        let texts: Vec<String> = (0..SITES).map(|site| self.text(site)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        world(&texts)
    }

    fn text(&self, site: usize) -> String {
        let mut others: Vec<usize> = (0..SITES).filter(|other| *other != site).collect();
        if self.swapped[site] {
            others.reverse();
        }
        let mut text = String::new();
        for other in &others {
            text += &format!("peer p{other} host=10.0.0.{}\n", other + 1);
        }
        let sharing: Vec<_> = others.iter().map(|other| format!("p{other}")).collect();
        let sharing = sharing.join(",");
        text += &format!("domain example.com aliases=example.org sharing={sharing}\n");
        for (user, home) in self.homes.iter().enumerate() {
            let addresses = format!("addresses=u{user}@*");
            if *home == site {
                text += &format!("user u{user}@example.com local {addresses}\n");
            } else if *home < SITES && self.told[user][site] {
                text +=
                    &format!("user u{user}@example.com third-party {addresses} target=p{home}\n");
            }
        }
        if let Some(members) = self.groups.get(site) {
            let names = members.iter().map(|member| MEMBERS[*member]);
            let names = names.filter(|name| *name != format!("g{site}"));
            let names: Vec<_> = names.map(|name| format!("{name}@example.com")).collect();
            if !names.is_empty() {
                let members = names.join(",");
                text +=
                    &format!("group g{site}@example.com addresses=g{site}@* members={members}\n");
            }
        }
        text
    }

    /// Where the mail for a name must arrive, through all groups.
    fn wanted(&self, name: &str) -> BTreeSet<usize> {
        let mut wanted = BTreeSet::new();
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![name]);
        while let Some(name) = waiting.pop() {
            if !seen.insert(name) {
                continue;
            }
            let number = name[1..].parse().unwrap_or(usize::MAX);
            if name.starts_with('u') && self.homes[number] < SITES {
                wanted.insert(number);
            }
            if name.starts_with('g') {
                waiting.extend(self.groups[number].iter().map(|member| MEMBERS[*member]));
            }
        }
        wanted
    }
}

/// The users whose mailboxes the message has reached, with how often.
fn delivered(log: &Log, plan: &Plan) -> Vec<usize> {
    let mut users = Vec::new();
    for end in &log.ends {
        let Some((site, to)) = end.split_once(": deliver u") else {
            continue;
        };
        let user: usize = to[..1].parse().unwrap();
        assert_eq!(site, plan.homes[user].to_string(), "{end}");
        users.push(user);
    }
    users
}

/// A user's mail arrives once, wherever it is sent to; nobody's is refused at the first site.
async fn every_user_is_found(places: &Places, plan: &Plan, first: usize) {
    for (user, home) in plan.homes.iter().enumerate() {
        for form in ["u#@example.com", "U#+tag@example.org"] {
            let recipient = form.replace('#', &user.to_string());
            let log = send(places, first, Side::Stranger, &recipient).await;
            assert!(log.most_visits <= 1, "{plan:?} {first} {log:#?}");
            if *home < SITES {
                assert_eq!(delivered(&log, plan), [user], "{plan:?} {first} {log:#?}");
                assert_eq!(log.ends.len(), 1, "{plan:?} {first} {log:#?}");
            } else {
                assert_eq!(log.visits.len(), 1, "{plan:?} {first} {log:#?}");
                assert!(log.ends[0].contains(": 550 5.1.1"), "{plan:?} {log:#?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nobody_is_refused_whom_a_peer_has_and_no_site_sees_a_message_twice(plan in plans()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let places = plan.build();
            for first in 0..SITES {
                every_user_is_found(&places, &plan, first).await;
                for group in ["g0", "g1"] {
                    let recipient = format!("{group}@example.com");
                    let log = send(&places, first, Side::Stranger, &recipient).await;
                    // Groups that name each other over two sites come back once, and end there.
                    assert!(log.most_visits <= 2, "{plan:?} {first} {log:#?}");
                    let found: BTreeSet<_> = delivered(&log, &plan).into_iter().collect();
                    assert_eq!(found, plan.wanted(group), "{plan:?} {first} {log:#?}");
                }
            }
        });
    }

    #[test]
    fn who_moves_is_found_although_the_others_remember_his_old_site(
        plan in plans(), user in 0..USERS, to in 0..SITES,
    ) {
        let mut plan = Plan { told: Default::default(), ..plan };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let from = plan.homes[user];
            if from == SITES || from == to {
                return;
            }
            let places = plan.build();
            for first in 0..SITES {
                every_user_is_found(&places, &plan, first).await;
            }
            move_user(&places, user, from, to);
            plan.homes[user] = to;
            let address = format!("u{user}@example.com");
            for first in 0..SITES {
                let log = send(&places, first, Side::Stranger, &address).await;
                assert_eq!(delivered(&log, &plan), [user], "{plan:?} {first} {log:#?}");
                assert!(log.most_visits <= 1, "{plan:?} {first} {log:#?}");
            }
        });
    }
}

/// Removes a user at one site and adds him at another, as the commands do.
fn move_user(places: &Places, user: usize, from: usize, to: usize) {
    let domain = Domain::parse("example.com").unwrap();
    let login = format!("u{user}");
    let record = UserRecord {
        mail: MailType::Local,
        addresses: vec![Address::parse(&format!("{login}@*")).unwrap()],
        ..UserRecord::new(domain.clone(), login.clone())
    };
    let all = places.get().unwrap();
    let gone = Edit::Remove(Key::User(domain, login), When::Any);
    all[from].site.edit(&[gone]);
    let there = Edit::Put(Object::User(record), When::Any);
    all[to].site.edit(&[there]);
    for site in [from, to] {
        for domain in ["example.com", "example.org"] {
            all[site]
                .resolver
                .forget(&mailbox(&format!("u{user}@{domain}")));
        }
    }
}
