//! Content on its way into the spool, and what is decided at its end.
//!
//! Nothing is kept here but what the header says: a message of any size costs the same memory.

use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use waypost_proto::mail::header::Scan;
use waypost_proto::mail::trace::{ReceivedFacts, received};
use waypost_proto::mail::{Date, Domain, dkim};
use waypost_proto::route::{Rule, Side, Verdict};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;
use waypost_spool::{Content, Envelope, Message, QueueId, Recipient, Staged, State, Unavailable};

use super::drive::{Named, Session};
use super::transaction::Transaction;
use crate::custody::{Begun, Custody, Denied};
use crate::event;
use crate::flow;
use crate::limits::Limits;
use crate::metrics;
use crate::policy::{self, Decision, Facts, Ownership, Service, sender};
use crate::resolve::Request;
use crate::trace::Journey;

/// Longest header that is kept back to see whether fields are missing; a longer one goes as it is.
const MAX_HELD_OCTETS: usize = 64 * 1024;

/// Octets by which content has grown before more of it is passed on.
const GROWTH: u64 = 64 * 1024;

/// Recipients of a message with which is begun before its content is here.
const MAX_BEGUN: usize = 20;

/// Content that is coming in.
pub(super) struct Incoming {
    staged: Result<Staged, Unavailable>,
    scan: Scan,
    held: Option<Held>,
    /// What will be signed; none where nothing is.
    reading: Option<dkim::Reading>,
    message_id: Option<String>,
    progress: Progress,
    /// What is done for it meanwhile.
    begun: Option<Begun>,
    /// Octets of it that may be passed on already; none before the header is judged.
    passed: Option<u64>,
}

/// How content comes in, whether it is kept or thrown away.
pub(super) struct Progress {
    started: Instant,
    latest: Instant,
    bytes: u64,
}

impl Progress {
    fn new(now: Instant) -> Self {
        Self {
            started: now,
            latest: now,
            bytes: 0,
        }
    }

    /// A pause may be as long as one `data_timeout`; after that much time a rate is asked for too.
    pub(super) fn deadline(&self, limits: &Limits, now: Instant) -> Instant {
        let elapsed = now.saturating_duration_since(self.started);
        if elapsed > limits.data_timeout && self.bytes < limits.data_rate_min * elapsed.as_secs() {
            return now;
        }
        self.latest + limits.data_timeout
    }

    fn note(&mut self, bytes: u64, now: Instant) {
        self.latest = now;
        self.bytes += bytes;
    }
}

/// The header of a submitted message, until it is seen what it lacks (RFC 6409 §8).
struct Held {
    bytes: Vec<u8>,
    message_id: String,
    date: SystemTime,
}

impl Incoming {
    fn new(staged: Staged, now: Instant) -> Self {
        Self {
            staged: Ok(staged),
            scan: Scan::new(),
            held: None,
            reading: None,
            message_id: None,
            progress: Progress::new(now),
            begun: None,
            passed: None,
        }
    }

    /// Until when the next piece must come.
    pub(super) fn deadline(&self, limits: &Limits, now: Instant) -> Instant {
        self.progress.deadline(limits, now)
    }

    /// Takes the next piece.
    fn take(&mut self, chunk: &[u8], now: Instant) {
        self.progress.note(chunk.len() as u64, now);
        self.scan.feed(chunk);
        let Some(held) = &mut self.held else {
            return self.write(chunk);
        };
        held.bytes.extend_from_slice(chunk);
        if self.scan.is_complete() || held.bytes.len() > MAX_HELD_OCTETS {
            self.release();
        }
    }

    /// Large content, as far as it is here and in its order, when it is worth while to pass it on.
    /// What is signed goes behind its signature, and has to be whole.
    fn grown(&self) -> Option<Content> {
        let (Some(_), Ok(staged)) = (&self.begun, &self.staged) else {
            return None;
        };
        let is_due = staged.len() >= self.passed.unwrap_or_default() + GROWTH;
        let is_ready = is_due && self.scan.is_complete() && self.reading.is_none();
        staged.so_far().filter(|_| is_ready)
    }

    /// Lets large content go on, as far as it is here.
    fn pass_on(&mut self, content: Content) {
        self.passed = Some(content.len());
        if let (Some(begun), Ok(staged)) = (&self.begun, &self.staged) {
            begun.grew(&self.message_key(staged.id()), content);
        }
    }

