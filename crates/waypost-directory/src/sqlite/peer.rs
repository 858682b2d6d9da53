//! Table `peer`, beside the row in `target` that holds the rest of each peer.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::mail::Domain;

use super::{Identity, identity, rows, run, target};
use crate::model::{Kind, Minger, PeerRecord, Stored, TargetRecord};
use crate::secret::Secret;

const IDENTITY: &str = "
    SELECT t.id, t.revision FROM target t JOIN peer p ON p.target_id = t.id WHERE t.name = ?1";
const ALL: &str = "
    SELECT target_id, minger_port, minger_secret, minger_accept, minger_domains FROM peer";
const PUT: &str = "
    INSERT INTO peer (target_id, minger_port, minger_secret, minger_accept, minger_domains)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (target_id) DO UPDATE SET minger_port = excluded.minger_port,
        minger_secret = excluded.minger_secret, minger_accept = excluded.minger_accept,
        minger_domains = excluded.minger_domains";
const DELETE: &str = "DELETE FROM peer WHERE target_id = ?1";
const OTHER_WITH_ACCEPT: &str = "
    SELECT t.name FROM peer p JOIN target t ON t.id = p.target_id
    WHERE p.minger_accept = ?1 AND p.target_id <> ?2 LIMIT 1";
const SHARED_DOMAIN: &str = "
    SELECT d.name FROM domain_peer s JOIN domain d ON d.id = s.domain_id
    WHERE s.target_id = ?1 LIMIT 1";

pub(crate) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [name])
}

/// What the target has as a peer; none: it is none, or what it has cannot be read.
pub(crate) fn minger(connection: &Connection, id: u32) -> rusqlite::Result<Option<Minger>> {
    let sql = format!("{ALL} WHERE target_id = ?1");
    let found = rows(
        &mut connection.prepare_cached(&sql)?,
        Kind::Peer,
        [id],
        of_row,
    )?;
    Ok(found.into_iter().next())
}

/// What all peers have, by the number of their target; one that cannot be read is left out.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<HashMap<u32, Minger>> {
    let found = rows(
        &mut connection.prepare_cached(ALL)?,
        Kind::Peer,
        [],
        |row| Ok((row.get(0)?, of_row(row)?)),
    )?;
    Ok(found.into_iter().collect())
}

pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<Stored<PeerRecord>>> {
    let Some(minger) = minger(connection, id)? else {
        return Ok(None);
    };
    let target = target::read(connection, id)?;
    Ok(target.map(|(stored, _)| peer(stored, minger)))
}

/// Peers in the order of their numbers.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<PeerRecord>>> {
    let mut peers = Vec::new();
    for stored in target::list_of(connection, Kind::Peer, after, limit)? {
        if let Some(minger) = minger(connection, stored.id)? {
            peers.push(peer(stored, minger));
        }
    }
    Ok(peers)
}

pub(crate) fn add(connection: &Connection, record: &PeerRecord) -> rusqlite::Result<u32> {
    let id = target::add(connection, &record.target)?;
    run(connection, PUT, row(id, record))?;
    Ok(id)
}

/// Makes the target with this number the peer that the record says, if it was none before too.
pub(crate) fn set(connection: &Connection, id: u32, record: &PeerRecord) -> rusqlite::Result<()> {
    target::set(connection, id, &record.target)?;
    run(connection, PUT, row(id, record))?;
    Ok(())
}

/// Makes a plain target of it.
pub(crate) fn demote(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    demote(connection, id)?;
    target::remove(connection, id)
}

/// Another peer that has the same secret towards us.
pub(crate) fn other_with_accept(
    connection: &Connection,
    id: u32,
    accept: &Secret,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(OTHER_WITH_ACCEPT)?
        .query_row(params![accept.expose(), id], |row| row.get(0))
        .optional()
}

/// A domain that is shared with the peer.
pub(crate) fn shared_domain(connection: &Connection, id: u32) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(SHARED_DOMAIN)?
        .query_row([id], |row| row.get(0))
        .optional()
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Minger> {
    Ok(Minger {
        port: row.get(1)?,
        secret: Secret::new(row.get::<_, String>(2)?),
        accept: Secret::new(row.get::<_, String>(3)?),
        domains: domains(row)?,
    })
}

fn peer(stored: Stored<TargetRecord>, minger: Minger) -> Stored<PeerRecord> {
    Stored {
        id: stored.id,
        revision: stored.revision,
        origin: stored.origin,
        external_id: stored.external_id,
        record: PeerRecord {
            target: stored.record,
            minger_port: minger.port,
            minger_secret: minger.secret,
            minger_accept: minger.accept,
            minger_domains: minger.domains,
        },
    }
}

fn row(id: u32, record: &PeerRecord) -> impl rusqlite::Params {
    (
        id,
        record.minger_port,
        record.minger_secret.expose().to_owned(),
        record.minger_accept.expose().to_owned(),
        words(&record.minger_domains),
    )
}

fn words(domains: &[Domain]) -> String {
    let names: Vec<&str> = domains.iter().map(Domain::as_str).collect();
    names.join(" ")
}

fn domains(row: &Row<'_>) -> rusqlite::Result<Vec<Domain>> {
    let words: String = row.get(4)?;
    let domains = words.split_whitespace().map(Domain::parse);
    domains
        .collect::<Result<_, _>>()
        .map_err(|error| super::damage(4, error))
}
