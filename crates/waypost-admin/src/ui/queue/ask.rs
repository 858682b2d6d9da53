//! Verbs for one message, for some of its recipients, or for many messages: asked, then done.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::super::layout::{again, trouble};
use super::super::until::{self, Until};
use super::super::{Page, page as page_of};
use super::filter::Query;
use crate::address::encoded;
use crate::api::v1::queue::{Many, Paging, Verb};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Fields, Name, Params};
use crate::problem::Problem;
use crate::request::words;

/// Messages that are counted at most before they are changed.
const COUNT_LIMIT: usize = 1;

/// What is to be done, and to what.
#[derive(Template)]
#[template(path = "queue/ask.html")]
struct Ask<'a> {
    page: &'a Page,
    verb: Verb,
    title: String,
    /// What goes with a yes.
    hidden: Vec<(&'static str, String)>,
    action: String,
    back: String,
    reason: &'a str,
    until: &'a Until,
    problem: Option<&'a Problem>,
}

impl Ask<'_> {
    fn is_hold(&self) -> bool {
        self.verb == Verb::Hold
    }

    /// Whether it cannot be undone.
    fn is_final(&self) -> bool {
        self.verb == Verb::Remove
    }
}

fn verb_of(fields: &Fields) -> Result<Verb, Problem> {
    let verb = Verb::parse(fields.text("verb"));
    verb.ok_or_else(|| Problem::field("verb", words::VERB_UNKNOWN))
}

/// Asks about many messages: those that are ticked, or all that the filter means.
pub(super) async fn many(
    State(console): State<Console>,
    page: Page,
    Params(given): Params<Vec<(String, String)>>,
) -> Response {
    let fields = Fields(given);
    let made = async {
        page.actor.require(Right::QueueWrite)?;
        let verb = verb_of(&fields)?;
        let query = Query::read(&fields);
        let ids = fields.all("select");
        let all = fields.has("all");
        let mut hidden = vec![("verb", verb.word().to_owned())];
        let title = if all {
            let paging = Paging {
                limit: COUNT_LIMIT,
                ..Paging::default()
            };
            let count = console
                .queue(&page.actor, query.filter()?, paging)
                .await?
                .count;
            hidden.push(("all", "on".to_owned()));
            let pairs = query.pairs().map(|(name, value)| (name, value.to_owned()));
            hidden.extend(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
            if count.or_more {
                page.words(
                    "queue-ask-more",
                    verb.word(),
                    &[("count", count.matching.into())],
                )
            } else {
                page.words(
                    "queue-ask",
                    verb.word(),
                    &[("count", count.matching.into())],
                )
            }
        } else {
            if ids.is_empty() {
                return Err(Problem::field("select", words::MESSAGES_UNTICKED));
            }
            let count = ids.len();
            hidden.extend(ids.into_iter().map(|id| ("select", id)));
            page.words("queue-ask", verb.word(), &[("count", count.into())])
        };
        Ok(Ask {
            page: &page,
            verb,
            title,
            hidden,
            action: "/queue/actions".to_owned(),
            back: query.address(),
            reason: "",
            until: &UNTIL,
            problem: None,
        })
    };
    page_of(&page, made.await)
}

static UNTIL: Until = Until::new();

/// Begins it, as a job.
pub(super) async fn begin(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let begun = || {
        let verb = verb_of(&fields)?;
        let filter = if fields.has("all") {
            Some(Query::read(&fields).filter()?)
        } else {
            None
        };
        let many = Many {
            verb,
            ids: match filter {
                Some(_) => Vec::new(),
                None => fields.all("select"),
            },
            filter,
            reason: fields.text("reason").to_owned(),
            until: None,
        };
        let until = until::read(&fields, console.now())?;
        console.order_many(&page.actor, many, until)
    };
    match begun() {
        Ok(job) => Redirect::to(&format!("/jobs/{job}")).into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}

/// The question about one message, or about some of its recipients.
fn question<'a>(page: &'a Page, id: &str, verb: Verb, recipients: Vec<String>) -> Ask<'a> {
    let path = format!("/queue/{}", encoded(id));
    let count = recipients.len();
    let title = if count == 0 {
        page.words("queue-ask-one", verb.word(), &[("id", id.into())])
    } else {
        page.with("queue-ask-recipients", "count", count)
    };
    let verb_field = std::iter::once(("verb", verb.word().to_owned()));
    let recipients = recipients.into_iter().map(|to| ("select", to));
    Ask {
        page,
        verb,
        title,
        hidden: verb_field.chain(recipients).collect(),
        action: format!("{path}/act"),
        back: path,
        reason: "",
        until: &UNTIL,
        problem: None,
    }
}

/// Asks about one message.
pub(super) async fn one(
    State(console): State<Console>,
    page: Page,
    Name(id): Name,
    Params(given): Params<Vec<(String, String)>>,
) -> Response {
    let fields = Fields(given);
    let made = async {
        page.actor.require(Right::QueueWrite)?;
        let verb = verb_of(&fields)?;
        console.message(&page.actor, &id).await?;
        Ok(question(&page, &id, verb, fields.all("select")))
    };
    page_of(&page, made.await)
}

/// Does it.
pub(super) async fn act(
    State(console): State<Console>,
    page: Page,
    Name(id): Name,
    fields: Fields,
) -> Response {
    let verb = match verb_of(&fields) {
        Ok(verb) => verb,
        Err(problem) => return trouble(&page, &problem),
    };
    let recipients = fields.all("select");
    let is_whole = recipients.is_empty();
    let done = async {
        let until = until::read(&fields, console.now())?;
        let because = (fields.text("reason").to_owned(), until);
        let order = console.order(&page.actor, (verb, &id), recipients.clone(), because);
        order.await
    };
    if let Err(problem) = done.await {
        let asked = Ask {
            reason: fields.text("reason"),
            until: &Until::of(&fields),
            problem: Some(&problem),
            ..question(&page, &id, verb, recipients)
        };
        return again(&problem, &asked);
    }
    let done = match verb {
        Verb::Hold => "queue-held",
        Verb::Release => "queue-released",
        Verb::Remove if is_whole => {
            return Redirect::to("/queue?done=queue-removed").into_response();
        }
        Verb::Remove => "queue-recipients-removed",
        Verb::Retry => "queue-retried",
    };
    Redirect::to(&format!("/queue/{}?done={done}", encoded(&id))).into_response()
}
