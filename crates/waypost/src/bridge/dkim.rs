//! The keys that sign mail: shown with their records, made and removed.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value, json};
use waypost_admin::request::{Cause, DkimRequest, Fault, Refused, words};
use waypost_directory::{DeedOf, Words};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_proto::mail::Domain;
use waypost_proto::mail::dkim::{Algorithm, Selector};

use super::Asked;
use super::deed::{Done, fields};
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
        let words = || words::DOMAIN_NOT_SERVED.having("name", name);
        served.ok_or_else(|| Refused::of(words()).because(Cause::Missing))
    }

    async fn make_key(
        self,
        domain: Domain,
        selector: Selector,
        algorithm: Algorithm,
    ) -> Result<Value, Refused> {
        let (folder, dns) = (self.keys_folder(), self.dns.clone());
        let of_key = (selector.clone(), algorithm);
        let whose = domain.clone();
        let made = super::blocking(move || {
            let made = dkim::make(&folder, &whose, of_key);
            made.map_err(|error| Refused::new(format!("{error:#}")))
        });
        let Some(key) = made.await? else {
            let words = words::SIGNING_KEY_EXISTS.having("domain", domain.as_str());
            let words = words.having("selector", selector.as_str());
            return Err(Refused::of(words).because(Cause::Exists));
        };
        self.reloader.load_keys();
        tracing::info!(
            "dkim key {selector} of {domain} made by {}",
            self.caller.name
        );
        let record = selector.record_name(&domain);
        self.keep_key(&domain, json!({}), json!({ "signing_key": record }))
            .await;
        Ok(dkim::shown(&dns, &domain, &key).await)
    }

    async fn remove_key(self, domain: Domain, selector: Selector) -> Result<Value, Refused> {
        let folder = self.keys_folder();
        let (whose, which) = (domain.clone(), selector.clone());
        let removed = super::blocking(move || {
            dkim::remove(&folder, &whose, &which).map_err(|e| Refused::new(format!("{e:#}")))
        });
        if !removed.await? {
            let words = words::SIGNING_KEY_UNKNOWN.having("domain", domain.as_str());
            let words = words.having("selector", selector.as_str());
            return Err(Refused::of(words).because(Cause::Missing));
        }
        self.reloader.load_keys();
        tracing::info!(
            "dkim key {selector} of {domain} removed by {}",
            self.caller.name
        );
        let record = selector.record_name(&domain);
        self.keep_key(&domain, json!({ "signing_key": record }), json!({}))
            .await;
        let mend = format!("leave {record} in DNS for a week: mail on its way is signed with it");
        Ok(json!({ "notes": [mend] }))
    }

    /// In the audit it is a change of the domain, whichever of its names signs.
    async fn keep_key(&self, domain: &Domain, before: Value, after: Value) {
        let main = self.main_name(domain).unwrap_or_else(|| domain.clone());
        let done = Done {
            of: DeedOf::Domain,
            name: main.to_string(),
            before: fields(before),
            after: Some(fields(after)),
            domains: Vec::new(),
        };
        self.keep(done).await;
    }

    fn main_name(&self, name: &Domain) -> Option<Domain> {
        let snapshot = self.directory.snapshot();
        snapshot.domain(name).map(|found| found.domain.name.clone())
    }

    /// The keys of a domain and its aliases, or of all.
    async fn keys_of(&self, only: Option<&Domain>) -> Vec<Value> {
        let wanted = only.and_then(|only| self.main_name(only));
        let keys = self.shared.signing().keys();
        let mut of_domains: Vec<_> = keys.iter().collect();
        of_domains.sort_by_key(|(domain, _)| *domain);
        let mut shown = Vec::new();
        for (domain, keys) in of_domains {
            if wanted.is_some() && self.main_name(domain) != wanted {
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
    let words = || words::SELECTOR_BAD.having("value", selector);
    Selector::parse(selector).map_err(|_| at_field("selector", words()))
}

fn kind(word: Option<&str>) -> Result<Algorithm, Refused> {
    let all = [Algorithm::Rsa, Algorithm::Ed25519];
    let Some(word) = word else {
        return Ok(Algorithm::Rsa);
    };
    let found = all.into_iter().find(|algorithm| algorithm.word() == word);
    let words = || words::ALGORITHM_UNKNOWN.having("value", word);
    found.ok_or_else(|| at_field("algorithm", words()))
}

fn at_field(field: &str, words: Words) -> Refused {
    Refused::unsaved(vec![Fault::new("", field, words)])
}
