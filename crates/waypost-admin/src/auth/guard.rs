//! The one door that every request passes: who it is, and that no other site sent it.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use tower_http::csrf::CsrfLayer;
use waypost_directory::{AdminRecord, Directory, MailType, Role, Scope, TokenHash, Unavailable};
use waypost_proto::mail::Mailbox;

use super::{Actor, Cookie, Proof};
use crate::console::{Console, Origin};
use crate::problem::Problem;
use crate::request::words;
use crate::ui::stale;

/// A form that a page sends.
const FORM_MAX: usize = 4 << 20;
/// Where a script says what a form says in its field `csrf`.
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// Nothing comes from elsewhere, nothing runs that is not a file of ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Pages that change something before anybody is logged in; the origin of the request guards them.
const BEFORE_LOGIN: [&str; 3] = ["/login", "/language", "/api/v1/session"];

/// The router behind the door.
pub(crate) fn guarded(router: Router<Console>, console: &Console) -> Router<Console> {
    router
        .layer(from_fn_with_state(console.clone(), guard))
        .layer(CsrfLayer::new())
        .layer(from_fn(headers))
}

/// Whether a change needs no session; to end one is no such change.
fn without_session(request: &Request) -> bool {
    request.method() == Method::POST && BEFORE_LOGIN.contains(&request.uri().path())
}

async fn guard(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let origin = request.extensions().get::<Origin>().copied();
    let origin = origin.map(|peer| peer.behind(request.headers(), &console.parts.trusted_proxies));
    if let Some(origin) = origin {
        request.extensions_mut().insert(origin);
    }
    let actor = match identify(&console, request.headers(), origin).await {
        Ok(actor) => actor,
        Err(problem) => {
            let (head, _) = request.into_parts();
            let page = stale::refusal(&console, &head, &problem);
            return page.unwrap_or_else(|| problem.into_response());
        }
    };
    if let Some(actor) = actor {
        if let Proof::Session { csrf, .. } = &actor.proof
            && !is_safe(request.method())
            && !without_session(&request)
        {
            request = match proven(request, csrf).await {
                Ok(request) => request,
                Err(refused) => return refused.answer(&console, actor).await,
            };
        }
        request.extensions_mut().insert(actor);
    }
    next.run(request).await
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Who sends this; nobody, when it does not say. A token that is no good is an error: it must not
/// pass for nobody.
async fn identify(
    console: &Console,
    headers: &HeaderMap,
    origin: Option<Origin>,
) -> Result<Option<Actor>, Problem> {
    let from = origin.map_or_else(String::new, |origin| origin.address.ip().to_string());
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let bearer = given
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        let secret = bearer.ok_or_else(Problem::unauthorized)?.to_owned();
        return by_token(console, secret, from).await.map(Some);
    }
    let Some(id) = Cookie::read(headers) else {
        return Ok(None);
    };
    by_session(console, id.to_owned(), from).await
}

async fn by_token(console: &Console, secret: String, from: String) -> Result<Actor, Problem> {
    let now = console.now();
    let hash = TokenHash(Sha256::digest(secret.as_bytes()).into());
    let found = console.directory(move |directory| -> Result<_, Unavailable> {
        let Some(found) = directory.token(&hash, now)? else {
            return Ok(None);
        };
        directory.touch_token(&found.record, now)?;
        Ok(Some(found.record))
    });
    let token = found.await??.ok_or_else(Problem::unauthorized)?;
    Ok(Actor {
        login: token.admin,
        role: token.role,
        scope: token.domains,
        grants: token.grants,
        from,
        proof: Proof::Token(token.id),
    })
}

async fn by_session(console: &Console, id: String, from: String) -> Result<Option<Actor>, Problem> {
    let Some(session) = console.sessions.find(&id, console.now()) else {
        return Ok(None);
    };
    let login = session.login.clone();
    let found = console.directory(move |directory| active(directory, &login));
    let Some(admin) = found.await?? else {
        console.sessions.end(&id);
        return Ok(None);
    };
    let scope = match admin.role {
        Role::Superadministrator => Scope::All,
        _ => admin.domains,
    };
    Ok(Some(Actor {
        login: admin.login,
        role: admin.role,
        scope,
        grants: admin.grants,
        from,
        proof: Proof::Session {
            id,
            csrf: session.csrf,
            must_change: session.must_change,
        },
    }))
}

/// The administrator, if he may still log in.
fn active(directory: &Directory, login: &str) -> Result<Option<AdminRecord>, Unavailable> {
    let found = directory.admin(login)?.map(|stored| stored.record);
    let Some(admin) = found.filter(|admin| !admin.suspended) else {
        return Ok(None);
    };
    let Ok(user) = Mailbox::parse(login) else {
        return Ok(Some(admin));
    };
    let user = directory.user(&user.domain, &user.local.folded())?;
    let may =
        user.is_some_and(|user| user.record.mail == MailType::Local && !user.record.suspended);
    Ok(may.then_some(admin))
}

/// The request, if it carries the session's own word.
async fn proven(request: Request, csrf: &str) -> Result<Request, Box<Unproven>> {
    let (head, body) = request.into_parts();
    if let Some(given) = head.headers.get(&CSRF_HEADER) {
        return match given.as_bytes() == csrf.as_bytes() {
            true => Ok(Request::from_parts(head, body)),
            false => Err(Unproven::new(head, forged())),
        };
    }
    if !is_form(&head.headers) {
        return Err(Unproven::new(head, forged()));
    }
    let Ok(bytes) = to_bytes(body, FORM_MAX).await else {
        let words = words::FORM_TOO_LARGE.having("max_bytes", FORM_MAX);
        let problem = Problem::of(StatusCode::PAYLOAD_TOO_LARGE, words);
        return Err(Unproven::new(head, problem));
    };
    if field(&bytes, "csrf") != Some(csrf) {
        let mut unproven = Unproven::new(head, forged());
        unproven.form = Some(bytes);
        return Err(unproven);
    }
    Ok(Request::from_parts(head, Body::from(bytes)))
}

/// A change that is not done.
struct Unproven {
    head: Parts,
    problem: Problem,
    /// What a page of an earlier session has sent.
    form: Option<Bytes>,
}

impl Unproven {
    fn new(head: Parts, problem: Problem) -> Box<Self> {
        Box::new(Self {
            head,
            problem,
            form: None,
        })
    }

    async fn answer(mut self: Box<Self>, console: &Console, actor: Actor) -> Response {
        self.head.extensions.insert(actor.clone());
        let problem = self.problem;
        let page = match self.form {
            Some(form) => stale::form(console, (self.head, form), actor, &problem).await,
            None => stale::refusal(console, &self.head, &problem),
        };
        page.unwrap_or_else(|| problem.into_response())
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// A field whose value needs no decoding.
fn field<'a>(form: &'a Bytes, name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(form).ok()?;
    let mut fields = text.split('&').filter_map(|field| field.split_once('='));
    fields.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn forged() -> Problem {
    Problem::of(StatusCode::FORBIDDEN, words::FORGED)
}

async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages and answers are one person's; files with a hash in their name say otherwise themselves.
    let private = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(private);
    response
}
