//! Where an address goes, and why.

use std::net::IpAddr;

use serde_json::{Value, json};
use waypost_admin::request::{Explain, Refused, words};
use waypost_directory::Found;
use waypost_mta::policy::sender::refusal;
use waypost_mta::resolve::{Explanation, Step, Subject};
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
        let mut value = self.in_json(&explanation);
        value["from"] = json!(self.side_in_words(&side));
        let (kind, name) = self.side_coded(&side);
        value["from_kind"] = json!(kind);
        value["from_name"] = json!(name);
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

    /// The word for a side, and whose it is.
    fn side_coded(&self, side: &Side) -> (&'static str, Option<String>) {
        match side {
            Side::Authenticated(_) => ("user", None),
            Side::Here => ("here", None),
            Side::Stranger => ("stranger", None),
            Side::Target(id) => ("target", self.resolver.target_name(*id)),
            Side::Trusted => ("trusted", None),
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

pub(super) fn mailbox(text: &str) -> Result<Mailbox, Refused> {
    let quoted = format!("{text:?}: ");
    Mailbox::parse(text).map_err(|error| Refused::of(words::syntax(&quoted, error)))
}

fn reverse_path(text: &str) -> Result<ReversePath, Refused> {
    match text {
        "" | "<>" => Ok(ReversePath::Null),
        text => mailbox(text).map(ReversePath::Mailbox),
    }
}

impl Bridge {
    fn in_json(&self, explanation: &Explanation) -> Value {
        let steps: Vec<Value> = explanation
            .steps
            .iter()
            .map(|step| self.step(step))
            .collect();
        let members = explanation.members.iter();
        let members: Vec<Value> = members.map(|member| self.in_json(member)).collect();
        json!({
            "recipient": explanation.recipient.to_string(),
            "verdict": explanation.verdict.to_string(),
            "verdict_code": explanation.verdict.code(),
            "verdict_parameters": named(explanation.verdict.parameters()),
            "why": explanation.rule.to_string(),
            "reply": explanation.reply.to_string(),
            "proof": explanation.proof,
            "steps": steps,
            "members": members,
        })
    }

    /// A step; what rests on an answer says whose it is.
    fn step(&self, step: &Step) -> Value {
        let mut value = json!({
            "tried": step.tried.to_string(),
            "found": step.found.to_string(),
            "code": step.found.code(),
            "parameters": named(step.found.parameters()),
        });
        let Some(heard) = &step.heard else {
            return value;
        };
        value["who"] = json!(self.resolver.authority_name(heard.authority));
        value["answer"] = json!(heard.answer.to_string());
        value["source"] = json!(heard.source.to_string());
        value["age_s"] = json!(heard.age.as_secs());
        value["took_ms"] = json!(heard.took.as_millis());
        value["words"] = json!(heard.words.as_ref().map(ToString::to_string));
        value
    }
}

fn named(parameters: Vec<(&'static str, String)>) -> Value {
    let parameters = parameters.into_iter();
    parameters
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}
