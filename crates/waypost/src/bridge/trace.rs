//! What happened to a message, or to the mail of an address.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};
use waypost_admin::request::{Cause, Refused, Trace, words};
use waypost_mta::event::escaped;
use waypost_spool::QueueId;

use super::{Bridge, flow};
use crate::history::{Hit, Place, Search, bare};

/// Most steps on one page.
const PAGE: usize = 1_000;
/// Fields that hold addresses.
const ADDRESSES: [&str; 3] = ["from", "to", "orig_to"];

impl Bridge {
    /// One page; reads the disk.
    pub(super) fn trace(&self, trace: &Trace) -> Result<Value, Refused> {
        let kept_s = self.history.kept().as_secs();
        let is_id = !trace.what.contains('@') && trace.what.parse::<QueueId>().is_ok();
        if !is_id && !trace.what.contains('@') {
            let words = words::TRACE_WHAT.having("what", &trace.what);
            return Err(Refused::of(words).because(Cause::Missing));
        }
        let search = Search {
            key: trace.what.clone(),
            span_s: (trace.from.unwrap_or(0), trace.to.unwrap_or(u64::MAX)),
            newest_first: !is_id,
            after: trace.after.as_deref().map(place).transpose()?,
            limit: trace.limit.clamp(1, PAGE),
        };
        let found = self.history.search(&search);
        let mut hits = found.map_err(|error| unsearchable(&error))?;
        let more = hits.len() > search.limit;
        hits.truncate(search.limit);
        let next = hits.last().filter(|_| more).map(cursor);
        if trace.arrivals && !is_id {
            self.add_arrivals(&mut hits)
                .map_err(|error| unsearchable(&error))?;
        }
        if !trace.domains.is_empty() {
            keep_domains(&mut hits, &trace.domains);
        }
        let items: Vec<Value> = hits.iter().map(step).collect();
        Ok(json!({ "items": items, "next": next, "kept_s": kept_s }))
    }
}

impl Bridge {
    /// Adds how messages came in, each in its place, the newest first.
    fn add_arrivals(&self, hits: &mut Vec<Hit>) -> anyhow::Result<()> {
        let ids = hits.iter().map(|hit| hit.queue_id.clone());
        let ids: BTreeSet<String> = ids.filter(|id| !id.is_empty()).collect();
        hits.extend(self.history.arrivals(&ids)?);
        hits.sort_by_key(|hit| Reverse(hit.place));
        hits.dedup_by_key(|hit| hit.place);
        Ok(())
    }
}

fn unsearchable(error: &anyhow::Error) -> Refused {
    Refused::later(format!("the history cannot be searched: {error:#}"))
}

fn place(text: &str) -> Result<Place, Refused> {
    let parts = text.split_once('.');
    let place = parts.and_then(|(piece, line)| {
        Some(Place {
            piece: piece.parse().ok()?,
            line: line.parse().ok()?,
        })
    });
    place.ok_or_else(|| Refused::new(format!("{text} is no cursor of a trace")))
}

fn cursor(hit: &Hit) -> String {
    format!("{}.{}", hit.place.piece, hit.place.line)
}

/// Leaves what concerns addresses in these domains, and what is said of nobody about messages of
/// which something is left.
fn keep_domains(hits: &mut Vec<Hit>, domains: &[String]) {
    let is_own = |value: &str| {
        let domain = bare(value).rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
    };
    let names_own = |hit: &Hit| {
        let mut fields = hit.step.fields.iter();
        fields.any(|(name, value)| ADDRESSES.contains(&name.as_str()) && is_own(value))
    };
    let own = hits.iter().filter(|hit| names_own(hit));
    let messages: HashSet<String> = own.map(|hit| hit.queue_id.clone()).collect();
    hits.retain(|hit| {
        let names_a_recipient = hit.step.fields.iter().any(|(name, _)| name == "to");
        let of_own = !hit.queue_id.is_empty() && messages.contains(&hit.queue_id);
        names_own(hit) || (!names_a_recipient && of_own)
    });
}

fn step(hit: &Hit) -> Value {
    let mut shown = Map::from_iter([
        ("at".to_owned(), json!(flow::shown(hit.step.at_ms))),
        ("at_ms".to_owned(), json!(hit.step.at_ms)),
    ]);
    let id = Some(&hit.queue_id).filter(|id| !id.is_empty());
    shown.insert("queue_id".to_owned(), json!(id));
    for (name, value) in &hit.step.fields {
        let value = if ADDRESSES.contains(&name.as_str()) {
            bare(value)
        } else {
            value
        };
        shown.insert(name.clone(), json!(escaped(value)));
    }
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Step;

    fn hit(queue_id: &str, fields: &[(&str, &str)]) -> Hit {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Hit {
            place: Place { piece: 7, line: 1 },
            queue_id: queue_id.to_owned(),
            step: Step {
                at_ms: 1_000,
                fields: fields.collect(),
            },
        }
    }

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        let cursor = cursor(&hit("", &[]));
        assert_eq!(place(&cursor).unwrap(), Place { piece: 7, line: 1 });
        for text in ["", "7", "7.", ".1", "7.1.2", "a.b"] {
            assert!(place(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_administrator_of_some_domains_sees_what_concerns_them() {
        let own = hit(
            "A",
            &[
                ("event", "delivery"),
                ("from", "x@c.test"),
                ("to", "a@Example.com"),
            ],
        );
        let other = hit(
            "A",
            &[
                ("event", "delivery"),
                ("from", "x@c.test"),
                ("to", "b@b.test"),
            ],
        );
        let removed = |id| hit(id, &[("event", "removed")]);
        let sent = hit(
            "C",
            &[
                ("event", "delivery"),
                ("from", "<a@example.com>"),
                ("to", "b@b.test"),
            ],
        );
        let all = vec![
            own.clone(),
            other,
            removed("A"),
            removed("B"),
            sent.clone(),
            removed(""),
        ];
        let mut hits = all;
        keep_domains(&mut hits, &["example.com".to_owned()]);
        assert_eq!(hits, [own, removed("A"), sent]);
    }

    #[test]
    fn a_step_names_bare_addresses_and_no_control_characters() {
        let shown = step(&hit(
            "",
            &[
                ("event", "rejected"),
                ("to", "<a@b.test>"),
                ("reply", "a\rb"),
            ],
        ));
        let expected = json!({
            "at": "1970-01-01T00:00:01Z", "at_ms": 1000, "queue_id": null,
            "event": "rejected", "to": "a@b.test", "reply": "a\\rb",
        });
        assert_eq!(shown, expected);
    }
}
