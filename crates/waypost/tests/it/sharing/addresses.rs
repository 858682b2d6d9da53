//! Every kind of address in a shared domain: who is asked about it, and in which words.

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::minger::Move;
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;

use super::*;

/// The addresses that an office was asked about, in order.
fn asked(office: &Office) -> Vec<String> {
    let heard = office.minger.heard();
    heard.iter().map(minger::Heard::address).collect()
}

#[test]
fn recipients_of_one_flight_are_asked_about_together() {
    let names: Vec<String> = (0..8).map(|n| format!("user{n}@example.com")).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let (lyon, nice) = (
        Office::with(&known[..4]).unwrap(),
        Office::with(&known[4..]).unwrap(),
    );
    // Nobody says anything before it has heard all questions.
    for (office, first) in [(&lyon, 0..4), (&nice, 4..8)] {
        let seen = std::sync::Mutex::new(std::collections::BTreeMap::new());
        office.minger.script(move |heard| {
            let mut seen = seen.lock().unwrap();
            seen.insert(heard.address(), heard.from);
            if seen.len() < 8 {
                return Some(Vec::new());
            }
            let digit = if first
                .clone()
                .any(|n| heard.address() == format!("user{n}@example.com"))
            {
                5
            } else {
                3
            };
            Some(vec![Move::answer(heard, digit)])
        });
    }
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let mut flight = "MAIL FROM:<a@elsewhere.test>\r\n".to_owned();
    for name in &names {
        flight.push_str(&format!("RCPT TO:<{name}>\r\n"));
    }
    client.send(format!("{flight}DATA\r\n").as_bytes()).unwrap();
    for what in ["MAIL"].into_iter().chain(known.iter().copied()) {
        let heard = client.hear().unwrap();
        assert_eq!(heard.code, 250, "{what}: {}", heard.text);
    }
    assert_eq!(client.hear().unwrap().code, 354);
    client
        .send(format!("{}.\r\n", message("to all")).as_bytes())
        .unwrap();
    assert_eq!(client.hear().unwrap().code, 250);
    for office in [&lyon, &nice] {
        let taken = office.smtp.wait_for_taken(1).unwrap();
        assert_eq!(taken[0].recipients.len(), 4, "one copy for each: {taken:?}");
    }
}

#[test]
fn an_address_is_asked_about_as_received_and_then_without_its_tag_and_the_tag_travels_on() {
    let lyon = Office::with(&["jane@example.org"]).unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    assert_eq!(send(&site, "Jane+News@Example.ORG", "tagged").unwrap(), 250);
    assert_eq!(asked(&lyon), ["jane+news@example.org", "jane@example.org"]);
    let taken = lyon.smtp.wait_for_taken(1).unwrap();
    assert!(
        taken[0].recipients[0].starts_with("<Jane+News@example.org>"),
        "{taken:?}"
    );
    assert_eq!(
        rcpt(&site, "jane@example.com").unwrap(),
        550,
        "under this name nobody has her"
    );
}

#[test]
fn tags_and_alias_domains_find_their_user_at_another_site() {
    let sites = sites(&["paris", "lyon"]).unwrap();
    for recipient in [
        "lyon+news@example.com",
        "LYON@example.org",
        "lyon+a@example.org",
    ] {
        assert_eq!(send(&sites[0], recipient, recipient).unwrap(), 250);
    }
    sites[1]
        .wait_for_messages("example.com", "lyon", 3)
        .unwrap();
}

#[test]
fn a_group_reaches_its_members_at_every_site_once() {
    let names = ["paris", "lyon", "nice"];
    let sites = sites(&names).unwrap();
    let group = ["group", "add", "team@example.com", "--address", "team@*"];
    let members = [
        "--member",
        "paris@example.com",
        "--member",
        "lyon@example.com",
        "--member",
        "nice@example.com",
    ];
    sites[0].tell(&[&group[..], &members[..]].concat()).unwrap();
    // From where the group is, and from where it is asked for.
    assert_eq!(send(&sites[0], "team@example.com", "first").unwrap(), 250);
    assert_eq!(send(&sites[1], "team@example.org", "second").unwrap(), 250);
    for (site, name) in sites.iter().zip(names) {
        site.wait_for_messages("example.com", name, 2).unwrap();
    }
    sites[1].wait_for_log(&["removed"]).unwrap();
    for (site, name) in sites.iter().zip(names) {
        assert_eq!(site.messages("example.com", name).len(), 2, "{name}");
    }
}

#[test]
fn what_a_peer_hands_over_is_not_asked_of_it_again_and_what_nobody_has_is_refused() {
    let (lyon, nice) = (
        Office::with(&["jane@example.com"]).unwrap(),
        Office::with(&[]).unwrap(),
    );
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    let mut from_lyon = Dialogue::open_from(lyon.at, site.smtp()).unwrap();
    from_lyon
        .expect("MAIL FROM:<a@elsewhere.test>", 250)
        .unwrap();
    let heard = from_lyon.expect("RCPT TO:<jane@example.com>", 550).unwrap();
    assert!(
        heard.text.starts_with("550 5.1.1 <jane@example.com>"),
        "{}",
        heard.text
    );
    assert_eq!(asked(&lyon), Vec::<String>::new());
    assert_eq!(asked(&nice), ["jane@example.com"]);
}

#[test]
fn an_answer_that_names_the_peer_a_message_comes_from_is_dropped() {
    let lyon = Office::with(&["jane@example.com", "jane+x@example.com"]).unwrap();
    let nice = Office::with(&[]).unwrap();
    let site = beside(&[&lyon, &nice], &Lines::default()).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    let mut from_lyon = Dialogue::open_from(lyon.at, site.smtp()).unwrap();
    from_lyon
        .expect("MAIL FROM:<a@elsewhere.test>", 250)
        .unwrap();
    // It looks without the tag, too, so that it has neither.
    from_lyon
        .expect("RCPT TO:<jane+x@example.com>", 550)
        .unwrap();
    assert_eq!(remembered(&site, "jane@example.com", "lyon"), None);
}

