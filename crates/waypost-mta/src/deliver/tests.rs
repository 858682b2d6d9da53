mod ahead;
mod peer;
mod secured;

use std::time::SystemTime;

use bytes::Bytes;
use rustls::RootCertStore;
use waypost_directory::{Host, RecipientForm, Secret, TlsPin, TlsPolicy};
use waypost_proto::mail::ReversePath;
use waypost_proto::route::Side;
use waypost_proto::smtp::params::{Body, MailParams};
use waypost_proto::smtp::reply::Severity;
use waypost_spool::{Content, Envelope, Message, QueueId, Recipient};

use super::*;
use crate::clock::ManualClock;
use crate::dns::tests::Table;
use crate::net::Endpoint;
use peer::{Identity, PIPELINING, Peer, polite};

const TARGET: TargetId = TargetId(1);
const BODY: &str = "Subject: x\r\n\r\n.hidden\r\n";

/// Everything that a delivery needs besides a peer.
struct Site {
    settings: Settings,
    target: Target,
    dns: Table,
    listening: Listening,
    roots: Option<RootCertStore>,
    clock: Arc<ManualClock>,
}

impl Site {
    fn new(peer: &Peer) -> Self {
        Self {
            settings: Settings {
                hostname: Domain::parse("here.example").unwrap(),
                source: None,
                smart_host: None,
                lmtp: None,
                mta_sts: false,
                limits: Limits::default(),
            },
            target: Target {
                id: TARGET,
                name: "old".into(),
                host: Host::Address(peer.address.ip()),
                port: peer.address.port(),
                sources: Vec::new(),
                tls: TlsPolicy::Opportunistic,
                tls_pin: None,
                username: String::new(),
                password: Secret::default(),
                connections: 20,
                recipient: RecipientForm::Original,
                smart_host_on_error: false,
                cut_through: true,
                client_pin: None,
                client_login: String::new(),
                client_password: None,
                implicit: false,
                minger: None,
            },
            dns: Table::default(),
            listening: Listening::default(),
            roots: None,
            clock: Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH)),
        }
    }

    fn named(mut self, name: &str) -> Self {
        self.target.host = Host::Name(Domain::parse(name).unwrap());
        self
    }

    fn tls(mut self, policy: TlsPolicy) -> Self {
        self.target.tls = policy;
        self
    }

    fn login(mut self) -> Self {
        self.target.username = "user".into();
        self.target.password = Secret::new("pass");
        self
    }

    fn deliverer(self) -> Deliverer {
        let target = self.target;
        let parts = Parts {
            targets: Box::new(move |id| (id == TARGET).then(|| target.clone())),
            dns: Dns::asking(self.dns),
            listening: self.listening,
            clock: self.clock,
            roots: self.roots,
            keep_policies: None,
        };
        Deliverer::new(self.settings, parts)
    }
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).unwrap()
}

fn job(recipients: &[&str]) -> Job {
    let at = SystemTime::UNIX_EPOCH;
    let accepted = recipients
        .iter()
        .map(|r| Recipient::new(mailbox(r), at, at));
    let envelope = Envelope {
        reverse_path: ReversePath::Null,
        params: MailParams::default(),
        side: Side::Stranger,
        client: "unknown[192.0.2.1]".into(),
        protocol: "ESMTP".into(),
        message_key: "key".into(),
        recipients: accepted.collect(),
        hold: None,
        signatures: String::new(),
    };
    let each = recipients
        .iter()
        .enumerate()
        .map(|(index, address)| JobRecipient {
            index,
            address: mailbox(address),
            params: RcptParams::default(),
            destination: None,
        });
    Job {
        message: Arc::new(Message {
            id: QueueId::from_number(1 << 20).unwrap(),
            arrived: at,
            size: BODY.len() as u64,
            envelope,
        }),
        content: Content::Memory(Bytes::from_static(BODY.as_bytes())),
        next_hop: NextHop::Target(TARGET),
        reverse_path: ReversePath::parse("<s@example.com>").unwrap(),
        recipients: each.collect(),
        front: b"Waypost-Trace: x\r\n".to_vec(),
    }
}

