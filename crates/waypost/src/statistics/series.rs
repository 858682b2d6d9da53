//! Numbers over time: a row for each minute of a day and for each hour of a month.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::history::Sample;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;
/// Minutes that are kept: a day.
const MINUTES: u64 = 24 * 60;
/// Hours that are kept: 30 days.
const HOURS: u64 = 30 * 24;
/// Series that are kept; those beyond are not.
const NAMES_MAX: usize = 16_384;

/// All series.
#[derive(Debug)]
pub(crate) struct Series {
    names: Vec<String>,
    numbers: HashMap<String, u16>,
    minutes: Rows,
    hours: Rows,
}

/// The rows of one step. Most servers are quiet most of the time: zeros are not kept.
#[derive(Debug)]
struct Rows {
    step_s: u64,
    most: u64,
    rows: VecDeque<Row>,
    /// Rows from here on have not been saved as they are now.
    unsaved_s: u64,
}

#[derive(Debug)]
struct Row {
    at_s: u64,
    points: BTreeMap<u16, u64>,
}

/// A piece of some series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Points {
    /// Where the first point begins.
    pub(crate) from_s: u64,
    pub(crate) step_s: u64,
    pub(crate) count: usize,
    pub(crate) series: BTreeMap<String, Vec<u64>>,
}

/// Whether the highest number within a step counts, and not their sum.
fn is_level(name: &str) -> bool {
    name == "queue" || name.starts_with("waiting.") || name.starts_with("oldest_s.")
}

/// What a point becomes with another number.
fn joined(name: &str, point: u64, other: u64) -> u64 {
    if is_level(name) {
        point.max(other)
    } else {
        point.saturating_add(other)
    }
}

impl Default for Series {
    fn default() -> Self {
        let rows = |step_s, most| Rows {
            step_s,
            most,
            rows: VecDeque::new(),
            unsaved_s: 0,
        };
        Self {
            names: Vec::new(),
            numbers: HashMap::new(),
            minutes: rows(MINUTE_S, MINUTES),
            hours: rows(HOUR_S, HOURS),
        }
    }
}

impl Series {
    /// Adds a number to a series at a time.
    pub(crate) fn add(&mut self, at_s: u64, name: &str, value: u64) {
        if value == 0 {
            return;
        }
        let Some(number) = self.number(name) else {
            return;
        };
        for rows in [&mut self.minutes, &mut self.hours] {
            if let Some(row) = rows.row(at_s) {
                let point = row.points.entry(number).or_default();
                *point = joined(name, *point, value);
            }
        }
    }

    fn number(&mut self, name: &str) -> Option<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.names.len()).ok()?;
        if self.names.len() >= NAMES_MAX {
            return None;
        }
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// The points of the last `span_s` seconds, in steps of at least `step_s`.
    pub(crate) fn points(
        &self,
        now_s: u64,
        span_s: u64,
        step_s: u64,
        wanted: impl Fn(&str) -> bool,
    ) -> Points {
        let is_short = span_s <= MINUTES * MINUTE_S && step_s < HOUR_S;
        let rows = if is_short { &self.minutes } else { &self.hours };
        let span_s = span_s.clamp(rows.step_s, rows.most * rows.step_s);
        let step_s = step_s.clamp(rows.step_s, span_s);
        let step_s = step_s.next_multiple_of(rows.step_s);
        // The last point is the one that is still growing.
        let end_s = now_s / step_s * step_s + step_s;
        let count = span_s.div_ceil(step_s);
        let from_s = end_s.saturating_sub(count * step_s);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut series = BTreeMap::new();
        for row in rows.rows.iter().filter(|row| row.at_s >= from_s) {
            let place = usize::try_from((row.at_s - from_s) / step_s).unwrap_or(usize::MAX);
            for (number, value) in &row.points {
                let name = self.names.get(usize::from(*number));
                let Some(name) = name.filter(|name| wanted(name)) else {
                    continue;
                };
                let points = series.entry(name.clone()).or_insert_with(|| vec![0; count]);
                if let Some(point) = points.get_mut(place) {
                    *point = joined(name, *point, *value);
                }
            }
        }
        Points {
            from_s,
            step_s,
            count,
            series,
        }
    }

    /// Rows that changed since the last time, and for each step the time before which is over.
    pub(crate) fn unsaved(&mut self) -> (Vec<Sample>, Vec<(u64, u64)>) {
        let mut samples = Vec::new();
        let mut over = Vec::new();
        for rows in [&mut self.minutes, &mut self.hours] {
            let changed = rows.rows.iter().filter(|row| row.at_s >= rows.unsaved_s);
            for row in changed {
                let named = row.points.iter().filter_map(|(number, value)| {
                    let name = self.names.get(usize::from(*number))?;
                    Some((name.as_str(), *value))
                });
                let named: BTreeMap<_, _> = named.collect();
                if let Ok(text) = serde_json::to_string(&named) {
                    samples.push((rows.step_s, row.at_s, text));
                }
            }
            if let Some(last) = rows.rows.back() {
                rows.unsaved_s = last.at_s;
                let kept = rows.most * rows.step_s;
                over.push((rows.step_s, last.at_s.saturating_sub(kept)));
            }
        }
        (samples, over)
    }

    /// Takes rows of an earlier run, the oldest first; what cannot be read is left out.
    pub(crate) fn restore(&mut self, samples: &[Sample]) {
        for (step_s, at_s, text) in samples {
            let named: BTreeMap<String, u64> = serde_json::from_str(text).unwrap_or_default();
            for (name, value) in named {
                let Some(number) = self.number(&name) else {
                    continue;
                };
                let rows = [&mut self.minutes, &mut self.hours].into_iter();
                let mut rows = rows.filter(|rows| rows.step_s == *step_s);
                if let Some(row) = rows.next().and_then(|rows| rows.row(*at_s)) {
                    row.points.insert(number, value);
                }
            }
        }
        for rows in [&mut self.minutes, &mut self.hours] {
            rows.unsaved_s = rows.rows.back().map_or(0, |row| row.at_s);
        }
    }
}

