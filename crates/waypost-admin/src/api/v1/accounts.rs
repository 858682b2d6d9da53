//! What users, shared mailboxes and groups have in common: who may write which of their fields.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use waypost_directory::{AdminRecord, Grant, Page as Slice, Role};

use super::super::objects::{Page, Resource, Written, complete, nameable, require, text};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Filter, Kind, words};

/// Fields that say `null` for "not set", and how requests say it.
const EMPTY: [(&str, &str); 4] = [
    ("owner", ""),
    ("password", ""),
    ("quota", ""),
    ("target", ""),
];

/// Administrators read at once.
const TOGETHER: usize = 500;

/// Which shared mailboxes or groups are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// In this domain, by its main name.
    domain: Option<String>,
    /// Is in the name or an address.
    text: Option<String>,
    /// What the answer before said comes next.
    after: Option<String>,
    /// Most objects.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Wanted {
    pub(crate) fn parts(self) -> (Filter, Page) {
        let filter = Filter {
            domain: self.domain,
            text: self.text.unwrap_or_default(),
            ..Filter::default()
        };
        let page = Page {
            after: self.after,
            limit: self.limit,
        };
        (filter, page)
    }
}

/// How full a mailbox is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(crate) struct Usage {
    /// Most bytes it may hold, by its own quota or its domain's; 0: no limit.
    pub(crate) quota_bytes: u64,
    /// What is in it; null where it is not known.
    pub(crate) used_bytes: Option<u64>,
}

/// Takes the parts of the name out of a body that makes an object.
pub(crate) fn named(fields: &mut Map<String, Value>, field: &str) -> Result<String, Problem> {
    complete(fields, &["domain", field])?;
    let domain = text(fields, "domain")?;
    let name = text(fields, field)?;
    Ok(format!("{name}@{domain}"))
}

impl Actor {
    /// Whether he may say on which target a user lives, where he may change the user at all.
    pub(crate) fn may_target(&self) -> bool {
        let granted = self.grants.contains(&Grant::Routing);
        self.may(Right::AccountWrite) && (self.role == Role::Superadministrator || granted)
    }

    /// Whether he may save what peers object to, where he may save at all.
    pub(crate) fn may_force(&self) -> bool {
        self.may(Right::DomainWrite)
    }

    /// Whether he may do all that an administrator may.
    fn may_be(&self, admin: &AdminRecord) -> bool {
        admin.role.within(self.role)
            && admin.domains.within(&self.scope)
            && (self.role == Role::Superadministrator
                || admin.grants.iter().all(|grant| self.grants.contains(grant)))
    }
}

impl Console {
    /// Makes an account, if he may set all this.
    pub(crate) async fn add_account<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        mut fields: Map<String, Value>,
    ) -> Result<Written, Problem> {
        nameable(actor, T::WRITE, T::KIND, name)?;
        self.allow::<T>(actor, name, &mut fields).await?;
        self.add::<T>(actor, name, fields).await
    }

    /// Changes an account, if he may set all this.
    pub(crate) async fn change_account<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        mut fields: Map<String, Value>,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        self.allow::<T>(actor, name, &mut fields).await?;
        self.change::<T>(actor, name, fields, revision).await
    }

    async fn allow<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        fields: &mut Map<String, Value>,
    ) -> Result<(), Problem> {
        require(actor, T::WRITE, T::KIND, name)?;
        for (field, nothing) in EMPTY {
            if let Some(value) = fields.get_mut(field).filter(|value| value.is_null()) {
                *value = nothing.into();
            }
        }
        if let Some(value) = fields.get_mut("relayed").filter(|value| value.is_null()) {
            *value = Value::Array(Vec::new());
        }
        if fields.get("force").is_some_and(|force| force == true) && !actor.may_force() {
            return Err(Problem::forbidden_field("force"));
        }
        if T::KIND != Kind::User {
            return Ok(());
        }
        if fields.contains_key("target") && !actor.may_target() {
            return Err(Problem::forbidden_field("target"));
        }
        self.allow_person(actor, name).await
    }

    /// Refuses changes of a user who is an administrator above him: whoever sets his password can
    /// be him, and whoever suspends or removes him locks him out.
    async fn allow_person(&self, actor: &Actor, name: &str) -> Result<(), Problem> {
        let login = name.to_lowercase();
        if !self.above(actor).await?.contains(&login) {
            return Ok(());
        }
        let words = words::USER_ABOVE.having("name", name);
        Err(Problem::of(StatusCode::FORBIDDEN, words))
    }

    /// The logins of users who are administrators and may what he may not.
    pub(crate) async fn above(&self, actor: &Actor) -> Result<Vec<String>, Problem> {
        if actor.role == Role::Superadministrator {
            return Ok(Vec::new());
        }
        let mut above = Vec::new();
        let mut after = 0;
        loop {
            let page = Slice {
                domain: None,
                after,
                limit: TOGETHER,
            };
            let admins = self.directory(move |directory| directory.admins(&page));
            let admins = admins.await??;
            let Some(last) = admins.last() else {
                return Ok(above);
            };
            after = last.id;
            let records = admins.into_iter().map(|stored| stored.record);
            let others = records.filter(|admin| admin.login.contains('@') && !actor.may_be(admin));
            above.extend(others.map(|admin| admin.login));
        }
    }

    /// Removes an account, if it is not that of an administrator above him.
    pub(crate) async fn remove_account<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        require(actor, T::WRITE, T::KIND, name)?;
        if T::KIND == Kind::User {
            self.allow_person(actor, name).await?;
        }
        self.remove::<T>(actor, name, revision).await
    }
}
