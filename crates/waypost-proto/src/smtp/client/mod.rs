//! The client's side of SMTP (RFC 5321) and LMTP (RFC 2033), without a socket.
//!
//! The caller owns the connection and the clock. It writes [`Session::output`], feeds
//! [`Session::receive`], does what [`Session::event`] says, and gives up after
//! [`Session::deadline`]. One reply is never taken for another: each command that was sent is
//! remembered, a reply without one ends the session.

mod content;
mod reply;
#[cfg(test)]
mod tests;
pub mod timeouts;
mod transaction;

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use content::{ContentWriter, Pieces, Transfer};
pub use reply::BadReply;
use reply::{Lines, ReplyReader};
pub use transaction::{Fate, Mail, Rcpt, Stage, Unsupported};
use transaction::{Next, Transaction};

use super::extension::Extensions;
use super::reply::{RemoteReply, Severity};
use crate::mail::Mailbox;

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// LMTP: LHLO, and one reply per recipient at the end.
    Lmtp,
    /// SMTP.
    Smtp,
}

/// What happened, and what the caller does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// AUTH was successful; the session is ready for a transaction.
    Authenticated,
    /// Write the content with a [`ContentWriter`], its end, and say [`Session::content_sent`].
    Content(Transfer),
    /// The transaction is over: take [`Session::fates`].
    Finished,
    /// The server has greeted: secure the connection, log in, or begin a transaction.
    Ready,
    /// The server will not go on; to which command it said so.
    Refused(Opening, RemoteReply),
    /// Do the TLS handshake, then say [`Session::secured`].
    StartTls,
}

/// A command before the first transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// None: the connection itself.
    Greeting,
    /// EHLO, HELO or LHLO.
    Hello,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954).
    Auth,
}

#[derive(Debug)]
enum State {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    /// Between the answer to STARTTLS and the end of the handshake: nothing is listened to.
    Handshake,
    /// AUTH PLAIN: the message again, for a server that asks for it.
    AuthPlain(String),
    /// AUTH LOGIN: name and password still to be sent, the next one last.
    AuthLogin(Vec<String>),
    Idle,
    Transaction(Box<Transaction>),
    Closed,
}

/// One connection to a server.
#[derive(Debug)]
pub struct Session {
    dialect: Dialect,
    hostname: Box<str>,
    offered: Extensions,
    reader: ReplyReader,
    state: State,
    fates: Vec<Fate>,
    needs_reset: bool,
    heard: u64,
    events: VecDeque<Event>,
    output: Vec<u8>,
}

impl Session {
    /// A session on a connection just made; this host introduces itself by `hostname`.
    #[must_use]
    pub fn new(dialect: Dialect, hostname: &str) -> Self {
        let safe = |c: &char| c.is_ascii_graphic();
        Self {
            dialect,
            hostname: hostname.chars().filter(safe).collect(),
            offered: Extensions::default(),
            reader: ReplyReader::default(),
            state: State::Greeting,
            fates: Vec::new(),
            needs_reset: false,
            heard: 0,
            events: VecDeque::new(),
            output: Vec::new(),
        }
    }

    /// What the server offers, as of its last EHLO reply.
    #[must_use]
    pub fn offered(&self) -> &Extensions {
        &self.offered
    }

    /// Octets to write; the caller takes them out.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// The next thing to do.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether a transaction can begin.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether nothing more can be done here.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whole replies so far.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// How long the next reply may take (RFC 5321 §4.5.3.2).
    #[must_use]
    pub fn deadline(&self) -> Duration {
        match &self.state {
            State::Transaction(transaction) => transaction.deadline(),
            State::Greeting => timeouts::GREETING,
            _ => timeouts::COMMAND,
        }
    }

    /// Takes what the server sent.
    ///
    /// # Errors
    ///
    /// [`BadReply`]: the server is out of step or no server at all; the session is closed.
    pub fn receive(&mut self, mut input: &[u8]) -> Result<(), BadReply> {
        while !input.is_empty() {
            // RFC 3207 §4.2 and §5: what was said in the clear before the handshake is not
            // believed after it.
            if matches!(self.state, State::Handshake | State::Closed) {
                return Ok(());
            }
            let result = self.reader.read(input).and_then(|(taken, lines)| {
                input = input.get(taken..).unwrap_or_default();
                lines.map_or(Ok(()), |lines| self.reply(&lines))
            });
            if let Err(bad) = result {
                self.close();
                return Err(bad);
            }
        }
        Ok(())
    }