/// One word or two per recipient: `sent`, or the status and whether it was said to RCPT.
fn words(outcomes: &[Outcome]) -> Vec<String> {
    let word = |outcome: &Outcome| match &outcome.result {
        Ok(_) => String::from("sent"),
        Err(trouble) if trouble.at_rcpt => format!("{} rcpt", trouble.status),
        Err(trouble) => {
            let class = if trouble.severity == Severity::Transient {
                4
            } else {
                5
            };
            assert_eq!(trouble.status.class, class);
            trouble.status.to_string()
        }
    };
    outcomes.iter().map(word).collect()
}

async fn attempt(deliverer: &Deliverer) -> Vec<String> {
    words(&deliverer.attempt(&job(&["a@x.org"])).await)
}

#[tokio::test]
async fn hands_a_message_over_with_one_answer_per_recipient() {
    let peer = Peer::start(|_, line| match line {
        "RCPT TO:<b@x.org>" => Some("550 5.1.1 no such user".into()),
        _ => Some(polite(PIPELINING, line)),
    })
    .await;
    let outcomes = Site::new(&peer)
        .deliverer()
        .attempt(&job(&["a@x.org", "b@x.org", "c@x.org"]))
        .await;
    assert_eq!(words(&outcomes), ["sent", "5.1.1 rcpt", "sent"]);
    let delivered = outcomes[0].result.as_ref().unwrap();
    assert_eq!(
        delivered.host,
        format!("127.0.0.1[127.0.0.1]:{}", peer.address.port())
    );
    let log = peer.log();
    assert_eq!(log[2], "MAIL FROM:<s@example.com>");
    assert_eq!(
        log[7],
        "Waypost-Trace: x\r\nSubject: x\r\n\r\n..hidden\r\n.\r\n"
    );
}

#[tokio::test]
async fn sends_counted_content_as_it_is() {
    let peer = Peer::polite("250-CHUNKING\n250-DSN\n250 SIZE").await;
    assert_eq!(attempt(&Site::new(&peer).deliverer()).await, ["sent"]);
    let log = peer.log();
    let whole = format!("Waypost-Trace: x\r\n{BODY}");
    assert_eq!(
        log[2],
        format!("MAIL FROM:<s@example.com> SIZE={}", whole.len())
    );
    assert_eq!(log[3], "RCPT TO:<a@x.org> ORCPT=rfc822;a@x.org");
    assert_eq!(log.last(), Some(&whole));
}

#[tokio::test]
async fn uses_a_connection_again_until_it_is_worn_or_old() {
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer);
    site.settings.limits.messages_per_connection = 3;
    let (clock, idle) = (site.clock.clone(), site.settings.limits.idle);
    let deliverer = site.deliverer();
    for connections in [1, 1, 1, 2] {
        assert_eq!(attempt(&deliverer).await, ["sent"]);
        assert_eq!(peer.connections(), connections);
    }
    clock.advance(idle);
    assert_eq!(attempt(&deliverer).await, ["sent"]);
    assert_eq!((peer.connections(), peer.heard("EHLO")), (3, 3));
}

#[tokio::test]
async fn a_kept_connection_that_ended_is_replaced_without_a_word() {
    for bye in [None, Some("421 4.4.2 idle for too long")] {
        let second_mail = std::sync::atomic::AtomicUsize::new(0);
        let peer = Peer::start(move |number, line| {
            let is_mail = number == 0 && line.starts_with("MAIL");
            if is_mail && second_mail.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0 {
                return bye.map(String::from);
            }
            Some(polite(PIPELINING, line))
        })
        .await;
        let deliverer = Site::new(&peer).deliverer();
        assert_eq!(attempt(&deliverer).await, ["sent"]);
        assert_eq!(attempt(&deliverer).await, ["sent"], "{bye:?}");
        assert_eq!(peer.connections(), 2);
    }
}

