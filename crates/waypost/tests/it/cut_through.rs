//! Mail that is passed on while its sender waits: the next hop's own answer, and what happens when
//! it does not come.

mod large;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use waypost_testkit::dialogue::{Dialogue, Heard};
use waypost_testkit::lab::world::queued;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const JDOE: &str = "jdoe@example.com";
const KIM: &str = "kim@example.com";
/// Who sends from outside, and has no mailbox here.
const STRANGER: &str = "s@elsewhere.test";
/// Who sends, and gets reports here.
const ALICE: &str = "alice@example.com";
/// A sender waits no longer, where next hops stall.
const SHORT: &str = "cut_through = \"300ms\"\n";
/// He waits as long as it takes.
const LONG: &str = "cut_through = \"2m\"\n";

/// jdoe lives at the first target, kim at the second, if there is one; retries are far away.
fn site(outbound: &str, old: &Peer, new: Option<&Peer>) -> Site {
    let mut file = split::site_file(old, "");
    if let Some(new) = new {
        file.push_str(&format!(
            "[[target]]\nname = \"new\"\nhost = \"{}\"\nport = 2525\ntls = \"off\"\n\
             [[user]]\ndomain = \"example.com\"\nlogin = \"kim\"\nmail = \"third-party\"\n\
             addresses = [\"{KIM}\"]\ntarget = \"new\"\n",
            new.smtp().ip()
        ));
    }
    let plan = Plan::new(PROGRAM).unwrap().section("outbound", outbound);
    plan.site(&file).start().unwrap()
}

/// A server that reacts in this way to every end of data, or to RCPT.
fn peer(at: &'static str, reaction: Reaction) -> Peer {
    let address = unused_address().unwrap();
    let script = move |moment: &Moment<'_>| match moment {
        Moment::End(_) if at == "END" => Some(reaction.clone()),
        Moment::Command(line) if line.starts_with(at) => Some(reaction.clone()),
        _ => None,
    };
    Peer::start_scripted(address, script).unwrap()
}

/// Takes everything.
fn good() -> Peer {
    Peer::start(unused_address().unwrap()).unwrap()
}

fn says(text: &str) -> Reaction {
    Reaction::Say(text.to_owned())
}

/// What the sender hears in the end.
fn send(site: &Site, from: &str, to: &[&str]) -> Heard {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (replies, last) = client.submit(from, to, &message("through")).unwrap();
    assert!(replies.iter().all(|reply| reply.code == 250), "{replies:?}");
    last.unwrap()
}

fn in_queue(site: &Site) -> usize {
    queued(&site.ask(&["queue", "list"]).unwrap()).unwrap()
}

fn until_empty(site: &Site) {
    wait::until("an empty queue", || {
        site.tell(&["queue", "flush"]).ok()?;
        (in_queue(site) == 0).then_some(())
    })
    .unwrap();
}

fn reports(site: &Site) -> Vec<String> {
    site.messages("example.com", "alice")
}

#[test]
fn what_the_next_hop_takes_is_in_no_queue_when_the_sender_hears_so() {
    let old = good();
    let site = site("", &old, None);
    let heard = send(&site, STRANGER, &[JDOE]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: relayed as "),
        "{heard:?}"
    );
    assert_eq!((old.taken().len(), in_queue(&site)), (1, 0));
    let id = heard.text.rsplit(' ').next().unwrap();
    site.wait_for_log(&[id, "(passed on while its sender waits)"])
        .unwrap();
    let sent = site.wait_for_log(&[id, "to=<jdoe@example.com>", "status=sent"]);
    assert!(sent.unwrap().contains("route=old"));
    site.wait_for_log(&[id, ": removed"]).unwrap();
    assert!(!site.log().contains("(queue active)"), "{}", site.log());
}

#[test]
fn a_refusal_to_rcpt_is_told_to_the_sender_without_the_hosts_behind_and_without_a_report() {
    let refusal = says("550 5.7.1 <jdoe@example.com>: mx7.inside.test[10.9.8.7] wants none");
    let old = peer("RCPT", refusal);
    let site = site("", &old, None);
    let heard = send(&site, ALICE, &[JDOE]);
    assert_eq!(
        heard.text,
        "550 5.7.1 <jdoe@example.com>: ***[***] wants none"
    );
    let refused = site.wait_for_log(&["to=<jdoe@example.com>", "status=refused"]);
    assert!(refused.unwrap().contains("mx7.inside.test"));
    site.wait_for_log(&[": reject: END-OF-MESSAGE", "550 5.7.1"])
        .unwrap();
    assert_eq!((old.taken().len(), in_queue(&site)), (0, 0));
    assert!(reports(&site).is_empty());
    assert!(!site.log().contains("status=bounced"), "{}", site.log());
}

