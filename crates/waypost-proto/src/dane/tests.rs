use proptest::prelude::*;

use super::*;

fn record(usage: u8, selector: u8, matching: u8) -> Record {
    let octets = [7, 32, 64].get(usize::from(matching)).copied();
    Record {
        usage,
        selector,
        matching,
        data: vec![usage; octets.unwrap_or(1)],
    }
}

fn base() -> Domain {
    Domain::parse("mx.example.net").unwrap()
}

fn secure(records: &[(u8, u8, u8)]) -> Found {
    let records = records.iter().map(|(u, s, m)| record(*u, *s, *m));
    Found::Secure {
        base: base(),
        records: records.collect(),
    }
}

/// One word, and for records their three numbers.
fn said(demand: &Demand) -> String {
    match demand {
        Demand::Nothing => "nothing".into(),
        Demand::Encrypted => "encrypted".into(),
        Demand::Unknown(_) => "unknown".into(),
        Demand::Proven { associations, .. } => {
            let each = associations.iter().map(|one| {
                let usage = 2 + u8::from(one.usage == Usage::EndEntity);
                let selector = u8::from(one.selector == Selector::PublicKey);
                format!("{usage}{selector}{}", one.matching as u8)
            });
            each.collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn what_is_demanded_follows_from_what_is_signed() {
    use Dnssec::{Insecure, Secure};
    let failed = || Found::Failed("SERVFAIL".into());
    for (mx, found, demanded) in [
        // Who could change the MX records could lead mail to a host with keys of his own.
        (Insecure, secure(&[(3, 1, 1)]), "nothing"),
        (Insecure, failed(), "nothing"),
        (Secure, Found::Insecure, "nothing"),
        (Secure, Found::Missing, "nothing"),
        // Bogus: never in the clear.
        (Secure, failed(), "unknown"),
        (Secure, secure(&[(3, 1, 1)]), "311"),
        (Secure, secure(&[(3, 0, 1), (2, 1, 0)]), "301 210"),
        // None can be used, but that there are some says that the host speaks TLS.
        (Secure, secure(&[(0, 0, 1), (1, 1, 1)]), "encrypted"),
        (Secure, secure(&[(3, 2, 1), (3, 1, 3)]), "encrypted"),
        (Secure, secure(&[(0, 0, 1), (2, 0, 1)]), "201"),
        // The stronger digest alone, among those of one kind; what is no digest stays.
        (Secure, secure(&[(3, 1, 1), (3, 1, 2)]), "312"),
        (Secure, secure(&[(3, 1, 1), (3, 1, 0)]), "311 310"),
        (Secure, secure(&[(3, 1, 1), (3, 0, 2)]), "311 302"),
        (Secure, secure(&[(3, 1, 1), (2, 1, 2)]), "311 212"),
    ] {
        let demand = demand(mx, found.clone());
        assert_eq!(said(&demand), demanded, "{mx:?} {found:?}");
    }
}

#[test]
fn a_digest_of_another_length_is_none() {
    for (matching, octets, is_usable) in [
        (0, 0, false),
        (0, 1, true),
        (1, 31, false),
        (1, 32, true),
        (1, 33, false),
        (2, 32, false),
        (2, 64, true),
    ] {
        let record = Record {
            usage: 3,
            selector: 1,
            matching,
            data: vec![1; octets],
        };
        assert_eq!(record.usable().is_some(), is_usable, "{matching} {octets}");
    }
}

proptest! {
    /// Where there are signed records, TLS is never optional.
    #[test]
    fn signed_records_are_never_passed_over(
        records in prop::collection::vec((0..=4u8, 0..=3u8, 0..=3u8), 1..6)
    ) {
        let demand = demand(Dnssec::Secure, secure(&records));
        let is_tls = matches!(demand, Demand::Encrypted | Demand::Proven { .. });
        prop_assert!(is_tls);
    }

    /// Whatever is kept, one of each kind that could be used is kept.
    #[test]
    fn a_kind_that_can_be_used_is_never_left_out(
        records in prop::collection::vec((2..=3u8, 0..=1u8, 0..=2u8), 1..6)
    ) {
        let demand = said(&demand(Dnssec::Secure, secure(&records)));
        for (usage, selector, _) in records {
            let kind = format!("{usage}{selector}");
            prop_assert!(demand.split(' ').any(|one| one.starts_with(&kind)));
        }
    }
}
