//! What is kept of an authority under `data_dir/acme`: the account, and the certificate with its
//! key in one file, so that the two always belong together.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use instant_acme::AccountCredentials;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use waypost_mta::deliver::trial::{self, Shown};
use waypost_mta::tls;

use crate::config::Acme;
use crate::layout;

/// Files of one server, under `data_dir/acme`.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// The account with the authority that it is an account of.
#[derive(Serialize, Deserialize)]
struct Account {
    directory: String,
    credentials: AccountCredentials,
}

impl Folder {
    /// Makes it, for its owner alone.
    pub(super) fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let folder = layout::acme(data_dir);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    fn account_file(&self) -> PathBuf {
        self.0.join("account.json")
    }

    /// The account with this authority; none: there is none yet.
    pub(super) fn account(&self, directory: &str) -> Option<AccountCredentials> {
        let text = fs::read(self.account_file()).ok()?;
        let kept: Account = serde_json::from_slice(&text).ok()?;
        (kept.directory == directory).then_some(kept.credentials)
    }

    pub(super) fn keep_account(
        &self,
        directory: &str,
        credentials: AccountCredentials,
    ) -> anyhow::Result<()> {
        let directory = directory.to_owned();
        let account = Account {
            directory,
            credentials,
        };
        let text = serde_json::to_string(&account)?;
        Ok(tls::write(&self.account_file(), 0o600, &text)?)
    }

    /// An account that the authority does not know is not used again.
    pub(super) fn forget_account(&self) -> anyhow::Result<()> {
        let file = self.account_file();
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))
    }

    /// Replaces the certificate, if the new one can be used.
    pub(super) fn keep_certificate(
        &self,
        acme: &Acme,
        key: &str,
        chain: &str,
    ) -> anyhow::Result<PathBuf> {
        let file = self.0.join(layout::ACME_CERTIFICATE);
        let fresh = self.0.join("ordered.pem");
        tls::write(&fresh, 0o600, &format!("{}{key}{chain}", origin(acme)))?;
        tls::check(&fresh, &fresh)?;
        fs::rename(&fresh, &file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    /// What the kept certificate says, if it is what the configuration asks for.
    pub(super) fn certificate(&self, acme: &Acme) -> Option<Shown> {
        let file = self.0.join(layout::ACME_CERTIFICATE);
        let text = fs::read(&file).ok()?;
        if !text.starts_with(origin(acme).as_bytes()) || tls::check(&file, &file).is_err() {
            return None;
        }
        let own = CertificateDer::from_pem_slice(&text).ok()?;
        trial::certificate(&own)
    }
}

/// The lines in front of a kept certificate: what was asked of whom.
fn origin(acme: &Acme) -> String {
    let names: Vec<&str> = acme.names.iter().map(|name| name.as_str()).collect();
    format!(
        "Directory: {}\nNames: {}\n\n",
        acme.directory,
        names.join(" ")
    )
}

/// When the certificate is to be replaced. Not before a third of its life, however long
/// `renew_before` is, or every new one were replaced at once.
pub(super) fn due(shown: &Shown, renew_before: Duration, share: f64) -> SystemTime {
    let life = shown.not_after.duration_since(shown.not_before);
    let life = life.unwrap_or_default();
    let earliest = shown.not_before + life / 3;
    let wanted = shown.not_after.checked_sub(renew_before);
    let due = wanted.map_or(earliest, |wanted| wanted.max(earliest));
    // Servers that were set up together do not all come at once.
    due + (life / 50).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn shown(days: u32) -> Shown {
        let not_before = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        Shown {
            subject: String::new(),
            names: Vec::new(),
            issuer: String::new(),
            not_before,
            not_after: not_before + days * DAY,
            pin: String::new(),
        }
    }

    #[test]
    fn a_certificate_is_replaced_in_time_and_never_before_a_third_of_its_life() {
        let day = |days, before: u32, share| {
            let shown = shown(days);
            let due = due(&shown, before * DAY, share);
            let after = due.duration_since(shown.not_before).unwrap();
            after.as_secs_f64() / DAY.as_secs_f64()
        };
        assert_eq!(day(90, 30, 0.0), 60.0);
        assert_eq!(day(90, 30, 0.5), 60.9);
        assert_eq!(day(6, 30, 0.0), 2.0);
        assert_eq!(day(90, 89, 0.0), 30.0);
    }
}
