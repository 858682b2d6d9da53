//! What the tables say, for programs: a line of JSON for each row, of which the charts are made.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

/// Where results are kept.
pub(crate) struct Results(Option<File>);

impl Results {
    /// In this file, if any, from its beginning.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| File::create(path).with_context(|| path.display().to_string());
        Ok(Self(file.map(open).transpose()?))
    }

    /// Keeps the figures of one server in a row of a table.
    pub(crate) fn keep(
        &mut self,
        table: &str,
        place: &[(&str, u64)],
        server: &str,
        figures: &[(&str, f64)],
    ) -> Result<()> {
        let Some(file) = &mut self.0 else {
            return Ok(());
        };
        let mut line = Map::new();
        line.insert("table".into(), table.into());
        line.extend(
            place
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into())),
        );
        line.insert("server".into(), server.into());
        line.extend(
            figures
                .iter()
                .map(|(name, value)| ((*name).into(), json!(value))),
        );
        writeln!(file, "{}", Value::Object(line))?;
        Ok(())
    }
}

/// The lines of a file of results.
pub(crate) fn read(file: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}
