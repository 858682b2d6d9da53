//! Somebody who sends datagrams that nobody wants: answers to questions that others were asked, and
//! questions without the secret.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use turmoil::net::UdpSocket;
use waypost_proto::minger::PORT;

use crate::arrangement::SHARED;
use crate::mood::Mood;
use crate::notes::Notes;

/// Where ports of questions begin in the simulation, and how many are tried.
const FIRST_PORT: u16 = 49152;
const PORTS: u64 = 60;
/// How long an answer may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Forges answers until all is calm.
pub(crate) async fn forge(mood: Arc<Mood>, sites: Vec<IpAddr>) -> io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await?;
    while !mood.is_calm() {
        sleep(Duration::from_millis(100 + mood.below(400))).await;
        let site = sites[mood.below(sites.len() as u64) as usize];
        let forged = match mood.below(3) {
            0 => format!("nobody@{SHARED} 5"),
            1 => format!("u{}@{SHARED} 3", mood.below(2 * sites.len() as u64)),
            _ => format!("nobody@{SHARED} 4"),
        };
        for _ in 0..10 {
            let port = FIRST_PORT + u16::try_from(mood.below(PORTS)).unwrap_or(0);
            socket.send_to(forged.as_bytes(), (site, port)).await?;
        }
    }
    Ok(())
}

/// Asks without the secret, and sends answers as if they were questions.
pub(crate) async fn pry(mood: Arc<Mood>, sites: Vec<IpAddr>, notes: Arc<Notes>) -> io::Result<()> {
    let digest = "AAAAAAAAAAAAAAAAAAAAAA==";
    while !mood.is_calm() {
        sleep(Duration::from_millis(500 + mood.below(4000))).await;
        let site = sites[mood.below(sites.len() as u64) as usize];
        let user = format!("u{}@{SHARED}", mood.below(2 * sites.len() as u64));
        let (asked, may_be_answered) = match mood.below(4) {
            0 => (user, true),
            1 => (format!("{user} d={digest}"), true),
            2 => (format!("nobody@{SHARED} d={digest}"), true),
            _ => (format!("{user} 5"), false),
        };
        let socket = UdpSocket::bind(("0.0.0.0", 0)).await?;
        socket.send_to(asked.as_bytes(), (site, PORT)).await?;
        let mut heard = Vec::new();
        let mut buffer = [0; 2000];
        while let Ok(Ok((length, _))) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await {
            let octets = buffer.get(..length).unwrap_or_default();
            heard.push(String::from_utf8_lossy(octets).into_owned());
        }
        notes.count("datagrams without the secret");
        judge(&asked, may_be_answered, &heard, &notes);
    }
    Ok(())
}

fn judge(asked: &str, may_be_answered: bool, heard: &[String], notes: &Notes) {
    let most = usize::from(may_be_answered);
    if heard.len() > most {
        notes.broke(
            13,
            format!("{} datagrams for {asked:?}: {heard:?}", heard.len()),
        );
    }
    let told: BTreeSet<&str> = heard
        .iter()
        .filter_map(|said| said.rsplit(' ').next())
        .collect();
    if told.iter().any(|status| matches!(*status, "3" | "4" | "5")) {
        notes.broke(
            13,
            format!("{asked:?} without the secret is told {heard:?}"),
        );
    }
}
