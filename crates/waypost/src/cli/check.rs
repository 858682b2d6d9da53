//! `waypost check`

use clap::Args;
use serde_json::{Map, Value, json};

use super::{Common, Failure};
use crate::config::{self, Loaded};

/// Check the configuration file; name every mistake with file, line, key and mend.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print every key with the value that holds; secrets as ***.
    #[arg(long)]
    effective: bool,
}

impl Check {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let loaded = config::load(&common.config).map_err(anyhow::Error::from)?;
        let output = common.output();
        if self.effective {
            return Ok(output.result(&as_json(&loaded), |_| as_toml(&loaded))?);
        }
        let file = common.config.display().to_string();
        let warnings = loaded.warnings();
        let result = json!({ "file": file, "ok": true, "warnings": warnings });
        Ok(output.result(&result, |_| {
            let mut text: String = warnings
                .iter()
                .map(|warning| format!("{file}: {warning}\n"))
                .collect();
            text += &format!("{file}: ok\n");
            text
        })?)
    }
}

/// Every key under its section, as the file writes it.
fn as_toml(loaded: &Loaded) -> String {
    let mut text = String::new();
    for heading in &loaded.headings {
        if !heading.name.is_empty() {
            text += &format!("\n[{}]\n", heading.name);
        }
        for setting in loaded.of_section(heading.name) {
            text += &format!("{} = {}\n", setting.name, setting.value);
        }
    }
    text
}

fn as_json(loaded: &Loaded) -> Value {
    let mut all = Map::new();
    for heading in &loaded.headings {
        let keys: Map<String, Value> = loaded
            .of_section(heading.name)
            .map(|setting| (setting.name.to_owned(), config::json_of(&setting.value)))
            .collect();
        if heading.name.is_empty() {
            all.extend(keys);
        } else {
            all.insert(heading.name.to_owned(), Value::Object(keys));
        }
    }
    Value::Object(all)
}
