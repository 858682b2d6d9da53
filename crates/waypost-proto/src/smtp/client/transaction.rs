//! One mail transaction (RFC 5321 §3.3) as the client lives through it: commands in flights, one
//! fate per recipient.

use std::collections::VecDeque;
use std::io::Write;

use thiserror::Error;

use super::Dialect;
use super::content::Transfer;
use super::timeouts;
use crate::mail::{Mailbox, ReversePath};
use crate::smtp::extension::Extensions;
use crate::smtp::params::{Body, MailParams, RcptParams};
use crate::smtp::reply::{RemoteReply, Severity};

/// Commands that may wait for their replies at once; their replies fit any receive window, so that
/// neither side waits for the other to read (RFC 2920 §3.1).
const MAX_FLIGHT: usize = 100;

/// A message to hand over.
#[derive(Debug, Clone)]
pub struct Mail<'a> {
    /// The argument of MAIL.
    pub reverse_path: &'a ReversePath,
    /// What was declared of the content; what the server does not offer is left out.
    pub params: &'a MailParams,
    /// Octets of content; none while it still arrives: what the client declared stands for it then,
    /// and the true number is told with [`super::Session::content_measured`].
    pub size: Option<u64>,
    /// The arguments of RCPT.
    pub recipients: Vec<Rcpt<'a>>,
}

/// One recipient of a [`Mail`].
#[derive(Debug, Clone)]
pub struct Rcpt<'a> {
    /// The address.
    pub address: &'a Mailbox,
    /// Passed on where the server offers DSN.
    pub params: &'a RcptParams,
}

/// Why a message cannot be handed to this server at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unsupported {
    /// RFC 6152: the content is 8bit and the server does not offer 8BITMIME.
    #[error("the server does not offer 8BITMIME, which the message needs")]
    EightBitMime,
    /// RFC 1870: larger than the server says it takes.
    #[error("the message is larger than the server takes")]
    Size,
    /// RFC 6531: an address or the header is in UTF-8 and the server does not offer SMTPUTF8.
    #[error("the server does not offer SMTPUTF8, which the message needs")]
    SmtpUtf8,
}

/// Which command a refusal answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// MAIL, or none: the whole connection is meant.
    Mail,
    /// RCPT of this very recipient.
    Rcpt,
    /// DATA.
    Data,
    /// The end of the content.
    Content,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The server took charge; for a probe: said yes to RCPT.
    Accepted(RemoteReply),
    /// The server said no, or something that is not a yes.
    Refused {
        /// To what.
        at: Stage,
        /// How.
        reply: RemoteReply,
    },
    /// No answer came.
    Unanswered {
        /// Whether all content was sent, so that the server may have taken charge nevertheless.
        content_sent: bool,
    },
}

/// What a reply that comes in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Reset,
    Mail,
    Rcpt(usize),
    Data,
    /// The end of content, for all accepted recipients.
    End,
    /// The end of content, for this recipient (RFC 2033 §4.2).
    EndFor(usize),
    /// The end of an empty message that nobody accepted (RFC 2920 §3.1).
    EmptyEnd,
}

/// What the session does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Content(Transfer),
    Finished,
    Wait,
}

#[derive(Debug)]
pub(super) struct Transaction {
    dialect: Dialect,
    pipelining: bool,
    transfer: Transfer,
    size: Option<u64>,
    is_probe: bool,
    /// Commands not yet sent, and how long each is in `wire`.
    unsent: VecDeque<(Ask, usize)>,
    wire: Vec<u8>,
    wire_at: usize,
    asked: VecDeque<Ask>,
    fates: Vec<Option<Fate>>,
    accepted: Vec<usize>,
    mail_refused: bool,
    content_begun: bool,
    content_sent: bool,
    pub(super) needs_reset: bool,
    /// Set when the conversation is out of step: nothing may follow.
    pub(super) is_broken: bool,
}

