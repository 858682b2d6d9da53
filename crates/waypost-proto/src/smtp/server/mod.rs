//! The server's side of a session: SMTP (RFC 5321), submission (RFC 6409) and LMTP (RFC 2033).
//!
//! The caller owns the socket, the clock and every decision:
//!
//! ```text
//! loop {
//!     while let Some(event) = session.event() { …; session.answer(reply) }
//!     if there is output { write it all; clear it; continue }   // more input may wait for that
//!     if session.is_closed() { break }
//!     read into session.input(), for as long as RFC 5321 §4.5.3.2 says
//! }
//! ```
//!
//! Commands are taken strictly one after the other (RFC 2920 §3.2): while an event waits for its
//! answer nothing behind it is looked at. Input, output and state are bounded by [`limits`].

mod auth;
mod state;
mod transaction;

use std::collections::VecDeque;
use std::ops::Range;

use super::command::{Command, Malformed};
use super::extension::Extensions;
use super::limits;
use super::line::{Input, Line};
use super::params::{MailParams, RcptParams};
use super::replies;
use super::reply::Reply;
use super::sasl::Credentials;
use super::xclient::Xclient;
use crate::mail::{ForwardPath, ReversePath};
use state::{State, Waiting};

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// LMTP (RFC 2033): LHLO, and one reply per recipient after the content.
    Lmtp,
    /// SMTP (RFC 5321).
    Smtp,
    /// Submission (RFC 6409): SMTP for a logged-in user.
    Submission,
}

/// What a session offers its client.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What is spoken.
    pub protocol: Protocol,
    /// Largest message taken, in bytes (RFC 1870).
    pub size_max: u64,
    /// Whether STARTTLS is offered until TLS is up.
    pub starttls: bool,
    /// Whether AUTH is offered once TLS is up.
    pub auth: bool,
    /// Whether MAIL needs a login.
    pub auth_required: bool,
    /// Whether the client may use XCLIENT.
    pub xclient: bool,
    /// Recipients of one message.
    pub recipients_max: usize,
    /// Errors of the client before it is turned away.
    pub errors_max: u32,
}

impl Offer {
    /// The usual offer of a protocol: no TLS, no login, 50 MiB.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            size_max: 50 * 1024 * 1024,
            starttls: false,
            auth: false,
            auth_required: false,
            xclient: false,
            recipients_max: limits::RECIPIENTS,
            errors_max: limits::ERRORS,
        }
    }
}

/// What the client wants, or what has happened.
///
/// An event that *waits* is answered with [`Session::answer`]; a *notice* is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Waits for 235, 535, or 454: the client logs in. It is logged in after a positive answer.
    Auth(Credentials),
    /// Notice: [`Session::content`] holds more content, until the next call of `event`.
    ///
    /// Dots are unstuffed, chunks are stripped of their commands.
    Content,
    /// Waits for the final reply: the content is complete, free of bare CR, bare LF and NUL, within
    /// the size, and empty or ended by CRLF. Over LMTP answered with [`Session::answer_each`].
    ContentEnd {
        /// Octets of content.
        size_bytes: u64,
        /// Whether there is an octet above 127.
        eight_bit: bool,
    },
    /// Waits for [`replies::start_mail_input`] or a refusal: the client is about to send content,
    /// after DATA or with the first BDAT.
    DataStart,
    /// Notice: so many octets of content were thrown away; what they belong to is refused when all
    /// of it has come.
    Discarded(u64),
    /// Notice: the client has introduced itself, and was answered.
    Hello {
        /// EHLO or LHLO, not HELO.
        extended: bool,
        /// What it calls itself; printable, without spaces.
        name: Box<str>,
    },
    /// Waits: MAIL.
    Mail {
        /// Where reports go.
        reverse_path: ReversePath,
        /// The parameters; a declared size is within the offer.
        params: MailParams,
    },
    /// Notice: QUIT, and it was answered.
    Quit,
    /// Waits: RCPT.
    Rcpt {
        /// The recipient.
        forward_path: ForwardPath,
        /// The parameters.
        params: RcptParams,
    },
    /// Notice: the session itself has refused a recipient in these words, for the log.
    RcptRefused(Box<ForwardPath>, Reply),
    /// Notice: the session itself has refused something else in these words, for the log.
    Refused(Reply),
    /// Notice: the transaction is over without a message; drop what is staged.
    Reset,
    /// Notice: write the output, do the handshake, then call [`Session::secured`].
    StartTls,
    /// Waits for [`replies::service_ready`] or a refusal: a proxy tells whom it speaks for.
    Xclient(Box<Xclient>),
}

