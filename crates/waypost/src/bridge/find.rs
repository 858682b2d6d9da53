//! Objects that are looked for.

use serde_json::{Map, Value, json};
use waypost_admin::request::{Fault, Filter, Find, Kind, Refused};
use waypost_directory::{
    Cursor, FoundPage, Object, ObjectQuery, OnTarget, Scope, Stored, UserFilter, UserQuery,
};
use waypost_proto::mail::Domain;

use super::{Asked, later};
use crate::object;

/// Most objects of one page.
const PAGE_MAX: usize = 10_000;

impl Asked {
    pub(super) fn find(&self, find: &Find) -> Result<Value, Refused> {
        let filter = wanted(&find.filter)?;
        let after = find.after.as_deref().map(cursor).transpose()?;
        let limit = find.limit.min(PAGE_MAX);
        let mut answer = match limit {
            0 => json!({ "items": [], "next": null }),
            limit => self.found(find.kind, (&filter, after, limit))?,
        };
        if find.count {
            answer["counts"] = self.counts(find.kind, filter)?;
        }
        Ok(answer)
    }

    fn found(
        &self,
        kind: Kind,
        (filter, after, limit): (&UserFilter, Option<Cursor>, usize),
    ) -> Result<Value, Refused> {
        let directory = &self.directory;
        let objects = |after| ObjectQuery {
            scope: filter.scope.clone(),
            domains: filter.domains.clone(),
            text: filter.text.clone(),
            after,
            limit,
        };
        let found = match kind {
            Kind::User => {
                let query = UserQuery {
                    filter: filter.clone(),
                    after,
                    limit,
                };
                let found = directory.find_users(&query);
                found.map(|page| self.told(page, Object::User))
            }
            Kind::Mailbox => {
                let found = directory.find_mailboxes(&objects(after));
                found.map(|page| self.told(page, Object::Mailbox))
            }
            Kind::Group => {
                let found = directory.find_groups(&objects(after));
                found.map(|page| self.told(page, Object::Group))
            }
            Kind::Domain => {
                let found = directory.find_domains(&objects(after));
                found.map(|page| self.told(page, Object::Domain))
            }
            Kind::Admin | Kind::Gateway | Kind::Peer | Kind::Target => {
                let kind = kind.word();
                return Err(Refused::new(format!("a {kind} is listed, not looked for")));
            }
        };
        found.map_err(|error| later(&error))
    }

    fn told<T>(&self, page: FoundPage<T>, object: impl Fn(T) -> Object) -> Value {
        let told = |stored: Stored<T>| {
            let mut fields = object::show(&object(stored.record));
            fields.insert("revision".to_owned(), stored.revision.into());
            Value::Object(fields)
        };
        let items: Vec<Value> = page.items.into_iter().map(told).collect();
        json!({ "items": items, "next": page.next.map(|next| next.to_string()) })
    }

    /// How many users there are in each domain; of domains that were looked for, all of theirs.
    fn counts(&self, kind: Kind, mut filter: UserFilter) -> Result<Value, Refused> {
        if kind != Kind::User {
            filter.text.clear();
        }
        let counted = self.directory.count_users(&filter);
        let counted = counted.map_err(|error| later(&error))?;
        let snapshot = self.directory.snapshot();
        let named = snapshot.domains().filter_map(|domain| {
            let counts = counted.get(&domain.id)?;
            let told = json!({
                "local": counts.local,
                "none": counts.none,
                "relayed": counts.relayed,
                "own_target": counts.own_target,
                "suspended": counts.suspended,
            });
            Some((domain.name.to_string(), told))
        });
        Ok(Value::Object(named.collect::<Map<_, _>>()))
    }
}

/// The filter, with its words read.
pub(super) fn wanted(filter: &Filter) -> Result<UserFilter, Refused> {
    let domain = |name: &String| {
        let fault = |error| fault("domain", format!("{name:?}: {error}"), "write a domain");
        Domain::parse(name).map_err(fault)
    };
    let scope = match &filter.scope {
        None => Scope::All,
        Some(names) => Scope::Domains(names.iter().map(domain).collect::<Result<_, _>>()?),
    };
    Ok(UserFilter {
        domains: filter.domain.iter().map(domain).collect::<Result<_, _>>()?,
        text: filter.text.clone(),
        mail: filter.mail.map(Into::into),
        target: filter.target.clone().map(OnTarget::Lives),
        suspended: filter.suspended,
        ..UserFilter::within(scope)
    })
}

fn cursor(text: &str) -> Result<Cursor, Refused> {
    let mend = "give what the page before said comes next";
    Cursor::parse(text).ok_or_else(|| fault("after", format!("found {text:?}"), mend))
}

fn fault(field: &str, message: String, mend: &str) -> Refused {
    let mut refused = Refused::new(message.clone());
    refused.problems.push(Fault {
        object: String::new(),
        line: None,
        field: field.to_owned(),
        message,
        mend: mend.to_owned(),
        said: Box::default(),
    });
    refused
}