    /// What names the message in trace fields.
    fn message_key(&self, id: QueueId) -> String {
        let message_id = self.message_id().map(str::to_owned);
        message_id.unwrap_or_else(|| id.to_string())
    }

    /// Ends the header, and the content with it if there is no more.
    fn finish(&mut self) {
        self.scan.finish();
        self.release();
    }

    /// Lets a header go that was kept back, with what it lacks in front of it.
    fn release(&mut self) {
        let Some(held) = self.held.take() else {
            return;
        };
        if self.scan.is_complete() {
            let mut missing = String::new();
            if self.scan.message_id().is_none() {
                missing = format!("Message-ID: {}\r\n", held.message_id);
                self.message_id = Some(held.message_id);
            }
            if !self.scan.date_present() {
                missing += &format!("Date: {}\r\n", Date(held.date));
            }
            self.write(missing.as_bytes());
        }
        self.write(&held.bytes);
    }

    /// A failure to write is told at the end of the content.
    fn write(&mut self, bytes: &[u8]) {
        if let Some(reading) = &mut self.reading {
            reading.feed(bytes);
        }
        if let Ok(staged) = &mut self.staged
            && let Err(unavailable) = staged.write(bytes)
        {
            self.staged = Err(unavailable);
        }
    }

    /// The Message-ID, the one that was added if there was none.
    fn message_id(&self) -> Option<&str> {
        self.message_id
            .as_deref()
            .or_else(|| self.scan.message_id())
    }
}

