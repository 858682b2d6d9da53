//! Properties of the whole session, for any input.

use proptest::prelude::*;
use waypost_proto::smtp::limits;
use waypost_proto::smtp::server::{Event, Offer, Protocol};

use crate::server::Server;

/// What one client may send at a time, whole, and what the session may stand at afterwards.
#[derive(Debug, Clone)]
enum Unit {
    Auth,
    BadBdatOctets { octets: usize, last: bool },
    Bdat { octets: usize, last: bool },
    BareLf,
    Data(&'static str),
    Ehlo,
    EmptyEhlo,
    Junk,
    Later,
    Mail,
    MailBadAddress,
    MailBadParam,
    MailTooLarge,
    Noop,
    Rcpt,
    RcptBadAddress,
    RcptNotAscii,
    Rset,
    StartTls,
    TooLong,
    Unknown,
    Vrfy,
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![
        1 => Just(Unit::Auth),
        2 => (0usize..40, any::<bool>())
            .prop_map(|(octets, last)| Unit::Bdat { octets, last }),
        1 => (1usize..40, any::<bool>())
            .prop_map(|(octets, last)| Unit::BadBdatOctets { octets, last }),
        1 => Just(Unit::BareLf),
        4 => prop_oneof![
            Just("good\r\n"), Just("..dot\r\n"), Just(""), Just("bare\ncr\r\n"), Just("a\rb\r\n"),
            Just("nul\0\r\n"), Just("X-Refuse: x\r\n")
        ].prop_map(Unit::Data),
        2 => Just(Unit::Ehlo),
        1 => Just(Unit::EmptyEhlo),
        1 => Just(Unit::Junk),
        1 => Just(Unit::Later),
        6 => Just(Unit::Mail),
        1 => Just(Unit::MailBadAddress),
        1 => Just(Unit::MailBadParam),
        1 => Just(Unit::MailTooLarge),
        1 => Just(Unit::Noop),
        6 => Just(Unit::Rcpt),
        1 => Just(Unit::RcptBadAddress),
        1 => Just(Unit::RcptNotAscii),
        1 => Just(Unit::Rset),
        1 => Just(Unit::StartTls),
        1 => Just(Unit::TooLong),
        1 => Just(Unit::Unknown),
        1 => Just(Unit::Vrfy),
    ]
}

/// Where a session stands, in the words of RFC 5321 §3.3 and RFC 3030 §2.
#[derive(Debug, Clone, PartialEq)]
enum Model {
    Fresh,
    Ready,
    Mail {
        recipients: usize,
    },
    Chunks {
        recipients: usize,
        content: Vec<u8>,
        faulty: bool,
    },
}

struct Expected {
    model: Model,
    lmtp: bool,
    codes: Vec<u16>,
    messages: Vec<Vec<u8>>,
    wire: Vec<u8>,
}

impl Expected {
    fn send(&mut self, text: &str) {
        self.wire.extend_from_slice(text.as_bytes());
    }

    fn command(&mut self, line: &str, code: u16) {
        self.send(line);
        self.send("\r\n");
        self.codes.push(code);
    }

    fn in_transaction(&self) -> bool {
        matches!(self.model, Model::Mail { .. } | Model::Chunks { .. })
    }

    fn end_transaction(&mut self) {
        if self.in_transaction() {
            self.model = Model::Ready;
        }
    }

    /// The replies to a message with this content, and the end of its transaction.
    fn finish(&mut self, recipients: usize, content: Vec<u8>, faulty: bool) {
        let count = if self.lmtp { recipients } else { 1 };
        let refused = content.starts_with(b"X-Refuse");
        let mut codes = vec![if faulty { 550 } else { 250 }; count];
        if refused && !faulty {
            codes[count - 1] = 451;
        }
        if !faulty && (!refused || self.lmtp) {
            self.messages.push(content);
        }
        self.codes.extend(codes);
        self.model = Model::Ready;
    }

