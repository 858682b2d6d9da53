//! How values are written in the configuration file: units, addresses, networks, secrets.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;
use waypost_mta::net::Endpoint;

/// A value of the configuration file: how it is read, and how it is shown again.
pub(crate) trait Written: Sized {
    /// What a right value is, as in "expected …".
    const WHAT: &'static str;

    /// Reads what stands in the file; the error says what is wrong with it.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;

    /// The value as it would be written in the file.
    fn show(&self) -> String;
}

/// What was found, for the error.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("found {:?}", text.as_ref()),
        DeValue::Integer(number) => format!("found {}", number.as_str()),
        DeValue::Float(number) => format!("found {}", number.as_str()),
        DeValue::Boolean(flag) => format!("found {flag}"),
        other => format!("found {} {}", article(other.type_str()), other.type_str()),
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| found(value))
}

/// A string as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A value written as TOML, as JSON; both write strings, numbers, booleans and lists of them.
pub(crate) fn json_of(toml: &str) -> serde_json::Value {
    let read: Result<toml::Table, _> = toml::from_str(&format!("v = {toml}"));
    let value = read.ok().and_then(|mut table| table.remove("v"));
    value
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or_default()
}

impl Written for bool {
    const WHAT: &'static str = "true or false";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| found(value))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Written for u32 {
    const WHAT: &'static str = "a whole number";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let number = value.as_integer().ok_or_else(|| found(value))?;
        Self::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_err(|_| found(value))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Written for String {
    const WHAT: &'static str = "a text in quotes";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        if text.chars().any(char::is_control) {
            return Err(format!("found {text:?}, which holds a control character"));
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Written for PathBuf {
    const WHAT: &'static str = "a path in quotes";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        String::read(value).map(Self::from)
    }

    fn show(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

impl<T: Written> Written for Vec<T> {
    const WHAT: &'static str = T::WHAT;

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let items = value
            .as_array()
            .ok_or_else(|| format!("{} instead of a list", found(value)))?;
        items.iter().map(|item| T::read(item.get_ref())).collect()
    }

    fn show(&self) -> String {
        let items: Vec<String> = self.iter().map(Written::show).collect();
        format!("[{}]", items.join(", "))
    }
}

const SECONDS: [(&str, u64); 5] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1), ("ms", 0)];

impl Written for Duration {
    const WHAT: &'static str = "a duration such as \"90s\", \"5m\", \"4h\" or \"5d\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        parse_duration(text(value)?).ok_or_else(|| found(value))
    }

    fn show(&self) -> String {
        quoted(&show_duration(*self))
    }
}

/// Reads a number with a unit, or several in a row: `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    match rest {
        "" => return None,
        "0" => return Some(sum),
        _ => {}
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?.trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (_, seconds) = SECONDS
            .into_iter()
            .find(|(unit, _)| Some(*unit) == rest.get(..letters))?;
        let part = match seconds {
            0 => Duration::from_millis(number),
            seconds => Duration::from_secs(number.checked_mul(seconds)?),
        };
        sum = sum.checked_add(part)?;
        rest = rest.get(letters..)?.trim_start();
    }
    Some(sum)
}

/// The shortest way of writing a duration: `70m`, `1h30m`, `5d`.
pub(crate) fn show_duration(duration: Duration) -> String {
    let whole = SECONDS
        .into_iter()
        .filter(|(_, seconds)| *seconds > 0)
        .find(|(_, seconds)| duration.as_secs().is_multiple_of(*seconds));
    if !duration.subsec_nanos().is_multiple_of(1_000_000_000) {
        return format!("{}ms", duration.as_millis());
    }
    match whole {
        Some((_, _)) if duration.is_zero() => "0s".to_owned(),
        Some((unit, seconds)) => format!("{}{unit}", duration.as_secs() / seconds),
        None => format!("{}s", duration.as_secs()),
    }
}

/// A number of bytes, written with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Size {
    /// So many MiB.
    pub(crate) const fn mebibytes(number: u64) -> Self {
        Self(number << 20)
    }

    /// Reads `50 MiB`, `2 GB`, or `0`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "0" {
            return Some(Self(0));
        }
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = text.get(..digits)?.parse().ok()?;
        let unit = text.get(digits..)?.trim();
        let (_, bytes) = UNITS
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        number.checked_mul(bytes).map(Self)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            return f.write_char('0');
        }
        let (unit, bytes) = UNITS
            .into_iter()
            .find(|(_, bytes)| self.0.is_multiple_of(*bytes))
            .unwrap_or(("B", 1));
        write!(f, "{} {unit}", self.0 / bytes)
    }
}

impl Written for Size {
    const WHAT: &'static str = "a size such as \"50 MiB\" or \"2 GB\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        Self::parse(text(value)?).ok_or_else(|| found(value))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Written for Endpoint {
    const WHAT: &'static str =
        "ADDRESS:PORT such as \"0.0.0.0:25\" or \"[::]:25\", or \"unix:/PATH\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        text(value)?.parse().map_err(|_| found(value))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

/// An IP address, or nothing.
impl Written for Option<IpAddr> {
    const WHAT: &'static str = "an IP address such as \"192.0.2.1\", or \"\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "" => Ok(None),
            address => address.parse().map(Some).map_err(|_| found(value)),
        }
    }

    fn show(&self) -> String {
        quoted(&self.map(|address| address.to_string()).unwrap_or_default())
    }
}

/// A single character, or nothing.
impl Written for Option<char> {
    const WHAT: &'static str = "one character in quotes such as \"+\", or \"\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None, _) => Ok(None),
            (Some(c), None) if c.is_ascii_punctuation() && !"@\"".contains(c) => Ok(Some(c)),
            _ => Err(found(value)),
        }
    }

    fn show(&self) -> String {
        quoted(&self.map(String::from).unwrap_or_default())
    }
}
