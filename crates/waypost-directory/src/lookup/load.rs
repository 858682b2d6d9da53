//! From the store to a snapshot: the whole of it, or what a batch has written.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use waypost_proto::mail::Domain;
use waypost_proto::route::{TargetId, UserId};

use super::index::{Index, IndexWriter, Owner, Scope, UserEntry};
use super::overlay::{Overlay, OverlayUser};
use super::route::{DomainRoute, GatewayMinger, GatewayRoute, Group, Shared, Target};
use super::snapshot::{NameEntry, Snapshot, Tables};
use crate::batch::Touched;
use crate::model::{
    DomainId, DomainRecord, GatewayId, GroupId, GroupRecord, Kind, MailType, Minger, SharedId,
    SharedRecord, Stored, TargetRecord,
};
use crate::sqlite::address::{AddressRow, scope};
use crate::sqlite::{self, audit, readable, word};

/// Most changes above the index: it takes over what is more.
const MAX_OVERLAY: usize = 8192;
/// The same within one batch that has many: each time, many shards are written.
const MAX_IN_BATCH: usize = if cfg!(test) { 64 } else { 16 * MAX_OVERLAY };
/// Objects read at a time.
const PAGE: usize = 1000;

const USERS: &str = "
    SELECT id, domain_id, login, mail, suspended, target_id, quota_bytes FROM user";
const ADDRESSES: &str = "
    SELECT owner_id, domain_id, name_id, local, selected FROM address
    WHERE owner_kind = ?1 ORDER BY owner_id, position";
const DEFAULTS: &str = "
    SELECT owner_id, domain_id, name_id, local, selected FROM address
    WHERE owner_kind = ?1 AND position = 0 ORDER BY owner_id, position";

/// Everything, read by two connections side by side.
pub(crate) fn all(store: &Connection, beside: &mut Connection) -> rusqlite::Result<Snapshot> {
    let moment = store.unchecked_transaction()?;
    let change = audit::last(&moment)?;
    let targets = targets(&moment)?;
    let tables = Tables {
        gateways: Arc::new(gateways(&moment, &targets)?),
        targets: Arc::new(targets),
        holds: Arc::new(sqlite::hold::list(&moment)?.into_iter().collect()),
        past_holds: Arc::new(sqlite::hold::past(&moment)?),
        ..tables(&moment)?
    };
    Ok(Snapshot {
        change,
        tables,
        index: Arc::new(index(&moment, beside, change)?),
        overlay: Arc::default(),
    })
}

/// Users by one connection and addresses by the other, unless they do not see the same.
fn index(store: &Connection, beside: &mut Connection, change: u64) -> rusqlite::Result<Index> {
    std::thread::scope(|threads| {
        let other = threads.spawn(move || {
            let moment = beside.transaction()?;
            let is_same = audit::last(&moment)? == change;
            is_same.then(|| addresses(&moment)).transpose()
        });
        let users = users(store)?;
        let addresses = match other.join() {
            Ok(Ok(Some(addresses))) => addresses,
            Ok(Err(error)) => return Err(error),
            // What a panic has cut short is done here, where it ends the start.
            Ok(Ok(None)) | Err(_) => addresses(store)?,
        };
        Ok(users.with_addresses(addresses))
    })
}

/// What comes after a batch: the old snapshot with what the batch has written.
pub(crate) fn next(
    store: &Connection,
    old: &Snapshot,
    touched: &[Touched],
) -> rusqlite::Result<Snapshot> {
    let change = audit::last(store)?;
    let mut tables = old.tables.clone();
    let mut above = Above {
        index: Arc::clone(&old.index),
        overlay: Overlay::clone(&old.overlay),
    };
    for object in touched {
        let addresses = match object.kind {
            Kind::Group | Kind::Mailbox | Kind::User => {
                sqlite::address::rows_of_owner(store, (object.kind, object.id))?
            }
            _ => Vec::new(),
        };
        match object.kind {
            Kind::Domain => replace_domain(store, &mut tables, object.id)?,
            Kind::Group => replace_group(store, &mut tables, object.id)?,
            Kind::Mailbox => replace_shared(store, &mut tables, object.id)?,
            Kind::Admin | Kind::Gateway | Kind::Hold | Kind::Peer | Kind::Target | Kind::Token => {}
            Kind::User => {
                let user = overlay_user(store, object.id, addresses.first())?;
                above.overlay.set_user(object.id, user);
            }
        }
        replace_addresses(&mut above, object, addresses);
        above.fold(MAX_IN_BATCH);
    }
    above.fold(MAX_OVERLAY);
    if touched.iter().any(|t| t.kind == Kind::Domain) {
        requota(store, &mut tables)?;
    }
    if touched.iter().any(|t| {
        matches!(
            t.kind,
            Kind::Domain | Kind::Gateway | Kind::Peer | Kind::Target
        )
    }) {
        let targets = targets(store)?;
        tables.gateways = Arc::new(gateways(store, &targets)?);
        tables.targets = Arc::new(targets);
    }
    if touched.iter().any(|t| t.removed || t.kind == Kind::Hold) {
        tables.holds = Arc::new(sqlite::hold::list(store)?.into_iter().collect());
        tables.past_holds = Arc::new(sqlite::hold::past(store)?);
    }
    Ok(Snapshot {
        change,
        tables,
        index: above.index,
        overlay: Arc::new(above.overlay),
    })
}

