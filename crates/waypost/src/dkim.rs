//! The keys that sign mail, as files: `data_dir/dkim/DOMAIN/SELECTOR.pem`.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use waypost_mta::dns::{Dns, LookupError};
use waypost_mta::sign::{Signing, SigningKey, SigningKeys};
use waypost_proto::mail::Domain;
use waypost_proto::mail::dkim::{self, Algorithm, Selector};

/// How files of keys end.
const ENDING: &str = "pem";

/// Reads every key; with them, why each of the others cannot be used.
pub(crate) fn load(folder: &Path) -> (SigningKeys, Vec<String>) {
    let (mut keys, mut troubles) = (SigningKeys::new(), Vec::new());
    for (domain, selector, file) in files(folder, &mut troubles) {
        let read = fs::read_to_string(&file).map_err(|error| error.to_string());
        let key = read.and_then(|pem| {
            SigningKey::from_pem(selector, &pem).map_err(|error| error.to_string())
        });
        match key {
            Ok(key) => keys.entry(domain).or_default().push(key),
            Err(error) => troubles.push(format!("{}: {error}", file.display())),
        }
    }
    for keys in keys.values_mut() {
        keys.sort_by(|one, other| one.selector().cmp(other.selector()));
    }
    (keys, troubles)
}

/// Signs with the keys that are there now; says which cannot be used, and goes on without.
pub(crate) fn exchange(folder: &Path, signing: &Signing) {
    let (keys, troubles) = load(folder);
    for trouble in troubles {
        tracing::error!("dkim: {trouble}");
    }
    signing.exchange(keys);
}

/// Every file that is named as a key.
fn files(folder: &Path, troubles: &mut Vec<String>) -> Vec<(Domain, Selector, PathBuf)> {
    let mut found = Vec::new();
    for of_domain in entries(folder, troubles) {
        let name = of_domain.file_name().unwrap_or_default().to_string_lossy();
        let Ok(domain) = Domain::parse(&name) else {
            troubles.push(format!("{}: is not named as a domain", of_domain.display()));
            continue;
        };
        for file in entries(&of_domain, troubles) {
            if file.extension().is_none_or(|ending| ending != ENDING) {
                continue;
            }
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            match Selector::parse(&stem) {
                Ok(selector) => found.push((domain.clone(), selector, file)),
                Err(error) => troubles.push(format!("{}: {error}", file.display())),
            }
        }
    }
    found
}

/// What is in a folder; nothing where it is not there.
fn entries(folder: &Path, troubles: &mut Vec<String>) -> Vec<PathBuf> {
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        other => other.and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<Result<Vec<_>, _>>()
        }),
    };
    read.unwrap_or_else(|error| {
        troubles.push(format!("{}: {error}", folder.display()));
        Vec::new()
    })
}

fn file_of(folder: &Path, domain: &Domain, selector: &Selector) -> PathBuf {
    folder
        .join(domain.as_str())
        .join(format!("{selector}.{ENDING}"))
}

/// Makes a key and its file, which is on disk before this returns; none where one of this name is
/// there already.
pub(crate) fn make(
    folder: &Path,
    domain: &Domain,
    (selector, algorithm): (Selector, Algorithm),
) -> anyhow::Result<Option<SigningKey>> {
    let file = file_of(folder, domain, &selector);
    let parent = folder.join(domain.as_str());
    let mut private = DirBuilder::new();
    private.recursive(true).mode(0o700);
    private
        .create(&parent)
        .with_context(|| format!("cannot make {}", parent.display()))?;
    let (key, pem) = SigningKey::make(selector, algorithm)?;
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&file);
    let written = opened.and_then(|mut opened| {
        opened.write_all(pem.as_bytes())?;
        opened.sync_all()?;
        fs::File::open(&parent)?.sync_all()
    });
    match written {
        Ok(()) => Ok(Some(key)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", file.display())),
    }
}

/// Removes a key's file; false where there is none.
pub(crate) fn remove(folder: &Path, domain: &Domain, selector: &Selector) -> anyhow::Result<bool> {
    let file = file_of(folder, domain, selector);
    match fs::remove_file(&file) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot remove {}", file.display()));
        }
    }
    // Fails while there are other keys, which is right.
    let _ = fs::remove_dir(folder.join(domain.as_str()));
    Ok(true)
}

/// A key as people and programs see it, with what DNS has in its place.
pub(crate) async fn shown(dns: &Dns, domain: &Domain, key: &SigningKey) -> Value {
    let name = key.selector().record_name(domain);
    let (algorithm, public) = (key.algorithm(), key.public());
    let published = match dns.texts(&name).await {
        Ok(texts) => {
            let same = |text: &Vec<u8>| {
                dkim::record_has(&String::from_utf8_lossy(text), algorithm, public)
            };
            if texts.iter().any(same) {
                "yes"
            } else {
                "other"
            }
        }
        Err(LookupError::NoRecords | LookupError::NotFound) => "no",
        Err(LookupError::Failed(_)) => "unknown",
    };
    json!({
        "domain": domain.to_string(),
        "selector": key.selector().to_string(),
        "algorithm": algorithm.word(),
        "record_name": name,
        "record": dkim::record(algorithm, public),
        "published": published,
    })
}

/// What there is to do about a key that [`shown`] shows; none where all is well.
pub(crate) fn advice(key: &Value) -> Option<String> {
    let text = |of: &str| key.get(of).and_then(Value::as_str).unwrap_or_default();
    let (name, record) = (text("record_name"), text("record"));
    match text("published") {
        "yes" => None,
        "other" => Some(format!(
            "DNS has another key at {name}; publish this TXT record there instead: \"{record}\""
        )),
        "no" => Some(format!(
            "DNS has no key at {name}; publish this TXT record there: \"{record}\""
        )),
        _ => Some(format!(
            "no name server says what is at {name}; this TXT record must be there: \"{record}\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_a_private_file_that_is_found_again_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("dkim");
        let domain = Domain::parse("example.com").unwrap();
        let selector = Selector::parse("wp1").unwrap();
        assert!(load(&folder).0.is_empty());
        let of_key = || (selector.clone(), Algorithm::Ed25519);
        let made = make(&folder, &domain, of_key()).unwrap().unwrap();
        let mode = fs::metadata(folder.join("example.com/wp1.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(make(&folder, &domain, of_key()).unwrap().is_none());
        let (keys, troubles) = load(&folder);
        assert_eq!(troubles, Vec::<String>::new());
        assert_eq!(keys[&domain][0].public(), made.public());
        assert!(remove(&folder, &domain, &selector).unwrap());
        assert!(!remove(&folder, &domain, &selector).unwrap());
        assert!(load(&folder).0.is_empty());
    }

    #[test]
    fn files_that_are_no_keys_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let of_domain = dir.path().join("example.com");
        fs::create_dir(&of_domain).unwrap();
        fs::write(of_domain.join("wp1.pem"), "nothing").unwrap();
        fs::write(of_domain.join("NOT.pem"), "nothing").unwrap();
        fs::write(of_domain.join("notes.txt"), "nothing").unwrap();
        let (keys, mut troubles) = load(dir.path());
        troubles.sort();
        assert!(keys.is_empty());
        assert_eq!(troubles.len(), 2);
        assert!(
            troubles[0].contains("NOT.pem: a selector is"),
            "{troubles:?}"
        );
        assert!(
            troubles[1].contains("wp1.pem: holds no private key"),
            "{troubles:?}"
        );
    }
}
