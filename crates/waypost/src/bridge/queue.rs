//! The queue: list, show, flush, hold, release, remove, summary.

use std::fmt::Display;
use std::io::Read as _;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use waypost_admin::request::{Cause, Kind, QueueRequest, Refused, Selection, words};
use waypost_directory::{DeedOf, Edit, Hold, HoldKey, Key, Object as Record, When};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::queue::control::{
    ControlError, Done, Flush, Listed, Order, SUMMARY_AGES, Standing, Summary,
};
use waypost_mta::queue::route::Held;
use waypost_proto::mail::header::show::{SHOWN_OCTETS_MAX, show};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_spool::{Content, QueueId, Recipient, State};

use super::queue_many::filter_of;
use super::{Asked, blocking, deed};
use crate::{object, time};

/// Content that `queue show --content` prints at most.
const CONTENT_MAX: u64 = 1 << 20;

impl Asked {
    pub(super) async fn queue(&self, request: QueueRequest) -> Result<Value, Refused> {
        match request {
            QueueRequest::Flush { id, target } => self.flush(id, target).await,
            QueueRequest::Hold {
                what,
                reason,
                until,
            } => self.hold(what, reason, until).await,
            QueueRequest::Holds => Ok(self.holds()),
            QueueRequest::List(list) => self.queue_list(list).await,
            QueueRequest::Release { what } => self.release(what).await,
            QueueRequest::Remove {
                id,
                recipients,
                reason,
            } => {
                let id = queue_id(&id)?;
                let recipients = recipients.iter().map(|text| mailbox(text));
                let recipients: Vec<Mailbox> = recipients.collect::<Result<_, _>>()?;
                self.remove_message(id, recipients, reason).await
            }
            QueueRequest::Many(many) => self.queue_many(many).await,
            QueueRequest::Show {
                id,
                content,
                header,
            } => self.queue_show(queue_id(&id)?, content, header).await,
            QueueRequest::Summary { filter } => {
                let shape = self.queue.shape(filter_of(filter)?).await;
                Ok(summary(&shape.map_err(refused)?))
            }
        }
    }

    async fn remove_message(
        &self,
        id: QueueId,
        recipients: Vec<Mailbox>,
        reason: String,
    ) -> Result<Value, Refused> {
        let names: Vec<String> = recipients.iter().map(ToString::to_string).collect();
        let these: Vec<String> = names.iter().map(|to| format!(" {to}")).collect();
        let found = self.queue.show(id).await.map_err(refused)?;
        let (was, domains) = (listed(&found), deed::concerned(&found));
        let order = self.order(reason.clone(), None);
        let done = self.queue.remove(id, recipients, order).await;
        let when = when(done.map_err(refused)?);
        let (before, after) = if names.is_empty() {
            let all = was["recipients"].as_array().into_iter().flatten();
            let all: Vec<&Value> = all.map(|to| &to["address"]).collect();
            // What is gone says no more why: the reason stands beside what it was.
            let before = json!({
                "sender": was["sender"],
                "recipients": all,
                "arrived": was["arrived"],
                "size": was["size"],
                "reason": reason,
            });
            (before, None)
        } else {
            let after = json!({ "done": "removed", "recipients": names, "reason": reason });
            (json!({}), Some(deed::fields(after)))
        };
        self.keep_order(id.to_string(), (deed::fields(before), after), domains)
            .await;
        Ok(said(&format!("{id}{} removed{when}", these.join(","))))
    }

    /// Keeps in the audit what was done to a message.
    async fn keep_order(
        &self,
        name: String,
        (before, after): (Map<String, Value>, Option<Map<String, Value>>),
        domains: Vec<Domain>,
    ) {
        let of = DeedOf::Queue;
        let done = deed::Done {
            of,
            name,
            before,
            after,
            domains,
        };
        self.keep(done).await;
    }

    async fn flush(&self, id: Option<String>, target: Option<String>) -> Result<Value, Refused> {
        let domains = match &id {
            Some(id) => self.concerned(queue_id(id)?).await,
            None => Vec::new(),
        };
        let flushed = self.flush_now(id.clone(), target.clone()).await?;
        let name = id.unwrap_or_else(|| deed::MANY.to_owned());
        let after = json!({
            "done": "retried",
            "target": target,
            "messages": flushed["messages"],
        });
        self.keep_order(name, (Map::new(), Some(deed::fields(after))), domains)
            .await;
        Ok(flushed)
    }

