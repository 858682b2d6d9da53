//! When a hold ends: a span to choose, or a moment.

use std::time::{Duration, SystemTime};

use crate::input::Fields;
use crate::problem::Problem;
use crate::request::words;
use crate::text::{clock, seconds};

/// Spans to choose from, and their hours.
const SPANS: [(&str, u64); 6] = [
    ("1h", 1),
    ("4h", 4),
    ("12h", 12),
    ("1d", 24),
    ("3d", 72),
    ("7d", 168),
];

/// What is in the fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Until {
    span: String,
    /// As the browser sends it, in its zone.
    pub(crate) moment: String,
    /// Minutes by which that is ahead of UTC; empty: it is UTC.
    pub(crate) zone: String,
}

impl Until {
    /// Nothing chosen yet.
    pub(crate) const fn new() -> Self {
        Self {
            span: String::new(),
            moment: String::new(),
            zone: String::new(),
        }
    }

    pub(crate) fn of(fields: &Fields) -> Self {
        Self {
            span: fields.text("span").to_owned(),
            moment: fields.text("until").to_owned(),
            zone: fields.text("until_zone").to_owned(),
        }
    }

    /// What to choose from, and whether it is chosen: until it is released, a span, a moment.
    pub(crate) fn choices(&self) -> Vec<(&'static str, bool)> {
        let spans = SPANS.iter().map(|(word, _)| *word);
        let all = std::iter::once("released").chain(spans).chain(["at"]);
        all.map(|word| (word, word == self.span)).collect()
    }
}

/// The end, in seconds since 1970; none: when it is released.
pub(crate) fn read(fields: &Fields, now: SystemTime) -> Result<Option<u64>, Problem> {
    let span = fields.text("span");
    if span == "at" {
        let moment = clock::utc(fields.text("until"), fields.text("until_zone"));
        let end = seconds(&moment).ok_or_else(|| Problem::field("until", words::UNTIL_BAD));
        return end.map(Some);
    }
    let hours = SPANS.iter().find(|(word, _)| *word == span);
    Ok(hours.map(|(_, hours)| {
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        (now.unwrap_or_default() + Duration::from_hours(*hours)).as_secs()
    }))
}
