mod pair;

use proptest::prelude::*;

use super::*;
use crate::mail::ReversePath;
use crate::smtp::params::{Body, MailParams, Notify, Orcpt, RcptParams, Ret, Xtext};

const FULL: &str = "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n\
    250-SMTPUTF8\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 DSN\r\n";
const PIPELINING: &str = "250-mx.example\r\n250 PIPELINING\r\n";
const CHUNKING: &str = "250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
const BARE: &str = "250 mx.example\r\n";

fn wire(session: &mut Session) -> String {
    String::from_utf8(std::mem::take(session.output())).unwrap()
}

fn hear(session: &mut Session, text: &str) {
    session.receive(text.as_bytes()).unwrap();
}

/// A session behind a greeting and this EHLO reply.
fn ready(dialect: Dialect, ehlo: &str) -> Session {
    let mut session = Session::new(dialect, "client.example");
    hear(&mut session, "220 mx.example ESMTP\r\n");
    let verb = if dialect == Dialect::Lmtp {
        "LHLO"
    } else {
        "EHLO"
    };
    assert_eq!(wire(&mut session), format!("{verb} client.example\r\n"));
    hear(&mut session, ehlo);
    assert_eq!(session.event(), Some(Event::Ready));
    session
}

fn mailboxes(names: &[&str]) -> Vec<Mailbox> {
    let parsed = names.iter().map(|name| Mailbox::parse(name).unwrap());
    parsed.collect()
}

fn send(session: &mut Session, to: &[&str]) -> Result<(), Unsupported> {
    send_with(session, to, &MailParams::default(), &RcptParams::default())
}

fn send_with(
    session: &mut Session,
    to: &[&str],
    params: &MailParams,
    rcpt_params: &RcptParams,
) -> Result<(), Unsupported> {
    let recipients = mailboxes(to);
    let reverse_path = ReversePath::parse("<s@example.com>").unwrap();
    session.send_mail(&Mail {
        reverse_path: &reverse_path,
        params,
        size: Some(500),
        recipients: recipients
            .iter()
            .map(|address| Rcpt {
                address,
                params: rcpt_params,
            })
            .collect(),
    })
}

/// One word per recipient: the code of the final answer, and to which command a no was said.
fn fates(session: &mut Session) -> Vec<String> {
    let fates = session.fates().into_iter();
    fates
        .map(|fate| match fate {
            Fate::Accepted(reply) => format!("{}", reply.code),
            Fate::Refused { at, reply } => format!("{at:?} {}", reply.code),
            Fate::Unanswered { content_sent } => format!("unanswered {content_sent}"),
        })
        .collect()
}

#[test]
fn sends_the_whole_envelope_in_one_flight() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send(&mut session, &["a@x.org", "b@x.org"]).unwrap();
    assert_eq!(
        wire(&mut session),
        "MAIL FROM:<s@example.com>\r\nRCPT TO:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n"
    );
    hear(
        &mut session,
        "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n",
    );
    assert_eq!(session.event(), Some(Event::Content(Transfer::Dotted)));
    session.content_sent();
    hear(&mut session, "250 2.0.0 queued\r\n");
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["250", "Rcpt 550"]);
    send(&mut session, &["c@x.org"]).unwrap();
    assert!(wire(&mut session).starts_with("MAIL"), "no RSET is needed");
}

#[test]
fn waits_for_each_reply_without_pipelining() {
    let mut session = ready(Dialect::Smtp, BARE);
    send(&mut session, &["a@x.org"]).unwrap();
    for (said, answer) in [
        ("MAIL FROM:<s@example.com>\r\n", "250 ok\r\n"),
        ("RCPT TO:<a@x.org>\r\n", "250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
    ] {
        assert_eq!(wire(&mut session), said);
        hear(&mut session, answer);
    }
    assert_eq!(session.event(), Some(Event::Content(Transfer::Dotted)));
}

#[test]
fn does_not_say_data_for_nobody() {
    let mut session = ready(Dialect::Smtp, BARE);
    send(&mut session, &["a@x.org"]).unwrap();
    hear(&mut session, "250 ok\r\n");
    hear(&mut session, "450 later\r\n");
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["Rcpt 450"]);
    wire(&mut session);
    send(&mut session, &["b@x.org"]).unwrap();
    assert_eq!(
        wire(&mut session),
        "RSET\r\n",
        "the open transaction is ended first"
    );
}

#[test]
fn ends_an_empty_message_when_data_was_said_for_nobody() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send(&mut session, &["a@x.org"]).unwrap();
    wire(&mut session);
    hear(&mut session, "250 ok\r\n550 no\r\n354 go\r\n");
    assert_eq!(wire(&mut session), ".\r\n");
    hear(&mut session, "554 no recipients\r\n");
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["Rcpt 550"]);
    assert!(session.is_idle());
}