#[tokio::test]
async fn a_changed_target_is_not_spoken_to_over_an_old_connection() {
    let peer = Peer::polite(PIPELINING).await;
    let deliverer = Site::new(&peer).deliverer();
    assert_eq!(attempt(&deliverer).await, ["sent"]);
    let mut changed = Remote::new(Host::Address(peer.address.ip()), peer.address.port());
    changed.username = "user".into();
    let way = Way::remote(changed);
    assert!(
        deliverer
            .0
            .pool
            .take(&NextHop::Target(TARGET), &way)
            .is_none()
    );
    assert_eq!(deliverer.0.pool.idle(), 0);
}

#[tokio::test]
async fn tries_the_next_address_when_one_does_not_answer() {
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer).named("mx.example");
    site.dns = site.dns.host("mx.example", &["127.0.0.77", "127.0.0.1"]);
    assert_eq!(attempt(&site.deliverer()).await, ["sent"]);
}

#[tokio::test]
async fn tells_a_host_that_was_not_reached_from_one_that_refused() {
    let peer = Peer::start(|_, _| None).await;
    let silent = Site::new(&peer)
        .deliverer()
        .attempt(&job(&["a@x.org"]))
        .await;
    let mut site = Site::new(&peer);
    site.target.host = Host::Address([127, 0, 0, 77].into());
    let absent = site.deliverer().attempt(&job(&["a@x.org"])).await;
    for outcome in [&silent[0], &absent[0]] {
        let trouble = outcome.result.as_ref().unwrap_err();
        assert_eq!((trouble.host.as_str(), trouble.status.subject), ("", 4));
    }
}

#[tokio::test]
async fn asks_the_mx_hosts_of_a_target_that_says_so() {
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer);
    site.target.host = Host::Mx(Domain::parse("old.example").unwrap());
    site.dns = site
        .dns
        .mx("old.example", &[(20, "mx.example"), (10, "gone.example")])
        .host("mx.example", &["127.0.0.1"]);
    assert_eq!(attempt(&site.deliverer()).await, ["sent"]);
}

#[tokio::test]
async fn reaches_hosts_over_ipv6() {
    let peer = Peer::at("[::1]:0", None, |_, line| Some(polite(PIPELINING, line))).await;
    assert_eq!(attempt(&Site::new(&peer).deliverer()).await, ["sent"]);
}

#[tokio::test]
async fn connects_from_the_configured_address() {
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer);
    site.settings.source = Some([127, 0, 0, 2].into());
    assert_eq!(attempt(&site.deliverer()).await, ["sent"]);
    assert_eq!(peer.heard("from 127.0.0.2"), 1);
}

#[tokio::test]
async fn a_configured_host_that_will_not_talk_is_tried_again_later() {
    for greeting in ["554 5.7.1 go away", "SSH-2.0-OpenSSH"] {
        let peer = Peer::start(move |_, _| Some(greeting.into())).await;
        let words = attempt(&Site::new(&peer).deliverer()).await;
        assert!(words[0].starts_with("4."), "{words:?}");
    }
}

#[tokio::test]
async fn what_a_host_could_not_say_is_asked_of_the_next() {
    for stage in ["MAIL", "RCPT", "DATA"] {
        let peer = Peer::start(move |number, line| {
            (number > 0 || !line.starts_with(stage)).then(|| polite(PIPELINING, line))
        })
        .await;
        let mut site = Site::new(&peer).named("mx.example");
        site.dns = site.dns.host("mx.example", &["127.0.0.1", "127.0.0.1"]);
        assert_eq!(attempt(&site.deliverer()).await, ["sent"], "{stage}");
        assert_eq!(peer.connections(), 2);
    }
}

