//! An object of whatever kind, by its key.

use rusqlite::Connection;

use super::{Identity, admin, domain, gateway, group, hold, mailbox, peer, target, token, user};
use crate::model::{Key, Kind, LOCAL, Object, Stored};

/// Where the object is: its number, and that of its domain.
pub(crate) fn locate(store: &Connection, key: &Key) -> rusqlite::Result<(Option<Identity>, u32)> {
    let find = match key {
        Key::Admin(login) => return Ok((admin::find(store, login)?, 0)),
        Key::Domain(name) => return Ok((domain::find(store, name)?, 0)),
        Key::Hold(key) => return Ok((hold::find(store, key)?, 0)),
        Key::Gateway(domain) => return Ok((gateway::find(store, domain)?, 0)),
        Key::Peer(name) => return Ok((peer::find(store, name)?, 0)),
        Key::Target(name) => return Ok((target::find_plain(store, name)?, 0)),
        Key::Token(id) => return Ok((token::find(store, id)?, 0)),
        Key::Group(..) => group::find,
        Key::Mailbox(..) => mailbox::find,
        Key::User(..) => user::find,
    };
    let (Key::Group(domain, name) | Key::Mailbox(domain, name) | Key::User(domain, name)) = key
    else {
        return Ok((None, 0));
    };
    match domain::find(store, domain)? {
        Some(domain) => Ok((find(store, domain.id, name)?, domain.id)),
        None => Ok((None, 0)),
    }
}

/// The object with a number; none for a target that a domain names by its host only.
pub(crate) fn read(
    store: &Connection,
    kind: Kind,
    found: Identity,
) -> rusqlite::Result<Option<Stored<Object>>> {
    fn of<T>(stored: Stored<T>, object: fn(T) -> Object) -> Stored<Object> {
        Stored {
            id: stored.id,
            revision: stored.revision,
            origin: stored.origin,
            external_id: stored.external_id,
            record: object(stored.record),
        }
    }
    let id = found.id;
    Ok(match kind {
        Kind::Admin => admin::read(store, id)?.map(|s| of(s, Object::Admin)),
        Kind::Domain => domain::read(store, id)?.map(|(s, _)| of(s, Object::Domain)),
        Kind::Gateway => gateway::read(store, id)?.map(|(s, _)| of(s, Object::Gateway)),
        Kind::Group => group::read(store, id)?.map(|s| of(s, Object::Group)),
        Kind::Hold => hold::read(store, id)?.map(|(key, hold)| Stored {
            id,
            revision: found.revision,
            origin: LOCAL.to_owned(),
            external_id: None,
            record: Object::Hold(key, hold),
        }),
        Kind::Mailbox => mailbox::read(store, id)?.map(|s| of(s, Object::Mailbox)),
        Kind::Peer => peer::read(store, id)?.map(|s| of(s, Object::Peer)),
        Kind::Target => target::read(store, id)?
            .and_then(|(s, implicit)| (!implicit).then(|| of(s, Object::Target))),
        Kind::Token => token::read(store, id)?.map(|s| of(s, Object::Token)),
        Kind::User => user::read(store, id)?.map(|s| of(s, Object::User)),
    })
}
