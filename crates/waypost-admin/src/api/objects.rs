//! What the objects of all kinds share: list, show, add, change, remove.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use waypost_proto::mail::Domain;

use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{self, Filter, Find, Kind, Removal, Request, words};

/// Most objects of one answer.
pub(crate) const PAGE_MAX: usize = 500;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// Most objects.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; null behind the last.
    #[serde(default, deserialize_with = "cursor")]
    pub(crate) next: Option<String>,
}

/// A cursor, which may be a number where it is made.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// What an addition, a change or a removal came to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Written {
    /// Allowed, but worth knowing.
    pub(crate) notes: Vec<String>,
}

/// A kind of objects of the directory.
pub(crate) trait Resource: Serialize + DeserializeOwned {
    /// What it is.
    const KIND: Kind;
    /// Who sees it.
    const READ: Right;
    /// Who changes it.
    const WRITE: Right;

    /// What it was when it was read.
    fn revision(&self) -> u64;
}

/// An object as an answer, with its `ETag`.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Resource> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        let tag = format!("\"{}\"", self.0.revision());
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        (headers, Json(self.0)).into_response()
    }
}

impl Page {
    /// The number behind which the page begins, where the server counts with numbers.
    pub(crate) fn number(&self) -> Result<u32, Problem> {
        let after = self.after.as_deref().map_or(Ok(0), str::parse);
        after.map_err(|_| {
            let mend = "take `next` of the page before";
            Problem::key("after", "this is no cursor", mend)
        })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, PAGE_MAX)
    }
}

/// The domain that a thing with this name belongs to; none: it is the site's.
fn domain_of(kind: Kind, name: &str) -> Result<Option<Domain>, Problem> {
    let domain = match kind {
        Kind::Domain => name,
        Kind::Group | Kind::Mailbox | Kind::User => {
            name.rsplit_once('@').map_or("", |(_, domain)| domain)
        }
        Kind::Admin | Kind::Gateway | Kind::Peer | Kind::Target => return Ok(None),
    };
    let parsed = Domain::parse(domain);
    let parsed = parsed.map_err(|_| {
        let object = format!("{} {name}", kind.word());
        let words = words::NO_SUCH.having("object", &object);
        Problem::of(StatusCode::NOT_FOUND, words.having("kind", kind.word()))
    });
    parsed.map(Some)
}

/// Refuses who has not the right to the thing with this name.
pub(crate) fn require(actor: &Actor, right: Right, kind: Kind, name: &str) -> Result<(), Problem> {
    match domain_of(kind, name)? {
        Some(domain) => actor.require_in(right, &domain),
        None => actor.require(right),
    }
}

/// Refuses a name that nothing new can have, to whoever may make such things.
pub(crate) fn nameable(actor: &Actor, right: Right, kind: Kind, name: &str) -> Result<(), Problem> {
    let (field, domain) = match kind {
        Kind::Domain => ("name", name),
        Kind::Group | Kind::Mailbox | Kind::User => (
            "domain",
            name.rsplit_once('@').map_or("", |(_, domain)| domain),
        ),
        Kind::Admin | Kind::Gateway | Kind::Peer | Kind::Target => return Ok(()),
    };
    actor.require(right)?;
    let parsed = Domain::parse(domain).map(drop);
    parsed.map_err(|error| {
        let words = words::syntax("", error).mended(words::WRITE_DOMAIN);
        Problem::field(field, words)
    })
}

/// Refuses a body without the fields that something new must have, and names each of them.
pub(crate) fn complete(fields: &Map<String, Value>, needed: &[&str]) -> Result<(), Problem> {
    let is_missing = |field: &&&str| match fields.get(**field) {
        None | Some(Value::Null) => true,
        Some(value) => value == "",
    };
    let missing: Vec<&str> = needed.iter().filter(is_missing).copied().collect();
    let mend = "write it as /api/openapi.json says";
    let keys = missing.iter();
    let keys = keys.flat_map(|field| Problem::key(field, "it is missing", mend).problems);
    let problems: Vec<_> = keys.collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Problem {
        problems,
        ..Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("fields are missing: {}", missing.join(", ")),
        )
    })
}

