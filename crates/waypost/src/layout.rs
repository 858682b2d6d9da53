//! What is where in `data_dir`.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The directory's file.
pub(crate) fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("directory.sqlite")
}

/// Makes a file that holds secrets, unless it is there, and lets its owner alone read it, also in a
/// `data_dir` that somebody made for all to read. SQLite gives the files beside it the same mode.
pub(crate) fn keep_private(file: &Path) -> anyhow::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .and_then(|opened| opened.set_permissions(Permissions::from_mode(0o600)))
        .with_context(|| format!("cannot make {} private", file.display()))
}

/// What other servers said of addresses. Not part of a backup: it is asked again.
pub(crate) fn answers(data_dir: &Path) -> PathBuf {
    data_dir.join("answers.sqlite")
}

/// MTA-STS policies of other domains. Not part of a backup: they are fetched again.
pub(crate) fn policies(data_dir: &Path) -> PathBuf {
    data_dir.join("mta-sts")
}

/// What happened to mail, and statistics. Not part of a backup: it is about this server's days.
pub(crate) fn history(data_dir: &Path) -> PathBuf {
    data_dir.join("history.sqlite")
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

/// The keys that sign mail.
pub(crate) fn dkim(data_dir: &Path) -> PathBuf {
    data_dir.join("dkim")
}

/// The account with an authority, and the certificate that it gave.
pub(crate) fn acme(data_dir: &Path) -> PathBuf {
    data_dir.join("acme")
}

/// In that folder: the certificate with its chain and its key.
pub(crate) const ACME_CERTIFICATE: &str = "certificate.pem";

/// What a backup holds besides directory and spool: the names above, and the certificate that
/// this server made for itself.
pub(crate) const BESIDES: [&str; 6] = [
    "acme",
    "dkim",
    "site.key",
    "tls.crt",
    "tls.key",
    "postmaster",
];
