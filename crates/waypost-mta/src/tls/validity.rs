//! Until when a certificate holds (RFC 5280 §4.1.2.5), read from its DER.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity; none when it cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let (mut certificate, _) = element(certificate, SEQUENCE)?;
    let mut fields = take(&mut certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        take(&mut fields, VERSION)?;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        let tag = *fields.first()?;
        take(&mut fields, tag)?;
    }
    let mut validity = take(&mut fields, SEQUENCE)?;
    let tag = *validity.first()?;
    take(&mut validity, tag)?;
    let tag = *validity.first()?;
    time(tag, take(&mut validity, tag)?)
}

fn take<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (inner, behind) = element(rest, tag)?;
    *rest = behind;
    Some(inner)
}

/// The content of an element, and what is behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let (digits, behind) = rest.split_at_checked(length & 0x7f)?;
        if digits.len() > 4 {
            return None;
        }
        length = digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = behind;
    }
    (*found == tag).then_some(rest)?.split_at_checked(length)
}

fn time(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: u64 = year.parse().ok()?;
            (
                if year < 50 {
                    2_000 + year
                } else {
                    1_900 + year
                },
                rest,
            )
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let two = |at: usize| -> Option<u64> { rest.get(at..at + 2)?.parse().ok() };
    let days = days(year, two(0)?, two(2)?)?;
    let seconds = days * 86_400 + two(4)? * 3_600 + two(6)? * 60 + two(8)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The days from 1970 to a date; years begin in March, so that leap days come last.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 9_999 {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
    (year / 400 * 146_097 + of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_of_both_shapes() {
        let seconds = |tag, text: &str| {
            let time = time(tag, text.as_bytes())?;
            Some(time.duration_since(UNIX_EPOCH).unwrap().as_secs())
        };
        assert_eq!(seconds(UTC_TIME, "261122062240Z"), Some(1_795_328_560));
        assert_eq!(
            seconds(GENERALIZED_TIME, "21000301000000Z"),
            Some(4_107_542_400)
        );
        assert_eq!(seconds(UTC_TIME, "261322062240Z"), None);
        assert_eq!(seconds(UTC_TIME, "26"), None);
        assert_eq!(seconds(0x04, "261122062240Z"), None);
    }

    #[test]
    fn reads_the_end_of_a_certificate_and_survives_its_pieces() {
        let mut wanted = rcgen::CertificateParams::new(vec!["mail.example".to_owned()]).unwrap();
        wanted.not_after = rcgen::date_time_ymd(2030, 1, 2);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = wanted.self_signed(&key).unwrap();
        let end = not_after(made.der()).unwrap();
        assert_eq!(end, UNIX_EPOCH + Duration::from_secs(1_893_542_400));
        for length in 0..made.der().len() {
            assert_eq!(not_after(&made.der()[..length]), None);
        }
    }
}