    /// The domains whose mail a message is; one that is gone is nobody's.
    async fn concerned(&self, id: QueueId) -> Vec<Domain> {
        let found = self.queue.show(id).await;
        found.map_or_else(|_| Vec::new(), |found| deed::concerned(&found))
    }

    async fn flush_now(
        &self,
        id: Option<String>,
        target: Option<String>,
    ) -> Result<Value, Refused> {
        let now = SystemClock.wall();
        let snapshot = self.directory.snapshot();
        let known = |name: &str| snapshot.targets().any(|target| target.name == name);
        let mut rest = "";
        let what = match (id, &target) {
            (Some(id), _) => Flush::Message(self.flushable(queue_id(&id)?).await?),
            (None, Some(target)) => {
                let key = HoldKey::Target(target.clone());
                if let Some(hold) = snapshot.hold(&key).filter(|hold| hold.is_on(now)) {
                    return Err(stands_still(&key, hold));
                }
                Flush::Target(target.clone())
            }
            (None, None) => {
                if snapshot.holds().any(|(_, hold)| hold.is_on(now)) {
                    rest = "; what is held waits on: see `waypost queue holds`";
                }
                Flush::All
            }
        };
        let count = self.queue.flush(what).await.map_err(refused)?;
        if let Some(name) = target.filter(|name| count == 0 && !known(name)) {
            return Err(Refused::new(format!(
                "nothing waits for {name}, and there is no such target; `waypost target list` and \
                 `waypost queue summary` show the names"
            )));
        }
        let mut answer = said(&format!("{} tried now{rest}", messages(count)));
        answer["messages"] = json!(count);
        Ok(answer)
    }

    /// The message, unless it would stand still.
    async fn flushable(&self, id: QueueId) -> Result<QueueId, Refused> {
        let message = self.queue.show(id).await.map_err(refused)?;
        if message.standing != Standing::Held {
            return Ok(id);
        }
        let held = message.holds.iter().flatten().next();
        Err(match (&message.message.envelope.hold, held) {
            (Some(hold), _) => {
                let says = says(&id, &hold.reason, hold.until);
                Refused {
                    message: format!("{says}; `waypost queue release {id}` lets it go"),
                    ..Refused::of(words::MESSAGE_HELD.having("id", &id))
                }
            }
            (None, Some(held)) => stands_still(&held.key, &held.hold),
            (None, None) => Refused::later(format!("{id} is being changed")),
        })
    }

    /// All that is held and not over.
    fn holds(&self) -> Value {
        let snapshot = self.directory.snapshot();
        let now = SystemClock.wall();
        let mut holds: Vec<_> = snapshot
            .holds()
            .filter(|(_, hold)| hold.is_on(now))
            .collect();
        holds.sort_by_key(|(key, _)| (*key).clone());
        let shown = holds.iter().map(|(key, hold)| {
            let mut shown = hold_of(hold);
            shown["held"] = json!(key.to_string());
            shown
        });
        shown.collect()
    }

    async fn hold(
        &self,
        what: Selection,
        reason: String,
        until: Option<u64>,
    ) -> Result<Value, Refused> {
        let until = until.map(|end| SystemTime::UNIX_EPOCH + Duration::from_secs(end));
        let end = until.map_or_else(String::new, |end| format!(" until {}", time::show(end)));
        match what {
            Selection::Message(id) => {
                let id = queue_id(&id)?;
                let order = self.order(reason.clone(), until);
                let domains = self.concerned(id).await;
                let done = self.queue.hold(id, order).await.map_err(refused)?;
                let until = until.map(time::show);
                let after = json!({ "done": "held", "reason": reason, "until": until });
                let after = Some(deed::fields(after));
                self.keep_order(id.to_string(), (Map::new(), after), domains)
                    .await;
                Ok(said(&format!("{id} held{end}{}", when(done))))
            }
            other => {
                let key = self.hold_key(other)?;
                let text = format!("{key} held{end}");
                let now = SystemClock.wall();
                let snapshot = self.directory.snapshot();
                let before = snapshot.hold(&key).filter(|hold| hold.is_on(now));
                let hold = Hold {
                    reason,
                    since: before.map_or(now, |hold| hold.since),
                    until,
                };
                self.edit(&[Edit::Put(Record::Hold(key, hold), When::Any)], &[])?;
                Ok(said(&text))
            }
        }
    }