#[test]
fn a_refusal_of_the_content_and_a_server_that_cannot_take_it_are_told_to_the_sender() {
    let old = peer("END", says("554 5.6.0 No such content here"));
    let site = site("", &old, None);
    let heard = send(&site, STRANGER, &[JDOE]);
    assert_eq!(heard.text, "554 5.6.0 No such content here");
    let small = Peer::start_with(unused_address().unwrap(), "SIZE 20", |_| None).unwrap();
    let site = self::site("", &small, None);
    let heard = send(&site, STRANGER, &[JDOE]);
    assert!(heard.text.starts_with("554 5.3.4 "), "{heard:?}");
    assert_eq!(in_queue(&site), 0);
}

#[test]
fn the_mail_store_answers_over_lmtp_while_the_sender_waits() {
    let is_full = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_full);
    let store = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::End(_) if told.load(Ordering::SeqCst) => Some(says("552 5.2.2 Mailbox is full")),
        _ => None,
    });
    let (store, old) = (store.unwrap(), good());
    let delivery = format!("delivery = \"lmtp:{}\"\n", store.smtp());
    let plan = Plan::new(PROGRAM).unwrap().section("local", &delivery);
    let site = plan.site(&split::site_file(&old, "")).start().unwrap();
    let heard = send(&site, STRANGER, &[ALICE]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: relayed as "),
        "{heard:?}"
    );
    assert_eq!((store.taken().len(), in_queue(&site)), (1, 0));
    assert!(store.heard().iter().any(|line| line.starts_with("LHLO ")));
    is_full.store(true, Ordering::SeqCst);
    let heard = send(&site, STRANGER, &[ALICE]);
    assert_eq!(heard.text, "552 5.2.2 Mailbox is full");
    site.wait_for_log(&["to=<alice@example.com>", "route=lmtp", "status=refused"])
        .unwrap();
    assert_eq!(in_queue(&site), 0);
}

#[test]
fn where_a_target_is_excepted_or_nobody_waits_at_all_a_refusal_comes_as_a_report() {
    let old = peer("RCPT", says("550 5.7.1 No"));
    let site = site("cut_through = \"0s\"\n", &old, None);
    assert_eq!(send(&site, ALICE, &[JDOE]).code, 250);
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    let site = self::site("", &old, None);
    site.tell(&["target", "set", "old", "--cut-through", "false"])
        .unwrap();
    let heard = send(&site, ALICE, &[JDOE]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: queued as "),
        "{heard:?}"
    );
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=bounced"])
        .unwrap();
}

#[test]
fn a_server_that_has_no_time_or_is_not_there_gets_it_from_the_queue() {
    let (busy, is_busy) = split::target_that_may_say("451 4.3.2 No time", true);
    let site = site("", &busy, None);
    let heard = send(&site, STRANGER, &[JDOE]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: queued as "),
        "{heard:?}"
    );
    assert_eq!(in_queue(&site), 1);
    is_busy.store(false, Ordering::SeqCst);
    until_empty(&site);
    assert_eq!(busy.taken().len(), 1);
    let address = busy.smtp().ip();
    drop(busy);
    assert_eq!(send(&site, STRANGER, &[JDOE]).code, 250);
    assert_eq!(in_queue(&site), 1);
    let back = Peer::start(address).unwrap();
    until_empty(&site);
    assert_eq!(back.taken().len(), 1);
}

#[test]
fn a_server_that_loses_its_final_reply_gets_it_once_more_and_nobody_else_does() {
    let lost = AtomicUsize::new(0);
    let old = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::End(_) if lost.fetch_add(1, Ordering::SeqCst) == 0 => Some(Reaction::LoseReply),
        _ => None,
    })
    .unwrap();
    let site = site("", &old, None);
    let heard = send(&site, STRANGER, &[JDOE]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: queued as "),
        "{heard:?}"
    );
    until_empty(&site);
    assert_eq!(old.taken().len(), 2);
}

#[test]
fn a_server_that_stalls_is_waited_for_once_and_gets_it_in_the_end() {
    let stalling = peer("END", Reaction::Stall);
    let site = site(SHORT, &stalling, None);
    let address = stalling.smtp().ip();
    for _ in 0..2 {
        let heard = send(&site, STRANGER, &[JDOE]);
        assert!(
            heard.text.starts_with("250 2.0.0 Ok: queued as "),
            "{heard:?}"
        );
    }
    let passing = "(passed on while its sender waits)";
    assert_eq!(site.log().matches(passing).count(), 1, "{}", site.log());
    assert_eq!(in_queue(&site), 2);
    drop(stalling);
    let back = Peer::start(address).unwrap();
    until_empty(&site);
    assert_eq!(back.taken().len(), 2);
}

