//! Targets: how they are.

use serde_json::{Value, json};
use waypost_admin::request::{Refused, TargetRequest};
use waypost_mta::queue::health::TargetHealth;

use super::Asked;
use super::queue::hold_of;
use crate::time;

impl Asked {
    pub(super) async fn target(&self, request: TargetRequest) -> Result<Value, Refused> {
        match request {
            TargetRequest::Health => {
                let snapshot = self.resolver.snapshot();
                let all = self.queue.health(&snapshot);
                let items: Vec<Value> = all.iter().map(health).collect();
                Ok(json!({ "items": items }))
            }
            TargetRequest::Test { name, address } => {
                self.target_test(&name, address.as_deref()).await
            }
        }
    }
}

fn health(target: &TargetHealth) -> Value {
    let seen = &target.seen;
    let error = seen.last_error.as_ref();
    json!({
        "name": target.name,
        "kind": if target.is_peer { "peer" } else { "target" },
        "implicit": target.is_implicit,
        "state": target.condition.word(),
        "hold": target.hold.as_ref().map(hold_of),
        "last_success": seen.last_success.map(time::show),
        "latency_ms": seen.latency.map(|took| took.as_millis()),
        "last_error": error.map(|(_, text)| text),
        "last_error_at": error.map(|(at, _)| time::show(*at)),
        "recent_failures": seen.recent_failures(),
        "connections_in_use": seen.in_use,
        "connections_kept": seen.kept,
        "connections_max": target.connections_max,
        "ready": target.ready,
        "parked": target.parked,
        "failures": target.failures,
        "tried_again": target.tried_again.map(time::show),
    })
}
