//! What a sender who asks for reports is told, groups included (RFC 3461 §5.2).

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Peer, Plan as PeerPlan, Reaction, Taken};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::{PROGRAM, message, split};

const ALICE: &str = "alice@example.com";

/// What the target offers: reports of its own, or none.
const OFFERS: [&str; 2] = ["PIPELINING\n8BITMIME", "PIPELINING\n8BITMIME\nDSN"];

/// A target without DSN, or with it, that knows nobody called gone.
fn target(offers: &str) -> Peer {
    let plan = PeerPlan::new(unused_address().unwrap()).offers(offers);
    let script = |moment: &Moment<'_>| match moment {
        Moment::Command(line) if line.starts_with("RCPT TO:<gone@") => {
            Some(Reaction::Say("550 5.1.1 No such user".to_owned()))
        }
        _ => None,
    };
    plan.start(script).unwrap()
}

/// Alice and bob here, jdoe and gone at the target; a list with an owner, an alias for several and
/// one for jdoe alone.
fn site(target: &Peer) -> Site {
    let more = r#"
[[user]]
domain = "example.com"
login = "bob"
mail = "local"
addresses = ["bob@example.com"]

[[user]]
domain = "example.com"
login = "gone"
mail = "third-party"
addresses = ["gone@example.com"]

[[group]]
domain = "example.com"
name = "list"
addresses = ["list@example.com"]
members = ["jdoe@example.com", "gone@example.com"]
owner = "bob@example.com"

[[group]]
domain = "example.com"
name = "several"
addresses = ["several@example.com"]
members = ["jdoe@example.com", "gone@example.com"]

[[group]]
domain = "example.com"
name = "one"
addresses = ["one@example.com"]
members = ["jdoe@example.com"]
"#;
    let file = split::site_file(target, "") + more;
    Plan::new(PROGRAM).unwrap().site(&file).start().unwrap()
}

/// Alice writes to somebody, with parameters to MAIL and RCPT.
fn write(site: &Site, mail: &str, recipient: &str, rcpt: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let lines = [
        (format!("MAIL FROM:<{ALICE}>{mail}"), 250),
        (format!("RCPT TO:<{recipient}@example.com>{rcpt}"), 250),
        ("DATA".to_owned(), 354),
    ];
    for (line, code) in lines {
        client.expect(&line, code).unwrap();
    }
    client.send(message("reported").as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
}

/// Waits until the mail for somebody has ended in this way.
fn wait_for_end(site: &Site, recipient: &str, status: &str) {
    let to = format!("to=<{recipient}@example.com>");
    site.wait_for_log(&[&to, &format!("status={status}")])
        .unwrap();
}

/// Waits until nothing is left to do, reports included.
fn wait_for_empty_queue(site: &Site) {
    waypost_testkit::wait::until("an empty queue", || {
        let summary = site.tell(&["queue", "list", "--json"]).ok()?;
        (!summary.contains('@')).then_some(())
    })
    .unwrap();
}

/// The reports that somebody got, each as (final recipient, action), after all is done.
fn reports(site: &Site, login: &str) -> Vec<(String, String)> {
    wait_for_empty_queue(site);
    let mut found = Vec::new();
    for report in site.messages("example.com", login) {
        let mut recipient = "";
        for line in report.lines() {
            if let Some(address) = line.strip_prefix("Final-Recipient: rfc822;") {
                recipient = address.split('@').next().unwrap_or_default();
            }
            if let Some(action) = line.strip_prefix("Action: ") {
                found.push((recipient.to_owned(), action.to_owned()));
            }
        }
    }
    found.sort();
    found
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(recipient, action): &(&str, &str)| (String::from(*recipient), (*action).into());
    expected.iter().map(owned).collect()
}

/// The parameters of the one recipient that the target took.
fn parameters(taken: &[Taken]) -> String {
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0].recipients.len(), 1, "{taken:?}");
    let (_, parameters) = taken[0].recipients[0].split_once('>').unwrap();
    parameters.trim_start().to_owned()
}

#[test]
fn success_asked_of_a_list_with_an_owner_is_reaching_the_list() {
    let old = target(OFFERS[1]);
    let site = site(&old);
    write(&site, " RET=HDRS ENVID=of-alice", "list", " NOTIFY=SUCCESS");
    let taken = old.wait_for_taken(1).unwrap();
    wait_for_end(&site, "gone", "bounced");
    assert_eq!(reports(&site, "alice"), pairs(&[("list", "delivered")]));
    // What its members do is the owner's to know.
    assert_eq!(reports(&site, "bob"), pairs(&[("gone", "failed")]));
    let to_owner = site.messages("example.com", "bob").join("");
    assert!(!to_owner.contains("Original-Envelope-Id"), "{to_owner}");
    assert!(to_owner.contains("\nHello.\n"), "whole: {to_owner}");
    // RFC 3461 §5.2.7.1: nothing of what alice asked goes on to them.
    assert!(taken[0].mail.starts_with("<bob@example.com>"), "{taken:?}");
    assert!(!taken[0].mail.contains("ENVID"), "{taken:?}");
    assert!(!taken[0].mail.contains("RET"), "{taken:?}");
    assert_eq!(parameters(&taken), "ORCPT=rfc822;jdoe@example.com");
}

