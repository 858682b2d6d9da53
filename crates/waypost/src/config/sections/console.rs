//! `[console]`

use std::time::Duration;

use crate::config::raw::{Reader, fixed};

/// What an administrator sees of the server while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Console {
    /// How long it is kept what happened to mail; zero: not at all.
    pub(crate) history: Duration,
    /// HTTPS on loopback addresses too.
    pub(crate) loopback_https: bool,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Console {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut console = reader.section(
            "console",
            "What administrators see of the server: the console, and `waypost trace`.",
        );
        Self {
            history: console.within(
                fixed(
                    "history",
                    "How long it is kept what happened to each message and each refused \
                     recipient, for `waypost trace`; in history.sqlite under data_dir, about 1 GB \
                     for two million messages. \"0\": not at all.",
                ),
                30 * DAY,
                Duration::ZERO..=3_650 * DAY,
            ),
            loopback_https: console.get(
                fixed(
                    "loopback_https",
                    "HTTPS on a loopback address too, where others reach it through something \
                     that does not encrypt, such as a forwarded port.",
                ),
                false,
            ),
        }
    }
}
