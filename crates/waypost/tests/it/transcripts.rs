//! Runs `tests/transcripts` against the program over TCP, as another runner does in memory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};
use waypost_testkit::peer::{self, Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{LMTP_PORT, Plan, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT, Site};
use waypost_testkit::small_disk::SmallDisk;
use waypost_testkit::tls::Authority;
use waypost_testkit::transcript::{Connection, Step, Transcript};
use waypost_testkit::wait::{self, PATIENCE};

use crate::PROGRAM;

/// Who has a mailbox at the relay of example.com; nobody knows of anybody else.
const KNOWN: [&str; 6] = [
    "bob",
    "carol",
    "dora",
    "zoë",
    "\"bob > \\\" @ smith\"",
    "postmaster",
];

/// Everything but what follows goes on as it came.
const OFFERS: &str = "PIPELINING\nSIZE 104857600\n8BITMIME\nENHANCEDSTATUSCODES\nDSN\nSMTPUTF8\n\
    CHUNKING";

/// A server without a certificate, and logins at the port of mail exchange: the program has
/// neither.
const NOT_HAD: [&str; 3] = [
    "rfc3207/4-not-offered.smtp",
    "rfc3207/4-offered-once.smtp",
    "rfc4954/4-in-a-transaction.smtp",
];

/// What the program cannot be made to do from outside, or a limit lower than it allows.
fn only_in_memory(transcript: &Transcript) -> bool {
    let asks = |word: &str| transcript.offer.iter().any(|offered| offered == word);
    let says = |word: &str| {
        transcript.steps.iter().any(|(_, step)| match step {
            Step::Send(octets) => String::from_utf8_lossy(octets).contains(word),
            _ => false,
        })
    };
    let is_named = NOT_HAD.iter().any(|name| transcript.path.ends_with(name));
    is_named || asks("refusing") || asks("small") || says("X-Refuse") || says("quit@")
}

/// A relay that answers for example.com.
fn relay() -> Result<Peer> {
    let plan = peer::Plan::new(unused_address()?).offers(OFFERS);
    plan.start(|moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT") => {
            let address = line.get(9..).unwrap_or_default();
            let local = address.split_once("@example.com>");
            let local = local.map_or(address, |(local, _)| local);
            let reply = match KNOWN.contains(&local) {
                true => return None,
                false if local == "later" => "450 4.2.0 Not now",
                false => "550 5.1.1 No such user",
            };
            Some(Reaction::Say(reply.to_owned()))
        }
        _ => None,
    })
}

/// The servers that the transcripts ask for.
struct Servers {
    ordinary: Site,
    /// Believes XCLIENT from everybody.
    believing: Site,
    full: Site,
    relay: Peer,
    tls: Arc<ClientConfig>,
    _disk: SmallDisk,
    _folder: tempfile::TempDir,
}

impl Servers {
    fn start() -> Result<Self> {
        let (relay, authority) = (relay()?, Authority::new()?);
        let folder = tempfile::tempdir()?;
        let disk = SmallDisk::mount(60)?;
        let plan = |trust: &str| {
            let plan = Plan::new(PROGRAM)?;
            plan_with(plan, &authority, folder.path(), &relay, trust)
        };
        let full = plan("networks = []\n")?.data(&disk.path().join("data"));
        let servers = Self {
            ordinary: started(plan("networks = []\n")?)?,
            believing: started(plan("networks = []\nxclient = [\"127.0.0.0/8\"]\n")?)?,
            full: started(full)?,
            relay,
            tls: authority.client()?,
            _disk: disk,
            _folder: folder,
        };
        Ok(servers)
    }

    /// A connection to the server that the words of a transcript ask for.
    fn connect(&self, words: &[String]) -> Result<OverTcp<'_>> {
        let has = |word: &str| words.iter().any(|w| w == word);
        let site = match (has("full"), has("xclient")) {
            (true, _) => &self.full,
            (_, true) => &self.believing,
            _ => &self.ordinary,
        };
        let port = match (has("lmtp"), has("submission") || has("auth"), has("tls")) {
            (true, _, _) => LMTP_PORT,
            (_, true, true) => SUBMISSIONS_PORT,
            (_, true, false) if has("submission") => SUBMISSION_PORT,
            _ => SMTP_PORT,
        };
        let server = SocketAddr::new(site.address, port);
        let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut connection = OverTcp {
            servers: self,
            stream: Some(Stream::Plain(stream)),
            site,
            heard: Vec::new(),
            accepted: Vec::new(),
        };
        if port == SUBMISSIONS_PORT {
            connection.start_tls()?;
        }
        Ok(connection)
    }
}

/// What all of them have in common.
fn plan_with(
    plan: Plan,
    authority: &Authority,
    folder: &Path,
    relay: &Peer,
    trust: &str,
) -> Result<Plan> {
    let address = plan.address();
    let identity = authority.identity(&address.to_string())?;
    let path = |ending: &str| folder.join(format!("{address}.{ending}"));
    std::fs::write(path("pem"), &identity.certificate_pem)?;
    std::fs::write(path("key"), &identity.key_pem)?;
    let (certificate, key) = (path("pem"), path("key"));
    let tls = format!(
        "certificate = \"{}\"\nkey = \"{}\"\n",
        certificate.display(),
        key.display()
    );
    let file = format!(
        r#"
[[target]]
name = "relay"
host = "{}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "relay"
forward_unknown = true

[[domain]]
name = "client.example"

[[user]]
domain = "client.example"
login = "alice"
mail = "local"
addresses = ["alice@client.example"]
"#,
        relay.smtp().ip()
    );
    let plan = plan.hostname("mx.example.com").section("tls", &tls);
    let limits = "login_delay = \"1ms\"\nlogin_delay_max = \"10ms\"\n";
    Ok(plan
        .section("trust", trust)
        // Every message is queued, whatever its next hop does.
        .section("outbound", "cut_through = \"0s\"\n")
        .section("limits", limits)
        .site(&file))
}

