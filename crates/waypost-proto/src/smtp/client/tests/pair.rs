//! Client against server in memory, with cuts everywhere.

use proptest::prelude::*;

use crate::mail::{ForwardPath, Mailbox, ReversePath};
use crate::smtp::client::{ContentWriter, Dialect, Event, Fate, Mail, Rcpt, Session, Stage};
use crate::smtp::params::{MailParams, RcptParams};
use crate::smtp::replies;
use crate::smtp::server;

/// A server that takes the recipients whose names begin with `y`, at RCPT or at the end.
struct Server {
    session: server::Session,
    recipients: Vec<Mailbox>,
    content: Vec<u8>,
    taken: Vec<(Vec<Mailbox>, Vec<u8>)>,
    lmtp: bool,
}

impl Server {
    fn new(lmtp: bool) -> Self {
        let protocol = match lmtp {
            true => server::Protocol::Lmtp,
            false => server::Protocol::Smtp,
        };
        let mut session = server::Session::new("mx.example", server::Offer::new(protocol));
        session.greet(None);
        Self {
            session,
            recipients: Vec::new(),
            content: Vec::new(),
            taken: Vec::new(),
            lmtp,
        }
    }

    fn run(&mut self) {
        while let Some(event) = self.session.event() {
            match event {
                server::Event::Mail { .. } => self.session.answer(&replies::sender_ok()),
                server::Event::Rcpt { forward_path, .. } => self.rcpt(&forward_path),
                server::Event::DataStart => self.session.answer(&replies::start_mail_input()),
                server::Event::Content => self.content.extend_from_slice(self.session.content()),
                server::Event::ContentEnd { .. } => self.end(),
                server::Event::Reset => {
                    self.recipients.clear();
                    self.content.clear();
                }
                _ => {}
            }
        }
    }

    fn rcpt(&mut self, path: &ForwardPath) {
        let ForwardPath::Mailbox(mailbox) = path else {
            return self.session.answer(&replies::ok());
        };
        if mailbox.local.as_str().starts_with('n') {
            return self.session.answer(&replies::user_unknown(mailbox));
        }
        self.recipients.push(mailbox.clone());
        self.session.answer(&replies::recipient_ok());
    }

    fn end(&mut self) {
        let recipients = std::mem::take(&mut self.recipients);
        let content = std::mem::take(&mut self.content);
        if self.lmtp {
            let each = recipients.iter().map(|mailbox| {
                if mailbox.local.as_str().starts_with('f') {
                    replies::mailbox_full(mailbox)
                } else {
                    replies::message_accepted("1")
                }
            });
            let each: Vec<_> = each.collect();
            self.session.answer_each(&each);
        } else {
            self.session.answer(&replies::message_accepted("1"));
        }
        self.taken.push((recipients, content));
    }
}

/// Carries octets both ways in pieces of this size until nobody says anything.
fn talk(client: &mut Session, server: &mut Server, content: &[u8], size: usize, chunking: bool) {
    loop {
        server.run();
        let mut said = std::mem::take(server.session.output());
        if !chunking {
            said = String::from_utf8(said)
                .unwrap()
                .replace("CHUNKING", "X-CHUNKY")
                .into();
        }
        for piece in said.chunks(size) {
            client.receive(piece).unwrap();
        }
        let mut to_server = std::mem::take(client.output());
        while let Some(event) = client.event() {
            match event {
                Event::Content(transfer) => {
                    // What was said last is the BDAT command, where there is one.
                    to_server.append(client.output());
                    let mut writer = ContentWriter::new(transfer);
                    for piece in content.chunks(size) {
                        to_server.extend(writer.pieces(piece).flatten());
                    }
                    to_server.extend(writer.end());
                    client.content_sent();
                }
                Event::Finished | Event::Ready => {}
                other => panic!("{other:?}"),
            }
        }
        let silent = said.is_empty() && to_server.is_empty();
        for mut piece in to_server.chunks(size) {
            while !piece.is_empty() {
                let taken = server.session.receive(piece);
                piece = &piece[taken..];
                server.run();
            }
        }
        if silent && server.session.output().is_empty() {
            return;
        }
    }
}

fn expected(name: &str, lmtp: bool) -> &'static str {
    match name.as_bytes() {
        [b'n', ..] => "unknown",
        [b'f', ..] if lmtp => "full",
        _ => "taken",
    }
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Accepted(_) => "taken",
        Fate::Refused {
            at: Stage::Rcpt,
            reply,
        } if reply.code == 550 => "unknown",
        Fate::Refused {
            at: Stage::Content,
            reply,
        } if reply.code == 452 => "full",
        _ => "other",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn client_and_server_agree_on_every_recipient_and_octet(
        lmtp: bool,
        chunking: bool,
        size in 1usize..60,
        messages in proptest::collection::vec(
            (
                proptest::collection::vec("[ynf][a-z]{1,5}", 1..6),
                proptest::collection::vec("\\.{0,2}[a-z .]{0,20}", 0..10),
            ),
            1..4,
        ),
    ) {
        let dialect = if lmtp { Dialect::Lmtp } else { Dialect::Smtp };
        let mut client = Session::new(dialect, "client.example");
        let mut server = Server::new(lmtp);
        talk(&mut client, &mut server, b"", size, chunking);
        let params = MailParams::default();
        let rcpt_params = RcptParams::default();
        let mut sent = Vec::new();
        for (names, lines) in messages {
            let content = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            let parsed = names.iter().map(|name| Mailbox::parse(&format!("{name}@x.org")).unwrap());
            let recipients: Vec<_> = parsed.collect();
            client
                .send_mail(&Mail {
                    reverse_path: &ReversePath::Null,
                    params: &params,
                    size: Some(content.len() as u64),
                    recipients: recipients
                        .iter()
                        .map(|address| Rcpt { address, params: &rcpt_params })
                        .collect(),
                })
                .unwrap();
            talk(&mut client, &mut server, content.as_bytes(), size, chunking);
            prop_assert!(client.is_idle());
            let fates = client.fates();
            let words: Vec<_> = fates.iter().map(word).collect();
            let right: Vec<_> = names.iter().map(|name| expected(name, lmtp)).collect();
            prop_assert_eq!(words, right);
            let taken: Vec<_> = recipients
                .into_iter()
                .filter(|mailbox| !mailbox.local.as_str().starts_with('n'))
                .collect();
            if !taken.is_empty() {
                sent.push((taken, content.into_bytes()));
            }
        }
        prop_assert_eq!(server.taken, sent);
    }
}