impl Transaction {
    /// MAIL, RCPT… and, without CHUNKING, DATA.
    pub(super) fn mail(
        mail: &Mail<'_>,
        dialect: Dialect,
        offered: &Extensions,
    ) -> Result<Self, Unsupported> {
        let params = passed_params(mail, offered)?;
        let transfer = if offered.chunking {
            Transfer::Counted
        } else {
            Transfer::Dotted
        };
        let mut made = Self::empty(dialect, offered, mail.recipients.len());
        made.transfer = transfer;
        made.size = mail.size;
        made.push_mail(mail.reverse_path, &params);
        let plain = RcptParams::default();
        for (i, rcpt) in mail.recipients.iter().enumerate() {
            let params = if offered.dsn { rcpt.params } else { &plain };
            made.push_rcpt(i, rcpt.address, params);
        }
        if transfer == Transfer::Dotted {
            made.push(Ask::Data, |wire| wire.extend_from_slice(b"DATA\r\n"));
        }
        Ok(made)
    }

    /// MAIL with the null reverse-path, RCPT…, RSET: asks without sending anything.
    pub(super) fn probe(
        recipients: &[&Mailbox],
        dialect: Dialect,
        offered: &Extensions,
    ) -> Result<Self, Unsupported> {
        let smtputf8 = recipients.iter().any(|mailbox| !mailbox.is_ascii());
        if smtputf8 && !offered.smtputf8 {
            return Err(Unsupported::SmtpUtf8);
        }
        let mut made = Self::empty(dialect, offered, recipients.len());
        made.is_probe = true;
        let params = MailParams {
            smtputf8,
            ..MailParams::default()
        };
        made.push_mail(&ReversePath::Null, &params);
        for (i, mailbox) in recipients.iter().enumerate() {
            made.push_rcpt(i, mailbox, &RcptParams::default());
        }
        made.push_reset();
        Ok(made)
    }

    fn empty(dialect: Dialect, offered: &Extensions, recipients: usize) -> Self {
        Self {
            dialect,
            pipelining: offered.pipelining,
            transfer: Transfer::Dotted,
            size: None,
            is_probe: false,
            unsent: VecDeque::with_capacity(recipients + 3),
            wire: Vec::with_capacity(128 + 64 * recipients),
            wire_at: 0,
            asked: VecDeque::with_capacity(recipients + 3),
            fates: vec![None; recipients],
            accepted: Vec::with_capacity(recipients),
            mail_refused: false,
            content_begun: false,
            content_sent: false,
            needs_reset: false,
            is_broken: false,
        }
    }

    fn push(&mut self, ask: Ask, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.wire.len();
        write(&mut self.wire);
        self.unsent.push_back((ask, self.wire.len() - before));
    }

    // Writing to a Vec does not fail.
    fn push_mail(&mut self, path: &ReversePath, params: &MailParams) {
        self.push(Ask::Mail, |wire| {
            let _ = write!(wire, "MAIL FROM:{path}{params}\r\n");
        });
    }

    fn push_rcpt(&mut self, index: usize, address: &Mailbox, params: &RcptParams) {
        self.push(Ask::Rcpt(index), |wire| {
            let _ = write!(wire, "RCPT TO:<{address}>{params}\r\n");
        });
    }

    pub(super) fn push_reset(&mut self) {
        self.push(Ask::Reset, |wire| wire.extend_from_slice(b"RSET\r\n"));
    }

    /// Puts RSET in front, to end what an earlier transaction left open.
    pub(super) fn reset_first(&mut self) {
        const RSET: &[u8] = b"RSET\r\n";
        self.wire.splice(0..0, RSET.iter().copied());
        self.unsent.push_front((Ask::Reset, RSET.len()));
    }

    /// Writes as many commands as may go now.
    pub(super) fn pump(&mut self, output: &mut Vec<u8>) {
        let room = if self.pipelining { MAX_FLIGHT } else { 1 };
        let start = self.wire_at;
        while self.asked.len() < room {
            let Some((ask, len)) = self.unsent.pop_front() else {
                break;
            };
            self.asked.push_back(ask);
            self.wire_at += len;
        }
        let flight = self.wire.get(start..self.wire_at);
        output.extend_from_slice(flight.unwrap_or_default());
    }

