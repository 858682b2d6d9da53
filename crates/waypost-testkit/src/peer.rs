//! A scripted mail server: takes everything, unless the test says otherwise at a moment.

mod channel;

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::tls::Identity;
use crate::wait;
use channel::Channel;

/// A message that a peer has acknowledged, or is about to.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Argument of MAIL, with parameters.
    pub mail: String,
    /// Arguments of the accepted RCPTs, with parameters.
    pub recipients: Vec<String>,
    /// Content with dot-stuffing undone, or of all BDAT chunks.
    pub content: Vec<u8>,
    /// Whether it came under TLS.
    pub is_secured: bool,
}

impl Taken {
    /// The content as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// A point in a dialogue at which the script is asked.
#[derive(Debug)]
pub enum Moment<'a> {
    /// Somebody has connected.
    Connect,
    /// A command line without CRLF.
    Command(&'a str),
    /// So many octets of content behind DATA have come.
    Content(usize),
    /// The whole content has come.
    End(&'a Taken),
}

/// What the peer does instead of what a good server would do.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Closes the connection without a word.
    Close,
    /// Takes the message, and closes the connection without the final reply.
    LoseReply,
    /// Says this, CRLF added.
    Say(String),
    /// Says nothing, keeps the connection, until the peer is dropped.
    Stall,
}

type Script = dyn Fn(&Moment<'_>) -> Option<Reaction> + Send + Sync;

/// A running scripted peer; ended when dropped.
pub struct Peer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    offers: String,
    identity: Option<Identity>,
    taken: Mutex<Vec<Taken>>,
    heard: Mutex<Vec<String>>,
    ended: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
    closing: AtomicBool,
}

/// What an ordinary server offers after EHLO, in lines.
const OFFERS: &str = "PIPELINING\nSIZE 104857600\n8BITMIME\nENHANCEDSTATUSCODES\nDSN\nSMTPUTF8";

/// A peer that is not yet running.
pub struct Plan {
    address: SocketAddr,
    offers: String,
    identity: Option<Identity>,
}

impl Plan {
    /// An ordinary server on port 2525 of this address.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self {
            address: SocketAddr::new(address, crate::site::SMTP_PORT),
            offers: OFFERS.to_owned(),
            identity: None,
        }
    }

    /// On another port; those under 1024 need root.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Offers these EHLO keywords, one a line.
    #[must_use]
    pub fn offers(mut self, offers: &str) -> Self {
        offers.clone_into(&mut self.offers);
        self
    }

    /// Offers STARTTLS, and shows this certificate.
    #[must_use]
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self
    }

    /// Starts it; where the script gives nothing, it behaves well.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start(
        self,
        script: impl Fn(&Moment<'_>) -> Option<Reaction> + Send + Sync + 'static,
    ) -> Result<Peer> {
        Peer::listen(self, Box::new(script))
    }
}

impl Peer {
    /// Starts a peer that takes everything, on port 2525 of this address.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start(address: IpAddr) -> Result<Self> {
        Self::start_with(address, OFFERS, |_| None)
    }

    /// Starts a peer with a script; where the script gives nothing, it behaves well.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start_scripted(
        address: IpAddr,
        script: impl Fn(&Moment<'_>) -> Option<Reaction> + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::start_with(address, OFFERS, script)
    }

    /// As [`Peer::start_scripted`], offering these EHLO keywords, one a line.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start_with(
        address: IpAddr,
        offers: &str,
        script: impl Fn(&Moment<'_>) -> Option<Reaction> + Send + Sync + 'static,
    ) -> Result<Self> {
        Plan::new(address).offers(offers).start(script)
    }

    fn listen(plan: Plan, script: Box<Script>) -> Result<Self> {
        let address = plan.address;
        let listener = TcpListener::bind(address).with_context(|| format!("bind {address}"))?;
        let shared = Arc::new(Shared {
            script,
            offers: plan.offers,
            identity: plan.identity,
            taken: Mutex::default(),
            heard: Mutex::default(),
            ended: AtomicUsize::new(0),
            streams: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let of_acceptor = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &of_acceptor));
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Where it takes mail.
    #[must_use]
    pub fn smtp(&self) -> SocketAddr {
        self.address
    }

    /// What it has taken so far.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.shared.taken).clone()
    }

    /// Looks at what it has taken so far, without a copy of it.
    pub fn look<T>(&self, look: impl FnOnce(&[Taken]) -> T) -> T {
        look(&lock(&self.shared.taken))
    }

    /// All command lines it has heard so far, on all connections.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        lock(&self.shared.heard).clone()
    }

    /// How many conversations are over.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.shared.ended.load(Ordering::SeqCst)
    }

    /// Waits until it has taken so many messages, and returns them.
    ///
    /// # Errors
    ///
    /// When they do not come; what came is in the error.
    pub fn wait_for_taken(&self, count: usize) -> Result<Vec<Taken>> {
        wait::until(&format!("{count} messages at the peer"), || {
            Some(self.taken()).filter(|taken| taken.len() >= count)
        })
        .with_context(|| format!("taken: {:#?}", self.taken()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for stream in lock(&self.shared.streams).iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(clone) = stream.try_clone() {
            lock(&shared.streams).push(clone);
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let conversation = Conversation {
                reader: BufReader::new(Channel::Plain(stream)),
                shared,
                now: Taken::default(),
            };
            let shared = Arc::clone(&conversation.shared);
            // The client going away is how conversations end.
            let _ = conversation.hold();
            shared.ended.fetch_add(1, Ordering::SeqCst);
        });
    }
}

