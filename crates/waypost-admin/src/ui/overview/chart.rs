//! The charts of the overview, which the browser draws from `/api/v1/statistics`.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ui::layout::View;

/// Rules that refuse, as series name them.
const RULES: [&str; 14] = [
    "forward-unknown",
    "gateway",
    "group",
    "local",
    "loop",
    "next-hop",
    "no-mail",
    "not-served",
    "policy",
    "postmaster",
    "sharing",
    "suspended",
    "third-party",
    "unknown",
];

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Span {
    #[default]
    Hours,
    Day,
    Month,
}

/// One of them.
pub(super) struct Chart {
    /// The key of its title, without `chart-`.
    pub(super) name: &'static str,
    /// Where its numbers are.
    pub(super) address: String,
    pub(super) kind: &'static str,
    pub(super) unit: &'static str,
    /// The names of its series, as a JSON object.
    pub(super) labels: String,
}

impl Span {
    pub(super) const ALL: [Self; 3] = [Self::Hours, Self::Day, Self::Month];

    /// The word in the address.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Its length and that of a point, in seconds.
    fn seconds(self) -> (u32, u32) {
        match self {
            Self::Hours => (3 * 3_600, 60),
            Self::Day => (86_400, 600),
            Self::Month => (30 * 86_400, 4 * 3_600),
        }
    }

    fn address(self, fields: &[(&str, &str)]) -> String {
        let (span, step) = self.seconds();
        let (span, step) = (span.to_string(), step.to_string());
        let mut all = fields.to_vec();
        all.extend([("span", span.as_str()), ("step", step.as_str())]);
        crate::address::address("/api/v1/statistics", &all)
    }
}

/// Traffic, refusals by reason, delivery delay, queue.
pub(super) fn all(view: &View, span: Span) -> Vec<Chart> {
    let traffic = [
        ("series", "messages"),
        ("sum", "sent.*,deferred.*,refused.*"),
        ("per_minute", "true"),
    ];
    let chart = |name, kind, unit, fields: &[(&str, &str)], labels: Vec<(&str, String)>| Chart {
        name,
        address: span.address(fields),
        kind,
        unit,
        labels: object(labels),
    };
    let series = |names: &[&'static str]| -> Vec<(&'static str, String)> {
        let labels = names
            .iter()
            .map(|name| (*name, view.word("series", word(name))));
        labels.collect()
    };
    let reasons = refusals(view);
    let reasons = reasons
        .iter()
        .map(|(name, label)| (name.as_str(), label.clone()));
    vec![
        chart(
            "traffic",
            "line",
            "count",
            &traffic,
            series(&["messages", "sent.*", "deferred.*", "refused.*"]),
        ),
        chart(
            "refusals",
            "stacked",
            "count",
            &[("series", "refused.*"), ("per_minute", "true")],
            reasons.collect(),
        ),
        chart(
            "delay",
            "line",
            "seconds",
            &[("series", "delay.p50,delay.p95")],
            series(&["delay.p50", "delay.p95"]),
        ),
        chart(
            "queue",
            "area",
            "count",
            &[("series", "queue"), ("sum", "waiting.*")],
            series(&["queue", "waiting.*"]),
        ),
    ]
}

/// `sent.*` as a part of a key: `sent`.
fn word(series: &str) -> String {
    series.trim_end_matches(".*").replace('.', "-")
}

/// The names of the series of refusals: for good, or for now.
fn refusals(view: &View) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    for rule in RULES {
        let reason = view.word("refusal", rule);
        labels.push((format!("refused.5.{rule}"), reason.clone()));
        labels.push((
            format!("refused.4.{rule}"),
            view.with("refusal-for-now", "reason", &reason),
        ));
    }
    labels
}

fn object(labels: Vec<(&str, String)>) -> String {
    let labels = labels.into_iter();
    let labels = labels.map(|(name, label)| (name.to_owned(), Value::from(label)));
    Value::Object(Map::from_iter(labels)).to_string()
}
