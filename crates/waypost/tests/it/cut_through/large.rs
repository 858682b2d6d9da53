//! Large content that is passed on while it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::Site;
use waypost_testkit::wait;

use super::{LONG, SHORT, heard, in_queue, site, until_content, until_empty};

/// Octets of every body.
const SIZE: usize = 1_500_000;
/// Octets that a next hop has of it when most of it is there.
const MOST: usize = 1_000_000;

/// A next hop whose content is looked at while it comes.
struct Hop {
    peer: Peer,
    /// Octets that have come of the present message.
    seen: Arc<AtomicUsize>,
    /// At so many octets it does once what it does.
    trap: Arc<AtomicUsize>,
}

impl Hop {
    fn start(reaction: Reaction) -> Self {
        Self::offering("PIPELINING\nSIZE 104857600", reaction)
    }

    fn offering(offers: &str, reaction: Reaction) -> Self {
        let seen = Arc::<AtomicUsize>::default();
        let trap = Arc::new(AtomicUsize::new(usize::MAX));
        let (seeing, trapped) = (Arc::clone(&seen), Arc::clone(&trap));
        let script = move |moment: &Moment<'_>| {
            let octets = match moment {
                Moment::Content(octets) => *octets,
                // The final dot has come.
                Moment::End(taken) => taken.content.len() + 1,
                Moment::Connect | Moment::Command(_) => return None,
            };
            seeing.store(octets, Ordering::SeqCst);
            let is_due = octets >= trapped.load(Ordering::SeqCst);
            let is_first = is_due && trapped.swap(usize::MAX, Ordering::SeqCst) != usize::MAX;
            is_first.then(|| reaction.clone())
        };
        let peer = Peer::start_with(unused_address().unwrap(), offers, script).unwrap();
        Self { peer, seen, trap }
    }

    /// A client whose content is there, most of it. On a machine that is busy for a second its turn
    /// is over before, which is as it should be: then with another one.
    fn until_most(&self, site: &Site, body: &str) -> Dialogue {
        loop {
            let ended = self.peer.ended();
            let client = until_end(site, HEADER, body);
            let most = wait::until("most of the content at the next hop", || {
                let is_there = self.seen.load(Ordering::SeqCst) >= MOST;
                (is_there || self.peer.ended() > ended).then_some(is_there)
            });
            if most.unwrap() {
                return client;
            }
        }
    }

    fn until_left(&self, times: usize) {
        let is_left = || (self.peer.ended() >= times).then_some(());
        wait::until("the next hop to be left", is_left).unwrap();
    }
}

/// Lines of all kinds, none of them alike; some begin with a dot.
fn body() -> String {
    let lines = (0..).map(|number| match number % 5 {
        0 => format!(".{number}\r\n"),
        1 => format!("..{number} {}\r\n", "x".repeat(900)),
        _ => format!("{number} {}\r\n", "y".repeat(number % 70)),
    });
    let mut body = String::new();
    for line in lines {
        body.push_str(&line);
        if body.len() > SIZE {
            return body;
        }
    }
    body
}

/// Content as it goes over the wire, without its end.
fn stuffed(content: &str) -> String {
    content.replace("\r\n.", "\r\n..")
}

/// A client that has sent everything but the end of its content.
fn until_end(site: &Site, header: &str, body: &str) -> Dialogue {
    let mut client = until_content(site);
    client
        .send(stuffed(&format!("{header}\r\n\r\n{body}")).as_bytes())
        .unwrap();
    client
}

const HEADER: &str = "Subject: large\r\nMessage-ID: <large@elsewhere.test>";

#[test]
fn large_content_is_at_the_next_hop_all_but_its_end_before_its_client_has_sent_that() {
    passes_through(&Hop::start(Reaction::Close));
}

#[test]
fn large_content_goes_behind_data_to_a_next_hop_that_takes_chunks_too() {
    passes_through(&Hop::offering("PIPELINING\nCHUNKING", Reaction::Close));
}

