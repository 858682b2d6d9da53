//! What `explain` says, as codes with parameters: whoever shows it says it in his own language.
//!
//! The words are the resolver's; what is not listed here stays as it is.

use serde_json::{Map, Value, json};

/// Steps: the code, and the words with the names of their parameters.
const STEPS: [(&str, &str); 34] = [
    (
        "served-alias",
        "{alias} is served here, as another name of {domain}",
    ),
    ("served", "{domain} is served here"),
    ("untagged", "{local} is not known, without its tag it is"),
    ("not-here", "{address} is not an address here"),
    (
        "may-not-send",
        "{domain} is not served here, and this client may not send elsewhere",
    ),
    ("outbound", "{domain} is not served here: outbound mail"),
    ("target-is-here", "{target} is this server itself"),
    ("shared-mailbox", "shared mailbox {mailbox}"),
    ("group", "group {group} with {members} members"),
    ("user-suspended", "suspended user {login}: {mail}"),
    ("user-local", "user {login}: mailbox here"),
    ("user-none", "user {login}: no mail"),
    (
        "user-unselected",
        "user {login}: mailbox on another server, and this address is not one that goes there",
    ),
    (
        "user-third-party",
        "user {login}: mailbox on another server",
    ),
    ("no-way", "there is neither a target of his own nor a relay"),
    (
        "postmaster-goes-to",
        "mail for postmaster and abuse goes to {address}",
    ),
    ("postmaster-refused", "which is refused: {reply}"),
    ("postmaster-forwarded", "on: the relay takes it"),
    ("postmaster-here", "the site's own postmaster mailbox"),
    ("forward-off", "off: nobody has it"),
    (
        "forward-from-relay",
        "on, but the recipient comes from the relay itself",
    ),
    ("forward-on", "on: the relay decides"),
    (
        "callout-later",
        "not asked: the relay will say when it gets the message",
    ),
    ("been-there", "it has been sent to {server} already"),
    ("been-out", "it has been sent out {count} times already"),
    ("onward-mx", "on to the MX hosts of the domain"),
    ("onward-smart-host", "on to the smart host"),
    ("onward", "on to {target}"),
    ("came-from", "{target} has sent it here"),
    (
        "peer-is-source",
        "{target} is not asked: the recipient comes from it",
    ),
    ("nobody-asked", "nobody may be asked now"),
    ("gateway-unasked", "nobody is asked: the target will say"),
    ("gateway-accepts", "who cannot be verified is accepted"),
    ("gateway", "{domain} lives on {target}"),
];

/// What is found by what was looked at, whatever the words.
const WHOLE: [(&str, &str, &str); 2] = [
    ("outgoing-address", "outgoing-address", "{address}"),
    ("sender", "sender-refused", "{reply}"),
];

/// Verdicts, likewise.
const VERDICTS: [(&str, &str); 9] = [
    ("deliver-shared", "deliver to the shared mailbox {mailbox}"),
    (
        "deliver-postmaster",
        "deliver to the site's postmaster mailbox {mailbox}",
    ),
    ("deliver", "deliver to the mailbox of {mailbox}"),
    ("expand", "expand to {members} members"),
    ("refuse", "refuse"),
    ("relay-mx", "relay to the MX hosts of {domain} as {address}"),
    ("relay-smart-host", "relay to the smart host as {address}"),
    ("relay", "relay to {target} as {address}"),
    ("later", "try later"),
];

/// The code and the parameters of a step.
pub(super) fn step(tried: &str, found: &str) -> Option<(&'static str, Value)> {
    let whole = WHOLE.into_iter().filter(|(of, ..)| *of == tried);
    let mut all = whole.map(|(_, code, words)| (code, words)).chain(STEPS);
    all.find_map(|(code, words)| Some((code, read(words, found)?)))
}

/// The code and the parameters of a verdict.
pub(super) fn verdict(text: &str) -> Option<(&'static str, Value)> {
    let mut all = VERDICTS.into_iter();
    all.find_map(|(code, words)| Some((code, read(words, text)?)))
}

/// The parameters of a text, when it is made of these words.
fn read(words: &str, text: &str) -> Option<Value> {
    let mut parameters = Map::new();
    let mut pieces = words.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    for piece in pieces {
        let (name, behind) = piece.split_once('}')?;
        let end = if behind.is_empty() {
            rest.len()
        } else {
            rest.find(behind)?
        };
        let value = rest.get(..end).filter(|value| !value.is_empty())?;
        parameters.insert(name.to_owned(), json!(value));
        rest = rest.get(end + behind.len()..)?;
    }
    rest.is_empty().then_some(Value::Object(parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_code_with_parameters() {
        let is = |tried: &str, found: &str, code: &str, parameters: Value| {
            assert_eq!(
                step(tried, found),
                Some((code_of(code), parameters)),
                "{found}"
            );
        };
        is(
            "domain",
            "b.test is served here",
            "served",
            json!({ "domain": "b.test" }),
        );
        let alias = "a.test is served here, as another name of b.test";
        let parameters = json!({ "alias": "a.test", "domain": "b.test" });
        is("domain", alias, "served-alias", parameters);
        let found = "user jdoe: mailbox on another server";
        is(
            "directory",
            found,
            "user-third-party",
            json!({ "login": "jdoe" }),
        );
        is(
            "target",
            "on to the smart host",
            "onward-smart-host",
            json!({}),
        );
        is("target", "on to old", "onward", json!({ "target": "old" }));
        let own = json!({ "address": "x@b.test" });
        is("outgoing-address", "x@b.test", "outgoing-address", own);
        assert_eq!(step("directory", "something new"), None);
        assert_eq!(step("domain", " is served here"), None);
    }

    fn code_of(code: &str) -> &'static str {
        let all = STEPS.iter().map(|(code, _)| *code);
        let mut all = all.chain(WHOLE.iter().map(|(_, code, _)| *code));
        all.find(|known| *known == code).unwrap()
    }

    #[test]
    fn verdicts_have_codes() {
        let said = verdict("relay to old as jdoe@b.test").unwrap();
        assert_eq!(
            said,
            (
                "relay",
                json!({ "target": "old", "address": "jdoe@b.test" })
            )
        );
        let said = verdict("relay to the MX hosts of c.test as x@c.test").unwrap();
        assert_eq!(said.0, "relay-mx");
        assert_eq!(verdict("refuse"), Some(("refuse", json!({}))));
        assert_eq!(verdict("refuse it"), None);
    }
}
