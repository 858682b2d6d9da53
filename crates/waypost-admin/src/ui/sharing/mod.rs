//! Domain Sharing: peers and how they do, conflicts, audits.

mod audit;
mod edit;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use waypost_directory::Scope;

use super::form::{Form, Sought};
use super::layout::{again, trouble};
use super::pager::Pager;
use super::{Page, page as page_of};
use crate::api::List;
use crate::api::v1::domain_list::{DomainQuery, ListedDomain};
use crate::api::v1::peers::{Peer, PeerTest, SharingConflict, Trial};
use crate::api::{Page as Part, v1::peers::PeerCheck};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Name, Params};
use crate::problem::Problem;

/// Domains to choose from for an audit.
const CHOICES: usize = 500;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/sharing", get(list))
        .route("/sharing/forget", post(forget))
        .route("/sharing/peers/{name}/test", get(ask_test).post(test))
        .merge(audit::router())
        .merge(edit::router())
}

#[derive(Template)]
#[template(path = "sharing/list.html")]
struct Peers<'a> {
    page: &'a Page,
    peers: List<Peer>,
    pager: Pager,
    conflicts: Vec<SharingConflict>,
    /// Shared domains that he may compare with their peers.
    domains: Vec<String>,
    may_write: bool,
}

/// Whether he may change what belongs to the site.
fn may_write(page: &Page) -> bool {
    page.actor.require_everywhere(Right::RouteWrite).is_ok()
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(sought): Params<Sought>,
) -> Response {
    page_of(&page, listed(&console, &page, &sought.page()).await)
}

async fn listed<'a>(console: &Console, page: &'a Page, part: &Part) -> Result<Peers<'a>, Problem> {
    let peers = console.peers(&page.actor, part).await?;
    let conflicts = console.conflicts(&page.actor).await?;
    let mut domains = Vec::new();
    if page.may(Right::DomainWrite) {
        let query = DomainQuery {
            limit: Some(CHOICES),
            ..DomainQuery::default()
        };
        let all = console
            .domains(&page.actor, &query)
            .await?
            .items
            .into_iter();
        let shared = all.filter(|listed: &ListedDomain| !listed.domain.sharing.is_empty());
        domains.extend(shared.map(|listed| listed.domain.name));
    }
    Ok(Peers {
        page,
        pager: Pager::of(
            "/sharing",
            &[],
            part.after.as_deref(),
            peers.next.as_deref(),
        ),
        peers,
        conflicts,
        domains,
        may_write: may_write(page),
    })
}

async fn forget(State(console): State<Console>, page: Page, form: Form) -> Response {
    let address = form.get("address");
    let address = (!address.is_empty()).then(|| address.to_owned());
    match console.forget_conflicts(&page.actor, address).await {
        Ok(_) => Redirect::to("/sharing?done=conflicts-forgotten").into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}

#[derive(Template)]
#[template(path = "sharing/test.html")]
struct Test<'a> {
    page: &'a Page,
    name: &'a str,
    test: Option<PeerTest>,
    form: Form,
}

impl Test<'_> {
    fn class(check: &PeerCheck, test: &PeerTest) -> &'static str {
        match (check.ok, test.unreachable) {
            (true, _) => "ok",
            (false, true) => "warn",
            (false, false) => "bad",
        }
    }
}

async fn ask_test(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        console.peer(&page.actor, &name).await
    };
    let made = made.await.map(|_| Test {
        page: &page,
        name: &name,
        test: None,
        form: Form::default(),
    });
    page_of(&page, made)
}

async fn test(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let trial = Trial {
        address: Some(form.get("address").to_owned()),
    };
    let tested = console.test_peer(&page.actor, &name, trial).await;
    let mut shown = Test {
        page: &page,
        name: &name,
        test: None,
        form,
    };
    match tested {
        Ok(test) => {
            shown.test = Some(test);
            page_of(&page, Ok(shown))
        }
        Err(problem) if page.actor.scope == Scope::All => {
            shown.form = shown.form.refused(problem.clone());
            again(&problem, &shown)
        }
        Err(problem) => trouble(&page, &problem),
    }
}

impl Peer {
    /// The class of the badge of its state.
    pub(crate) fn class(&self) -> &'static str {
        match self.minger_state.word() {
            "answering" => "ok",
            "silent" => "bad",
            _ => "quiet",
        }
    }

    /// Cache hits of a hundred answers.
    pub(crate) fn hit_percent(&self) -> Option<u64> {
        let all = self.questions + self.cache_hits;
        (all > 0).then(|| self.cache_hits * 100 / all)
    }
}