impl Rows {
    /// The row of a time; none when the clock has gone far back.
    fn row(&mut self, at_s: u64) -> Option<&mut Row> {
        let at_s = at_s / self.step_s * self.step_s;
        if self.rows.back().is_none_or(|last| last.at_s < at_s) {
            let points = BTreeMap::new();
            self.rows.push_back(Row { at_s, points });
            let kept_s = (self.most - 1) * self.step_s;
            while self
                .rows
                .front()
                .is_some_and(|first| first.at_s + kept_s < at_s)
            {
                self.rows.pop_front();
            }
        }
        let place = self.rows.binary_search_by_key(&at_s, |row| row.at_s).ok()?;
        self.unsaved_s = self.unsaved_s.min(at_s);
        self.rows.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY_S: u64 = 86_400;

    fn one(series: &Series, now: u64, span: u64, step: u64, name: &str) -> Vec<u64> {
        let mut points = series.points(now, span, step, |known| known == name);
        points.series.remove(name).unwrap_or_default()
    }

    #[test]
    fn counts_are_added_and_levels_are_the_highest() {
        let mut series = Series::default();
        let now = 1_000 * DAY_S;
        for (at, count, level) in [(now, 1, 7), (now + 59, 2, 3), (now + 60, 4, 5)] {
            series.add(at, "messages", count);
            series.add(at, "queue", level);
        }
        let now = now + 60;
        assert_eq!(one(&series, now, 180, 60, "messages"), [0, 3, 4]);
        assert_eq!(one(&series, now, 180, 60, "queue"), [0, 7, 5]);
        assert_eq!(one(&series, now, 600, 300, "messages"), [0, 7]);
        assert_eq!(one(&series, now, 600, 300, "queue"), [0, 7]);
        assert_eq!(
            one(&series, now, 30 * DAY_S, 60, "messages").last(),
            Some(&7)
        );
        assert!(one(&series, now, 180, 60, "recipients").is_empty());
    }

    #[test]
    fn what_is_saved_comes_back_and_goes_on() {
        let mut series = Series::default();
        let now = 1_000 * DAY_S;
        series.add(now - 120, "messages", 1);
        series.add(now, "messages", 2);
        let (first, _) = series.unsaved();
        assert_eq!(first.len(), 3 + 1);
        series.add(now + 1, "messages", 3);
        let (second, over) = series.unsaved();
        assert_eq!(
            second.len(),
            2,
            "the rows that are still growing: {second:?}"
        );
        assert_eq!(over[0], (60, now - DAY_S));
        let mut restored = Series::default();
        // The file has one row for each time.
        let mut file = BTreeMap::new();
        for (step, at, text) in first.into_iter().chain(second) {
            file.insert((step, at), text);
        }
        let file: Vec<Sample> = file
            .into_iter()
            .map(|((s, at), text)| (s, at, text))
            .collect();
        restored.restore(&file);
        restored.add(now + 2, "messages", 10);
        assert_eq!(one(&restored, now, 180, 60, "messages"), [1, 0, 15]);
        assert_eq!(restored.unsaved().0.len(), 2);
    }

    proptest! {
        #[test]
        fn a_day_of_minutes_and_a_month_of_hours_are_kept(
            steps in prop::collection::vec((0_u64..20_000, 1_u64..100), 1..300),
            step in 1_u64..8,
        ) {
            let mut series = Series::default();
            let mut at = 1_000 * DAY_S;
            let mut all = Vec::new();
            for (wait, count) in steps {
                at += wait;
                series.add(at, "messages", count);
                all.push((at, count));
            }
            let points = series.points(at, DAY_S, step * 60, |_| true);
            let since = |from: u64| -> u64 {
                let those = all.iter().filter(|(at, _)| *at >= from);
                those.map(|(_, count)| count).sum()
            };
            // The first step may begin before the oldest minute that is kept.
            let whole = points.from_s.max(at / 60 * 60 - (DAY_S - 60));
            prop_assert_eq!(points.series["messages"].iter().sum::<u64>(), since(whole));
            prop_assert!(series.minutes.rows.len() as u64 <= MINUTES);
            let points = series.points(at, 30 * DAY_S, 0, |_| true);
            prop_assert_eq!(points.series["messages"].iter().sum::<u64>(), since(points.from_s));
            prop_assert!(series.hours.rows.len() as u64 <= HOURS);
        }
    }
}