    /// Takes the answer to the oldest command; none was asked when this gives none.
    pub(super) fn answer(&mut self, reply: RemoteReply, output: &mut Vec<u8>) -> Option<Next> {
        let ask = self.asked.pop_front()?;
        if reply.code == 421 {
            self.hang_up(ask, &reply);
            return Some(Next::Finished);
        }
        match ask {
            Ask::Reset | Ask::EmptyEnd => {}
            Ask::Mail => self.mail_answered(&reply),
            Ask::Rcpt(index) => self.rcpt_answered(index, reply),
            Ask::Data => {
                if let Some(next) = self.data_answered(&reply, output) {
                    return Some(next);
                }
            }
            Ask::End => self.end_answered(reply),
            Ask::EndFor(index) => self.end_answered_for(index, reply),
        }
        Some(self.next(output))
    }

    fn next(&mut self, output: &mut Vec<u8>) -> Next {
        if self.is_broken {
            return Next::Finished;
        }
        let rcpt_open = |ask: &Ask| matches!(ask, Ask::Mail | Ask::Rcpt(_));
        let open =
            self.asked.iter().any(rcpt_open) || self.unsent.iter().any(|(ask, _)| rcpt_open(ask));
        if !open && self.accepted.is_empty() && !self.is_probe {
            // DATA need not be said when nobody is left to say it for.
            self.unsent.clear();
        }
        self.pump(output);
        if !self.asked.is_empty() {
            return Next::Wait;
        }
        let counted = self.transfer == Transfer::Counted && !self.is_probe;
        if counted && !self.content_begun && !self.accepted.is_empty() {
            let begun = self.begin_content();
            self.say_size(output);
            return begun;
        }
        Next::Finished
    }

    fn mail_answered(&mut self, reply: &RemoteReply) {
        if reply.severity() == Severity::Success {
            self.needs_reset = !self.is_probe;
            return;
        }
        self.mail_refused = true;
        // A probe's RSET is not needed either.
        self.unsent.clear();
        self.refuse_rest(Stage::Mail, reply);
    }

    fn rcpt_answered(&mut self, index: usize, reply: RemoteReply) {
        if self.mail_refused {
            return;
        }
        let fate = match reply.severity() {
            Severity::Success => {
                self.accepted.push(index);
                if !self.is_probe {
                    return;
                }
                Fate::Accepted(reply)
            }
            _ => Fate::Refused {
                at: Stage::Rcpt,
                reply,
            },
        };
        self.set(index, fate);
    }

    fn data_answered(&mut self, reply: &RemoteReply, output: &mut Vec<u8>) -> Option<Next> {
        match reply.severity() {
            Severity::Intermediate if self.accepted.is_empty() => {
                output.extend_from_slice(b".\r\n");
                self.asked.push_back(Ask::EmptyEnd);
                self.needs_reset = true;
                Some(Next::Wait)
            }
            Severity::Intermediate => Some(self.begin_content()),
            severity => {
                self.is_broken = severity == Severity::Success;
                self.refuse_rest(Stage::Data, reply);
                None
            }
        }
    }

    fn begin_content(&mut self) -> Next {
        self.content_begun = true;
        match self.dialect {
            Dialect::Lmtp => {
                let each = self.accepted.iter().map(|&index| Ask::EndFor(index));
                self.asked.extend(each);
            }
            Dialect::Smtp => self.asked.push_back(Ask::End),
        }
        Next::Content(self.transfer)
    }

    /// The announcement of content (RFC 3030 §2), when it is due and can be made.
    fn say_size(&self, output: &mut Vec<u8>) {
        if let (Transfer::Counted, Some(size)) = (self.transfer, self.size) {
            let _ = write!(output, "BDAT {size} LAST\r\n");
        }
    }

    /// Whether some recipient was refused.
    pub(super) fn has_refused(&self) -> bool {
        self.fates.iter().any(Option::is_some)
    }

    /// The content has so many octets.
    pub(super) fn content_measured(&mut self, size: u64, output: &mut Vec<u8>) {
        if self.size.replace(size).is_none() && self.content_begun {
            self.say_size(output);
        }
    }

