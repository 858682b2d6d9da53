//! Text that would like to become something else on its way: a command, a field, a line.

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Peer, Plan as PeerPlan};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use super::site;
use crate::{PROGRAM, split};

/// Refusals of the target come back as reports.
fn site_with(target: &Peer) -> Site {
    let file = split::site_file(target, "");
    let plan = Plan::new(PROGRAM).unwrap();
    let plan = plan.section("outbound", "cut_through = \"0s\"\n");
    plan.site(&file).start().unwrap()
}

#[test]
fn a_lone_dot_in_a_chunk_ends_nothing_at_a_next_hop_without_chunks() {
    let plan = PeerPlan::new(unused_address().unwrap()).offers("PIPELINING\nDSN");
    let target = plan.start(|_| None).unwrap();
    let site = site_with(&target);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<jdoe@example.com>", 250).unwrap();
    let content = "Subject: outer\r\n\r\nbefore\r\n.\r\nMAIL FROM:<ceo@example.com>\r\n\
                   RCPT TO:<jdoe@example.com>\r\nDATA\r\nSubject: inner\r\n\r\n.\r\n..\r\nafter\r\n";
    client
        .send(format!("BDAT {} LAST\r\n{content}", content.len()).as_bytes())
        .unwrap();
    assert_eq!(client.hear().unwrap().code, 250);
    let taken = target.wait_for_taken(1).unwrap();
    assert!(taken[0].text().ends_with(content), "{}", taken[0].text());
    let heard = target.heard();
    let mails = heard.iter().filter(|line| line.starts_with("MAIL"));
    assert_eq!(mails.count(), 1, "{heard:?}");
}

#[test]
fn line_ends_in_xtext_make_no_field_in_a_report_and_no_line_in_the_log() {
    let (target, _) = split::target_that_may_say("550 5.7.1 Not from you", true);
    let site = site_with(&target);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let evil = "+0D+0AX-Evil:+20yes+0D+0A";
    let mail = format!("MAIL FROM:<alice@example.com> RET=HDRS ENVID=id{evil}");
    let heard = client.say(&mail).unwrap();
    if heard.code != 250 {
        assert_eq!(heard.code, 501, "{}", heard.text);
        client.expect("MAIL FROM:<alice@example.com>", 250).unwrap();
    }
    let rcpt = "RCPT TO:<jdoe@example.com> NOTIFY=FAILURE ORCPT=rfc822;j";
    let heard = client.say(&format!("{rcpt}{evil}@example.com")).unwrap();
    if heard.code != 250 {
        assert_eq!(heard.code, 501, "{}", heard.text);
        client.expect("RCPT TO:<jdoe@example.com>", 250).unwrap();
    }
    client.expect("DATA", 354).unwrap();
    client.send(b"Subject: xtext\r\n\r\nHello.\r\n").unwrap();
    client.expect(".", 250).unwrap();
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(
        !reports[0].lines().any(|line| line.starts_with("X-Evil")),
        "{}",
        reports[0]
    );
    site.wait_for_log(&["to=<jdoe@example.com>", "status=bounced", "5.7.1"])
        .unwrap();
    let log = site.log();
    assert!(!log.lines().any(|line| line.starts_with("X-Evil")), "{log}");
}

#[test]
fn what_a_next_hop_says_stays_one_line_of_log_and_report() {
    let reply = "550-5.7.1 no\u{1b}[2J\r\n550 5.7.1 X-Evil: yes\u{7}";
    let (target, _) = split::target_that_may_say(reply, true);
    let site = site_with(&target);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let content = "Subject: words\r\n\r\nHello.\r\n";
    client
        .submit("alice@example.com", &["jdoe@example.com"], content)
        .unwrap();
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    let controls = |text: &str| {
        text.chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
    };
    assert!(!controls(&reports[0]), "{:?}", reports[0]);
    assert!(!reports[0].lines().any(|line| line.starts_with("X-Evil")));
    let line = site
        .wait_for_log(&["to=<jdoe@example.com>", "status=bounced", "X-Evil"])
        .unwrap();
    assert!(!controls(&line), "{line:?}");
}

#[test]
fn what_a_next_hop_says_stays_one_line_of_the_reply_to_a_sender_who_waits() {
    let reply = "550-5.7.1 no\u{1b}[2J\r\n550 5.7.1 250 Ok\u{85}\u{2028}\u{7}";
    let (target, _) = split::target_that_may_say(reply, true);
    let file = split::site_file(&target, "");
    let site = Plan::new(PROGRAM).unwrap().site(&file).start().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let content = "Subject: words\r\n\r\nHello.\r\n";
    let to = ["jdoe@example.com"];
    let (_, last) = client.submit("alice@example.com", &to, content).unwrap();
    assert_eq!(last.unwrap().text, "550 5.7.1 no?[2J 250 Ok???");
    client.expect("NOOP", 250).unwrap();
}

#[test]
fn no_way_of_writing_a_domain_in_other_characters_opens_a_relay() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    for recipient in [
        "<x@elsewhere\u{3002}test>",
        "<x@\u{ff45}lsewhere.test>",
        "<x@elsewhere.te\u{df}t>",
        "<x@xn--elsewhere-.test>",
        "<x@example.com\u{200b}.elsewhere.test>",
        "<x\u{ff20}elsewhere.test@example.com>",
        "<x@\u{435}xample.com>",
    ] {
        client
            .expect("MAIL FROM:<a@elsewhere.test> SMTPUTF8", 250)
            .unwrap();
        let heard = client.say(&format!("RCPT TO:{recipient}")).unwrap();
        assert_eq!(heard.code / 100, 5, "{recipient} got {}", heard.text);
        client.expect("RSET", 250).unwrap();
    }
    // Other characters that mean the same are the same, or
    // are refused: alice's mail never leaves.
    client
        .expect("MAIL FROM:<a@elsewhere.test> SMTPUTF8", 250)
        .unwrap();
    let heard = client.say("RCPT TO:<alice@\u{ff45}xample.com>").unwrap();
    assert!(matches!(heard.code, 250 | 500..=599), "{}", heard.text);
    site.wait_for_log(&["reject: RCPT", "554 5.7.1", "Relay access denied"])
        .unwrap();
}
