//! The loop of one session: bytes in, events, answers, bytes out.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use waypost_proto::mail::{ForwardPath, ReversePath};
use waypost_proto::route::{Rule, Side};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;
use waypost_proto::smtp::server::{self, Event, Offer, Protocol};

use super::body::Progress;
use super::caller::Caller;
use super::channel::Channel;
use super::counts::Counts;
use super::transaction::Transaction;
use super::{Door, Phase, Rules, Shared, Wrapping, reached};
use crate::auth::Login;
use crate::event::{self, Reject};
use crate::metrics;
use crate::policy::{Decision, Service};

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// No TLS could be agreed on.
    Handshake,
    /// The client is gone.
    Lost,
    /// The client said QUIT.
    Quit,
    /// The server ends.
    Shutdown,
    /// The client was too slow.
    Timeout,
    /// The client was sent away with a reply.
    TurnedAway,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "tls-handshake",
            Self::Lost => "lost-connection",
            Self::Quit => "quit",
            Self::Shutdown => "shutdown",
            Self::Timeout => "timeout",
            Self::TurnedAway => "turned-away",
        })
    }
}

/// Serves one connection to its end. A panic within is logged, answered with 421, and ends
/// nothing else.
pub async fn serve<S>(
    shared: &Shared,
    door: Door,
    caller: Caller,
    stream: S,
    phase: watch::Receiver<Phase>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let client = caller.client.clone();
    event::connected(&client);
    let mut channel = Channel::Plain(stream);
    let mut counts = Counts::default();
    let ended = {
        let session = Session::new(shared, door, caller, &mut channel, &mut counts);
        unless_panic(session.run(phase)).await
    };
    let why = match ended {
        Some(Ending::Quit) => None,
        Some(ending) => Some(ending.to_string()),
        None => {
            let mut reply = Vec::new();
            replies::internal_error().write_to(&mut reply);
            let _ = write(
                &mut channel,
                &reply,
                shared.rules().settings.limits.write_timeout,
            )
            .await;
            Some("panic".to_owned())
        }
    };
    // The client may be gone; then there is nobody to say goodbye to.
    let _ = timeout(GOODBYE, channel.shutdown()).await;
    event::disconnected(&client, &counts, why.as_deref());
}

/// How long the end of TLS, or of the connection, may take.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(5);

/// Runs a future; none when it panics.
async fn unless_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // The future is never polled again after a panic, so that nobody sees what it broke.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_) => {
                tracing::error!(target: "waypost::smtpd", "a session panicked; please report it");
                Poll::Ready(None)
            }
        }
    })
    .await
}

/// What a refusal is about, beside the open transaction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named<'a> {
    pub(super) from: Option<&'a ReversePath>,
    pub(super) to: Option<&'a ForwardPath>,
    pub(super) why: Option<Rule>,
}

/// One session, from greeting to close.
pub(super) struct Session<'s, S> {
    pub(super) shared: &'s Shared,
    /// As of the connection, renewed with every message.
    pub(super) rules: Arc<Rules>,
    pub(super) door: Door,
    pub(super) caller: Caller,
    pub(super) channel: &'s mut Channel<S>,
    pub(super) counts: &'s mut Counts,
    pub(super) proto: server::Session,
    pub(super) login: Option<Login>,
    /// How the login was proved, as the log names it.
    pub(super) sasl_method: &'static str,
    pub(super) hello: Option<Box<str>>,
    pub(super) extended: bool,
    pub(super) transaction: Option<Box<Transaction>>,
    ending: Option<Ending>,
    /// Content that is thrown away, until it is refused at its end.
    pub(super) discarded: Option<Progress>,
    /// Since when the client has had its turn.
    pub(super) turn: Instant,
}

