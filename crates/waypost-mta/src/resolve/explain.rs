//! Why a recipient goes where it goes, in words: what `waypost explain` tells.

use std::time::Duration;

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::{Rule, Side, Store, Verdict, Via};
use waypost_proto::smtp::reply::Reply;

use super::ask::{Answer, Heard, Source};
use super::expand::{Expanded, Once};
use super::finding::{Conclusion, Finding};
use super::resolver::Resolver;
use super::step::{Step, Tried};
use super::{Asking, Decided, Detail, Request};

/// A recipient's verdict, with every step that led there.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The recipient.
    pub recipient: Mailbox,
    /// What a client is told.
    pub reply: Reply,
    /// The rule that decided.
    pub rule: Rule,
    /// Where it goes.
    pub verdict: Conclusion,
    /// The answer it rests on, in words.
    pub proof: Option<String>,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// The final members of a group, refused ones too.
    pub members: Vec<Self>,
}

/// A message to explain, as far as it is known.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Who it comes from, when that matters.
    pub sender: Option<&'a ReversePath>,
    /// What the sender is told before there is a recipient, when that is a refusal.
    pub refusal: Option<Reply>,
    /// Where it comes from.
    pub side: &'a Side,
    /// Who it is for.
    pub recipient: &'a Mailbox,
}

impl Resolver {
    /// Says where a recipient would go and why; sends nothing, remembers nothing.
    pub async fn explain(&self, subject: &Subject<'_>) -> Explanation {
        let request = Request {
            asking: Asking::Aside,
            detail: Detail::Steps,
            ..Request::at_rcpt(subject.recipient, subject.side)
        };
        let decided = self.decide(&request).await;
        let mut explanation = self.in_words(subject.recipient, decided.clone());
        if let Verdict::Expand(expansion) = &decided.verdict {
            let mut once = Once::new(self.settings().delimiter);
            let null = ReversePath::Null;
            let sender = subject.sender.unwrap_or(&null);
            let expanded = self.expand(&request, expansion, sender, &mut once).await;
            self.explain_members(&mut explanation, expanded);
        }
        if let Some(refusal) = &subject.refusal {
            let step = Step {
                tried: Tried::Sender,
                found: Finding::SenderRefused(refusal.to_string()),
                heard: None,
            };
            explanation.steps.insert(0, step);
            explanation.reply = refusal.clone();
        }
        explanation
    }

    fn explain_members(&self, explanation: &mut Explanation, expanded: Expanded) {
        explanation.reply = expanded.reply;
        let members = expanded.members.into_iter().chain(expanded.refused);
        explanation.members = members
            .map(|member| self.in_words(&member.address, member.decided))
            .collect();
    }

    fn in_words(&self, recipient: &Mailbox, decided: Decided) -> Explanation {
        Explanation {
            recipient: recipient.clone(),
            reply: decided.reply(),
            rule: decided.rule,
            verdict: self.conclusion(&decided.verdict),
            proof: decided.proof.as_ref().map(|heard| self.proof(heard)),
            steps: self.with_pauses(decided.steps),
            members: Vec::new(),
        }
    }

    /// Says of who is silent that he is not even asked for a while.
    fn with_pauses(&self, mut steps: Vec<Step>) -> Vec<Step> {
        for step in &mut steps {
            let heard = step.heard.as_ref();
            let silent = heard.filter(|heard| heard.answer == Answer::Unavailable);
            if let Some(pause) = silent.and_then(|heard| self.spared_for(heard.authority)) {
                let seconds = pause.as_secs() + 1;
                let words = format!("; has not answered lately, and is spared for {seconds} s");
                if let Finding::Answer(text) = &mut step.found {
                    text.push_str(&words);
                }
            }
        }
        steps
    }

    fn conclusion(&self, verdict: &Verdict) -> Conclusion {
        match verdict {
            Verdict::Deliver(to) => {
                let mailbox = format!("{}@{}", to.login, to.domain);
                match to.store {
                    Store::Postmaster => Conclusion::DeliverPostmaster(mailbox),
                    Store::Shared => Conclusion::DeliverShared(mailbox),
                    Store::User => Conclusion::Deliver(mailbox),
                }
            }
            Verdict::Expand(to) => Conclusion::Expand(to.members.len()),
            Verdict::Refuse(_) => Conclusion::Refuse,
            Verdict::Relay { via, recipient } => {
                let address = recipient.to_string();
                match via {
                    Via::Mx => Conclusion::RelayMx {
                        domain: recipient.domain.to_string(),
                        address,
                    },
                    Via::SmartHost => Conclusion::RelaySmartHost(address),
                    Via::Target(id) => Conclusion::Relay {
                        target: self.target_name(*id).unwrap_or_default(),
                        address,
                    },
                }
            }
            Verdict::TryLater(_) => Conclusion::Later,
        }
    }

    fn proof(&self, heard: &Heard) -> String {
        let name = self.authority_name(heard.authority);
        format!("{name} says {}", heard.in_words())
    }
}

impl Heard {
    /// The answer, where it was found, how old it is or how long it took, and its own words.
    pub(super) fn in_words(&self) -> String {
        let Self { answer, source, .. } = self;
        let when = match source {
            Source::Asked => format!("in {} ms", self.took.as_millis()),
            Source::Blind | Source::Cache => age(self.age),
            Source::Suspended => "not asked now".to_owned(),
        };
        let mut text = format!("{answer} ({source}, {when})");
        if let Some(words) = &self.words {
            text.push_str(": ");
            text.push_str(&words.to_string());
        }
        text
    }
}

/// A length of time as people say it.
fn age(age: Duration) -> String {
    match age.as_secs() {
        0 => "now".to_owned(),
        seconds @ 1..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}
