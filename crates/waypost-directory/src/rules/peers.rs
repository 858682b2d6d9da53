//! Rules about peers, Domain Sharing and gateway domains after a batch.

use super::words;
use crate::batch::{Batch, Touched};
use crate::edit::Hindrance;
use crate::model::{
    DomainRecord, GatewayRecord, GatewayVerify, Host, Key, PeerRecord, TargetRecord,
};
use crate::sqlite;

/// Domain Sharing needs peers that can ask back, and names that no gateway domain has.
pub(super) fn sharing(
    batch: &mut Batch<'_>,
    record: &DomainRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::Domain(record.name.clone());
    for name in record.names() {
        if sqlite::gateway::find(store, name)?.is_some() {
            let field = if *name == record.name {
                "name"
            } else {
                "aliases"
            };
            batch
                .report
                .about(touched.edit, &key)
                .add(field, words::NAME_IS_GATEWAY.having("name", name));
        }
    }
    let mut told: Option<Hindrance> = None;
    for (id, peer) in sqlite::domain::sharing(store, touched.id)? {
        let Some(minger) = sqlite::peer::minger(store, id)? else {
            continue;
        };
        let found = batch.minger.hinders(&minger.accept);
        if let Some(hindrance) = found
            && found != told
        {
            let mut about = batch.report.about(touched.edit, &key);
            about.add("sharing", hindrance.of_sharing(&peer));
            told = found;
        }
    }
    Ok(())
}

/// A client that shows a key, or logs in, is one target, not one of several.
fn client(
    batch: &mut Batch<'_>,
    record: &TargetRecord,
    key: &Key,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let login = &record.client_login;
    if let Some(other) = sqlite::target::other_with_client_login(store, touched.id, login)? {
        batch.report.about(touched.edit, key).add(
            "client_login",
            words::CLIENT_LOGIN_TAKEN.having("other", &other),
        );
    }
    let Some(pin) = record.client_pin else {
        return Ok(());
    };
    if let Some(other) = sqlite::target::other_with_client_pin(store, touched.id, pin)? {
        batch.report.about(touched.edit, key).add(
            "client_pin",
            words::CLIENT_PIN_TAKEN.having("other", &other),
        );
    }
    Ok(())
}

/// A peer's own secret is nobody else's, and a shared domain needs one that works.
pub(super) fn peer(
    batch: &mut Batch<'_>,
    record: &PeerRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::Peer(record.target.name.clone());
    client(batch, &record.target, &key, touched)?;
    let accept = &record.minger_accept;
    if !accept.is_empty() {
        let whose = match sqlite::peer::other_with_accept(store, touched.id, accept)? {
            Some(other) => Some(words::ACCEPT_OF_PEER.having("other", &other)),
            None if batch.minger.secrets.contains(accept) => {
                Some(words::ACCEPT_OF_EVERYBODY.into())
            }
            None => None,
        };
        if let Some(words) = whose {
            batch
                .report
                .about(touched.edit, &key)
                .add("minger_accept", words);
        }
    }
    if let Some(domain) = sqlite::peer::shared_domain(store, touched.id)?
        && let Some(hindrance) = batch.minger.hinders(accept)
    {
        batch
            .report
            .about(touched.edit, &key)
            .add("minger_accept", hindrance.of_peer(&domain));
    }
    Ok(())
}

/// A target that was a peer is none for Domain Sharing, and one without a host cannot be asked.
pub(super) fn target(
    batch: &mut Batch<'_>,
    record: &TargetRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::Target(record.name.clone());
    client(batch, record, &key, touched)?;
    if let Some(domain) = sqlite::peer::shared_domain(store, touched.id)? {
        batch
            .report
            .about(touched.edit, &key)
            .add("name", words::TARGET_WAS_PEER.having("domain", &domain));
    }
    if let Host::Mx(_) = record.host
        && let Some(domain) = sqlite::gateway::asks_target(store, touched.id)?
    {
        batch.report.about(touched.edit, &key).add(
            "host",
            words::HOST_ASKED_BY_GATEWAY.having("domain", &domain),
        );
    }
    Ok(())
}

/// A gateway domain is not served here, and who is asked about it is one server.
pub(super) fn gateway(
    batch: &mut Batch<'_>,
    record: &GatewayRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::Gateway(record.domain.clone());
    // No domain has the number 0, so that every one of that name is another one.
    if let Some(served) = sqlite::domain::other_with_name(store, 0, &record.domain)? {
        batch.report.about(touched.edit, &key).add(
            "domain",
            words::GATEWAY_IS_SERVED
                .having("name", &record.domain)
                .having("served", &served),
        );
    }
    if record.verify != GatewayVerify::Minger || record.minger_host.is_some() {
        return Ok(());
    }
    let target = match sqlite::gateway::read(store, touched.id)? {
        Some((_, target)) => sqlite::target::read(store, target),
        None => Ok(None),
    };
    let target = match target {
        Err(error) if sqlite::is_damage(&error) => None,
        other => other?,
    };
    if let Some((stored, _)) = target
        && let Host::Mx(_) = stored.record.host
    {
        batch.report.about(touched.edit, &key).add(
            "minger_host",
            words::MINGER_HOST_MISSING.having("host", &stored.record.host),
        );
    }
    Ok(())
}
