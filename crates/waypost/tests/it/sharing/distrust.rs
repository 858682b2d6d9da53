//! Peers that lie, stay silent, or come late: never a yes and never a no because of it.

use std::time::Duration;

use waypost_proto::minger::Status;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::minger::Move;

use super::*;

const JANE: &str = "jane@example.com";

/// What a stranger is told about each of these recipients, sent in one flight.
fn flight(site: &Site, recipients: &[String]) -> Vec<u16> {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let mut lines = "MAIL FROM:<a@elsewhere.test>\r\n".to_owned();
    for recipient in recipients {
        lines.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
    }
    client.send(lines.as_bytes()).unwrap();
    assert_eq!(client.hear().unwrap().code, 250);
    let replies = recipients.iter().map(|_| client.hear().unwrap().code);
    replies.collect()
}

#[test]
fn what_is_not_the_answer_of_the_peer_that_was_asked_counts_as_none() {
    type Lie = fn(&minger::Heard, u8) -> Vec<Move>;
    let lies: [(&str, Lie); 6] = [
        ("silence", |_, _| vec![]),
        ("too late", |heard, digit| {
            vec![Move::answer(heard, digit).after(Duration::from_secs(8))]
        }),
        ("another port", |heard, digit| {
            vec![Move::answer(heard, digit).from_other_port()]
        }),
        ("another address", |_, digit| {
            vec![Move::about("paul@example.com", digit)]
        }),
        ("a flood of nonsense", |_, _| {
            vec![Move::raw("nonsense").times(2000)]
        }),
        ("the question", |heard, _| {
            vec![Move::raw(heard.octets.clone())]
        }),
    ];
    for digit in [5, 3] {
        for (what, lie) in lies {
            let lyon = Office::with(&[]).unwrap();
            lyon.minger.script(move |heard| Some(lie(heard, digit)));
            let lines = Lines {
                timeout: "500ms",
                ..Lines::default()
            };
            let site = beside(&[&lyon], &lines).unwrap();
            assert_eq!(rcpt(&site, JANE).unwrap(), 451, "{what}, {digit}");
            assert_eq!(remembered(&site, JANE, "lyon"), None, "{what}, {digit}");
        }
    }
}

#[test]
fn errors_in_words_of_the_protocol_are_not_about_the_address() {
    for digit in [0, 1, 2] {
        let lyon = Office::with(&[]).unwrap();
        let nice = Office::with(&["paul@example.com"]).unwrap();
        lyon.minger
            .script(move |heard| Some(vec![Move::answer(heard, digit)]));
        let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
        assert_eq!(rcpt(&site, JANE).unwrap(), 451, "{digit}");
        assert_eq!(remembered(&site, JANE, "lyon"), None, "{digit}");
        assert_eq!(rcpt(&site, "paul@example.com").unwrap(), 250, "{digit}");
        let shown = site.tell(&["explain", JANE]).unwrap();
        assert!(shown.contains(&format!("{digit} ")), "{shown}");
    }
}

#[test]
fn a_mailbox_that_cannot_receive_is_a_452_and_asked_about_again() {
    let (lyon, nice) = (Office::with(&[]).unwrap(), Office::with(&[]).unwrap());
    lyon.minger.say(JANE, Status::Unavailable);
    nice.minger.script(|heard| {
        let late = heard.number < 2;
        late.then(Vec::new)
    });
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    let heard = client.expect(&format!("RCPT TO:<{JANE}>"), 452).unwrap();
    assert!(heard.text.starts_with("452 4.2.2"), "{}", heard.text);
    assert_eq!(remembered(&site, JANE, "lyon"), None);
    lyon.minger.say(JANE, Status::Active);
    client.expect(&format!("RCPT TO:<{JANE}>"), 250).unwrap();
}

#[test]
fn an_answer_that_comes_twice_is_one() {
    let lyon = Office::with(&[]).unwrap();
    lyon.minger.script(|heard| {
        Some(vec![
            Move::answer(heard, 5).times(2),
            Move::answer(heard, 3),
        ])
    });
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    assert_eq!(send(&site, JANE, "once").unwrap(), 250);
    lyon.smtp.wait_for_taken(1).unwrap();
    assert_eq!(rcpt(&site, JANE).unwrap(), 250);
    assert_eq!(lyon.smtp.taken().len(), 1);
}

