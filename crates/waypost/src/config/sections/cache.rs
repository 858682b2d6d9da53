//! `[cache]`

use std::time::Duration;

use crate::config::raw::{Reader, fixed, live};

/// How long another server's answer about an address is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cache {
    /// A yes.
    pub(crate) positive: Duration,
    /// A yes older than this is asked again in the background.
    pub(crate) refresh: Duration,
    /// A no.
    pub(crate) negative: Duration,
    /// Most answers kept.
    pub(crate) entries: u32,
    /// The longest that an answer is waited for.
    pub(crate) wait: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Cache {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut cache = reader.section(
            "cache",
            "What other servers answered about addresses, and how long that is believed. Errors \
             are never kept.",
        );
        Self {
            positive: cache.within(
                live("positive", "How long a yes holds."),
                5 * DAY,
                Duration::ZERO..=30 * DAY,
            ),
            refresh: cache.within(
                live(
                    "refresh",
                    "A yes older than this is asked again in the background when it is used.",
                ),
                Duration::from_secs(60),
                Duration::ZERO..=30 * DAY,
            ),
            negative: cache.within(
                live("negative", "How long a no holds. 0s: not at all."),
                Duration::from_secs(60),
                Duration::ZERO..=DAY,
            ),
            entries: cache.within(
                fixed("entries", "Most answers kept; the least used give way."),
                1_000_000,
                1_000..=100_000_000,
            ),
            wait: cache.within(
                live(
                    "wait",
                    "How long a client waits while another server is asked about its recipient.",
                ),
                Duration::from_secs(20),
                Duration::from_secs(1)..=Duration::from_secs(240),
            ),
        }
    }
}
