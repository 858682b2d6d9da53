//! `waypost explain`

use std::net::IpAddr;

use clap::Args;
use serde_json::Value;
use waypost_admin::request::{Explain as ExplainRequest, Request};

use super::object::cell;
use super::{Common, Failure, client};

/// How far members of a group are indented.
const MEMBER_INDENT: usize = 4;

/// Show where mail to an address goes, and every step that led there.
///
/// Sends nothing and caches nothing.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The recipient.
    address: String,
    /// As if this user had logged in and sent it.
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// As if it came from this address; without it and without sender, from this site itself.
    #[arg(long, value_name = "IP")]
    client: Option<IpAddr>,
}

impl Explain {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let request = Request::Explain(ExplainRequest {
            address: self.address,
            sender: self.sender,
            client: self.client.map(|address| address.to_string()),
        });
        let result = client::call(common, &request)?;
        Ok(common.output().result(&result, |result| {
            let from = cell(result.get("from"));
            in_words(result, Some(&from), 0)
        })?)
    }
}

/// The verdict and as whom was asked, then what led there; members are indented below.
fn in_words(explained: &Value, from: Option<&str>, depth: usize) -> String {
    let of = |name: &str| cell(explained.get(name));
    let list = |name: &str| {
        let list = explained.get(name).and_then(Value::as_array);
        list.map(Vec::as_slice).unwrap_or_default()
    };
    let mut lines = vec![format!("{}: {}", of("recipient"), of("verdict"))];
    lines.extend(from.map(|from| format!("  from   {from}")));
    lines.push(format!("  why    {}", of("why")));
    lines.push(format!("  reply  {}", of("reply")));
    let proof = Some(of("proof")).filter(|proof| !proof.is_empty());
    lines.extend(proof.map(|proof| format!("  proof  {proof}")));
    lines.extend(list("steps").iter().map(|step| {
        let [tried, found] = ["tried", "found"].map(|name| cell(step.get(name)));
        format!("  {tried:<16} {found}")
    }));
    let indent = depth * MEMBER_INDENT;
    let lines = lines.iter().map(|line| format!("{:indent$}{line}\n", ""));
    let members = list("members").iter();
    let members = members.map(|member| in_words(member, None, depth + 1));
    lines.chain(members).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_of_a_group_stand_below_it() {
        let member = json!({
            "recipient": "jane@example.com", "verdict": "deliver", "why": "local",
            "reply": "250 Ok", "proof": "lyon says active", "steps": [], "members": [],
        });
        let explained = json!({
            "from": "a stranger", "recipient": "team@example.com", "verdict": "expand",
            "why": "group", "reply": "250 Ok", "proof": null,
            "steps": [{ "tried": "domain", "found": "it is here" }], "members": [member],
        });
        let expected = [
            "team@example.com: expand",
            "  from   a stranger",
            "  why    group",
            "  reply  250 Ok",
            "  domain           it is here",
            "    jane@example.com: deliver",
            "      why    local",
            "      reply  250 Ok",
            "      proof  lyon says active",
            "",
        ];
        let said = in_words(&explained, Some("a stranger"), 0);
        assert_eq!(said, expected.join("\n"));
    }
}
