use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::sample::select;
use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Envelope, Hold, Message, QueueId, Recipient, State};

use super::super::control::Standing;
use super::super::route::Holding;
use super::wanted::{Doing, Filter, Wanted};
use super::*;

const SENDERS: [&str; 4] = [
    "<>",
    "<Ann@a.example>",
    "<bob@b.example>",
    "<j\u{f6}@a.example>",
];
const RECIPIENTS: [&str; 5] = [
    "ann@a.example",
    "Bob.Ann@b.example",
    "\"x y\"@c.example",
    "d@sub.a.example",
    "e@b.example",
];
const HOPS: [&str; 4] = ["old", "mx:a.example", "mx:b.example", "local"];
const TEXTS: [&str; 8] = ["ann", "ANN", "@a.example", "b", "", "zzz", "<", "\u{d6}"];

/// Microseconds of the first id.
const BEGIN: u64 = 1_795_000_000_000_000;

fn id(n: u64) -> QueueId {
    QueueId::from_number((BEGIN + n * 1_000_000) << 8).unwrap()
}

fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(BEGIN) + Duration::from_secs(60)
}

fn message(n: u64, sender: &str, to: &[(&str, State)], held: bool) -> Message {
    let recipients = to.iter().map(|(address, state)| Recipient {
        state: *state,
        ..Recipient::new(Mailbox::parse(address).unwrap(), wall(), wall())
    });
    Message {
        id: id(n),
        arrived: wall(),
        size: 1,
        envelope: Envelope {
            reverse_path: ReversePath::parse(sender).unwrap(),
            params: MailParams::default(),
            side: Side::Stranger,
            client: String::new(),
            protocol: String::new(),
            message_key: String::new(),
            recipients: recipients.collect(),
            hold: held.then(|| Hold {
                reason: String::new(),
                by: String::new(),
                since: wall(),
                until: None,
            }),
            signatures: String::new(),
        },
    }
}

/// Where the recipients of a test go: by their local part.
fn hop(to: &Recipient) -> String {
    let at = RECIPIENTS
        .iter()
        .position(|known| Mailbox::parse(known).unwrap().to_string() == to.address.to_string());
    HOPS[at.unwrap_or(0) % HOPS.len()].to_owned()
}

fn ids(table: &Table, filter: &Filter, doing: &Doing, newest: bool) -> Vec<QueueId> {
    let mut ids = Vec::new();
    if let Some(wanted) = Wanted::new(filter, table, wall(), doing) {
        table.walk(&wanted, newest, |entry| {
            ids.push(entry.id);
            Walk::On
        });
    }
    ids
}

/// What the filter means, said simply.
fn naive(message: &Message, filter: &Filter, doing: &Doing) -> bool {
    let has = |text: &str, part: &Option<String>| {
        part.as_ref()
            .is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
    };
    let envelope = &message.envelope;
    let queued = || {
        envelope
            .recipients
            .iter()
            .filter(|r| r.state == State::Queued)
    };
    let one = |to: &Recipient| {
        has(&to.address.to_string(), &filter.recipient)
            && filter
                .domain
                .as_ref()
                .is_none_or(|d| to.address.domain == *d)
            && filter.next_hop.as_ref().is_none_or(|name| hop(to) == *name)
    };
    let about = filter.recipient.is_some() || filter.domain.is_some() || filter.next_hop.is_some();
    let holding = |to: &Recipient| {
        let holding = doing.holding.as_ref();
        holding.is_some_and(|holding| holding.is_target_held(&hop(to)))
    };
    let standing = if envelope.hold.is_some() {
        Standing::Held
    } else if doing.active.contains(&message.id) {
        Standing::Active
    } else if doing.holding.is_some() && queued().all(holding) {
        Standing::Held
    } else {
        Standing::Deferred
    };
    let in_scope = |domains: &Vec<Domain>| {
        let sender = envelope.reverse_path.mailbox();
        sender.is_some_and(|sender| domains.contains(&sender.domain))
            || (queued().any(|to| domains.contains(&to.address.domain))
                && (!filter.is_whole || queued().all(|to| domains.contains(&to.address.domain))))
    };
    has(&envelope.reverse_path.to_string(), &filter.sender)
        && (!about || queued().any(one))
        && filter.standing.is_none_or(|wanted| wanted == standing)
        && filter.scope.as_ref().is_none_or(in_scope)
        && filter
            .id
            .as_ref()
            .is_none_or(|prefix| message.id.to_string().starts_with(&prefix.to_uppercase()))
        && filter
            .age_max
            .is_none_or(|age| message.id.time() >= wall() - age)
        && filter
            .age_min
            .is_none_or(|age| message.id.time() <= wall() - age)
}