impl<'s, S> Session<'s, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    fn new(
        shared: &'s Shared,
        door: Door,
        caller: Caller,
        channel: &'s mut Channel<S>,
        counts: &'s mut Counts,
    ) -> Self {
        let rules = shared.rules();
        let hostname = rules.settings.hostname.as_str();
        let targets = shared.callers().know_logins(&shared.snapshot());
        let proto = server::Session::new(hostname, offer(&rules, door, &caller, targets));
        Self {
            shared,
            rules,
            door,
            caller,
            channel,
            counts,
            proto,
            login: None,
            sasl_method: "",
            hello: None,
            extended: false,
            transaction: None,
            ending: None,
            discarded: None,
            turn: shared.clock().now(),
        }
    }

    async fn run(mut self, mut phase: watch::Receiver<Phase>) -> Ending {
        match self.converse(&mut phase).await {
            Ok(()) => self.ending.unwrap_or(Ending::TurnedAway),
            Err(ending) => ending,
        }
    }

    async fn converse(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<(), Ending> {
        if self.door.wrapping == Wrapping::Implicit {
            self.secure().await?;
        }
        self.proto.greet(None);
        loop {
            while let Some(event) = self.proto.event() {
                let ending = *phase.borrow() != Phase::Open;
                self.take(event, ending).await?;
            }
            if !self.proto.output().is_empty() {
                self.flush().await?;
            } else if self.proto.is_closed() {
                return Ok(());
            } else {
                self.read(phase).await?;
            }
        }
    }

    async fn take(&mut self, event: Event, ending: bool) -> Result<(), Ending> {
        match event {
            Event::Auth(credentials) => self.log_in(&credentials).await,
            Event::Content => self.take_content(),
            Event::ContentEnd { .. } => self.end_content().await,
            Event::Discarded(octets) => self.discard(octets),
            Event::DataStart => self.start_content(),
            Event::Hello { extended, name } => {
                self.counts.ehlo.count(true);
                self.extended = extended;
                self.hello = Some(name);
            }
            Event::Mail { .. } if ending => self.close(&replies::unavailable(), Ending::Shutdown),
            Event::Mail {
                reverse_path,
                params,
            } => self.mail(reverse_path, params),
            Event::Quit => {
                self.counts.quit.count(true);
                self.ending = Some(Ending::Quit);
            }
            Event::Rcpt {
                forward_path,
                params,
            } => self.rcpt(&forward_path, params).await,
            Event::RcptRefused(path, reply) => self.recipient_refused(&path, &reply),
            Event::Refused(reply) => self.refused(&reply),
            Event::Reset => self.transaction = None,
            Event::StartTls => self.start_tls().await?,
            Event::Xclient(told) => self.xclient(&told),
        }
        Ok(())
    }

    /// Answers the event that waits by what policy says; tells whether it was accepted.
    pub(super) fn answer(&mut self, decision: &Decision, accepted: &Reply) -> bool {
        match decision {
            Decision::Accept => self.proto.answer(accepted),
            Decision::Refuse(reply) => self.proto.answer(reply),
            Decision::Disconnect(reply) => self.close(reply, Ending::TurnedAway),
        }
        *decision == Decision::Accept
    }

    /// Ends the session with a reply.
    pub(super) fn close(&mut self, reply: &Reply, ending: Ending) {
        self.transaction = None;
        self.ending.get_or_insert(ending);
        self.proto.close(reply);
    }

    /// Logs what the protocol itself has refused.
    fn refused(&mut self, reply: &Reply) {
        let stage = match &self.transaction {
            Some(transaction) if transaction.id.is_some() => "END-OF-MESSAGE",
            _ => "COMMAND",
        };
        self.log_reject(stage, reply, Named::default());
    }

    /// Logs and counts a recipient that the protocol itself has refused.
    fn recipient_refused(&mut self, recipient: &ForwardPath, reply: &Reply) {
        self.counts.rcpt.count(false);
        let named = Named {
            to: Some(recipient),
            ..Named::default()
        };
        self.log_reject("RCPT", reply, named);
    }

    /// Logs a refusal, with what is known of the session and the transaction.
    pub(super) fn log_reject(&self, stage: &str, reply: &Reply, named: Named<'_>) {
        if stage == "RCPT" {
            metrics::refused(named.why, reply);
        }
        let transaction = self.transaction.as_deref();
        let id = transaction.and_then(|transaction| transaction.id);
        event::rejected(&Reject {
            id: match &id {
                Some(id) => id,
                None => &event::NOQUEUE,
            },
            stage,
            client: &self.caller.client,
            reply,
            from: named
                .from
                .or_else(|| transaction.map(|t| &t.reverse_path))
                .map(|path| -> &dyn fmt::Display { path }),
            to: named.to.map(|path| -> &dyn fmt::Display { path }),
            proto: self.protocol(false),
            helo: self.hello.as_deref().unwrap_or_default(),
            why: named.why.as_ref().map(|rule| -> &dyn fmt::Display { rule }),
        });
    }

    /// The transmission type (RFC 3848, RFC 6531 §4.3).
    pub(super) fn protocol(&self, smtputf8: bool) -> &'static str {
        let tls = self.proto.is_secured();
        let login = self.login.is_some();
        let lmtp = self.door.service == Service::Lmtp;
        match (lmtp, smtputf8, tls, login) {
            (true, false, false, _) => "LMTP",
            (true, false, true, _) => "LMTPS",
            (true, true, false, _) => "UTF8LMTP",
            (true, true, true, _) => "UTF8LMTPS",
            (false, true, false, false) => "UTF8SMTP",
            (false, true, true, false) => "UTF8SMTPS",
            (false, true, false, true) => "UTF8SMTPA",
            (false, true, true, true) => "UTF8SMTPSA",
            (false, false, true, true) => "ESMTPSA",
            (false, false, false, true) => "ESMTPA",
            (false, false, true, false) => "ESMTPS",
            (false, false, false, false) if self.extended => "ESMTP",
            (false, false, false, false) => "SMTP",
        }
    }

    /// The side recipients come from.
    pub(super) fn side(&self) -> Side {
        match &self.login {
            Some(login) => login.side.clone(),
            None => self.caller.side.clone(),
        }
    }

    /// Writes what is to be written, all of it.
    pub(super) async fn flush(&mut self) -> Result<(), Ending> {
        let patience = self.rules.settings.limits.write_timeout;
        write(self.channel, self.proto.output(), patience).await?;
        self.proto.output().clear();
        self.turn = self.shared.clock().now();
        self.discarded = None;
        Ok(())
    }

    /// Reads once, for as long as the client has.
    async fn read(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<(), Ending> {
        let now = self.shared.clock().now();
        let limits = &self.rules.settings.limits;
        let (deadline, busy) = match (&self.discarded, &self.transaction) {
            (Some(discarded), _) => (discarded.deadline(limits, now), true),
            (None, Some(transaction)) => (transaction.deadline(limits, self.turn, now), true),
            (None, None) => (self.turn + limits.command_timeout, false),
        };
        let last = if busy { Phase::Closed } else { Phase::Closing };
        let read = timeout_at(deadline, fill(self.channel, &mut self.proto));
        tokio::select! {
            biased;
            read = read => match read {
                Ok(Ok(0)) | Ok(Err(_)) => Err(Ending::Lost),
                Ok(Ok(_)) => Ok(()),
                Err(_) => {
                    self.close(&replies::timeout(), Ending::Timeout);
                    Ok(())
                }
            },
            () = reached(phase, last) => {
                self.close(&replies::unavailable(), Ending::Shutdown);
                Ok(())
            }
        }
    }
}

