//! Numbers, sizes and spans of time by language.

use std::time::Duration;

use fluent_bundle::FluentValue;

use super::Language;

/// Sizes, each 1024 of the one before.
const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
/// The same in octets, as French has them.
const OCTETS: [&str; 5] = ["o", "Kio", "Mio", "Gio", "Tio"];

impl Language {
    /// What stands between groups of three digits.
    fn group(self) -> &'static str {
        match self {
            Self::English => ",",
            Self::French => "\u{202f}",
            Self::German => ".",
        }
    }

    fn point(self) -> &'static str {
        match self {
            Self::English => ".",
            Self::French | Self::German => ",",
        }
    }

    /// `1,204`
    pub(crate) fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push_str(self.group());
            }
            text.push(digit);
        }
        text
    }

    /// `1.5`; whole numbers without a point.
    pub(crate) fn decimal(self, number: f64) -> String {
        let text = format!("{number:.1}");
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let whole = self.number(whole.parse().unwrap_or(0));
        if part == "0" {
            return whole;
        }
        format!("{whole}{}{part}", self.point())
    }

    /// `2 GiB`
    pub(crate) fn size(self, bytes: u64) -> String {
        let mut size = bytes as f64;
        let mut unit = 0;
        while size >= 1024.0 && unit + 1 < UNITS.len() {
            size /= 1024.0;
            unit += 1;
        }
        let names = match self {
            Self::French => OCTETS,
            Self::English | Self::German => UNITS,
        };
        let name = names.get(unit).copied().unwrap_or_default();
        format!("{}\u{a0}{name}", self.decimal(size))
    }

    /// Seconds as the log writes them, `0.35`; what is no number is shown as it is.
    pub(crate) fn delay(self, seconds: &str) -> String {
        let number: Option<f64> = seconds.parse().ok().filter(|s: &f64| *s >= 0.0);
        match number {
            Some(number) if number >= 60.0 => self.span(Duration::from_secs_f64(number.min(1e9))),
            Some(_) => format!("{}\u{a0}s", seconds.replacen('.', self.point(), 1)),
            None => seconds.to_owned(),
        }
    }

    /// `3 h 20 min`: the two largest units.
    pub(crate) fn span(self, span: Duration) -> String {
        if span.is_zero() {
            return "0\u{a0}s".to_owned();
        }
        let seconds = span.as_secs();
        let day = match self {
            Self::French => "j",
            Self::English => "d",
            Self::German => "T",
        };
        let units = [(86_400, day), (3_600, "h"), (60, "min"), (1, "s")];
        let first = units.iter().position(|(length, _)| seconds >= *length);
        let Some(first) = first else {
            return format!("{}\u{a0}ms", self.number(span.as_millis() as u64));
        };
        let mut rest = seconds;
        let mut parts = Vec::new();
        for (length, name) in units.iter().skip(first).take(2) {
            let count = rest / length;
            rest %= length;
            if count > 0 {
                parts.push(format!("{}\u{a0}{name}", self.number(count)));
            }
        }
        parts.join(" ")
    }
}

/// How a number looks inside a text.
pub(super) fn formatted(value: &FluentValue<'_>, language: Language) -> Option<String> {
    match value {
        FluentValue::Number(number) if number.value >= 0.0 => Some(language.decimal(number.value)),
        _ => None,
    }
}
