//! Who may send as whom: facts from the directory.

use waypost_directory::{Found, MailType, Snapshot};
use waypost_proto::mail::{LocalPart, Mailbox};
use waypost_proto::route::UserId;

use super::{Home, Ownership};

/// Whether a user may send as this address: one of his own, or a shared mailbox's that he belongs
/// to; with or without a tag, as it would reach him.
#[must_use]
pub fn ownership(
    snapshot: &Snapshot,
    user: UserId,
    address: &Mailbox,
    delimiter: Option<char>,
) -> Ownership {
    let known = as_known(snapshot, address, delimiter);
    if known.is_some_and(|address| snapshot.owns(user, &address)) {
        Ownership::Own
    } else {
        Ownership::Foreign
    }
}

/// Where mail from this sender comes from, if its domain protects its senders.
#[must_use]
pub fn home(snapshot: &Snapshot, sender: &Mailbox, delimiter: Option<char>) -> Home {
    let Some(domain) = snapshot.domain(&sender.domain) else {
        return Home::Unprotected;
    };
    let domain = domain.domain;
    if !domain.protect_senders {
        return Home::Unprotected;
    }
    let known = as_known(snapshot, sender, delimiter);
    let target = match known
        .as_ref()
        .and_then(|known| snapshot.lookup_mailbox(known))
    {
        Some(Found::User(user)) if user.mail == MailType::ThirdParty => {
            user.target.or(domain.relay)
        }
        Some(_) => None,
        // Whoever is not known here lives with the relay that unknown recipients go to.
        None => domain.relay.filter(|_| domain.forward_unknown),
    };
    target.map_or(Home::Here, Home::Target)
}

/// The address as the directory has it: as given, else without its tag; none when it has neither.
fn as_known(snapshot: &Snapshot, address: &Mailbox, delimiter: Option<char>) -> Option<Mailbox> {
    if snapshot.lookup_mailbox(address).is_some() {
        return Some(address.clone());
    }
    let text = address.local.as_str();
    let at = text.find(delimiter?).filter(|at| *at > 0)?;
    let base = LocalPart::from_unquoted(text.get(..at)?).ok()?;
    let base = Mailbox::new(base, address.domain.clone());
    snapshot.lookup_mailbox(&base).is_some().then_some(base)
}
