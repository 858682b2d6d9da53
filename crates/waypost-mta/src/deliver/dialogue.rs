//! Drives a client session over a connection: one transaction, whole.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::smtp::client::{
    BadReply, ContentWriter, Event, Fate, Mail, Rcpt, Stage, Transfer, Unsupported, timeouts,
};
use waypost_proto::smtp::extension::Extensions;
use waypost_proto::smtp::params::MailParams;
use waypost_proto::smtp::reply::RemoteReply;
use waypost_proto::smtp::status::EnhancedStatus;
use waypost_spool::Content;

use super::connect::Connection;
use super::trial::tapped;
use super::{Delivered, Trouble};
use crate::blocking;

/// Octets read from a file at a time.
const PIECE_OCTETS: usize = 64 * 1024;
/// Slices given to one write.
const MAX_SLICES: usize = 256;
/// How long a server that stopped reading is listened to for its reason.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(5);

/// The envelope of a message on its way out.
pub(super) struct Sending<'a> {
    pub(super) reverse_path: &'a ReversePath,
    pub(super) params: &'a MailParams,
    pub(super) recipients: Vec<Rcpt<'a>>,
}

/// What a host made of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// No; another host is not asked in this attempt.
    Refused(Trouble),
    /// Yes.
    Taken(Delivered),
    /// Nothing that concerns the recipient; another host may be asked.
    Unsaid(Trouble),
}

/// What was heard of an envelope that was told ahead.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing yet: nobody has listened.
    Nothing,
    /// Every recipient is accepted, and so much of the content has gone.
    Go(Passing),
    /// Every recipient is refused.
    Over,
}

/// Content on its way to a host, piece by piece.
#[derive(Debug)]
pub(super) struct Passing {
    transfer: Transfer,
    writer: ContentWriter,
    /// Whether the command before it, and what stands in front of it, have gone.
    is_begun: bool,
    /// Octets of it that have gone.
    pub(super) gone: u64,
}

impl Passing {
    fn new(transfer: Transfer) -> Self {
        Self {
            transfer,
            writer: ContentWriter::new(transfer),
            is_begun: false,
            gone: 0,
        }
    }
}

/// What came of a transaction.
pub(super) enum Said {
    /// One answer per recipient, in order.
    Answers(Vec<Answer>),
    /// The connection had ended before anything was said; another one is as good as ever.
    Stale,
}

/// Why nothing more is heard.
#[derive(Debug)]
pub(super) enum Lost {
    /// The other end hung up.
    Closed,
    /// The content could not be read here.
    Content(io::Error),
    /// The connection broke.
    Io(io::Error),
    /// Not SMTP.
    Reply(BadReply),
    /// Nothing came in time.
    Timeout,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the host closed the connection"),
            Self::Content(error) => write!(f, "the content cannot be read: {error}"),
            Self::Io(error) => write!(f, "the connection broke: {error}"),
            Self::Reply(bad) => write!(f, "protocol error: {bad}"),
            Self::Timeout => f.write_str("the host did not answer in time"),
        }
    }
}

impl Connection {
    /// What the host offers.
    pub(super) fn offered(&self) -> &Extensions {
        self.session.offered()
    }

    /// Writes what is to be written and reads on until something happens.
    pub(super) async fn event(&mut self) -> Result<Event, Lost> {
        loop {
            if let Some(event) = self.session.event() {
                return Ok(event);
            }
            if self.session.is_closed() {
                return Err(Lost::Closed);
            }
            self.flush().await?;
            let limit = self.session.deadline();
            timeout(limit, self.hear())
                .await
                .unwrap_or(Err(Lost::Timeout))?;
        }
    }

