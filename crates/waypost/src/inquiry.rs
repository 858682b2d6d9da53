//! Many addresses, asked about at several peers: always freshly, at a pace that peers bear.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use waypost_directory::{Host, Secret};
use waypost_mta::asking::Asking;
use waypost_mta::minger::Trouble;
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::Status;

/// Questions to one peer that are under way at the same time.
const AT_ONCE: usize = 16;
/// Questions to one peer that are not paced: what a person changes by hand.
const UNPACED: usize = 50;
/// Between two further questions to one peer: 200 in a second, as peers limit how much they answer.
const PACE: Duration = Duration::from_millis(5);
/// Questions in a row that a peer leaves unanswered before it is asked no more.
const GIVE_UP: usize = 3;
/// Findings on their way to who collects them.
const WAITING: usize = 64;

/// A peer, as it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) secret: Secret,
}

/// What a peer says of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Says {
    /// It has it.
    Has(Status),
    /// It does not have it.
    HasNot,
    /// It did not say, and why.
    Nothing(String),
}

/// What a peer says of one of the addresses, by its place among them.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) address: usize,
    pub(crate) peer: Arc<Peer>,
    pub(crate) says: Says,
}

/// A peer, and what it is asked about: addresses with their places among all of them.
pub(crate) type Round = (Arc<Peer>, Vec<(usize, Mailbox)>);

/// Asks all peers at the same time. The questions end when the receiver is dropped.
pub(crate) fn ask(asking: &Arc<Asking>, rounds: Vec<Round>) -> mpsc::Receiver<Finding> {
    let (told, findings) = mpsc::channel(WAITING);
    for (peer, addresses) in rounds {
        let inquiry = Inquiry {
            asking: Arc::clone(asking),
            peer,
            told: told.clone(),
        };
        tokio::spawn(inquiry.run(addresses));
    }
    findings
}

/// The questions to one peer.
struct Inquiry {
    asking: Arc<Asking>,
    peer: Arc<Peer>,
    told: mpsc::Sender<Finding>,
}

impl Inquiry {
    async fn run(self, addresses: Vec<(usize, Mailbox)>) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = JoinSet::new();
        let mut silent = 0;
        for (number, (address, mailbox)) in addresses.into_iter().enumerate() {
            if number >= UNPACED {
                pace.tick().await;
            }
            if asked.len() >= AT_ONCE
                && let Some(Ok(says)) = asked.join_next().await
                && !self.tell(says, &mut silent).await
            {
                return;
            }
            if silent >= GIVE_UP {
                let says = Says::Nothing("not asked any more: it does not answer".to_owned());
                if !self.tell((address, says), &mut silent).await {
                    return;
                }
                continue;
            }
            let (asking, peer) = (Arc::clone(&self.asking), Arc::clone(&self.peer));
            asked.spawn(async move { (address, says(&asking, &peer, &mailbox).await) });
        }
        while let Some(said) = asked.join_next().await {
            if let Ok(says) = said
                && !self.tell(says, &mut silent).await
            {
                return;
            }
        }
    }

    /// False: nobody listens any more.
    async fn tell(&self, (address, says): (usize, Says), silent: &mut usize) -> bool {
        match says {
            Says::Nothing(_) => *silent += 1,
            Says::Has(_) | Says::HasNot => *silent = 0,
        }
        let finding = Finding {
            address,
            peer: Arc::clone(&self.peer),
            says,
        };
        self.told.send(finding).await.is_ok()
    }
}

/// What one peer says of one address now.
pub(crate) async fn says(asking: &Asking, peer: &Peer, mailbox: &Mailbox) -> Says {
    let at = (&peer.host, peer.port);
    match asking.status(at, &peer.secret, mailbox).await {
        Ok(status @ (Status::Active | Status::Unavailable)) => Says::Has(status),
        // The protocol has no word for such an address, so that nobody has it there.
        Ok(Status::Unknown) | Err(Trouble::NotAscii(_)) => Says::HasNot,
        Ok(status) => Says::Nothing(format!("it says {} {status}", status.digit())),
        Err(trouble) => Says::Nothing(trouble.to_string()),
    }
}