#[test]
fn a_refused_sender_refuses_every_recipient() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send(&mut session, &["a@x.org", "b@x.org"]).unwrap();
    hear(&mut session, "552 5.3.4 big\r\n503 x\r\n503 x\r\n503 x\r\n");
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["Mail 552", "Mail 552"]);
}

#[test]
fn lmtp_has_one_answer_per_accepted_recipient() {
    let mut session = ready(Dialect::Lmtp, PIPELINING);
    send(&mut session, &["a@x.org", "b@x.org", "c@x.org"]).unwrap();
    hear(
        &mut session,
        "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n",
    );
    assert_eq!(session.event(), Some(Event::Content(Transfer::Dotted)));
    session.content_sent();
    hear(&mut session, "250 saved\r\n");
    assert_eq!(session.event(), None);
    hear(&mut session, "452 4.2.2 full\r\n");
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["250", "Rcpt 550", "Content 452"]);
}

#[test]
fn uses_bdat_where_offered_and_only_when_somebody_takes_it() {
    let mut session = ready(Dialect::Smtp, CHUNKING);
    send(&mut session, &["a@x.org"]).unwrap();
    assert!(!wire(&mut session).contains("DATA"));
    hear(&mut session, "250 ok\r\n250 ok\r\n");
    assert_eq!(wire(&mut session), "BDAT 500 LAST\r\n");
    assert_eq!(session.event(), Some(Event::Content(Transfer::Counted)));
    session.content_sent();
    hear(&mut session, "250 ok\r\n");
    assert_eq!(fates(&mut session), ["250"]);
    session.event();
    send(&mut session, &["b@x.org"]).unwrap();
    wire(&mut session);
    hear(&mut session, "250 ok\r\n550 no\r\n");
    assert_eq!(wire(&mut session), "");
    assert_eq!(session.event(), Some(Event::Finished));
}

/// A session that has told the envelope of a message whose size nobody knows.
fn unmeasured() -> Session {
    let mut session = ready(Dialect::Smtp, CHUNKING);
    let recipients = mailboxes(&["a@x.org"]);
    let params = MailParams {
        size: Some(400),
        ..MailParams::default()
    };
    session
        .send_mail(&Mail {
            reverse_path: &ReversePath::Null,
            params: &params,
            size: None,
            recipients: vec![Rcpt {
                address: &recipients[0],
                params: &RcptParams::default(),
            }],
        })
        .unwrap();
    wire(&mut session);
    session
}

#[test]
fn content_that_is_measured_late_is_announced_when_it_is() {
    // Before the replies are heard, and after.
    let mut session = unmeasured();
    session.content_measured(500);
    assert_eq!(wire(&mut session), "");
    hear(&mut session, "250 ok\r\n250 ok\r\n");
    assert_eq!(wire(&mut session), "BDAT 500 LAST\r\n");
    assert_eq!(session.event(), Some(Event::Content(Transfer::Counted)));
    let mut session = unmeasured();
    hear(&mut session, "250 ok\r\n250 ok\r\n");
    assert_eq!(wire(&mut session), "");
    assert_eq!(session.event(), Some(Event::Content(Transfer::Counted)));
    session.content_measured(500);
    assert_eq!(wire(&mut session), "BDAT 500 LAST\r\n");
    session.content_sent();
    hear(&mut session, "250 ok\r\n");
    assert_eq!(fates(&mut session), ["250"]);
}

#[test]
fn content_that_goes_before_it_is_measured_goes_behind_data() {
    let mut session = unmeasured();
    hear(&mut session, "250 ok\r\n250 ok\r\n");
    assert_eq!(session.event(), Some(Event::Content(Transfer::Counted)));
    session.content_unmeasured();
    assert_eq!(wire(&mut session), "DATA\r\n");
    hear(&mut session, "354 go\r\n");
    assert_eq!(session.event(), Some(Event::Content(Transfer::Dotted)));
    session.content_measured(500);
    assert_eq!(wire(&mut session), "");
    session.content_sent();
    hear(&mut session, "250 ok\r\n");
    assert_eq!(fates(&mut session), ["250"]);
}

#[test]
fn a_lost_final_answer_is_told_from_an_early_loss() {
    for sent in [false, true] {
        let mut session = ready(Dialect::Smtp, PIPELINING);
        send(&mut session, &["a@x.org", "b@x.org"]).unwrap();
        hear(&mut session, "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
        if sent {
            session.content_sent();
        }
        session.disconnected();
        assert_eq!(
            fates(&mut session),
            ["Rcpt 550".into(), format!("unanswered {sent}")]
        );
    }
}

#[test]
fn a_yes_before_the_end_of_content_is_no_yes() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send(&mut session, &["a@x.org"]).unwrap();
    hear(&mut session, "250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n");
    assert_eq!(fates(&mut session), ["unanswered false"]);
    assert!(session.is_closed());
}

