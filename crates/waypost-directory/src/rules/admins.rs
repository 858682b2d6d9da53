//! Rules about administrators and tokens.

use waypost_proto::mail::Domain;

use super::words;
use crate::batch::{Batch, Before, Touched};
use crate::edit::Edit;
use crate::model::{AdminRecord, Grant, Key, MailType, Object, Role, Scope, TokenRecord};
use crate::sqlite;

/// What an administrator's record needs of the store.
pub(super) fn admin(
    batch: &mut Batch<'_>,
    record: &AdminRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let key = Key::Admin(record.login.clone());
    domains(batch, &key, &record.domains, touched)?;
    let is_user = record.login.contains('@');
    if is_user && touched.before == Before::Nothing {
        let user = sqlite::admin::user_of(batch.store(), record)?;
        if !user.is_some_and(|user| user.may_log_in) {
            batch
                .report
                .about(touched.edit, &key)
                .add("login", words::ADMIN_NO_USER);
        }
    }
    Ok(())
}

/// What a token's record needs of the store.
pub(super) fn token(
    batch: &mut Batch<'_>,
    record: &TokenRecord,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let key = Key::Token(record.id.clone());
    domains(batch, &key, &record.domains, touched)?;
    let owner = sqlite::admin::by_login(batch.store(), &record.admin)?;
    let now = batch.now();
    let mut about = batch.report.about(touched.edit, &key);
    if touched.before != (Before::Token { prolonged: false }) && record.expires_at <= now {
        about.add("expires_at", words::TOKEN_EXPIRED);
    }
    let Some(owner) = owner.map(|stored| stored.record) else {
        return Ok(());
    };
    if !record.role.within(owner.role) {
        about.add(
            "role",
            words::TOKEN_ROLE
                .having("role", &record.role)
                .having("login", &owner.login)
                .having("owner_role", &owner.role),
        );
    }
    if !record.domains.within(&owner.domains) {
        about.add(
            "domains",
            words::TOKEN_DOMAINS
                .having("login", &owner.login)
                .having("domains", &owner.domains.words().join(", ")),
        );
    }
    let beyond = |grant: &&Grant| !owner.is_granted(**grant);
    for grant in record.grants.iter().filter(beyond) {
        about.add(
            "grants",
            words::TOKEN_GRANT
                .having("grant", grant)
                .having("login", &owner.login),
        );
    }
    Ok(())
}

fn domains(
    batch: &mut Batch<'_>,
    key: &Key,
    scope: &Scope,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let Scope::Domains(domains) = scope else {
        return Ok(());
    };
    for name in domains {
        if batch.domain(name)?.is_none() {
            batch
                .report
                .about(touched.edit, key)
                .add("domains", words::DOMAIN_UNKNOWN.having("name", name));
        }
    }
    Ok(())
}

/// Whoever is limited to a domain must not get a later one of the same name.
pub(super) fn removed_domain(
    batch: &mut Batch<'_>,
    name: &Domain,
    touched: &Touched,
) -> rusqlite::Result<()> {
    let naming = sqlite::admin::naming(batch.store(), name)?;
    if !naming.is_empty() {
        batch
            .report
            .about(touched.edit, &Key::Domain(name.clone()))
            .add(
                "name",
                words::DOMAIN_OF_ADMINS.having("objects", &naming.join(", ")),
            );
    }
    Ok(())
}

/// "At least one superadministrator who can log in must remain", if there was one before.
pub(crate) fn last_one(
    batch: &mut Batch<'_>,
    edits: &[Edit],
    before: &[String],
) -> rusqlite::Result<()> {
    if before.is_empty() || !sqlite::admin::usable(batch.store())?.is_empty() {
        return Ok(());
    }
    let at_fault = |touched: &&Touched| {
        let key = edits.get(touched.edit).map(Edit::key);
        match key {
            Some(key @ (Key::Admin(_) | Key::User(..))) => before.contains(&key.name()),
            _ => false,
        }
    };
    let found: Vec<usize> = batch
        .touched
        .iter()
        .filter(at_fault)
        .map(|t| t.edit)
        .collect();
    for edit in found {
        let Some(made) = edits.get(edit) else {
            continue;
        };
        batch
            .report
            .about(edit, &made.key())
            .add(field_at_fault(made), words::SUPERADMINISTRATOR_LAST);
    }
    Ok(())
}

fn field_at_fault(edit: &Edit) -> &'static str {
    match edit {
        Edit::Put(Object::Admin(admin), _) if admin.suspended => "suspended",
        Edit::Put(Object::Admin(admin), _) if admin.role != Role::Superadministrator => "role",
        Edit::Put(Object::User(user), _) if user.suspended => "suspended",
        Edit::Put(Object::User(user), _) if user.mail != MailType::Local => "mail",
        Edit::Put(..) => "password",
        Edit::Remove(..) => "login",
    }
}
