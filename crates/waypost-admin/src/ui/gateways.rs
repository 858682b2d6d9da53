//! Gateway domains.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::form::{Form, Sought};
use super::layout::{again, trouble};
use super::pager::Pager;
use super::{Page, page as page_of};
use crate::api::List;
use crate::api::v1::gateways::Gateway;
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Name, Params};
use crate::problem::Problem;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/gateways", get(list))
        .route("/gateways/new", get(ask_new).post(make))
        .route("/gateways/domains/{name}", get(ask).post(change))
        .route(
            "/gateways/domains/{name}/remove",
            get(ask_remove).post(remove),
        )
}

#[derive(Template)]
#[template(path = "gateways/list.html")]
struct Gateways<'a> {
    page: &'a Page,
    gateways: List<Gateway>,
    pager: Pager,
    may_write: bool,
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(sought): Params<Sought>,
) -> Response {
    let part = sought.page();
    let gateways = console.gateways(&page.actor, &part).await;
    let made = gateways.map(|gateways| Gateways {
        page: &page,
        pager: Pager::of(
            "/gateways",
            &[],
            part.after.as_deref(),
            gateways.next.as_deref(),
        ),
        gateways,
        may_write: page.actor.require_everywhere(Right::RouteWrite).is_ok(),
    });
    page_of(&page, made)
}

#[derive(Template)]
#[template(path = "gateways/edit.html")]
struct Edit<'a> {
    page: &'a Page,
    /// The gateway domain; none: a new one.
    gateway: Option<Gateway>,
    methods: [&'static str; 4],
    form: Form,
}

impl<'a> Edit<'a> {
    fn of(page: &'a Page, gateway: Option<Gateway>, form: Form) -> Self {
        Self {
            page,
            gateway,
            methods: ["callout", "minger", "list", "none"],
            form,
        }
    }

    fn has_secret(&self) -> bool {
        let gateway = self.gateway.as_ref();
        gateway.is_some_and(|gateway| gateway.minger_secret_set)
    }
}

fn empty() -> Form {
    let mut form = Form::default();
    form.set("verify", "callout");
    form.set("minger_port", "4069");
    form.set("unreachable", "later");
    form.tick("sharing_too", true);
    form
}

fn filled(gateway: &Gateway) -> Form {
    let mut form = Form::default();
    form.set("target", gateway.target.clone());
    form.set("verify", gateway.verify.word());
    form.set(
        "minger_host",
        gateway.minger_host.clone().unwrap_or_default(),
    );
    form.set("minger_port", gateway.minger_port.to_string());
    form.set("list", gateway.list.clone().unwrap_or_default());
    form.set("unreachable", gateway.unreachable.word());
    form.tick("sharing_too", gateway.sharing_too);
    form.set("revision", gateway.revision.to_string());
    form
}

fn fields(form: &Form, is_new: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    for name in ["target", "verify", "minger_host", "list", "unreachable"] {
        let text = form.get(name);
        if !is_new || !text.is_empty() {
            fields.insert(name.to_owned(), json!(text));
        }
    }
    let port = form.get("minger_port");
    let number = port.parse::<u64>().map(Value::from);
    let number = number.unwrap_or_else(|_| json!(port));
    fields.insert("minger_port".to_owned(), number);
    let sharing_too = form.has("sharing_too");
    fields.insert("sharing_too".to_owned(), json!(sharing_too));
    let secret = form.get("minger_secret");
    if form.has("minger_secret_remove") || !secret.is_empty() {
        let is_gone = form.has("minger_secret_remove");
        let secret = if is_gone { "" } else { secret };
        fields.insert("minger_secret".to_owned(), json!(secret));
    }
    fields
}

async fn ask_new(page: Page) -> Response {
    let made = page.actor.require_everywhere(Right::RouteWrite);
    page_of(&page, made.map(|()| Edit::of(&page, None, empty())))
}

async fn make(State(console): State<Console>, page: Page, form: Form) -> Response {
    let name = form.get("domain").to_lowercase();
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let fields = fields(&form, true);
        console.add::<Gateway>(&page.actor, &name, fields).await
    };
    match made.await {
        Ok(_) => Redirect::to("/gateways?done=gateway-made").into_response(),
        Err(problem) => {
            let form = form.refused(problem.clone());
            again(&problem, &Edit::of(&page, None, form))
        }
    }
}

async fn ask(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        console.gateway(&page.actor, &name).await
    };
    let made = made.await.map(|gateway| {
        let form = filled(&gateway);
        Edit::of(&page, Some(gateway), form)
    });
    page_of(&page, made)
}

async fn change(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let changed = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let (fields, revision) = (fields(&form, false), form.revision());
        let changed = console.change::<Gateway>(&page.actor, &name, fields, revision);
        changed.await
    };
    let Err(problem) = changed.await else {
        return Redirect::to("/gateways?done=gateway-saved").into_response();
    };
    let Ok(gateway) = console.gateway(&page.actor, &name).await else {
        return trouble(&page, &problem);
    };
    let is_stale = problem.code() == StatusCode::PRECONDITION_FAILED;
    let form = if is_stale { filled(&gateway) } else { form };
    let form = form.refused(problem.clone());
    again(&problem, &Edit::of(&page, Some(gateway), form))
}

#[derive(Template)]
#[template(path = "gateways/remove.html")]
struct Remove<'a> {
    page: &'a Page,
    gateway: Gateway,
    form: Form,
}

async fn ask_remove(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = removal(&console, &page, &name, Form::default()).await;
    page_of(&page, made)
}

async fn removal<'a>(
    console: &Console,
    page: &'a Page,
    name: &str,
    form: Form,
) -> Result<Remove<'a>, Problem> {
    page.actor.require_everywhere(Right::RouteWrite)?;
    let gateway = console.gateway(&page.actor, name).await?;
    Ok(Remove {
        page,
        gateway,
        form,
    })
}

async fn remove(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let removed = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let revision = form.revision();
        let removed = console.remove::<Gateway>(&page.actor, &name, revision);
        removed.await
    };
    let Err(problem) = removed.await else {
        return Redirect::to("/gateways?done=gateway-removed").into_response();
    };
    let form = form.refused(problem.clone());
    match removal(&console, &page, &name, form).await {
        Ok(shown) => again(&problem, &shown),
        Err(_) => trouble(&page, &problem),
    }
}
