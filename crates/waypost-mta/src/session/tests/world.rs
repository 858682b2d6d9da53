//! A site with a split domain, and clients that talk to it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use waypost_directory::{
    Actor, Address, Directory, DomainRecord, Edit, GroupRecord, Host, MailType, Nowhere, Object,
    PasswordHash, Relay, TargetRecord, UserRecord, When,
};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::net::Network;
use waypost_proto::route::{Side, TargetId};
use waypost_proto::smtp::reply::RemoteReply;
use waypost_spool::{Committed, Envelope, Spool, Staged};

use crate::auth::{Login, LoginError, Logins};
use crate::clock::{Clock, SystemClock};
use crate::custody::{Begun, Custody, Take, Taking};
use crate::limits::Limits;
use crate::policy::Service;
use crate::resolve::{self, Ask, Asked, CacheSettings, KeepNothing, Question, Resolver, Said};
use crate::session::{
    Caller, Callers, Door, Parts, Phase, Settings, Shared, Used, Wrapping, serve,
};
use crate::tls::{Certificate, Source};
use crate::trace::Tracer;

pub(crate) const SMTP: Door = Door {
    service: Service::Smtp,
    wrapping: Wrapping::OnRequest,
};
pub(crate) const SUBMISSION: Door = Door {
    service: Service::Submission,
    wrapping: Wrapping::OnRequest,
};
pub(crate) const SUBMISSIONS: Door = Door {
    service: Service::Submission,
    wrapping: Wrapping::Implicit,
};
pub(crate) const LMTP: Door = Door {
    service: Service::Lmtp,
    wrapping: Wrapping::None,
};

/// Nobody in particular.
pub(crate) const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// A client of a trusted network, who may speak for others too.
pub(crate) const TRUSTED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The relay of split.example.
pub(crate) const RELAY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

pub(crate) const PASSWORD: &str = "correct horse";
const SECRET: [u8; 32] = [7; 32];

pub(crate) fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// The relay: has `known*`, is not to be asked about `busy*`, and knows nobody else.
#[derive(Default)]
pub(crate) struct Relayed {
    asked: AtomicUsize,
    at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl Ask for Relayed {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            let (code, text) = match question.address.local.as_str() {
                local if local.starts_with("known") => (250, "2.1.5 Ok"),
                local if local.starts_with("busy") => (451, "4.3.0 later"),
                _ => (550, "5.1.1 no such user"),
            };
            Said::in_reply(RemoteReply::new(code, [text.as_bytes()]))
        })
    }
}

/// Stores messages, and nothing else.
struct Keeper(Spool, Arc<Mutex<Vec<Committed>>>);

impl Take for Keeper {
    fn take(&self, staged: Staged, envelope: Envelope, _: Option<Begun>) -> Taking<'_> {
        Box::pin(async move {
            let committed = self.0.commit(staged, envelope).await?;
            self.1.lock().unwrap().push(committed.clone());
            Ok(Custody::Ours(committed))
        })
    }
}

/// What a test may change about a site before it starts.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) limits: Limits,
    pub(crate) spool: waypost_spool::Settings,
    pub(crate) custody: Option<Arc<dyn Take>>,
    pub(crate) used: Option<Arc<Used>>,
    pub(crate) proxy: Vec<Network>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