    /// The connection has ended: what is not answered never will be.
    pub fn disconnected(&mut self) {
        self.close();
    }

    fn close(&mut self) {
        if let State::Transaction(transaction) = std::mem::replace(&mut self.state, State::Closed) {
            self.fates = transaction.into_fates();
        }
    }

    fn reply(&mut self, lines: &Lines) -> Result<(), BadReply> {
        self.heard += 1;
        let reply = lines.reply();
        let state = std::mem::replace(&mut self.state, State::Closed);
        self.state = match state {
            State::Greeting => self.greeted(reply),
            State::Ehlo => self.ehlo_answered(reply, lines),
            State::Helo => self.ready_or_refused(reply),
            State::StartTls if reply.severity() == Severity::Success => {
                self.events.push_back(Event::StartTls);
                State::Handshake
            }
            State::StartTls => self.refused(Opening::StartTls, reply),
            State::AuthPlain(message) => self.auth_answered(reply, vec![message]),
            State::AuthLogin(words) => self.auth_answered(reply, words),
            State::Transaction(transaction) => {
                return self.transaction_answered(transaction, reply);
            }
            State::Idle if reply.code == 421 => State::Closed,
            State::Idle => return Err(BadReply::Unasked),
            State::Handshake | State::Closed => state,
        };
        Ok(())
    }

    fn refused(&mut self, opening: Opening, reply: RemoteReply) -> State {
        self.events.push_back(Event::Refused(opening, reply));
        State::Closed
    }

    fn greeted(&mut self, reply: RemoteReply) -> State {
        if reply.severity() == Severity::Success {
            return self.say_hello();
        }
        self.refused(Opening::Greeting, reply)
    }

    fn say_hello(&mut self) -> State {
        let verb = match self.dialect {
            Dialect::Lmtp => "LHLO",
            Dialect::Smtp => "EHLO",
        };
        self.send(format_args!("{verb} {}\r\n", self.hostname.clone()));
        State::Ehlo
    }

    fn ehlo_answered(&mut self, reply: RemoteReply, lines: &Lines) -> State {
        if reply.severity() == Severity::Success {
            let keywords = lines.iter().skip(1);
            let text: Vec<_> = keywords.map(String::from_utf8_lossy).collect();
            self.offered = Extensions::parse(text.iter().map(|line| &**line));
            return self.ready_or_refused(reply);
        }
        // RFC 5321 §3.2: a server that does not know EHLO is spoken to as of old.
        if reply.severity() == Severity::Permanent && self.dialect == Dialect::Smtp {
            self.offered = Extensions::default();
            self.send(format_args!("HELO {}\r\n", self.hostname.clone()));
            return State::Helo;
        }
        self.refused(Opening::Hello, reply)
    }

    fn ready_or_refused(&mut self, reply: RemoteReply) -> State {
        if reply.severity() == Severity::Success {
            self.events.push_back(Event::Ready);
            return State::Idle;
        }
        self.refused(Opening::Hello, reply)
    }

    fn send(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a Vec does not fail.
        let _ = self.output.write_fmt(text);
    }

    /// Says STARTTLS; false when the session is not idle.
    pub fn start_tls(&mut self) -> bool {
        let idle = self.is_idle();
        if idle {
            self.send(format_args!("STARTTLS\r\n"));
            self.state = State::StartTls;
        }
        idle
    }

    /// The handshake is done: everything heard so far is forgotten, and EHLO is said anew.
    pub fn secured(&mut self) {
        self.reader = ReplyReader::default();
        self.offered = Extensions::default();
        self.needs_reset = false;
        self.output.clear();
        self.state = self.say_hello();
    }

