//! `waypost trace`

use std::time::SystemTime;

use clap::Args;
use serde_json::Value;
use waypost_admin::request::{self, Request};
use waypost_mta::clock::{Clock as _, SystemClock};

use super::object::cell;
use super::output::table;
use super::{Common, Failure, client};
use crate::config::parse_duration;
use crate::time;

/// Show what happened to a message, or to the mail of an address.
///
/// Every step that the server has taken with it is shown: who sent it, who was refused and why,
/// each attempt to deliver it and what the other server said. A queue id comes with the oldest step
/// first, an address, as sender or recipient, with the newest. How long steps are kept is set with
/// `history` under [console] in waypost.toml(5).
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// A queue id, or an address.
    #[arg(value_name = "ID|ADDRESS")]
    what: String,
    /// Nothing before this time, such as "2026-11-22 06:00", or so long ago, such as "2h".
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Nothing after this time.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Print at most so many steps, 1000 at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Go on where a list ended.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Trace {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let seconds = |text: &String| moment(text);
        let request = request::Trace {
            what: self.what,
            from: self.from.as_ref().map(seconds).transpose()?,
            to: self.to.as_ref().map(seconds).transpose()?,
            domains: Vec::new(),
            after: self.after,
            arrivals: false,
            limit: self.limit,
        };
        let result = client::call(common, &Request::Trace(request))?;
        Ok(common.output().result(&result, steps)?)
    }
}

/// Seconds since 1970, of a time or of how long ago it was.
fn moment(text: &str) -> Result<u64, Failure> {
    let ago = parse_duration(text);
    let at = ago.and_then(|ago| SystemClock.wall().checked_sub(ago));
    let at = at.or_else(|| time::parse(text)).ok_or_else(|| {
        let text = format!(
            "--from and --to: found {text:?}; write a time such as \"2026-11-22 06:00\" or how long \
             ago, such as \"2h\""
        );
        Failure::Usage(text)
    })?;
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    Ok(since.map_or(0, |since| since.as_secs()))
}

fn steps(result: &Value) -> String {
    let items = result.get("items").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        let is_kept = result.get("kept_s").and_then(Value::as_u64) != Some(0);
        return if is_kept {
            "nothing is known of it".to_owned()
        } else {
            "no history is kept: set history under [console]".to_owned()
        };
    }
    let rows = items.iter().map(|step| {
        let field = |name: &str| cell(step.get(name));
        vec![field("at"), field("queue_id"), field("event"), says(step)]
    });
    let mut text = table(&["at", "queue_id", "event", "says"], rows.collect());
    let next = cell(result.get("next"));
    if !next.is_empty() {
        text += &format!("\nthere is more: --after {next}");
    }
    text
}

/// The fields of a step, as the log writes them.
fn says(step: &Value) -> String {
    let fields = step.as_object().into_iter().flatten();
    let known = ["at", "at_ms", "queue_id", "event"];
    let fields = fields.filter(|(name, _)| !known.contains(&name.as_str()));
    let said: Vec<String> = fields
        .map(|(name, value)| format!("{name}={}", cell(Some(value))))
        .collect();
    said.join(" ")
}
