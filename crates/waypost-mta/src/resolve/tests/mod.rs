//! Golden tables: a site in a few lines, then one recipient per line with its rule and verdict.

mod arrangements;
mod asking;
mod groups;
mod peers;
mod properties;
mod shared;
pub(crate) mod site;
mod sites;

use waypost_proto::route::{Side, TargetId, Verdict};
use waypost_proto::smtp::reply::RemoteReply;

use self::site::{Site, mailbox};
use super::*;
use crate::trace;

/// What a line of a table asks for.
struct Case<'a> {
    side: &'a str,
    recipient: &'a str,
    options: Vec<&'a str>,
    rule: &'a str,
    verdict: &'a str,
}

impl<'a> Case<'a> {
    /// `side recipient [option...] | rule | verdict`
    fn parse(line: &'a str) -> Self {
        let mut parts = line.splitn(3, '|').map(str::trim);
        let asked = parts.next().unwrap();
        let (rule, verdict) = (parts.next(), parts.next());
        let mut words = asked.split_whitespace();
        Self {
            side: words.next().unwrap(),
            recipient: words.next().unwrap_or_else(|| panic!("{line}")),
            options: words.collect(),
            rule: rule.unwrap_or_else(|| panic!("{line}")),
            verdict: verdict.unwrap_or_else(|| panic!("{line}")),
        }
    }

    fn option(&self, key: &str) -> Option<&'a str> {
        let options = self.options.iter();
        options
            .filter_map(|option| option.split_once('='))
            .find_map(|(k, v)| (k == key).then_some(v))
    }
}

fn hops(site: &Site, text: &str) -> Vec<TargetId> {
    let hop = |name: &str| match name {
        "mx" => trace::hop(Via::Mx),
        "smart-host" => trace::hop(Via::SmartHost),
        name => site.target(name),
    };
    text.split(',').map(hop).collect()
}

/// What was decided, as a table writes it; `says=` answers whatever question comes up.
fn decided(site: &Site, case: &Case<'_>) -> (String, String) {
    let path = ForwardPath::parse(&format!("<{}>", case.recipient)).unwrap();
    let recipient = site.settings.recipient(&path);
    let side = site.side(case.side);
    let original = case.option("through").map(mailbox);
    let visited = case
        .option("visited")
        .map_or_else(Vec::new, |text| hops(site, text));
    let mut request = if case.options.contains(&"queued") {
        Request::in_queue(recipient, &side)
    } else {
        Request::at_rcpt(recipient, &side)
    };
    if original.is_some() {
        request.original = original.as_ref();
        request.outbound = Outbound::Allowed;
    }
    request.visited = &visited;
    let mut answers = Answers::default();
    loop {
        match look(site, &request, &answers) {
            Resolution::Decided(decided) => {
                return (decided.rule.to_string(), site.words(&decided.verdict));
            }
            Resolution::Ask(questions) => {
                let says = |question: &Question| {
                    let name = asked_name(site, question.authority);
                    let about = format!("{name}:{}", question.address.local);
                    case.option(&about)
                        .or_else(|| case.option(&name))
                        .or_else(|| case.option("says"))
                };
                if questions.iter().all(|question| says(question).is_none()) {
                    let asked = questions.iter().map(|question| {
                        let name = asked_name(site, question.authority);
                        format!("{name} {}", question.address)
                    });
                    return ("ask".to_owned(), asked.collect::<Vec<_>>().join(", "));
                }
                for question in questions {
                    assert!(answers.to(&question).is_none(), "asked twice");
                    if let Some(says) = says(&question) {
                        let heard = heard(&question, says);
                        answers.add(question, heard);
                    }
                }
            }
        }
    }
}

/// A target's name, `gateway`, or `list`.
fn asked_name(site: &Site, authority: Authority) -> String {
    match authority {
        Authority::Callout(id) | Authority::Delivery(id) | Authority::Peer(id) => {
            site.way(Via::Target(id))
        }
        Authority::Gateway(_) => "gateway".to_owned(),
        Authority::List(_) => "list".to_owned(),
    }
}

