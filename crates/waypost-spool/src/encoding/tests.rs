use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn time() -> impl Strategy<Value = SystemTime> {
    prop_oneof![
        (0..4_000_000_000_000_000_i64).prop_map(from_micros),
        (-1_000_000..1_000_000_i64).prop_map(from_micros),
    ]
}

fn mailbox() -> impl Strategy<Value = Mailbox> {
    let local = prop_oneof![
        "[a-z0-9.+é]{1,20}",
        "\"[ -!#-\\[\\]-~]{0,20}\"",
        "\"\\\\[\"\\\\]x\""
    ];
    let domain = prop_oneof!["[a-z]{1,10}\\.example", Just("[192.0.2.1]".to_owned())];
    (local, domain).prop_filter_map("not an address", |(local, domain)| {
        Mailbox::parse(&format!("{local}@{domain}")).ok()
    })
}

fn reverse_path() -> impl Strategy<Value = ReversePath> {
    prop_oneof![
        Just(ReversePath::Null),
        mailbox().prop_map(ReversePath::Mailbox)
    ]
}

fn xtext() -> impl Strategy<Value = Xtext> {
    "\\PC{0,20}".prop_filter_map("control character", |text| Xtext::from_decoded(&text))
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![
        Just(Side::Here),
        Just(Side::Stranger),
        Just(Side::Trusted),
        any::<u32>().prop_map(|id| Side::Authenticated(UserId(id))),
        any::<u32>().prop_map(|id| Side::Target(TargetId(id))),
    ]
}

fn mail_params() -> impl Strategy<Value = MailParams> {
    let body = prop_oneof![Just(Body::SevenBit), Just(Body::EightBitMime)];
    let ret = option::of(prop_oneof![Just(Ret::Full), Just(Ret::Headers)]);
    (
        any::<Option<u64>>(),
        body,
        any::<bool>(),
        ret,
        option::of(xtext()),
    )
        .prop_map(|(size, body, smtputf8, ret, envid)| MailParams {
            size,
            body,
            smtputf8,
            ret,
            envid,
        })
}

fn rcpt_params() -> impl Strategy<Value = RcptParams> {
    let notify = any::<(bool, bool, bool)>().prop_map(|(success, failure, delay)| Notify {
        success,
        failure,
        delay,
    });
    let orcpt = ("[a-z0-9-]{1,8}", xtext()).prop_map(|(kind, address)| Orcpt {
        kind: kind.into(),
        address,
    });
    (option::of(notify), option::of(orcpt)).prop_map(|(notify, orcpt)| RcptParams { notify, orcpt })
}

fn last_attempt() -> impl Strategy<Value = LastAttempt> {
    let status = (2..=5_u8, 0..1000_u16, 0..1000_u16)
        .prop_map(|(class, subject, detail)| EnhancedStatus::new(class, subject, detail));
    let line = prop_oneof![
        "\\PC{0,30}",
        "[245]\\.1\\.1 [245]\\.1\\.1 x",
        Just("y".repeat(1500))
    ];
    let reply = (200..600_u16, vec(line, 0..3))
        .prop_map(|(code, lines)| RemoteReply::new(code, lines.iter().map(String::as_bytes)));
    (time(), vec("\\PC{0,20}", 4), status, option::of(reply)).prop_map(
        |(at, words, status, reply)| LastAttempt {
            at,
            next_hop: words[0].clone(),
            host: words[1].clone(),
            status,
            reply,
            text: words[2].clone(),
            rule: words[3].clone(),
        },
    )
}