    fn take(&mut self, unit: &Unit) {
        let in_mail = matches!(self.model, Model::Mail { .. });
        let if_mail = |code| if in_mail { code } else { 503 };
        let if_ready = if self.model == Model::Ready { 250 } else { 503 };
        match unit {
            Unit::Auth => self.command("AUTH PLAIN AGEAYQ==", 502),
            Unit::BareLf => {
                self.send("RSET\n");
                self.codes.push(500);
            }
            Unit::Ehlo => {
                let verb = if self.lmtp { "LHLO" } else { "EHLO" };
                self.command(&format!("{verb} client.example"), 250);
                self.model = Model::Ready;
            }
            Unit::EmptyEhlo => self.command(if self.lmtp { "LHLO" } else { "EHLO" }, 501),
            Unit::Junk => self.command("JUNK all the way", 500),
            Unit::Mail => {
                self.command("MAIL FROM:<a@example.com>", if_ready);
                if if_ready == 250 {
                    self.model = Model::Mail { recipients: 0 };
                }
            }
            Unit::MailBadAddress => self.command("MAIL FROM:a@example.com", 501),
            Unit::MailBadParam => self.command("MAIL FROM:<a@example.com> NO=X", 555),
            Unit::MailTooLarge => {
                let code = if if_ready == 250 { 552 } else { 503 };
                self.command("MAIL FROM:<a@example.com> SIZE=1000000", code);
            }
            Unit::Noop => self.command("NOOP", 250),
            Unit::Rcpt => {
                self.command("RCPT TO:<b@example.com>", if_mail(250));
                if let Model::Mail { recipients } = &mut self.model {
                    *recipients += 1;
                }
            }
            Unit::RcptBadAddress => self.command("RCPT TO:<@@>", 501),
            Unit::RcptNotAscii => self.command("RCPT TO:<\u{fc}@example.com>", if_mail(553)),
            Unit::Unknown => self.command("RCPT TO:<unknown@example.com>", if_mail(550)),
            Unit::Later => self.command("RCPT TO:<later@example.com>", if_mail(451)),
            Unit::Rset => {
                self.command("RSET", 250);
                self.end_transaction();
            }
            Unit::StartTls => self.command("STARTTLS", 502),
            Unit::TooLong => {
                let line = format!("NOOP {}", "x".repeat(limits::COMMAND_LINE_OCTETS));
                self.command(&line, 500);
            }
            Unit::Vrfy => self.command("VRFY b", 252),
            Unit::Data(content) => self.take_data(content),
            Unit::Bdat { octets, last } => self.take_bdat(&"x".repeat(*octets), *last),
            Unit::BadBdatOctets { octets, last } => {
                self.take_bdat(&("\n".to_owned() + &"x".repeat(octets - 1)), *last);
            }
        }
    }

    fn take_data(&mut self, wire: &str) {
        match self.model {
            Model::Mail { recipients } if recipients > 0 => {
                self.command("DATA", 354);
                self.send(wire);
                self.send(".\r\n");
                let content = wire.replace("..dot", ".dot").into_bytes();
                let faulty = wire.contains(['\0']) || wire.contains("\nc") || wire.contains("\rb");
                self.finish(recipients, content, faulty);
            }
            // The content is not sent: an honest client waits for 354.
            Model::Mail { .. } => self.command("DATA", if self.lmtp { 503 } else { 554 }),
            _ => self.command("DATA", 503),
        }
    }

