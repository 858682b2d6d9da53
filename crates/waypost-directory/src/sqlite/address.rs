//! Table `address`: whose an address is.

use rusqlite::{Connection, OptionalExtension, params};
use waypost_proto::mail::{Domain, Mailbox};

use super::{local_part, parsed, run};
use crate::lookup::Scope;
use crate::model::{Address, Kind, Names};

const OF_OWNER: &str = "
    SELECT a.local, n.name, a.selected
    FROM address a LEFT JOIN domain_name n ON n.id = a.name_id
    WHERE a.owner_kind = ?1 AND a.owner_id = ?2 ORDER BY a.position";
const SCOPES_OF_OWNER: &str = "
    SELECT domain_id, name_id, local, selected FROM address
    WHERE owner_kind = ?1 AND owner_id = ?2 ORDER BY position";
const DELETE: &str = "DELETE FROM address WHERE owner_kind = ?1 AND owner_id = ?2";
const INSERT: &str = "
    INSERT INTO address (owner_kind, owner_id, position, domain_id, name_id, local, selected)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const OTHERS: &str = "
    SELECT owner_kind, owner_id, name_id FROM address
    WHERE domain_id = ?1 AND local = ?2 AND NOT (owner_kind = ?3 AND owner_id = ?4)";
const OWNER_OF: &str = "
    SELECT a.owner_kind, a.owner_id
    FROM domain_name n JOIN address a ON a.domain_id = n.domain_id
    WHERE n.name = ?1 AND a.local = ?2 AND (a.name_id = n.id OR a.name_id IS NULL)
    ORDER BY a.name_id IS NULL LIMIT 1";

/// Whose an address is: kind and number.
pub(crate) type Owned = (Kind, u32);

/// An address as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddressRow {
    pub(crate) scope: Scope,
    pub(crate) local: String,
    pub(crate) selected: bool,
}

/// The addresses of an object, the default first; with each, whether it is selected.
pub(crate) fn of_owner(
    connection: &Connection,
    (kind, id): Owned,
) -> rusqlite::Result<Vec<(Address, bool)>> {
    connection
        .prepare_cached(OF_OWNER)?
        .query_map(params![kind.as_str(), id], |row| {
            let local = parsed(row, 0, local_part)?;
            let names = match row.get_ref(1)? {
                rusqlite::types::ValueRef::Null => Names::All,
                _ => Names::One(parsed(row, 1, Domain::parse)?),
            };
            let address =
                Address::new(&local, names).map_err(|_| rusqlite::Error::QueryReturnedNoRows)?;
            Ok((address, row.get(2)?))
        })?
        .collect()
}

/// The same without names: what the snapshot needs.
pub(crate) fn rows_of_owner(
    connection: &Connection,
    (kind, id): Owned,
) -> rusqlite::Result<Vec<AddressRow>> {
    connection
        .prepare_cached(SCOPES_OF_OWNER)?
        .query_map(params![kind.as_str(), id], |row| {
            Ok(AddressRow {
                scope: scope(row.get(0)?, row.get(1)?),
                local: row.get(2)?,
                selected: row.get(3)?,
            })
        })?
        .collect()
}

/// The scope of an address row.
pub(crate) fn scope(domain_id: u32, name_id: Option<u32>) -> Scope {
    name_id.map_or_else(|| Scope::all(domain_id), Scope::one)
}

/// Removes the addresses of an object.
pub(crate) fn remove(connection: &Connection, (kind, id): Owned) -> rusqlite::Result<()> {
    run(connection, DELETE, params![kind.as_str(), id])?;
    Ok(())
}

/// Adds the addresses of an object that has none.
pub(crate) fn add(
    connection: &Connection,
    (kind, id): Owned,
    domain_id: u32,
    addresses: &[(Option<u32>, &Address, bool)],
) -> rusqlite::Result<()> {
    for (position, (name_id, address, selected)) in addresses.iter().enumerate() {
        let local = address.local().as_str();
        let row = params![
            kind.as_str(),
            id,
            position,
            domain_id,
            name_id,
            local,
            selected
        ];
        run(connection, INSERT, row)?;
    }
    Ok(())
}

/// Who else has an address that this one would collide with.
pub(crate) fn conflict(
    connection: &Connection,
    owner: Owned,
    domain_id: u32,
    address: (Option<u32>, &Address),
) -> rusqlite::Result<Option<(Owned, Option<u32>)>> {
    let (name_id, address) = address;
    let mut statement = connection.prepare_cached(OTHERS)?;
    let mut rows = statement.query(params![
        domain_id,
        address.local().as_str(),
        owner.0.as_str(),
        owner.1
    ])?;
    while let Some(row) = rows.next()? {
        let other: Option<u32> = row.get(2)?;
        if name_id.is_none() || other.is_none() || name_id == other {
            return Ok(Some((
                (kind(row.get_ref(0)?.as_str()?), row.get(1)?),
                other,
            )));
        }
    }
    Ok(None)
}

/// Whose the address is, as the snapshot would find it.
pub(crate) fn owner_of(
    connection: &Connection,
    mailbox: &Mailbox,
) -> rusqlite::Result<Option<Owned>> {
    connection
        .prepare_cached(OWNER_OF)?
        .query_row(
            params![mailbox.domain.as_str(), mailbox.local.folded()],
            |row| Ok((kind(row.get_ref(0)?.as_str()?), row.get(1)?)),
        )
        .optional()
}

fn kind(word: &str) -> Kind {
    match word {
        "group" => Kind::Group,
        "mailbox" => Kind::Mailbox,
        _ => Kind::User,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::directory::lock;
    use crate::tests::Fixture;

    #[test]
    fn a_statement_of_an_edit_is_planned_once() {
        let fixture = Fixture::split();
        let writer = lock(&fixture.directory.writer);
        for id in 1..4 {
            rows_of_owner(&writer, (Kind::User, id)).unwrap();
        }
        let statement = writer.prepare_cached(SCOPES_OF_OWNER).unwrap();
        assert!(statement.get_status(StatementStatus::Run) > 3);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
