//! Users who come, go and move, and peers whose word and deed differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_proto::minger::Status;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Reaction};
use waypost_testkit::site::Site;
use waypost_testkit::wait;

use super::*;

const REFRESH: &str = "refresh = \"1s\"\n";

/// Waits until a yes is old enough to be asked for again.
fn wait_until_old(site: &Site, address: &str, from: &str) {
    wait::until("the answer to grow old", || {
        remembered(site, address, from).filter(|(_, age)| *age >= 2)
    })
    .unwrap();
}

#[test]
fn a_user_deleted_at_his_site_is_refused_at_every_other_site_from_the_second_message_on() {
    let sites = sites_with(&["paris", "lyon", "nice"], REFRESH, "").unwrap();
    let others = [&sites[0], &sites[2]];
    for site in others {
        assert_eq!(rcpt(site, "lyon@example.com").unwrap(), 250);
    }
    sites[1]
        .tell(&["user", "remove", "lyon@example.com"])
        .unwrap();
    for site in others {
        wait_until_old(site, "lyon@example.com", "lyon");
        assert_eq!(rcpt(site, "lyon@example.com").unwrap(), 250, "the first");
        wait::until("the peer to be asked in the background", || {
            let known = remembered(site, "lyon@example.com", "lyon");
            known
                .is_none_or(|(answer, _)| answer != "active")
                .then_some(())
        })
        .unwrap();
        assert_eq!(rcpt(site, "lyon@example.com").unwrap(), 550, "the second");
    }
}

#[test]
fn a_yes_outlives_a_site_that_is_silent_when_it_is_asked_again() {
    let mut sites = sites_with(&["paris", "lyon"], REFRESH, "").unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    sites[1].kill().unwrap();
    wait_until_old(&sites[0], "lyon@example.com", "lyon");
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    sites[0]
        .wait_for_log(&["lyon@example.com", "was not answered"])
        .unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    let (answer, age) = remembered(&sites[0], "lyon@example.com", "lyon").unwrap();
    assert_eq!(answer, "active");
    assert!(age >= 2, "silence made it no younger");
}

#[test]
fn a_no_counts_as_long_as_it_is_said_to_and_then_everybody_is_asked_again() {
    let lyon = Office::with(&[]).unwrap();
    let cache = "negative = \"1s\"\n";
    let site = beside(
        &[&lyon],
        &Lines {
            cache,
            ..Lines::default()
        },
    )
    .unwrap();
    assert_eq!(rcpt(&site, "new@example.com").unwrap(), 550);
    lyon.minger.say("new@example.com", Status::Active);
    wait::until("the no to end", || {
        (rcpt(&site, "new@example.com").unwrap() == 250).then_some(())
    })
    .unwrap();
    let lyon = Office::with(&[]).unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    for _ in 0..3 {
        assert_eq!(rcpt(&site, "new@example.com").unwrap(), 550);
    }
    assert_eq!(lyon.minger.heard_about("new@example.com").len(), 1);
    let lyon = Office::with(&[]).unwrap();
    let cache = "negative = \"0s\"\n";
    let site = beside(
        &[&lyon],
        &Lines {
            cache,
            ..Lines::default()
        },
    )
    .unwrap();
    for _ in 0..3 {
        assert_eq!(rcpt(&site, "new@example.com").unwrap(), 550);
    }
    assert_eq!(lyon.minger.heard_about("new@example.com").len(), 3);
}

#[test]
fn mail_follows_a_user_who_moves_from_one_site_to_another() {
    let sites = sites(&["paris", "lyon", "nice"]).unwrap();
    let jane = [
        "user",
        "add",
        "jane@example.com",
        "--address",
        "jane@example.com",
    ];
    sites[1].tell(&jane).unwrap();
    assert_eq!(send(&sites[0], "jane@example.com", "before").unwrap(), 250);
    sites[1]
        .wait_for_messages("example.com", "jane", 1)
        .unwrap();
    sites[1]
        .tell(&["user", "remove", "jane@example.com"])
        .unwrap();
    sites[2].tell(&jane).unwrap();
    // The first site still believes that she is at lyon, who knows better.
    assert_eq!(send(&sites[0], "jane@example.com", "after").unwrap(), 250);
    let found = sites[2]
        .wait_for_messages("example.com", "jane", 1)
        .unwrap();
    assert!(found[0].contains("Subject: after"));
    assert_eq!(sites[1].messages("example.com", "jane").len(), 1);
    assert_eq!(sites[2].messages("example.com", "jane").len(), 1);
}

#[test]
fn a_user_created_here_takes_her_mail_at_once_whatever_is_remembered_of_others() {
    let lyon = Office::with(&["jane@example.com"]).unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    lyon.minger.forget("jane@example.com");
    let jane = [
        "user",
        "add",
        "jane@example.com",
        "--address",
        "jane@example.com",
    ];
    site.tell(&jane).unwrap();
    assert_eq!(send(&site, "jane@example.com", "here").unwrap(), 250);
    site.wait_for_messages("example.com", "jane", 1).unwrap();
    site.tell(&["user", "remove", "jane@example.com"]).unwrap();
    assert_eq!(
        rcpt(&site, "jane@example.com").unwrap(),
        550,
        "her entry is gone"
    );
    assert!(lyon.smtp.taken().is_empty());
}