    /// Reads until one more reply is whole, so that no drip of octets extends a deadline.
    async fn hear(&mut self) -> Result<(), Lost> {
        let before = self.session.heard();
        while self.session.heard() == before {
            let count = self.io.read(&mut self.input).await.map_err(Lost::Io)?;
            if count == 0 {
                return Err(Lost::Closed);
            }
            let input = self.input.get(..count).unwrap_or_default();
            tapped(self.tap.as_ref(), |tap| tap.transcript.note(false, input));
            self.session.receive(input).map_err(Lost::Reply)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        if self.session.output().is_empty() {
            return Ok(());
        }
        let mut said = std::mem::take(self.session.output());
        tapped(self.tap.as_ref(), |tap| tap.transcript.note(true, &said));
        let written = self.write(&mut [IoSlice::new(&said)]).await;
        said.clear();
        // The room is used again.
        *self.session.output() = said;
        written
    }

    /// Writes all slices; each wait for the other end to take something is limited.
    async fn write(&mut self, mut slices: &mut [IoSlice<'_>]) -> Result<(), Lost> {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let taking = poll_fn(|cx| Pin::new(&mut self.io).poll_write_vectored(cx, slices));
            let taken = timeout(timeouts::PIECE, taking).await;
            match taken.map_err(|_| Lost::Timeout)?.map_err(Lost::Io)? {
                0 => return Err(Lost::Closed),
                count => IoSlice::advance_slices(&mut slices, count),
            }
        }
        let flushed = timeout(timeouts::PIECE, self.io.flush()).await;
        flushed.map_err(|_| Lost::Timeout)?.map_err(Lost::Io)
    }

    async fn write_all<'a>(&mut self, slices: impl Iterator<Item = &'a [u8]>) -> Result<(), Lost> {
        let mut batch = Vec::with_capacity(8);
        for slice in slices {
            if batch.len() == MAX_SLICES {
                self.write(&mut batch).await?;
                batch.clear();
            }
            batch.push(IoSlice::new(slice));
        }
        self.write(&mut batch).await
    }

    /// Hands a message over, `front` before its content.
    pub(super) async fn send(
        &mut self,
        sending: Sending<'_>,
        front: &[u8],
        content: &Content,
    ) -> Said {
        let count = sending.recipients.len();
        let size = front.len() as u64 + content.len();
        match self.begin(sending, Some(size)) {
            Ok(before) => self.go_on((before, Heard::Nothing), front, content).await,
            Err(unsupported) => {
                let trouble = not_taken(unsupported).at_host(&self.host);
                Said::Answers(vec![Answer::Refused(trouble); count])
            }
        }
    }

    /// Begins a transaction; how many replies there were before it.
    fn begin(&mut self, sending: Sending<'_>, size: Option<u64>) -> Result<u64, Unsupported> {
        self.transactions += 1;
        let before = self.session.heard();
        self.session.send_mail(&Mail {
            reverse_path: sending.reverse_path,
            params: sending.params,
            size,
            recipients: sending.recipients,
        })?;
        Ok(before)
    }

    /// Tells the envelope of a message whose content is not whole yet, as far as it goes in one
    /// flight. The replies are heard with [`Self::go_on`], which takes what this gives.
    ///
    /// None: nothing may be told over this connection.
    pub(super) async fn tell_ahead(&mut self, sending: Sending<'_>) -> Option<u64> {
        let before = self.begin(sending, None).ok()?;
        self.flush().await.ok()?;
        Some(before)
    }

    /// Hears the replies to an envelope that was told ahead; none where some recipients are
    /// accepted and others are not, or the host is gone.
    pub(super) async fn hear_out(&mut self) -> Option<Heard> {
        match self.event().await {
            Ok(Event::Content(transfer)) if !self.session.has_refused() => {
                Some(Heard::Go(Passing::new(transfer)))
            }
            Ok(Event::Finished) => Some(Heard::Over),
            _ => None,
        }
    }

    /// Hears out an envelope whose content is to go before it is measured.
    pub(super) async fn hear_for_passing(&mut self, heard: &mut Heard) -> Option<()> {
        if matches!(heard, Heard::Nothing) {
            *heard = self.hear_out().await?;
        }
        if matches!(heard, Heard::Go(passing) if passing.transfer == Transfer::Counted) {
            self.session.content_unmeasured();
            *heard = self.hear_out().await?;
        }
        Some(())
    }

