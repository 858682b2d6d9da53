//! What must hold of any octets, one function for each thing that strangers send.
//!
//! The fuzz targets look for octets of which it does not hold; `make test` runs the corpus through
//! the same functions on the stable toolchain.
use std::time::SystemTime;

use waypost_proto::dsn::{self, About, Action, Report, Returned, Whole};
use waypost_proto::mail::{Domain, ForwardPath, Mailbox, ReversePath, header};
use waypost_proto::minger::{Answer, MAX_PRINTED_OCTETS, Query, Secret};
use waypost_proto::smtp::client;
use waypost_proto::smtp::command::Command;
use waypost_proto::smtp::data::{DataReader, Piece};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::RemoteReply;
use waypost_proto::smtp::server::{Event, Offer, Protocol, Session};
use waypost_proto::smtp::status::EnhancedStatus;
use waypost_spool::{Envelope, QueueId};

/// A Minger query: no answer is one, and what is read is printed as it came.
pub(crate) fn minger_query(octets: &[u8]) {
    let Ok(query) = Query::parse(octets) else {
        return;
    };
    assert!(Answer::parse(octets).is_err(), "a query that is an answer");
    assert!(octets.starts_with(query.address().as_bytes()));
    let secret = Secret::parse("0123456789abcdef").ok();
    if query.verified_by(&secret).is_some() {
        assert!(query.to_string().len() <= MAX_PRINTED_OCTETS);
    }
}

/// A Minger answer: no query is one, and it names its mailbox and nothing else.
pub(crate) fn minger_answer(octets: &[u8]) {
    let Ok(answer) = Answer::parse(octets) else {
        return;
    };
    assert!(Query::parse(octets).is_err(), "an answer that is a query");
    assert!(answer.is_about(answer.address));
    let mut printed = Vec::new();
    answer.write_to(&mut printed);
    assert!(octets.starts_with(&printed));
}

/// Addresses and paths: what is read is printed so that it is read as the same again.
pub(crate) fn address(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    if let Ok(mailbox) = Mailbox::parse(text) {
        assert_eq!(Mailbox::parse(&mailbox.to_string()), Ok(mailbox));
    }
    if let Ok(path) = ForwardPath::parse(text) {
        assert_eq!(ForwardPath::parse(&path.to_string()), Ok(path));
    }
    if let Ok(path) = ReversePath::parse(text) {
        assert_eq!(ReversePath::parse(&path.to_string()), Ok(path));
    }
}

/// A command line.
pub(crate) fn command(octets: &[u8]) {
    let _ = Command::parse(octets);
}

/// A whole dialogue with a server, which takes whatever it can: every line of its output is a
/// reply, and its input stays bounded.
pub(crate) fn dialogue(octets: &[u8]) {
    let mut offer = Offer::new(Protocol::Smtp);
    (offer.auth, offer.starttls, offer.xclient) = (true, true, true);
    let mut session = Session::new("mx.example.com", offer);
    session.greet(None);
    let mut output = Vec::new();
    let mut rest = octets;
    loop {
        while let Some(event) = session.event() {
            answer(&mut session, &event);
        }
        output.append(session.output());
        if rest.is_empty() || session.is_closed() {
            break;
        }
        let taken = session.receive(rest);
        assert!(taken > 0 || session.is_waiting(), "no room and no event");
        rest = rest.get(taken..).unwrap_or_default();
    }
    for line in output.split_inclusive(|octet| *octet == b'\n') {
        assert!(line.ends_with(b"\r\n"), "{}", line.escape_ascii());
        assert!(
            line.get(..3)
                .is_some_and(|code| code.iter().all(u8::is_ascii_digit))
        );
        assert!(
            matches!(line.get(3), Some(b' ' | b'-')),
            "{}",
            line.escape_ascii()
        );
    }
}

fn answer(session: &mut Session, event: &Event) {
    match event {
        Event::Auth(_) => session.answer(&replies::authentication_failed()),
        Event::ContentEnd { .. } => session.answer(&replies::message_accepted("ID")),
        Event::DataStart => session.answer(&replies::start_mail_input()),
        Event::Mail { .. } => session.answer(&replies::sender_ok()),
        Event::Rcpt { .. } => session.answer(&replies::recipient_ok()),
        Event::StartTls => session.secured(),
        Event::Xclient(_) => {
            let banner = session.banner();
            session.answer(&banner);
        }
        Event::Content
        | Event::Discarded(_)
        | Event::Hello { .. }
        | Event::Quit
        | Event::RcptRefused(..)
        | Event::Refused(_)
        | Event::Reset => {}
    }
}

