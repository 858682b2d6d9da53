//! The queue: what waits, and what can be done about it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Accepted, Begun, accepted};
use super::super::objects::read;
use super::super::refusals::Refusals;
use super::holds::Because;
use super::message::{Message, Standing, WholeMessage};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, Name, Params};
use crate::problem::Problem;
use crate::request::{
    QueueAction, QueueFilter, QueueList, QueueMany, QueueOrder, QueueRequest, Request, Selection,
    words,
};

/// Most messages of one answer.
const PAGE_MAX: usize = 500;
/// Most ids of one request.
const IDS_MAX: usize = 10_000;

/// Which messages are meant; what is not said does not matter. What is said of recipients must be
/// true of one and the same that still waits.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Filter {
    /// Is in the reverse-path.
    pub(crate) sender: Option<String>,
    /// Is in a recipient's address.
    pub(crate) recipient: Option<String>,
    /// The queue id begins so.
    pub(crate) id: Option<String>,
    /// A recipient is in this domain.
    pub(crate) domain: Option<String>,
    /// The last attempt went, or the first will go, to this target or next hop.
    pub(crate) next_hop: Option<String>,
    /// Accepted at least so many seconds ago.
    pub(crate) age_min: Option<u64>,
    /// Accepted at most so many seconds ago.
    pub(crate) age_max: Option<u64>,
    /// What it is doing.
    pub(crate) standing: Option<Standing>,
}

/// Which messages are listed, and how.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Listing {
    /// Is in the reverse-path.
    sender: Option<String>,
    /// Is in a recipient's address.
    recipient: Option<String>,
    /// The queue id begins so.
    id: Option<String>,
    /// A recipient is in this domain.
    domain: Option<String>,
    /// The last attempt went, or the first will go, to this target or next hop.
    next_hop: Option<String>,
    /// Accepted at least so many seconds ago.
    age_min: Option<u64>,
    /// Accepted at most so many seconds ago.
    age_max: Option<u64>,
    /// What it is doing.
    #[param(inline)]
    standing: Option<Standing>,
    /// What comes first.
    #[param(inline)]
    order: Option<Order>,
    /// What the answer before said comes next.
    after: Option<String>,
    /// Most messages.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    #[default]
    Newest,
    Oldest,
}

/// A page of the queue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Messages {
    pub(crate) items: Vec<Message>,
    /// Where the next page begins; null behind the last.
    pub(crate) next: Option<String>,
    /// How many match.
    pub(crate) count: Count,
}

/// How many messages match.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Count {
    /// At most 1000 are counted.
    pub(crate) matching: u64,
    /// Whether there are more.
    pub(crate) or_more: bool,
    /// All messages in the queue; null for who does not see all of them.
    pub(crate) of: Option<u64>,
}

/// What waits, by next hop and age.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Shape {
    /// The upper ends of the columns, in minutes; the last column has what is older.
    pub(crate) ages_min: Vec<u64>,
    /// A line each.
    pub(crate) next_hops: Vec<Line>,
}

/// What waits for one next hop.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Line {
    /// A target's name, `maildir`, `lmtp`, `smart-host`, `mx:DOMAIN` or `none`.
    pub(crate) next_hop: String,
    /// Recipients.
    pub(crate) total: u64,
    /// Recipients by the age of their message.
    pub(crate) by_age: Vec<u64>,
    /// The age of the oldest message.
    pub(crate) oldest_s: u64,
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Outcome {
    /// In one sentence.
    pub(crate) summary: String,
    /// How many messages are tried now, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) messages: Option<u64>,
}

/// What is tried now.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Flush {
    /// What waits for this target or next hop; missing: everything.
    pub(crate) target: Option<String>,
}

/// Why a message, or some of its recipients, are removed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(try_from = "Vec<(String, String)>")]
pub(crate) struct Removal {
    /// In the administrator's words.
    #[param(required = false)]
    reason: String,
    /// Only this recipient, and it may be said several times; missing: the whole message.
    #[param(required = false)]
    recipient: Vec<String>,
}

