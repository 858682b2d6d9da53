//! The four hot paths, each without runtime, sockets and disk, for counting their instructions:
//! `make instructions`.
//!
//! `hot_paths NAME` walks a path so often that what comes before hardly counts; valgrind collects
//! inside the function of that name only.

use std::error::Error;
use std::future::Future;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use waypost_directory::{
    Actor, Address, Directory, DomainRecord, Edit, Host, MailType, Nowhere, Object, Quota, Relay,
    TargetRecord, UserRecord, When,
};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::minger::Rates;
use waypost_mta::minger::decide::{self, Facts, Reaction, Received};
use waypost_mta::minger::peers::Peers;
use waypost_mta::minger::rate::Limits;
use waypost_mta::resolve::{
    Ask, Asked, CacheSettings, KeepNothing, Parts, Question, Request, Resolver, Said, Settings,
};
use waypost_mta::trace::Tracer;
use waypost_proto::mail::trace::{ReceivedFacts, received};
use waypost_proto::mail::{Domain, ForwardPath, Mailbox, ReversePath, header};
use waypost_proto::minger::{Answer, Query, Secret};
use waypost_proto::net::Network;
use waypost_proto::route::{Side, TargetId, Via};
use waypost_proto::smtp::client::{self, ContentWriter, Mail, Rcpt};
use waypost_proto::smtp::params::{MailParams, RcptParams};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::server::{Event, Offer, Protocol, Session};
use waypost_spool::{Envelope, QueueId, Recipient};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// So often each path is walked; `make/instructions.sh` divides by it.
const WALKS: usize = 100;
/// Users in the directory: enough for tables that are no toys, few enough for valgrind.
const USERS: usize = 2_000;
/// Octets of content.
const CONTENT: usize = 10_000;
/// What arrives at once.
const READ: usize = 16 * 1024;
const SECRET: &str = "hot-paths-of-waypost";

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    match path.as_str() {
        "rcpt_decision" => {
            let data = tempfile::tempdir()?;
            let directory = directory(&data)?;
            rcpt_decision(&resolver(directory)?, &recipients()?)
        }
        "accept_10_kb" => accept_10_kb(&dialogue()),
        "deliver_10_kb" => deliver_10_kb(content().as_bytes()),
        "minger_answer" => {
            let data = tempfile::tempdir()?;
            minger_answer(&*directory(&data)?, &queries()?)
        }
        _ => Err("usage: hot_paths rcpt_decision|accept_10_kb|deliver_10_kb|minger_answer".into()),
    }
}

/// RCPT: local, third-party, under an alias with a tag, unknown, in turn.
#[inline(never)]
fn rcpt_decision(resolver: &Resolver, recipients: &[Mailbox]) -> Result<()> {
    let mut context = Context::from_waker(Waker::noop());
    for recipient in recipients.iter().cycle().take(WALKS) {
        let request = Request::at_rcpt(recipient, &Side::Stranger);
        let Poll::Ready(decided) = pin!(resolver.decide(&request)).poll(&mut context) else {
            return Err("somebody was asked".into());
        };
        black_box(decided.reply());
    }
    Ok(())
}

/// A message from EHLO to QUIT, its header read, its check sum made, its envelope written down.
#[inline(never)]
fn accept_10_kb(dialogue: &[u8]) -> Result<()> {
    for number in 1..=WALKS as u64 {
        let id = QueueId::from_number(number << 40).ok_or("no id")?;
        black_box(accept(dialogue, id)?);
    }
    Ok(())
}

/// A message from EHLO to QUIT, with its trace field, to a server that pipelines.
#[inline(never)]
fn deliver_10_kb(content: &[u8]) -> Result<()> {
    let tracer = Tracer::new("mx1.example.com", &[7; 32]);
    for _ in 0..WALKS {
        black_box(deliver(content, &tracer)?);
    }
    Ok(())
}