fn recipient() -> impl Strategy<Value = Recipient> {
    let state = prop_oneof![
        Just(State::Queued),
        Just(State::Delivered),
        Just(State::Failed),
        Just(State::Removed)
    ];
    let visited = vec(any::<u32>().prop_map(TargetId), 0..4);
    let who = (
        mailbox(),
        option::of(mailbox()),
        rcpt_params(),
        option::of(reverse_path()),
    );
    let times = (
        time(),
        time(),
        any::<u32>(),
        option::of(time()),
        option::of(time()),
    );
    let rest = (
        visited,
        state,
        any::<u32>(),
        any::<bool>(),
        option::of(last_attempt()),
    );
    (who, times, rest).prop_map(|(who, times, rest)| Recipient {
        address: who.0,
        original: who.1,
        params: who.2,
        sender: who.3,
        visited: rest.0,
        state: rest.1,
        attempts: rest.2,
        due: times.0,
        expires: times.1,
        delay_notified: rest.3,
        last: rest.4,
        held_for: Duration::from_micros(times.2.into()),
        held_since: times.3,
        contradicted_since: times.4,
    })
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let hold = ("\\PC{0,20}", "\\PC{0,20}", time(), option::of(time())).prop_map(
        |(reason, by, since, until)| Hold {
            reason,
            by,
            since,
            until,
        },
    );
    let words = vec("\\PC{0,20}", 4);
    let sender = (reverse_path(), mail_params(), side());
    (sender, words, vec(recipient(), 0..4), option::of(hold)).prop_map(
        |(sender, words, recipients, hold)| Envelope {
            reverse_path: sender.0,
            params: sender.1,
            side: sender.2,
            client: words[0].clone(),
            protocol: words[1].clone(),
            message_key: words[2].clone(),
            recipients,
            hold,
            signatures: words[3].clone(),
        },
    )
}

fn id(number: u64) -> QueueId {
    QueueId::from_number(number).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_envelope_reads_back_equal(envelope in envelope()) {
        let stored = encode(id(1), &envelope);
        prop_assert_eq!(decode(id(1), &stored), Ok(envelope));
    }

    #[test]
    fn a_changed_byte_is_noticed(envelope in envelope(), at in any::<prop::sample::Index>(),
                                 flip in 1..=255_u8) {
        let mut stored = encode(id(1), &envelope);
        let at = at.index(stored.len());
        stored[at] ^= flip;
        prop_assert!(decode(id(1), &stored).is_err());
    }

    #[test]
    fn a_cut_is_noticed(envelope in envelope(), at in any::<prop::sample::Index>()) {
        let stored = encode(id(1), &envelope);
        prop_assert!(decode(id(1), &stored[..at.index(stored.len())]).is_err());
    }

    #[test]
    fn any_bytes_under_a_right_check_sum_are_read_without_harm(bytes in vec(any::<u8>(), 0..200)) {
        let mut stored = bytes;
        stored.insert(0, VERSION);
        let sum = check_sum(id(1), &stored);
        stored.extend_from_slice(&sum);
        let _ = decode(id(1), &stored);
    }

    #[test]
    fn numbers_read_back(number in any::<u64>()) {
        let mut out = Vec::new();
        number.put(&mut out);
        prop_assert_eq!(u64::take(&mut Input(&out)), Ok(number));
    }
}

fn empty() -> Envelope {
    Envelope {
        reverse_path: ReversePath::Null,
        params: MailParams::default(),
        side: Side::Here,
        client: String::new(),
        protocol: String::new(),
        message_key: String::new(),
        recipients: Vec::new(),
        hold: None,
        signatures: String::new(),
    }
}

#[test]
fn an_envelope_in_the_row_of_another_message_is_noticed() {
    let envelope = empty();
    let stored = encode(id(1), &envelope);
    assert_eq!(decode(id(2), &stored), Err("envelope check sum is wrong"));
}

/// The bytes of release 0.1, which every later release reads.
#[test]
fn version_1_reads_as_it_was_written() {
    let stored = [
        1, 5, b'a', b'@', b'b', b'.', b'c', 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0,
    ];
    let mut stored = stored.to_vec();
    stored.extend_from_slice(&check_sum(id(9), &stored));
    let envelope = decode(id(9), &stored).unwrap();
    assert_eq!(
        envelope.reverse_path,
        ReversePath::parse("<a@b.c>").unwrap()
    );
    assert_eq!(envelope.params.body, Body::EightBitMime);
    assert_eq!(envelope.side, Side::Stranger);
    assert_eq!(envelope.signatures, "");
    let fresh = encode(id(9), &envelope);
    assert_eq!((fresh[0], decode(id(9), &fresh)), (VERSION, Ok(envelope)));
}
