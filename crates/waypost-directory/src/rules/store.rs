//! Rules about what the store would hold after a batch.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::{admins, peers, words};
use crate::batch::{Batch, Before, Touched};
use crate::edit::Edit;
use crate::model::{
    DomainRecord, GroupRecord, HoldKey, Key, Kind, MailType, Names, Object, SharedRecord,
    UserRecord,
};
use crate::sqlite::{self, address};

const THIRD_PARTY_WITHOUT_TARGET: &str = "
    SELECT count(*), min(login) FROM user
    WHERE domain_id = ?1 AND mail = 'third-party' AND target_id IS NULL";
const ADDRESS_WITHOUT_NAME: &str = "
    SELECT count(*), min(owner_kind || ' ' || local) FROM address
    WHERE domain_id = ?1 AND name_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM domain_name n WHERE n.id = address.name_id)";
const USERS_OVER: &str = "
    SELECT count(*), min(login) FROM user
    WHERE domain_id = ?1 AND quota_bytes IS NOT NULL AND (quota_bytes = 0 OR quota_bytes > ?2)";
const MAILBOXES_OVER: &str = "
    SELECT count(*), min(name) FROM mailbox
    WHERE domain_id = ?1 AND quota_bytes IS NOT NULL AND (quota_bytes = 0 OR quota_bytes > ?2)";
const USERS_OF_DOMAIN: &str = "SELECT count(*), min(login) FROM user WHERE domain_id = ?1";
const MAILBOXES_OF_DOMAIN: &str = "SELECT count(*), min(name) FROM mailbox WHERE domain_id = ?1";
const GROUPS_OF_DOMAIN: &str = "SELECT count(*), min(name) FROM mail_group WHERE domain_id = ?1";

/// Checks an object that the batch has written.
pub(crate) fn check(batch: &mut Batch<'_>, edit: &Edit, touched: &Touched) -> rusqlite::Result<()> {
    let key = edit.key();
    match edit {
        Edit::Put(Object::Domain(record), _) => domain(batch, record, touched),
        Edit::Put(Object::Gateway(record), _) => peers::gateway(batch, record, touched),
        Edit::Put(Object::Group(record), _) => group(batch, record, touched),
        Edit::Put(Object::Hold(held, _), _) => hold(batch, &key, held, touched),
        Edit::Put(Object::Mailbox(record), _) => mailbox(batch, record, touched),
        Edit::Put(Object::Peer(record), _) => peers::peer(batch, record, touched),
        Edit::Put(Object::Target(record), _) => peers::target(batch, record, touched),
        Edit::Put(Object::User(record), _) => user(batch, record, touched),
        Edit::Put(Object::Admin(record), _) => admins::admin(batch, record, touched),
        Edit::Put(Object::Token(record), _) => admins::token(batch, record, touched),
        Edit::Remove(Key::Domain(name), _) => {
            admins::removed_domain(batch, name, touched)?;
            removed_domain(batch, &key, touched)
        }
        Edit::Remove(Key::Peer(_) | Key::Target(_), _) => removed_target(batch, &key, touched),
        Edit::Remove(Key::User(..), _) => removed_user(batch, &key, touched),
        Edit::Remove(..) => Ok(()),
    }
}

fn domain(batch: &mut Batch<'_>, record: &DomainRecord, touched: &Touched) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::Domain(record.name.clone());
    let id = touched.id;
    for name in record.names() {
        if let Some(other) = sqlite::domain::other_with_name(store, id, name)? {
            let field = if *name == record.name {
                "name"
            } else {
                "aliases"
            };
            batch.report.about(touched.edit, &key).add(
                field,
                words::DOMAIN_NAME_TAKEN
                    .having("name", name)
                    .having("other", &other),
            );
        }
    }
    peers::sharing(batch, record, touched)?;
    let (had_relay, renamed) = match touched.before {
        Before::Nothing => return Ok(()),
        Before::Domain { relay, renamed } => (relay, renamed),
        Before::Something | Before::Token { .. } => (true, true),
    };
    let mut about = batch.report.about(touched.edit, &key);
    if had_relay
        && record.relay.is_none()
        && let Some((count, login)) = some(store, THIRD_PARTY_WITHOUT_TARGET, params![id])?
    {
        about.add(
            "relay",
            words::RELAY_NEEDED
                .having("count", count)
                .having("login", &login),
        );
    }
    if let Some((count, example)) = some(store, ADDRESS_WITHOUT_NAME, params![id])? {
        about.add(
            "aliases",
            words::ALIAS_USED
                .having("count", count)
                .having("object", &example),
        );
    }
    let quota = &record.quota;
    for (words, max, sql) in [
        (words::QUOTA_USER_OVER, quota.user_max, USERS_OVER),
        (words::QUOTA_SHARED_OVER, quota.shared_max, MAILBOXES_OVER),
    ] {
        if max != 0
            && let Some((count, name)) = some(store, sql, params![id, sqlite::bytes(max)])?
        {
            about.add("quota", words.having("count", count).having("name", &name));
        }
    }
    if !renamed {
        return Ok(());
    }
    let groups = sqlite::group::all(store)?;
    report_loops(batch, touched.edit, &key, "aliases", &groups)
}

