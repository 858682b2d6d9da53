//! One mail transaction: MAIL, RCPT, and the content by DATA or BDAT (RFC 5321 §3.3, RFC 3030).

use super::state::{State, Waiting};
use super::{Event, Offer, Protocol, Session};
use crate::mail::{ForwardPath, ReversePath};
use crate::smtp::data::{ChunkReader, DataReader, Piece, Seen};
use crate::smtp::limits;
use crate::smtp::params::{MailParams, RcptParams};
use crate::smtp::replies;
use crate::smtp::reply::Reply;

/// Most content that is read of one message, or of a refused chunk.
fn discarded_max(offer: &Offer) -> u64 {
    offer.size_max.saturating_mul(limits::DISCARDED_SIZES)
}

/// What is known of an open transaction.
pub(super) struct Transaction {
    smtputf8: bool,
    /// Recipients that were accepted.
    pub(super) recipients: usize,
    /// Octets of content so far.
    size: u64,
    /// There once the content has begun with BDAT.
    chunks: Option<ChunkReader>,
}

impl Transaction {
    pub(super) fn new(smtputf8: bool) -> Self {
        Self {
            smtputf8,
            recipients: 0,
            size: 0,
            chunks: None,
        }
    }
}

/// A BDAT chunk of which octets are still to come.
pub(super) struct Chunk {
    octets: u64,
    left: u64,
    last: bool,
    fate: Fate,
}

/// What becomes of a chunk.
enum Fate {
    /// It is content of this transaction.
    Content(Transaction),
    /// It is thrown away, then refused with so many replies; then the session stands there.
    Refused(Reply, usize, Box<State>),
}

impl Session {
    pub(super) fn mail(&mut self, reverse_path: ReversePath, params: MailParams) {
        match self.state {
            State::Ready => {}
            State::Mail(_) => return self.refuse(replies::bad_sequence("Nested MAIL command")),
            _ => return self.refuse(self.needs_hello()),
        }
        if self.offer.auth_required && !self.authenticated {
            return self.refuse(replies::authentication_required());
        }
        if params.size.is_some_and(|size| size > self.offer.size_max) {
            return self.refuse(replies::too_large());
        }
        self.waiting = Some(Waiting::Mail {
            smtputf8: params.smtputf8,
        });
        self.events.push_back(Event::Mail {
            reverse_path,
            params,
        });
    }

    pub(super) fn needs_hello(&self) -> Reply {
        replies::bad_sequence(match self.offer.protocol {
            Protocol::Lmtp => "Send LHLO first",
            Protocol::Smtp | Protocol::Submission => "Send EHLO first",
        })
    }

    /// `ascii` tells whether the whole command was.
    pub(super) fn rcpt(&mut self, forward_path: ForwardPath, params: RcptParams, ascii: bool) {
        let State::Mail(transaction) = &self.state else {
            return self.refuse(replies::bad_sequence("Need MAIL before RCPT"));
        };
        if transaction.chunks.is_some() {
            return self.refuse(replies::bad_sequence("Content has begun"));
        }
        if !ascii && !transaction.smtputf8 {
            self.decline_recipient(forward_path, replies::needs_smtputf8());
            return self.count_error();
        }
        // No fault of the client's: it sends the rest in another transaction (RFC 5321 §4.5.3.1.10).
        if transaction.recipients >= self.offer.recipients_max {
            return self.decline_recipient(forward_path, replies::too_many_recipients());
        }
        self.waiting = Some(Waiting::Rcpt);
        self.events.push_back(Event::Rcpt {
            forward_path,
            params,
        });
    }

    pub(super) fn data(&mut self) {
        let refusal = match &self.state {
            State::Mail(transaction) if transaction.chunks.is_some() => {
                Some(replies::bad_sequence("Content has begun with BDAT"))
            }
            _ => self.content_refusal(),
        };
        match refusal {
            Some(reply) => {
                self.refuse(reply);
                self.expect_nothing_behind_data();
            }
            None => {
                self.waiting = Some(Waiting::Data);
                self.events.push_back(Event::DataStart);
            }
        }
    }

    /// Why there can be no content now.
    fn content_refusal(&self) -> Option<Reply> {
        let lmtp = self.offer.protocol == Protocol::Lmtp;
        match &self.state {
            State::Mail(transaction) if transaction.recipients > 0 => None,
            // RFC 2033 §4.2 names the code.
            State::Mail(_) if lmtp => Some(replies::bad_sequence("No valid recipients")),
            State::Mail(_) => Some(replies::no_valid_recipients()),
            _ => Some(replies::bad_sequence("Need MAIL and RCPT first")),
        }
    }

    /// What stands behind a refused DATA is content that must not be read as commands: a client
    /// has to wait for 354 (RFC 2920 §3.1).
    fn expect_nothing_behind_data(&mut self) {
        if !self.is_closed() && !self.input.is_empty() {
            self.shut(replies::synchronization());
        }
    }

    pub(super) fn answer_data(&mut self, reply: &Reply, good: bool) {
        self.reply(reply);
        if !good {
            return self.expect_nothing_behind_data();
        }
        self.state = match std::mem::replace(&mut self.state, State::Ready) {
            State::Mail(transaction) => State::Data(transaction, DataReader::new()),
            other => other,
        };
    }