    /// Logs in with PLAIN, or LOGIN where only that is offered; false when neither is.
    pub fn authenticate(&mut self, login: &str, password: &str) -> bool {
        if !self.is_idle() {
            return false;
        }
        if self.offered.auth_plain {
            let message = STANDARD.encode(format!("\0{login}\0{password}"));
            self.send(format_args!("AUTH PLAIN {message}\r\n"));
            self.state = State::AuthPlain(message);
        } else if self.offered.auth_login {
            self.send(format_args!("AUTH LOGIN\r\n"));
            let words = [password, login].map(|word| STANDARD.encode(word));
            self.state = State::AuthLogin(words.to_vec());
        } else {
            return false;
        }
        true
    }

    fn auth_answered(&mut self, reply: RemoteReply, mut words: Vec<String>) -> State {
        match (reply.severity(), words.pop()) {
            (Severity::Success, _) => {
                self.events.push_back(Event::Authenticated);
                State::Idle
            }
            (Severity::Intermediate, Some(word)) => {
                self.send(format_args!("{word}\r\n"));
                State::AuthLogin(words)
            }
            _ => self.refused(Opening::Auth, reply),
        }
    }

    /// Begins a transaction: MAIL, RCPT… and DATA in one flight where PIPELINING is offered.
    ///
    /// # Errors
    ///
    /// [`Unsupported`]: nothing was sent, and the session can be used for another message.
    pub fn send_mail(&mut self, mail: &Mail<'_>) -> Result<(), Unsupported> {
        let transaction = Transaction::mail(mail, self.dialect, &self.offered)?;
        self.begin(transaction);
        Ok(())
    }

    /// Asks whether mail to these recipients would be taken, and sends none.
    ///
    /// # Errors
    ///
    /// [`Unsupported`]: nothing was sent.
    pub fn probe(&mut self, recipients: &[&Mailbox]) -> Result<(), Unsupported> {
        let transaction = Transaction::probe(recipients, self.dialect, &self.offered)?;
        self.begin(transaction);
        Ok(())
    }

    fn begin(&mut self, mut transaction: Transaction) {
        if !self.is_idle() {
            self.fates = transaction.into_fates();
            return;
        }
        if std::mem::take(&mut self.needs_reset) {
            transaction.reset_first();
        }
        transaction.pump(&mut self.output);
        self.state = State::Transaction(Box::new(transaction));
    }

    /// Whether some recipient of the open transaction was refused.
    #[must_use]
    pub fn has_refused(&self) -> bool {
        matches!(&self.state, State::Transaction(transaction) if transaction.has_refused())
    }

    /// The content has so many octets, where that was not known when the transaction began: to be
    /// said before it is written.
    pub fn content_measured(&mut self, size: u64) {
        if let State::Transaction(transaction) = &mut self.state {
            transaction.content_measured(size, &mut self.output);
        }
    }

    /// The content is to go before it is measured: where it would be counted, [`Event::Content`] comes
    /// again, for the other way.
    pub fn content_unmeasured(&mut self) {
        if let State::Transaction(transaction) = &mut self.state {
            transaction.content_unmeasured(&mut self.output);
        }
    }

    /// All content and its end are written.
    pub fn content_sent(&mut self) {
        if let State::Transaction(transaction) = &mut self.state {
            transaction.content_sent();
        }
    }

    fn transaction_answered(
        &mut self,
        mut transaction: Box<Transaction>,
        reply: RemoteReply,
    ) -> Result<(), BadReply> {
        let next = transaction.answer(reply, &mut self.output);
        match next {
            Some(Next::Finished) => {
                self.needs_reset = transaction.needs_reset;
                if !transaction.is_broken {
                    self.state = State::Idle;
                }
                self.fates = transaction.into_fates();
                self.events.push_back(Event::Finished);
                return Ok(());
            }
            Some(Next::Content(transfer)) => self.events.push_back(Event::Content(transfer)),
            Some(Next::Wait) | None => {}
        }
        self.state = State::Transaction(transaction);
        next.map(|_| ()).ok_or(BadReply::Unasked)
    }

    /// One fate per recipient of the last transaction, in order.
    pub fn fates(&mut self) -> Vec<Fate> {
        std::mem::take(&mut self.fates)
    }

    /// Says QUIT; nothing is done after it, and its answer is not waited for (§4.1.1.10 allows
    /// the server to be gone).
    pub fn quit(&mut self) {
        if self.is_idle() {
            self.send(format_args!("QUIT\r\n"));
        }
        self.close();
    }
}