/// An index, and what is not in it yet.
struct Above {
    index: Arc<Index>,
    overlay: Overlay,
}

impl Above {
    /// Lets the index take over what is above it when that is more than so much.
    fn fold(&mut self, most: usize) {
        if self.overlay.len() > most {
            let overlay = std::mem::take(&mut self.overlay);
            // Copied once, with all shards that the snapshot before has too; then it is our own.
            Arc::make_mut(&mut self.index).fold(&overlay);
        }
    }

    /// Whose an address is now.
    fn owner(&self, scope: Scope, local: &str) -> Option<Owner> {
        let found = self.overlay.find(scope, local);
        let found = found.unwrap_or_else(|| self.index.find(scope, local));
        found.map(|(owner, _)| owner)
    }
}

/// Whose addresses are whose.
fn addresses(store: &Connection) -> rusqlite::Result<Index> {
    let mut writer = IndexWriter::default();
    for (kind, owner) in [
        (Kind::Group, Owner::Group as fn(u32) -> Owner),
        (Kind::Mailbox, Owner::Shared),
        (Kind::User, Owner::User),
    ] {
        let mut statement = store.prepare_cached(ADDRESSES)?;
        let mut rows = statement.query([kind.as_str()])?;
        while let Some(row) = rows.next()? {
            if let Some(address) = readable(kind, row, AddressOf::read(row))? {
                let owner = owner(address.owner_id);
                let owner = Some((owner, address.selected && kind == Kind::User));
                writer.address(address.scope, address.local, owner);
            }
        }
    }
    Ok(writer.finish())
}

struct AddressOf<'r> {
    owner_id: u32,
    scope: Scope,
    local: &'r str,
    selected: bool,
}

impl<'r> AddressOf<'r> {
    fn read(row: &'r Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            owner_id: row.get(0)?,
            scope: scope(row.get(1)?, row.get(2)?),
            local: row.get_ref(3)?.as_str()?,
            selected: row.get(4)?,
        })
    }
}

/// Users and their default addresses, both in the order of the users' numbers, side by side.
fn users(store: &Connection) -> rusqlite::Result<Index> {
    let mut writer = IndexWriter::default();
    let mut users = store.prepare_cached(&format!("{USERS} ORDER BY id"))?;
    let mut users = users.query([])?;
    let mut defaults = store.prepare_cached(DEFAULTS)?;
    let mut defaults = defaults.query([Kind::User.as_str()])?;
    let mut next = next_default(&mut defaults)?;
    while let Some(row) = users.next()? {
        let Some(mut user) = readable(Kind::User, row, user_of(row))? else {
            continue;
        };
        while next.as_ref().is_some_and(|next| next.owner_id < user.id) {
            next = next_default(&mut defaults)?;
        }
        let default = next.as_ref().filter(|next| next.owner_id == user.id);
        user.default = default.map(|default| (default.scope, &*default.local));
        writer.user(&user);
    }
    Ok(writer.finish())
}

/// A user's default address.
struct DefaultOf {
    owner_id: u32,
    scope: Scope,
    local: String,
}

fn next_default(rows: &mut rusqlite::Rows<'_>) -> rusqlite::Result<Option<DefaultOf>> {
    while let Some(row) = rows.next()? {
        if let Some(address) = readable(Kind::User, row, AddressOf::read(row))? {
            return Ok(Some(DefaultOf {
                owner_id: address.owner_id,
                scope: address.scope,
                local: address.local.to_owned(),
            }));
        }
    }
    Ok(None)
}