fn user(batch: &mut Batch<'_>, record: &UserRecord, touched: &Touched) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::User(record.domain.clone(), record.login.clone());
    let Some(facts) = batch.domain(&record.domain)? else {
        return Ok(());
    };
    if record.mail == MailType::ThirdParty && record.target.is_none() && !facts.has_relay {
        batch
            .report
            .about(touched.edit, &key)
            .add("mail", words::USER_NEEDS_RELAY);
    }
    if sqlite::mailbox::find(store, facts.id, &record.login)?.is_some() {
        batch
            .report
            .about(touched.edit, &key)
            .add("login", words::LOGIN_IS_MAILBOX);
    }
    quota(
        batch,
        &key,
        touched,
        record.quota_bytes,
        ("user_max", facts.quota.user_max),
    );
    conflicts(batch, &key, touched, &record.addresses)?;
    if touched.before == Before::Nothing {
        return Ok(());
    }
    for (name, address) in sqlite::mailbox::of_user(store, touched.id)? {
        if address::owner_of(store, &address)? != Some((Kind::User, touched.id)) {
            batch.report.about(touched.edit, &key).add(
                "addresses",
                words::MEMBER_NEEDS_ADDRESS
                    .having("name", &name)
                    .having("address", &address),
            );
        }
    }
    Ok(())
}

fn mailbox(
    batch: &mut Batch<'_>,
    record: &SharedRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let key = Key::Mailbox(record.domain.clone(), record.name.clone());
    let Some(facts) = batch.domain(&record.domain)? else {
        return Ok(());
    };
    if sqlite::user::find(store, facts.id, &record.name)?.is_some() {
        batch
            .report
            .about(touched.edit, &key)
            .add("name", words::NAME_IS_USER);
    }
    quota(
        batch,
        &key,
        touched,
        record.quota_bytes,
        ("shared_max", facts.quota.shared_max),
    );
    conflicts(batch, &key, touched, &record.addresses)
}

fn group(batch: &mut Batch<'_>, record: &GroupRecord, touched: &Touched) -> rusqlite::Result<()> {
    let key = Key::Group(record.domain.clone(), record.name.clone());
    conflicts(batch, &key, touched, &record.addresses)?;
    report_loops(batch, touched.edit, &key, "members", &[touched.id])
}

fn hold(
    batch: &mut Batch<'_>,
    key: &Key,
    held: &HoldKey,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let store = batch.store();
    let exists = match held {
        HoldKey::Domain(_) => true,
        HoldKey::Target(name) => sqlite::target::find(store, name)?.is_some(),
        HoldKey::User(domain, login) => match batch.domain(domain)? {
            Some(facts) => sqlite::user::find(store, facts.id, login)?.is_some(),
            None => false,
        },
    };
    if !exists {
        let kind = match held {
            HoldKey::Domain(_) => Kind::Domain,
            HoldKey::Target(_) => Kind::Target,
            HoldKey::User(..) => Kind::User,
        };
        batch.report.about(touched.edit, key).add(
            "name",
            words::HOLD_OF_NOTHING
                .having("object", held)
                .having("kind", &kind),
        );
    }
    Ok(())
}

fn quota(
    batch: &mut Batch<'_>,
    key: &Key,
    touched: &Touched,
    own: Option<u64>,
    (limit, max): (&str, u64),
) {
    let mut about = batch.report.about(touched.edit, key);
    match own {
        Some(0) if max != 0 => about.add(
            "quota",
            words::QUOTA_NONE
                .having("limit", limit)
                .having("max_bytes", max),
        ),
        Some(own) if max != 0 && own > max => about.add(
            "quota",
            words::QUOTA_ABOVE_MAX
                .having("own_bytes", own)
                .having("limit", limit)
                .having("max_bytes", max),
        ),
        _ => {}
    }
}

fn conflicts(
    batch: &mut Batch<'_>,
    key: &Key,
    touched: &Touched,
    addresses: &[crate::Address],
) -> rusqlite::Result<()> {
    let store = batch.store();
    let (Key::User(domain, _) | Key::Mailbox(domain, _) | Key::Group(domain, _)) = key else {
        return Ok(());
    };
    let Some(facts) = batch.domain(domain)? else {
        return Ok(());
    };
    let owner = (touched.kind, touched.id);
    for address in addresses {
        let name_id = match address.names() {
            Names::All => None,
            Names::One(name) => match facts.names.iter().find(|(_, other)| other == name) {
                Some((id, _)) => Some(*id),
                None => continue,
            },
        };
        let found = address::conflict(store, owner, facts.id, (name_id, address))?;
        if let Some((other, other_name)) = found {
            let there = match other_name {
                None => "*".to_owned(),
                Some(id) => facts
                    .names
                    .iter()
                    .find(|(name_id, _)| *name_id == id)
                    .map_or_else(String::new, |(_, name)| name.to_string()),
            };
            let whose = name_of(store, other)?;
            batch.report.about(touched.edit, key).add(
                "addresses",
                words::ADDRESS_TAKEN
                    .having("address", address)
                    .having("object", &whose)
                    .having("there", &format!("{}@{there}", address.local())),
            );
        }
    }
    Ok(())
}