    /// Why content that was measured after its envelope was told is not sent (RFC 1870 §6.3).
    pub(super) fn too_large(&self, front: &[u8], content: &Content) -> Option<Trouble> {
        let size = front.len() as u64 + content.len();
        let most = self.offered().size.filter(|most| *most != 0)?;
        (size > most).then(|| not_taken(Unsupported::Size).at_host(&self.host))
    }

    /// Hands over the content that belongs to an envelope.
    pub(super) async fn go_on(
        &mut self,
        (before, heard): (u64, Heard),
        front: &[u8],
        content: &Content,
    ) -> Said {
        self.session
            .content_measured(front.len() as u64 + content.len());
        let result = match heard {
            Heard::Nothing => self.converse(front, Some(content)).await,
            Heard::Go(passing) => match self.send_content(passing, front, content).await {
                Ok(()) => self.converse(front, Some(content)).await,
                Err(lost) => Err(lost),
            },
            Heard::Over => Ok(()),
        };
        self.said(before, result)
    }

    /// Asks whether mail for a recipient would be taken.
    pub(super) async fn probe(&mut self, recipient: &Mailbox) -> Said {
        self.transactions += 1;
        let before = self.session.heard();
        if let Err(unsupported) = self.session.probe(&[recipient]) {
            let trouble = not_taken(unsupported).at_host(&self.host);
            return Said::Answers(vec![Answer::Refused(trouble)]);
        }
        let result = self.converse(&[], None).await;
        self.said(before, result)
    }

    async fn converse(&mut self, front: &[u8], content: Option<&Content>) -> Result<(), Lost> {
        loop {
            match (self.event().await?, content) {
                (Event::Finished, _) => return Ok(()),
                (Event::Content(transfer), Some(content)) => {
                    let passing = Passing::new(transfer);
                    self.send_content(passing, front, content).await?;
                }
                _ => return Err(Lost::Closed),
            }
        }
    }

    async fn send_content(
        &mut self,
        passing: Passing,
        front: &[u8],
        content: &Content,
    ) -> Result<(), Lost> {
        let written = self.write_content(passing, front, content).await;
        match &written {
            Ok(()) => self.session.content_sent(),
            Err(Lost::Io(_)) => self.last_words().await,
            Err(_) => {}
        }
        written
    }

    async fn write_content(
        &mut self,
        mut passing: Passing,
        front: &[u8],
        content: &Content,
    ) -> Result<(), Lost> {
        if let (Some(memory), false) = (content.memory(), passing.is_begun) {
            let writer = &mut passing.writer;
            let command = std::mem::take(self.session.output());
            let mut all = vec![&command[..]];
            all.extend(writer.pieces(front));
            all.extend(writer.pieces(memory));
            all.push(writer.end());
            return self.write_all(all.into_iter()).await;
        }
        self.write_front(&mut passing, front).await?;
        let mut buffer = Vec::new();
        while passing.gone < content.len() {
            buffer = self.write_piece(&mut passing, content, buffer).await?;
        }
        self.write_all(std::iter::once(passing.writer.end())).await
    }

    /// Writes what stands before the content, once.
    pub(super) async fn write_front(
        &mut self,
        passing: &mut Passing,
        front: &[u8],
    ) -> Result<(), Lost> {
        if passing.is_begun {
            return Ok(());
        }
        passing.is_begun = true;
        let command = std::mem::take(self.session.output());
        let pieces = passing.writer.pieces(front);
        self.write_all(std::iter::once(&command[..]).chain(pieces))
            .await
    }

    /// Writes the next piece of content that lies in a file; the buffer may be used again.
    pub(super) async fn write_piece(
        &mut self,
        passing: &mut Passing,
        content: &Content,
        buffer: Vec<u8>,
    ) -> Result<Vec<u8>, Lost> {
        let (buffer, count) = read_piece(content, passing.gone, buffer).await?;
        passing.gone += count as u64;
        let piece = buffer.get(..count).unwrap_or_default();
        self.write_all(passing.writer.pieces(piece)).await?;
        Ok(buffer)
    }

