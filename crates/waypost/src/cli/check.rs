//! `waypost check`

use clap::Args;
use serde_json::{Map, Value, json};

use super::{Common, Failure};
use crate::config::{self, Loaded};
use crate::{dkim, layout, server};

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
        let mut warnings = loaded.warnings();
        warnings.extend(keys(&loaded)?);
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

/// What there is to do about the keys that sign mail: those that cannot be read, and records that
/// are not in DNS.
fn keys(loaded: &Loaded) -> anyhow::Result<Vec<String>> {
    let folder = layout::dkim(&loaded.config.top.data_dir);
    let (keys, troubles) = dkim::load(&folder);
    let mut warnings: Vec<String> = troubles
        .into_iter()
        .map(|trouble| format!("dkim: {trouble}"))
        .collect();
    if keys.is_empty() {
        return Ok(warnings);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let dns = server::dns(&loaded.config)?;
        let mut of_domains: Vec<_> = keys.iter().collect();
        of_domains.sort_by_key(|(domain, _)| *domain);
        for (domain, keys) in of_domains {
            for key in keys {
                let shown = dkim::shown(&dns, domain, key).await;
                warnings.extend(dkim::advice(&shown).map(|advice| format!("dkim: {advice}")));
            }
        }
        Ok(warnings)
    })
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