#[test]
fn a_no_before_the_end_of_content_counts_and_ends_the_session() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send(&mut session, &["a@x.org"]).unwrap();
    hear(
        &mut session,
        "250 ok\r\n250 ok\r\n354 go\r\n552 too much\r\n",
    );
    assert_eq!(fates(&mut session), ["Content 552"]);
    assert!(session.is_closed());
}

#[test]
fn a_hang_up_answers_everything_that_is_open() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send(&mut session, &["a@x.org", "b@x.org", "c@x.org"]).unwrap();
    hear(&mut session, "250 ok\r\n250 ok\r\n550 no\r\n421 bye\r\n");
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["Mail 421", "Rcpt 550", "Mail 421"]);
    assert!(session.is_closed());
}

#[test]
fn passes_parameters_only_where_they_are_offered() {
    let params = MailParams {
        size: Some(1),
        body: Body::EightBitMime,
        smtputf8: true,
        ret: Some(Ret::Headers),
        envid: Xtext::from_decoded("id+1"),
    };
    let rcpt = RcptParams {
        notify: Some(Notify::NEVER),
        orcpt: Some(Orcpt {
            kind: "rfc822".into(),
            address: Xtext::from_decoded("o@x.org").unwrap(),
        }),
    };
    let mut session = ready(Dialect::Smtp, FULL);
    send_with(&mut session, &["a@x.org"], &params, &rcpt).unwrap();
    assert_eq!(
        wire(&mut session),
        "MAIL FROM:<s@example.com> SIZE=500 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+2B1\r\n\
         RCPT TO:<a@x.org> NOTIFY=NEVER ORCPT=rfc822;o@x.org\r\nDATA\r\n"
    );
    let plain = MailParams {
        body: Body::SevenBit,
        smtputf8: false,
        ..params.clone()
    };
    let mut session = ready(Dialect::Smtp, PIPELINING);
    send_with(&mut session, &["a@x.org"], &plain, &rcpt).unwrap();
    assert_eq!(
        wire(&mut session),
        "MAIL FROM:<s@example.com>\r\nRCPT TO:<a@x.org>\r\nDATA\r\n"
    );
}

#[test]
fn sends_nothing_that_the_server_cannot_take() {
    let eight_bit = MailParams {
        body: Body::EightBitMime,
        ..MailParams::default()
    };
    let none = RcptParams::default();
    let mut session = ready(Dialect::Smtp, PIPELINING);
    let refused = send_with(&mut session, &["a@x.org"], &eight_bit, &none);
    assert_eq!(refused, Err(Unsupported::EightBitMime));
    let refused = send(&mut session, &["jürgen@x.org"]);
    assert_eq!(refused, Err(Unsupported::SmtpUtf8));
    let mut small = ready(Dialect::Smtp, "250-mx\r\n250 SIZE 499\r\n");
    assert_eq!(send(&mut small, &["a@x.org"]), Err(Unsupported::Size));
    assert_eq!(
        (wire(&mut session), wire(&mut small)),
        (String::new(), String::new())
    );
    assert!(session.is_idle() && small.is_idle());
}

#[test]
fn asks_about_recipients_with_a_null_sender_and_sends_nothing() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    let recipients = mailboxes(&["a@x.org", "b@x.org"]);
    let recipients: Vec<_> = recipients.iter().collect();
    session.probe(&recipients).unwrap();
    assert_eq!(
        wire(&mut session),
        "MAIL FROM:<>\r\nRCPT TO:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nRSET\r\n"
    );
    hear(
        &mut session,
        "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n",
    );
    assert_eq!(session.event(), Some(Event::Finished));
    assert_eq!(fates(&mut session), ["250", "Rcpt 550"]);
    session.probe(&recipients).unwrap();
    assert!(wire(&mut session).starts_with("MAIL"));
}

#[test]
fn says_helo_to_a_server_that_does_not_know_ehlo() {
    let mut session = Session::new(Dialect::Smtp, "client.example");
    hear(&mut session, "220-old\r\n220 server\r\n");
    wire(&mut session);
    hear(&mut session, "502 what\r\n");
    assert_eq!(wire(&mut session), "HELO client.example\r\n");
    hear(&mut session, "250-old\r\n250 PIPELINING\r\n");
    assert_eq!(session.event(), Some(Event::Ready));
    assert!(!session.offered().pipelining);
}

