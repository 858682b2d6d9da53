//! Many users at once: one verb for all, a file of them in, a file of them out.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, header};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Accepted, Begun, accepted};
use super::super::objects::{List, Page, require};
use super::super::refusals::Refusals;
use super::users::{User, UserState};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, Csv, Params};
use crate::problem::Problem;
use crate::request::{Filter, Import, Kind, Mail, Request, UserAction, UsersMany};

/// A file of a million users fits.
pub(crate) const IMPORT_MAX: usize = 128 << 20;
/// Users read at a time for a file.
const TOGETHER: usize = 500;
/// Pieces of a file that wait for a slow reader.
const WAITING: usize = 2;
/// The first line of a file.
const HEAD: &str = "domain,login,name,mail,addresses,relayed,target,quota,suspended\r\n";

/// What is done with many users.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    /// These, as `login@domain`; else the filter says which.
    #[serde(default)]
    names: Vec<String>,
    /// All whom it means; an empty one means everybody in one's domains.
    filter: Option<ActionFilter>,
    action: Verb,
    /// For `set-mail`.
    mail: Option<Mail>,
    /// For `set-target`; empty: the domain's relay.
    target: Option<String>,
}

/// Which users are meant; what is not set does not matter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionFilter {
    domain: Option<String>,
    text: Option<String>,
    mail: Option<Mail>,
    target: Option<String>,
    state: Option<UserState>,
}

/// What is done with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = UserVerb)]
pub(crate) enum Verb {
    /// He is removed.
    Remove,
    /// He receives and logs in again.
    Resume,
    /// His mail type is set.
    SetMail,
    /// He lives on this target from now on. Needs the grant `routing`.
    SetTarget,
    /// He neither receives nor logs in.
    Suspend,
}

/// How a file is imported.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Importing {
    /// Only what it would do.
    pub(crate) dry_run: bool,
    /// Peers are not asked about new addresses.
    pub(crate) force: bool,
}

/// Which users a file is made of.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    /// In this domain, by its main name.
    domain: Option<String>,
    /// Is in the login, the name or an address.
    text: Option<String>,
    /// Where the mailbox is.
    mail: Option<Mail>,
    /// Who lives on this target, by his own setting or his domain's.
    target: Option<String>,
    /// Suspended or not.
    state: Option<UserState>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    let import = OpenApiRouter::new()
        .routes(routes!(import))
        .layer(DefaultBodyLimit::max(IMPORT_MAX));
    OpenApiRouter::new()
        .routes(routes!(act))
        .routes(routes!(export))
        .merge(import)
}

/// Does the same to many users, as a job; who cannot be changed is left as he is, and told.
#[utoipa::path(post, path = "/users/actions", tag = "users", request_body = Action,
    security(("token" = ["account-write"])),
    responses((status = 202, body = Begun,
        headers(("location" = String, description = "The job."))), Refusals))]
async fn act(
    State(console): State<Console>,
    actor: Actor,
    input::Json(action): input::Json<Action>,
) -> Result<Accepted, Problem> {
    actor.require(Right::AccountWrite)?;
    let many = action.read()?;
    console.act_on_users(&actor, many).await.map(accepted)
}

/// Makes and changes users as a file says, as a job.
///
/// The first line names the columns: `domain`, `login`, `name`, `mail` (`local`, `third-party`,
/// `none`), `addresses` and `relayed` (with spaces between them; no relayed: all), `target`,
/// `quota`, `suspended` (`yes`, `no`). Only `login` must be there, with its domain
/// (`jdoe@example.com`) where there is no column for it. Columns that are missing leave what is
/// there. Users whom the file does not name stay as they are.
#[utoipa::path(post, path = "/users/import", tag = "users", params(Importing),
    request_body(content = String, content_type = "text/csv"),
    security(("token" = ["account-write"])),
    responses((status = 202, body = Begun,
        headers(("location" = String, description = "The job."))), Refusals))]
async fn import(
    State(console): State<Console>,
    actor: Actor,
    Params(how): Params<Importing>,
    Csv(text): Csv,
) -> Result<Accepted, Problem> {
    let import = console.importing(&actor, how, text).await?;
    let job = console.begin(&actor, "users-import", Request::Import(import))?;
    Ok(accepted(job))
}

/// Writes users as a file that can be imported.
#[utoipa::path(get, path = "/users/export", tag = "users", params(Exported),
    security(("token" = ["account-read"])),
    responses((status = 200, body = String, content_type = "text/csv"), Refusals))]
