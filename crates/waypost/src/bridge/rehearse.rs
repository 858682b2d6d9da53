//! What a change would do, before it is made: what the rules say, numbers, and what to beware of.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use waypost_admin::request::{Object, Refused, Routing};
use waypost_directory::{
    Actor, Changed, DomainRecord, Edit, Object as Record, Relay, Scope, Snapshot, Target,
    UserCounts, UserFilter, VerifyUnknown,
};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::resolve::nobody_at;
use waypost_proto::mail::Mailbox;

use super::relay::{self, Tried};
use super::{Asked, Bridge, later, refused};

impl Asked {
    /// Says what saving an object would do.
    pub(super) async fn rehearse(self, request: Object) -> Result<Value, Refused> {
        let asked = self.clone();
        let (before, after, notes) = super::blocking(move || {
            let (before, edit) = asked.rehearsed(&request)?;
            let changed = asked.try_edit(&edit)?;
            let Edit::Put(after, _) = edit else {
                return Err(Refused::new("a removal is not rehearsed"));
            };
            Ok((before, after, changed.notes))
        })
        .await?;
        let Record::Domain(after) = after else {
            return Ok(json!({ "notes": notes, "effects": [], "warnings": [] }));
        };
        // What there is to note of a domain is a warning here, in any language.
        let notes: [String; 0] = [];
        let before = match before {
            Some(Record::Domain(before)) => before,
            _ => DomainRecord::new(after.name.clone()),
        };
        let relay = self.try_relay(&before, &after).await;
        if relay.as_ref().is_some_and(|tried| tried.comes_back) && after.forward_unknown {
            return Err(relay::both_forward(&after));
        }
        let silent = self.silent(&before, &after).await;
        self.blocking(move |asked| {
            let told = Rehearsal::of(asked, &before, &after)?.told(relay.as_ref(), &silent);
            Ok(json!({ "notes": notes, "effects": told.0, "warnings": told.1 }))
        })
        .await
    }

    /// The peers that the domain would be shared with, and that do not answer.
    async fn silent(&self, before: &DomainRecord, after: &DomainRecord) -> Vec<String> {
        let Some(nobody) = nobody_at(&after.name) else {
            return Vec::new();
        };
        if before.sharing == after.sharing {
            return Vec::new();
        }
        let snapshot = self.directory.snapshot();
        let peers = snapshot
            .targets()
            .filter(|target| after.sharing.contains(&target.name));
        let mut asked = JoinSet::new();
        for peer in peers {
            let Some(minger) = peer.minger.clone() else {
                continue;
            };
            let (asking, nobody) = (Arc::clone(&self.asking), nobody.clone());
            let (name, host) = (peer.name.clone(), peer.host.clone());
            asked.spawn(async move {
                let at = (&host, minger.port);
                let answer = asking.status(at, &minger.secret, &nobody).await;
                answer.is_err().then_some(name)
            });
        }
        let mut silent: Vec<_> = asked.join_all().await.into_iter().flatten().collect();
        silent.sort();
        silent
    }

    /// Asks the rules, and saves nothing.
    fn try_edit(&self, edit: &Edit) -> Result<Changed, Refused> {
        let actor = Actor {
            name: &self.caller.name,
            from: &self.caller.from,
            at: SystemClock.wall(),
        };
        let edits = std::slice::from_ref(edit);
        let mut on = |_, _| ControlFlow::Continue(());
        let tried = self.directory.rehearse(&actor, &self.here, edits, &mut on);
        tried.map_err(refused)
    }
}

/// A change of a domain, and what is known about it.
struct Rehearsal<'a> {
    bridge: &'a Bridge,
    snapshot: Arc<Snapshot>,
    before: &'a DomainRecord,
    after: &'a DomainRecord,
    users: UserCounts,
    effects: Vec<Value>,
    warnings: Vec<Value>,
}

