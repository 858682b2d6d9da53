//! Logins.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::AppendHeaders;
use waypost_directory::LoginError;

use super::browser::Browsers;
use super::session::Cookie;
use super::tries::{MEMORY, PER_ADDRESS, PER_LOGIN, Reached, Try};
use crate::console::{Console, Origin};
use crate::problem::Problem;
use crate::request::words;

/// What somebody logs in with.
pub(crate) struct Attempt<'a> {
    pub(crate) login: &'a str,
    pub(crate) password: String,
    pub(crate) origin: Origin,
    /// Of the request.
    pub(crate) headers: &'a HeaderMap,
}

/// A session that has begun.
pub(crate) struct Begun {
    /// Its name.
    pub(crate) id: String,
    /// The session, and that its owner is known in this browser.
    pub(crate) cookies: AppendHeaders<[(HeaderName, HeaderValue); 2]>,
}

/// Checks login and password and begins a session.
///
/// Whoever may not log in hears the same, after the same time.
pub(crate) async fn log_in(console: &Console, attempt: Attempt<'_>) -> Result<Begun, Problem> {
    let (now, origin) = (console.now(), attempt.origin);
    let login = attempt.login.trim().to_lowercase();
    let browsers = Browsers {
        key: &console.parts.key,
        login: &login,
    };
    let tried = Try {
        login: &login,
        address: origin.address.ip(),
        browser: browsers.known(attempt.headers, now),
        at: now,
    };
    let reached = console.logins.begin(&tried).map_err(|wait| {
        let mut problem = Problem::of(StatusCode::TOO_MANY_REQUESTS, words::LOGINS_TOO_MANY);
        problem.retry_after_s = Some(wait.as_secs() + 1);
        problem
    })?;
    let (name, password) = (login.clone(), attempt.password);
    let checked = console.directory(move |directory| {
        let checked = directory.check_admin(&name, &password);
        let known = directory.admin(&name).is_ok_and(|admin| admin.is_some());
        (checked, known)
    });
    let (checked, is_known) = checked.await?;
    let admin = match checked {
        Ok(admin) => admin.record,
        Err(LoginError::Refused) => {
            // What was typed may be a password in the wrong field: only names are logged that
            // administrators have.
            let name = if is_known {
                login.as_str()
            } else {
                "nobody here"
            };
            tell(&tried, name, &reached);
            return Err(Problem::of(StatusCode::UNAUTHORIZED, words::LOGIN_WRONG));
        }
        Err(LoginError::Unavailable(error)) => return Err(error.into()),
    };
    console.logins.succeeded(&tried);
    tracing::info!("{login} has logged in from {}", tried.address);
    // The first search should not have to wait for it.
    console.parts.directory.prepare_find();
    let no_random = |error| {
        tracing::error!("a session cannot begin: {error}");
        Problem::internal()
    };
    let begun = console.sessions.begin(&admin.login, admin.must_change, now);
    let id = begun.map_err(no_random)?;
    let known = browsers.remember(tried.browser, now, origin.is_secure);
    let known = known.map_err(no_random)?;
    let session = Cookie::set(&id, origin.is_secure);
    let (Some(session), Some(known)) = (session, known) else {
        return Err(Problem::internal());
    };
    let cookies = [session, known].map(|cookie| (header::SET_COOKIE, cookie));
    Ok(Begun {
        id,
        cookies: AppendHeaders(cookies),
    })
}

/// Tells the log of a login that was refused.
fn tell(tried: &Try<'_>, name: &str, reached: &[Reached]) {
    let (address, minutes) = (tried.address, MEMORY.as_secs() / 60);
    tracing::warn!("a login of {name} from {address} was refused");
    for reached in reached {
        match reached {
            Reached::Address => tracing::warn!(
                "{address} must wait {minutes} minutes: {PER_ADDRESS} logins from there were \
                 refused, the last one of {name}"
            ),
            Reached::Login => tracing::warn!(
                "somebody guesses the password of {name}: {PER_LOGIN} logins were refused within \
                 {minutes} minutes, so each address may try less often"
            ),
        }
    }
}
