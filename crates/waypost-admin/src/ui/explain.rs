//! Explain: an address goes in, its way through the rules comes out.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use waypost_directory::Snapshot;
use waypost_proto::mail::Domain;

use super::address;
use super::layout::{Page, View, again, page as page_of};
use crate::address::encoded;
use crate::api::v1::explain::{Explained, ExplainedRecipient, ExplainedStep, FromKind, Question};
use crate::api::v1::overview::WrongKind;
use crate::auth::Right;
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::text::Word;

/// Codes of steps that there are words for.
const STEPS: [&str; 36] = [
    "been-out",
    "been-there",
    "callout-later",
    "came-from",
    "forward-from-relay",
    "forward-off",
    "forward-on",
    "gateway",
    "gateway-accepts",
    "gateway-unasked",
    "group",
    "may-not-send",
    "no-way",
    "nobody-asked",
    "not-here",
    "onward",
    "onward-mx",
    "onward-smart-host",
    "outbound",
    "outgoing-address",
    "peer-is-source",
    "postmaster-forwarded",
    "postmaster-goes-to",
    "postmaster-here",
    "postmaster-refused",
    "sender-refused",
    "served",
    "served-alias",
    "shared-mailbox",
    "target-is-here",
    "untagged",
    "user-local",
    "user-none",
    "user-suspended",
    "user-third-party",
    "user-unselected",
];
/// Steps at which something is wrong.
const BAD: [&str; 9] = [
    "been-out",
    "been-there",
    "came-from",
    "forward-from-relay",
    "may-not-send",
    "no-way",
    "postmaster-refused",
    "sender-refused",
    "target-is-here",
];
/// Steps at which nobody was asked, or nothing was found.
const SKIPPED: [&str; 5] = [
    "callout-later",
    "forward-off",
    "gateway-unasked",
    "nobody-asked",
    "peer-is-source",
];
/// Verdicts that there are words for.
const VERDICTS: [&str; 10] = [
    "deliver",
    "deliver-postmaster",
    "deliver-shared",
    "elsewhere",
    "expand",
    "later",
    "refuse",
    "relay",
    "relay-mx",
    "relay-smart-host",
];
/// Rules that there are words for.
const RULES: [&str; 12] = [
    "forward-unknown",
    "gateway",
    "group",
    "local",
    "loop",
    "no-mail",
    "not-served",
    "postmaster",
    "sharing",
    "suspended",
    "third-party",
    "unknown",
];

pub(crate) fn router() -> Router<Console> {
    Router::new().route("/explain", get(show))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    address: String,
    sender: String,
    client: String,
}

#[derive(Template)]
#[template(path = "explain/show.html")]
struct Show<'a> {
    page: &'a Page,
    asked: &'a Asked,
    /// Who it was explained for, and the ways: of the recipient, then of its members.
    from: Option<String>,
    ways: Vec<Way>,
    problem: Option<&'a Problem>,
}

/// A recipient's way through the rules.
struct Way {
    recipient: String,
    verdict: String,
    is_refused: bool,
    why: String,
    reply: String,
    is_member: bool,
    steps: Vec<Told>,
}

/// A step in words.
struct Told {
    class: &'static str,
    /// The key of what was looked at, without `tried-`.
    tried: String,
    text: String,
    /// Whose answer it rests on: who, what, where from and how old, in which words.
    answer: Option<Heard>,
    /// What it is about, with its page.
    links: Vec<(String, String)>,
}

struct Heard {
    who: String,
    class: &'static str,
    says: String,
    when: String,
    words: Option<String>,
}

impl Show<'_> {
    /// Whether this field was not accepted.
    fn is_wrong(&self, field: &str) -> bool {
        let problem = self.problem.and_then(|problem| problem.of_field(field));
        problem.is_some()
    }
}

async fn show(
    State(console): State<Console>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Response {
    if let Err(problem) = page.actor.require(Right::Explain) {
        return super::layout::trouble(&page, &problem);
    }
    let mut form = Show {
        page: &page,
        asked: &asked,
        from: None,
        ways: Vec::new(),
        problem: None,
    };
    if asked.address.trim().is_empty() {
        return page_of(&page, Ok(form));
    }
    let question = Question {
        address: asked.address.clone(),
        sender: Some(asked.sender.clone()),
        client: Some(asked.client.clone()),
    };
    match console.explain(&page.actor, &question).await {
        Ok(explained) => {
            form.from = Some(from(&page, &explained));
            let snapshot = console.parts.directory.snapshot();
            let member = explained.recipient.members.iter();
            let teller = Teller {
                page: &page,
                snapshot: &snapshot,
            };
            form.ways.push(teller.way(&explained.recipient, false));
            form.ways
                .extend(member.map(|member| teller.way(member, true)));
            page_of(&page, Ok(form))
        }
        Err(problem) => again(
            &problem,
            &Show {
                problem: Some(&problem),
                ..form
            },
        ),
    }
}

fn from(view: &View, explained: &Explained) -> String {
    let word = match explained.from_kind {
        FromKind::Here => "here",
        FromKind::Stranger => "stranger",
        FromKind::Target => "target",
        FromKind::Trusted => "trusted",
        FromKind::User => "user",
    };
    let name = explained.from_name.clone().unwrap_or_default();
    view.words("explain-from", word, &[("name", Word::from(&name))])
}

/// A rule in words, as far as there are any.
pub(crate) fn rule(view: &View, rule: &str) -> String {
    match RULES.contains(&rule) {
        true => view.word("rule", rule),
        false => rule.to_owned(),
    }
}

/// Says steps in the reader's language.
struct Teller<'a> {
    page: &'a Page,
    snapshot: &'a Snapshot,
}