fn overlay_user(
    store: &Connection,
    id: u32,
    default: Option<&AddressRow>,
) -> rusqlite::Result<Option<OverlayUser>> {
    let mut statement = store.prepare_cached(&format!("{USERS} WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let Some(mut user) = readable(Kind::User, row, user_of(row))? else {
        return Ok(None);
    };
    user.default = default.map(|default| (default.scope, &*default.local));
    Ok(Some(OverlayUser::of(&user)))
}

/// A user without his default address.
fn user_of<'r>(row: &'r Row<'_>) -> rusqlite::Result<UserEntry<'r>> {
    Ok(UserEntry {
        id: row.get(0)?,
        domain_id: row.get(1)?,
        login: row.get_ref(2)?.as_str()?,
        mail: word(row, 3, MailType::parse)?,
        suspended: row.get(4)?,
        target: row.get(5)?,
        quota_bytes: row.get(6)?,
        default: None,
    })
}

fn replace_addresses(above: &mut Above, object: &Touched, addresses: Vec<AddressRow>) {
    let owner = match object.kind {
        Kind::Group => Owner::Group(object.id),
        Kind::Mailbox => Owner::Shared(object.id),
        Kind::User => Owner::User(object.id),
        Kind::Admin
        | Kind::Domain
        | Kind::Gateway
        | Kind::Hold
        | Kind::Peer
        | Kind::Target
        | Kind::Token => return,
    };
    for old in &object.addresses {
        // An address that another object of the same batch has taken over stays with that one.
        let present = above.owner(old.scope, &old.local);
        if present.is_none_or(|present| present == owner) {
            above.overlay.set_address(old.scope, &old.local, None);
        }
    }
    for new in addresses {
        let found = Some((owner, new.selected));
        above.overlay.set_address(new.scope, &new.local, found);
    }
}

fn tables(store: &Connection) -> rusqlite::Result<Tables> {
    let mut tables = Tables::default();
    pages(
        |after| sqlite::domain::list(store, after, PAGE),
        |(stored, _)| stored.id,
        |(stored, relay)| add_domain(store, &mut tables, stored, relay),
    )?;
    pages(
        |after| sqlite::mailbox::list(store, None, after, PAGE),
        |stored| stored.id,
        |stored| add_shared(store, &mut tables, stored),
    )?;
    pages(
        |after| sqlite::group::list(store, None, after, PAGE),
        |stored| stored.id,
        |stored| {
            add_group(&mut tables, stored);
            Ok(())
        },
    )?;
    Ok(tables)
}

/// Reads page by page, so that a long list is not in memory twice.
fn pages<T>(
    read: impl Fn(u32) -> rusqlite::Result<Vec<T>>,
    id: impl Fn(&T) -> u32,
    mut take: impl FnMut(T) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut after = 0;
    loop {
        let page = read(after)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = id(last);
        for object in page {
            take(object)?;
        }
    }
}

fn targets(store: &Connection) -> rusqlite::Result<Vec<Arc<Target>>> {
    let mut all = Vec::new();
    let mut peers = sqlite::peer::all(store)?;
    pages(
        |after| sqlite::target::list(store, after, PAGE),
        |(stored, _)| stored.id,
        |(stored, implicit)| {
            let minger = peers.remove(&stored.id);
            all.push(Arc::new(target(stored, implicit, minger)));
            Ok(())
        },
    )?;
    Ok(all)
}

/// Gateway domains; one whose target cannot be read is left out.
fn gateways(
    store: &Connection,
    targets: &[Arc<Target>],
) -> rusqlite::Result<HashMap<Domain, Arc<GatewayRoute>>> {
    let mut all = HashMap::new();
    pages(
        |after| sqlite::gateway::list(store, after, PAGE),
        |(stored, _)| stored.id,
        |(stored, target)| {
            let at = targets.binary_search_by_key(&target, |target| target.id.0);
            let Some(target) = at.ok().and_then(|at| targets.get(at)) else {
                return Ok(());
            };
            let record = stored.record;
            let gateway = GatewayRoute {
                id: GatewayId(stored.id),
                domain: record.domain.clone(),
                target: target.id,
                verify: record.verify,
                minger: GatewayMinger {
                    host: record.minger_host.unwrap_or_else(|| target.host.clone()),
                    port: record.minger_port,
                    secret: record.minger_secret,
                },
                list: record.list,
                sharing_too: record.sharing_too,
                unreachable: record.unreachable,
            };
            all.insert(record.domain, Arc::new(gateway));
            Ok(())
        },
    )?;
    Ok(all)
}

fn target(stored: Stored<TargetRecord>, implicit: bool, minger: Option<Minger>) -> Target {
    let record = stored.record;
    Target {
        id: TargetId(stored.id),
        name: record.name,
        host: record.host,
        port: record.port,
        sources: record.sources,
        tls: record.tls,
        tls_pin: record.tls_pin,
        username: record.username,
        password: record.password,
        connections: record.connections,
        recipient: record.recipient,
        smart_host_on_error: record.smart_host_on_error,
        cut_through: record.cut_through,
        client_pin: record.client_pin,
        client_login: record.client_login,
        client_password: record.client_password,
        implicit,
        minger,
    }
}

fn replace_domain(store: &Connection, tables: &mut Tables, id: u32) -> rusqlite::Result<()> {
    if let Some(old) = Arc::make_mut(&mut tables.domains).remove(&id) {
        let names = Arc::make_mut(&mut tables.names);
        for name in std::iter::once(&old.name).chain(&old.aliases) {
            if names.get(name).is_some_and(|entry| entry.domain.id.0 == id)
                && let Some(entry) = names.remove(name)
            {
                Arc::make_mut(&mut tables.names_by_id).remove(&entry.name_id);
            }
        }
    }
    match sqlite::domain::read(store, id)? {
        Some((stored, relay)) => add_domain(store, tables, stored, relay),
        None => Ok(()),
    }
}

fn add_domain(
    store: &Connection,
    tables: &mut Tables,
    stored: Stored<DomainRecord>,
    relay: Option<u32>,
) -> rusqlite::Result<()> {
    let record = stored.record;
    let sharing = sqlite::domain::sharing(store, stored.id)?.into_iter();
    let domain = Arc::new(DomainRoute {
        id: DomainId(stored.id),
        name: record.name,
        aliases: record.aliases,
        relay: relay.map(TargetId),
        forward_unknown: record.forward_unknown,
        sharing: sharing.map(|(id, _)| TargetId(id)).collect(),
        verify_unknown: record.verify_unknown,
        protect_senders: record.protect_senders,
        postmaster: record.postmaster,
        quota: record.quota,
    });
    let names = Arc::make_mut(&mut tables.names);
    let names_by_id = Arc::make_mut(&mut tables.names_by_id);
    for (name_id, name) in sqlite::domain::names(store, stored.id)? {
        names_by_id.insert(name_id, name.clone());
        let entry = NameEntry {
            name: name.clone(),
            name_id,
            domain: Arc::clone(&domain),
        };
        names.insert(name, entry);
    }
    Arc::make_mut(&mut tables.domains).insert(stored.id, domain);
    Ok(())
}

fn replace_group(store: &Connection, tables: &mut Tables, id: u32) -> rusqlite::Result<()> {
    Arc::make_mut(&mut tables.groups).remove(&id);
    if let Some(stored) = sqlite::group::read(store, id)? {
        add_group(tables, stored);
    }
    Ok(())
}

fn add_group(tables: &mut Tables, stored: Stored<GroupRecord>) {
    let record = stored.record;
    let group = Arc::new(Group {
        id: GroupId(stored.id),
        domain: record.domain,
        name: record.name,
        members: record.members,
        owner: record.owner,
    });
    Arc::make_mut(&mut tables.groups).insert(stored.id, group);
}

fn replace_shared(store: &Connection, tables: &mut Tables, id: u32) -> rusqlite::Result<()> {
    Arc::make_mut(&mut tables.shared).remove(&id);
    match sqlite::mailbox::read(store, id)? {
        Some(stored) => add_shared(store, tables, stored),
        None => Ok(()),
    }
}

fn add_shared(
    store: &Connection,
    tables: &mut Tables,
    stored: Stored<SharedRecord>,
) -> rusqlite::Result<()> {
    let record = stored.record;
    let members = sqlite::mailbox::members(store, stored.id)?;
    let shared = Arc::new(Shared {
        id: SharedId(stored.id),
        quota_bytes: shared_quota(tables, &record.domain, record.quota_bytes),
        domain: record.domain,
        name: record.name,
        members: members.into_iter().map(|(id, _)| UserId(id)).collect(),
    });
    Arc::make_mut(&mut tables.shared).insert(stored.id, shared);
    Ok(())
}

fn shared_quota(tables: &Tables, domain: &Domain, own: Option<u64>) -> u64 {
    let entry = tables.names.get(domain);
    entry.map_or_else(
        || own.unwrap_or_default(),
        |entry| entry.domain.quota.of_shared(own),
    )
}

/// After a domain's defaults have changed, its shared mailboxes may hold more or less.
fn requota(store: &Connection, tables: &mut Tables) -> rusqlite::Result<()> {
    let shared: HashMap<u32, Arc<Shared>> = HashMap::clone(&tables.shared);
    for (id, old) in shared {
        if let Some(stored) = sqlite::mailbox::read(store, id)? {
            let quota_bytes = shared_quota(tables, &old.domain, stored.record.quota_bytes);
            if quota_bytes != old.quota_bytes {
                let new = Shared {
                    quota_bytes,
                    ..Shared::clone(&old)
                };
                Arc::make_mut(&mut tables.shared).insert(id, Arc::new(new));
            }
        }
    }
    Ok(())
}
