//! File descriptors: as many as the system gives, and some kept from clients for what was accepted.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For deliveries, the stores, the control socket and the console; half of them where there are
/// fewer than twice as many.
const KEPT: u64 = 512;
/// What a session takes at most: its connection, and the file of large content.
const EACH_SESSION: u64 = 2;

/// Takes as many as the system allows.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::warn!("the limit of open files stays {:?}: {error}", limit.current);
    }
}

/// Connections that sessions may have: as configured, unless descriptors are fewer.
pub(crate) fn for_sessions(configured: usize) -> usize {
    fitting(getrlimit(Resource::Nofile).current, configured)
}

fn fitting(most: Option<u64>, configured: usize) -> usize {
    let Some(most) = most else {
        return configured;
    };
    let sessions = (most - KEPT.min(most / 2)) / EACH_SESSION;
    configured.min(usize::try_from(sessions).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_for_what_was_accepted() {
        assert_eq!(fitting(None, 10_000), 10_000);
        assert_eq!(fitting(Some(65_536), 10_000), 10_000);
        assert_eq!(fitting(Some(1_024), 10_000), 256);
        assert_eq!(fitting(Some(300), 10_000), 75);
        assert_eq!(fitting(Some(300), 10), 10);
    }
}
