//! A server that says what a test tells it to, over TCP, a Unix socket or TLS.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Wire = BufStream<Box<dyn Stream>>;

/// What is said to a command; none: the connection is closed without a word.
type Say = dyn Fn(usize, &str) -> Option<String> + Send + Sync;

pub(super) struct Peer {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    say: Box<Say>,
    tls: Option<TlsAcceptor>,
    connections: AtomicUsize,
    log: Mutex<Vec<String>>,
}

/// A certificate for `mx.example` and its parts.
pub(super) struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) pin: [u8; 32],
    acceptor: TlsAcceptor,
}

impl Identity {
    pub(super) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["mx.example".into()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let end_entity = webpki::EndEntityCert::try_from(&certificate).unwrap();
        let key = end_entity.subject_public_key_info();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key);
        Self {
            pin: digest.as_ref().try_into().unwrap(),
            certificate,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

/// What a server without peculiarities says.
pub(super) fn polite(ehlo: &str, line: &str) -> String {
    match line.get(..4).unwrap_or(line) {
        "" => "220 mx.example ESMTP".into(),
        "EHLO" | "LHLO" => format!("250-mx.example\n{ehlo}").replace('\n', "\r\n"),
        "STAR" => "220 go ahead".into(),
        "AUTH" => "235 2.7.0 welcome".into(),
        "DATA" => "354 go ahead".into(),
        "QUIT" => "221 bye".into(),
        "." => "250 2.0.0 queued".into(),
        _ => "250 2.0.0 Ok".into(),
    }
}

pub(super) const PIPELINING: &str = "250 PIPELINING";

impl Peer {
    /// Answers as `say` says, which is given the number of the connection and the command: empty
    /// for the greeting, `.` for the end of content.
    pub(super) async fn start(
        say: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::at("127.0.0.1:0", None, say).await
    }

    pub(super) async fn polite(ehlo: &'static str) -> Self {
        Self::start(move |_, line| Some(polite(ehlo, line))).await
    }

    pub(super) async fn at(
        address: &str,
        tls: Option<&Identity>,
        say: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::new(tls, say);
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                serving.note(&format!("from {}", client.ip()));
                tokio::spawn(serving.clone().serve(Box::new(stream)));
            }
        });
        Self { address, shared }
    }

    pub(super) fn unix(
        path: &std::path::Path,
        say: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let shared = Shared::new(None, say);
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(Box::new(stream)));
            }
        });
        let address = ([0, 0, 0, 0], 0).into();
        Self { address, shared }
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Every command so far, one per line; content as one entry.
    pub(super) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    pub(super) fn heard(&self, command: &str) -> usize {
        let log = self.log();
        log.iter().filter(|line| line.starts_with(command)).count()
    }
}

impl Shared {
    fn new(
        tls: Option<&Identity>,
        say: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            say: Box::new(say),
            tls: tls.map(|identity| identity.acceptor.clone()),
            connections: AtomicUsize::new(0),
            log: Mutex::default(),
        })
    }

    fn note(&self, line: &str) {
        self.log.lock().unwrap().push(line.into());
    }

    async fn serve(self: Arc<Self>, stream: Box<dyn Stream>) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        let mut wire = BufStream::new(stream);
        if self.answer(&mut wire, number, "").await.is_none() {
            return;
        }
        let mut line = String::new();
        loop {
            line.clear();
            if !matches!(wire.read_line(&mut line).await, Ok(1..)) {
                return;
            }
            let command = line.trim_end();
            self.note(command);
            let Some(said) = self.answer(&mut wire, number, command).await else {
                return;
            };
            if command == "STARTTLS" && said.starts_with("220") {
                let Some(acceptor) = &self.tls else { return };
                // Only what came before the handshake is in the buffer, and it is dropped.
                match acceptor.accept(wire.into_inner()).await {
                    Ok(secured) => wire = BufStream::new(Box::new(secured)),
                    Err(_) => return,
                }
            }
            if command == "DATA" && said.starts_with("354") {
                let Some(content) = read_dotted(&mut wire).await else {
                    return;
                };
                self.note(&content);
                if self.answer(&mut wire, number, ".").await.is_none() {
                    return;
                }
            }
        }
    }

    async fn answer(&self, wire: &mut Wire, number: usize, command: &str) -> Option<String> {
        if let Some(size) = command.strip_prefix("BDAT ") {
            let size = size.strip_suffix(" LAST").unwrap().parse().unwrap();
            let mut content = vec![0; size];
            wire.read_exact(&mut content).await.ok()?;
            self.note(&String::from_utf8_lossy(&content));
        }
        let said = (self.say)(number, command)?;
        wire.write_all(said.as_bytes()).await.ok()?;
        wire.write_all(b"\r\n").await.ok()?;
        wire.flush().await.ok()?;
        Some(said)
    }
}

async fn read_dotted(wire: &mut Wire) -> Option<String> {
    let mut content = String::new();
    let mut line = String::new();
    while line != ".\r\n" {
        line.clear();
        if !matches!(wire.read_line(&mut line).await, Ok(1..)) {
            return None;
        }
        content.push_str(&line);
    }
    Some(content)
}