pub(crate) struct World {
    pub(crate) shared: Arc<Shared>,
    pub(crate) relayed: Arc<Relayed>,
    pub(crate) tracer: Tracer,
    pub(crate) spool: Spool,
    pub(crate) settings: Settings,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) old: TargetId,
    committed: Arc<Mutex<Vec<Committed>>>,
    _dir: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::plan(Plan::default())
    }

    pub(crate) fn plan(plan: Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let directory = Arc::new(directory(dir.path()));
        let clock = plan.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let relayed = Arc::new(Relayed::default());
        let snapshots: Arc<resolve::Snapshots> = {
            let directory = Arc::clone(&directory);
            Arc::new(move || directory.snapshot())
        };
        let (resolver, _background) = Resolver::new(resolve::Parts {
            snapshots: Arc::clone(&snapshots),
            here: Arc::new(Nowhere),
            ask: Arc::clone(&relayed) as Arc<dyn Ask>,
            keep: Arc::new(KeepNothing),
            clock: Arc::clone(&clock),
            settings: resolve::Settings {
                postmaster: mailbox("postmaster@mx.example.com"),
                delimiter: Some('+'),
                smart_host: false,
            },
            cache: CacheSettings {
                positive: Duration::from_secs(600),
                refresh: Duration::from_secs(60),
                negative: Duration::from_secs(60),
                entries: 1000,
                wait: Duration::from_secs(30),
            },
        });
        let (spool, _) = Spool::open(&dir.path().join("spool"), plan.spool).unwrap();
        let committed = Arc::new(Mutex::new(Vec::new()));
        let keeper = Arc::new(Keeper(spool.clone(), Arc::clone(&committed)));
        let source = Source::SelfSigned {
            directory: dir.path().to_owned(),
            hostname: domain("mx.example.com"),
        };
        let old = directory.snapshot().targets().next().unwrap().id;
        let tracer = Tracer::new("mx.example.com", &SECRET);
        let parts = Parts {
            snapshots,
            resolver,
            spool: spool.clone(),
            custody: plan.custody.unwrap_or(keeper),
            used: plan.used,
            logins: Logins::new(checker(directory), Arc::clone(&clock)),
            signing: Arc::default(),
            certificate: Arc::new(Certificate::load(&source).unwrap()),
            tracer: tracer.clone(),
            callers: Arc::new(Callers::default()),
            clock,
        };
        let settings = Settings {
            hostname: domain("mx.example.com"),
            trusted: vec![Network::parse("127.0.0.0/8").unwrap()],
            xclient: vec![Network::parse("127.0.0.1").unwrap()],
            proxy: plan.proxy,
            limits: plan.limits,
            lifetime: Duration::from_secs(5 * 86_400),
        };
        Self {
            shared: Arc::new(Shared::new(parts, settings.clone())),
            relayed,
            tracer,
            spool,
            settings,
            phase: watch::channel(Phase::Open).0,
            old,
            committed,
            _dir: dir,
        }
    }

    /// Connects a client; the greeting is not read yet.
    pub(crate) fn connect(&self, door: Door, address: Option<IpAddr>) -> Client<DuplexStream> {
        let (here, there) = duplex(64 * 1024);
        let shared = Arc::clone(&self.shared);
        let phase = self.phase.subscribe();
        let session = tokio::spawn(async move {
            let caller = Caller::of(&shared, address);
            serve(&shared, door, caller, there, phase).await;
        });
        Client {
            stream: here,
            session,
        }
    }

    /// Connects a client and says EHLO.
    pub(crate) async fn meet(&self, door: Door, address: IpAddr) -> Client<DuplexStream> {
        let mut client = self.connect(door, Some(address));
        assert!(client.reply().await.starts_with("220 mx.example.com"));
        client.say("EHLO client.example", "250").await;
        client
    }

    /// Connects a client over TLS, logged in as a user.
    pub(crate) async fn log_in(&self, user: &str) -> Client<TlsStream<DuplexStream>> {
        let mut client = self.connect(SUBMISSIONS, Some(STRANGER)).secure().await;
        client.reply().await;
        client.say("EHLO client.example", "250").await;
        client.say(&plain(user, PASSWORD), "235 2.7.0").await;
        client
    }

    /// What was taken into our charge so far: envelopes and contents.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let committed = self.committed.lock().unwrap();
        committed.iter().map(Taken::of).collect()
    }
}

/// A message in our charge.
pub(crate) struct Taken {
    pub(crate) id: String,
    pub(crate) envelope: Envelope,
    pub(crate) content: String,
}

impl Taken {
    fn of(committed: &Committed) -> Self {
        let message = committed.message();
        let content = committed.content().unwrap();
        let mut bytes = vec![0; usize::try_from(content.len()).unwrap()];
        let read = content.read_at(0, &mut bytes).unwrap();
        assert_eq!(read, bytes.len());
        Self {
            id: message.id.to_string(),
            envelope: message.envelope.clone(),
            content: String::from_utf8(bytes).unwrap(),
        }
    }

    pub(crate) fn recipients(&self) -> Vec<String> {
        let recipients = self.envelope.recipients.iter();
        recipients.map(|to| to.address.to_string()).collect()
    }
}

/// AUTH PLAIN with an initial response.
pub(crate) fn plain(login: &str, password: &str) -> String {
    use base64::Engine;
    let message = format!("\0{login}\0{password}");
    let engine = base64::engine::general_purpose::STANDARD;
    format!("AUTH PLAIN {}", engine.encode(message))
}

fn checker(directory: Arc<Directory>) -> Arc<crate::auth::CheckPassword> {
    Arc::new(move |login, password| {
        let checked = directory.check_password(login, password);
        checked
            .map(|checked| Login {
                side: Side::Authenticated(checked.user),
                name: login.to_owned(),
            })
            .map_err(|_| LoginError::Refused)
    })
}