prop_compose! {
    fn any_message(n: u64)(
        sender in select(&SENDERS[..]),
        to in prop::collection::vec((select(&RECIPIENTS[..]), any::<bool>()), 1..4),
        held in prop::bool::weighted(0.2),
    ) -> Message {
        let state = |queued| if queued { State::Queued } else { State::Delivered };
        let to: Vec<_> = to.into_iter().map(|(to, queued)| (to, state(queued))).collect();
        message(n, sender, &to, held)
    }
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.3, select(&TEXTS[..]).prop_map(str::to_owned))
}

fn domains() -> impl Strategy<Value = Domain> {
    select(&["a.example", "b.example", "sub.a.example", "none.example"][..])
        .prop_map(|name| Domain::parse(name).unwrap())
}

prop_compose! {
    fn any_filter()(
        texts in (text(), text()),
        id in prop::option::weighted(0.2, (0..60_u64, 1..13_usize)),
        domain in prop::option::weighted(0.3, domains()),
        next_hop in prop::option::weighted(0.3, select(&["old", "mx:b.example", "local", "no"][..])),
        ages in (prop::option::weighted(0.2, 0..70_u64), prop::option::weighted(0.2, 0..70_u64)),
        standing in prop::option::weighted(0.4, select(
            &[Standing::Active, Standing::Deferred, Standing::Held][..]
        )),
        scope in prop::option::weighted(0.2, prop::collection::vec(domains(), 0..3)),
        is_whole in any::<bool>(),
    ) -> Filter {
        let prefix = |(n, digits): (u64, usize)| tests::id(n).to_string()[..digits].to_lowercase();
        Filter {
            sender: texts.0,
            recipient: texts.1,
            id: id.map(prefix),
            domain,
            next_hop: next_hop.map(str::to_owned),
            age_min: ages.0.map(Duration::from_secs),
            age_max: ages.1.map(Duration::from_secs),
            standing,
            scope,
            is_whole,
        }
    }
}

/// Messages by number, or that one goes.
fn changes() -> impl Strategy<Value = Vec<(u64, Option<Message>)>> {
    let one = (0..60_u64).prop_flat_map(|n| {
        prop_oneof![
            3 => any_message(n).prop_map(move |message| (n, Some(message))),
            1 => Just((n, None)),
        ]
    });
    prop::collection::vec(one, 0..120)
}

proptest! {
    #[test]
    fn a_filter_finds_what_a_look_at_every_message_finds(
        changes in changes(),
        filters in prop::collection::vec(any_filter(), 1..8),
        active in prop::collection::hash_set(0..60_u64, 0..10),
        holds in prop::bool::ANY,
    ) {
        let mut table = Table::default();
        let mut all = BTreeMap::new();
        for (n, change) in changes {
            if let Some(message) = change {
                table.put(&message, hop);
                all.insert(id(n), message);
            } else {
                table.remove(id(n));
                all.remove(&id(n));
            }
        }
        prop_assert_eq!(table.len(), all.len());
        let doing = Doing {
            active: active.into_iter().map(id).collect(),
            holding: Holding::of_targets(holds.then(|| "old".to_owned()).into_iter()),
        };
        for filter in filters {
            let wanted = all.values().filter(|message| naive(message, &filter, &doing));
            let mut wanted: Vec<_> = wanted.map(|message| message.id).collect();
            prop_assert_eq!(&ids(&table, &filter, &doing, false), &wanted, "{:?}", &filter);
            wanted.reverse();
            prop_assert_eq!(ids(&table, &filter, &doing, true), wanted);
        }
    }
}

#[test]
fn segments_split_and_join_without_losing_one() {
    let mut table = Table::default();
    let order = |n: u64| (n * 7919) % 10_007;
    for n in 0..10_007 {
        table.put(
            &message(
                order(n),
                "<s@a.example>",
                &[("e@b.example", State::Queued)],
                false,
            ),
            hop,
        );
    }
    assert!(
        table.segments.len() > 9 && table.segments.values().all(|s| s.ids.len() <= SEGMENT_MAX)
    );
    for n in (0..10_007).filter(|n| n % 50 != 0) {
        table.remove(id(order(n)));
    }
    let mut left: Vec<_> = (0..10_007)
        .filter(|n| n % 50 == 0)
        .map(|n| id(order(n)))
        .collect();
    left.sort();
    assert_eq!(
        ids(&table, &Filter::default(), &Doing::default(), false),
        left
    );
    assert_eq!(table.len(), left.len());
    assert!(
        table.segments.len() < 5,
        "{} segments",
        table.segments.len()
    );
    let octets: usize = table.segments.values().map(|s| s.text.len()).sum();
    assert_eq!(
        octets,
        left.len() * "_<s@a.example>\ne@b.example\t1234\n".len()
    );
}