fn passes_through(hop: &Hop) {
    let site = site(LONG, &hop.peer, None);
    let body = body();
    let mut client = hop.until_most(&site, &body);
    assert!(hop.peer.taken().is_empty());
    let envelopes = heard(&hop.peer, "RCPT");
    let said = client.say(".").unwrap();
    assert!(
        said.text.starts_with("250 2.0.0 Ok: relayed as "),
        "{said:?}"
    );
    let taken = hop.peer.taken();
    let [only] = &*taken else {
        panic!("{} copies", taken.len());
    };
    let (header, came) = only.text().split_once("\r\n\r\n").map(owned).unwrap();
    assert!(came == body, "{} octets became {}", body.len(), came.len());
    assert!(header.starts_with("Waypost-Trace: "), "{header}");
    assert!(header.contains("<large@elsewhere.test>"), "{header}");
    assert_eq!((heard(&hop.peer, "RCPT"), in_queue(&site)), (envelopes, 0));
}

fn owned((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[test]
fn a_client_that_leaves_amid_large_content_leaves_nothing_at_the_next_hop() {
    let hop = Hop::start(Reaction::Close);
    let site = site(LONG, &hop.peer, None);
    let client = hop.until_most(&site, &body());
    let ended = hop.peer.ended();
    drop(client);
    hop.until_left(ended + 1);
    assert_eq!((hop.peer.taken().len(), in_queue(&site)), (0, 0));
}

#[test]
fn large_content_with_a_header_that_is_refused_is_not_passed_on() {
    let hop = Hop::start(Reaction::Close);
    let site = site(LONG, &hop.peer, None);
    let looped = format!("{HEADER}{}", "\r\nReceived: by a.test".repeat(200));
    let mut client = until_end(&site, &looped, &body());
    let said = client.say(".").unwrap();
    assert!(said.text.starts_with("554 5.4.6 "), "{said:?}");
    assert_eq!(hop.seen.load(Ordering::SeqCst), 0);
    assert!(hop.peer.taken().is_empty());
}

#[test]
fn large_content_that_is_refused_amid_it_is_never_whole_at_the_next_hop() {
    let hop = Hop::start(Reaction::Close);
    let site = site(LONG, &hop.peer, None);
    let mut client = hop.until_most(&site, &body());
    let ended = hop.peer.ended();
    client.send(b"bare\nLF\r\n").unwrap();
    let said = client.say(".").unwrap();
    assert!(said.text.starts_with("550 5.6.11 "), "{said:?}");
    hop.until_left(ended + 1);
    assert_eq!((hop.peer.taken().len(), in_queue(&site)), (0, 0));
}

#[test]
fn a_next_hop_that_dies_at_any_octet_of_large_content_gets_it_once_all_the_same() {
    let hop = Hop::start(Reaction::Close);
    let site = site(LONG, &hop.peer, None);
    let body = body();
    assert_eq!(until_end(&site, HEADER, &body).say(".").unwrap().code, 250);
    let whole = hop.peer.taken()[0].content.len();
    // The last two at the final line and at the final dot.
    let octets = [
        1,
        900,
        64_000,
        262_000,
        280_000,
        400_000,
        1_000_000,
        whole,
        whole + 1,
    ];
    for octets in octets {
        let before = hop.peer.taken().len();
        hop.trap.store(octets, Ordering::SeqCst);
        let mut client = until_end(&site, HEADER, &body);
        let said = client.say(".").unwrap();
        assert_eq!(said.code, 250, "{octets}: {said:?}");
        assert_eq!(hop.trap.load(Ordering::SeqCst), usize::MAX, "{octets}");
        until_empty(&site);
        let taken = hop.peer.taken();
        assert_eq!(taken.len(), before + 1, "{octets}");
        let text = taken[before].text();
        assert!(text.ends_with(&body), "{octets}: {} came", text.len());
    }
    assert!(!site.log().contains("status=bounced"), "{}", site.log());
}

#[test]
fn the_sender_of_large_content_for_a_next_hop_that_stops_reading_is_answered_in_time() {
    let hop = Hop::start(Reaction::Stall);
    let site = site(SHORT, &hop.peer, None);
    hop.trap.store(100_000, Ordering::SeqCst);
    let mut client = until_end(&site, HEADER, &body());
    let said = client.say(".").unwrap();
    assert!(
        said.text.starts_with("250 2.0.0 Ok: queued as "),
        "{said:?}"
    );
    assert_eq!((hop.peer.taken().len(), in_queue(&site)), (0, 1));
}
