//! The cache: what other servers answered about addresses.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::ask::Ask;
use super::layout::{Page, page as page_of, trouble};
use super::pager::Pager;
use crate::address::address;
use crate::api::List;
use crate::api::v1::cache::{CacheEntry, CacheStatistics, Wanted, WantedAnswer};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Form, Params};
use crate::problem::Problem;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/cache", get(list))
        .route("/cache/drop", get(ask_drop).post(forget))
}

/// The filters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    text: String,
    target: String,
    answer: String,
    after: String,
}

#[derive(Template)]
#[template(path = "cache/list.html")]
struct Listed<'a> {
    page: &'a Page,
    asked: &'a Asked,
    statistics: CacheStatistics,
    servers: Vec<String>,
    entries: List<CacheEntry>,
    pager: Pager,
}

/// What is to be dropped.
#[derive(Debug, Deserialize)]
struct Wish {
    address: String,
    #[serde(default)]
    target: String,
}

impl CacheEntry {
    /// The page that asks whether it is to be dropped.
    fn drop_address(&self) -> String {
        let fields = [("address", self.address.as_str()), ("target", &self.target)];
        address("/cache/drop", &fields)
    }

    /// Where the address goes now.
    fn explain_address(&self) -> String {
        address("/explain", &[("address", &self.address)])
    }

    fn age(&self) -> Duration {
        Duration::from_secs(self.age_s)
    }

    fn left(&self) -> Duration {
        Duration::from_secs(self.expires_s)
    }
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Response {
    let made = listed(&console, &page, &asked).await;
    page_of(&page, made)
}

async fn listed<'a>(
    console: &Console,
    page: &'a Page,
    asked: &'a Asked,
) -> Result<Listed<'a>, Problem> {
    let wanted = Wanted {
        target: Some(asked.target.clone()),
        answer: match asked.answer.as_str() {
            "active" => Some(WantedAnswer::Active),
            "unknown" => Some(WantedAnswer::Unknown),
            _ => None,
        },
        text: Some(asked.text.trim().to_owned()),
        after: Some(asked.after.clone()),
        limit: None,
    };
    let entries = console.cache(&page.actor, &wanted).await?;
    let filters = [
        ("text", asked.text.as_str()),
        ("target", &asked.target),
        ("answer", &asked.answer),
    ];
    let next = entries.next.as_deref();
    Ok(Listed {
        page,
        asked,
        statistics: console.cache_statistics(&page.actor).await?,
        servers: console.answering(&page.actor).await?,
        pager: Pager::of("/cache", &filters, Some(&asked.after), next),
        entries,
    })
}

async fn ask_drop(page: Page, Params(wish): Params<Wish>) -> Response {
    let may = page.actor.require(Right::CacheDrop);
    let said = match wish.target.as_str() {
        "" => wish.address.clone(),
        target => format!("{} · {target}", wish.address),
    };
    let made = may.map(|()| Ask {
        page: &page,
        title: page.say("cache-drop-title"),
        text: vec![said, page.say("cache-drop-lead")],
        action: "/cache/drop".to_owned(),
        hidden: vec![("address", wish.address), ("target", wish.target)],
        yes: page.say("cache-drop"),
        back: "/cache".to_owned(),
    });
    page_of(&page, made)
}

async fn forget(State(console): State<Console>, page: Page, Form(wish): Form<Wish>) -> Response {
    let target = Some(wish.target);
    match console.forget(&page.actor, &wish.address, target).await {
        Ok(_) => Redirect::to("/cache?done=cache-drop").into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}