#[test]
fn postmaster_is_here_and_nobody_is_asked() {
    let lyon = Office::with(&["postmaster@example.com"]).unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    for recipient in ["postmaster@example.com", "abuse@example.org"] {
        assert_eq!(send(&site, recipient, "help").unwrap(), 250);
    }
    let folder = site.dir().join("data/postmaster");
    wait::until("the postmaster's mail", || {
        (waypost_testkit::maildir::messages(&folder).len() == 2).then_some(())
    })
    .unwrap();
    assert_eq!(asked(&lyon), Vec::<String>::new());
}

#[test]
fn a_sender_of_a_protected_domain_is_believed_where_he_may_live() {
    let lyon = Office::with(&["jane@example.com"]).unwrap();
    let domain = "protect_senders = true\n";
    let site = beside(
        &[&lyon],
        &Lines {
            domain,
            ..Lines::default()
        },
    )
    .unwrap();
    let mail = |from: IpAddr, sender: &str| {
        let mut client = Dialogue::open_from(from, site.smtp()).unwrap();
        client.say(&format!("MAIL FROM:<{sender}>")).unwrap().code
    };
    let stranger = unused_address().unwrap();
    assert_eq!(mail(lyon.at, "jane@example.com"), 250);
    assert_eq!(mail(lyon.at, "jane+x@example.org"), 250);
    assert_eq!(mail(stranger, "jane@example.com"), 553);
    assert_eq!(mail(lyon.at, "alice@example.com"), 553, "she lives here");
    assert_eq!(mail(stranger, "jane@elsewhere.test"), 250);
}

#[test]
fn a_third_party_user_goes_to_the_peer_that_is_his_target_unasked() {
    let (lyon, nice) = (Office::with(&[]).unwrap(), Office::with(&[]).unwrap());
    let more = "[[user]]\ndomain = \"example.com\"\nlogin = \"paul\"\nmail = \"third-party\"\n\
                target = \"nice\"\naddresses = [\"paul@example.com\"]\n";
    let site = beside(
        &[&lyon, &nice],
        &Lines {
            more,
            ..Lines::default()
        },
    )
    .unwrap();
    assert_eq!(send(&site, "paul@example.com", "unasked").unwrap(), 250);
    nice.smtp.wait_for_taken(1).unwrap();
    assert_eq!((asked(&lyon), asked(&nice)), (vec![], vec![]));
    // From there it is not handed back.
    let mut from_nice = Dialogue::open_from(nice.at, site.smtp()).unwrap();
    from_nice
        .expect("MAIL FROM:<a@elsewhere.test>", 250)
        .unwrap();
    from_nice.expect("RCPT TO:<paul@example.com>", 554).unwrap();
}

#[test]
fn the_relay_for_the_rest_is_asked_when_all_peers_said_no() {
    let lyon = Office::with(&["jane@example.com"]).unwrap();
    let relay = Peer::start(unused_address().unwrap()).unwrap();
    let more = format!(
        "[[target]]\nname = \"old\"\nhost = \"{}\"\nport = 2525\ntls = \"off\"\n",
        relay.smtp().ip()
    );
    let lines = Lines {
        domain: "relay = \"old\"\nforward_unknown = true\n",
        more: &more,
        ..Lines::default()
    };
    let site = beside(&[&lyon], &lines).unwrap();
    for recipient in ["jane@example.com", "rest@example.com"] {
        assert_eq!(send(&site, recipient, recipient).unwrap(), 250);
    }
    let at_lyon = lyon.smtp.wait_for_taken(1).unwrap();
    assert!(at_lyon[0].text().contains("Subject: jane@example.com"));
    let at_relay = relay.wait_for_taken(1).unwrap();
    assert!(at_relay[0].text().contains("Subject: rest@example.com"));
    assert_eq!(asked(&lyon), ["jane@example.com", "rest@example.com"]);
    // Silence is no "no": the relay, which takes everything, does not get it.
    lyon.minger.be_silent();
    assert_eq!(rcpt(&site, "other@example.com").unwrap(), 451);
    assert!(
        !relay
            .heard()
            .iter()
            .any(|line| line.contains("other@example.com"))
    );
}

#[test]
fn mail_for_a_peer_goes_to_the_smart_host_after_a_failure_only_where_it_says_so() {
    for (peers, wanted) in [("", 0), ("smart_host_on_error = true\n", 1)] {
        let lyon = Office::scripted(&["jane@example.com"], |moment| match moment {
            Moment::Connect => Some(Reaction::Close),
            _ => None,
        })
        .unwrap();
        let smart_host = Peer::start(unused_address().unwrap()).unwrap();
        let outbound = format!(
            "source = \"%ADDRESS%\"\nsmart_host = \"{}\"\n",
            smart_host.smtp()
        );
        let lines = Lines {
            peers,
            outbound: &outbound,
            ..Lines::default()
        };
        let site = beside(&[&lyon], &lines).unwrap();
        assert_eq!(send(&site, "jane@example.com", "onward").unwrap(), 250);
        if wanted == 1 {
            let taken = smart_host.wait_for_taken(1).unwrap();
            assert!(taken[0].recipients[0].starts_with("<jane@example.com>"));
            continue;
        }
        wait::until("two attempts", || {
            let deferred = |line: &&str| line.contains("to=<jane@") && line.contains("deferred");
            (site.log().lines().filter(deferred).count() >= 2).then_some(())
        })
        .unwrap();
        assert!(smart_host.taken().is_empty());
    }
}