/// Questions with a digest, about addresses that are here and some that are not.
#[inline(never)]
fn minger_answer(directory: &Directory, queries: &[String]) -> Result<()> {
    let settings = waypost_mta::minger::Settings {
        secrets: vec![Secret::parse(SECRET)?],
        anonymous: false,
        allow: vec![Network::parse("127.0.0.0/8").map_err(|e| format!("{e:?}"))?],
        outside_aliases_active: true,
        test_mailbox: false,
        delimiter: Some('+'),
        rates: Rates::default(),
    };
    let snapshot = directory.snapshot();
    let facts = Facts {
        snapshot: &snapshot,
        caller: None,
        peers: &Peers::of(&snapshot),
        settings: &settings,
        measured: false,
    };
    let limits = Limits::new(Rates {
        network: 0,
        strangers: 0,
        refused: 0,
        ..Rates::default()
    });
    let mut out = Vec::new();
    for query in queries.iter().cycle().take(WALKS) {
        let received = Received {
            octets: query.as_bytes(),
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
            now: SystemClock.now(),
        };
        let Reaction::Answer(address, status) = decide::decide(received, &facts, &limits).reaction
        else {
            return Err("a question was not answered".into());
        };
        out.clear();
        let address = &address;
        Answer { address, status }.write_to(&mut out);
        black_box(&out);
    }
    Ok(())
}

fn accept(dialogue: &[u8], id: QueueId) -> Result<Vec<u8>> {
    let mut session = Session::new("mx1.example.com", Offer::new(Protocol::Smtp));
    session.greet(None);
    let (mut scan, mut content) = (header::Scan::new(), Vec::new());
    let (mut from, mut to) = (ReversePath::Null, Vec::new());
    let mut stored = Vec::new();
    let mut rest = dialogue;
    loop {
        while let Some(event) = session.event() {
            match event {
                Event::Mail { reverse_path, .. } => {
                    from = reverse_path;
                    session.answer(&replies::sender_ok());
                }
                Event::Rcpt { forward_path, .. } => {
                    if let ForwardPath::Mailbox(mailbox) = forward_path {
                        to.push(mailbox);
                    }
                    session.answer(&replies::recipient_ok());
                }
                Event::DataStart => {
                    received(&facts(&id.to_string(), to.first()), &mut content);
                    session.answer(&replies::start_mail_input());
                }
                Event::Content => {
                    scan.feed(session.content());
                    content.extend_from_slice(session.content());
                }
                Event::ContentEnd { .. } => {
                    scan.finish();
                    black_box(crc32fast::hash(&content));
                    let key = scan.message_id().unwrap_or_default();
                    stored = envelope(&from, &to, key).to_stored(id);
                    session.answer(&replies::message_accepted(&id.to_string()));
                }
                _ => {}
            }
        }
        black_box(session.output()).clear();
        if rest.is_empty() || session.is_closed() {
            break;
        }
        let count = session.receive(&rest[..rest.len().min(READ)]);
        rest = &rest[count..];
    }
    if content.len() < CONTENT || stored.is_empty() {
        return Err("the message was not taken".into());
    }
    Ok(content)
}

