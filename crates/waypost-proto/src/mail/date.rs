//! Dates as header fields write them (RFC 5322 §3.3).

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_S: u64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A moment, printed as a date-time of RFC 5322 §3.3 in UTC: `Sun, 22 Nov 2026 06:22:52 +0000`.
///
/// A moment before 1970 is printed as the beginning of 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub SystemTime);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self
            .0
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let (days, time) = (seconds / DAY_S, seconds % DAY_S);
        let (year, month, day) = civil(days);
        let weekday = WEEKDAYS.get((days % 7) as usize).unwrap_or(&"Thu");
        let month = MONTHS.get(month).unwrap_or(&"Jan");
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        write!(
            f,
            "{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000"
        )
    }
}

/// Year, month from 0 and day from 1 of a count of days since 1970 in the Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day is a year's last.
fn civil(days: u64) -> (u64, usize, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn prints_moments_as_header_dates() {
        for (seconds, printed) in [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 +0000"),
            (1_709_251_200, "Fri, 1 Mar 2024 00:00:00 +0000"),
            (1_795_328_572, "Sun, 22 Nov 2026 06:22:52 +0000"),
            (4_102_444_800, "Fri, 1 Jan 2100 00:00:00 +0000"),
        ] {
            let date = Date(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(date.to_string(), printed);
        }
    }
}
