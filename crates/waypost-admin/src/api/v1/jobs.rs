//! Work that takes longer than a request.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::refusals::Refusals;
use crate::auth::Actor;
use crate::console::Console;
use crate::input::Name;
use crate::jobs::{self, State as Stage};
use crate::problem::Problem;
use crate::request::words;

/// A piece of work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    id: u64,
    /// The login of who began it.
    owner: String,
    /// What is done, such as `site-apply`.
    what: String,
    state: JobState,
    /// What is being done now.
    step: Option<String>,
    /// Steps done.
    done: u64,
    /// All steps; 0: not known.
    total: u64,
    /// What came of it.
    result: Option<Value>,
    /// Why it failed.
    problem: Option<Problem>,
}

/// How far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    Done,
    Failed,
    Running,
}

/// Those that one may see.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    items: Vec<Job>,
}

impl From<jobs::Job> for Job {
    fn from(job: jobs::Job) -> Self {
        let mut shown = Self {
            id: job.id,
            owner: job.owner,
            what: job.what,
            state: JobState::Running,
            step: None,
            done: 0,
            total: 0,
            result: None,
            problem: None,
        };
        if let Some(progress) = job.last {
            shown.done = progress.done;
            shown.total = progress.total;
            shown.step = matches!(job.state, Stage::Running(_)).then_some(progress.what);
        }
        match job.state {
            Stage::Running(_) => {}
            Stage::Done(value) => {
                shown.state = JobState::Done;
                shown.result = Some(value);
            }
            Stage::Failed(refused) => {
                shown.state = JobState::Failed;
                shown.problem = Some(refused.into());
            }
        }
        shown
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, cancel))
}

/// Lists one's own jobs, the latest first; the superadministrator sees all.
#[utoipa::path(get, path = "/jobs", tag = "jobs", security(("token" = ["own"])),
    responses((status = 200, body = JobList), Refusals))]
async fn list(State(console): State<Console>, actor: Actor) -> Json<JobList> {
    let items = console.jobs_of(&actor).into_iter().map(Job::from).collect();
    Json(JobList { items })
}

/// Shows one.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = u64, Path, description = "Its number.")), security(("token" = ["own"])),
    responses((status = 200, body = Job), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<Json<Job>, Problem> {
    let job = console.job(&actor, number(&id)?)?;
    Ok(Json(job.into()))
}

/// Asks one to stop; it then leaves nothing half done.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "jobs",
    params(("id" = u64, Path, description = "Its number.")), security(("token" = ["own"])),
    responses((status = 202), Refusals))]
async fn cancel(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    console.job(&actor, number(&id)?)?.cancel();
    Ok(StatusCode::ACCEPTED)
}

fn number(id: &str) -> Result<u64, Problem> {
    let missing = |_| Problem::of(StatusCode::NOT_FOUND, words::JOB_UNKNOWN.having("id", id));
    id.parse().map_err(missing)
}