impl Teller<'_> {
    fn way(&self, recipient: &ExplainedRecipient, is_member: bool) -> Way {
        let code = recipient.verdict_code.as_deref();
        let code = code.filter(|code| VERDICTS.contains(code));
        let verdict = match code {
            Some(code) => {
                let values = recipient.verdict_parameters.iter();
                let values: Vec<_> = values
                    .map(|(name, value)| (name.as_str(), Word::from(value)))
                    .collect();
                self.page.words("verdict", code, &values)
            }
            None => recipient.verdict.clone(),
        };
        let steps = recipient.steps.iter();
        Way {
            recipient: recipient.recipient.clone(),
            verdict,
            is_refused: recipient.is_refused(),
            why: match (recipient.why.as_str(), code) {
                ("sharing", Some("relay")) => self.page.say("rule-sharing-has"),
                ("sharing", Some("later")) => self.page.say("rule-sharing-unsaid"),
                (why, _) => rule(self.page, why),
            },
            reply: recipient.reply.clone(),
            is_member,
            steps: steps
                .map(|step| self.step(step, &recipient.recipient))
                .collect(),
        }
    }

    fn step(&self, step: &ExplainedStep, recipient: &str) -> Told {
        let code = step.code.as_deref().filter(|code| STEPS.contains(code));
        let values = step.parameters.iter();
        let values: Vec<_> = values
            .map(|(name, value)| (name.as_str(), Word::from(value)))
            .collect();
        let answer = self.heard(step);
        let text = match (code, &answer) {
            (Some(code), _) => self.page.words("step", code, &values),
            (None, Some(_)) => String::new(),
            (None, None) => step.found.clone(),
        };
        let class = match (&answer, code) {
            (Some(heard), _) => heard.class,
            (None, Some(code)) if BAD.contains(&code) => "bad",
            (None, Some(code)) if SKIPPED.contains(&code) => "skipped",
            _ => "",
        };
        Told {
            class,
            tried: step.tried.clone(),
            text,
            answer,
            links: self.links(step, recipient),
        }
    }

    fn heard(&self, step: &ExplainedStep) -> Option<Heard> {
        let (word, class) = match step.answer.as_deref()? {
            "active" => ("active", "ok"),
            "cannot receive" => ("full", "warn"),
            "unknown" => ("unknown", ""),
            _ => ("unavailable", "warn"),
        };
        let language = self.page.language;
        let span = |span: Option<Duration>| language.span(span.unwrap_or_default());
        let age = span(step.age_s.map(Duration::from_secs));
        let took = span(step.took_ms.map(Duration::from_millis));
        let source = match step.source.as_deref() {
            Some("asked") => "asked",
            Some("blind") => "blind",
            Some("suspended") => "suspended",
            _ => "cache",
        };
        let values = [("age", Word::from(&age)), ("took", Word::from(&took))];
        Some(Heard {
            who: step.who.clone().unwrap_or_default(),
            class,
            says: self.page.word("answer", word),
            when: self.page.words("answer-from", source, &values),
            words: step.words.clone(),
        })
    }

    /// The pages of what a step is about.
    fn links(&self, step: &ExplainedStep, recipient: &str) -> Vec<(String, String)> {
        let value = |name: &str| step.parameters.get(name).map(String::as_str);
        let mut links = Vec::new();
        let served = value("domain").filter(|_| self.page.may(Right::DomainRead));
        if let Some(domain) = served.and_then(|name| self.main_name(name)) {
            links.push((domain.clone(), format!("/domains/{}", encoded(&domain))));
        }
        let home = recipient
            .rsplit_once('@')
            .and_then(|(_, domain)| self.main_name(domain));
        if let (Some(home), true) = (home, self.page.may(Right::AccountRead)) {
            for (name, path) in [
                ("login", "users"),
                ("mailbox", "mailboxes"),
                ("group", "groups"),
            ] {
                if let Some(name) = value(name) {
                    let name = format!("{name}@{home}");
                    let address = format!("/{path}/{}", encoded(&name));
                    links.push((name, address));
                }
            }
        }
        let servers = [value("target"), value("server"), step.who.as_deref()];
        if self.page.may(Right::RouteRead) {
            let servers = servers.into_iter().flatten();
            links.extend(servers.filter_map(|name| Some((name.to_owned(), self.server(name)?))));
        }
        links
    }

    fn main_name(&self, name: &str) -> Option<String> {
        let name = Domain::parse(name).ok()?;
        Some(self.snapshot.domain(&name)?.domain.name.to_string())
    }

    /// The page of a target or a peer.
    fn server(&self, name: &str) -> Option<String> {
        if self.snapshot.peers().any(|peer| peer.name == name) {
            return Some(address::of_object(WrongKind::Peer, name));
        }
        let is_target = self.snapshot.targets().any(|target| target.name == name);
        is_target.then(|| address::of_object(WrongKind::Target, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn every_code_has_words_in_every_language() {
        let sets: [(&str, &[&str]); 3] =
            [("step", &STEPS), ("verdict", &VERDICTS), ("rule", &RULES)];
        for language in Language::ALL {
            for (key, words) in sets {
                for word in words {
                    let key = format!("{key}-{word}");
                    assert_ne!(language.say(&key), key, "{}", language.code());
                }
            }
        }
    }
}