#[test]
fn a_message_for_two_is_queued_and_of_two_targets_the_one_that_refuses_is_reported() {
    let (old, new) = (good(), peer("RCPT", says("550 5.7.1 No")));
    let site = site("", &old, Some(&new));
    let heard = send(&site, ALICE, &[JDOE, KIM]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: queued as "),
        "{heard:?}"
    );
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(
        reports[0].contains("rfc822;kim@example.com"),
        "{}",
        reports[0]
    );
    assert!(!reports[0].contains("rfc822;jdoe@"), "{}", reports[0]);
    until_empty(&site);
    assert_eq!((old.taken().len(), new.taken().len()), (1, 0));
    assert!(!site.log().contains("(passed on"), "{}", site.log());
}

/// A client that has sent everything but the content.
fn until_content(site: &Site) -> Dialogue {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    for line in [
        &format!("MAIL FROM:<{STRANGER}>"),
        &format!("RCPT TO:<{JDOE}>"),
        "DATA",
    ] {
        let heard = client.say(line).unwrap();
        assert!(matches!(heard.code, 250 | 354), "{heard:?}");
    }
    client
}

fn heard(peer: &Peer, command: &str) -> usize {
    let heard = peer.heard();
    heard
        .iter()
        .filter(|line| line.starts_with(command))
        .count()
}

fn until_heard(peer: &Peer, command: &str, count: usize) {
    let all = || (heard(peer, command) >= count).then_some(());
    wait::until(&format!("{count} times {command}"), all).unwrap();
}

#[test]
fn the_next_hop_hears_the_envelope_while_the_content_is_on_its_way() {
    let old = good();
    let site = site(LONG, &old, None);
    for count in 1..3 {
        let mut client = until_content(&site);
        until_heard(&old, "DATA", count);
        client.send(message("ahead").as_bytes()).unwrap();
        client.send(b"\r\n.\r\n").unwrap();
        let said = client.hear().unwrap();
        assert!(
            said.text.starts_with("250 2.0.0 Ok: relayed as "),
            "{said:?}"
        );
    }
    assert_eq!((old.taken().len(), heard(&old, "EHLO")), (2, 1));
    assert_eq!(heard(&old, "RCPT"), 2);
}

#[test]
fn a_client_that_leaves_amid_its_content_leaves_nothing_at_the_next_hop() {
    let old = good();
    let site = site(LONG, &old, None);
    let mut client = until_content(&site);
    until_heard(&old, "DATA", 1);
    client.send(b"Subject: half\r\n").unwrap();
    drop(client);
    wait::until("the next hop to be left", || {
        (old.ended() == 1).then_some(())
    })
    .unwrap();
    assert_eq!((old.taken().len(), in_queue(&site)), (0, 0));
    assert_eq!(send(&site, STRANGER, &[JDOE]).code, 250);
    assert_eq!(old.taken().len(), 1);
}

#[test]
fn a_client_that_is_slow_keeps_no_turn_at_the_next_hop_and_is_served_all_the_same() {
    let old = good();
    let site = site(LONG, &old, None);
    let mut client = until_content(&site);
    wait::until("the turn to be over", || (old.ended() == 1).then_some(())).unwrap();
    client.send(message("slow").as_bytes()).unwrap();
    client.send(b"\r\n.\r\n").unwrap();
    let said = client.hear().unwrap();
    assert!(
        said.text.starts_with("250 2.0.0 Ok: relayed as "),
        "{said:?}"
    );
    assert_eq!((old.taken().len(), heard(&old, "RCPT")), (1, 2));
}

#[test]
fn a_message_that_is_refused_at_its_end_is_never_whole_at_the_next_hop() {
    let old = good();
    let site = site(LONG, &old, None);
    let mut client = until_content(&site);
    until_heard(&old, "DATA", 1);
    client
        .send(b"Subject: bare\r\n\r\nLF\nhere\r\n.\r\n")
        .unwrap();
    let said = client.hear().unwrap();
    assert!(said.text.starts_with("550 5.6.11 "), "{said:?}");
    wait::until("the next hop to be left", || {
        (old.ended() == 1).then_some(())
    })
    .unwrap();
    assert!(old.taken().is_empty());
}

/// jdoe and kim at one target, and what it says to RCPT of kim.
fn site_with_two(old: &Peer) -> Site {
    let mut file = split::site_file(old, "");
    file.push_str(&format!(
        "[[user]]\ndomain = \"example.com\"\nlogin = \"kim\"\nmail = \"third-party\"\n\
         addresses = [\"{KIM}\"]\ntarget = \"old\"\n"
    ));
    let plan = Plan::new(PROGRAM).unwrap().section("outbound", LONG);
    plan.site(&file).start().unwrap()
}

