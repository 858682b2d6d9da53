//! Where an address goes, and why.

use std::net::IpAddr;

use serde_json::{Value, json};
use waypost_admin::request::{Explain, Refused};
use waypost_directory::Found;
use waypost_mta::policy::sender::refusal;
use waypost_mta::resolve::{Explanation, Subject};
use waypost_mta::session::Caller;
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::Side;

use super::Bridge;

impl Bridge {
    pub(super) async fn explain(&self, request: &Explain) -> Result<Value, Refused> {
        let recipient = mailbox(&request.address)?;
        let sender = request.sender.as_deref().map(reverse_path).transpose()?;
        let client = request.client.as_deref().map(str::parse::<IpAddr>);
        let client = client
            .transpose()
            .map_err(|error| Refused::new(format!("--client: {error}")))?;
        let side = self.side(sender.as_ref(), client);
        let refusal = sender.as_ref().and_then(|sender| {
            let snapshot = self.directory.snapshot();
            let delimiter = self.resolver.settings().delimiter;
            refusal(&snapshot, &side, sender, delimiter)
        });
        let explanation = self
            .resolver
            .explain(&Subject {
                sender: sender.as_ref(),
                refusal,
                side: &side,
                recipient: &recipient,
            })
            .await;
        let mut value = in_json(&explanation);
        let from = self.side_in_words(&side);
        value["text"] = json!(text(&explanation, &from));
        value["from"] = json!(from);
        Ok(value)
    }

    /// A client has the side of its address; without one, a sender who is a user is logged in.
    fn side(&self, sender: Option<&ReversePath>, client: Option<IpAddr>) -> Side {
        if client.is_some() {
            return Caller::of(&self.shared, client).side;
        }
        let snapshot = self.directory.snapshot();
        let user = sender.and_then(ReversePath::mailbox).and_then(|mailbox| {
            let domain = snapshot.domain(&mailbox.domain)?;
            match snapshot.lookup(&domain, &mailbox.local.folded())? {
                Found::User(user) => Some(user.id),
                _ => None,
            }
        });
        match (user, sender) {
            (Some(user), _) => Side::Authenticated(user),
            (None, Some(_)) => Side::Stranger,
            (None, None) => Side::Here,
        }
    }

    fn side_in_words(&self, side: &Side) -> String {
        match side {
            Side::Authenticated(_) => "a user who is logged in".to_owned(),
            Side::Here => "this server itself".to_owned(),
            Side::Stranger => "a stranger".to_owned(),
            Side::Target(id) => {
                let name = self.resolver.target_name(*id).unwrap_or_default();
                format!("target {name}")
            }
            Side::Trusted => "a trusted network".to_owned(),
        }
    }
}

/// Below the verdict it says as whom was asked.
fn text(explanation: &Explanation, from: &str) -> String {
    let said = explanation.to_string();
    match said.split_once('\n') {
        Some((verdict, rest)) => format!("{verdict}\n  from   {from}\n{rest}"),
        None => said,
    }
}

pub(super) fn mailbox(text: &str) -> Result<Mailbox, Refused> {
    Mailbox::parse(text).map_err(|error| Refused::new(format!("{text:?}: {error}")))
}

fn reverse_path(text: &str) -> Result<ReversePath, Refused> {
    match text {
        "" | "<>" => Ok(ReversePath::Null),
        text => mailbox(text).map(ReversePath::Mailbox),
    }
}

fn in_json(explanation: &Explanation) -> Value {
    let steps: Vec<Value> = explanation
        .steps
        .iter()
        .map(|step| {
            let mut value = json!({ "tried": step.tried.to_string(), "found": step.found });
            if let Some(heard) = &step.heard {
                value["answer"] = json!(heard.answer.to_string());
                value["source"] = json!(heard.source.to_string());
                value["age_s"] = json!(heard.age.as_secs());
                value["took_ms"] = json!(heard.took.as_millis());
            }
            value
        })
        .collect();
    let members: Vec<Value> = explanation.members.iter().map(in_json).collect();
    json!({
        "recipient": explanation.recipient.to_string(),
        "verdict": explanation.verdict,
        "why": explanation.rule.to_string(),
        "reply": explanation.reply.to_string(),
        "proof": explanation.proof,
        "steps": steps,
        "members": members,
    })
}
