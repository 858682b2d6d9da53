//! Secrets: written themselves, or as `file:PATH` or `env:NAME`; never shown again.

use waypost_directory::Secret;

/// How a secret is written.
pub(crate) const MEND: &str = "write the secret, \"file:/PATH\" or \"env:NAME\"";

/// Reads what was written; the error says what was found, without the secret.
pub(crate) fn read(written: &str) -> Result<Secret, String> {
    let secret = if let Some(path) = written.strip_prefix("file:") {
        let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {path}: {e}"))?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    } else if let Some(name) = written.strip_prefix("env:") {
        std::env::var(name).map_err(|_| format!("{name} is not set in the environment"))?
    } else {
        written.to_owned()
    };
    if secret.is_empty() {
        return Err("found an empty secret".to_owned());
    }
    Ok(Secret::new(secret))
}