/// A server that says this to RCPT of kim.
fn peer_without_kim(reply: &'static str) -> Peer {
    Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT TO:<kim@") => Some(says(reply)),
        _ => None,
    })
    .unwrap()
}

#[test]
fn two_recipients_at_one_server_get_a_message_by_one_answer() {
    let old = good();
    let site = site_with_two(&old);
    let heard = send(&site, STRANGER, &[JDOE, KIM]);
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: relayed as "),
        "{heard:?}"
    );
    assert_eq!((old.taken().len(), in_queue(&site)), (1, 0));
    assert_eq!(old.taken()[0].recipients.len(), 2);
    site.wait_for_log(&["nrcpt=2 (passed on while its sender waits)"])
        .unwrap();
    let refusing = peer("END", says("554 5.6.0 Not this"));
    let site = site_with_two(&refusing);
    let heard = send(&site, ALICE, &[JDOE, KIM]);
    assert_eq!(heard.text, "554 5.6.0 Not this");
    assert!(reports(&site).is_empty());
    let neither = peer("RCPT", says("550 5.7.1 No"));
    let site = site_with_two(&neither);
    let heard = send(&site, ALICE, &[JDOE, KIM]);
    assert_eq!(heard.text, "550 5.7.1 No");
    assert!(reports(&site).is_empty());
}

#[test]
fn of_two_recipients_one_of_whom_is_refused_nobody_gets_it_before_it_is_stored() {
    for (reply, status) in [
        ("550 5.7.1 No", "bounced"),
        ("450 4.2.0 Not now", "deferred"),
    ] {
        let old = peer_without_kim(reply);
        let site = site_with_two(&old);
        let heard = send(&site, ALICE, &[JDOE, KIM]);
        assert!(
            heard.text.starts_with("250 2.0.0 Ok: queued as "),
            "{heard:?}"
        );
        site.wait_for_log(&["to=<jdoe@example.com>", "status=sent"])
            .unwrap();
        site.wait_for_log(&["to=<kim@example.com>", &format!("status={status}")])
            .unwrap();
        assert_eq!(old.taken().len(), 1);
        assert_eq!(old.taken()[0].recipients.len(), 1);
        assert!(!site.log().contains("(passed on"), "{}", site.log());
    }
}

#[test]
fn a_kill_between_the_next_hops_yes_and_ours_leaves_the_message_to_the_next_hop() {
    let site_pid = Arc::new(AtomicU32::new(0));
    let known = Arc::clone(&site_pid);
    let old = Peer::start_scripted(unused_address().unwrap(), move |moment| {
        let pid = known.swap(0, Ordering::SeqCst);
        if let (Moment::End(_), true) = (moment, pid > 0) {
            // It says yes to a server that is gone.
            let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        } else {
            known.store(pid, Ordering::SeqCst);
        }
        None
    })
    .unwrap();
    let mut site = site(LONG, &old, None);
    site_pid.store(site.pid().unwrap(), Ordering::SeqCst);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    assert!(client.submit(STRANGER, &[JDOE], &message("kill")).is_err());
    site.wait_until_ended().unwrap();
    site.launch().unwrap();
    assert_eq!(in_queue(&site), 0);
    // The sender, who has heard nothing, repeats it.
    assert_eq!(send(&site, STRANGER, &[JDOE]).code, 250);
    assert_eq!((old.taken().len(), in_queue(&site)), (2, 0));
}

#[test]
fn a_server_that_ends_keeps_what_is_on_its_way_and_says_so() {
    let (came, content) = mpsc::channel();
    let stalling = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::End(_) => {
            came.send(()).unwrap();
            Some(Reaction::Stall)
        }
        _ => None,
    })
    .unwrap();
    let mut site = site(LONG, &stalling, None);
    let server = site.smtp();
    let client = std::thread::spawn(move || {
        let mut client = Dialogue::open(server).unwrap();
        client.submit(STRANGER, &[JDOE], &message("end")).unwrap().1
    });
    content.recv_timeout(Duration::from_secs(60)).unwrap();
    site.signal(Signal::TERM).unwrap();
    let heard = client.join().unwrap().unwrap();
    assert!(
        heard.text.starts_with("250 2.0.0 Ok: queued as "),
        "{heard:?}"
    );
    let address = stalling.smtp().ip();
    drop(stalling);
    site.wait_until_ended().unwrap();
    let back = Peer::start(address).unwrap();
    site.launch().unwrap();
    until_empty(&site);
    assert_eq!(back.taken().len(), 1);
}