#[test]
fn a_peer_that_does_not_answer_is_spared_and_nobody_is_refused_or_taken_because_of_it() {
    let lyon = Office::with(&["late@example.com"]).unwrap();
    let nice = Office::with(&["paul@example.com"]).unwrap();
    lyon.minger.be_silent();
    let lines = Lines {
        timeout: "1s",
        ..Lines::default()
    };
    let site = beside(&[&lyon, &nice], &lines).unwrap();
    let unknown: Vec<String> = (0..3).map(|n| format!("user{n}@example.com")).collect();
    assert_eq!(flight(&site, &unknown), [451, 451, 451]);
    site.wait_for_log(&["lyon", "does not answer"]).unwrap();
    let before = lyon.minger.heard().len();
    assert_eq!(rcpt(&site, "late@example.com").unwrap(), 451);
    assert_eq!(
        rcpt(&site, "paul@example.com").unwrap(),
        250,
        "the other has him"
    );
    assert_eq!(
        lyon.minger.heard().len(),
        before,
        "it was asked all the same"
    );
    let shown = site.tell(&["explain", "late@example.com"]).unwrap();
    assert!(shown.contains("spared"), "{shown}");
    lyon.minger.behave();
    wait::until("the peer to be asked again", || {
        let code = rcpt(&site, "late@example.com").unwrap();
        assert!(code == 451 || code == 250, "{code}");
        (code == 250).then_some(())
    })
    .unwrap();
    site.wait_for_log(&["lyon", "answers again"]).unwrap();
}

#[test]
fn an_earlier_peer_has_its_time_of_grace_and_a_second_yes_is_told_to_the_administrator() {
    for (after, expected) in [
        (Duration::from_millis(20), "lyon"),
        (Duration::from_millis(1200), "nice"),
    ] {
        let (lyon, nice) = (Office::with(&[]).unwrap(), Office::with(&[JANE]).unwrap());
        lyon.minger.script(move |heard| {
            // The first sending alone is answered, so that the answer is as late as it says.
            let first = heard.number == 0;
            Some(Vec::from_iter(
                first.then(|| Move::answer(heard, 5).after(after)),
            ))
        });
        let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
        assert_eq!(send(&site, JANE, "to one").unwrap(), 250);
        let (winner, other) = match expected {
            "lyon" => (&lyon, &nice),
            _ => (&nice, &lyon),
        };
        winner.smtp.wait_for_taken(1).unwrap();
        site.wait_for_log(&["<jane@example.com> lives on", "lyon", "nice"])
            .unwrap();
        site.wait_for_log(&["removed"]).unwrap();
        assert!(other.smtp.taken().is_empty(), "{expected}");
    }
}

#[test]
fn a_silent_peer_takes_no_others_turn_however_many_ask() {
    let (lyon, nice) = (Office::with(&[]).unwrap(), Office::with(&[]).unwrap());
    lyon.minger.be_silent();
    let lines = Lines {
        timeout: "1s",
        ..Lines::default()
    };
    let site = beside(&[&lyon, &nice], &lines).unwrap();
    let clients: Vec<_> = (0..10)
        .map(|client| {
            let names = (0..100).map(|n| format!("user{client}.{n}@example.com"));
            let names: Vec<String> = names.collect();
            let mut client = Dialogue::open(site.smtp()).unwrap();
            let mut lines = "MAIL FROM:<a@elsewhere.test>\r\n".to_owned();
            for name in &names {
                lines.push_str(&format!("RCPT TO:<{name}>\r\n"));
            }
            client.send(lines.as_bytes()).unwrap();
            client
        })
        .collect();
    for mut client in clients {
        assert_eq!(client.hear().unwrap().code, 250);
        for _ in 0..100 {
            assert_eq!(client.hear().unwrap().code, 451);
        }
    }
    site.wait_for_log(&["lyon", "does not answer"]).unwrap();
    let log = site.log();
    assert!(!log.contains("nice does not answer"), "{log}");
}