#[tokio::test]
async fn a_lost_final_reply_passes_and_no_other_host_is_asked() {
    let peer = Peer::start(|_, line| (line != ".").then(|| polite(PIPELINING, line))).await;
    let mut site = Site::new(&peer).named("mx.example");
    site.dns = site.dns.host("mx.example", &["127.0.0.1", "127.0.0.1"]);
    assert_eq!(attempt(&site.deliverer()).await, ["4.4.2"]);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn refusals_keep_their_meaning() {
    for (command, reply, word) in [
        ("MAIL", "452 4.3.1 full", "4.3.1"),
        ("MAIL", "550 5.7.1 no", "5.7.1"),
        ("RCPT", "450 4.2.1 later", "4.2.1 rcpt"),
        ("RCPT", "550 no", "5.0.0 rcpt"),
        ("RCPT", "552 too many", "4.0.0 rcpt"),
        ("RCPT", "552 5.2.2 full", "5.2.2 rcpt"),
        ("DATA", "554 5.5.1 no", "5.5.1"),
        (".", "552 5.3.4 too big", "5.3.4"),
        (".", "451 4.3.0 later", "4.3.0"),
        (".", "250-mixed\r\n550 codes", "4.4.2"),
        (".", "354 what", "4.0.0"),
    ] {
        let peer = Peer::start(move |_, line| {
            let is_it = !line.is_empty() && line.starts_with(command);
            Some(if is_it {
                reply.into()
            } else {
                polite(PIPELINING, line)
            })
        })
        .await;
        assert_eq!(
            attempt(&Site::new(&peer).deliverer()).await,
            [word],
            "{command} {reply}"
        );
    }
}

#[tokio::test]
async fn what_the_host_cannot_take_is_refused_here() {
    let peer = Peer::polite("250 SIZE 10").await;
    assert_eq!(attempt(&Site::new(&peer).deliverer()).await, ["5.3.4"]);
    let peer = Peer::polite(PIPELINING).await;
    let deliverer = Site::new(&peer).deliverer();
    let outcomes = deliverer.attempt(&job(&["jürgen@x.org"])).await;
    assert_eq!(words(&outcomes), ["5.6.7"]);
    let mut eight_bit = job(&["a@x.org"]);
    let message = Arc::get_mut(&mut eight_bit.message).unwrap();
    message.envelope.params.body = Body::EightBitMime;
    assert_eq!(words(&deliverer.attempt(&eight_bit).await), ["5.6.3"]);
    assert_eq!(attempt(&deliverer).await, ["sent"]);
    assert_eq!(peer.connections(), 1, "the connection is as good as before");
}

#[tokio::test]
async fn local_mail_has_one_answer_per_recipient_over_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lmtp");
    let peer = Peer::unix(&path, |_, line| match line {
        "." => Some("250 2.0.0 saved\r\n452 4.2.2 full".into()),
        _ => Some(polite(PIPELINING, line)),
    });
    let mut site = Site::new(&peer);
    site.settings.lmtp = Some(Lmtp {
        endpoint: Endpoint::Unix(path),
        delimiter: Some('+'),
    });
    let job = Job {
        next_hop: NextHop::Lmtp,
        ..job(&["a@x.org", "b@x.org"])
    };
    let outcomes = site.deliverer().attempt(&job).await;
    assert_eq!(words(&outcomes), ["sent", "4.2.2"]);
    assert_eq!((peer.heard("LHLO"), peer.heard("EHLO")), (1, 0));
}

#[tokio::test]
async fn asks_about_recipients_over_one_connection_and_sends_nothing() {
    let peer = Peer::start(|_, line| match line {
        "RCPT TO:<b@x.org>" => Some("550 5.1.1 no".into()),
        "RCPT TO:<c@x.org>" => Some("451 4.3.0 later".into()),
        _ => Some(polite(PIPELINING, line)),
    })
    .await;
    let deliverer = Site::new(&peer).deliverer();
    for (address, code) in [("a@x.org", 250), ("b@x.org", 550), ("c@x.org", 451)] {
        let reply = deliverer.callout(TARGET, &mailbox(address)).await.unwrap();
        assert_eq!(reply.code, code);
    }
    assert_eq!(attempt(&deliverer).await, ["sent"]);
    assert_eq!((peer.connections(), peer.heard("MAIL FROM:<>")), (1, 3));
    assert_eq!(peer.heard("DATA"), 1);
}