/// On the port of mail exchange only targets log in, so AUTH is offered there only where some do.
fn offer(rules: &Rules, door: Door, caller: &Caller, targets_log_in: bool) -> Offer {
    let protocol = match door.service {
        Service::Lmtp => Protocol::Lmtp,
        Service::Smtp => Protocol::Smtp,
        Service::Submission => Protocol::Submission,
    };
    let limits = &rules.settings.limits;
    let submission = door.service == Service::Submission;
    Offer {
        size_max: limits.message_size,
        starttls: door.wrapping == Wrapping::OnRequest,
        auth: submission || (targets_log_in && door.service == Service::Smtp),
        auth_required: submission,
        xclient: caller.proxy,
        recipients_max: limits.recipients,
        errors_max: u32::try_from(limits.errors).unwrap_or(u32::MAX),
        ..Offer::new(protocol)
    }
}

/// Reads into the session's own buffer, which is there only while there is something to read.
async fn fill<S>(channel: &mut Channel<S>, proto: &mut server::Session) -> io::Result<usize>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        let read = pin!(channel.read_buf(proto.input())).poll(cx);
        if read.is_pending() {
            proto.release();
        }
        read
    })
    .await
}

async fn write<S>(
    channel: &mut Channel<S>,
    bytes: &[u8],
    patience: std::time::Duration,
) -> Result<(), Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let written = timeout(patience, async {
        channel.write_all(bytes).await?;
        channel.flush().await
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ending::Lost),
        Err(_) => Err(Ending::Timeout),
    }
}
