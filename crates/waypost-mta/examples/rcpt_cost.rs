//! What a decision at RCPT costs, with as many users as the first argument says (100,000).
//!
//! `cargo run --release -p waypost-mta --example rcpt_cost`

use std::error::Error;
use std::future::Future;
use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use waypost_directory::{
    Actor, Address, Directory, DomainRecord, Edit, Host, MailType, Nowhere, Object, Relay,
    TargetRecord, UserRecord, When,
};
use waypost_mta::clock::{Clock, SystemClock};
use waypost_mta::resolve::{
    Ask, Asked, CacheSettings, KeepNothing, Parts, Question, Request, Resolver, Said, Settings,
};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::Side;

const DEFAULT_USERS: usize = 100_000;
const ROUNDS: usize = 1_000_000;
/// Users in one edit.
const EDIT: usize = 10_000;

/// A relay that is silent.
struct Silent;

impl Ask for Silent {
    fn ask<'a>(&'a self, _: &'a Question) -> Asked<'a> {
        Box::pin(async { Said::nothing() })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let users = std::env::args()
        .nth(1)
        .map_or(Ok(DEFAULT_USERS), |n| n.parse())?;
    let data = tempfile::tempdir()?;
    let directory = Arc::new(Directory::open(&data.path().join("directory"))?);
    fill(&directory, users)?;
    let snapshots = Arc::clone(&directory);
    let (resolver, _background) = Resolver::new(Parts {
        snapshots: Arc::new(move || snapshots.snapshot()),
        here: Arc::new(Nowhere),
        ask: Arc::new(Silent),
        keep: Arc::new(KeepNothing),
        clock: Arc::new(SystemClock),
        settings: Settings {
            postmaster: Mailbox::parse("postmaster@mx1.example.com")?,
            delimiter: Some('+'),
            smart_host: false,
        },
        cache: CacheSettings {
            positive: Duration::from_secs(60),
            refresh: Duration::from_secs(60),
            negative: Duration::from_secs(60),
            entries: 1000,
            wait: Duration::from_secs(1),
        },
    });
    for (what, form) in [
        ("local", "local{}@example.com"),
        ("local, all names, tag", "Local{}+tag@example.org"),
        ("third-party", "third{}@example.org"),
        ("unknown", "nobody{}@example.com"),
    ] {
        measure(&resolver, what, form, users)?;
    }
    Ok(())
}

fn fill(directory: &Directory, users: usize) -> Result<(), Box<dyn Error>> {
    let domain = Domain::parse("example.com")?;
    let mut edits = vec![
        Object::Target(TargetRecord::new("old", Host::parse("10.0.0.7")?)),
        Object::Domain(DomainRecord {
            aliases: vec![Domain::parse("example.org")?],
            relay: Some(Relay::Target("old".to_owned())),
            ..DomainRecord::new(domain.clone())
        }),
    ];
    for n in 0..users / 2 {
        for (name, mail) in [("local", MailType::Local), ("third", MailType::ThirdParty)] {
            let login = format!("{name}{n}");
            edits.push(Object::User(UserRecord {
                mail,
                addresses: vec![Address::parse(&format!("{login}@*"))?],
                ..UserRecord::new(domain.clone(), login)
            }));
        }
    }
    let actor = Actor {
        name: "example",
        from: "command line",
        at: SystemTime::UNIX_EPOCH,
    };
    let edits: Vec<_> = edits
        .into_iter()
        .map(|object| Edit::Put(object, When::Any))
        .collect();
    for edits in edits.chunks(EDIT) {
        directory.edit(&actor, &Nowhere, edits)?;
    }
    Ok(())
}

fn measure(
    resolver: &Resolver,
    what: &str,
    form: &str,
    users: usize,
) -> Result<(), Box<dyn Error>> {
    let recipients = (0..users / 2)
        .step_by(7)
        .map(|n| form.replace("{}", &n.to_string()));
    let recipients = recipients
        .map(|text| Mailbox::parse(&text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut context = Context::from_waker(Waker::noop());
    let start = SystemClock.now();
    for recipient in recipients.iter().cycle().take(ROUNDS) {
        let request = Request::at_rcpt(recipient, &Side::Stranger);
        let Poll::Ready(decided) = pin!(resolver.decide(&request)).poll(&mut context) else {
            return Err("somebody was asked".into());
        };
        std::hint::black_box(decided);
    }
    let each = start.elapsed() / u32::try_from(ROUNDS)?;
    writeln!(std::io::stdout(), "{what:<24} {each:?}")?;
    Ok(())
}
