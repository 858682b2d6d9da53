//! What is done to mail and to remembered answers, for the audit: who, when, from where.

use serde_json::{Map, Value, json};
use waypost_directory::{Actor, Deed, DeedOf};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::queue::control::Listed;
use waypost_proto::mail::Domain;

use super::{Asked, blocking};

/// Messages of one order that the audit names.
const NAMED: usize = 20;
/// Stands for a message where there are several.
pub(super) const MANY: &str = "many";

/// What was done, and what it was done to.
pub(super) struct Done {
    pub(super) of: DeedOf,
    /// The message, or the address.
    pub(super) name: String,
    pub(super) before: Map<String, Value>,
    /// None: it is gone.
    pub(super) after: Option<Map<String, Value>>,
    /// Those whose mail it is, by any of their names.
    pub(super) domains: Vec<Domain>,
}

impl Asked {
    /// Keeps it in the audit. It is done already: what cannot be kept is in the log.
    pub(super) async fn keep(&self, done: Done) {
        let asked = self.clone();
        let kept = blocking(move || {
            let text = |fields: Map<String, Value>| Value::Object(said(fields)).to_string();
            let (before, after) = (text(done.before), done.after.map(text));
            let actor = Actor {
                name: &asked.caller.name,
                from: &asked.caller.from,
                at: SystemClock.wall(),
            };
            let snapshot = asked.directory.snapshot();
            let names = done.domains.iter().filter_map(|name| snapshot.domain(name));
            let mut domains: Vec<_> = names.map(|found| found.domain.name.clone()).collect();
            domains.sort();
            domains.dedup();
            let deed = Deed {
                of: done.of,
                name: &done.name,
                before: Some(&before),
                after: after.as_deref(),
                domains: &domains,
            };
            let kept = asked.directory.record(&actor, &deed);
            kept.map_err(|error| super::later(&error))
        });
        if let Err(refused) = kept.await {
            let Self { caller, .. } = self;
            tracing::error!(
                "the audit lacks what {} has done from {}: {}",
                caller.name,
                caller.from,
                refused.message
            );
        }
    }
}

/// The fields that say something.
fn said(fields: Map<String, Value>) -> Map<String, Value> {
    let said = fields.into_iter();
    said.filter(|(_, value)| !value.is_null() && *value != "" && *value != json!([]))
        .collect()
}

/// The fields of an object.
pub(super) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The domains whose mail a message is.
pub(super) fn concerned(listed: &Listed) -> Vec<Domain> {
    let envelope = &listed.message.envelope;
    let recipients = envelope.recipients.iter().map(|to| &to.address);
    let all = envelope
        .reverse_path
        .mailbox()
        .into_iter()
        .chain(recipients);
    all.map(|mailbox| mailbox.domain.clone()).collect()
}

/// The first of many ids.
pub(super) fn first(ids: &[String]) -> &[String] {
    ids.get(..NAMED.min(ids.len())).unwrap_or_default()
}