    /// A server that hangs up amid the content may have said why.
    async fn last_words(&mut self) {
        let listening = async { while self.hear().await.is_ok() && !self.session.is_closed() {} };
        // Silence is as good as an answer here.
        let _ = timeout(LAST_WORDS, listening).await;
    }

    fn said(&mut self, before: u64, result: Result<(), Lost>) -> Said {
        if result.is_err() {
            self.session.disconnected();
        }
        let fates = self.session.fates();
        let heard = self.session.heard() - before;
        if self.is_kept && (heard == 0 || heard == 1 && fates.iter().all(is_hang_up)) {
            return Said::Stale;
        }
        let lost = result.err();
        let answers = fates
            .into_iter()
            .map(|fate| self.answer(fate, lost.as_ref()));
        Said::Answers(answers.collect())
    }

    fn answer(&self, fate: Fate, lost: Option<&Lost>) -> Answer {
        match fate {
            Fate::Accepted(reply) => Answer::Taken(Delivered {
                host: self.host.clone(),
                reply: Some(reply),
                offers_dsn: self.session.offered().dsn,
                security: self.security,
            }),
            Fate::Refused { at, reply } => self.refused(at, reply),
            Fate::Unanswered { content_sent } => {
                let host = &self.host;
                let why = lost.map_or_else(|| Lost::Closed.to_string(), ToString::to_string);
                let trouble = match lost {
                    Some(Lost::Content(_)) => Trouble::transient(3, 0, why),
                    _ if content_sent => {
                        let text = format!("{host}: {why} after the end of data");
                        Trouble::transient(4, 2, text)
                    }
                    _ => Trouble::transient(4, 2, format!("{host}: {why}")),
                };
                let trouble = trouble.at_host(host);
                // After the end of data the host may have taken charge: another one would then
                // deliver the message twice.
                if content_sent {
                    Answer::Refused(trouble)
                } else {
                    Answer::Unsaid(trouble)
                }
            }
        }
    }

    fn refused(&self, at: Stage, reply: RemoteReply) -> Answer {
        let too_many = at == Stage::Rcpt && is_too_many(&reply);
        let mut trouble = Trouble::refused(reply).at_host(&self.host);
        if too_many {
            trouble = trouble.softened();
        }
        if at == Stage::Rcpt {
            trouble = trouble.at_rcpt();
        }
        if at == Stage::Mail && trouble.is_transient() {
            return Answer::Unsaid(trouble);
        }
        Answer::Refused(trouble)
    }
}

/// RFC 5321 §4.5.3.1.10: 552 to RCPT means too many recipients, unless it says otherwise.
fn is_too_many(reply: &RemoteReply) -> bool {
    let says_so = |status: EnhancedStatus| (status.subject, status.detail) == (5, 3);
    reply.code == 552 && reply.status.is_none_or(says_so)
}

fn is_hang_up(fate: &Fate) -> bool {
    matches!(fate, Fate::Refused { at: Stage::Mail, reply } if reply.code == 421)
}

fn not_taken(unsupported: Unsupported) -> Trouble {
    let text = unsupported.to_string();
    match unsupported {
        // RFC 3463 §3.7, conversion required but not supported.
        Unsupported::EightBitMime => Trouble::permanent(6, 3, text),
        Unsupported::Size => Trouble::permanent(3, 4, text),
        // RFC 6531 §3.5.
        Unsupported::SmtpUtf8 => Trouble::permanent(6, 7, text),
    }
}

/// Reads from a file on a thread that may block.
async fn read_piece(
    content: &Content,
    offset: u64,
    mut buffer: Vec<u8>,
) -> Result<(Vec<u8>, usize), Lost> {
    let content = content.clone();
    let reading = blocking::spawn_blocking(move || {
        buffer.resize(PIECE_OCTETS, 0);
        let count = content.read_at(offset, &mut buffer);
        count.map(|count| (buffer, count))
    });
    match reading.await {
        Ok(Ok((_, 0))) => Err(Lost::Content(io::ErrorKind::UnexpectedEof.into())),
        Ok(result) => result.map_err(Lost::Content),
        Err(_) => Err(Lost::Content(io::Error::other("the reader failed"))),
    }
}