    async fn release(&self, what: Selection) -> Result<Value, Refused> {
        match what {
            Selection::Message(id) => {
                let id = queue_id(&id)?;
                let order = self.order(String::new(), None);
                let domains = self.concerned(id).await;
                let done = self.queue.release(id, order).await.map_err(refused)?;
                let after = Some(deed::fields(json!({ "done": "released" })));
                self.keep_order(id.to_string(), (Map::new(), after), domains)
                    .await;
                Ok(said(&format!("{id} released{}", when(done))))
            }
            other => {
                let key = self.hold_key(other)?;
                let text = format!("{key} released");
                let snapshot = self.directory.snapshot();
                let hold = snapshot.hold(&key);
                if hold.is_none_or(|hold| !hold.is_on(SystemClock.wall())) {
                    let words = words::NOT_HELD.having("object", &key);
                    return Err(Refused::of(words).because(Cause::Missing));
                }
                self.edit(&[Edit::Remove(Key::Hold(key), When::Present)], &[])?;
                Ok(said(&text))
            }
        }
    }

    pub(super) fn order(&self, reason: String, until: Option<SystemTime>) -> Order {
        Order {
            by: self.caller.name.clone(),
            reason,
            until,
        }
    }

    fn hold_key(&self, what: Selection) -> Result<HoldKey, Refused> {
        Ok(match what {
            Selection::Domain(name) => HoldKey::Domain(domain(&name)?),
            Selection::Target(name) => HoldKey::Target(name),
            Selection::User(name) => match object::key(Kind::User, &name) {
                Ok(Key::User(domain, login)) => HoldKey::User(domain, login),
                _ => return Err(Refused::of(words::LOGIN_AND_DOMAIN.having("name", &name))),
            },
            Selection::Message(id) => {
                return Err(Refused::new(format!("{id} is a message")));
            }
        })
    }

    async fn queue_show(&self, id: QueueId, content: bool, header: bool) -> Result<Value, Refused> {
        let message = self.queue.show(id).await.map_err(refused)?;
        let mut shown = listed(&message);
        let envelope = &message.message.envelope;
        shown["client"] = json!(envelope.client);
        shown["protocol"] = json!(envelope.protocol);
        shown["message_key"] = json!(envelope.message_key);
        if !content && !header {
            return Ok(shown);
        }
        let most = if content {
            CONTENT_MAX
        } else {
            // One more, so that it shows when there is more.
            SHOWN_OCTETS_MAX as u64 + 1
        };
        let spool = self.spool.clone();
        let octets = blocking(move || {
            let loaded = spool.load(id).map_err(|e| Refused::later(e.to_string()))?;
            loaded.map(|(_, content)| front(&content, most)).transpose()
        })
        .await?;
        if header {
            let header = show(octets.as_deref().unwrap_or_default());
            let fields = header.fields.iter();
            let fields = fields.map(|f| json!({ "name": f.name, "value": f.value }));
            shown["header"] = fields.collect();
            shown["header_cut"] = json!(header.is_cut);
        }
        if content {
            let text = octets.map(|octets| String::from_utf8_lossy(&octets).into_owned());
            shown["content"] = json!(text);
        }
        Ok(shown)
    }
}

pub(super) fn domain(name: &str) -> Result<Domain, Refused> {
    let quoted = format!("{name}: ");
    Domain::parse(name).map_err(|error| Refused::of(words::syntax(&quoted, error)))
}

pub(super) fn queue_id(text: &str) -> Result<QueueId, Refused> {
    let words = || words::QUEUE_ID_BAD.having("id", text);
    text.parse()
        .map_err(|_| Refused::of(words()).because(Cause::Missing))
}

pub(super) fn refused(error: ControlError) -> Refused {
    match error {
        ControlError::Spool(text) => Refused::later(text),
        ControlError::NoMessage(id) => Refused {
            message: error.to_string(),
            cause: Cause::Missing,
            ..Refused::of(words::QUEUE_ID_GONE.having("id", &id))
        },
        ControlError::NotHeld(id) => Refused::of(words::QUEUE_NOT_HELD.having("id", &id)),
        ControlError::NoRecipient(id, to) => {
            let words = words::QUEUE_RECIPIENT_GONE.having("id", &id);
            Refused::of(words.having("recipient", &to))
        }
    }
}

fn said(summary: &str) -> Value {
    json!({ "summary": summary })
}

fn when(done: Done) -> &'static str {
    match done {
        Done::AfterAttempt => ", once the attempt in flight has ended",
        Done::Now => "",
    }
}

pub(super) fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