    /// The content begins to go before it is measured: behind DATA, whose end needs no number.
    pub(super) fn content_unmeasured(&mut self, output: &mut Vec<u8>) {
        let is_announced = self.size.is_some();
        if self.transfer == Transfer::Dotted || !self.content_begun || is_announced {
            return;
        }
        self.transfer = Transfer::Dotted;
        self.content_begun = false;
        // The end of content that was not announced is not asked about yet.
        self.asked.clear();
        self.push(Ask::Data, |wire| wire.extend_from_slice(b"DATA\r\n"));
        self.pump(output);
    }

    pub(super) fn content_sent(&mut self) {
        self.content_sent = true;
    }

    fn end_answered(&mut self, reply: RemoteReply) {
        let accepted = std::mem::take(&mut self.accepted);
        let (last, others) = match accepted.split_last() {
            Some((last, others)) => (*last, others),
            None => return,
        };
        for &index in others {
            self.end_answered_for(index, reply.clone());
        }
        self.end_answered_for(last, reply);
    }

    fn end_answered_for(&mut self, index: usize, reply: RemoteReply) {
        self.needs_reset = false;
        // An answer before the end of the content leaves the server somewhere in the middle of it.
        self.is_broken |= !self.content_sent;
        let fate = match reply.severity() {
            Severity::Success if self.content_sent => Fate::Accepted(reply),
            Severity::Success => Fate::Unanswered {
                content_sent: false,
            },
            _ => Fate::Refused {
                at: Stage::Content,
                reply,
            },
        };
        self.set(index, fate);
    }

    /// RFC 5321 §3.8: 421 answers everything that is still open.
    fn hang_up(&mut self, ask: Ask, reply: &RemoteReply) {
        self.is_broken = true;
        let stage = match ask {
            Ask::Reset | Ask::Mail | Ask::Rcpt(_) | Ask::EmptyEnd => Stage::Mail,
            Ask::Data => Stage::Data,
            Ask::End | Ask::EndFor(_) => Stage::Content,
        };
        self.refuse_rest(stage, reply);
    }

    fn refuse_rest(&mut self, at: Stage, reply: &RemoteReply) {
        for fate in self.fates.iter_mut().filter(|fate| fate.is_none()) {
            let reply = reply.clone();
            *fate = Some(Fate::Refused { at, reply });
        }
        self.accepted.clear();
    }

    fn set(&mut self, index: usize, fate: Fate) {
        if let Some(slot) = self.fates.get_mut(index) {
            slot.get_or_insert(fate);
        }
    }

    /// How long the next reply may take.
    pub(super) fn deadline(&self) -> std::time::Duration {
        match self.asked.front() {
            Some(Ask::Data) => timeouts::DATA,
            Some(Ask::End | Ask::EndFor(_) | Ask::EmptyEnd) => timeouts::END,
            _ => timeouts::COMMAND,
        }
    }

    /// One fate per recipient, in order.
    pub(super) fn into_fates(self) -> Vec<Fate> {
        let content_sent = self.content_sent;
        let fates = self.fates.into_iter();
        fates
            .map(|fate| fate.unwrap_or(Fate::Unanswered { content_sent }))
            .collect()
    }
}

/// The parameters of MAIL that go to this server.
fn passed_params(mail: &Mail<'_>, offered: &Extensions) -> Result<MailParams, Unsupported> {
    let size = mail.size.or(mail.params.size);
    let is_too_large = |max| max != 0 && size.is_some_and(|size| size > max);
    if offered.size.is_some_and(is_too_large) {
        return Err(Unsupported::Size);
    }
    if mail.params.body == Body::EightBitMime && !offered.eight_bit_mime {
        return Err(Unsupported::EightBitMime);
    }
    let sender_is_ascii = mail.reverse_path.mailbox().is_none_or(Mailbox::is_ascii);
    let smtputf8 = mail.params.smtputf8
        || !sender_is_ascii
        || mail.recipients.iter().any(|rcpt| !rcpt.address.is_ascii());
    if smtputf8 && !offered.smtputf8 {
        return Err(Unsupported::SmtpUtf8);
    }
    Ok(MailParams {
        size: size.filter(|_| offered.size.is_some()),
        body: mail.params.body,
        smtputf8,
        ret: mail.params.ret.filter(|_| offered.dsn),
        envid: mail.params.envid.clone().filter(|_| offered.dsn),
    })
}
