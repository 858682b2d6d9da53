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

impl Language {
    /// `22 Nov 2026, 14:03 UTC`; what is no moment is shown as it is.
    pub(crate) fn moment(self, text: &str) -> String {
        self.parts(text).unwrap_or_else(|| text.to_owned())
    }

    fn parts(self, text: &str) -> Option<String> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<usize>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let clock = time.get(..5)?;
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