fn mailbox(text: &str) -> Result<Mailbox, Refused> {
    Mailbox::parse(text).map_err(|error| Refused::new(format!("--recipient {text}: {error}")))
}

/// Why nothing is tried, and how to go on.
fn stands_still(key: &HoldKey, hold: &Hold) -> Refused {
    let option = match key {
        HoldKey::Domain(name) => format!("--domain {name}"),
        HoldKey::Target(name) => format!("--target {name}"),
        HoldKey::User(domain, login) => format!("--user {login}@{domain}"),
    };
    let says = says(key, &hold.reason, hold.until);
    Refused {
        message: format!("{says}; `waypost queue release {option}` lets it go"),
        ..Refused::of(words::OBJECT_HELD.having("object", key))
    }
}

/// A hold in one line.
fn says(what: &dyn Display, reason: &str, until: Option<SystemTime>) -> String {
    let end = until.map_or_else(String::new, |end| format!(" until {}", time::show(end)));
    let reason = match reason {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    format!("{what} is held{end}{reason}")
}

pub(super) fn hold_of(hold: &Hold) -> Value {
    json!({
        "reason": hold.reason,
        "since": time::show(hold.since),
        "until": hold.until.map(time::show),
    })
}

fn held(held: &Held) -> Value {
    let mut shown = hold_of(&held.hold);
    shown["held"] = json!(held.key.to_string());
    shown["says"] = json!(says(&held.key, &held.hold.reason, held.hold.until));
    shown
}

pub(super) fn listed(listed: &Listed) -> Value {
    let message = &listed.message;
    let standing = match listed.standing {
        Standing::Active => "active",
        Standing::Deferred => "deferred",
        Standing::Held => "held",
    };
    let hold = message.envelope.hold.as_ref().map(|hold| {
        json!({
            "reason": hold.reason,
            "by": hold.by,
            "since": time::show(hold.since),
            "until": hold.until.map(time::show),
        })
    });
    let sender = match message.envelope.reverse_path.mailbox() {
        Some(mailbox) => mailbox.to_string(),
        None => "<>".to_owned(),
    };
    let recipients = message.envelope.recipients.iter().zip(&listed.holds);
    let recipients = recipients.map(|(to, hold)| recipient(to, hold.as_ref()));
    let recipients: Vec<Value> = recipients.collect();
    json!({
        "id": message.id.to_string(),
        "arrived": time::show(message.arrived),
        "size": message.size,
        "sender": sender,
        "standing": standing,
        "hold": hold,
        "recipients": recipients,
    })
}

fn recipient(recipient: &Recipient, hold: Option<&Held>) -> Value {
    let state = match recipient.state {
        State::Delivered => "delivered",
        State::Failed => "failed",
        State::Queued => "queued",
        State::Removed => "removed",
    };
    let last = recipient.last.as_ref();
    let reason = last.map(|last| match &last.reply {
        Some(reply) if last.text.is_empty() => reply.to_string(),
        Some(reply) => format!("{}: {reply}", last.text),
        None => last.text.clone(),
    });
    json!({
        "address": recipient.address.to_string(),
        "original": recipient.original.as_ref().map(ToString::to_string),
        "state": state,
        "hold": hold.map(held),
        "attempts": recipient.attempts,
        "due": time::show(recipient.due),
        "expires": time::show(recipient.expires),
        "next_hop": last.map(|last| last.next_hop.clone()),
        "host": last.map(|last| last.host.clone()),
        "status": last.map(|last| last.status.to_string()),
        "reason": reason,
        "why": last.map(|last| last.rule.clone()),
        "last_attempt": last.map(|last| time::show(last.at)),
    })
}

fn summary(lines: &[Summary]) -> Value {
    let ages: Vec<u64> = SUMMARY_AGES.iter().map(|age| age.as_secs() / 60).collect();
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "next_hop": line.next_hop,
                "total": line.by_age.iter().sum::<u64>(),
                "by_age": line.by_age,
                "oldest_s": line.oldest.as_secs(),
            })
        })
        .collect();
    json!({ "ages_min": ages, "next_hops": lines })
}

/// The beginning of the content.
fn front(content: &Content, most: u64) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let mut reader = Reader { content, offset: 0 }.take(most);
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| Refused::later(format!("cannot read the content: {error}")))?;
    Ok(bytes)
}

struct Reader<'a> {
    content: &'a Content,
    offset: u64,
}

impl std::io::Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.content.read_at(self.offset, buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}