struct Conversation {
    reader: BufReader<Channel>,
    shared: Arc<Shared>,
    now: Taken,
}

/// Ends a conversation on purpose.
fn over() -> anyhow::Error {
    anyhow::anyhow!("the script ends the conversation")
}

impl Conversation {
    fn hold(mut self) -> Result<()> {
        self.reader.get_ref().set_nodelay()?;
        if !self.scripted(&Moment::Connect)? {
            self.say("220 peer.test ESMTP")?;
        }
        let mut line = String::new();
        loop {
            line.clear();
            anyhow::ensure!(self.reader.read_line(&mut line)? > 0, "the client is gone");
            let command = line.trim_end_matches(['\r', '\n']);
            lock(&self.shared.heard).push(command.to_owned());
            self.obey(command)?;
        }
    }

    /// Asks the script; whether it has spoken.
    fn scripted(&mut self, moment: &Moment<'_>) -> Result<bool> {
        match (self.shared.script)(moment) {
            None => Ok(false),
            Some(reaction) => self.react(&reaction).map(|()| true),
        }
    }

    fn react(&mut self, reaction: &Reaction) -> Result<()> {
        match reaction {
            Reaction::Say(text) => self.say(text),
            Reaction::Close | Reaction::LoseReply => {
                self.reader.get_ref().shutdown()?;
                Err(over())
            }
            Reaction::Stall => {
                while !self.shared.closing.load(Ordering::SeqCst) {
                    thread::park_timeout(Duration::from_millis(50));
                }
                Err(over())
            }
        }
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.reader
            .get_mut()
            .write_all(format!("{text}\r\n").as_bytes())?;
        Ok(())
    }

    fn obey(&mut self, command: &str) -> Result<()> {
        let upper = command.to_ascii_uppercase();
        if upper.starts_with("BDAT ") {
            return self.chunk(&upper);
        }
        if self.scripted(&Moment::Command(command))? {
            return Ok(());
        }
        match upper.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" | "LHLO" => {
                let mut lines = format!("peer.test\n{}", self.shared.offers);
                if self.shared.identity.is_some() && !self.reader.get_ref().is_secured() {
                    lines.push_str("\nSTARTTLS");
                }
                let last = lines.lines().count() - 1;
                for (number, line) in lines.lines().enumerate() {
                    let mark = if number == last { ' ' } else { '-' };
                    self.say(&format!("250{mark}{line}"))?;
                }
                Ok(())
            }
            "MAIL" => {
                self.now = Taken {
                    mail: command.get(10..).unwrap_or_default().to_owned(),
                    is_secured: self.reader.get_ref().is_secured(),
                    ..Taken::default()
                };
                self.say("250 2.1.0 Ok")
            }
            "RCPT" => {
                self.now
                    .recipients
                    .push(command.get(8..).unwrap_or_default().to_owned());
                self.say("250 2.1.5 Ok")
            }
            "DATA" if self.now.recipients.is_empty() => self.say("554 5.5.1 No valid recipients"),
            "DATA" => {
                self.say("354 Go on")?;
                self.read_dotted()?;
                self.end()
            }
            "STARTTLS" => self.start_tls(),
            "QUIT" => {
                self.say("221 2.0.0 Bye")?;
                Err(over())
            }
            _ => self.say("250 2.0.0 Ok"),
        }
    }

    fn start_tls(&mut self) -> Result<()> {
        let Some(identity) = self.shared.identity.clone() else {
            return self.say("502 5.5.1 Not offered");
        };
        self.say("220 2.0.0 Go on")?;
        let channel = self.reader.get_ref().secured(&identity.config)?;
        self.reader = BufReader::new(channel);
        Ok(())
    }

    fn chunk(&mut self, command: &str) -> Result<()> {
        let mut words = command.split(' ').skip(1);
        let size: u64 = words.next().unwrap_or_default().parse()?;
        (&mut self.reader)
            .take(size)
            .read_to_end(&mut self.now.content)?;
        if words.next() == Some("LAST") {
            self.end()
        } else {
            self.say("250 2.0.0 Ok")
        }
    }

    fn read_dotted(&mut self) -> Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            anyhow::ensure!(
                self.reader.read_until(b'\n', &mut line)? > 0,
                "the client is gone"
            );
            match line.as_slice() {
                b".\r\n" => return Ok(()),
                [b'.', rest @ ..] => self.now.content.extend_from_slice(rest),
                all => self.now.content.extend_from_slice(all),
            }
            let octets = self.now.content.len();
            self.scripted(&Moment::Content(octets))?;
        }
    }

    fn end(&mut self) -> Result<()> {
        let taken = std::mem::take(&mut self.now);
        let reaction = (self.shared.script)(&Moment::End(&taken));
        if matches!(reaction, None | Some(Reaction::LoseReply)) {
            lock(&self.shared.taken).push(taken);
        }
        self.react(&reaction.unwrap_or_else(|| Reaction::Say("250 2.0.0 Ok".to_owned())))
    }
}