impl TryFrom<Vec<(String, String)>> for Removal {
    type Error = String;

    /// A query in which a parameter may come several times.
    fn try_from(given: Vec<(String, String)>) -> Result<Self, String> {
        let mut removal = Self::default();
        for (name, value) in given {
            match name.as_str() {
                "reason" => removal.reason = value,
                "recipient" => removal.recipient.push(value),
                _ => return Err(format!("unknown field `{name}`")),
            }
        }
        Ok(removal)
    }
}

/// One verb for many messages. Without ids and filter nothing is meant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    /// What is done.
    pub(crate) verb: Verb,
    /// These messages.
    #[serde(default)]
    #[schema(max_items = 10000)]
    pub(crate) ids: Vec<String>,
    /// All that match; with ids, those of them that match.
    #[serde(default)]
    pub(crate) filter: Option<Filter>,
    /// Why, in the administrator's words.
    #[serde(default)]
    pub(crate) reason: String,
    /// For a hold: when it ends by itself (RFC 3339).
    #[serde(default)]
    pub(crate) until: Option<String>,
}

/// What can be done with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Hold,
    Release,
    /// Nobody gets it, and its sender is not told.
    Remove,
    /// It is tried now.
    Retry,
}

impl Verb {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Hold, Self::Release, Self::Remove, Self::Retry]
            .into_iter()
            .find(|verb| verb.word() == word)
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Remove => "remove",
            Self::Retry => "retry",
        }
    }

    fn action(self) -> QueueAction {
        match self {
            Self::Hold => QueueAction::Hold,
            Self::Release => QueueAction::Release,
            Self::Remove => QueueAction::Remove,
            Self::Retry => QueueAction::Retry,
        }
    }
}

impl Filter {
    fn asked(self, scope: Option<Vec<String>>) -> QueueFilter {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        QueueFilter {
            sender: some(self.sender),
            recipient: some(self.recipient),
            id: some(self.id),
            domain: some(self.domain),
            next_hop: some(self.next_hop),
            age_min: self.age_min,
            age_max: self.age_max,
            standing: self.standing.map(Into::into),
            scope,
        }
    }
}

impl Listing {
    fn parts(self) -> (Filter, Paging) {
        let filter = Filter {
            sender: self.sender,
            recipient: self.recipient,
            id: self.id,
            domain: self.domain,
            next_hop: self.next_hop,
            age_min: self.age_min,
            age_max: self.age_max,
            standing: self.standing,
        };
        let paging = Paging {
            order: self.order.unwrap_or_default(),
            after: self.after,
            limit: self.limit.unwrap_or(50).clamp(1, PAGE_MAX),
        };
        (filter, paging)
    }
}

/// Which part of the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paging {
    pub(crate) order: Order,
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(summary))
        .routes(routes!(many))
        .routes(routes!(flush))
        .routes(routes!(show, remove))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(retry))
}

pub(crate) fn nobody(id: &str) -> Problem {
    let words = words::QUEUE_ID_GONE.having("id", id);
    Problem::of(StatusCode::NOT_FOUND, words)
}

impl Console {
    /// The names of his domains, aliases too; none: he sees all.
    pub(crate) fn names_of(&self, actor: &Actor) -> Option<Vec<String>> {
        let mut names = actor.domains()?;
        let snapshot = self.parts.directory.snapshot();
        for domain in snapshot
            .domains()
            .filter(|domain| actor.scope.has(&domain.name))
        {
            names.extend(domain.aliases.iter().map(ToString::to_string));
        }
        Some(names)
    }

