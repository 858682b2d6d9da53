//! What is where in `data_dir`.

use std::path::{Path, PathBuf};

/// The directory's file.
pub(crate) fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("directory.sqlite")
}

/// The spool's directory.
pub(crate) fn spool(data_dir: &Path) -> PathBuf {
    data_dir.join("spool")
}

/// The site's own mailbox.
pub(crate) fn postmaster(data_dir: &Path) -> PathBuf {
    data_dir.join("postmaster")
}

/// What the MAC of trace fields is keyed with.
pub(crate) fn site_key(data_dir: &Path) -> PathBuf {
    data_dir.join("site.key")
}

/// What a backup holds besides directory and spool: the names above, and the certificate that
/// this server made for itself.
pub(crate) const BESIDES: [&str; 4] = ["site.key", "tls.crt", "tls.key", "postmaster"];