    fn take_bdat(&mut self, octets: &str, last: bool) {
        let end = if last { " LAST" } else { "" };
        self.send(&format!("BDAT {}{end}\r\n{octets}", octets.len()));
        let (recipients, mut content, faulty) = match self.model.clone() {
            Model::Mail { recipients: 0 } => {
                self.end_transaction();
                return self.codes.push(if self.lmtp { 503 } else { 554 });
            }
            Model::Mail { recipients } => (recipients, Vec::new(), false),
            Model::Chunks {
                recipients,
                content,
                faulty,
            } => (recipients, content, faulty),
            Model::Fresh | Model::Ready => return self.codes.push(503),
        };
        content.extend_from_slice(octets.as_bytes());
        let faulty = faulty || octets.starts_with('\n');
        if last {
            if !content.is_empty() {
                content.extend_from_slice(b"\r\n");
            }
            self.finish(recipients, content, faulty);
        } else if faulty {
            self.codes.push(550);
            self.end_transaction();
        } else {
            self.codes.push(250);
            self.model = Model::Chunks {
                recipients,
                content,
                faulty,
            };
        }
    }
}

fn patient(lmtp: bool) -> Offer {
    let mut offer = Offer::new(if lmtp { Protocol::Lmtp } else { Protocol::Smtp });
    offer.errors_max = u32::MAX;
    offer.size_max = 100_000;
    offer
}

/// Sends the bytes in pieces of these lengths, over and over.
fn serve(offer: Offer, wire: &[u8], lengths: &[usize]) -> Server {
    let mut server = Server::new(offer);
    let mut rest = wire;
    for length in lengths.iter().cycle() {
        let (piece, behind) = rest.split_at(rest.len().min(*length));
        server.receive(piece);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    server
}

/// Text that looks like SMTP often enough, and like anything else too.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        12 => prop::sample::select(vec![
            "EHLO a", "HELO b", "LHLO c", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>",
            "DATA", ".", "..", "BDAT 5", "BDAT 7 LAST", "BDAT x", "BDAT 0 LAST", "RSET", "NOOP",
            "QUIT",
            "AUTH PLAIN", "AUTH LOGIN", "STARTTLS", "*",
            "AUTH PLAIN AGFsaWNlQGNsaWVudC5leGFtcGxlAHdvbmRlcmxhbmQ=",
            "XCLIENT NAME=a", "VRFY", "SIZE=10", "\r\n", "\r\n", "\r\n", "\r\n.\r\n", "\n", "\r",
            " ",
            "MAIL FROM:<>", "RCPT TO:<postmaster>", "\"", "<", ">", "@",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        2 => Just(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n".to_vec()),
        1 => Just(b"EHLO a\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (1usize..20_000).prop_map(|n| vec![b'x'; n]),
    ];
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

fn generous() -> Offer {
    let mut offer = Offer::new(Protocol::Smtp);
    (offer.auth, offer.xclient, offer.errors_max) = (true, true, 40);
    offer
}

const SYNCHRONIZATION: &[u8] = b"554 5.5.0 SMTP protocol synchronization error\r\n";

proptest! {
    #[test]
    fn every_reply_and_message_is_what_the_rules_say(
        units in prop::collection::vec(unit(), 0..40),
        lmtp in any::<bool>(),
        cut in 1usize..100,
    ) {
        let mut expected = Expected {
            model: Model::Fresh,
            lmtp,
            codes: Vec::new(),
            messages: Vec::new(),
            wire: Vec::new(),
        };
        for unit in &units {
            expected.take(unit);
        }
        // After everything that went before, a clean transaction goes through as if nothing had.
        let last = [
            Unit::Ehlo, Unit::Mail, Unit::Rcpt, Unit::Unknown, Unit::Rcpt, Unit::Data("..dot\r\n")
        ];
        for unit in &last {
            expected.take(unit);
        }
        // Refused DATA with more behind it is another rule: let it be the last of its piece.
        let server = serve_by_lines(patient(lmtp), &expected.wire, cut);
        prop_assert_eq!(server.codes(), expected.codes);
        prop_assert_eq!(server.messages, expected.messages);
        let mut open = false;
        for event in &server.events {
            match event {
                Event::Mail { .. } => {
                    prop_assert!(!open, "a transaction within a transaction");
                    open = true;
                }
                Event::Reset => {
                    prop_assert!(open, "no transaction to end");
                    open = false;
                }
                Event::ContentEnd { .. } => open = false,
                _ => {}
            }
        }
    }

    #[test]
    fn any_bytes_in_any_pieces_never_panic_and_stay_bounded(
        wire in prop_oneof![soup(), prop::collection::vec(any::<u8>(), 0..3000)],
        lengths in prop::collection::vec(1usize..3000, 1..10),
        lmtp in any::<bool>(),
    ) {
        let mut offer = generous();
        offer.protocol = if lmtp { Protocol::Lmtp } else { Protocol::Submission };
        serve(offer, &wire, &lengths).replies();
    }

    #[test]
    fn replies_do_not_depend_on_how_the_input_is_cut(
        wire in soup(),
        lengths in prop::collection::vec(1usize..300, 1..10),
    ) {
        let whole = serve(generous(), &wire, &[usize::MAX]);
        let cut = serve(generous(), &wire, &lengths);
        // Text behind a refused DATA or a STARTTLS ends the session if it is there in time.
        let (strict, other) = match whole.output.strip_suffix(SYNCHRONIZATION) {
            Some(start) => (Some((start, &whole)), &cut),
            None => (cut.output.strip_suffix(SYNCHRONIZATION).map(|s| (s, &cut)), &whole),
        };
        match strict {
            None => {
                prop_assert_eq!(&whole.output, &cut.output);
                prop_assert_eq!(&whole.messages, &cut.messages);
            }
            Some((start, strict)) => {
                prop_assert!(other.output.starts_with(start));
                prop_assert!(other.messages.starts_with(&strict.messages));
            }
        }
    }

    #[test]
    fn content_never_begins_a_second_message(
        parts in prop::collection::vec(prop::sample::select(vec![
            ".", "\r\n", "\n", "\r", "\0", "a", "\r\n..\r\n", "\n.\n", "\r\n.\n", "\n.\r\n",
            "\r.\r",
            "MAIL FROM:<evil@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n",
        ]), 0..30),
        cut in 1usize..50,
    ) {
        // A good client stuffs every dot at a line start; nothing else is left to end the message.
        let content = parts.concat();
        let stuffed = format!("\r\n{content}").replace("\r\n.", "\r\n..");
        let mut wire = String::from("EHLO a\r\nMAIL FROM:<a@example.com>\r\n");
        wire += "RCPT TO:<b@example.com>\r\nDATA\r\n";
        wire += &stuffed[2..];
        wire += "\r\n.\r\nQUIT\r\n";
        let server = serve(patient(false), wire.as_bytes(), &[cut]);
        let codes = server.codes();
        prop_assert_eq!(&codes[..4], &[250, 250, 250, 354]);
        prop_assert_eq!(codes.len(), 6);
        prop_assert_eq!(codes[5], 221);
        let mails = server.events.iter().filter(|e| matches!(e, Event::Mail { .. })).count();
        prop_assert_eq!(mails, 1);
        match codes[4] {
            250 => prop_assert_eq!(&server.messages, &[format!("{content}\r\n").into_bytes()]),
            code => {
                prop_assert_eq!(code, 550);
                prop_assert!(server.messages.is_empty());
            }
        }
    }
}

/// As [`serve`], but a command of the model ends a piece where the session has to be alone with it.
fn serve_by_lines(offer: Offer, wire: &[u8], cut: usize) -> Server {
    let mut server = Server::new(offer);
    for line in wire.split_inclusive(|&b| b == b'\n') {
        for piece in line.chunks(cut) {
            server.receive(piece);
        }
    }
    server
}
