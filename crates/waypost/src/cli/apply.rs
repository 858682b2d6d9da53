//! `waypost apply`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use waypost_admin::request::{Apply as ApplyRequest, Request};

use super::object::cell;
use super::{Common, Failure, client};

/// Make the directory what the site file says.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The site file; "-" reads standard input.
    #[arg(value_name = "SITE.toml")]
    file: PathBuf,
    /// Print what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove what the site file does not name.
    #[arg(long)]
    prune: bool,
    /// Ask no peers about new addresses of shared domains; the audit keeps that.
    #[arg(long)]
    force: bool,
}

impl Apply {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let text = read(&self.file)?;
        let request = Request::Apply(ApplyRequest {
            file: self.file.display().to_string(),
            text,
            dry_run: self.dry_run,
            prune: self.prune,
            force: self.force,
        });
        let result = client::call(common, &request)?;
        Ok(common.output().result(&result, text_of)?)
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The plan line by line, then a sum.
fn text_of(result: &Value) -> String {
    let lines = result.get("plan").and_then(Value::as_array);
    let mut text = String::new();
    for line in lines.into_iter().flatten() {
        text += &cell(Some(line));
        text.push('\n');
    }
    text + &cell(result.get("summary"))
}
