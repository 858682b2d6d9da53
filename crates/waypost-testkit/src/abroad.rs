//! Mail servers that nobody here wrote, all set up alike: each has the domain example.net with the
//! mailboxes bob and later, refuses everybody else there, and hands example.com on.

mod exim;
mod opensmtpd;
mod postfix;

use std::net::SocketAddr;

use anyhow::Result;

pub use exim::Exim;
pub use opensmtpd::OpenSmtpd;
pub use postfix::OwnPostfix;

use crate::tls::Identity;

/// Octets of the largest message that a server takes, unless a test wants another limit.
const LARGEST: u64 = 60_000_000;

/// How it hands mail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward {
    /// SMTP without TLS.
    Smtp,
    /// SMTP, and not without STARTTLS; any certificate will do.
    Secured,
    /// LMTP (RFC 2033).
    Lmtp,
}

/// What it is set up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Says all that it does, and tries again every second.
    Seen,
    /// What an administrator sets who wants it fast and loses nothing: no limits on clients, many
    /// deliveries at once.
    Speed,
}

/// What a server is to do.
pub struct Wish {
    /// Where mail for example.com goes.
    pub next: SocketAddr,
    /// How it goes there.
    pub onward: Onward,
    /// What it shows when it is asked for TLS; without one, it does not offer TLS.
    pub identity: Option<Identity>,
    /// Octets of the largest message that it takes.
    pub largest: u64,
    /// What it is set up for.
    pub aim: Aim,
}

impl Wish {
    /// Mail for example.com goes there, without TLS.
    #[must_use]
    pub fn new(next: SocketAddr) -> Self {
        Self {
            next,
            onward: Onward::Smtp,
            identity: None,
            largest: LARGEST,
            aim: Aim::Seen,
        }
    }

    /// The same, as fast as it can.
    #[must_use]
    pub fn fast(self) -> Self {
        Self {
            aim: Aim::Speed,
            ..self
        }
    }
}

/// What a server can do by itself.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// As a client, it sends commands before it has heard the reply (RFC 2920).
    pub pipelines: bool,
    /// As a client, it sends content with BDAT (RFC 3030).
    pub sends_chunks: bool,
    /// As a server, it offers CHUNKING.
    pub takes_chunks: bool,
    /// As a server, it gets a TLS handshake done.
    pub serves_tls: bool,
    /// It speaks SMTPUTF8 (RFC 6531).
    pub utf8: bool,
}

/// A server that was started as wished; ended when dropped.
pub trait Abroad: Sized {
    /// Its name, and the version that runs here.
    const NAME: &'static str;
    /// What it can do.
    const ABILITIES: Abilities;

    /// Starts it on an unused address; mail to later@example.net is put off until
    /// [`Abroad::relent`].
    ///
    /// # Errors
    ///
    /// When its package is not there, it may not run, or it does not start.
    fn start(wish: &Wish) -> Result<Self>;

    /// The version that runs.
    ///
    /// # Errors
    ///
    /// When it does not say.
    fn version(&self) -> Result<String>;

    /// Where it takes mail.
    fn smtp(&self) -> SocketAddr;

    /// The process above all others of it.
    fn pid(&self) -> u32;

    /// All that it has logged.
    fn log(&self) -> String;

    /// The contents of all messages in this mailbox of example.net.
    fn messages(&self, login: &str) -> Vec<String>;

    /// Takes mail to later@example.net from now on.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    fn relent(&self) -> Result<()>;

    /// Tries again now what waits.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    fn hurry(&self) -> Result<()>;
}