/// One connection, from greeting to close.
pub struct Session {
    hostname: Box<str>,
    offer: Offer,
    input: Input,
    output: Vec<u8>,
    state: State,
    waiting: Option<Waiting>,
    events: VecDeque<Event>,
    content: Range<usize>,
    /// The line end that the last BDAT chunk lacked is the content.
    closes_line: bool,
    secured: bool,
    authenticated: bool,
    errors: u32,
}

impl Session {
    /// A session that has not greeted yet.
    #[must_use]
    pub fn new(hostname: &str, offer: Offer) -> Self {
        Self {
            hostname: hostname.into(),
            offer,
            input: Input::default(),
            output: Vec::new(),
            state: State::Fresh,
            waiting: None,
            events: VecDeque::new(),
            content: 0..0,
            closes_line: false,
            secured: false,
            authenticated: false,
            errors: 0,
        }
    }

    /// Greets the client: with the banner, or with a refusal.
    ///
    /// After 421 the session is closed; after 554 every command but QUIT is answered with 503
    /// (RFC 5321 §3.1).
    pub fn greet(&mut self, refusal: Option<&Reply>) {
        match refusal {
            None => self.banner().write_to(&mut self.output),
            Some(reply) => {
                reply.write_to(&mut self.output);
                self.state = match reply.code() {
                    421 => State::Closed,
                    _ => State::Refusing,
                };
            }
        }
    }

    /// The reply that greets the client, and answers a XCLIENT that is accepted.
    #[must_use]
    pub fn banner(&self) -> Reply {
        let protocol = match self.offer.protocol {
            Protocol::Lmtp => "LMTP",
            Protocol::Smtp | Protocol::Submission => "ESMTP",
        };
        replies::service_ready(&self.hostname, protocol)
    }

    /// Where to append what the peer sends; has spare capacity for one read.
    ///
    /// To be filled when there is no event, nothing to answer and no output: then there is room.
    pub fn input(&mut self) -> &mut Vec<u8> {
        let wanted = match self.state {
            State::Chunk(_) | State::Data(..) if self.input.was_filled() => limits::INPUT_OCTETS,
            _ => limits::READ_OCTETS,
        };
        self.input.spare(wanted)
    }

    /// Gives back buffers that hold nothing: while a client is silent its session needs none.
    pub fn release(&mut self) {
        self.input.release();
        if self.output.is_empty() {
            self.output = Vec::new();
        }
    }

