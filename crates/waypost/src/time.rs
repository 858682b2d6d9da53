//! Times as people and JSON write them, in UTC: `2026-11-22T06:22:40Z` (RFC 3339).

use std::time::{Duration, SystemTime};

use toml::value::{Datetime, Offset};

const DAY: u64 = 86_400;

/// The time to the second.
pub(crate) fn show(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.unwrap_or(Duration::ZERO).as_secs();
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3_600, seconds % 3_600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads a date, or a date and a time, with or without an offset from UTC.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let text = if text.len() == "2026-11-22 06:22".len() && text.contains(':') {
        format!("{text}:00")
    } else {
        text.to_owned()
    };
    let moment: Datetime = text.parse().ok()?;
    let date = moment.date?;
    let time = moment.time;
    let of_day = time.map_or(0, |time| {
        u64::from(time.hour) * 3_600
            + u64::from(time.minute) * 60
            + u64::from(time.second.unwrap_or(0))
    });
    let days = days(date.year.into(), date.month.into(), date.day.into())?;
    let local = i64::try_from(days * DAY + of_day).ok()?;
    let offset = match moment.offset {
        Some(Offset::Custom { minutes }) => i64::from(minutes) * 60,
        Some(Offset::Z) | None => 0,
    };
    let seconds = u64::try_from(local - offset).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The date of a number of days since 1970: years begin in March, so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
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

/// The days from 1970 to a date; none before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
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
    fn shows_and_reads_times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_328_560, "2026-11-22T06:22:40Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(show(time), text);
            assert_eq!(parse(text), Some(time));
        }
    }

    #[test]
    fn reads_what_people_write() {
        for (text, expected) in [
            ("2026-12-24 18:00", "2026-12-24T18:00:00Z"),
            ("2026-12-24", "2026-12-24T00:00:00Z"),
            ("2026-12-24T18:00:00+02:00", "2026-12-24T16:00:00Z"),
        ] {
            assert_eq!(parse(text).map(show).as_deref(), Some(expected));
        }
        for text in ["", "tomorrow", "18:00", "2026-13-01"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
