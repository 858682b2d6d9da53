//! The queue: what waits, by next hop and age; messages by a filter; one verb for many.

mod ask;
mod filter;
mod history;
mod show;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use super::layout::{again, trouble};
use super::until::{self, Until};
use super::{Page, page as page_of};
use crate::api::v1::holds::{Hold, HoldKind};
use crate::api::v1::queue::{Line, Messages, Shape};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Fields, Params};
use crate::live;
use crate::problem::Problem;
use crate::request::words;
use filter::Query;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/queue", get(list))
        .route("/queue/live", get(follow))
        .route("/queue/ask", get(ask::many))
        .route("/queue/actions", post(ask::begin))
        .route("/queue/hold", get(ask_hold).post(hold))
        .route("/queue/release", post(release))
        .route("/queue/{id}", get(show::show))
        .route("/queue/{id}/ask", get(ask::one))
        .route("/queue/{id}/act", post(ask::act))
}

/// What the log says of orders, as far as there are words for it.
const ORDERED: [&str; 3] = ["held", "released", "removed"];

impl Page {
    /// A next hop in words.
    pub(crate) fn hop(&self, name: &str) -> String {
        match name {
            "lmtp" | "maildir" | "none" | "smart-host" => self.word("queue-hop", name),
            name => match name.strip_prefix("mx:") {
                Some(domain) => self.with("queue-hop-to-mx", "domain", domain),
                None => name.to_owned(),
            },
        }
    }

    /// A verb of the log, as its button says it.
    pub(crate) fn verb(&self, verb: &str) -> String {
        let (whom, word) = verb.rsplit_once(' ').unwrap_or(("", verb));
        let word = match ORDERED.contains(&word) {
            true => self.word("audit-done", word),
            false => word.to_owned(),
        };
        match whom {
            "" => word,
            whom => format!("{word} ({whom})"),
        }
    }

    /// An age in seconds, in words.
    pub(crate) fn age(&self, seconds: &str) -> String {
        match seconds.parse() {
            Ok(seconds) => self.seconds(&seconds),
            Err(_) => self.say("queue-any"),
        }
    }

    /// Whether he may change messages, somewhere.
    pub(crate) fn may_order(&self) -> bool {
        self.may(Right::QueueWrite)
    }
}

#[derive(Template)]
#[template(path = "queue/list.html")]
struct Queue<'a> {
    page: &'a Page,
    query: Query,
    shape: &'a Shape,
    holds: Vec<Hold>,
    messages: Messages,
}

#[derive(Template)]
#[template(path = "queue/shape.html")]
struct Waits<'a> {
    page: &'a Page,
    shape: &'a Shape,
}

/// A column of the summary: from and to, in seconds.
struct Column {
    from_s: u64,
    /// None: whatever is older.
    to_s: Option<u64>,
}

impl Shape {
    fn columns(&self) -> Vec<Column> {
        let ends = self.ages_min.iter().map(|minutes| minutes * 60);
        let starts = std::iter::once(0).chain(ends.clone());
        let ends = ends.map(Some).chain([None]);
        let columns = starts.zip(ends);
        columns
            .map(|(from_s, to_s)| Column { from_s, to_s })
            .collect()
    }

    /// All recipients that wait.
    fn total(&self) -> u64 {
        self.next_hops.iter().map(|line| line.total).sum()
    }
}

impl Line {
    /// Each column with its count, and the address of the messages in it.
    fn cells(&self, shape: &Shape) -> Vec<(u64, String)> {
        let columns = shape.columns().into_iter();
        let cells = columns.zip(&self.by_age).map(|(column, count)| {
            let query = Query {
                next_hop: self.next_hop.clone(),
                age_min: match column.from_s {
                    0 => String::new(),
                    from => from.to_string(),
                },
                age_max: column.to_s.map(|to| to.to_string()).unwrap_or_default(),
                ..Query::default()
            };
            (*count, query.address())
        });
        cells.collect()
    }

    /// The address of all messages of the line.
    fn address(&self) -> String {
        let query = Query {
            next_hop: self.next_hop.clone(),
            ..Query::default()
        };
        query.address()
    }
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(given): Params<Vec<(String, String)>>,
) -> Response {
    let query = Query::read(&Fields(given));
    let actor = &page.actor;
    let read = async {
        let messages = console
            .queue(actor, query.filter()?, query.paging())
            .await?;
        let shape = console.queue_shape(actor).await?;
        let holds = console.holds(actor).await?;
        Ok((messages, shape, holds))
    };
    match read.await {
        Ok((messages, shape, holds)) => {
            let queue = Queue {
                page: &page,
                query,
                shape: &shape,
                holds,
                messages,
            };
            page_of(&page, Ok(queue))
        }
        Err(problem) => trouble(&page, &problem),
    }
}

async fn follow(State(console): State<Console>, page: Page) -> Result<Response, Problem> {
    page.actor.require(Right::QueueRead)?;
    live::fragments(move || {
        let (console, page) = (console.clone(), page.clone());
        async move {
            let shape = console.queue_shape(&page.actor).await.ok()?;
            let waits = Waits {
                page: &page,
                shape: &shape,
            };
            waits.render().ok()
        }
    })
}

#[derive(Template)]
#[template(path = "queue/hold.html")]
struct HoldForm<'a> {
    page: &'a Page,
    kind: &'a str,
    name: &'a str,
    reason: &'a str,
    until: &'a Until,
    problem: Option<&'a Problem>,
}

impl HoldForm<'_> {
    /// What he may hold here, and whether it is chosen; targets have a page of their own.
    fn kinds(&self) -> [(&'static str, bool); 2] {
        [HoldKind::Domain, HoldKind::User].map(|kind| (kind.word(), kind.word() == self.kind))
    }
}

async fn ask_hold(page: Page) -> Response {
    if let Err(problem) = page.actor.require(Right::QueueWrite) {
        return trouble(&page, &problem);
    }
    let form = HoldForm {
        page: &page,
        kind: "",
        name: "",
        reason: "",
        until: &Until::default(),
        problem: None,
    };
    page_of(&page, Ok(form))
}

async fn hold(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let held = async {
        let until = until::read(&fields, console.now())?;
        let kind = HoldKind::parse(fields.text("kind"));
        let kind = kind.ok_or_else(|| Problem::field("kind", words::HOLD_KIND))?;
        let reason = fields.text("reason").to_owned();
        let what = (kind, fields.text("name"));
        console.hold(&page.actor, what, reason, until).await
    };
    match held.await {
        Ok(_) => Redirect::to("/queue?done=queue-hold-set").into_response(),
        Err(problem) => {
            let form = HoldForm {
                page: &page,
                kind: fields.text("kind"),
                name: fields.text("name"),
                reason: fields.text("reason"),
                until: &Until::of(&fields),
                problem: Some(&problem),
            };
            again(&problem, &form)
        }
    }
}

/// Ends the hold on a target, domain or user.
async fn release(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let released = async {
        let kind = HoldKind::parse(fields.text("kind"));
        let kind = kind.ok_or_else(|| Problem::field("kind", words::HOLD_KIND))?;
        let name = fields.text("name");
        console.release(&page.actor, kind, name).await
    };
    match released.await {
        Ok(_) => Redirect::to("/queue?done=queue-hold-ended").into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}
