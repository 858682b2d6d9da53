//! Mail as it flows: the last lines of the log, and numbers over time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use tracing::Level;
use waypost_admin::request::{LogLevel, LogLines, Statistics};

use super::Bridge;
use crate::history::{LAST, Line, fields};
use crate::{statistics, time};

impl Bridge {
    pub(super) fn log(&self, wanted: &LogLines) -> Value {
        let tap = self.history.tap();
        let newest = tap.newest();
        let mut lines = tap.after(wanted.after);
        let first = lines.first().map(|(number, _)| *number);
        let skipped = first.is_some_and(|first| first > wanted.after + 1);
        let text = wanted.text.as_deref().map(str::to_lowercase);
        lines.retain(|(_, line)| {
            is_at_least(line.level, wanted.level)
                && text.as_ref().is_none_or(|text| holds(line, text))
        });
        let limit = wanted.limit.clamp(1, LAST);
        let mut next = newest.max(wanted.after.min(newest));
        if wanted.after == 0 {
            lines.drain(..lines.len().saturating_sub(limit));
        } else if lines.len() > limit {
            lines.truncate(limit);
            next = lines.last().map_or(next, |(number, _)| *number);
        }
        let items: Vec<Value> = lines.iter().map(logged).collect();
        json!({ "items": items, "newest": newest, "next": next, "skipped": skipped })
    }

    pub(super) fn statistics(&self, wanted: &Statistics) -> Value {
        let is_wanted = |name: &str| {
            let mut patterns = wanted.series.iter();
            wanted.series.is_empty()
                || patterns.any(|pattern| match pattern.strip_suffix('*') {
                    Some(beginning) => name.starts_with(beginning),
                    None => name == pattern,
                })
        };
        let (span, step) = (wanted.span, wanted.step);
        let (span, step) = (Duration::from_secs(span), Duration::from_secs(step));
        let points = self.statistics.points(span, step, is_wanted);
        let from = SystemTime::UNIX_EPOCH + Duration::from_secs(points.from_s);
        let mut answer = json!({
            "from": time::show(from),
            "from_s": points.from_s,
            "step_s": points.step_s,
            "count": points.count,
            "series": points.series,
        });
        if points.series.keys().any(|name| name.starts_with("delay.")) {
            answer["delay"] = json!({
                "p50_s": statistics::delays(&points, 0.5),
                "p95_s": statistics::delays(&points, 0.95),
            });
        }
        answer
    }
}

/// A time in milliseconds since 1970.
pub(super) fn shown(at_ms: u64) -> String {
    time::show(SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms))
}

fn is_at_least(level: Level, least: LogLevel) -> bool {
    // The worse, the less.
    level
        <= match least {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
        }
}

fn holds(line: &Line, text: &str) -> bool {
    let has = |value: &str| value.to_lowercase().contains(text);
    has(&line.text) || has(line.target) || fields(&line.fields).any(|(_, value)| has(value))
}

fn logged((number, line): &(u64, Arc<Line>)) -> Value {
    let fields = fields(&line.fields).map(|(name, value)| (name.to_owned(), json!(value)));
    json!({
        "number": number,
        "at": shown(line.at_ms),
        "at_ms": line.at_ms,
        "level": line.level.as_str().to_lowercase(),
        "target": line.target,
        "text": line.text,
        "fields": Map::from_iter(fields),
    })
}
