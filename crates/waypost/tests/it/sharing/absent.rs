//! A site that is down: what waits, what is taken, and what is refused for now.

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::place::unused_address;
use waypost_testkit::wait;

use super::*;
use crate::submission;

const PASSWORD: &str = "correct horse battery";

#[test]
fn who_is_logged_in_hands_over_what_a_stranger_must_keep_and_it_arrives_later() {
    let mut sites = sites(&["paris", "lyon", "nice"]).unwrap();
    let arguments = ["user", "set", "paris@example.com", "--password-stdin"];
    let output = sites[0].run_with_input(&arguments, &format!("{PASSWORD}\n"));
    assert!(output.unwrap().status.success());
    sites[1].kill().unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 451);
    let login = ("paris@example.com", PASSWORD);
    let lines = [
        "MAIL FROM:<paris@example.com>",
        "RCPT TO:<lyon@example.com>",
        "RCPT TO:<nice@example.com>",
        "DATA",
        "CONTENT From: paris@example.com\\r\\nSubject: unresolved\\r\\n\\r\\nHello.",
    ];
    let said = submission::say(&sites[0], 2587, login, &lines);
    assert!(said[2].starts_with("250 2.1.5"), "{said:?}");
    assert!(said[5].starts_with("250"), "{said:?}");
    // Who can be reached gets it now.
    sites[2]
        .wait_for_messages("example.com", "nice", 1)
        .unwrap();
    sites[0]
        .wait_for_log(&["to=<lyon@example.com>", "status=deferred", "why=sharing"])
        .unwrap();
    sites[1].launch().unwrap();
    let found = sites[1]
        .wait_for_messages("example.com", "lyon", 1)
        .unwrap();
    assert!(found[0].contains("Subject: unresolved"));
    assert_eq!(sites[2].messages("example.com", "nice").len(), 1);
}

#[test]
fn who_is_only_trusted_is_told_to_try_again_as_a_mail_server_does() {
    let lyon = Office::with(&["jane@example.com"]).unwrap();
    lyon.minger.be_silent();
    let trusted = unused_address().unwrap();
    let plan = Plan::new(PROGRAM).unwrap();
    let site = plan
        .section("trust", &format!("networks = [\"{trusted}/32\"]\n"))
        .section(
            "minger",
            &format!("secrets = [\"{SECRET}\"]\ntimeout = \"1s\"\n"),
        )
        .site(&shared_with("alice", [(&"lyon", &lyon.at)].into_iter()))
        .start()
        .unwrap();
    let mut client = Dialogue::open_from(trusted, site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<jane@example.com>", 451).unwrap();
    lyon.minger.behave();
    client.expect("RCPT TO:<jane@example.com>", 250).unwrap();
}

#[test]
fn a_queued_message_stays_queued_while_nobody_can_tell_whose_it_is() {
    let mut sites = sites(&["paris", "lyon", "nice"]).unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    sites[1].kill().unwrap();
    assert_eq!(send(&sites[0], "lyon@example.com", "kept").unwrap(), 250);
    sites[0]
        .wait_for_log(&["to=<lyon@example.com>", "status=deferred"])
        .unwrap();
    // Nothing is known any more, so that the next attempt asks, in vain.
    sites[0]
        .tell(&["cache", "drop", "lyon@example.com"])
        .unwrap();
    sites[0]
        .wait_for_log(&["to=<lyon@example.com>", "status=deferred", "4.4.3"])
        .unwrap();
    sites[1].launch().unwrap();
    let found = sites[1]
        .wait_for_messages("example.com", "lyon", 1)
        .unwrap();
    assert!(found[0].contains("Subject: kept"));
    assert!(
        !sites[0].log().contains("status=bounced"),
        "{}",
        sites[0].log()
    );
}

#[test]
fn a_member_who_cannot_be_found_now_gets_the_groups_mail_later() {
    let group = "[[group]]\ndomain = \"example.com\"\nname = \"team\"\n\
                 addresses = [\"team@example.com\"]\n\
                 members = [\"alice@example.com\", \"jane@example.com\", \"nobody@example.com\"]\n";
    let lyon = Office::with(&["jane@example.com"]).unwrap();
    lyon.minger.be_silent();
    let site = beside(
        &[&lyon],
        &Lines {
            more: group,
            ..Lines::default()
        },
    )
    .unwrap();
    assert_eq!(send(&site, "team@example.com", "for all").unwrap(), 250);
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    site.wait_for_log(&["to=<jane@example.com>", "status=deferred"])
        .unwrap();
    assert!(lyon.smtp.taken().is_empty());
    lyon.minger.behave();
    let taken = lyon.smtp.wait_for_taken(1).unwrap();
    assert_eq!(taken[0].recipients.len(), 1, "{taken:?}");
    assert!(
        taken[0].recipients[0].starts_with("<jane@example.com>"),
        "{taken:?}"
    );
    assert_eq!(site.messages("example.com", "alice").len(), 1);
}

#[test]
fn known_addresses_are_taken_after_a_restart_in_the_midst_of_an_outage() {
    let mut sites = sites(&["paris", "lyon"]).unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    sites[0].stop().unwrap();
    sites[1].kill().unwrap();
    sites[0].launch().unwrap();
    wait::until("the answers to be read", || {
        remembered(&sites[0], "lyon@example.com", "lyon")
    })
    .unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    assert_eq!(rcpt(&sites[0], "other@example.com").unwrap(), 451);
}

#[test]
fn an_answer_that_nobody_gave_is_not_remembered() {
    let (lyon, nice) = (Office::with(&[]).unwrap(), Office::with(&[]).unwrap());
    lyon.minger.be_silent();
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 451);
    assert_eq!(remembered(&site, "jane@example.com", "lyon"), None);
    lyon.minger.behave();
    wait::until("the peer to be asked again", || {
        (rcpt(&site, "jane@example.com").unwrap() == 550).then_some(())
    })
    .unwrap();
}