/// Takes a text out of a body that cannot do without it.
pub(crate) fn text(fields: &mut Map<String, Value>, field: &str) -> Result<String, Problem> {
    match fields.remove(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(Problem::key(field, "it is missing", "write it as a text")),
    }
}

/// Reads a value of the running server as what it should be.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| {
        tracing::error!("an answer of the server is not as described: {error}");
        Problem::internal()
    })
}

impl Console {
    /// A page of those that a filter means, as far as he may see them.
    pub(crate) async fn find<T: Resource>(
        &self,
        actor: &Actor,
        filter: Filter,
        page: &Page,
    ) -> Result<List<T>, Problem> {
        actor.require(T::READ)?;
        let request = Request::Find(Find {
            kind: T::KIND,
            filter: Filter {
                scope: actor.domains(),
                ..filter
            },
            after: page.after.clone(),
            limit: page.limit(),
            count: false,
        });
        read(self.ask(actor, request).await?)
    }

    /// A page of all objects of a kind, in the order in which they were made.
    pub(crate) async fn page_of<T: Resource>(
        &self,
        actor: &Actor,
        page: &Page,
    ) -> Result<List<T>, Problem> {
        actor.require(T::READ)?;
        let request = Request::List(request::List {
            kind: T::KIND,
            domain: None,
            after: page.number()?,
            limit: page.limit(),
        });
        read(self.ask(actor, request).await?)
    }

    /// One object.
    pub(crate) async fn show<T: Resource>(&self, actor: &Actor, name: &str) -> Result<T, Problem> {
        require(actor, T::READ, T::KIND, name)?;
        let request = Request::Show {
            kind: T::KIND,
            name: name.to_owned(),
        };
        read(self.ask(actor, request).await?)
    }

    /// Makes one.
    pub(crate) async fn add<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        fields: Map<String, Value>,
    ) -> Result<Written, Problem> {
        nameable(actor, T::WRITE, T::KIND, name)?;
        require(actor, T::WRITE, T::KIND, name)?;
        let object = object(T::KIND, name, fields, None);
        read(self.ask(actor, Request::Add(object)).await?)
    }

    /// Changes the fields that are given.
    pub(crate) async fn change<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        fields: Map<String, Value>,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        require(actor, T::WRITE, T::KIND, name)?;
        let object = object(T::KIND, name, fields, revision);
        read(self.ask(actor, Request::Set(object)).await?)
    }

    /// Removes one.
    pub(crate) async fn remove<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        require(actor, T::WRITE, T::KIND, name)?;
        let removal = Removal {
            kind: T::KIND,
            name: name.to_owned(),
            revision,
        };
        read(self.ask(actor, Request::Remove(removal)).await?)
    }
}

/// An object as requests have it.
pub(crate) fn object(
    kind: Kind,
    name: &str,
    mut fields: Map<String, Value>,
    revision: Option<u64>,
) -> request::Object {
    // `force` is no field of the object: it saves what peers object to.
    let force = fields.remove("force").is_some_and(|force| force == true);
    request::Object {
        kind,
        name: name.to_owned(),
        fields,
        append: Map::new(),
        take: Map::new(),
        force,
        revision,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_missing_field_is_named_at_once() {
        let fields = |value: Value| value.as_object().unwrap().clone();
        let problem = complete(
            &fields(json!({ "host": "", "port": 25 })),
            &["name", "host"],
        );
        let problem = problem.unwrap_err();
        let named: Vec<_> = problem.problems.iter().map(|one| &*one.field).collect();
        assert_eq!((problem.status, named), (422, vec!["name", "host"]));
        let whole = fields(json!({ "name": "old", "host": "10.0.0.7" }));
        assert!(complete(&whole, &["name", "host"]).is_ok());
    }
}
