//! Moments by language, from the form in which the server writes them (RFC 3339, UTC).

use super::Language;

/// The months, short, as each language writes them in a date.
const ENGLISH: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const FRENCH: [&str; 12] = [
    "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
    "déc.",
];
const GERMAN: [&str; 12] = [
    "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.",
];

/// Seconds since 1970 of a moment as RFC 3339 writes it; seconds may be missing, and without a zone
/// it is UTC.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, offset_min) = zone(time)?;
    let number = |text: &str, most: u64| {
        let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let number: u64 = text.parse().ok()?;
        (is_number && number <= most).then_some(number)
    };
    let mut date = date.splitn(3, '-');
    let year = number(date.next()?, 9999).filter(|year| *year >= 1970)?;
    let month = number(date.next()?, 12).filter(|month| *month >= 1)?;
    let day = number(date.next()?, 31).filter(|day| *day >= 1)?;
    let mut clock = clock.splitn(3, ':');
    let (hour, minute) = (number(clock.next()?, 23)?, number(clock.next()?, 59)?);
    let second = clock.next().unwrap_or("0");
    let second = number(second.split('.').next()?, 60)?;
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let local = days.checked_sub(719_468)? * 86_400 + hour * 3_600 + minute * 60 + second;
    local.checked_add_signed(-offset_min * 60)
}

/// The time of day, and the minutes by which it is ahead of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (clock, offset) = time.split_at(at);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let ahead = hours.parse::<i64>().ok().filter(|h| (0..24).contains(h))? * 60
        + minutes
            .parse::<i64>()
            .ok()
            .filter(|m| (0..60).contains(m))?;
    Some((
        clock,
        if offset.starts_with('-') {
            -ahead
        } else {
            ahead
        },
    ))
}

impl Language {
    /// `22 Nov 2026, 14:03 UTC`; what is no moment is shown as it is.
    pub(crate) fn moment(self, text: &str) -> String {
        self.parts(text, 5).unwrap_or_else(|| text.to_owned())
    }

    /// `22 Nov 2026, 14:03:09 UTC`
    pub(crate) fn second(self, text: &str) -> String {
        self.parts(text, 8).unwrap_or_else(|| text.to_owned())
    }

    fn parts(self, text: &str, length: usize) -> Option<String> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<usize>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let clock = time.get(..length)?;
        let names = match self {
            Self::English => ENGLISH,
            Self::French => FRENCH,
            Self::German => GERMAN,
        };
        let month = names.get(month.checked_sub(1)?)?;
        Some(match self {
            Self::English | Self::French => format!("{day} {month} {year}, {clock} UTC"),
            Self::German => format!("{day}. {month} {year}, {clock} UTC"),
        })
    }
}