fn started(plan: Plan) -> Result<Site> {
    let site = plan.start()?;
    let alice = ["user", "set", "alice@client.example", "--password-stdin"];
    let output = site.run_with_input(&alice, "wonderland\n")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{said}");
    Ok(site)
}

enum Stream {
    Plain(TcpStream),
    Secured(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A client's end of one connection.
struct OverTcp<'s> {
    servers: &'s Servers,
    /// None only while TLS starts.
    stream: Option<Stream>,
    site: &'s Site,
    /// What came and was not looked at.
    heard: Vec<u8>,
    /// Queue ids of what was accepted, in order.
    accepted: Vec<String>,
}

impl OverTcp<'_> {
    fn read(&mut self) -> Result<usize> {
        let mut piece = [0; 4096];
        let read = match self.stream.as_mut().context("no stream")? {
            Stream::Plain(stream) => stream.read(&mut piece),
            Stream::Secured(stream) => stream.read(&mut piece),
        };
        let count = match read {
            // The server may close without TLS's own farewell, or while we were still writing.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            other => other.context("read a reply")?,
        };
        self.heard.extend(&piece[..count]);
        Ok(count)
    }

    fn line(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(end) = self.heard.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.heard.drain(..end + 2).take(end).collect();
                return Ok(Some(String::from_utf8(line)?));
            }
            if self.read()? == 0 {
                ensure!(self.heard.is_empty(), "half a line");
                return Ok(None);
            }
        }
    }

    /// The content of a message as its sender sent it: without the fields put in front.
    fn content(&self, id: &str) -> Result<Vec<u8>> {
        let mark = format!(" id {id}");
        let found = wait::until(&format!("message {id} at the relay"), || {
            let taken = self.servers.relay.taken();
            let has_mark = |text: &str| text.contains(&mark);
            taken.into_iter().find(|taken| has_mark(&taken.text()))
        });
        let content = found.with_context(|| self.site.log())?.content;
        let received = position(&content, b"Received: ").context("no Received field")?;
        // A date without a comment ends our field.
        let date = position(&content[received..], b" +0000\r\n").context("no date")?;
        let content = &content[received + date + b" +0000\r\n".len()..];
        // Submitted mail without them gets these two as well (RFC 6409 §8).
        let completed = content.starts_with(format!("Message-ID: <{id}@").as_bytes());
        let lines = content.split_inclusive(|octet| *octet == b'\n');
        let lines: Vec<_> = lines.skip(if completed { 2 } else { 0 }).collect();
        Ok(lines.concat())
    }
}

fn position(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets
        .windows(wanted.len())
        .position(|window| window == wanted)
}

impl Connection for OverTcp<'_> {
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match self.stream.as_mut().context("no stream")? {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Secured(stream) => stream.write_all(bytes),
        };
        // What the server closed with is heard by the next reply.
        if let Err(error) = written {
            let gone = [
                std::io::ErrorKind::BrokenPipe,
                std::io::ErrorKind::ConnectionReset,
            ];
            ensure!(gone.contains(&error.kind()), "{error}");
        }
        Ok(())
    }

    fn reply(&mut self) -> Result<Option<Vec<String>>> {
        let mut lines = Vec::new();
        while let Some(line) = self.line()? {
            if let Some((_, id)) = line.split_once("queued as ")
                && !self.accepted.iter().any(|known| known == id)
            {
                self.accepted.push(id.to_owned());
            }
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if is_last {
                return Ok(Some(lines));
            }
        }
        ensure!(lines.is_empty(), "half a reply: {lines:?}");
        Ok(None)
    }

    fn start_tls(&mut self) -> Result<()> {
        ensure!(self.heard.is_empty(), "replies left over before TLS");
        let Some(Stream::Plain(stream)) = self.stream.take() else {
            anyhow::bail!("TLS within TLS");
        };
        let name = ServerName::from(self.site.address);
        let session = ClientConnection::new(Arc::clone(&self.servers.tls), name)?;
        self.stream = Some(Stream::Secured(Box::new(StreamOwned::new(session, stream))));
        Ok(())
    }

    fn accepted(&mut self) -> Option<Vec<Vec<u8>>> {
        let ids = self.accepted.iter();
        let contents = ids.map(|id| {
            let content = self.content(id);
            content.unwrap_or_else(|error| format!("{error:#}").into_bytes())
        });
        Some(contents.collect())
    }
}

#[test]
fn every_transcript_is_followed_over_tcp() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts");
    let mut transcripts = Transcript::load_all(&folder).unwrap();
    transcripts.retain(|transcript| !only_in_memory(transcript));
    assert!(transcripts.len() > 120, "only {}", transcripts.len());
    let servers = Servers::start().unwrap();
    let mut differences = String::new();
    for transcript in transcripts {
        let followed = servers
            .connect(&transcript.offer)
            .and_then(|mut connection| transcript.run(&mut connection));
        if let Err(difference) = followed {
            differences += &format!("{difference:#}\n\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