    /// Takes as much of `bytes` as there is room for; tells how much.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.input.room());
        let taken = bytes.get(..count).unwrap_or_default();
        self.input.spare(count).extend_from_slice(taken);
        count
    }

    /// What happened next; none while an answer is due, the output is to be written, or more input
    /// is needed.
    pub fn event(&mut self) -> Option<Event> {
        self.content = 0..0;
        self.closes_line = false;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let stopped = self.waiting.is_some() || self.output.len() >= limits::OUTPUT_OCTETS;
            if stopped || !self.step() {
                return None;
            }
        }
    }

    /// The content that [`Event::Content`] spoke of.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        if self.closes_line {
            b"\r\n"
        } else {
            self.input.slice(self.content.clone())
        }
    }

    /// Whether an event waits for its answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Bytes to write to the peer; the caller clears what is written.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// TLS is up: the session begins anew, and nothing that came in plain text survives
    /// (RFC 3207 §4.2). For TLS from the first byte, called before [`Self::greet`].
    pub fn secured(&mut self) {
        self.secured = true;
        self.authenticated = false;
        self.input.clear();
        self.events.clear();
        self.waiting = None;
        self.state = State::Fresh;
    }

    /// Ends the session from this side, with 421 as a rule.
    pub fn close(&mut self, reply: &Reply) {
        if !self.is_closed() {
            reply.write_to(&mut self.output);
            self.waiting = None;
            self.state = State::Closed;
        }
    }

    /// Recipients of the RCPT commands that are already there behind the event that waits, in
    /// order, so that they can be asked about together.
    ///
    /// Reads all the buffered input: to be called once per burst, not once per recipient.
    #[must_use]
    pub fn pipelined_recipients(&self) -> Vec<ForwardPath> {
        let recipient = |line| match Command::parse(line) {
            Ok(Command::Rcpt { forward_path, .. }) => Some(forward_path),
            _ => None,
        };
        self.input.lines_ahead().map_while(recipient).collect()
    }

    /// Whether the connection is to be closed once the output is written.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether TLS is up.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.secured
    }

    /// Goes on by one piece of input; false when there is none to go on with.
    fn step(&mut self) -> bool {
        match self.state {
            State::Closed | State::Securing => false,
            State::Chunk(_) => self.read_chunk(),
            State::Data(..) => self.read_data(),
            _ => self.read_line(),
        }
    }

    fn read_line(&mut self) -> bool {
        let Some(line) = self.input.next_line() else {
            return false;
        };
        let in_exchange = matches!(self.state, State::Sasl(_));
        match line {
            Line::Whole(range) if in_exchange => self.sasl_response(range),
            Line::Whole(range) => self.command(range),
            Line::BareLf => self.refuse_line(replies::bad_line()),
            Line::TooLong if in_exchange => self.refuse_line(replies::auth_line_too_long()),
            Line::TooLong => self.refuse_line(replies::line_too_long()),
        }
        true
    }

    /// A line that cannot be read ends an AUTH exchange, and nothing else.
    fn refuse_line(&mut self, reply: Reply) {
        if matches!(self.state, State::Sasl(_)) {
            self.state = State::Ready;
        }
        self.refuse(reply);
    }

    fn command(&mut self, range: Range<usize>) {
        let line = self.input.slice(range);
        let ascii = line.is_ascii();
        let command = Command::parse(line);
        if line.len() + 2 > limits::COMMAND_LINE_OCTETS {
            match command {
                Ok(Command::Auth { .. }) => {}
                Ok(Command::Bdat { .. }) => return self.lose_track(replies::line_too_long()),
                _ => return self.refuse(replies::line_too_long()),
            }
        }
        if matches!(self.state, State::Refusing)
            && !matches!(command, Ok(Command::Quit | Command::Bdat { .. }))
        {
            return self.refuse(replies::bad_sequence("No service here"));
        }
        match command {
            Ok(Command::Auth { mechanism, initial }) => {
                let step = auth::begin(mechanism, initial);
                self.auth(step);
            }
            Ok(Command::Bdat { size, last }) => self.bdat(size, last),
            Ok(Command::Data) => self.data(),
            Ok(Command::Ehlo(name)) => {
                let name = hello_name(name);
                self.hello(Verb::Ehlo, name);
            }
            Ok(Command::Helo(name)) => {
                let name = hello_name(name);
                self.hello(Verb::Helo, name);
            }
            Ok(Command::Lhlo(name)) => {
                let name = hello_name(name);
                self.hello(Verb::Lhlo, name);
            }
            Ok(Command::Expn) => self.refuse(replies::not_implemented()),
            Ok(Command::Help) => self.reply(&replies::help()),
            Ok(Command::Mail {
                reverse_path,
                params,
            }) => self.mail(reverse_path, params),
            Ok(Command::Noop) => self.reply(&replies::ok()),
            Ok(Command::Quit) => self.quit(),
            Ok(Command::Rcpt {
                forward_path,
                params,
            }) => self.rcpt(forward_path, params, ascii),
            Ok(Command::Rset) => self.rset(),
            Ok(Command::StartTls) => self.starttls(),
            Ok(Command::Vrfy) => self.reply(&replies::cannot_verify()),
            Ok(Command::Xclient(arguments)) => {
                let told = Xclient::parse(arguments);
                self.xclient(told);
            }
            Err(Malformed::ChunkSize) => self.lose_track(replies::bad_arguments()),
            Err(wrong) => self.refuse(wrong.into()),
        }
    }

    fn hello(&mut self, verb: Verb, name: Option<Box<str>>) {
        let lmtp = self.offer.protocol == Protocol::Lmtp;
        if lmtp != (verb == Verb::Lhlo) {
            return self.refuse(replies::unrecognized_command());
        }
        let Some(name) = name else {
            return self.refuse(replies::bad_arguments());
        };
        self.abandon();
        self.state = State::Ready;
        let extended = verb != Verb::Helo;
        if extended {
            replies::hello(&self.hostname, &self.extensions()).write_to(&mut self.output);
        } else {
            replies::plain_hello(&self.hostname).write_to(&mut self.output);
        }
        self.events.push_back(Event::Hello { extended, name });
    }

    fn extensions(&self) -> Extensions {
        let auth = self.offer.auth && self.secured && !self.authenticated;
        Extensions {
            eight_bit_mime: true,
            auth_plain: auth,
            auth_login: auth,
            chunking: true,
            dsn: true,
            enhanced_status_codes: true,
            pipelining: true,
            size: Some(self.offer.size_max),
            smtputf8: true,
            starttls: self.offer.starttls && !self.secured,
            xclient: self.offer.xclient,
        }
    }

    fn rset(&mut self) {
        self.abandon();
        self.reply(&replies::ok());
    }

    fn quit(&mut self) {
        self.abandon();
        self.reply(&replies::closing());
        self.state = State::Closed;
        self.events.push_back(Event::Quit);
    }
}

/// The three ways to say hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Ehlo,
    Helo,
    Lhlo,
}

/// Any one printable word that is not longer than a domain: many clients do not know their name.
fn hello_name(argument: &str) -> Option<Box<str>> {
    let good = (1..=limits::HELLO_OCTETS).contains(&argument.len())
        && argument.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| argument.into())
}
