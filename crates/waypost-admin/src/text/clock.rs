//! Moments as addresses and forms carry them (RFC 3339), in UTC.

use std::time::{Duration, SystemTime};

const DAY_S: u64 = 86_400;
/// No zone is farther from UTC.
const AHEAD_MAX_MIN: u64 = 26 * 60;

/// `2026-11-22T14:03:09Z`
pub(crate) fn written(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / DAY_S);
    let (hour, minute, second) = (seconds % DAY_S / 3_600, seconds % 3_600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads `2026-11-22T14:03[:09][Z]`, and the date alone.
pub(crate) fn read(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let time = time.strip_suffix('Z').unwrap_or(time);
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let [year, month, day] = date.as_slice() else {
        return None;
    };
    let (hour, minute, second) = match time.as_slice() {
        [hour, minute] => (hour, minute, &0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let is_time = *hour < 24 && *minute < 60 && *second < 61;
    let days = days(*year, *month, *day).filter(|_| is_time)?;
    let seconds = days * DAY_S + hour * 3_600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// A moment of a form in UTC. Browsers send such fields in their own zone; the page's script says
/// beside it by how many minutes that is ahead of UTC at that moment, nothing without it.
pub(crate) fn utc(text: &str, ahead_min: &str) -> String {
    let ahead: i64 = ahead_min.trim().parse().unwrap_or_default();
    let moment = read(text).filter(|_| ahead.unsigned_abs() <= AHEAD_MAX_MIN);
    let shift = Duration::from_secs(ahead.unsigned_abs() * 60);
    let moment = moment.and_then(|moment| match ahead {
        0 => None,
        1.. => moment.checked_sub(shift),
        _ => moment.checked_add(shift),
    });
    moment.map_or_else(|| text.to_owned(), written)
}

fn numbers(text: &str, between: char) -> Option<Vec<u64>> {
    let parts = text.split(between).map(|part| {
        let is_short = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| is_short)
    });
    parts.collect()
}

/// The date of a number of days since 1970: years begin in March, so that leap days come last.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + carry, month, day)
}

/// The days from 1970 to a date that there is; none before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let (shifted, of_year) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let in_year = (153 * of_year + 2) / 5 + day.checked_sub(1)?;
    let all = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + in_year;
    let days = all.checked_sub(719_468)?;
    (date(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_the_reader_s_zone_becomes_utc() {
        for (text, ahead, utc_text) in [
            ("2026-11-22T17:40", "60", "2026-11-22T16:40:00Z"),
            ("2026-11-22T17:40", "-210", "2026-11-22T21:10:00Z"),
            ("2026-11-22T17:40", "", "2026-11-22T17:40"),
            ("2026-11-22T17:40", "0", "2026-11-22T17:40"),
            ("2026-11-22T17:40", "99999", "2026-11-22T17:40"),
            ("soon", "60", "soon"),
        ] {
            assert_eq!(utc(text, ahead), utc_text, "{text} {ahead}");
        }
    }

    #[test]
    fn moments_are_written_and_read() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59Z",
            "2026-11-22T14:03:09Z",
        ] {
            assert_eq!(written(read(text).unwrap()), text);
        }
        let same = |text: &str| written(read(text).unwrap());
        assert_eq!(same("2026-11-22T14:03"), "2026-11-22T14:03:00Z");
        assert_eq!(same("2026-11-22 14:03:09.512Z"), "2026-11-22T14:03:09Z");
        assert_eq!(same("2026-11-22"), "2026-11-22T00:00:00Z");
        for text in [
            "",
            "soon",
            "2026-02-30",
            "1969-12-31",
            "2026-11-22T25:00",
            "2026-13-01",
            "2026-1--1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
