//! The overview: what is wrong, a picture of the site, charts; kept current while it is open.

mod chart;
mod map;
mod wrong;

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use waypost_directory::Scope;

use super::address;
use super::layout::{Page, View, page as page_of};
use crate::api::v1::overview::{
    HopCondition, HopKind, NextHop, Overview, SourceKind, ThisServer, WrongKind,
};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::Params;
use crate::live;
use crate::problem::Problem;
use chart::{Chart, Span};
use map::Map;
use wrong::Told;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/", get(show))
        .route("/overview/live", get(follow))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    span: Span,
}

#[derive(Template)]
#[template(path = "overview/show.html")]
struct Show<'a> {
    page: &'a Page,
    now: Now<'a>,
    span: Span,
    charts: Vec<Chart>,
}

/// What is current, and comes again and again.
#[derive(Template)]
#[template(path = "overview/now.html")]
struct Now<'a> {
    page: &'a Page,
    site: Overview,
    wrong: Vec<Told>,
    /// None: he is limited to domains, and mail is counted for the whole site.
    map: Option<Map>,
}

impl<'a> Now<'a> {
    async fn of(console: &Console, page: &'a Page) -> Result<Self, Problem> {
        let site = console.overview(&page.actor).await?;
        Ok(Self {
            page,
            wrong: wrong::told(page, &site.wrong),
            map: site.flow.is_some().then(|| Map::of(page, &site)),
            site,
        })
    }
}

impl NextHop {
    /// What it is called: targets by their name, the others by what they are.
    pub(crate) fn title(&self, view: &View) -> String {
        match self.kind {
            HopKind::Peer | HopKind::Target => self.name.clone(),
            HopKind::Local => view.say("hop-local"),
            HopKind::Mx => view.say("hop-mx"),
            HopKind::None => view.say("hop-none"),
            HopKind::SmartHost => view.say("hop-smart-host"),
        }
    }

    /// The key of what it is, without `hop-kind-`.
    pub(crate) fn kind_word(&self) -> &'static str {
        match self.kind {
            HopKind::Local => "local",
            HopKind::Mx => "mx",
            HopKind::None => "none",
            HopKind::Peer => "peer",
            HopKind::SmartHost => "smart-host",
            HopKind::Target => "target",
        }
    }

    /// Where it is looked at: the page of a target or peer, the queue for the others.
    pub(crate) fn address(&self, actor: &Actor) -> Option<String> {
        let (kind, right) = match self.kind {
            HopKind::Peer => (WrongKind::Peer, Right::RouteRead),
            HopKind::Target => (WrongKind::Target, Right::RouteRead),
            _ => (WrongKind::NextHop, Right::QueueRead),
        };
        let address = address::of_object(kind, &self.name);
        actor.may(right).then_some(address)
    }

    /// The age of the oldest message that waits.
    pub(crate) fn oldest(&self) -> Duration {
        Duration::from_secs(self.oldest_s.unwrap_or_default())
    }

    /// Recipients that wait.
    pub(crate) fn recipients(&self) -> u64 {
        self.waiting.unwrap_or_default()
    }

    /// Messages per minute that came from it.
    pub(crate) fn incoming(&self) -> f64 {
        self.incoming_per_minute.unwrap_or_default()
    }

    /// Recipients per minute that it took.
    pub(crate) fn sent(&self) -> f64 {
        self.sent_per_minute.unwrap_or_default()
    }

    /// Recipients per minute that it did not take.
    pub(crate) fn failed(&self) -> f64 {
        let bounced = self.bounced_per_minute.unwrap_or_default();
        self.deferred_per_minute.unwrap_or_default() + bounced
    }
}

impl ThisServer {
    /// The age of the oldest message that waits.
    pub(crate) fn oldest(&self) -> Duration {
        Duration::from_secs(self.oldest_s.unwrap_or_default())
    }

    /// How long it runs, in begun minutes: seconds would make every look another.
    pub(crate) fn up(&self) -> Duration {
        Duration::from_secs((self.up_s / 60).max(1) * 60)
    }
}

impl HopCondition {
    /// The word of the API, for keys.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Held => "held",
            Self::Unused => "unused",
            Self::Up => "up",
        }
    }

    /// The class of a badge or a node.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Degraded => "warn",
            Self::Down => "bad",
            Self::Held => "held",
            Self::Unused => "quiet",
            Self::Up => "ok",
        }
    }
}

async fn show(
    State(console): State<Console>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Response {
    let now = Now::of(&console, &page).await;
    let made = now.map(|now| Show {
        page: &page,
        now,
        span: asked.span,
        // They are the whole site's.
        charts: match page.actor.scope {
            Scope::All => chart::all(&page, asked.span),
            Scope::Domains(_) => Vec::new(),
        },
    });
    page_of(&page, made)
}

async fn follow(State(console): State<Console>, page: Page) -> Result<Response, Problem> {
    page.actor.require(Right::StatisticsRead)?;
    live::fragments(move || {
        let (console, page) = (console.clone(), page.clone());
        async move {
            let now = Now::of(&console, &page).await.ok()?;
            now.render().ok()
        }
    })
}