#[tokio::test]
async fn a_target_that_takes_no_null_sender_says_nothing_about_a_recipient() {
    let peer = Peer::start(|_, line| match line.get(..4) {
        Some("MAIL") => Some("550 5.1.8 no null senders here".into()),
        _ => Some(polite(PIPELINING, line)),
    })
    .await;
    let deliverer = Site::new(&peer).deliverer();
    let trouble = deliverer
        .callout(TARGET, &mailbox("a@x.org"))
        .await
        .unwrap_err();
    assert!(!trouble.at_rcpt && trouble.reply.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_callout_ends_when_the_target_is_silent() {
    // Nobody accepts, so that nothing happens but time.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer);
    site.target.port = silent.local_addr().unwrap().port();
    let trouble = site.deliverer().callout(TARGET, &mailbox("a@x.org")).await;
    assert!(trouble.unwrap_err().is_transient());
}

async fn attempt_mx(site: Site, domain: &str) -> Vec<String> {
    let job = Job {
        next_hop: NextHop::Mx(Domain::parse(domain).unwrap()),
        ..job(&["a@x.org"])
    };
    words(&site.deliverer().attempt(&job).await)
}

#[tokio::test]
async fn what_dns_says_of_a_domain_decides_whether_to_wait() {
    let peer = Peer::polite(PIPELINING).await;
    for (domain, word) in [
        ("null.example", "5.1.10"),
        ("gone.example", "5.1.2"),
        ("broken.example", "4.4.3"),
        ("lost.example", "5.4.4"),
        ("half.example", "4.4.3"),
        ("loop.example", "5.4.6"),
        ("backup.example", "5.4.6"),
        ("better.example", "4.4.3"),
        ("[127.0.0.1]", "5.4.6"),
    ] {
        let mut site = Site::new(&peer);
        site.listening = Listening(vec!["127.0.0.1:25".parse().unwrap()]);
        site.dns = Table::default()
            .mx("null.example", &[(0, ".")])
            .mx("lost.example", &[(1, "gone.example")])
            .mx(
                "half.example",
                &[(1, "broken.example"), (2, "gone.example")],
            )
            .mx("loop.example", &[(1, "self.example")])
            .host("self.example", &["127.0.0.1"])
            .mx(
                "better.example",
                &[(1, "broken.example"), (2, "self.example")],
            )
            .mx("backup.example", &[(1, "here.example"), (2, "far.example")])
            .host("far.example", &["192.0.2.1"]);
        assert_eq!(attempt_mx(site, domain).await, [word], "{domain}");
    }
}

#[tokio::test]
async fn never_hands_mail_of_a_target_back_to_this_server() {
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer);
    site.listening = Listening(vec![peer.address]);
    assert_eq!(attempt(&site.deliverer()).await, ["4.4.6"]);
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_next_hop_that_is_not_configured_any_more_defers() {
    let peer = Peer::polite(PIPELINING).await;
    let deliverer = Site::new(&peer).deliverer();
    for next_hop in [
        NextHop::SmartHost,
        NextHop::Lmtp,
        NextHop::Target(TargetId(9)),
    ] {
        let job = Job {
            next_hop,
            ..job(&["a@x.org", "b@x.org"])
        };
        assert_eq!(words(&deliverer.attempt(&job).await), ["4.3.5", "4.3.5"]);
    }
}

#[tokio::test]
async fn a_megabyte_of_dots_arrives_whole() {
    let peer = Peer::polite(PIPELINING).await;
    let content = ".dot\r\n".repeat(180_000);
    let job = Job {
        content: Content::Memory(Bytes::from(content.clone())),
        front: Vec::new(),
        ..job(&["a@x.org"])
    };
    let outcomes = Site::new(&peer).deliverer().attempt(&job).await;
    assert_eq!(words(&outcomes), ["sent"]);
    let wire = content.replace(".dot", "..dot") + ".\r\n";
    assert!(peer.log().contains(&wire));
}