async fn export(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Exported>,
) -> Result<([(HeaderName, &'static str); 2], Body), Problem> {
    let filter = Filter {
        scope: None,
        domain: wanted.domain,
        text: wanted.text.unwrap_or_default(),
        mail: wanted.mail,
        target: wanted.target,
        suspended: wanted.state.map(|state| state == UserState::Suspended),
    };
    console.export_users(actor, filter).await
}

impl Action {
    fn read(self) -> Result<UsersMany, Problem> {
        let missing = |field| Problem::key(field, "it is missing", "say it for this action");
        let action = match self.action {
            Verb::Remove => UserAction::Remove,
            Verb::Resume => UserAction::Resume,
            Verb::Suspend => UserAction::Suspend,
            Verb::SetMail => UserAction::Mail(self.mail.ok_or_else(|| missing("mail"))?),
            Verb::SetTarget => UserAction::Target(self.target.ok_or_else(|| missing("target"))?),
        };
        let filter = self.filter.map(|filter| Filter {
            scope: None,
            domain: filter.domain,
            text: filter.text.unwrap_or_default(),
            mail: filter.mail,
            target: filter.target,
            suspended: filter.state.map(|state| state == UserState::Suspended),
        });
        if self.names.is_empty() && filter.is_none() {
            return Err(Problem::key(
                "names",
                "nobody is named",
                "name users, or give a filter",
            ));
        }
        if !self.names.is_empty() && filter.is_some() {
            return Err(Problem::key(
                "filter",
                "users are named too",
                "give either names or a filter",
            ));
        }
        Ok(UsersMany {
            names: self.names,
            filter,
            action,
            above: Vec::new(),
        })
    }
}

impl Console {
    /// Begins to do the same to many users.
    pub(crate) async fn act_on_users(
        &self,
        actor: &Actor,
        mut many: UsersMany,
    ) -> Result<u64, Problem> {
        actor.require(Right::AccountWrite)?;
        if matches!(many.action, UserAction::Target(_)) && !actor.may_target() {
            return Err(Problem::forbidden_field("target"));
        }
        for name in &many.names {
            require(actor, Right::AccountWrite, Kind::User, name)?;
        }
        many.filter = Some(Filter {
            scope: actor.domains(),
            ..many.filter.unwrap_or_default()
        });
        many.above = self.above(actor).await?;
        self.begin(actor, "users-actions", Request::Users(many))
    }

    /// An import as far as he may make one.
    pub(crate) async fn importing(
        &self,
        actor: &Actor,
        how: Importing,
        text: String,
    ) -> Result<Import, Problem> {
        actor.require(Right::AccountWrite)?;
        if how.force && !actor.may_force() {
            return Err(Problem::forbidden_field("force"));
        }
        Ok(Import {
            text,
            dry_run: how.dry_run,
            force: how.force,
            scope: actor.domains(),
            without_targets: !actor.may_target(),
            above: self.above(actor).await?,
        })
    }

    /// The users that a filter means, as a file; made while it is read.
    pub(crate) async fn export_users(
        &self,
        actor: Actor,
        filter: Filter,
    ) -> Result<([(HeaderName, &'static str); 2], Body), Problem> {
        let mut part = Page {
            after: None,
            limit: Some(TOGETHER),
        };
        // What is wrong with the filter is known now, or never.
        let mut users: List<User> = self.find(&actor, filter.clone(), &part).await?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let console = self.clone();
        tokio::spawn(async move {
            let mut text = HEAD.to_owned();
            loop {
                users.items.iter().for_each(|user| line(&mut text, user));
                if sender.send(Ok(std::mem::take(&mut text))).await.is_err() {
                    return;
                }
                part.after = users.next.take();
                if part.after.is_none() {
                    return;
                }
                users = match console.find(&actor, filter.clone(), &part).await {
                    Ok(users) => users,
                    Err(problem) => {
                        // The file must not look whole.
                        let error = std::io::Error::other(problem.detail);
                        let _ = sender.send(Err(error)).await;
                        return;
                    }
                };
            }
        });
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"users.csv\"",
            ),
        ];
        Ok((headers, Body::from_stream(Pieces(receiver))))
    }
}

/// Pieces of a file.
struct Pieces(mpsc::Receiver<Result<String, std::io::Error>>);

impl futures_core::Stream for Pieces {
    type Item = Result<String, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

fn line(text: &mut String, user: &User) {
    let suspended = if user.suspended { "yes" } else { "no" };
    let cells = [
        &user.domain,
        &user.login,
        &user.name,
        user.mail.as_str(),
        &user.addresses.join(" "),
        &user.relayed.as_deref().unwrap_or_default().join(" "),
        user.target.as_deref().unwrap_or_default(),
        user.quota.as_deref().unwrap_or_default(),
        suspended,
    ];
    csv_line(text, &cells);
}

/// A line of comma-separated values (RFC 4180). What a spreadsheet would take for a formula has
/// an apostrophe before it.
pub(crate) fn csv_line(text: &mut String, cells: &[&str]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        let formula = cell.starts_with(['=', '+', '-', '@', '\'']);
        let mark = if formula { "'" } else { "" };
        if cell.contains(['"', ',', ';', '\n', '\r']) || cell.starts_with(char::is_whitespace) {
            let cell = cell.replace('"', "\"\"");
            text.push_str(&format!("\"{mark}{cell}\""));
        } else {
            text.push_str(mark);
            text.push_str(cell);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_what_is_in_it() {
        let mut text = String::new();
        csv_line(&mut text, &["a,b", "say \"x\"", "=1+1", "'x", "", "plain"]);
        assert_eq!(text, "\"a,b\",\"say \"\"x\"\"\",'=1+1,''x,,plain\r\n");
    }
}
