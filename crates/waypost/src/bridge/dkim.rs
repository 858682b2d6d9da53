//! The keys that sign mail: shown with their records, made and removed.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value, json};
use waypost_admin::request::{Cause, DkimRequest, Refused};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_proto::mail::Domain;
use waypost_proto::mail::dkim::{Algorithm, Selector};

use super::Asked;
use crate::{dkim, layout, time};

impl Asked {
    pub(super) async fn dkim(self, request: DkimRequest) -> Result<Value, Refused> {
        match request {
            DkimRequest::Add {
                domain,
                selector,
                algorithm,
            } => {
                let domain = self.signed_domain(&domain)?;
                let selector = selector.unwrap_or_else(|| of_month(SystemClock.wall()));
                let selector = named(&selector)?;
                let algorithm = kind(algorithm.as_deref())?;
                self.make_key(domain, selector, algorithm).await
            }
            DkimRequest::List { domain } => {
                let only = domain.map(|domain| self.signed_domain(&domain));
                let keys = self.keys_of(only.transpose()?.as_ref()).await;
                Ok(json!({ "keys": keys }))
            }
            DkimRequest::Remove { domain, selector } => {
                let domain = self.signed_domain(&domain)?;
                self.remove_key(domain, named(&selector)?).await
            }
        }
    }

    fn keys_folder(&self) -> PathBuf {
        layout::dkim(&self.data_dir)
    }

    /// A name that mail from here can have in From.
    fn signed_domain(&self, name: &str) -> Result<Domain, Refused> {
        let domain = Domain::parse(name).ok();
        let snapshot = self.directory.snapshot();
        let served = domain.filter(|domain| snapshot.domain(domain).is_some());
        served.ok_or_else(|| Refused::missing(format!("{name} is no domain that is served here")))
    }

    async fn make_key(
        self,
        domain: Domain,
        selector: Selector,
        algorithm: Algorithm,
    ) -> Result<Value, Refused> {
        let (folder, dns) = (self.keys_folder(), self.dns.clone());
        let of_key = (selector, algorithm);
        let whose = domain.clone();
        let made = super::blocking(move || {
            dkim::make(&folder, &whose, of_key).map_err(|error| Refused {
                cause: Cause::Exists,
                ..Refused::new(format!("{error:#}"))
            })
        });
        let key = made.await?;
        self.reloader.load_keys();
        tracing::info!(
            "dkim key {} of {domain} made by {}",
            key.selector(),
            self.caller.name
        );
        Ok(dkim::shown(&dns, &domain, &key).await)
    }

    async fn remove_key(self, domain: Domain, selector: Selector) -> Result<Value, Refused> {
        let folder = self.keys_folder();
        let (whose, which) = (domain.clone(), selector.clone());
        let removed = super::blocking(move || {
            dkim::remove(&folder, &whose, &which).map_err(|e| Refused::new(format!("{e:#}")))
        });
        if !removed.await? {
            return Err(Refused::missing(format!("{domain} has no key {selector}")));
        }
        self.reloader.load_keys();
        tracing::info!(
            "dkim key {selector} of {domain} removed by {}",
            self.caller.name
        );
        let mend = format!(
            "leave {} in DNS for a week: mail on its way is signed with it",
            selector.record_name(&domain)
        );
        Ok(json!({ "notes": [mend] }))
    }

    /// The keys of a domain and its aliases, or of all.
    async fn keys_of(&self, only: Option<&Domain>) -> Vec<Value> {
        let snapshot = self.directory.snapshot();
        let main = |name: &Domain| snapshot.domain(name).map(|of| of.domain.name.clone());
        let wanted = only.and_then(main);
        let keys = self.shared.signing().keys();
        let mut of_domains: Vec<_> = keys.iter().collect();
        of_domains.sort_by_key(|(domain, _)| *domain);
        let mut shown = Vec::new();
        for (domain, keys) in of_domains {
            if wanted.is_some() && main(domain) != wanted {
                continue;
            }
            for key in keys {
                shown.push(dkim::shown(&self.dns, domain, key).await);
            }
        }
        shown
    }
}

/// A selector that says when its key was made.
fn of_month(now: SystemTime) -> String {
    let date = time::show(now);
    let digits: String = date.chars().filter(char::is_ascii_digit).take(6).collect();
    format!("wp{digits}")
}

fn named(selector: &str) -> Result<Selector, Refused> {
    let wrong = |error| Refused::new(format!("{selector:?}: {error}"));
    Selector::parse(selector).map_err(wrong)
}

fn kind(word: Option<&str>) -> Result<Algorithm, Refused> {
    let all = [Algorithm::Rsa, Algorithm::Ed25519];
    let Some(word) = word else {
        return Ok(Algorithm::Rsa);
    };
    let found = all.into_iter().find(|algorithm| algorithm.word() == word);
    found.ok_or_else(|| Refused::new(format!("{word:?} is no kind of key; write rsa or ed25519")))
}