    /// A page of the messages that he sees.
    pub(crate) async fn queue(
        &self,
        actor: &Actor,
        filter: Filter,
        paging: Paging,
    ) -> Result<Messages, Problem> {
        actor.require(Right::QueueRead)?;
        let names = self.names_of(actor);
        let request = QueueRequest::List(QueueList {
            filter: filter.asked(names.clone()),
            order: match paging.order {
                Order::Newest => QueueOrder::Newest,
                Order::Oldest => QueueOrder::Oldest,
            },
            after: paging.after,
            limit: paging.limit,
            count: true,
        });
        let mut page: Messages = read(self.ask(actor, Request::Queue(request)).await?)?;
        if let Some(names) = names {
            page.items.retain_mut(|message| message.is_left_for(&names));
            page.count.of = None;
        }
        Ok(page)
    }

    /// What waits of the mail that he sees, by next hop and age.
    pub(crate) async fn queue_shape(&self, actor: &Actor) -> Result<Shape, Problem> {
        actor.require(Right::QueueRead)?;
        let filter = Filter::default().asked(self.names_of(actor));
        let request = Request::Queue(QueueRequest::Summary { filter });
        read(self.ask(actor, request).await?)
    }

    /// One message, if he sees it.
    pub(crate) async fn message(&self, actor: &Actor, id: &str) -> Result<WholeMessage, Problem> {
        actor.require(Right::QueueRead)?;
        let request = QueueRequest::Show {
            id: id.to_owned(),
            content: false,
            header: true,
        };
        let mut whole: WholeMessage = read(self.ask(actor, Request::Queue(request)).await?)?;
        whole.changeable = actor.may(Right::QueueWrite);
        if let Some(names) = self.names_of(actor) {
            whole.changeable &= whole.message.is_changed_for(&names);
            if !whole.message.is_left_for(&names) {
                return Err(nobody(id));
            }
        }
        Ok(whole)
    }

    /// Does something to one message, if he may; recipients only with a removal.
    pub(crate) async fn order(
        &self,
        actor: &Actor,
        (verb, id): (Verb, &str),
        recipients: Vec<String>,
        (reason, until): (String, Option<u64>),
    ) -> Result<Outcome, Problem> {
        actor.require(Right::QueueWrite)?;
        let message = self.message(actor, id).await?;
        if !message.changeable {
            return Err(Problem::forbidden());
        }
        let id = id.to_owned();
        let request = match verb {
            Verb::Hold => QueueRequest::Hold {
                what: Selection::Message(id),
                reason,
                until,
            },
            Verb::Release => QueueRequest::Release {
                what: Selection::Message(id),
            },
            Verb::Remove => QueueRequest::Remove {
                id,
                recipients,
                reason,
            },
            Verb::Retry => QueueRequest::Flush {
                id: Some(id),
                target: None,
            },
        };
        read(self.ask(actor, Request::Queue(request)).await?)
    }

    /// Tries at once what waits for a target, or everything.
    pub(crate) async fn flush(
        &self,
        actor: &Actor,
        target: Option<String>,
    ) -> Result<Outcome, Problem> {
        actor.require_everywhere(Right::QueueWrite)?;
        let request = QueueRequest::Flush { id: None, target };
        read(self.ask(actor, Request::Queue(request)).await?)
    }

    /// Begins to do something to many messages, as far as he may.
    pub(crate) fn order_many(
        &self,
        actor: &Actor,
        many: Many,
        until: Option<u64>,
    ) -> Result<u64, Problem> {
        actor.require(Right::QueueWrite)?;
        if many.ids.is_empty() && many.filter.is_none() {
            let message = "no message is named";
            return Err(Problem::key("ids", message, "name some, or give a filter"));
        }
        if many.ids.len() > IDS_MAX {
            let words = words::MESSAGES_TOO_MANY.having("count", IDS_MAX);
            return Err(Problem::field("ids", words));
        }
        let names = self.names_of(actor);
        // With ids alone a filter is needed only to keep to his domains.
        let filter = match many.filter {
            None if names.is_none() => None,
            filter => Some(filter.unwrap_or_default().asked(names)),
        };
        let request = QueueRequest::Many(QueueMany {
            ids: many.ids,
            filter,
            action: many.verb.action(),
            reason: many.reason,
            until,
        });
        let what = format!("queue-{}", many.verb.word());
        self.begin(actor, &what, Request::Queue(request))
    }
}