impl<'a> Rehearsal<'a> {
    fn of(
        bridge: &'a Bridge,
        before: &'a DomainRecord,
        after: &'a DomainRecord,
    ) -> Result<Self, Refused> {
        let filter = UserFilter {
            domains: vec![after.name.clone()],
            ..UserFilter::within(Scope::All)
        };
        let counts = bridge.directory.count_users(&filter);
        let counts = counts.map_err(|error| later(&error))?;
        Ok(Self {
            bridge,
            snapshot: bridge.directory.snapshot(),
            before,
            after,
            users: counts.into_values().next().unwrap_or_default(),
            effects: Vec::new(),
            warnings: Vec::new(),
        })
    }

    fn told(mut self, tried: Option<&Tried>, silent: &[String]) -> (Vec<Value>, Vec<Value>) {
        if self.before == self.after {
            self.effect("nothing", json!({}));
        }
        let third_party = self.users.third_party();
        let (before, after) = (routing(self.before), routing(self.after));
        if before != after || self.before.relay != self.after.relay {
            let (old, new) = (before.role(third_party), after.role(third_party));
            self.effect("role", json!({ "before": old, "after": new }));
            let (old, new) = (before.unknown(), after.unknown());
            self.effect("unknown", json!({ "before": old, "after": new }));
            self.users();
            self.cached();
        }
        self.names();
        self.rest();
        self.beware(before, after);
        if !silent.is_empty() {
            self.warn("peers-silent", json!({ "peers": silent.join(", ") }));
        }
        if let Some(tried) = tried {
            let relay = relay_name(self.after);
            for (code, detail) in tried.warnings(self.after) {
                self.warn(code, json!({ "relay": relay, "detail": detail }));
            }
        }
        (self.effects, self.warnings)
    }

    fn effect(&mut self, code: &str, parameters: Value) {
        let mut effect = json!({ "code": code });
        effect["parameters"] = parameters;
        self.effects.push(effect);
    }

    fn warn(&mut self, code: &str, parameters: Value) {
        let mut warning = json!({ "code": code });
        warning["parameters"] = parameters;
        self.warnings.push(warning);
    }

    fn users(&mut self) {
        let users = self.users;
        let (from, to) = (relay_name(self.before), relay_name(self.after));
        if from != to && !from.is_empty() && !to.is_empty() && users.relayed > 0 {
            let moved = json!({ "count": users.relayed, "from": from, "to": to });
            self.effect("users-move", moved);
        } else if !to.is_empty() {
            let relayed = json!({ "count": users.relayed, "relay": to });
            self.effect("users-relayed", relayed);
        }
        if users.own_target > 0 {
            self.effect("users-own-target", json!({ "count": users.own_target }));
        }
        self.effect("users-here", json!({ "count": users.local }));
    }

    /// Answers that are remembered of servers that are asked no more, or asked anew.
    fn cached(&mut self) {
        let mut servers: BTreeMap<String, u64> = BTreeMap::new();
        let names: Vec<_> = self.before.names().collect();
        for entry in self.bridge.resolver.remembered() {
            let mailbox = Mailbox::parse(&entry.address);
            if mailbox.is_ok_and(|mailbox| names.contains(&&mailbox.domain)) {
                let server = self.bridge.resolver.authority_name(entry.authority);
                *servers.entry(server).or_default() += 1;
            }
        }
        for (server, count) in servers {
            self.effect("cached", json!({ "count": count, "server": server }));
        }
    }

    fn names(&mut self) {
        let (before, after) = (self.before, self.after);
        let without = |all: &DomainRecord, others: &DomainRecord| {
            let all = all.aliases.iter();
            let missing = all.filter(|name| !others.aliases.contains(name));
            missing.map(ToString::to_string).collect::<Vec<_>>()
        };
        let (added, removed) = (without(after, before), without(before, after));
        for (code, names) in [("names-added", added), ("names-removed", removed)] {
            if !names.is_empty() {
                self.effect(code, json!({ "names": names.join(", ") }));
            }
        }
    }