fn deliver(content: &[u8], tracer: &Tracer) -> Result<usize> {
    let (from, to) = (
        ReversePath::parse("<sender@example.net>")?,
        Mailbox::parse("third7@example.com")?,
    );
    let mut session = client::Session::new(client::Dialect::Smtp, "mx1.example.com");
    for line in [
        "220 old.example.com ESMTP\r\n",
        "250-old.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 20000000\r\n",
    ] {
        session
            .receive(line.as_bytes())
            .map_err(|e| format!("{e:?}"))?;
        session.output().clear();
    }
    let field = tracer.field("<1@example.net>", Via::Target(TargetId(1)), [&to]);
    let mut front = Vec::new();
    field.write_to(&mut front);
    let (params, rcpt_params) = (MailParams::default(), RcptParams::default());
    let mail = Mail {
        reverse_path: &from,
        params: &params,
        size: Some((front.len() + content.len()) as u64),
        recipients: vec![Rcpt {
            address: &to,
            params: &rcpt_params,
        }],
    };
    session.send_mail(&mail).map_err(|e| format!("{e:?}"))?;
    session
        .receive(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go on\r\n")
        .map_err(|e| format!("{e:?}"))?;
    let mut written = 0;
    while let Some(event) = session.event() {
        if let client::Event::Content(transfer) = event {
            let mut writer = ContentWriter::new(transfer);
            let pieces = writer.pieces(&front).map(<[u8]>::len);
            written += pieces.sum::<usize>();
            written += writer.pieces(content).map(<[u8]>::len).sum::<usize>();
            written += writer.end().len();
            session.content_sent();
            session
                .receive(b"250 2.0.0 Ok: queued\r\n")
                .map_err(|e| format!("{e:?}"))?;
        }
    }
    if written < CONTENT || session.fates().len() != 1 {
        return Err("the message was not delivered".into());
    }
    Ok(written)
}

fn facts<'a>(id: &'a str, recipient: Option<&'a Mailbox>) -> ReceivedFacts<'a> {
    ReceivedFacts {
        helo: Some("client.example.net"),
        client_name: Some("client.example.net"),
        client_address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        by: "mx1.example.com",
        protocol: "ESMTP",
        tls: None,
        id,
        recipient,
        at: SystemTime::UNIX_EPOCH,
    }
}

fn envelope(from: &ReversePath, to: &[Mailbox], key: &str) -> Envelope {
    let now = SystemTime::UNIX_EPOCH;
    let recipients = to.iter().map(|to| Recipient::new(to.clone(), now, now));
    Envelope {
        reverse_path: from.clone(),
        params: MailParams::default(),
        side: Side::Stranger,
        client: "client.example.net[192.0.2.1]".to_owned(),
        protocol: "ESMTP".to_owned(),
        message_key: key.to_owned(),
        recipients: recipients.collect(),
        hold: None,
        signatures: String::new(),
    }
}

/// Ten kilobytes in lines of 75 characters, a few of which begin with a dot.
fn content() -> String {
    let mut text = "From: Sender <sender@example.net>\r\nTo: third7@example.com\r\n\
        Subject: What was said on Tuesday\r\nMessage-ID: <1@example.net>\r\n\
        Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nMIME-Version: 1.0\r\n\r\n"
        .to_owned();
    for number in 0_usize.. {
        let dot = if number % 20 == 7 { "." } else { "x" };
        text.push_str(&format!("{dot}{}\r\n", "y".repeat(74)));
        if text.len() >= CONTENT {
            break;
        }
    }
    text
}

fn dialogue() -> Vec<u8> {
    let body = content().replace("\r\n.", "\r\n..");
    format!(
        "EHLO client.example.net\r\nMAIL FROM:<sender@example.net> SIZE=10000\r\n\
        RCPT TO:<third7@example.com>\r\nDATA\r\n{body}.\r\nQUIT\r\n"
    )
    .into_bytes()
}

fn recipients() -> Result<Vec<Mailbox>> {
    let forms = [
        "local{}@example.com",
        "third{}@example.com",
        "Local{}+tag@example.org",
        "nobody{}@example.com",
    ];
    let texts = (0..WALKS).map(|n| forms[n % forms.len()].replace("{}", &n.to_string()));
    Ok(texts
        .map(|text| Mailbox::parse(&text))
        .collect::<std::result::Result<_, _>>()?)
}

fn queries() -> Result<Vec<String>> {
    let secret = Secret::parse(SECRET)?;
    let query = |mailbox: &Mailbox| Query::new(mailbox, Some(&secret)).map(|q| q.to_string());
    let recipients = recipients()?;
    let queries: std::result::Result<Vec<_>, _> = recipients.iter().map(query).collect();
    queries.map_err(|error| format!("{error:?}").into())
}

/// A relay that is silent.
struct Silent;

impl Ask for Silent {
    fn ask<'a>(&'a self, _: &'a Question) -> Asked<'a> {
        Box::pin(async { Said::nothing() })
    }
}

fn resolver(directory: Arc<Directory>) -> Result<Resolver> {
    let (resolver, _background) = Resolver::new(Parts {
        snapshots: Arc::new(move || directory.snapshot()),
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
    Ok(resolver)
}

fn directory(data: &tempfile::TempDir) -> Result<Arc<Directory>> {
    let directory = Directory::open(&data.path().join("directory"))?;
    let domain = Domain::parse("example.com")?;
    let mut objects = vec![
        Object::Target(TargetRecord::new("old", Host::parse("10.0.0.7")?)),
        Object::Domain(DomainRecord {
            aliases: vec![Domain::parse("example.org")?],
            relay: Some(Relay::Target("old".to_owned())),
            quota: Quota::default(),
            ..DomainRecord::new(domain.clone())
        }),
    ];
    for n in 0..USERS / 2 {
        for (name, mail) in [("local", MailType::Local), ("third", MailType::ThirdParty)] {
            let login = format!("{name}{n}");
            objects.push(Object::User(UserRecord {
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
    let edits = objects
        .into_iter()
        .map(|object| Edit::Put(object, When::Any));
    directory.edit(&actor, &Nowhere, &edits.collect::<Vec<_>>())?;
    Ok(Arc::new(directory))
}
