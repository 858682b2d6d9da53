//! Where a session stands, and what an answer or an error changes about it.

use super::transaction::{Chunk, Transaction};
use super::{Event, Protocol, Session};
use crate::mail::ForwardPath;
use crate::smtp::data::DataReader;
use crate::smtp::replies;
use crate::smtp::reply::{Reply, Severity};
use crate::smtp::sasl::Exchange;

/// Where a session stands.
pub(super) enum State {
    /// Within a BDAT chunk, taken or thrown away.
    Chunk(Chunk),
    /// Nothing more is read.
    Closed,
    /// After DATA, within the content.
    Data(Transaction, DataReader),
    /// No EHLO yet, or none since TLS came up.
    Fresh,
    /// A transaction is open.
    Mail(Transaction),
    /// No transaction is open.
    Ready,
    /// Greeted with 554 (RFC 5321 §3.1).
    Refusing,
    /// Within an AUTH exchange.
    Sasl(Exchange),
    /// After STARTTLS; whatever comes is plain text that nobody reads.
    Securing,
}

/// What the event that waits will do when its answer is positive.
pub(super) enum Waiting {
    /// Log the client in.
    Auth,
    /// Begin a BDAT message with this chunk.
    Chunk { size: u64, last: bool },
    /// End the transaction.
    ContentEnd,
    /// Read content up to its dot.
    Data,
    /// Open a transaction.
    Mail { smtputf8: bool },
    /// Count a recipient.
    Rcpt,
    /// Begin the session anew; logged in or not when the proxy says so.
    Xclient { login: Option<bool> },
}

impl Session {
    /// Answers the event that waits; 2yz and 3yz move the session on, 4yz and 5yz do not.
    ///
    /// 421 closes the session. After the end of content over LMTP, all recipients get this reply.
    /// Nothing happens when no event waits.
    pub fn answer(&mut self, reply: &Reply) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        let good = matches!(reply.severity(), Severity::Success | Severity::Intermediate);
        match waiting {
            Waiting::Auth => self.answer_auth(reply, good),
            Waiting::Chunk { size, last } => self.answer_chunk(reply, good, size, last),
            Waiting::ContentEnd => self.answer_content(std::iter::repeat(reply)),
            Waiting::Data => self.answer_data(reply, good),
            Waiting::Mail { smtputf8 } => {
                self.reply(reply);
                if good {
                    self.state = State::Mail(Transaction::new(smtputf8));
                }
            }
            Waiting::Rcpt => {
                self.reply(reply);
                if let State::Mail(transaction) = &mut self.state {
                    transaction.recipients += usize::from(good);
                }
            }
            Waiting::Xclient { login } => {
                self.reply(reply);
                if good {
                    self.state = State::Fresh;
                    self.authenticated = login.unwrap_or(self.authenticated);
                }
            }
        }
        if reply.code() == 421 {
            self.state = State::Closed;
        }
    }

    /// Answers [`Event::ContentEnd`] over LMTP: one reply for each accepted recipient, in order
    /// (RFC 2033 §4.2). Recipients beyond the last reply get a transient failure.
    ///
    /// Where one reply is due, the first is it. Nothing happens when no event waits.
    pub fn answer_each(&mut self, replies: &[Reply]) {
        let missing = replies::storage_failed();
        match self.waiting.take() {
            Some(Waiting::ContentEnd) => {
                self.answer_content(replies.iter().chain(std::iter::repeat(&missing)));
            }
            other => {
                self.waiting = other;
                self.answer(replies.first().unwrap_or(&missing));
            }
        }
    }

    fn answer_content<'r>(&mut self, replies: impl Iterator<Item = &'r Reply>) {
        let count = match &self.state {
            State::Mail(transaction) => self.final_replies(transaction),
            _ => 1,
        };
        self.state = State::Ready;
        for reply in replies.take(count) {
            reply.write_to(&mut self.output);
            if reply.severity() == Severity::Success {
                self.errors = 0;
            }
        }
    }

    /// How many replies follow the content.
    pub(super) fn final_replies(&self, transaction: &Transaction) -> usize {
        match self.offer.protocol {
            Protocol::Lmtp => transaction.recipients,
            Protocol::Smtp | Protocol::Submission => 1,
        }
    }

    pub(super) fn reply(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// Refuses something that is no fault of the client.
    pub(super) fn decline(&mut self, reply: Reply) {
        self.reply(&reply);
        self.events.push_back(Event::Refused(reply));
    }

    pub(super) fn decline_recipient(&mut self, recipient: ForwardPath, reply: Reply) {
        self.reply(&reply);
        let refused = Event::RcptRefused(Box::new(recipient), reply);
        self.events.push_back(refused);
    }

    /// Refuses something that is a fault of the client, and turns it away after too many.
    pub(super) fn refuse(&mut self, reply: Reply) {
        self.decline(reply);
        self.count_error();
    }

    pub(super) fn count_error(&mut self) {
        self.errors += 1;
        if self.errors >= self.offer.errors_max {
            self.shut(replies::too_many_errors());
        }
    }

    /// Refuses a command behind which the input cannot be told from commands any more.
    pub(super) fn lose_track(&mut self, reply: Reply) {
        self.decline(reply);
        self.shut(replies::synchronization());
    }

    /// Ends the session by our own decision.
    pub(super) fn shut(&mut self, reply: Reply) {
        self.decline(reply);
        self.abandon();
        self.state = State::Closed;
    }

    /// Ends the open transaction, if there is one, without a message.
    pub(super) fn abandon(&mut self) {
        if matches!(self.state, State::Mail(_)) {
            self.state = State::Ready;
            self.events.push_back(Event::Reset);
        }
    }
}