    pub(super) fn read_data(&mut self) -> bool {
        let State::Data(transaction, reader) = &mut self.state else {
            return false;
        };
        match reader.read(self.input.unread()) {
            Piece::More => return false,
            Piece::Stuffing(count) => {
                self.input.take(count);
            }
            Piece::Content(count) => {
                let range = self.input.take(count);
                transaction.size = transaction.size.saturating_add(count as u64);
                if reader.seen().fault.is_none() && transaction.size <= self.offer.size_max {
                    self.content = range;
                    self.events.push_back(Event::Content);
                } else if transaction.size <= discarded_max(&self.offer) {
                    self.events.push_back(Event::Discarded(count as u64));
                } else {
                    self.shut(replies::too_large());
                }
            }
            Piece::End(count) => {
                self.input.take(count);
                let seen = reader.seen();
                if let State::Data(transaction, _) =
                    std::mem::replace(&mut self.state, State::Ready)
                {
                    self.end_content(transaction, seen);
                }
            }
        }
        true
    }

    /// The content is complete: refuses it by rule, or asks.
    fn end_content(&mut self, transaction: Transaction, seen: Seen) {
        let refusal = self.fault(&transaction, seen);
        let size_bytes = transaction.size;
        let count = self.final_replies(&transaction);
        self.state = State::Mail(transaction);
        match refusal {
            Some(reply) => self.refuse_content(reply, count),
            None => {
                self.waiting = Some(Waiting::ContentEnd);
                self.events.push_back(Event::ContentEnd {
                    size_bytes,
                    eight_bit: seen.eight_bit,
                });
            }
        }
    }

    fn fault(&self, transaction: &Transaction, seen: Seen) -> Option<Reply> {
        match seen.fault {
            Some(fault) => Some(replies::bad_content(fault)),
            None => (transaction.size > self.offer.size_max).then(replies::too_large),
        }
    }

    /// Refuses the content with so many replies, and the transaction with it.
    fn refuse_content(&mut self, reply: Reply, count: usize) {
        for _ in 1..count {
            self.reply(&reply);
        }
        self.abandon();
        self.refuse(reply);
    }

    pub(super) fn bdat(&mut self, size: u64, last: bool) {
        if let Some(reply) = self.chunk_refusal(size) {
            return self.refuse_chunk(reply, size, last);
        }
        match &self.state {
            State::Mail(transaction) if transaction.chunks.is_none() => {
                self.waiting = Some(Waiting::Chunk { size, last });
                self.events.push_back(Event::DataStart);
            }
            _ => self.begin_chunk(size, last),
        }
    }

    fn chunk_refusal(&self, size: u64) -> Option<Reply> {
        if let Some(reply) = self.content_refusal() {
            return Some(reply);
        }
        let State::Mail(transaction) = &self.state else {
            return None;
        };
        let total = transaction.size.saturating_add(size);
        (total > self.offer.size_max).then(replies::too_large)
    }

    fn begin_chunk(&mut self, size: u64, last: bool) {
        self.state = match std::mem::replace(&mut self.state, State::Ready) {
            State::Mail(mut transaction) => {
                transaction.chunks.get_or_insert_default();
                State::Chunk(Chunk {
                    octets: size,
                    left: size,
                    last,
                    fate: Fate::Content(transaction),
                })
            }
            other => other,
        };
    }

    /// The transaction is over, and the chunk has to be read all the same (RFC 3030 §2).
    fn refuse_chunk(&mut self, reply: Reply, size: u64, last: bool) {
        if size > discarded_max(&self.offer) {
            return self.shut(reply);
        }
        // RFC 2033 §4.3: the last chunk has one reply per accepted recipient, whatever it says.
        let count = match &self.state {
            State::Mail(transaction) if last => self.final_replies(transaction).max(1),
            _ => 1,
        };
        self.abandon();
        let after = Box::new(std::mem::replace(&mut self.state, State::Ready));
        self.state = State::Chunk(Chunk {
            octets: size,
            left: size,
            last,
            fate: Fate::Refused(reply, count, after),
        });
    }

    pub(super) fn answer_chunk(&mut self, reply: &Reply, good: bool, size: u64, last: bool) {
        if good {
            self.begin_chunk(size, last);
        } else {
            self.refuse_chunk(reply.clone(), size, last);
        }
    }

    pub(super) fn read_chunk(&mut self) -> bool {
        let State::Chunk(chunk) = &mut self.state else {
            return false;
        };
        if chunk.left == 0 {
            if let State::Chunk(chunk) = std::mem::replace(&mut self.state, State::Ready) {
                self.end_chunk(chunk);
            }
            return true;
        }
        let left = usize::try_from(chunk.left).unwrap_or(usize::MAX);
        let range = self.input.take(left);
        if range.is_empty() {
            return false;
        }
        chunk.left -= range.len() as u64;
        if let Fate::Content(transaction) = &mut chunk.fate {
            transaction.size = transaction.size.saturating_add(range.len() as u64);
            let reader = transaction.chunks.get_or_insert_default();
            reader.read(self.input.slice(range.clone()));
            if reader.seen().fault.is_none() {
                self.content = range;
                self.events.push_back(Event::Content);
                return true;
            }
        }
        self.events.push_back(Event::Discarded(range.len() as u64));
        true
    }

    fn end_chunk(&mut self, chunk: Chunk) {
        let mut transaction = match chunk.fate {
            Fate::Content(transaction) => transaction,
            Fate::Refused(reply, count, after) => {
                self.state = *after;
                return self.refuse_content(reply, count);
            }
        };
        let reader = transaction.chunks.get_or_insert_default();
        let line_open = chunk.last && reader.finish();
        let seen = reader.seen();
        if chunk.last {
            // What goes on by DATA must end with CRLF, so the line is closed here.
            if line_open && seen.fault.is_none() {
                transaction.size += 2;
                self.closes_line = true;
                self.events.push_back(Event::Content);
            }
            return self.end_content(transaction, seen);
        }
        self.state = State::Mail(transaction);
        match seen.fault {
            Some(fault) => self.refuse_content(replies::bad_content(fault), 1),
            None => self.reply(&replies::chunk_ok(chunk.octets)),
        }
    }
}
