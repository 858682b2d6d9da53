//! Messages of this server's own.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::objects::read;
use super::super::refusals::Refusals;
use super::explain::readable;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input;
use crate::problem::Problem;
use crate::request::{Request, words};

/// Where a test message goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestMessage {
    /// Its recipient.
    #[schema(example = "alice@example.com")]
    pub(crate) to: String,
}

/// A message that is on its way.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Queued {
    /// Its queue id, by which it can be traced.
    pub(crate) queue_id: String,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(send))
}

/// Sends a test message, if a client could write to its recipient now.
#[utoipa::path(post, path = "/messages", tag = "messages", request_body = TestMessage,
    security(("token" = ["queue-write"])),
    responses((status = 201, body = Queued), Refusals))]
async fn send(
    State(console): State<Console>,
    actor: Actor,
    input::Json(message): input::Json<TestMessage>,
) -> Result<(StatusCode, Json<Queued>), Problem> {
    let queued = console.send_test(&actor, &message.to).await?;
    Ok((StatusCode::CREATED, Json(queued)))
}

impl Console {
    /// Sends a test message to an address of a domain of his; who has all domains, anywhere.
    pub(crate) async fn send_test(&self, actor: &Actor, to: &str) -> Result<Queued, Problem> {
        let mailbox = readable("to", to.trim(), words::WRITE_TEST_TO)?;
        let main = self.parts.directory.snapshot();
        let main = main
            .domain(&mailbox.domain)
            .map(|found| found.domain.name.clone());
        actor.require_in(Right::QueueWrite, main.as_ref().unwrap_or(&mailbox.domain))?;
        let request = Request::TestMessage {
            to: mailbox.to_string(),
        };
        read(self.ask(actor, request).await?)
    }
}