fn name_of(store: &Connection, (kind, id): address::Owned) -> rusqlite::Result<String> {
    let sql = match kind {
        Kind::Group => "SELECT name, domain_id FROM mail_group WHERE id = ?1",
        Kind::Mailbox => "SELECT name, domain_id FROM mailbox WHERE id = ?1",
        _ => "SELECT login, domain_id FROM user WHERE id = ?1",
    };
    let sql = format!("SELECT x.*, d.name FROM ({sql}) x JOIN domain d ON d.id = x.domain_id");
    store.prepare_cached(&sql)?.query_row([id], |row| {
        let (name, domain): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("{kind} {name}@{domain}"))
    })
}

fn removed_domain(batch: &mut Batch<'_>, key: &Key, touched: &Touched) -> rusqlite::Result<()> {
    for (words, sql) in [
        (words::DOMAIN_HAS_USERS, USERS_OF_DOMAIN),
        (words::DOMAIN_HAS_MAILBOXES, MAILBOXES_OF_DOMAIN),
        (words::DOMAIN_HAS_GROUPS, GROUPS_OF_DOMAIN),
    ] {
        if let Some((count, name)) = some(batch.store(), sql, params![touched.id])? {
            batch
                .report
                .about(touched.edit, key)
                .add("name", words.having("count", count).having("name", &name));
        }
    }
    Ok(())
}

fn removed_target(batch: &mut Batch<'_>, key: &Key, touched: &Touched) -> rusqlite::Result<()> {
    let users = sqlite::target::used_by(batch.store(), touched.id)?;
    if !users.is_empty() {
        batch.report.about(touched.edit, key).add(
            "name",
            words::TARGET_USED.having("objects", &users.join(", ")),
        );
    }
    Ok(())
}

fn removed_user(batch: &mut Batch<'_>, key: &Key, touched: &Touched) -> rusqlite::Result<()> {
    for (name, address) in sqlite::mailbox::of_user(batch.store(), touched.id)? {
        batch.report.about(touched.edit, key).add(
            "login",
            words::MEMBER_REMOVED
                .having("name", &name)
                .having("address", &address),
        );
    }
    Ok(())
}

/// The count and the example that a query gives, unless the count is 0.
fn some(
    store: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Option<(u64, String)>> {
    store.prepare_cached(sql)?.query_row(params, |row| {
        let count: u64 = row.get(0)?;
        let example: Option<String> = row.get(1)?;
        Ok((count > 0).then(|| (count, example.unwrap_or_default())))
    })
}

/// Reports groups that include themselves, by whatever way.
fn report_loops(
    batch: &mut Batch<'_>,
    edit: usize,
    key: &Key,
    field: &'static str,
    groups: &[u32],
) -> rusqlite::Result<()> {
    let mut inclusions = Inclusions {
        store: batch.store(),
        known: HashMap::new(),
    };
    for group in groups {
        let Some(path) = inclusions.path_to_itself(*group)? else {
            continue;
        };
        let names: Vec<String> = path
            .iter()
            .map(|id| sqlite::group::name(batch.store(), *id))
            .collect::<rusqlite::Result<_>>()?;
        batch.report.about(edit, key).add(
            field,
            words::GROUP_IN_ITSELF.having("path", &names.join(" → ")),
        );
    }
    Ok(())
}

/// Which groups a group includes directly.
struct Inclusions<'a> {
    store: &'a Connection,
    known: HashMap<u32, Vec<u32>>,
}

impl Inclusions<'_> {
    fn of(&mut self, group: u32) -> rusqlite::Result<Vec<u32>> {
        if let Some(known) = self.known.get(&group) {
            return Ok(known.clone());
        }
        let mut included = Vec::new();
        for member in sqlite::group::members(self.store, group)? {
            if let Some((Kind::Group, id)) = address::owner_of(self.store, &member)? {
                included.push(id);
            }
        }
        self.known.insert(group, included.clone());
        Ok(included)
    }

    /// Depth first, without recursion: the way from the group back to itself.
    fn path_to_itself(&mut self, start: u32) -> rusqlite::Result<Option<Vec<u32>>> {
        let mut seen = HashSet::new();
        let mut path = vec![(start, self.of(start)?)];
        while let Some((_, rest)) = path.last_mut() {
            let Some(next) = rest.pop() else {
                path.pop();
                continue;
            };
            if next == start {
                let ids = path.iter().map(|(id, _)| *id).chain([start]).collect();
                return Ok(Some(ids));
            }
            if seen.insert(next) {
                let included = self.of(next)?;
                path.push((next, included));
            }
        }
        Ok(None)
    }
}
