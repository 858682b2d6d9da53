//! A server in memory: a session, and the simplest possible decisions.
//!
//! It serves example.com: every mailbox exists, except that `unknown` does not, `later` cannot be
//! told now, and `quit` closes the connection. The login is `alice@client.example` with
//! `wonderland`. A message with `X-Refuse` in it is refused, over LMTP for its last recipient only.

use waypost_proto::mail::ForwardPath;
use waypost_proto::smtp::limits;
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;
use waypost_proto::smtp::server::{Event, Offer, Protocol, Session};

/// The server's end.
pub(crate) struct Server {
    pub(crate) session: Session,
    /// Everything written so far.
    pub(crate) output: Vec<u8>,
    /// Every accepted message.
    pub(crate) messages: Vec<Vec<u8>>,
    /// Every event but content.
    pub(crate) events: Vec<Event>,
    staged: Vec<u8>,
    lmtp: bool,
    recipients: usize,
    full: bool,
}

impl Server {
    pub(crate) fn new(offer: Offer) -> Self {
        let lmtp = offer.protocol == Protocol::Lmtp;
        Self {
            session: Session::new("mx.example.com", offer),
            output: Vec::new(),
            messages: Vec::new(),
            events: Vec::new(),
            staged: Vec::new(),
            lmtp,
            recipients: 0,
            full: false,
        }
    }

    /// The server that the words of a transcript ask for, greeted.
    pub(crate) fn offering(words: &[String]) -> Self {
        let has = |word: &str| words.iter().any(|w| w == word);
        let protocol = match (has("lmtp"), has("submission")) {
            (true, _) => Protocol::Lmtp,
            (_, true) => Protocol::Submission,
            _ => Protocol::Smtp,
        };
        let mut offer = Offer::new(protocol);
        offer.auth = has("submission") || has("auth");
        offer.auth_required = has("submission");
        offer.starttls = has("starttls");
        offer.xclient = has("xclient");
        if has("small") {
            offer.size_max = 1000;
            offer.recipients_max = 2;
        }
        let mut server = Self::new(offer);
        server.full = has("full");
        if has("tls") {
            server.session.secured();
        }
        let refusal = has("refusing").then(replies::loop_detected);
        server.session.greet(refusal.as_ref());
        server.go_on();
        server
    }

    /// Takes bytes from the client, in as many pieces as the session has room for.
    pub(crate) fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.session.is_closed() {
            let taken = self.session.receive(bytes);
            assert!(taken > 0, "no room although nothing waits");
            bytes = &bytes[taken..];
            self.go_on();
            assert!(self.session.input().len() <= limits::INPUT_OCTETS);
        }
    }

    /// Handles every event there is.
    pub(crate) fn go_on(&mut self) {
        loop {
            while let Some(event) = self.session.event() {
                self.handle(event);
            }
            if self.session.output().is_empty() {
                break;
            }
            self.output.append(self.session.output());
        }
        assert!(!self.session.is_waiting());
    }

    fn handle(&mut self, event: Event) {
        if event == Event::Content {
            self.staged.extend_from_slice(self.session.content());
            return;
        }
        self.events.push(event.clone());
        match event {
            Event::Auth(credentials) => {
                let good = &*credentials.authcid == "alice@client.example"
                    && credentials.password.reveal() == "wonderland";
                self.session.answer(&if good {
                    replies::authenticated()
                } else {
                    replies::authentication_failed()
                });
            }
            Event::ContentEnd { size_bytes, .. } => {
                assert_eq!(size_bytes, self.staged.len() as u64);
                self.finish();
            }
            Event::DataStart => self.session.answer(&if self.full {
                replies::storage_full()
            } else {
                replies::start_mail_input()
            }),
            Event::Mail { .. } => {
                assert!(self.staged.is_empty(), "content of another message");
                self.recipients = 0;
                self.session.answer(&replies::sender_ok());
            }
            Event::Rcpt { forward_path, .. } => {
                let reply = decide(&forward_path);
                self.recipients += usize::from(reply.code() == 250);
                self.session.answer(&reply);
            }
            Event::Reset => self.staged.clear(),
            Event::Xclient(_) => {
                let banner = self.session.banner();
                self.session.answer(&banner);
            }
            Event::Content
            | Event::Hello { .. }
            | Event::Quit
            | Event::RcptRefused(..)
            | Event::Refused(_)
            | Event::Discarded(_)
            | Event::StartTls => {}
        }
    }

    fn finish(&mut self) {
        let content = std::mem::take(&mut self.staged);
        let refused = content.windows(8).any(|window| window == b"X-Refuse");
        let good = replies::message_accepted("1");
        let bad = replies::storage_failed();
        if self.lmtp {
            let mut each = vec![good; self.recipients];
            if let Some(last) = each.last_mut().filter(|_| refused) {
                *last = bad;
            }
            self.session.answer_each(&each);
            self.messages.push(content);
        } else if refused {
            self.session.answer(&bad);
        } else {
            self.session.answer(&good);
            self.messages.push(content);
        }
    }

    /// The codes of all replies so far, the last line of each.
    pub(crate) fn codes(&self) -> Vec<u16> {
        self.replies()
            .iter()
            .filter_map(|lines| lines.last()?.get(..3)?.parse().ok())
            .collect()
    }

    /// All replies so far, each as its lines.
    pub(crate) fn replies(&self) -> Vec<Vec<String>> {
        let text = std::str::from_utf8(&self.output).expect("replies are text");
        assert!(text.is_empty() || text.ends_with("\r\n"));
        let mut replies = Vec::new();
        let mut lines = Vec::new();
        for line in text.split_terminator("\r\n") {
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            lines.push(line.to_owned());
            if line.as_bytes()[3] == b' ' {
                replies.push(std::mem::take(&mut lines));
            }
        }
        assert!(lines.is_empty());
        replies
    }
}

fn decide(recipient: &ForwardPath) -> Reply {
    let ForwardPath::Mailbox(mailbox) = recipient else {
        return replies::recipient_ok();
    };
    if mailbox.domain.as_str() != "example.com" {
        return replies::relay_denied(mailbox);
    }
    match mailbox.local.as_str() {
        "unknown" => replies::user_unknown(mailbox),
        "later" => replies::verification_unavailable(mailbox),
        "quit" => replies::unavailable(),
        _ => replies::recipient_ok(),
    }
}