    fn rest(&mut self) {
        let (before, after) = (self.before, self.after);
        if before.sharing != after.sharing {
            let (old, new) = (before.sharing.join(", "), after.sharing.join(", "));
            let code = match (old.is_empty(), new.is_empty()) {
                (true, _) => "peers-on",
                (_, true) => "peers-off",
                _ => "peers",
            };
            self.effect(code, json!({ "before": old, "after": new }));
        }
        match (before.protect_senders, after.protect_senders) {
            (false, true) => self.effect("protect-on", json!({})),
            (true, false) => self.effect("protect-off", json!({})),
            _ => {}
        }
        if before.postmaster != after.postmaster {
            let text = |domain: &DomainRecord| {
                let postmaster = domain.postmaster.as_ref();
                postmaster.map_or_else(String::new, ToString::to_string)
            };
            let (old, new) = (text(before), text(after));
            self.effect("postmaster", json!({ "before": old, "after": new }));
        }
        let (old, new) = (&before.quota, &after.quota);
        for (which, old, new) in [
            ("user-max", old.user_max, new.user_max),
            ("user-default", old.user_default, new.user_default),
            ("shared-max", old.shared_max, new.shared_max),
            ("shared-default", old.shared_default, new.shared_default),
        ] {
            if old != new {
                let quota = json!({ "which": which, "before": old, "after": new });
                self.effect("quota", quota);
            }
        }
    }

    /// What may be meant otherwise.
    fn beware(&mut self, before: Routing, after: Routing) {
        let (old, new) = (self.before, self.after);
        let relay = relay_name(new);
        if before.unknown() != "refused" && after.unknown() == "refused" {
            self.warn("unknown-refused", json!({ "users": self.users.all() }));
        }
        if new.forward_unknown && !after.asks && (before.asks || !old.forward_unknown) {
            self.warn("verify-none", json!({ "relay": relay }));
        }
        let own_name = new.names().any(|name| match &new.relay {
            Some(Relay::Host(at)) => at.host.to_string() == name.as_str(),
            _ => false,
        });
        if own_name && old.relay != new.relay {
            self.warn("relay-own-name", json!({ "relay": relay }));
        }
        let gone = old
            .sharing
            .iter()
            .filter(|peer| !new.sharing.contains(peer));
        let gone: Vec<_> = gone.map(String::as_str).collect();
        if !gone.is_empty() {
            self.warn("sharing-ends", json!({ "peers": gone.join(", ") }));
        }
        if new.protect_senders && !old.protect_senders {
            let servers = self.without_sources();
            if !servers.is_empty() {
                let servers = servers.join(", ");
                self.warn("protect-without-sources", json!({ "servers": servers }));
            }
        }
        self.went_round();
    }

    /// The servers of the domain's other users of which nobody has said where their mail comes
    /// from.
    fn without_sources(&self) -> Vec<String> {
        let relay = relay_name(self.after);
        let named =
            |target: &&Target| target.name == relay || self.after.sharing.contains(&target.name);
        let targets = self.snapshot.targets().filter(named);
        let bare =
            targets.filter(|target| target.sources.is_empty() && target.client_pin.is_none());
        bare.map(|target| target.name.clone()).collect()
    }

    /// Mail of the domain that has come back already, with the settings that stay.
    fn went_round(&mut self) {
        let (old, new) = (self.before, self.after);
        if !new.forward_unknown || !old.forward_unknown || old.relay != new.relay {
            return;
        }
        let loops = self.bridge.history.signs().loops();
        let count: u64 = new
            .names()
            .filter_map(|name| loops.get(name.as_str()))
            .map(|loops| loops.count)
            .sum();
        if count > 0 {
            let relay = relay_name(new);
            self.warn("went-round", json!({ "relay": relay, "count": count }));
        }
    }
}

fn routing(domain: &DomainRecord) -> Routing {
    Routing {
        has_relay: domain.relay.is_some(),
        forwards: domain.forward_unknown,
        asks: domain.verify_unknown == VerifyUnknown::Callout,
        is_shared: !domain.sharing.is_empty(),
    }
}

/// The relay as people write it; empty: none.
fn relay_name(domain: &DomainRecord) -> String {
    let relay = domain.relay.as_ref();
    relay.map_or_else(String::new, ToString::to_string)
}