#[test]
fn replies_in_the_clear_behind_starttls_are_not_believed() {
    let mut session = ready(Dialect::Smtp, FULL);
    assert!(session.start_tls());
    wire(&mut session);
    hear(
        &mut session,
        "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n235 x\r\n",
    );
    assert_eq!(session.event(), Some(Event::StartTls));
    hear(&mut session, "250 more\r\n25");
    session.secured();
    assert_eq!(session.event(), None);
    assert_eq!(wire(&mut session), "EHLO client.example\r\n");
    assert_eq!(session.offered(), &Extensions::default());
    hear(&mut session, BARE);
    assert_eq!(session.event(), Some(Event::Ready));
    assert!(!session.offered().starttls);
}

#[test]
fn logs_in_with_plain_or_with_login() {
    let mut session = ready(Dialect::Smtp, FULL);
    assert!(session.authenticate("user", "pass"));
    assert_eq!(wire(&mut session), "AUTH PLAIN AHVzZXIAcGFzcw==\r\n");
    hear(&mut session, "235 ok\r\n");
    assert_eq!(session.event(), Some(Event::Authenticated));
    let mut session = ready(Dialect::Smtp, "250-mx\r\n250 AUTH=LOGIN\r\n");
    assert!(session.authenticate("user", "pass"));
    for (said, answer) in [
        ("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"),
        ("dXNlcg==\r\n", "334 UGFzc3dvcmQ6\r\n"),
        ("cGFzcw==\r\n", "535 5.7.8 no\r\n"),
    ] {
        assert_eq!(wire(&mut session), said);
        hear(&mut session, answer);
    }
    let event = session.event();
    assert!(
        matches!(event, Some(Event::Refused(Opening::Auth, _))),
        "{event:?}"
    );
    assert!(!ready(Dialect::Smtp, BARE).authenticate("user", "pass"));
}

#[test]
fn a_server_that_does_not_want_us_is_believed() {
    let mut session = Session::new(Dialect::Smtp, "client.example");
    hear(&mut session, "554 5.7.1 go away\r\n");
    let event = session.event();
    assert!(
        matches!(event, Some(Event::Refused(Opening::Greeting, _))),
        "{event:?}"
    );
    assert!(session.is_closed());
}

#[test]
fn a_reply_that_nobody_asked_for_ends_the_session() {
    let mut session = ready(Dialect::Smtp, BARE);
    assert_eq!(session.receive(b"250 surprise\r\n"), Err(BadReply::Unasked));
    let mut polite = ready(Dialect::Smtp, BARE);
    assert_eq!(polite.receive(b"421 idle too long\r\n"), Ok(()));
    assert!(session.is_closed() && polite.is_closed());
}

#[test]
fn keeps_flights_within_a_window() {
    let mut session = ready(Dialect::Smtp, PIPELINING);
    let names: Vec<_> = (0..300).map(|i| format!("u{i}@x.org")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    send(&mut session, &names).unwrap();
    let mut said = wire(&mut session);
    assert_eq!(said.lines().count(), 100);
    let mut commands = 0;
    while !said.is_empty() {
        for line in std::mem::take(&mut said).lines() {
            commands += 1;
            let data = line == "DATA";
            hear(&mut session, if data { "354 go\r\n" } else { "250 ok\r\n" });
        }
        said = wire(&mut session);
    }
    assert_eq!(commands, 302);
    assert_eq!(session.event(), Some(Event::Content(Transfer::Dotted)));
}

proptest! {
    #[test]
    fn any_replies_give_every_recipient_one_fate(
        ehlo in proptest::sample::select(vec![FULL, PIPELINING, CHUNKING, BARE]),
        lmtp: bool,
        codes in proptest::collection::vec(
            proptest::sample::select(vec![250u16, 250, 250, 250, 354, 354, 450, 550, 421, 235]),
            0..14,
        ),
        size in 1usize..30,
    ) {
        let dialect = if lmtp { Dialect::Lmtp } else { Dialect::Smtp };
        let mut session = ready(dialect, ehlo);
        send(&mut session, &["a@x.org", "b@x.org", "c@x.org"]).unwrap();
        let said = codes.iter().map(|code| format!("{code} x\r\n")).collect::<String>();
        let mut finished = false;
        for piece in said.as_bytes().chunks(size) {
            let _ = session.receive(piece);
            while let Some(event) = session.event() {
                match event {
                    Event::Content(_) => session.content_sent(),
                    Event::Finished => finished = true,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            if finished {
                break;
            }
        }
        if !finished {
            session.disconnected();
        }
        let fates = session.fates();
        prop_assert_eq!(fates.len(), 3);
        for fate in fates {
            if let Fate::Accepted(reply) = fate {
                prop_assert_eq!(reply.severity(), Severity::Success);
            }
        }
    }

    #[test]
    fn any_octets_never_break_a_session(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut session = Session::new(Dialect::Smtp, "client.example");
        let _ = session.receive(b"220 hi\r\n");
        let _ = session.receive(&octets);
        session.disconnected();
        prop_assert!(session.is_closed());
    }
}
