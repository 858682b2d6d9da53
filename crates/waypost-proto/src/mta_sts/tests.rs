use proptest::prelude::*;

use super::*;

const GOOD: &str = "version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 604800\n";

fn host(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

#[test]
fn reads_the_id_of_the_one_record_that_is_a_policys() {
    for (records, id) in [
        (
            &["v=STSv1; id=20160831085700Z;"][..],
            Some("20160831085700Z"),
        ),
        (&["v=STSv1;id=1"], Some("1")),
        (&["v=STSv1 ; id=1 ; more=x"], Some("1")),
        (&["v=STSv1; more=x; id=1"], Some("1")),
        (&["something else", "v=STSv1; id=1;"], Some("1")),
        (&[], None),
        (&["v=STSv1;"], None),
        (&["v=STSv1; id=;"], None),
        (&["v=STSv1; id=a-b;"], None),
        (&["v=STSv1; id=123456789012345678901234567890123;"], None),
        (&["v=STSv12; id=1;"], None),
        (&["v=STSv2; id=1;"], None),
        (&[" v=STSv1; id=1;"], None),
        // Nobody knows which of two.
        (&["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
    ] {
        let octets = records.iter().map(|record| record.as_bytes());
        assert_eq!(record_id(octets).as_deref(), id, "{records:?}");
    }
}

#[test]
fn reads_policies() {
    let policy = Policy::parse(GOOD).unwrap();
    assert_eq!(policy.mode, Mode::Enforce);
    assert_eq!(policy.max_age, Duration::from_secs(604_800));
    for text in [
        GOOD.replace('\n', "\r\n"),
        GOOD.replace(": ", ":"),
        GOOD.replace('\n', "  \n"),
        GOOD.trim_end().to_owned(),
        format!("{GOOD}\n\n"),
        format!("{GOOD}unknown: x\n"),
        // The first of two counts.
        format!("{GOOD}mode: none\nmax_age: 1\nversion: STSv2\n"),
    ] {
        assert_eq!(Policy::parse(&text).as_ref(), Ok(&policy), "{text}");
    }
}

#[test]
fn refuses_what_is_no_policy() {
    for (text, error) in [
        (String::new(), PolicyError::Version),
        ("<html></html>".into(), PolicyError::Syntax),
        (GOOD.replace("STSv1", "STSv2"), PolicyError::Version),
        (GOOD.replace("enforce", "enforced"), PolicyError::Mode),
        (GOOD.replace("mode", "mood"), PolicyError::Mode),
        (GOOD.replace("604800", "-1"), PolicyError::MaxAge),
        (GOOD.replace("604800", ""), PolicyError::MaxAge),
        (GOOD.replace("mx:", "my:"), PolicyError::Mx),
        (
            GOOD.replace("mx.example.net", "mx example"),
            PolicyError::Mx,
        ),
        (
            GOOD.replace("mx.example.net", "[192.0.2.1]"),
            PolicyError::Mx,
        ),
        (GOOD.replace("mx.example.net", "mx.*.net"), PolicyError::Mx),
        (GOOD.replace("mx.example.net", "*"), PolicyError::Mx),
    ] {
        assert_eq!(Policy::parse(&text), Err(error), "{text}");
    }
    let none = "version: STSv1\nmode: none\nmax_age: 86400\n";
    assert_eq!(Policy::parse(none).map(|p| p.mode), Ok(Mode::None));
}

#[test]
fn a_policy_holds_for_a_year_at_most() {
    for age in ["31557600", "31557601", "99999999999999999999999"] {
        let policy = Policy::parse(&GOOD.replace("604800", age)).unwrap();
        assert_eq!(policy.max_age, Duration::from_secs(31_557_600), "{age}");
    }
}

#[test]
fn a_star_stands_for_one_label() {
    for (mx, name, is_allowed) in [
        ("mx.example.net", "mx.example.net", true),
        ("MX.Example.Net", "mx.example.net", true),
        ("mx.example.net", "my.example.net", false),
        ("mx.example.net", "a.mx.example.net", false),
        ("*.example.net", "mx.example.net", true),
        ("*.example.net", "a.mx.example.net", false),
        ("*.example.net", "example.net", false),
        ("*.example.net", "mxexample.net", false),
        ("*.net", "example.net", true),
    ] {
        let policy = Policy::parse(&GOOD.replace("mx.example.net", mx)).unwrap();
        assert_eq!(policy.allows(&host(name)), is_allowed, "{mx} {name}");
    }
    let two = format!("{GOOD}mx: *.mail.example.org\n");
    let policy = Policy::parse(&two).unwrap();
    assert!(policy.allows(&host("mx.example.net")));
    assert!(policy.allows(&host("a.mail.example.org")));
}

#[test]
fn a_policy_is_fetched_when_it_has_changed_and_every_day() {
    let fetched = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let kept = Kept {
        id: "1".into(),
        fetched,
        policy: Policy::parse(GOOD).unwrap(),
    };
    let hours = |hours: u64| fetched + Duration::from_secs(hours * 3600);
    for (is_kept, id, now, done) in [
        (false, None, hours(0), Step::None),
        (false, Some("1"), hours(0), Step::Fetch),
        (true, Some("1"), hours(1), Step::Use),
        (true, Some("2"), hours(1), Step::Fetch),
        (true, Some("1"), hours(25), Step::Fetch),
        // Who hides the record undoes nothing.
        (true, None, hours(1), Step::Use),
        (true, None, hours(25), Step::Use),
        // Over.
        (true, None, hours(7 * 24), Step::None),
        (true, Some("1"), hours(7 * 24), Step::Fetch),
        // The clock was set back.
        (true, Some("1"), SystemTime::UNIX_EPOCH, Step::Use),
    ] {
        let kept = is_kept.then_some(&kept);
        assert_eq!(step(kept, id, now), done, "{is_kept} {id:?} {now:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_none(text in "\\PC*|(version|mode|mx|max_age|[ :*.\n\r]|STSv1)*") {
        if let Ok(policy) = Policy::parse(&text) {
            prop_assert!(policy.mode == Mode::None || !policy.hosts.is_empty());
        }
    }

    #[test]
    fn any_octets_are_a_record_or_none(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..3)
    ) {
        let id = record_id(records.iter().map(Vec::as_slice));
        prop_assert!(id.is_none_or(|id| id.bytes().all(|b| b.is_ascii_alphanumeric())));
    }

    /// Exactly the named host, or one label more where there is a star.
    #[test]
    fn allows_what_its_labels_say(
        name in "[a-c]{1,2}(\\.[a-c]{1,2}){1,3}",
        under in "[a-c]{1,2}(\\.[a-c]{1,2}){0,2}",
        is_wild in any::<bool>(),
    ) {
        let mx = if is_wild { format!("*.{under}") } else { under.clone() };
        let policy = Policy::parse(&GOOD.replace("mx.example.net", &mx)).unwrap();
        let named: Vec<_> = name.split('.').collect();
        let skipped = named.iter().skip(usize::from(is_wild));
        let is_allowed = skipped.copied().eq(under.split('.'));
        prop_assert_eq!(policy.allows(&host(&name)), is_allowed);
    }
}
