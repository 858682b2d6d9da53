//! What the tables say, for programs: a line of JSON for each row, of which the charts are made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

/// Where results are kept.
pub(crate) struct Results {
    file: Option<PathBuf>,
    lines: Vec<Value>,
    /// The tables of this run, so far.
    measured: BTreeSet<String>,
}

impl Results {
    /// In this file, if any, beside what other runs have measured.
    pub(crate) fn new(file: Option<PathBuf>) -> Result<Self> {
        let there = file.as_deref().filter(|path| path.exists());
        Ok(Self {
            lines: there.map_or_else(|| Ok(Vec::new()), read)?,
            file,
            measured: BTreeSet::new(),
        })
    }

    /// Keeps the figures of one server in a row of a table, instead of those of another run.
    pub(crate) fn keep(
        &mut self,
        table: &str,
        place: &[(&str, u64)],
        server: &str,
        figures: &[(&str, f64)],
    ) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        if self.measured.insert(table.to_owned()) {
            self.lines.retain(|line| line["table"] != table);
        }
        let mut line = Map::new();
        line.insert("table".into(), table.into());
        let places = place.iter();
        line.extend(places.map(|(name, value)| ((*name).into(), (*value).into())));
        line.insert("server".into(), server.into());
        let figures = figures.iter();
        line.extend(figures.map(|(name, value)| ((*name).into(), json!(value))));
        self.lines.push(Value::Object(line));
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(file, text).with_context(|| file.display().to_string())
    }
}

/// The lines of a file of results.
pub(crate) fn read(file: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_measured_again_replaces_its_own_rows_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("results");
        for figure in [1.0, 2.0] {
            let mut run = Results::new(Some(file.clone())).unwrap();
            run.keep(
                "sizes",
                &[("size", 10)],
                "Postfix",
                &[("delivered", figure)],
            )
            .unwrap();
            run.keep(
                "sizes",
                &[("size", 20)],
                "Postfix",
                &[("delivered", figure)],
            )
            .unwrap();
        }
        let mut other = Results::new(Some(file.clone())).unwrap();
        other
            .keep("tls", &[], "Exim", &[("cpu", f64::NAN)])
            .unwrap();
        let wanted = [
            json!({"table": "sizes", "size": 10, "server": "Postfix", "delivered": 2.0}),
            json!({"table": "sizes", "size": 20, "server": "Postfix", "delivered": 2.0}),
            json!({"table": "tls", "server": "Exim", "cpu": null}),
        ];
        assert_eq!(read(&file).unwrap(), wanted);
    }
}
