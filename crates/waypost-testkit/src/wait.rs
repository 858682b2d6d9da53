//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How long a test waits for an event that should come at once.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a state that nobody announces.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Looks until `look` finds something, for at most [`PATIENCE`].
///
/// # Errors
///
/// Says what was waited for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> Result<T> {
    until_within(PATIENCE, what, look)
}

/// Looks until `look` finds something, for at most `patience`.
///
/// # Errors
///
/// Says what was waited for.
pub fn until_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T> {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        anyhow::ensure!(
            Instant::now() < end,
            "waited {patience:?} in vain for {what}"
        );
        std::thread::park_timeout(LOOK_AGAIN);
    }
}
