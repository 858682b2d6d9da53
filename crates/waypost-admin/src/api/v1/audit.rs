//! Who has changed what.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_directory::{AuditEntry, AuditQuery};

use super::super::objects::List;
use super::super::refusals::Refusals;
use super::trace::moment;
use crate::auth::{Actor, Right, Sight};
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::text::clock;

/// Most lines of one page.
const PAGE_MAX: usize = 500;
const PAGE: usize = 50;

/// Which lines are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only changes by this login.
    pub(crate) who: Option<String>,
    /// A kind, or a kind and how the name begins.
    #[param(example = "user jdoe@example.com")]
    pub(crate) object: Option<String>,
    /// Nothing before this moment, in UTC.
    #[param(example = "2026-11-22T06:00:00Z")]
    pub(crate) from: Option<String>,
    /// Only what is before it.
    pub(crate) to: Option<String>,
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// Most lines.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

/// One change.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Change {
    /// Its number.
    pub(crate) change: u64,
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// The login of who made it.
    pub(crate) who: String,
    /// From where.
    pub(crate) from: String,
    /// What was changed.
    #[schema(example = "user jdoe@example.com")]
    pub(crate) object: String,
    /// The domain it belongs to; missing: to the site.
    pub(crate) domain: Option<String>,
    /// As it was; missing: it is new.
    pub(crate) before: Option<BTreeMap<String, Value>>,
    /// As it is; missing: it was removed.
    pub(crate) after: Option<BTreeMap<String, Value>>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Lists changes, the latest first; who is limited to domains sees those of their domains, and what
/// they have done to mail themselves.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Wanted),
    security(("token" = ["audit-read"])),
    responses((status = 200, body = List<Change>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<Change>>, Problem> {
    console.audit(&actor, &wanted).await.map(Json)
}

impl Console {
    /// A page of changes that he may see.
    pub(crate) async fn audit(
        &self,
        actor: &Actor,
        wanted: &Wanted,
    ) -> Result<List<Change>, Problem> {
        actor.require(Right::AuditRead)?;
        let given = |field: &Option<String>| {
            let text = field.as_deref().map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let before = given(&wanted.after).map(|after| after.parse()).transpose();
        let before = before.map_err(|_| {
            let mend = "take `next` of the page before";
            Problem::key("after", "this is no cursor", mend)
        })?;
        let limit = wanted.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let query = AuditQuery {
            scope: actor.scope.clone(),
            own: Some(actor.login.clone()),
            before,
            limit: limit + 1,
            object: given(&wanted.object),
            who: given(&wanted.who),
            from: moment("from", wanted.from.as_deref())?,
            to: moment("to", wanted.to.as_deref())?,
        };
        let lines = self.directory(move |directory| directory.audit(&query));
        let mut lines = lines.await??;
        let more = lines.len() > limit;
        lines.truncate(limit);
        let next = lines.last().filter(|_| more);
        let next = next.map(|line| line.change.to_string());
        let mut items: Vec<_> = lines.into_iter().map(Change::from).collect();
        let sight = self.sight(actor).await?;
        for line in items.iter_mut().filter(|line| line.who != actor.login) {
            line.narrow(&sight);
        }
        Ok(List { items, next })
    }
}

impl Change {
    /// Leaves of mail that concerned others too the recipients that he sees.
    fn narrow(&mut self, sight: &Sight) {
        if *sight == Sight::All || !self.object.starts_with("queue ") {
            return;
        }
        let records = [&mut self.before, &mut self.after].into_iter().flatten();
        for recipients in records.filter_map(|record| record.get_mut("recipients")) {
            if let Value::Array(all) = recipients {
                all.retain(|to| to.as_str().is_some_and(|to| sight.address(to)));
            }
        }
    }
}

impl From<AuditEntry> for Change {
    fn from(line: AuditEntry) -> Self {
        // The directory has written them itself.
        let record = |text: Option<String>| serde_json::from_str(&text?).ok();
        Self {
            change: line.change,
            at: clock::written(line.at),
            who: line.who,
            from: line.from,
            object: line.object,
            domain: line.domain,
            before: record(line.before),
            after: record(line.after),
        }
    }
}