impl<S> Session<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// The client is about to send content: is there room?
    pub(super) fn start_content(&mut self) {
        match self.stage() {
            Ok(()) => self.proto.answer(&replies::start_mail_input()),
            Err(unavailable) => {
                let reply = refusal_of(unavailable);
                self.log_reject("DATA", &reply, Named::default());
                self.proto.answer(&reply);
            }
        }
    }

    fn stage(&mut self) -> Result<(), Unavailable> {
        let spool = &self.shared.parts.spool;
        let size = self.transaction.as_ref().and_then(|t| t.params.size);
        spool.room_for(size.unwrap_or(0))?;
        let now = self.shared.clock().wall();
        let staged = spool.stage(now)?;
        let id = staged.id();
        self.shared.parts.custody.dated(id);
        let mut incoming = Incoming::new(staged, self.shared.clock().now());
        incoming.write(&self.received(&id.to_string(), now));
        let is_ours = matches!(self.side(), Side::Authenticated(_) | Side::Trusted);
        if is_ours && !self.shared.parts.signing.is_off() {
            incoming.reading = Some(dkim::Reading::new());
        }
        if self.door.service == Service::Submission {
            let hostname: &Domain = &self.rules.settings.hostname;
            incoming.held = Some(Held {
                bytes: Vec::new(),
                message_id: format!("<{id}@{hostname}>"),
                date: now,
            });
        }
        let login = self
            .login
            .as_ref()
            .map(|login| (self.sasl_method, &*login.name));
        event::accepted_client(&id, &self.caller.client, login);
        if let Some(transaction) = &mut self.transaction {
            transaction.date(now, self.rules.settings.lifetime);
            transaction.id = Some(id);
        }
        incoming.begun = self.begin(id, now);
        if let Some(transaction) = &mut self.transaction {
            transaction.incoming = Some(Box::new(incoming));
        }
        Ok(())
    }

    /// Begins with a message for few recipients before its content is here.
    fn begin(&self, id: QueueId, arrived: SystemTime) -> Option<Begun> {
        let transaction = self.transaction.as_deref()?;
        if transaction.members > MAX_BEGUN {
            return None;
        }
        let members = transaction.accepted.iter().flat_map(|a| &a.members);
        let recipients = members.cloned().collect();
        self.shared.parts.custody.begin(Message {
            id,
            arrived,
            size: transaction.params.size.unwrap_or_default(),
            envelope: self.envelope_for(transaction, recipients),
        })
    }

    /// The field that stands in front of what is accepted (RFC 5321 §4.4).
    fn received(&self, id: &str, at: SystemTime) -> Vec<u8> {
        let transaction = self.transaction.as_deref();
        let recipient = match transaction.map(|t| t.accepted.as_slice()) {
            Some([only]) => Some(&only.recipient),
            _ => None,
        };
        let smtputf8 = transaction.is_some_and(|t| t.params.smtputf8);
        let mut field = Vec::new();
        received(
            &ReceivedFacts {
                helo: self.hello.as_deref(),
                client_name: self.caller.client.name.as_deref(),
                client_address: self.caller.client.address,
                by: self.rules.settings.hostname.as_str(),
                protocol: self.protocol(smtputf8),
                tls: self.channel.tls().as_deref(),
                id,
                recipient,
                at,
            },
            &mut field,
        );
        field
    }

    /// A piece of content.
    pub(super) fn take_content(&mut self) {
        let now = self.shared.clock().now();
        if let Some(transaction) = &mut self.transaction
            && let Some(incoming) = &mut transaction.incoming
        {
            incoming.take(self.proto.content(), now);
        }
        self.pass_on();
    }

    /// Lets large content go on while more of it comes, once its header is judged.
    fn pass_on(&mut self) {
        let Some(incoming) = self.incoming() else {
            return;
        };
        let Some(content) = incoming.grown() else {
            return;
        };
        let is_first = incoming.passed.is_none();
        let is_refused = is_first && self.judge_header(&incoming.scan).is_err();
        let transaction = self.transaction.as_deref_mut();
        match transaction.and_then(|transaction| transaction.incoming.as_deref_mut()) {
            // Its sender hears why at the end.
            Some(incoming) if is_refused => incoming.begun = None,
            Some(incoming) => incoming.pass_on(content),
            None => {}
        }
    }

    fn incoming(&self) -> Option<&Incoming> {
        self.transaction.as_deref()?.incoming.as_deref()
    }

    /// A piece that is thrown away: what was kept of the message goes too, and takes no more room.
    pub(super) fn discard(&mut self, octets: u64) {
        let now = self.shared.clock().now();
        if let Some(transaction) = &mut self.transaction
            && let Some(incoming) = &mut transaction.incoming
        {
            incoming.staged = Err(Unavailable::Full);
            incoming.begun = None;
        }
        let discarded = self.discarded.get_or_insert_with(|| Progress::new(now));
        discarded.note(octets, now);
    }

    /// The content is complete: refuses it, or takes it into our charge. Over LMTP every recipient
    /// gets the same reply: what could be told apart was told at RCPT.
    pub(super) async fn end_content(&mut self) {
        // The client waits for the reply now, for as long as custody takes.
        self.proto.release();
        let outcome = self.take_charge().await;
        self.counts.data.count(outcome.is_ok());
        match outcome {
            Ok(accepted) => self.proto.answer(&accepted),
            Err(reply) => {
                self.log_reject("END-OF-MESSAGE", &reply, Named::default());
                self.proto.answer(&reply);
            }
        }
        self.transaction = None;
    }

    async fn take_charge(&mut self) -> Result<Reply, Reply> {
        let incoming = self
            .transaction
            .as_deref_mut()
            .and_then(|t| t.incoming.take());
        let Some(mut incoming) = incoming else {
            return Err(replies::storage_failed());
        };
        incoming.finish();
        self.judge_header(&incoming.scan)?;
        self.follow_traces(&incoming.scan).await?;
        let signatures = self.signatures(&mut incoming);
        let id = incoming
            .staged
            .as_ref()
            .map_err(|why| refusal_of(*why))?
            .id();
        event::message_id(&id, incoming.message_id().unwrap_or("<>"));
        let key = incoming.message_key(id);
        let staged = incoming.staged.map_err(refusal_of)?;
        let envelope = self.envelope(key, signatures);
        let envelope = envelope.ok_or_else(replies::storage_failed)?;
        let begun = incoming.begun;
        let (side, recipients) = (envelope.side.clone(), envelope.recipients.len());
        let custody = self
            .shared
            .parts
            .custody
            .take(staged, envelope, begun)
            .await;
        let accepted = in_charge(&custody.map_err(denial_of)?);
        metrics::accepted();
        flow::received(&side, recipients);
        Ok(accepted)
    }

    /// Signs for the domain of the author (RFC 6376 §3.5, `d=`); empty where that has no key.
    fn signatures(&self, incoming: &mut Incoming) -> String {
        let message = incoming.reading.take().and_then(dkim::Reading::finish);
        match (message, incoming.scan.from_addresses().first()) {
            (Some(message), Some(author)) => {
                let now = self.shared.clock().wall();
                (self.shared.parts.signing).fields(&author.domain, &message, now)
            }
            _ => String::new(),
        }
    }

    fn envelope(&mut self, message_key: String, signatures: String) -> Option<Envelope> {
        let members = self.transaction.as_deref_mut()?.accepted.iter_mut();
        let recipients = members.flat_map(|a| std::mem::take(&mut a.members));
        let recipients = recipients.collect();
        let transaction = self.transaction.as_deref()?;
        Some(Envelope {
            message_key,
            signatures,
            ..self.envelope_for(transaction, recipients)
        })
    }

    /// What is known of the envelope before the content.
    fn envelope_for(&self, transaction: &Transaction, recipients: Vec<Recipient>) -> Envelope {
        Envelope {
            reverse_path: transaction.reverse_path.clone(),
            params: transaction.params.clone(),
            side: self.side(),
            client: self.caller.client.to_string(),
            protocol: self.protocol(transaction.params.smtputf8).to_owned(),
            message_key: String::new(),
            recipients,
            hold: None,
            signatures: String::new(),
        }
    }

    /// Too many hops, or an author that the client is not.
    fn judge_header(&self, scan: &Scan) -> Result<(), Reply> {
        if scan.received_count() as usize > self.rules.settings.limits.max_hops {
            return Err(replies::too_many_hops());
        }
        let side = self.side();
        let Side::Authenticated(user) = side else {
            return Ok(());
        };
        if !scan.from_is_readable() {
            return Err(replies::unreadable_author());
        }
        let snapshot = self.shared.snapshot();
        for address in scan.from_addresses() {
            let ownership: Ownership =
                sender::ownership(&snapshot, user, address, self.delimiter());
            let facts = policy::Author {
                side: &side,
                address,
                ownership,
            };
            match policy::decide(&Facts::From(facts)) {
                Decision::Accept => {}
                Decision::Refuse(reply) | Decision::Disconnect(reply) => return Err(reply),
            }
        }
        Ok(())
    }

    /// Notes for each recipient where it has been. The message is refused when everybody's journey
    /// only goes on in a circle; when only some do, they get a report from the queue.
    async fn follow_traces(&mut self, scan: &Scan) -> Result<(), Reply> {
        let fields = scan.trace_fields();
        let side = self.side();
        let shared = self.shared;
        let Some(transaction) = self.transaction.as_deref_mut() else {
            return Ok(());
        };
        if fields.is_empty() {
            return Ok(());
        }
        let journey = Journey {
            tracer: &shared.parts.tracer,
            fields,
            message_id: scan.message_id(),
        };
        let (mut looping, mut others) = (0, 0);
        let members = transaction.accepted.iter_mut().flat_map(|a| &mut a.members);
        for member in members.filter(|member| member.state == State::Queued) {
            others += 1;
            // Many fields and many recipients are many MACs: other sessions have their turn.
            tokio::task::consume_budget().await;
            let request = Request {
                original: member.original.as_ref(),
                ..Request::in_queue(&member.address, &side)
            };
            let resolver = &shared.parts.resolver;
            let (decided, visited) = resolver.decide_returned(&request, &journey).await;
            member.visited = visited;
            let refused = matches!(decided.verdict, Verdict::Refuse(_));
            if refused && decided.rule == Rule::Loop {
                looping += 1;
                others -= 1;
            }
        }
        if looping > 0 && others == 0 {
            return Err(replies::loop_detected());
        }
        Ok(())
    }
}

/// The one reply after which a message is no longer the client's: there is no way to say it
/// without the proof of who has charge of it.
fn in_charge(custody: &Custody) -> Reply {
    match custody {
        Custody::Beyond(beyond) => replies::message_relayed(&beyond.id().to_string()),
        Custody::Ours(committed) => replies::message_accepted(&committed.message().id.to_string()),
    }
}

/// What a client is told when nobody takes charge of a message.
fn denial_of(denied: Denied) -> Reply {
    match denied {
        Denied::Refused(reply) => reply,
        Denied::Unavailable(unavailable) => refusal_of(unavailable),
    }
}

/// What a client is told when nothing can be stored.
fn refusal_of(unavailable: Unavailable) -> Reply {
    match unavailable {
        Unavailable::Busy | Unavailable::Full => replies::storage_full(),
        Unavailable::Closed | Unavailable::Failing => replies::storage_failed(),
    }
}
