//! `[log]`

use crate::config::raw::{Reader, fixed, live};

/// How the log on standard error looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    /// Lines or JSON.
    pub(crate) format: LogFormat,
    /// What is logged, as tracing directives.
    pub(crate) filter: String,
}

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Postfix-shaped lines.
    Postfix,
}

impl Log {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut log = reader.section("log", "The log, which goes to standard error.");
        let format = log.choice(
            fixed(
                "format",
                "\"postfix\": lines as Postfix writes them; \"json\": JSON objects.",
            ),
            &[("postfix", LogFormat::Postfix), ("json", LogFormat::Json)],
        );
        let filter = log.checked(
            live(
                "filter",
                "Least level, such as \"info\", or levels per part, such as \
                 \"info,waypost_mta=debug\". RUST_LOG in the environment replaces it.",
            ),
            "info".to_owned(),
            |text| {
                let filter = text.parse::<tracing_subscriber::filter::Targets>();
                filter
                    .map(|_| ())
                    .map_err(|e| format!("write a level such as \"info\": {e}"))
            },
        );
        Self {
            format: format.unwrap_or(LogFormat::Postfix),
            filter,
        }
    }
}
