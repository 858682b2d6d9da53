//! Trying the relay that a domain would have, before it has it.

use std::time::Duration;

use tokio::time::timeout;
use waypost_admin::request::{Fault, Refused, words};
use waypost_directory::{DomainRecord, Relay};
use waypost_mta::deliver::trial::{Finding, Trial};
use waypost_mta::resolve::nobody_at;
use waypost_proto::mail::{LocalPart, Mailbox};
use waypost_proto::smtp::reply::{RemoteReply, Severity};

use super::Bridge;

/// How long a relay may take: somebody waits for the page.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a relay did when it was tried.
pub(super) struct Tried {
    finding: Finding,
    recipient: Option<RemoteReply>,
    takes_everything: bool,
    /// It asked here about the address that it was asked about, or said that it would send mail
    /// for it back.
    pub(super) comes_back: bool,
}

impl Bridge {
    /// Tries the relay, where the change is about it.
    pub(super) async fn try_relay(
        &self,
        before: &DomainRecord,
        after: &DomainRecord,
    ) -> Option<Tried> {
        let relay = after.relay.as_ref()?;
        let same = before.relay == after.relay
            && before.forward_unknown == after.forward_unknown
            && before.verify_unknown == after.verify_unknown;
        if same {
            return None;
        }
        let nobody = nobody_at(&after.name)?;
        let postmaster = LocalPart::parse("postmaster").ok()?;
        let postmaster = Mailbox::new(postmaster, after.name.clone());
        let newest = self.history.tap().newest();
        let trying = self.trial_of(relay, [&postmaster, &nobody]);
        let Ok(trial) = timeout(PATIENCE, trying).await else {
            let finding = Finding {
                code: "unreachable",
                detail: format!("nothing within {} s", PATIENCE.as_secs()),
            };
            return Some(Tried::nothing(finding, self.came_back(newest, &nobody)));
        };
        let trial = trial?;
        let taken = |reply: &RemoteReply| reply.severity() == Severity::Success;
        Some(Tried {
            takes_everything: trial.nobody.as_ref().is_some_and(taken),
            finding: trial.finding,
            recipient: trial.recipient,
            comes_back: self.came_back(newest, &nobody)
                || trial.nobody.as_ref().is_some_and(would_come_back),
        })
    }

    async fn trial_of(&self, relay: &Relay, [known, nobody]: [&Mailbox; 2]) -> Option<Trial> {
        let snapshot = self.directory.snapshot();
        let host = match relay {
            Relay::Host(at) => at.clone(),
            Relay::Target(name) => {
                let id = snapshot.targets().find(|t| t.name == *name)?.id;
                return Some(self.asking.trial(id, Some(known), Some(nobody)).await);
            }
        };
        let trial = self.asking.trial_at(host, Some(known), Some(nobody));
        Some(trial.await)
    }

    /// Whether somebody has asked here about an address that nobody but the relay has heard of.
    fn came_back(&self, newest: u64, nobody: &Mailbox) -> bool {
        let local = nobody.local.folded();
        let lines = self.history.tap().after(newest);
        lines.iter().any(|(_, line)| {
            let to = line.value("to");
            line.value("event") == Some("rejected") && to.is_some_and(|to| to.contains(&*local))
        })
    }
}

impl Tried {
    fn nothing(finding: Finding, comes_back: bool) -> Self {
        Self {
            finding,
            recipient: None,
            takes_everything: false,
            comes_back,
        }
    }

    /// Codes of what to beware of, with what the relay or the network said.
    pub(super) fn warnings(&self, domain: &DomainRecord) -> Vec<(&'static str, String)> {
        let Finding { code, detail } = &self.finding;
        let mut warnings = Vec::new();
        match *code {
            "good" | "accepts-everything" | "recipient-later" => {}
            "unreachable" | "no-address" | "no-greeting" => {
                warnings.push(("relay-unreachable", detail.clone()));
            }
            "recipient-refused" if self.knows_domain() => {}
            "recipient-refused" => warnings.push(("relay-lacks-domain", detail.clone())),
            _ => warnings.push(("relay-refuses", detail.clone())),
        }
        if self.takes_everything && domain.forward_unknown {
            warnings.push(("relay-takes-everything", String::new()));
        }
        warnings
    }

    /// Who says that nobody has an address (RFC 3463: x.1.1) serves its domain.
    fn knows_domain(&self) -> bool {
        let status = self.recipient.as_ref().and_then(|reply| reply.status);
        status.is_some_and(|status| status.subject == 1 && status.detail == 1)
    }
}

/// Who knows that mail came from where he would send it says that it loops (RFC 3463 §3.5, x.4.6).
fn would_come_back(reply: &RemoteReply) -> bool {
    let status = reply.status;
    let status = status.map(|status| (status.class, status.subject, status.detail));
    status == Some((5, 4, 6))
}

/// Both servers would send each other what neither knows.
pub(super) fn both_forward(domain: &DomainRecord) -> Refused {
    let relay = domain.relay.as_ref();
    let relay = relay.map_or_else(String::new, ToString::to_string);
    let object = format!("domain {}", domain.name);
    let words = words::BOTH_FORWARD.having("relay", &relay);
    Refused::unsaved(vec![Fault::new(&object, "forward_unknown", words)])
}
