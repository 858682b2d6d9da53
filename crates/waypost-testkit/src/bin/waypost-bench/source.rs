//! Sends numbered messages over connections that are kept, as fast as they are taken or at a rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::content::Content;
use crate::load::{LIMIT, Load};

/// The name in the certificate of every server and of the sink.
pub(crate) const SERVER_NAME: &str = "bench.test";
/// How long the reply to QUIT is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is to be sent, and where.
pub(crate) struct Order {
    pub(crate) server: SocketAddr,
    pub(crate) load: Load,
    /// The number of the first message.
    pub(crate) first: u64,
    /// With it, nothing is sent without TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// What a message looked like from its source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    /// Which of the order's messages it was.
    pub(crate) index: u32,
    /// When its last octets, with the final dot, were given to the system.
    pub(crate) ended: Instant,
    /// When the reply to them came.
    pub(crate) replied: Instant,
}

/// An order that was carried out.
pub(crate) struct Sent {
    pub(crate) start: Instant,
    /// In the order in which sessions ended.
    pub(crate) messages: Vec<Moments>,
}

/// Sends all; returns when all is acknowledged.
pub(crate) fn send(order: Order) -> Result<Sent> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sent = timeout(LIMIT, all(order)).await;
        sent.with_context(|| format!("not all was acknowledged in {LIMIT:?}"))?
    })
}

async fn all(order: Order) -> Result<Sent> {
    let total = order.load.messages as usize;
    let envelopes = order
        .load
        .recipients
        .iter()
        .map(|to| envelope(to))
        .collect();
    let work = Arc::new(Work {
        content: Content::new(order.load.size_bytes),
        envelopes,
        next: AtomicU32::new(0),
        start: Instant::now(),
        order,
    });
    let mut sessions = JoinSet::new();
    for _ in 0..work.order.load.sessions {
        sessions.spawn(session(Arc::clone(&work)));
    }
    let mut messages = Vec::with_capacity(total);
    // Who has not been greeted when all is sent need not be waited for.
    while messages.len() < total {
        match sessions.join_next().await {
            Some(ended) => messages.extend(ended??),
            None => bail!("no session is left, {} of {total} sent", messages.len()),
        }
    }
    Ok(Sent {
        start: work.start,
        messages,
    })
}

/// What the sessions share.
struct Work {
    order: Order,
    content: Content,
    envelopes: Vec<String>,
    next: AtomicU32,
    start: Instant,
}

impl Work {
    /// The next message, when it is due.
    async fn next(&self) -> Option<u32> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index >= self.order.load.messages {
            return None;
        }
        if let Some(rate) = self.order.load.rate {
            let due = Duration::from_secs(1) * index / rate;
            sleep_until((self.start + due).into()).await;
        }
        Some(index)
    }

    fn envelope(&self, index: u32) -> &str {
        &self.envelopes[index as usize % self.envelopes.len()]
    }
}

/// MAIL, RCPT for each and DATA.
fn envelope(recipients: &[String]) -> String {
    let mut commands = String::from("MAIL FROM:<sender@example.net>\r\n");
    for recipient in recipients {
        commands.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
    }
    commands.push_str("DATA\r\n");
    commands
}

async fn session(work: Arc<Work>) -> Result<Vec<Moments>> {
    let stream = TcpStream::connect(work.order.server).await?;
    stream.set_nodelay(true)?;
    let mut talk = Talk::new(stream);
    if talk.reply("220").await.is_err() {
        // One that has too many sessions serves the others.
        return Ok(Vec::new());
    }
    talk.hello().await?;
    let Some(config) = &work.order.tls else {
        return mail(talk, &work).await;
    };
    talk.say("STARTTLS\r\n", "220").await?;
    let name = ServerName::try_from(SERVER_NAME)?;
    let connector = TlsConnector::from(Arc::clone(config));
    let secured = connector.connect(name, talk.stream.into_inner()).await?;
    let mut talk = Talk::new(secured);
    talk.hello().await?;
    mail(talk, &work).await
}

async fn mail<S>(mut talk: Talk<S>, work: &Work) -> Result<Vec<Moments>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut content = work.content.clone();
    let mut sent = Vec::new();
    while let Some(index) = work.next().await {
        content.number(work.order.first + u64::from(index));
        talk.envelope(work.envelope(index)).await?;
        let (before, last) = content.pieces();
        for piece in before {
            talk.stream.write_all(piece).await?;
        }
        let ended = Instant::now();
        talk.stream.write_all(last).await?;
        talk.stream.flush().await?;
        talk.reply("250").await.context("the final dot")?;
        sent.push(Moments {
            index,
            ended,
            replied: Instant::now(),
        });
    }
    // All is acknowledged: what it says now matters to nobody.
    let _ = timeout(FAREWELL, talk.say("QUIT\r\n", "221")).await;
    Ok(sent)
}

/// The dialogue of one session, in plain or under TLS.
struct Talk<S> {
    stream: BufReader<S>,
    pipelines: bool,
    text: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
            pipelines: false,
            text: Vec::new(),
        }
    }

    async fn hello(&mut self) -> Result<()> {
        self.say("EHLO source.test\r\n", "250").await?;
        let offers = String::from_utf8_lossy(&self.text);
        self.pipelines = offers.contains("PIPELINING");
        Ok(())
    }

    /// In one flight where the server takes that (RFC 2920 §3.1).
    async fn envelope(&mut self, commands: &str) -> Result<()> {
        if self.pipelines {
            self.stream.write_all(commands.as_bytes()).await?;
            self.stream.flush().await?;
        }
        for command in commands.split_inclusive('\n') {
            if !self.pipelines {
                self.stream.write_all(command.as_bytes()).await?;
                self.stream.flush().await?;
            }
            let wanted = if command == "DATA\r\n" { "354" } else { "250" };
            self.reply(wanted)
                .await
                .with_context(|| command.to_owned())?;
        }
        Ok(())
    }

    async fn say(&mut self, command: &str, wanted: &str) -> Result<()> {
        self.stream.write_all(command.as_bytes()).await?;
        self.stream.flush().await?;
        self.reply(wanted).await.with_context(|| command.to_owned())
    }

    /// Reads a reply of one or more lines (RFC 5321 §4.2.1) that must have this code.
    async fn reply(&mut self, wanted: &str) -> Result<()> {
        self.text.clear();
        loop {
            let line = self.text.len();
            let read = self.stream.read_until(b'\n', &mut self.text).await?;
            ensure!(read > 0, "the server closed the connection");
            if self.text.get(line + 3) != Some(&b'-') {
                break;
            }
        }
        let said = String::from_utf8_lossy(&self.text);
        ensure!(said.starts_with(wanted), "wanted {wanted}, got {said}");
        Ok(())
    }
}
