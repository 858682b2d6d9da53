//! What a backup is made of.

/// The file that a backup gets last: without it, it is not whole.
pub(crate) const MARK: &str = "waypost-backup";
