//! Numbers over time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_directory::Scope;

use super::super::objects::read;
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::request::{Request, Statistics, words};

/// Most names in one question.
const NAMES_MAX: usize = 100;
/// Series that are one.
const SINGLE: [&str; 4] = ["connections", "messages", "queue", "recipients"];
/// How the names of the others begin.
const BEGINNINGS: [&str; 9] = [
    "bounced.",
    "deferred.",
    "delay.",
    "from.",
    "minger.",
    "oldest_s.",
    "refused.",
    "sent.",
    "waiting.",
];
/// What is shown when nobody says how much.
const SPAN_S: u64 = 3_600;
/// A point that has just begun says nothing about a minute yet.
const GROWN_S: u64 = 15;

/// Which numbers are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Names of series, or beginnings with `*` behind, between commas; nothing: all. `delay.p50`
    /// and `delay.p95` are the seconds within which half, and 95 of 100, were delivered: the end of
    /// the class that they are in, from 0.002 to 30 days; null also for what took longer.
    pub(crate) series: String,
    /// The same, but what begins so is added up to one series of this name.
    pub(crate) sum: String,
    /// Seconds up to now, at most 30 days; nothing: an hour. Up to a day has minutes, more has
    /// hours.
    pub(crate) span: Option<u64>,
    /// Seconds of each point, at least.
    pub(crate) step: u64,
    /// Counts as numbers per minute.
    pub(crate) per_minute: bool,
}

/// Series over the same times.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Numbers {
    /// Where each point begins, in seconds since 1970; the last one is still growing.
    pub(crate) times: Vec<u64>,
    /// Seconds of each point.
    pub(crate) step_s: u64,
    pub(crate) series: Vec<NumberSeries>,
}

/// One series.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NumberSeries {
    pub(crate) name: String,
    /// One for each time; null: there is nothing to say.
    pub(crate) values: Vec<Option<f64>>,
}

/// What the server answers.
#[derive(Debug, Deserialize)]
struct Points {
    from_s: u64,
    step_s: u64,
    count: u64,
    series: BTreeMap<String, Vec<f64>>,
    #[serde(default)]
    delay: Option<Delays>,
}