/// Refuses every recipient while the switch is on, as one that it does not have.
fn refusing(
    on: &Arc<AtomicBool>,
) -> impl Fn(&Moment<'_>) -> Option<Reaction> + Send + Sync + 'static {
    let on = Arc::clone(on);
    move |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT TO:") && on.load(Ordering::SeqCst) => {
            Some(Reaction::Say("550 5.1.1 No such user here".to_owned()))
        }
        _ => None,
    }
}

#[test]
fn mail_refused_by_the_peer_that_said_yes_goes_to_another_that_has_the_address() {
    let on = Arc::new(AtomicBool::new(true));
    let lyon = Office::scripted(&["jane@example.com"], refusing(&on)).unwrap();
    let nice = Office::with(&[]).unwrap();
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    // She moves before the message comes, and nobody here has heard of it.
    lyon.minger.forget("jane@example.com");
    nice.minger.say("jane@example.com", Status::Active);
    assert_eq!(send(&site, "jane@example.com", "moved").unwrap(), 250);
    let taken = nice.smtp.wait_for_taken(1).unwrap();
    assert!(
        taken[0].recipients[0].starts_with("<jane@example.com>"),
        "{taken:?}"
    );
    site.wait_for_log(&["removed"]).unwrap();
    assert!(lyon.smtp.taken().is_empty());
    assert_eq!(
        remembered(&site, "jane@example.com", "nice").unwrap().0,
        "active"
    );
}

#[test]
fn mail_refused_by_one_of_two_peers_that_say_yes_goes_to_the_other() {
    let on = Arc::new(AtomicBool::new(true));
    let lyon = Office::scripted(&["jane@example.com"], refusing(&on)).unwrap();
    let nice = Office::with(&["jane@example.com"]).unwrap();
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    assert_eq!(send(&site, "jane@example.com", "somewhere").unwrap(), 250);
    nice.smtp.wait_for_taken(1).unwrap();
    site.wait_for_log(&["<jane@example.com> lives on", "lyon", "nice"])
        .unwrap();
    site.wait_for_log(&["removed"]).unwrap();
    assert_eq!(nice.smtp.taken().len(), 1);
}

#[test]
fn mail_refused_by_the_peer_that_keeps_saying_yes_waits_and_is_tried_again() {
    let on = Arc::new(AtomicBool::new(true));
    let lyon = Office::scripted(&["jane@example.com"], refusing(&on)).unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    assert_eq!(send(&site, "jane@example.com", "waits").unwrap(), 250);
    wait::until("two attempts", || {
        let refused = |line: &&str| line.contains("to=<jane@") && line.contains("status=deferred");
        (site.log().lines().filter(refused).count() >= 2).then_some(())
    })
    .unwrap();
    assert!(
        lyon.minger.heard_about("jane@example.com").len() >= 2,
        "asked again"
    );
    on.store(false, Ordering::SeqCst);
    let taken = lyon.smtp.wait_for_taken(1).unwrap();
    assert!(taken[0].text().contains("Subject: waits"));
}

#[test]
fn mail_refused_by_the_peer_that_said_yes_is_refused_when_nobody_has_the_address_any_more() {
    let on = Arc::new(AtomicBool::new(true));
    let lyon = Office::scripted(&["jane@example.com"], refusing(&on)).unwrap();
    let nice = Office::with(&[]).unwrap();
    let trusting = "[[user]]\ndomain = \"example.com\"\nlogin = \"bob\"\nmail = \"local\"\n\
                    addresses = [\"bob@example.com\"]\n";
    let lines = Lines {
        more: trusting,
        ..Lines::default()
    };
    let site = beside(&[&lyon, &nice], &lines).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    lyon.minger.forget("jane@example.com");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let to = ["jane@example.com"];
    let (_, last) = client
        .submit("bob@example.com", &to, &message("gone"))
        .unwrap();
    assert!(last.unwrap().text.starts_with("550 5.1.1 "));
    site.wait_for_log(&["to=<jane@example.com>", "status=refused"])
        .unwrap();
    assert!(site.messages("example.com", "bob").is_empty());
    assert_eq!(
        rcpt(&site, "jane@example.com").unwrap(),
        550,
        "and she is refused now"
    );
}

#[test]
fn a_refusal_that_is_not_about_the_address_is_final_and_changes_no_answer() {
    let lyon = Office::scripted(&["jane@example.com"], |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT TO:") => {
            Some(Reaction::Say("554 5.7.1 Not from you".to_owned()))
        }
        _ => None,
    })
    .unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    assert_eq!(send(&site, "jane@example.com", "refused").unwrap(), 554);
    site.wait_for_log(&["to=<jane@example.com>", "status=refused"])
        .unwrap();
    assert_eq!(lyon.minger.heard_about("jane@example.com").len(), 1);
    assert_eq!(
        remembered(&site, "jane@example.com", "lyon").unwrap().0,
        "active"
    );
}