fn directory(dir: &std::path::Path) -> Directory {
    let directory = Directory::open(&dir.join("directory.db")).unwrap();
    let actor = Actor {
        name: "test",
        from: "test",
        at: SystemTime::UNIX_EPOCH,
    };
    let objects = [targets_and_domains(), users(), groups()].concat();
    let edits: Vec<_> = objects
        .into_iter()
        .map(|object| Edit::Put(object, When::Absent))
        .collect();
    directory.edit(&actor, &Nowhere, &edits).unwrap();
    directory
}

fn targets_and_domains() -> Vec<Object> {
    let mut old = TargetRecord::new("old", Host::Address([192, 0, 2, 50].into()));
    old.sources = vec![Network::parse("198.51.100.0/24").unwrap()];
    let mut plain = DomainRecord::new(domain("example.com"));
    plain.aliases = vec![domain("example.org")];
    plain.protect_senders = true;
    let mut split = DomainRecord::new(domain("split.example"));
    split.relay = Some(Relay::Target("old".into()));
    split.forward_unknown = true;
    vec![
        Object::Target(old),
        Object::Domain(plain),
        Object::Domain(split),
    ]
}

fn users() -> Vec<Object> {
    let hash = PasswordHash::make(PASSWORD).unwrap();
    let user = |name: &str, at: &str| UserRecord {
        addresses: vec![Address::parse(&format!("{name}@*")).unwrap()],
        password: Some(hash.clone()),
        ..UserRecord::new(domain(at), name)
    };
    vec![
        Object::User(user("alice", "example.com")),
        Object::User(UserRecord {
            suspended: true,
            ..user("bob", "example.com")
        }),
        Object::User(UserRecord {
            quota_bytes: Some(1000),
            ..user("full", "example.com")
        }),
        Object::User(user("erin", "split.example")),
        Object::User(UserRecord {
            mail: MailType::ThirdParty,
            ..user("dave", "split.example")
        }),
    ]
}

fn groups() -> Vec<Object> {
    let group = |name: &str, members: &[&str]| {
        Object::Group(GroupRecord {
            domain: domain("example.com"),
            name: name.into(),
            addresses: vec![Address::parse(&format!("{name}@*")).unwrap()],
            members: members.iter().map(|member| mailbox(member)).collect(),
            owner: None,
        })
    };
    vec![
        group(
            "team",
            &[
                "alice@example.com",
                "bob@example.com",
                "x@elsewhere.example",
            ],
        ),
        group("ghosts", &["bob@example.com"]),
    ]
}

/// The client's end of a connection.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    pub(crate) session: JoinHandle<()>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Reads one reply, all its lines.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(&line);
            if last {
                return reply;
            }
            reply.push('\n');
        }
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            match self.stream.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a command, and expects a reply that begins so.
    pub(crate) async fn say(&mut self, command: &str, expected: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        self.hear(command, expected).await
    }

    /// Expects a reply that begins so.
    pub(crate) async fn hear(&mut self, what: &str, expected: &str) -> String {
        let reply = self.reply().await;
        assert!(
            reply.starts_with(expected),
            "{what}: {reply:?}, not {expected:?}"
        );
        reply
    }

    /// Begins a message up to the answer to DATA.
    pub(crate) async fn begin(&mut self, from: &str, to: &[&str]) {
        self.say(&format!("MAIL FROM:<{from}>"), "250").await;
        for to in to {
            self.say(&format!("RCPT TO:<{to}>"), "250 2.1.5 Ok").await;
        }
        self.say("DATA", "354").await;
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(self) -> String {
        String::from_utf8(self.bytes().await).unwrap()
    }

    /// Reads to the end of the connection what may be no text.
    pub(crate) async fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes().await).into_owned()
    }

    async fn bytes(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // TLS without its goodbye is an error behind everything that was read.
        let _ = self.stream.read_to_end(&mut rest).await;
        self.session.await.unwrap();
        rest
    }
}

impl Client<DuplexStream> {
    /// Does the client's side of a TLS handshake.
    pub(crate) async fn secure(self) -> Client<TlsStream<DuplexStream>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        let name = ServerName::try_from("mx.example.com").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        Client {
            stream: connector.connect(name, self.stream).await.unwrap(),
            session: self.session,
        }
    }
}

/// Takes every certificate.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
        ]
    }
}
