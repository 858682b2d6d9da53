//! From outcomes to delivery status notifications.
//!
//! A notification goes into the spool like any message, with the null reverse-path (RFC 5321
//! §4.5.5), and is routed like any mail from this site. What is about a message without a sender
//! goes to the site's postmaster and nowhere else (RFC 5321 §6.1).

use std::io;
use std::time::{Duration, SystemTime};

use waypost_proto::dsn::{
    About, Action, HEADERS_MAX, Lines, OPENING_MAX, Report, Returned, Whole, header_section,
};
use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::{Body, MailParams, Ret};
use waypost_spool::{Content, Envelope, Message, Recipient, Spool, Staged, Unavailable};

/// A failed message up to this size is returned whole when its sender did not say.
const RETURNED_MAX: u64 = 64 * 1024;
/// Read and written at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What is to be said about one message to one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The sender; none: the site's postmaster, because there is no sender.
    pub to: Option<Mailbox>,
    /// About which recipients, and what.
    pub recipients: Vec<About>,
}

/// Who reports.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// This server's name.
    pub hostname: Domain,
    /// Gets what has no sender.
    pub postmaster: Mailbox,
    /// How long a report is tried to be delivered.
    pub lifetime: Duration,
}

impl Reporter {
    /// Writes a notification into the spool, where it is not yet committed.
    ///
    /// Reads the message's content, and so may block.
    ///
    /// # Errors
    ///
    /// When the spool takes nothing now, or the content cannot be read now.
    pub fn stage(
        &self,
        spool: &Spool,
        about: (&Message, &Content),
        notification: &Notification,
        now: SystemTime,
    ) -> Result<(Staged, Envelope), Unavailable> {
        let (message, content) = about;
        let mut staged = spool.stage_report(now)?;
        let to = notification.to.as_ref().unwrap_or(&self.postmaster);
        let (queue_id, token) = (message.id.to_string(), staged.id().to_string());
        let asked = asked(message, notification);
        let report = Report {
            reporting_mta: &self.hostname,
            queue_id: &queue_id,
            token: &token,
            envid: asked.envid.as_ref(),
            arrived: message.arrived,
            date: now,
            to,
            recipients: &notification.recipients,
        };
        let whole = if returns_all(message, notification) {
            whole(content).map_err(|_| Unavailable::Failing)?
        } else {
            None
        };
        let whole = whole
            .map(|whole| (whole, report.opening(Returned::Full(whole))))
            .filter(|(_, opening)| opening.len() <= OPENING_MAX);
        let read = match &whole {
            Some((_, opening)) => {
                staged.write(opening)?;
                copy(content, &mut staged)
            }
            None => headers(content).and_then(|headers| {
                let opening = report.opening(Returned::Headers(&headers));
                staged.write(&opening).map_err(io::Error::other)
            }),
        };
        read.map_err(|_| Unavailable::Failing)?;
        staged.write(&report.closing())?;
        let eight_bit = whole.is_some_and(|(whole, _)| whole.is_eight_bit());
        let body = match eight_bit || !to.is_ascii() {
            true => Body::EightBitMime,
            false => Body::SevenBit,
        };
        let envelope = self.envelope(to, &report, (now, body));
        Ok((staged, envelope))
    }

    fn envelope(
        &self,
        to: &Mailbox,
        report: &Report<'_>,
        (now, body): (SystemTime, Body),
    ) -> Envelope {
        let params = MailParams {
            body,
            // Of the header only the To field can be beyond ASCII, and it is when the address is.
            smtputf8: !to.is_ascii(),
            ..MailParams::default()
        };
        Envelope {
            reverse_path: ReversePath::Null,
            params,
            side: Side::Here,
            client: "local".to_owned(),
            protocol: "local".to_owned(),
            message_key: report.message_id(),
            recipients: vec![Recipient::new(to.clone(), now, now + self.lifetime)],
            hold: None,
            signatures: String::new(),
        }
    }
}

/// What was asked for at MAIL: by the sender, but not by the owner of a list, who is told about its
/// members (RFC 3461 §5.2.7.1 b).
fn asked(message: &Message, notification: &Notification) -> MailParams {
    let envelope = &message.envelope;
    if notification.to.as_ref() == envelope.reverse_path.mailbox() {
        envelope.params.clone()
    } else {
        MailParams::default()
    }
}

/// RFC 3461 §4.3: only a report of failure returns a message whole.
fn returns_all(message: &Message, notification: &Notification) -> bool {
    let failed = |about: &About| about.action == Action::Failed;
    notification.recipients.iter().any(failed)
        && match asked(message, notification).ret {
            Some(Ret::Full) => true,
            Some(Ret::Headers) => false,
            None => message.size <= RETURNED_MAX,
        }
}

/// What the message is made of; none when it is binary, and so cannot be returned whole.
fn whole(content: &Content) -> io::Result<Option<Whole>> {
    let mut lines = Lines::default();
    pieces(content, |piece| {
        lines.feed(piece);
        Ok(())
    })?;
    if !lines.are_short() {
        return Ok(None);
    }
    if lines.are_seven_bit() {
        return Ok(Some(Whole::SevenBit));
    }
    let headers = headers(content)?;
    let utf8 = !headers.is_ascii() && std::str::from_utf8(&headers).is_ok();
    Ok(Some(match utf8 {
        true => Whole::Utf8Header,
        false => Whole::EightBit,
    }))
}

fn copy(content: &Content, staged: &mut Staged) -> io::Result<()> {
    pieces(content, |piece| {
        staged.write(piece).map_err(io::Error::other)
    })
}

/// The header section, cut at a line end when it is too long.
fn headers(content: &Content) -> io::Result<Vec<u8>> {
    let mut start = vec![0; HEADERS_MAX.min(usize::try_from(content.len()).unwrap_or(HEADERS_MAX))];
    let count = content.read_at(0, &mut start)?;
    start.truncate(count);
    let section = header_section(&start);
    let end = match section.len() < start.len() || (count as u64) == content.len() {
        true => section.len(),
        false => section
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1),
    };
    start.truncate(end);
    Ok(start)
}

fn pieces(content: &Content, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    if let Some(all) = content.memory() {
        return each(all);
    }
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        let count = content.read_at(offset, &mut piece)?;
        if count == 0 {
            return Ok(());
        }
        each(piece.get(..count).unwrap_or_default())?;
        offset += count as u64;
    }
}
