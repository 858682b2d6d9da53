//! Which charts `docs/benchmarks.md` has, of the results of a run.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::chart::{Bars, Lines, Name, Unit};
use crate::contenders::{CUT_THROUGH, POSTFIX, SPOOL};

/// All that may be in a table, each with a colour of its own.
const SERVERS: [&str; 7] = [
    "no server",
    SPOOL,
    CUT_THROUGH,
    POSTFIX,
    "OpenSMTPD",
    "Exim",
    "Haraka",
];

/// Makes the charts for which there are results, in this folder.
pub(crate) fn write(results: &[Value], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, svg) in all(results) {
        let path = folder.join(format!("bench-{name}.svg"));
        fs::write(&path, svg).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
    }
    Ok(())
}

fn all(results: &[Value]) -> Vec<(&'static str, String)> {
    let rows = Rows(results.iter().collect());
    let mut charts = bars(&rows);
    charts.extend(lines(&rows));
    charts
}

/// Servers beside each other.
fn bars(rows: &Rows<'_>) -> Vec<(&'static str, String)> {
    let middle = rows
        .of("sizes")
        .only(&|row| row["size"] == 10_000 && row["sessions"] == 50);
    let charts = [
        (
            "delivered",
            "Messages of 10 kB delivered in a second, 50 sessions",
            middle.figures("delivered"),
            0,
        ),
        (
            "cpu",
            "CPU seconds of the server for 1,000 messages of 10 kB, 50 sessions",
            middle.figures("cpu"),
            2,
        ),
        (
            "reply",
            "Reply to the final dot at 200 messages a second: p99, ms",
            rows.of("pace").figures("reply_p99"),
            1,
        ),
    ];
    let charts = charts
        .into_iter()
        .filter(|(_, _, bars, _)| !bars.is_empty());
    let charts = charts.map(|(name, title, bars, digits)| {
        let chart = Bars {
            title,
            digits,
            bars,
        };
        (name, chart.svg())
    });
    charts.collect()
}

/// How cost grows.
fn lines(rows: &Rows<'_>) -> Vec<(&'static str, String)> {
    let by_sessions = rows.of("sizes").only(&|row| row["size"] == 10_000);
    let by_size = rows.of("sizes").only(&|row| row["sessions"] == 50);
    let sessions = ("sessions at the same time", Unit::Count);
    let delivered = |row: &Value| figure(row, "delivered");
    let charts = [
        (
            "sessions",
            "Messages of 10 kB delivered in a second",
            sessions,
            by_sessions.lines("sessions", &delivered),
        ),
        (
            "memory",
            "Peak memory of the server, MiB, messages of 10 kB",
            sessions,
            by_sessions.lines("sessions", &|row| figure(row, "mib")),
        ),
        (
            "sizes",
            "Messages delivered in a second, 50 sessions",
            ("size of a message", Unit::Octets),
            by_size.lines("size", &delivered),
        ),
        (
            "recipients",
            "Recipients served in a second, messages of 10 kB, 10 sessions",
            ("recipients of a message", Unit::Count),
            rows.of("recipients").lines("recipients", &|row| {
                Some(delivered(row)? * figure(row, "recipients")?)
            }),
        ),
        (
            "connections",
            "Memory of the server with idle connections, MiB",
            ("connections", Unit::Count),
            rows.of("connections")
                .lines("connections", &|row| figure(row, "greeted_mib")),
        ),
        (
            "directory",
            "Start of the server, seconds",
            ("known addresses", Unit::Count),
            rows.of("directory")
                .lines("known", &|row| figure(row, "start")),
        ),
        (
            "queue",
            "Messages of 10 kB delivered in a second, 50 sessions, by way of the spool",
            // An empty queue has no place on this scale.
            ("messages that wait", Unit::Count),
            rows.of("queue")
                .only(&|row| row["waiting"] != 0)
                .lines("waiting", &delivered),
        ),
    ];
    let charts = charts
        .into_iter()
        .filter(|(_, _, _, lines)| !lines.is_empty());
    let charts = charts.map(|(name, title, across, lines)| {
        let chart = Lines {
            title,
            across,
            lines,
        };
        (name, chart.svg())
    });
    charts.collect()
}

fn figure(row: &Value, name: &str) -> Option<f64> {
    row[name].as_f64()
}

/// Some of the results.
struct Rows<'a>(Vec<&'a Value>);

impl Rows<'_> {
    fn of(&self, table: &str) -> Self {
        self.only(&|row| row["table"] == table)
    }

    fn only(&self, wanted: &dyn Fn(&Value) -> bool) -> Self {
        let rows = self.0.iter().copied();
        Self(rows.filter(|row| wanted(row)).collect())
    }

    /// A figure of each server that has one.
    fn figures(&self, name: &str) -> Vec<(Name, f64)> {
        let of = |row: &&Value| Some((server(row), figure(row, name).filter(|it| *it > 0.0)?));
        self.0.iter().filter_map(of).collect()
    }

    /// A line for each server that has more than one point.
    fn lines(
        &self,
        across: &str,
        up: &dyn Fn(&Value) -> Option<f64>,
    ) -> Vec<(Name, Vec<(f64, f64)>)> {
        let mut lines: Vec<(Name, Vec<(f64, f64)>)> = Vec::new();
        for row in &self.0 {
            let (Some(x), Some(y)) = (figure(row, across), up(row).filter(|y| *y > 0.0)) else {
                continue;
            };
            let name = server(row);
            match lines.iter_mut().find(|(known, _)| *known == name) {
                Some((_, points)) => points.push((x, y)),
                None => lines.push((name, vec![(x, y)])),
            }
        }
        lines.retain(|(_, points)| points.len() > 1);
        lines
    }
}

fn server(row: &Value) -> Name {
    let text = row["server"].as_str().unwrap_or_default();
    let place = match text {
        // Tables of Waypost alone.
        "Waypost" | "plain" => Some(1),
        "TLS" => Some(2),
        text => SERVERS.iter().position(|server| *server == text),
    };
    Name {
        text: text.to_owned(),
        colour: place.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn charts_are_of_what_was_measured() {
        let row = |sessions: u64, server: &str, delivered: f64| {
            json!({"table": "sizes", "size": 10_000, "sessions": sessions, "server": server,
                   "delivered": delivered, "cpu": 0.0})
        };
        let results = [
            row(50, "Postfix", 300.0),
            row(50, "Exim", 100.0),
            row(200, "Postfix", 310.0),
            json!({"table": "recipients", "recipients": 1, "server": "Postfix", "delivered": 5.0}),
            json!({"table": "recipients", "recipients": 10, "server": "Postfix", "delivered": 3.0}),
        ];
        let charts = all(&results);
        let names: Vec<_> = charts.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["delivered", "sessions", "recipients"]);
        assert!(charts[0].1.contains(">Exim<"), "{}", charts[0].1);
        // One point is no line.
        assert!(!charts[1].1.contains(">Exim<"), "{}", charts[1].1);
        // Thirty recipients in a second, not three.
        assert!(charts[2].1.contains(">20<"), "{}", charts[2].1);
    }
}
