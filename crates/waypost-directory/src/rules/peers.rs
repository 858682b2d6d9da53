//! Rules about peers, Domain Sharing and gateway domains after a batch.

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
            batch.report.about(touched.edit, &key).add(
                field,
                format!("{name} is a gateway domain, which lives on another server"),
                "remove the gateway domain first, or leave the name out here",
            );
        }
    }
    let mut told: Option<Hindrance> = None;
    for (id, peer) in sqlite::domain::sharing(store, touched.id)? {
        let Some(minger) = sqlite::peer::minger(store, id)? else {
            continue;
        };
        let found = batch.minger.hinders(&minger.accept);
        if let Some(Hindrance { why, mend }) = found
            && found != told
        {
            let message = format!("the peer {peer} could not ask back: {why}");
            let mut about = batch.report.about(touched.edit, &key);
            about.add("sharing", message, mend);
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
            format!("{other} logs in with the same name"),
            "give each server a name of its own, or remove it there first",
        );
    }
    let Some(pin) = record.client_pin else {
        return Ok(());
    };
    if let Some(other) = sqlite::target::other_with_client_pin(store, touched.id, pin)? {
        batch.report.about(touched.edit, key).add(
            "client_pin",
            format!("{other} is known by the same key"),
            "give each server a certificate with a key of its own, or remove it there first",
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
            Some(other) => Some(format!("the peer {other} has the same")),
            None if batch.minger.secrets.contains(accept) => {
                Some("it is one of minger.secrets, which everybody may use".to_owned())
            }
            None => None,
        };
        if let Some(message) = whose {
            batch.report.about(touched.edit, &key).add(
                "minger_accept",
                message,
                "give each peer a secret of its own, or leave it empty",
            );
        }
    }
    if let Some(domain) = sqlite::peer::shared_domain(store, touched.id)?
        && let Some(Hindrance { why, mend }) = batch.minger.hinders(accept)
    {
        batch.report.about(touched.edit, &key).add(
            "minger_accept",
            format!("{domain} is shared with it, and it could not ask back: {why}"),
            mend,
        );
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
        batch.report.about(touched.edit, &key).add(
            "name",
            format!("it is a peer that {domain} is shared with, and would be none any more"),
            "take it out of the domain's sharing first",
        );
    }
    if let Host::Mx(_) = record.host
        && let Some(domain) = sqlite::gateway::asks_target(store, touched.id)?
    {
        batch.report.about(touched.edit, &key).add(
            "host",
            format!("the gateway domain {domain} asks it over Minger, and MX may be several hosts"),
            "give the gateway domain a minger_host first",
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
            format!("{} is a name of the served domain {served}", record.domain),
            "a domain is either served here or a gateway domain: remove it there first",
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
            format!("is missing, and the target is at {}", stored.record.host),
            "name the one server that answers Minger",
        );
    }
    Ok(())
}