/// Lists messages, the newest first.
#[utoipa::path(get, path = "/queue", tag = "queue", params(Listing),
    security(("token" = ["queue-read"])),
    responses((status = 200, body = Messages), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(listing): Params<Listing>,
) -> Result<Json<Messages>, Problem> {
    let (filter, paging) = listing.parts();
    console.queue(&actor, filter, paging).await.map(Json)
}

/// Counts the recipients that wait, by next hop and age.
#[utoipa::path(get, path = "/queue/summary", tag = "queue",
    security(("token" = ["queue-read"])),
    responses((status = 200, body = Shape), Refusals))]
async fn summary(State(console): State<Console>, actor: Actor) -> Result<Json<Shape>, Problem> {
    console.queue_shape(&actor).await.map(Json)
}

/// Shows a message with its header.
#[utoipa::path(get, path = "/queue/{id}", tag = "queue",
    params(("id" = String, Path, description = "Its queue id.")),
    security(("token" = ["queue-read"])),
    responses((status = 200, body = WholeMessage), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<Json<WholeMessage>, Problem> {
    console.message(&actor, &id).await.map(Json)
}

/// Holds a message.
#[utoipa::path(post, path = "/queue/{id}/hold", tag = "queue", request_body = Because,
    params(("id" = String, Path, description = "Its queue id.")),
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn hold(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
    input::Json(because): input::Json<Because>,
) -> Result<Json<Outcome>, Problem> {
    let because = (because.reason.clone(), because.until()?);
    let done = console.order(&actor, (Verb::Hold, &id), Vec::new(), because);
    done.await.map(Json)
}

/// Ends the hold on a message; it is tried at once.
#[utoipa::path(post, path = "/queue/{id}/release", tag = "queue",
    params(("id" = String, Path, description = "Its queue id.")),
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn release(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<Json<Outcome>, Problem> {
    let because = (String::new(), None);
    let done = console.order(&actor, (Verb::Release, &id), Vec::new(), because);
    done.await.map(Json)
}

/// Tries a message at once.
#[utoipa::path(post, path = "/queue/{id}/retry", tag = "queue",
    params(("id" = String, Path, description = "Its queue id.")),
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn retry(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<Json<Outcome>, Problem> {
    let because = (String::new(), None);
    let done = console.order(&actor, (Verb::Retry, &id), Vec::new(), because);
    done.await.map(Json)
}

/// Tries at once what waits for a target, or everything; needs the right in all domains.
#[utoipa::path(post, path = "/queue/retry", tag = "queue", request_body = Flush,
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn flush(
    State(console): State<Console>,
    actor: Actor,
    input::Json(what): input::Json<Flush>,
) -> Result<Json<Outcome>, Problem> {
    console.flush(&actor, what.target).await.map(Json)
}

/// Removes a message, or some of its recipients: nobody gets it, and its sender is not told.
#[utoipa::path(delete, path = "/queue/{id}", tag = "queue",
    params(("id" = String, Path, description = "Its queue id."), Removal),
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
    Params(removal): Params<Removal>,
) -> Result<Json<Outcome>, Problem> {
    let because = (removal.reason, None);
    let done = console.order(&actor, (Verb::Remove, &id), removal.recipient, because);
    done.await.map(Json)
}

/// Does the same to many messages, as a job: to all that match, or to those that are named. Its
/// report names those that it was not done to.
#[utoipa::path(post, path = "/queue/actions", tag = "queue", request_body = Many,
    security(("token" = ["queue-write"])),
    responses((status = 202, body = Begun,
        headers(("location" = String, description = "The job."))), Refusals))]
async fn many(
    State(console): State<Console>,
    actor: Actor,
    input::Json(many): input::Json<Many>,
) -> Result<Accepted, Problem> {
    let because = Because {
        reason: String::new(),
        until: many.until.clone(),
    };
    let until = because.until()?;
    console.order_many(&actor, many, until).map(accepted)
}