#[derive(Debug, Deserialize)]
struct Delays {
    p50_s: Vec<Option<f64>>,
    p95_s: Vec<Option<f64>>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Shows numbers over time. They are counted for the whole site: who is limited to domains is
/// refused.
#[utoipa::path(get, path = "/statistics", tag = "overview", params(Wanted),
    security(("token" = ["statistics-read"])),
    responses((status = 200, body = Numbers), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Numbers>, Problem> {
    console.numbers(&actor, &wanted).await.map(Json)
}

impl Console {
    /// Series over time, as far as he sees them.
    pub(crate) async fn numbers(&self, actor: &Actor, wanted: &Wanted) -> Result<Numbers, Problem> {
        actor.require(Right::StatisticsRead)?;
        if actor.scope != Scope::All {
            return Err(Problem::of(StatusCode::FORBIDDEN, words::FIGURES_OF_SITE));
        }
        let (names, sums) = (split(&wanted.series), split(&wanted.sum));
        if names.len() + sums.len() > NAMES_MAX {
            let message = format!("more than {NAMES_MAX} series are named");
            return Err(Problem::key("series", message, "ask for fewer at once"));
        }
        known("series", &names)?;
        known("sum", &sums)?;
        let request = Request::Statistics(Statistics {
            series: asked(&names, &sums),
            span: wanted.span.unwrap_or(SPAN_S),
            step: wanted.step,
        });
        let mut points: Points = read(self.ask(actor, request).await?)?;
        if wanted.per_minute {
            points.per_minute(seconds(self.now()));
        }
        Ok(points.chosen(&names, &sums))
    }
}

/// Refuses names of a parameter that no series can have.
fn known(parameter: &str, names: &[&str]) -> Result<(), Problem> {
    let is_known = |name: &&&str| {
        let all = SINGLE.iter().chain(&BEGINNINGS);
        let (beginning, is_pattern) = match name.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (**name, false),
        };
        let mut begun = BEGINNINGS.iter();
        SINGLE.contains(&beginning)
            || begun.any(|known| beginning.len() > known.len() && beginning.starts_with(known))
            || is_pattern && all.clone().any(|known| known.starts_with(beginning))
    };
    let Some(unknown) = names.iter().find(|name| !is_known(name)) else {
        return Ok(());
    };
    let words: Vec<_> = SINGLE.iter().map(|name| (*name).to_owned()).collect();
    let begun = BEGINNINGS.iter().map(|beginning| format!("{beginning}*"));
    let words: Vec<_> = words.into_iter().chain(begun).collect();
    let words = words::SERIES_UNKNOWN.having("known", &words.join(", "));
    Err(Problem::field(parameter, words.having("name", *unknown)))
}

fn split(names: &str) -> Vec<&str> {
    let names = names.split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Quantiles of delays come of all their classes.
fn asked(names: &[&str], sums: &[&str]) -> Vec<String> {
    let all = names.iter().chain(sums);
    all.map(|name| match *name {
        "delay.p50" | "delay.p95" => "delay.*".to_owned(),
        name => name.to_owned(),
    })
    .collect()
}

/// Whether a series is no count, but how much there was at a time.
fn is_level(name: &str) -> bool {
    name == "queue" || name.starts_with("waiting.") || name.starts_with("oldest_s.")
}

/// Whether a pattern means this series.
fn means(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

impl Points {
    /// Counts as numbers per minute, the last point by as much of it as has passed.
    fn per_minute(&mut self, now_s: u64) {
        let last_s = self.from_s + self.step_s * self.count.saturating_sub(1);
        let passed_s = now_s
            .saturating_sub(last_s)
            .clamp(GROWN_S, self.step_s.max(GROWN_S));
        let counts = self.series.iter_mut().filter(|(name, _)| !is_level(name));
        for values in counts.map(|(_, values)| values) {
            let end = values.len().saturating_sub(1);
            for (place, value) in values.iter_mut().enumerate() {
                let span_s = if place == end { passed_s } else { self.step_s };
                *value = (*value * 6_000.0 / span_s.max(1) as f64).round() / 100.0;
            }
        }
    }

    fn chosen(mut self, names: &[&str], sums: &[&str]) -> Numbers {
        let mut series = Vec::new();
        for name in names {
            let quantiles = self.delay.as_mut().map(|delay| match *name {
                "delay.p50" => std::mem::take(&mut delay.p50_s),
                "delay.p95" => std::mem::take(&mut delay.p95_s),
                _ => Vec::new(),
            });
            if matches!(*name, "delay.p50" | "delay.p95") {
                let nothing = || vec![None; self.count as usize];
                series.push(NumberSeries {
                    name: (*name).to_owned(),
                    values: quantiles.unwrap_or_else(nothing),
                });
            }
        }
        let is_wanted = |name: &str| {
            let all = names.is_empty() && sums.is_empty();
            all || names.iter().any(|pattern| means(pattern, name))
        };
        let single = self.series.iter();
        let single = single.filter(|(name, _)| is_wanted(name));
        series.extend(single.map(|(name, values)| NumberSeries {
            name: name.clone(),
            values: values.iter().copied().map(Some).collect(),
        }));
        // What was asked for by its name is there, though nothing happened.
        let missing = names.iter().filter(|name| !name.ends_with('*'));
        let missing: Vec<_> = missing
            .filter(|name| series.iter().all(|one| one.name != **name))
            .collect();
        series.extend(missing.into_iter().map(|name| NumberSeries {
            name: (*name).to_owned(),
            values: vec![Some(0.0); self.count as usize],
        }));
        series.extend(sums.iter().map(|pattern| self.sum(pattern)));
        let times = (0..self.count).map(|place| self.from_s + place * self.step_s);
        Numbers {
            times: times.collect(),
            step_s: self.step_s,
            series,
        }
    }

    fn sum(&self, pattern: &str) -> NumberSeries {
        let mut values = vec![0.0; self.count as usize];
        let those = self.series.iter().filter(|(name, _)| means(pattern, name));
        for (sum, value) in those.flat_map(|(_, points)| points.iter().enumerate()) {
            if let Some(sum) = values.get_mut(sum) {
                *sum += value;
            }
        }
        NumberSeries {
            name: pattern.to_owned(),
            values: values.into_iter().map(Some).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Points {
        let series = [
            ("messages", vec![60.0, 10.0]),
            ("queue", vec![7.0, 3.0]),
            ("sent.local", vec![1.0, 0.0]),
            ("sent.target.lyon", vec![2.0, 4.0]),
            ("sent.target.oslo", vec![3.0, 0.0]),
        ];
        Points {
            from_s: 600,
            step_s: 60,
            count: 2,
            series: series
                .map(|(name, values)| (name.to_owned(), values))
                .into(),
            delay: None,
        }
    }

    fn shown(numbers: &Numbers) -> Vec<(&str, Vec<Option<f64>>)> {
        let series = numbers.series.iter();
        series
            .map(|one| (one.name.as_str(), one.values.clone()))
            .collect()
    }

    #[test]
    fn what_is_asked_for_by_name_is_there_and_what_is_summed_is_one() {
        let numbers = points().chosen(&["messages", "bounced.mx"], &["sent.*"]);
        assert_eq!(numbers.times, [600, 660]);
        let expected = [
            ("messages", vec![Some(60.0), Some(10.0)]),
            ("bounced.mx", vec![Some(0.0), Some(0.0)]),
            ("sent.*", vec![Some(6.0), Some(4.0)]),
        ];
        assert_eq!(shown(&numbers), expected);
    }

    #[test]
    fn a_series_that_cannot_be_is_refused_with_those_that_can() {
        let good = [
            "queue",
            "delay.p50",
            "sent.*",
            "sent.target.lyon",
            "refused.5.unknown",
            "re*",
            "*",
        ];
        assert!(known("series", &good).is_ok());
        for bad in ["nope", "nope*", "sent", "sent.", "queue.x", "messagesx"] {
            let problem = known("sum", &["queue", bad]).expect_err(bad);
            let one = &problem.problems[0];
            assert_eq!((problem.status, &*one.field), (422, "sum"), "{bad}");
            assert!(one.message.contains(bad), "{}", one.message);
            assert!(
                one.mend.contains("connections, messages, queue"),
                "{}",
                one.mend
            );
            assert!(one.mend.contains("waiting.*"), "{}", one.mend);
        }
    }

    #[test]
    fn the_point_that_grows_counts_as_far_as_it_goes() {
        let mut points = points();
        points.per_minute(690);
        assert_eq!(points.series["messages"], [60.0, 20.0]);
        assert_eq!(points.series["queue"], [7.0, 3.0]);
    }
}