#[test]
fn nothing_asked_of_a_list_with_an_owner_is_nothing_told_of_the_list() {
    let old = target(OFFERS[1]);
    let site = site(&old);
    write(&site, "", "list", " NOTIFY=NEVER");
    old.wait_for_taken(1).unwrap();
    wait_for_end(&site, "gone", "bounced");
    assert_eq!(reports(&site, "alice"), pairs(&[]));
    // A member that fails is reported to the owner all the same: he did not ask for silence.
    assert_eq!(reports(&site, "bob"), pairs(&[("gone", "failed")]));
}

#[test]
fn success_asked_of_an_alias_for_several_is_that_it_was_expanded() {
    for offers in OFFERS {
        let old = target(offers);
        let site = site(&old);
        write(&site, "", "several", " NOTIFY=SUCCESS,FAILURE");
        let taken = old.wait_for_taken(1).unwrap();
        wait_for_end(&site, "gone", "bounced");
        assert_eq!(
            reports(&site, "alice"),
            pairs(&[("gone", "failed"), ("several", "expanded")]),
        );
        assert!(
            taken[0].mail.starts_with("<alice@example.com>"),
            "{taken:?}"
        );
        // §5.2.7.3 c: one report of success for the alias, none for each of its members.
        let expected = match offers.contains("DSN") {
            true => "NOTIFY=FAILURE ORCPT=rfc822;several@example.com",
            false => "",
        };
        assert_eq!(parameters(&taken), expected);
    }
}

#[test]
fn success_asked_of_an_alias_for_one_is_his_success() {
    let old = target(OFFERS[0]);
    let site = site(&old);
    write(&site, "", "one", " NOTIFY=SUCCESS");
    old.wait_for_taken(1).unwrap();
    wait_for_end(&site, "jdoe", "sent");
    assert_eq!(reports(&site, "alice"), pairs(&[("jdoe", "relayed")]));
}

#[test]
fn an_alias_for_one_passes_on_what_was_asked() {
    let old = target(OFFERS[1]);
    let site = site(&old);
    write(&site, " RET=HDRS ENVID=e1", "one", " NOTIFY=SUCCESS,DELAY");
    let taken = old.wait_for_taken(1).unwrap();
    assert_eq!(
        parameters(&taken),
        "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;one@example.com"
    );
    assert!(taken[0].mail.contains(" RET=HDRS"), "{taken:?}");
    assert!(taken[0].mail.contains(" ENVID=e1"), "{taken:?}");
    wait_for_end(&site, "jdoe", "sent");
    // The next hop reports by itself.
    assert_eq!(reports(&site, "alice"), pairs(&[]));
}

#[test]
fn who_asks_for_nothing_is_told_nothing() {
    for offers in OFFERS {
        let old = target(offers);
        let site = site(&old);
        write(&site, "", "several", " NOTIFY=NEVER");
        let taken = old.wait_for_taken(1).unwrap();
        wait_for_end(&site, "gone", "bounced");
        assert_eq!(reports(&site, "alice"), pairs(&[]));
        let parameters = parameters(&taken);
        assert_eq!(parameters.contains("NOTIFY=NEVER"), offers.contains("DSN"));
    }
}

#[test]
fn success_here_is_reported_as_delivered() {
    let old = target(OFFERS[0]);
    let site = site(&old);
    write(
        &site,
        "",
        "bob",
        " NOTIFY=SUCCESS ORCPT=rfc822;Bob@example.org",
    );
    let report = site.wait_for_messages("example.com", "alice", 1).unwrap();
    for line in [
        "Action: delivered\n",
        "Original-Recipient: rfc822;Bob@example.org\n",
    ] {
        assert!(report[0].contains(line), "{line} in {}", report[0]);
    }
}

#[test]
fn the_address_as_received_goes_on_where_reports_are_offered() {
    let old = target(OFFERS[1]);
    let site = site(&old);
    write(&site, "", "jdoe", "");
    write(&site, "", "jdoe", " ORCPT=rfc822;j+2Bdoe@example.org");
    let mut taken = old.wait_for_taken(2).unwrap();
    taken.sort_by(|a, b| a.recipients.cmp(&b.recipients));
    assert_eq!(
        taken[0].recipients[0],
        "<jdoe@example.com> ORCPT=rfc822;j+2Bdoe@example.org"
    );
    assert_eq!(
        taken[1].recipients[0],
        "<jdoe@example.com> ORCPT=rfc822;jdoe@example.com"
    );
}
