//! `waypost queue`

use std::time::{Duration, SystemTime};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Value;
use waypost_admin::request::{
    QueueFilter, QueueList, QueueOrder, QueueRequest, QueueStanding, Request, Selection,
};
use waypost_mta::clock::{Clock as _, SystemClock};

use super::object::cell;
use super::output::{self, table};
use super::{Common, Failure, client};
use crate::config::parse_duration;
use crate::time;

/// Messages fetched with one request.
const PAGE: usize = 500;

/// Look at the queue and change what waits in it.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Queue {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Try now what waits for its next attempt: everything, unless one thing is named.
    Flush {
        /// Queue id of one message.
        #[arg(conflicts_with = "target")]
        id: Option<String>,
        /// What waits for this target.
        #[arg(long, value_name = "TARGET")]
        target: Option<String>,
    },
    /// Keep deliveries back until they are released or the end time comes.
    Hold {
        #[command(flatten)]
        what: What,
        /// Why, for the next administrator.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// End: a time such as "2026-12-24 18:00" (UTC), or a duration such as "4h".
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// List what is held of targets, domains and users: why, since when, until when.
    Holds,
    /// List messages, oldest first.
    List {
        #[command(flatten)]
        filter: Box<FilterArgs>,
        /// List the newest first.
        #[arg(long)]
        newest: bool,
        /// Print at most so many.
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Let held deliveries go.
    Release(What),
    /// Remove a message, or some of its recipients, for ever, without telling anybody.
    Remove {
        /// Queue id.
        id: String,
        /// Only this recipient; may be given several times.
        #[arg(long = "recipient", value_name = "ADDRESS")]
        recipients: Vec<String>,
        /// Why, for the log.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Show one message: envelope, attempts, state of each recipient.
    Show {
        /// Queue id.
        id: String,
        /// Print the content behind it.
        #[arg(long)]
        content: bool,
    },
    /// Count what waits, by next hop and by age in minutes.
    Summary,
}

#[derive(Debug, Args)]
struct FilterArgs {
    /// Only messages with a waiting recipient in this domain.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Only held messages.
    #[arg(long, conflicts_with = "state")]
    held: bool,
    /// Only messages in this state.
    #[arg(long, value_parser = ["active", "deferred", "held"])]
    state: Option<String>,
    /// Only messages whose queue id begins so.
    #[arg(long, value_name = "PREFIX")]
    id: Option<String>,
    /// Only messages with this text in the address of a waiting recipient.
    #[arg(long, value_name = "TEXT")]
    recipient: Option<String>,
    /// Only messages accepted at least so long ago, such as "4h".
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
    /// Only messages accepted at most so long ago.
    #[arg(long, value_name = "DURATION")]
    newer_than: Option<String>,
    /// Only messages whose last attempt went to this target or next hop.
    #[arg(long = "target", value_name = "TARGET")]
    next_hop: Option<String>,
    /// Only messages with this text in the sender's address.
    #[arg(long, value_name = "TEXT")]
    sender: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
struct What {
    /// Queue id of one message.
    #[arg(group = "what")]
    id: Option<String>,
    /// All deliveries to this target.
    #[arg(long, value_name = "TARGET", group = "what")]
    target: Option<String>,
    /// All recipients in this domain.
    #[arg(long, value_name = "DOMAIN", group = "what")]
    domain: Option<String>,
    /// All deliveries for this user, as LOGIN@DOMAIN.
    #[arg(long, value_name = "USER", group = "what")]
    user: Option<String>,
}

impl What {
    fn selection(self) -> Selection {
        if let Some(target) = self.target {
            Selection::Target(target)
        } else if let Some(domain) = self.domain {
            Selection::Domain(domain)
        } else if let Some(user) = self.user {
            Selection::User(user)
        } else {
            // The group requires one of them.
            Selection::Message(self.id.unwrap_or_default())
        }
    }
}

impl FilterArgs {
    fn filter(self) -> Result<QueueFilter, Failure> {
        let state = self.state.as_deref();
        Ok(QueueFilter {
            sender: self.sender,
            recipient: self.recipient,
            id: self.id,
            domain: self.domain,
            next_hop: self.next_hop,
            age_min: age("--older-than", self.older_than.as_deref())?,
            age_max: age("--newer-than", self.newer_than.as_deref())?,
            standing: match state {
                Some("active") => Some(QueueStanding::Active),
                Some("deferred") => Some(QueueStanding::Deferred),
                Some(_) => Some(QueueStanding::Held),
                None => self.held.then_some(QueueStanding::Held),
            },
            scope: None,
        })
    }
}

fn age(option: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let age = parse_duration(text).ok_or_else(|| {
        let text = format!("{option}: found {text:?}; write a duration such as \"4h\"");
        Failure::Usage(text)
    })?;
    Ok(Some(age.as_secs()))
}

impl Queue {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let request = match self.verb {
            Verb::Holds => return holds(common),
            Verb::List {
                filter,
                limit,
                newest,
            } => {
                let order = if newest {
                    QueueOrder::Newest
                } else {
                    QueueOrder::Oldest
                };
                return list(common, &filter.filter()?, order, limit);
            }
            Verb::Show { id, content } => return show(common, id, content),
            Verb::Summary => return summary(common),
            Verb::Flush { id, target } => QueueRequest::Flush { id, target },
            Verb::Release(what) => QueueRequest::Release {
                what: what.selection(),
            },
            Verb::Remove {
                id,
                recipients,
                reason,
            } => QueueRequest::Remove {
                id,
                recipients,
                reason,
            },
            Verb::Hold {
                what,
                reason,
                until,
            } => QueueRequest::Hold {
                what: what.selection(),
                reason,
                until: until.as_deref().map(end_of_hold).transpose()?,
            },
        };
        let result = client::call(common, &Request::Queue(request))?;
        let text = |result: &Value| cell(result.get("summary"));
        Ok(common.output().result(&result, text)?)
    }
}

/// A time, or a duration from now, as seconds since 1970.
fn end_of_hold(text: &str) -> Result<u64, Failure> {
    let now = SystemClock.wall();
    let end = parse_duration(text)
        .and_then(|duration| now.checked_add(duration))
        .or_else(|| time::parse(text));
    let end = end.ok_or_else(|| {
        let text = format!(
            "--until: found {text:?}; write a time such as \"2026-12-24 18:00\" or a duration \
             such as \"4h\""
        );
        Failure::Usage(text)
    })?;
    if end <= now {
        return Err(Failure::Usage("--until: the time is over".to_owned()));
    }
    let since = end.duration_since(SystemTime::UNIX_EPOCH);
    Ok(since.unwrap_or(Duration::ZERO).as_secs())
}

fn holds(common: &Common) -> Result<(), Failure> {
    let result = client::call(common, &Request::Queue(QueueRequest::Holds))?;
    let text = |holds: &Value| {
        let holds = holds.as_array().map(Vec::as_slice).unwrap_or_default();
        if holds.is_empty() {
            return "Nothing is held".to_owned();
        }
        let columns = ["held", "since", "until", "reason"];
        let row = |hold: &Value| columns.map(|column| cell(hold.get(column))).to_vec();
        table(&columns, holds.iter().map(row).collect())
    };
    Ok(common.output().result(&result, text)?)
}

fn list(
    common: &Common,
    filter: &QueueFilter,
    order: QueueOrder,
    limit: Option<usize>,
) -> Result<(), Failure> {
    let most = limit.unwrap_or(usize::MAX);
    let mut all = Vec::new();
    let mut after = None;
    while all.len() < most {
        let request = QueueRequest::List(QueueList {
            filter: filter.clone(),
            order,
            after: after.take(),
            limit: PAGE.min(most - all.len()),
            count: false,
        });
        let mut page = client::call(common, &Request::Queue(request))?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            all.extend(items);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(common.output().result(&all, |all| listing(all))?)
}

/// As `mailq` prints it.
fn listing(messages: &[Value]) -> String {
    if messages.is_empty() {
        return "Mail queue is empty".to_owned();
    }
    let mut text =
        String::from("-Queue ID-      --Size-- ----Arrival Time---- -Sender/Recipient-------\n");
    let mut bytes = 0;
    for message in messages {
        // A message can be held itself, or by a hold on where it goes.
        let own = message.get("hold").is_some_and(|hold| !hold.is_null());
        let held = own || cell(message.get("standing")) == "held";
        let mark = if held { "!" } else { " " };
        let size = message.get("size").and_then(Value::as_u64).unwrap_or(0);
        bytes += size;
        text += &format!(
            "{:<14}{mark} {size:>8} {:<20} {}\n",
            cell(message.get("id")),
            cell(message.get("arrived")),
            cell(message.get("sender")),
        );
        let recipients = message.get("recipients").and_then(Value::as_array);
        for recipient in recipients.into_iter().flatten() {
            if cell(recipient.get("state")) != "queued" {
                continue;
            }
            let hold = recipient.get("hold").filter(|hold| !hold.is_null());
            let reason = cell(recipient.get("reason"));
            if let Some(hold) = hold {
                text += &format!("    ({})\n", cell(hold.get("says")));
            } else if !reason.is_empty() {
                text += &format!("    ({reason})\n");
            }
            text += &format!("{:46}{}\n", "", cell(recipient.get("address")));
        }
        text.push('\n');
    }
    let plural = if messages.len() == 1 { "" } else { "s" };
    text + &format!(
        "-- {} KiB in {} message{plural}.\n",
        bytes.div_ceil(1024),
        messages.len()
    )
}

fn show(common: &Common, id: String, content: bool) -> Result<(), Failure> {
    let request = Request::Queue(QueueRequest::Show {
        id,
        content,
        header: false,
    });
    let message = client::call(common, &request)?;
    let text = |message: &Value| {
        let Value::Object(mut fields) = message.clone() else {
            return String::new();
        };
        let content = fields.remove("content");
        let recipients = fields.remove("recipients");
        let mut text = output::fields(&Value::Object(fields));
        for recipient in recipients
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let mut recipient = recipient.clone();
            if let Some(says) = recipient.pointer("/hold/says").cloned() {
                recipient["hold"] = says;
            }
            text.push('\n');
            text += &output::fields(&recipient);
        }
        if let Some(content) = content {
            text += &format!("\n{}", cell(Some(&content)));
        }
        text
    };
    Ok(common.output().result(&message, text)?)
}

fn summary(common: &Common) -> Result<(), Failure> {
    let result = client::call(
        common,
        &Request::Queue(QueueRequest::Summary {
            filter: QueueFilter::default(),
        }),
    )?;
    let text = |result: &Value| {
        let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
        let ages = list(result.get("ages_min")).unwrap_or_default();
        let last = ages.last().map(|age| format!("{}+", cell(Some(age))));
        let ages: Vec<String> = ages.iter().map(|age| cell(Some(age))).chain(last).collect();
        let mut header = vec!["next_hop", "total"];
        header.extend(ages.iter().map(String::as_str));
        let rows = list(result.get("next_hops")).unwrap_or_default();
        let rows = rows.iter().map(|row| {
            let counts = list(row.get("by_age")).unwrap_or_default();
            let first = [cell(row.get("next_hop")), cell(row.get("total"))];
            first
                .into_iter()
                .chain(counts.iter().map(|count| cell(Some(count))))
                .collect()
        });
        table(&header, rows.collect())
    };
    Ok(common.output().result(&result, text)?)
}