/// Content after DATA: it ends at CRLF.CRLF and nowhere else, however it is cut.
pub(crate) fn content(octets: &[u8]) {
    let framed = [b"\r\n", octets].concat();
    let end = framed.windows(5).position(|window| window == b"\r\n.\r\n");
    let mut reader = DataReader::new();
    let mut at = 0;
    while let Some(rest) = octets.get(at..) {
        match reader.read(rest) {
            Piece::Content(count) | Piece::Stuffing(count) => {
                assert!(count > 0 && count <= rest.len());
                at += count;
            }
            Piece::End(count) => {
                at += count;
                // The line end before the dot is part of the content.
                assert_eq!(end, Some(at - count), "an end where there is none");
                return;
            }
            Piece::More => break,
        }
    }
    assert_eq!(end, None, "an end that was overlooked");
}

/// What a server says to a client: whatever it is, it stays within its own reply.
pub(crate) fn reply(octets: &[u8]) {
    let mut session = client::Session::new(client::Dialect::Smtp, "mx.example.com");
    let _ = session.receive(octets);
    while session.event().is_some() {}
    for line in session.output().split_inclusive(|octet| *octet == b'\n') {
        assert!(line.ends_with(b"\r\n"), "{}", line.escape_ascii());
    }
    let shown = RemoteReply::new(550, [octets]).to_string();
    assert!(!shown.contains(['\r', '\n', '\0']), "{shown:?}");
}

/// The header of a message: what is found does not depend on how it is cut.
pub(crate) fn header(octets: &[u8]) {
    let scan = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut scan = header::Scan::new();
        pieces.for_each(|piece| scan.feed(piece));
        scan.finish();
        (scan.header_len(), scan.received_count())
    };
    let whole = scan(&mut std::iter::once(octets));
    assert_eq!(scan(&mut octets.chunks(1)), whole);
    assert_eq!(scan(&mut octets.chunks(7)), whole);
}

/// What the store has of a message, with a check sum that is right: damage is said, and what is
/// read is written so that it is read as the same again.
pub(crate) fn envelope(octets: &[u8]) {
    let id = QueueId::from_number(1 << 40).unwrap();
    let mut sum = crc32fast::Hasher::new();
    sum.update(&id.number().to_le_bytes());
    sum.update(octets);
    let stored = [octets, &sum.finalize().to_le_bytes()].concat();
    if let Ok(envelope) = Envelope::from_stored(id, &stored) {
        let again = Envelope::from_stored(id, &envelope.to_stored(id));
        assert_eq!(again, Ok(envelope));
    }
}

/// A report: whatever another server has said, up to the first NUL, and whatever the message is,
/// behind it, the report keeps its lines and its parts.
pub(crate) fn report(octets: &[u8]) {
    const TOKEN: &str = "CR0000000000";
    let mut halves = octets.splitn(2, |octet| *octet == 0);
    let said = String::from_utf8_lossy(halves.next().unwrap_or_default());
    let content = halves.next().unwrap_or_default();
    let names_token = |text: &[u8]| text.windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes());
    if names_token(octets) {
        // No message can know it: it is made later.
        return;
    }
    let (mx, to) = (
        Domain::parse("mx.example.com"),
        Mailbox::parse("a@b.example"),
    );
    let recipients = [About {
        action: Action::Failed,
        status: EnhancedStatus::new(5, 0, 0),
        original: None,
        recipient: Mailbox::parse("c@d.example").unwrap(),
        remote_mta: Some(said.clone().into_owned()),
        diagnostic: Some(said.into_owned()),
        last_attempt: Some(SystemTime::UNIX_EPOCH),
        will_retry_until: None,
    }];
    let report = Report {
        reporting_mta: &mx.unwrap(),
        queue_id: TOKEN,
        token: TOKEN,
        envid: None,
        arrived: SystemTime::UNIX_EPOCH,
        date: SystemTime::UNIX_EPOCH,
        to: &to.unwrap(),
        recipients: &recipients,
    };
    let opening = report.opening(Returned::Full(Whole::SevenBit));
    for line in opening.split_inclusive(|octet| *octet == b'\n') {
        assert!(
            line.ends_with(b"\r\n") && line.len() <= 1000,
            "{}",
            line.escape_ascii()
        );
        let text = line.strip_suffix(b"\r\n").unwrap_or_default();
        let is_clean = !text.iter().any(|octet| matches!(octet, 0 | b'\r'));
        assert!(is_clean, "{}", line.escape_ascii());
    }
    let delimiter = [b"\r\n--=_", TOKEN.as_bytes()].concat();
    let parts = |text: &[u8]| {
        text.windows(delimiter.len())
            .filter(|w| *w == delimiter)
            .count()
    };
    let short = dsn::headers_only(&[&*opening, content].concat(), TOKEN);
    let short = short.unwrap();
    assert!(short.ends_with(&report.closing()));
    assert_eq!(parts(&short), parts(&opening) + 1);
}