fn look(site: &Site, request: &Request<'_>, answers: &Answers) -> Resolution {
    let snapshot = site.snapshot();
    let facts = Facts {
        snapshot: &snapshot,
        answers,
        settings: &site.settings,
        here: &site.here,
    };
    resolve(request, &facts)
}

fn heard(question: &Question, says: &str) -> Heard {
    let said = said(says);
    Heard {
        authority: question.authority,
        answer: said.answer,
        source: Source::Asked,
        age: std::time::Duration::ZERO,
        took: std::time::Duration::ZERO,
        words: said.words,
    }
}

/// `550-5.1.1` is a reply, `5` a Minger status, `silence` nothing.
fn said(text: &str) -> Said {
    if text == "silence" {
        return Said::nothing();
    }
    if let [digit @ b'0'..=b'5'] = text.as_bytes() {
        let at = usize::from(digit - b'0');
        return Said::in_status(waypost_proto::minger::Status::ALL[at]);
    }
    let (code, status) = text.split_once('-').unwrap_or((text, ""));
    let line = format!("{status} some words");
    Said::in_reply(RemoteReply::new(code.parse().unwrap(), [line.as_bytes()]))
}

/// Runs a table, and shows every line that came out otherwise.
fn run(table: &str) {
    let mut site = None;
    let mut lines = String::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in table.lines().map(str::trim_end) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(object) = line.strip_prefix("  ") {
            if site.take().is_some() {
                lines.clear();
            }
            lines.push_str(object);
            lines.push('\n');
            continue;
        }
        let site = site.get_or_insert_with(|| Site::new(&lines));
        let case = Case::parse(line);
        let (rule, verdict) = decided(site, &case);
        if (rule.as_str(), verdict.as_str()) != (case.rule, case.verdict) {
            wrong.push(format!("{line}\n    came out as | {rule} | {verdict}"));
        }
        count += 1;
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn domains_aliases_and_addresses() {
    run(include_str!("addresses.table"));
}

#[test]
fn split_domains() {
    run(include_str!("split.table"));
}

#[test]
fn outgoing_addresses() {
    run(include_str!("outgoing.table"));
}

#[test]
fn domains_that_are_shared() {
    run(include_str!("sharing.table"));
}

#[test]
fn gateway_domains() {
    run(include_str!("gateway.table"));
}

#[test]
fn postmaster_and_abuse() {
    run(include_str!("postmaster.table"));
}

#[test]
fn loops() {
    run(include_str!("loops.table"));
}

#[test]
fn the_steps_tell_the_whole_way() {
    let site = Site::new(
        "target old host=10.0.0.7\n\
         domain example.com aliases=example.org relay=old forward-unknown",
    );
    let recipient = mailbox("jdoe+tag@example.org");
    let request = Request {
        detail: Detail::Steps,
        ..Request::at_rcpt(&recipient, &Side::Stranger)
    };
    let Resolution::Ask(questions) = look(&site, &request, &Answers::default()) else {
        panic!("nothing was asked");
    };
    let mut answers = Answers::default();
    answers.add(questions[0].clone(), heard(&questions[0], "550-5.1.1"));
    let Resolution::Decided(decided) = look(&site, &request, &answers) else {
        panic!("asked again");
    };
    let steps: Vec<_> = decided
        .steps
        .iter()
        .map(|s| format!("{}: {}", s.tried, s.found))
        .collect();
    assert_eq!(
        steps,
        [
            "domain: example.org is served here, as another name of example.com",
            "directory: jdoe+tag@example.org is not an address here",
            "forward-unknown: on: the relay decides",
            "target: on to old",
            "callout: old says unknown",
        ]
    );
    assert_eq!(decided.steps[4].heard, decided.proof);
    assert!(decided.proof.is_some_and(|heard| heard.words.is_some()));
}

#[test]
fn steps_cost_nothing_unless_they_are_wanted() {
    let site = Site::new("domain example.com");
    let recipient = mailbox("nobody@example.com");
    let request = Request::at_rcpt(&recipient, &Side::Stranger);
    let Resolution::Decided(decided) = look(&site, &request, &Answers::default()) else {
        panic!("asked");
    };
    assert!(decided.steps.is_empty());
    assert!(matches!(decided.verdict, Verdict::Refuse(_)));
}
