//! What machines ask: whether the server lives, whether it takes mail, and its counts.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::routing::get;

use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Caller, Report, Request};

/// The media type of OpenMetrics.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/health/…` for anybody, and `/metrics`.
pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/health/live", get(async || "ok\n"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
}

/// Whether mail can be taken; what hinders it, the log and the console say.
async fn ready(State(console): State<Console>) -> Result<&'static str, Problem> {
    let nobody = Caller {
        name: String::new(),
        from: String::new(),
    };
    let (report, _) = Report::new();
    let control = Arc::clone(&console.parts.control);
    let answer = control.answer(nobody, Request::Ready, report).await;
    answer.map(|_| "ready\n").map_err(|refused| {
        tracing::warn!("not ready: {}", refused.message);
        let detail = "mail cannot be taken now";
        Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, detail)
    })
}

/// Counts for Prometheus: they name every target.
async fn metrics(
    State(console): State<Console>,
    actor: Actor,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    actor.require_everywhere(Right::StatisticsRead)?;
    let answer = console.ask(&actor, Request::Metrics).await?;
    let text = answer.get("text").and_then(serde_json::Value::as_str);
    let text = text.ok_or_else(Problem::internal)?.to_owned();
    Ok(([(header::CONTENT_TYPE, METRICS)], text))
}
