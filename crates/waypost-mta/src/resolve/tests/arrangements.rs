//! Sites wired in every way that relay, forward unknown and sharing allow.
//!
//! Two and three sites are wired in all ways there are; of four, ways are drawn. As every way is
//! tried with every naming of the sites, it is enough to send at the first one.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::site::Site;
use super::sites::{Log, Places, send, world_of};
use crate::resolve::*;

/// What a site may do with addresses that it does not know: nothing, keep them back, hand them to
/// its relay, which it asks first or does not.
const UNKNOWN: [&str; 3] = ["", "forward-unknown", "forward-unknown verify=none"];

/// A site with one user, a relay or none, and peers.
fn site(own: usize, sites: usize, relay: Option<(usize, &str)>, sharing: &[usize]) -> String {
    let mut text = String::new();
    for other in (0..sites).filter(|other| *other != own) {
        let kind = if sharing.contains(&other) {
            "peer"
        } else {
            "target"
        };
        text += &format!("{kind} s{other} host=10.0.0.{}\n", other + 1);
    }
    text += "domain example.com";
    if let Some((relay, unknown)) = relay {
        text += &format!(" relay=s{relay} {unknown}");
    }
    if !sharing.is_empty() {
        let names: Vec<String> = sharing.iter().map(|other| format!("s{other}")).collect();
        text += &format!(" sharing={}", names.join(","));
    }
    text + &format!("\nuser u{own}@example.com local addresses=u{own}@*\n")
}

/// Every way in which one of so many sites can be wired to the others.
fn ways(own: usize, sites: usize) -> Vec<Site> {
    let others: Vec<usize> = (0..sites).filter(|other| *other != own).collect();
    let relays = others
        .iter()
        .flat_map(|relay| UNKNOWN.map(|unknown| Some((*relay, unknown))));
    let relays: Vec<_> = relays.chain([None]).collect();
    let subsets = (0..1_usize << others.len()).map(|bits| {
        let chosen = others.iter().enumerate();
        let chosen = chosen.filter(move |(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, other)| *other).collect::<Vec<_>>()
    });
    let mut all = Vec::new();
    for sharing in subsets {
        for relay in &relays {
            all.push(Site::new(&site(own, sites, *relay, &sharing)));
        }
    }
    all
}

/// No site takes it twice, it ends once, and a loop costs one more hop at most.
fn judge(log: &Log, sites: &[Site]) {
    let exported = || {
        sites
            .iter()
            .map(Site::described)
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    let places: BTreeSet<_> = log.accepted.iter().collect();
    assert_eq!(places.len(), log.accepted.len(), "{log:#?}\n{}", exported());
    assert_eq!(log.ends.len(), 1, "{log:#?}\n{}", exported());
    assert!(
        log.visits.len() <= log.accepted.len() + 1,
        "{log:#?}\n{}",
        exported()
    );
}

async fn send_to(places: &Places, recipients: &[&str], sites: &[Site]) {
    for recipient in recipients {
        for side in [Side::Stranger, Side::Trusted] {
            judge(&send(places, 0, side, recipient).await, sites);
        }
    }
}

#[tokio::test]
async fn every_arrangement_of_two_and_three_sites_ends_every_journey() {
    let (first, second) = (ways(0, 2), ways(1, 2));
    for first in &first {
        for second in &second {
            let sites = [first.clone(), second.clone()];
            let all = world_of(sites.to_vec());
            send_to(&all, &["u1@example.com", "nobody@example.com"], &sites).await;
        }
    }
    let three = [ways(0, 3), ways(1, 3), ways(2, 3)];
    for first in &three[0] {
        for second in &three[1] {
            for third in &three[2] {
                let sites = [first.clone(), second.clone(), third.clone()];
                let all = world_of(sites.to_vec());
                // What is sent to the third is what is sent to the second under another name.
                send_to(&all, &["u1@example.com", "nobody@example.com"], &sites).await;
            }
        }
    }
}

/// A site among four, wired anyhow, that may believe others' users anywhere.
fn one_of_four(own: usize) -> impl Strategy<Value = String> {
    let others: Vec<usize> = (0..4).filter(|other| *other != own).collect();
    let one = prop::sample::select(others.clone());
    let relay = prop::option::of((one.clone(), prop::sample::select(UNKNOWN.to_vec())));
    let sharing = prop::sample::subsequence(others.clone(), 0..=3).prop_shuffle();
    let elsewhere = prop::collection::btree_map(one.clone(), one, 0..3);
    (relay, sharing, elsewhere).prop_map(move |(relay, sharing, elsewhere)| {
        let mut text = site(own, 4, relay, &sharing);
        for (user, at) in elsewhere {
            text +=
                &format!("user u{user}@example.com third-party addresses=u{user}@* target=s{at}\n");
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64)))]

    #[test]
    fn arrangements_of_four_sites_end_every_journey(
        texts in (one_of_four(0), one_of_four(1), one_of_four(2), one_of_four(3)),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let texts = [texts.0, texts.1, texts.2, texts.3];
            let sites = texts.map(|text| Site::new(&text));
            let all = world_of(sites.to_vec());
            let everybody = ["u1", "u2", "u3", "nobody"].map(|name| format!("{name}@example.com"));
            send_to(&all, &everybody.each_ref().map(String::as_str), &sites).await;
        });
    }
}

/// So many in a run of the tests; more where somebody asks for more.
pub(super) fn cases(usual: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(usual)
}
