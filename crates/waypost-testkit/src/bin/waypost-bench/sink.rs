//! The next hop of every server that is measured: takes all mail, notes when each message was
//! whole, and may be told to leave final dots unanswered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::arrivals::Arrivals;
use crate::content::{End, number_of};

/// Octets read at once.
const READ: usize = 64 * 1024;
/// Octets at the beginning of content in which a number is looked for.
const BEGINNING: usize = 8 * 1024;

/// A running sink; ended when dropped.
pub(crate) struct Sink {
    arrivals: Arc<Arrivals>,
    stalls: Vec<watch::Sender<bool>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Takes mail at all these addresses; with STARTTLS, if there is something to show.
    pub(crate) fn start(addresses: &[SocketAddr], tls: Option<&Arc<ServerConfig>>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let arrivals = Arc::new(Arrivals::default());
        let mut stalls = Vec::new();
        let mut listeners = Vec::new();
        for address in addresses {
            let bound = runtime.block_on(TcpListener::bind(address));
            let (stall, stalled) = watch::channel(false);
            stalls.push(stall);
            let place = Place {
                arrivals: Arc::clone(&arrivals),
                stalled,
                tls: tls.cloned().map(TlsAcceptor::from),
            };
            listeners.push((bound.with_context(|| format!("bind {address}"))?, place));
        }
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut places = JoinSet::new();
                for (listener, place) in listeners {
                    places.spawn(serve(listener, place));
                }
                // Dropped with the other end, too.
                let _ = ended.await;
            });
        });
        Ok(Self {
            arrivals,
            stalls,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// What has come.
    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// From now on, final dots get no answer at the address that was named at this place.
    pub(crate) fn stall(&self, place: usize) {
        if let Some(stall) = self.stalls.get(place) {
            stall.send_replace(true);
        }
    }

    /// Answers them all.
    pub(crate) fn go_on(&self) {
        for stall in &self.stalls {
            stall.send_replace(false);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the sessions of one address have in common.
#[derive(Clone)]
struct Place {
    arrivals: Arc<Arrivals>,
    stalled: watch::Receiver<bool>,
    tls: Option<TlsAcceptor>,
}

async fn serve(listener: TcpListener, place: Place) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                sessions.spawn(session(stream, place.clone()));
            },
            // Forgets those that have ended.
            Some(_) = sessions.join_next() => {}
        }
    }
}

/// A client that is gone has ended its session: no error counts here.
async fn session(mut stream: TcpStream, place: Place) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 sink.test ESMTP\r\n").await?;
    let tls = place.tls.clone();
    let mut talk = Talk::new(stream, place.clone(), tls.is_some());
    if talk.serve().await? == Left::Closed {
        return Ok(());
    }
    let Some(tls) = tls else {
        return Ok(());
    };
    let secured = tls.accept(talk.stream).await?;
    Talk::new(secured, place, false).serve().await.map(|_| ())
}

/// Why a dialogue has ended.
#[derive(PartialEq, Eq)]
enum Left {
    /// The connection is.
    Closed,
    /// TLS follows.
    Secured,
}

/// What a command asks for, besides its reply.
enum Next {
    Command,
    Content,
    Leave(Left),
}

/// The dialogue of one session, in plain or under TLS.
struct Talk<S> {
    stream: S,
    place: Place,
    offers_tls: bool,
    /// Read and not used yet is what lies between the two.
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    replies: Vec<u8>,
    recipients: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S, place: Place, offers_tls: bool) -> Self {
        Self {
            stream,
            place,
            offers_tls,
            buffer: vec![0; READ],
            from: 0,
            to: 0,
            replies: Vec::new(),
            recipients: 0,
        }
    }

    async fn serve(&mut self) -> io::Result<Left> {
        loop {
            let unread = &self.buffer[self.from..self.to];
            let Some(length) = unread.iter().position(|octet| *octet == b'\n') else {
                // Replies to one flight leave together.
                self.reply().await?;
                if !self.read().await? {
                    return Ok(Left::Closed);
                }
                continue;
            };
            let line = self.from..self.from + length;
            self.from += length + 1;
            match self.command(line) {
                Next::Command => {}
                Next::Content => {
                    self.reply().await?;
                    if !self.content().await? {
                        return Ok(Left::Closed);
                    }
                }
                Next::Leave(left) => {
                    self.reply().await?;
                    return Ok(left);
                }
            }
        }
    }

    fn command(&mut self, line: std::ops::Range<usize>) -> Next {
        let mut verb = [b' '; 4];
        for (place, octet) in verb.iter_mut().zip(&self.buffer[line]) {
            *place = octet.to_ascii_uppercase();
        }
        let (said, next): (&[u8], Next) = match &verb {
            b"EHLO" if self.offers_tls => (
                b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-STARTTLS\r\n\
                  250 8BITMIME\r\n",
                Next::Command,
            ),
            b"EHLO" => (
                b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250 8BITMIME\r\n",
                Next::Command,
            ),
            b"RCPT" => {
                self.recipients += 1;
                (b"250 Ok\r\n", Next::Command)
            }
            b"MAIL" | b"RSET" => {
                self.recipients = 0;
                (b"250 Ok\r\n", Next::Command)
            }
            b"HELO" | b"NOOP" => (b"250 Ok\r\n", Next::Command),
            b"DATA" => (b"354 Go on\r\n", Next::Content),
            b"STAR" if self.offers_tls => (b"220 Go on\r\n", Next::Leave(Left::Secured)),
            b"QUIT" => (b"221 Bye\r\n", Next::Leave(Left::Closed)),
            _ => (b"500 Not here\r\n", Next::Command),
        };
        self.replies.extend_from_slice(said);
        next
    }

    /// Takes a message and answers it; false when the client left instead.
    async fn content(&mut self) -> io::Result<bool> {
        let mut end = End::new();
        let mut beginning = Vec::new();
        let mut number = None;
        loop {
            let piece = &self.buffer[self.from..self.to];
            if number.is_none() && beginning.len() < BEGINNING {
                beginning.extend_from_slice(&piece[..piece.len().min(BEGINNING)]);
                number = number_of(&beginning);
            }
            if let Some(length) = end.find(piece) {
                self.from += length;
                break;
            }
            self.from = self.to;
            if !self.read().await? {
                return Ok(false);
            }
        }
        if let Some(number) = number {
            self.place
                .arrivals
                .note(number, self.recipients, Instant::now());
        }
        self.recipients = 0;
        // Its other end lives as long as the sink.
        let _ = self.place.stalled.wait_for(|is_stalled| !is_stalled).await;
        self.replies.extend_from_slice(b"250 Ok\r\n");
        Ok(true)
    }

    async fn reply(&mut self) -> io::Result<()> {
        if !self.replies.is_empty() {
            self.stream.write_all(&self.replies).await?;
            self.stream.flush().await?;
            self.replies.clear();
        }
        Ok(())
    }

    /// Reads more; false when nothing comes any more.
    async fn read(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        let read = self.stream.read(&mut self.buffer[self.to..]).await?;
        self.to += read;
        // A command line that fills the buffer is none.
        Ok(read > 0)
    }
}
