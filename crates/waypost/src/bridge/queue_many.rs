//! Many messages at once: pages of the queue by a filter, and one verb for all that it means.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use waypost_admin::request::{
    QueueAction, QueueFilter, QueueList, QueueMany, QueueOrder, QueueStanding, Refused, words,
};
use waypost_directory::DeedOf;
use waypost_mta::queue::control::{
    Action, Ask, Bulk, Chosen, Filter, NotDone, Sorted, Standing, Undone,
};
use waypost_spool::QueueId;

use super::queue::{domain, listed, messages, queue_id, refused};
use super::{Asked, deed};
use crate::time;

/// Messages of one page at most.
const PAGE_MAX: usize = 10_000;

impl Asked {
    pub(super) async fn queue_list(&self, list: QueueList) -> Result<Value, Refused> {
        let ask = Ask {
            after: list.after.as_deref().map(cursor).transpose()?,
            order: match list.order {
                QueueOrder::Newest => Sorted::Newest,
                QueueOrder::Oldest => Sorted::Oldest,
            },
            limit: list.limit.clamp(1, PAGE_MAX),
            counted: list.count,
        };
        let page = self.queue.list(filter_of(list.filter)?, ask).await;
        let page = page.map_err(refused)?;
        let items: Vec<Value> = page.messages.iter().map(listed).collect();
        let mut answer = json!({ "items": items, "next": page.next.map(|id| id.to_string()) });
        if let Some(count) = page.count {
            answer["count"] = json!({
                "matching": count.matching,
                "or_more": count.or_more,
                "of": count.of,
            });
        }
        Ok(answer)
    }

    pub(super) async fn queue_many(&self, many: QueueMany) -> Result<Value, Refused> {
        let mut after = deed::fields(json!({
            "filter": many.filter,
            "ids": deed::first(&many.ids),
            "reason": many.reason,
            "until": many.until.map(written),
        }));
        let domain_asked = many
            .filter
            .as_ref()
            .and_then(|filter| filter.domain.as_deref());
        let domains = domain_asked.map(domain).transpose()?.into_iter().collect();
        let (chosen, hidden) = self.chosen(many.ids, many.filter).await?;
        let until = many.until.map(Duration::from_secs);
        let until = until.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        let order = self.order(many.reason, until);
        let (action, what, said) = match many.action {
            QueueAction::Hold => (Action::Hold(order), "holding", "held"),
            QueueAction::Release => (Action::Release(order), "releasing", "released"),
            QueueAction::Remove => (Action::Remove(order), "removing", "removed"),
            QueueAction::Retry => (Action::Retry, "retrying", "tried now"),
        };
        let word = match &action {
            Action::Retry => "retried",
            _ => said,
        };
        let report = self.report.clone();
        let go_on = move |done: usize, total: usize| {
            report.progress(what, done as u64, total as u64);
            !report.is_cancelled()
        };
        let bulk = self.queue.all(chosen, &action, go_on).await;
        let bulk = bulk.map_err(refused)?;
        after.insert("done".to_owned(), word.into());
        after.insert("messages".to_owned(), bulk.done.into());
        let done = deed::Done {
            of: DeedOf::Queue,
            name: deed::MANY.to_owned(),
            before: Map::new(),
            after: Some(after),
            domains,
        };
        self.keep(done).await;
        Ok(told(bulk, &hidden, said))
    }

    /// What is meant, and the ids that are not there for who asks.
    async fn chosen(
        &self,
        ids: Vec<String>,
        filter: Option<QueueFilter>,
    ) -> Result<(Chosen, Vec<QueueId>), Refused> {
        let ids = ids.iter().map(|id| queue_id(id));
        let ids: Vec<QueueId> = ids.collect::<Result<_, _>>()?;
        let Some(filter) = filter else {
            if ids.is_empty() {
                return Err(Refused::of(words::MESSAGES_NONE));
            }
            return Ok((Chosen::Ids(ids), Vec::new()));
        };
        let filter = Filter {
            is_whole: true,
            ..filter_of(filter)?
        };
        if ids.is_empty() {
            return Ok((Chosen::Filter(filter), Vec::new()));
        }
        let seen = self.queue.find(filter).await.map_err(refused)?;
        let seen: HashSet<QueueId> = seen.into_iter().collect();
        let (ids, hidden) = ids.into_iter().partition(|id| seen.contains(id));
        Ok((Chosen::Ids(ids), hidden))
    }
}

fn written(since: u64) -> Option<String> {
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))?;
    Some(time::show(end))
}

fn cursor(text: &str) -> Result<QueueId, Refused> {
    text.parse().map_err(|_| {
        Refused::new(format!(
            "{text} is no cursor of the queue; give what the page before said"
        ))
    })
}

pub(super) fn filter_of(filter: QueueFilter) -> Result<Filter, Refused> {
    let scope = filter.scope.map(|names| {
        let names = names.iter().map(|name| domain(name));
        names.collect::<Result<Vec<_>, _>>()
    });
    Ok(Filter {
        sender: filter.sender,
        recipient: filter.recipient,
        id: filter.id,
        domain: filter.domain.as_deref().map(domain).transpose()?,
        next_hop: filter.next_hop,
        age_min: filter.age_min.map(Duration::from_secs),
        age_max: filter.age_max.map(Duration::from_secs),
        standing: filter.standing.map(|standing| match standing {
            QueueStanding::Active => Standing::Active,
            QueueStanding::Deferred => Standing::Deferred,
            QueueStanding::Held => Standing::Held,
        }),
        scope: scope.transpose()?,
        is_whole: false,
    })
}

fn told(mut bulk: Bulk, hidden: &[QueueId], said: &str) -> Value {
    bulk.chosen += hidden.len();
    bulk.undone += hidden.len();
    let gone = hidden.iter().map(|id| Undone {
        id: *id,
        why: NotDone::Gone,
    });
    bulk.named.extend(gone);
    let named: Vec<Value> = bulk.named.iter().map(undone).collect();
    let mut summary = format!("{} {said}", messages(bulk.done));
    if bulk.undone > 0 {
        summary += &format!(", {} not", bulk.undone);
    }
    if bulk.cancelled {
        summary += &format!("; stopped before {} more", left(&bulk));
    }
    json!({
        "chosen": bulk.chosen,
        "done": bulk.done,
        "undone": bulk.undone,
        "cancelled": bulk.cancelled,
        "named": named,
        "summary": summary,
    })
}

fn left(bulk: &Bulk) -> usize {
    bulk.chosen.saturating_sub(bulk.done + bulk.undone)
}

fn undone(undone: &Undone) -> Value {
    let id = undone.id;
    let says = match &undone.why {
        NotDone::Active => format!("{id} is on its way"),
        NotDone::Gone => format!("{id} is not in the queue any more"),
        NotDone::Held => format!("{id} is held; release it first"),
        NotDone::NotHeld => format!("{id} is not held"),
        NotDone::Spool(text) => text.clone(),
    };
    json!({ "id": id.to_string(), "why": undone.why.word(), "says": says })
}
