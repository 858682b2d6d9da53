//! Who may send as whom: facts from the directory.

use waypost_directory::{Found, MailType, Snapshot};
use waypost_proto::mail::{LocalPart, Mailbox, ReversePath};
use waypost_proto::route::{Side, TargetId, UserId};
use waypost_proto::smtp::reply::Reply;

use super::{Decision, Facts, Home, Mail, Ownership, Service, decide};

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

/// Where mail from this sender comes from, if its domain protects its senders: of several servers
/// it may live on, the one that it comes from.
#[must_use]
pub fn home(snapshot: &Snapshot, side: &Side, sender: &Mailbox, delimiter: Option<char>) -> Home {
    let Some(domain) = snapshot.domain(&sender.domain) else {
        return Home::Unprotected;
    };
    let domain = domain.domain;
    if !domain.protect_senders {
        return Home::Unprotected;
    }
    let known = as_known(snapshot, sender, delimiter);
    let targets: Vec<TargetId> = match known
        .as_ref()
        .and_then(|known| snapshot.lookup_mailbox(known))
    {
        Some(Found::User(user)) if user.mail == MailType::ThirdParty => {
            user.target.or(domain.relay).into_iter().collect()
        }
        Some(_) => Vec::new(),
        // Whoever is not known here lives with a peer, or with the relay that unknown recipients
        // go to.
        None => {
            let relay = domain.relay.filter(|_| domain.forward_unknown);
            domain.sharing.iter().copied().chain(relay).collect()
        }
    };
    let source = match side {
        // A server may be listed twice, as a target and as a peer.
        Side::Target(source) => targets
            .iter()
            .any(|target| snapshot.same_server(*target, *source))
            .then_some(*source),
        _ => None,
    };
    let target = source.or_else(|| targets.first().copied());
    target.map_or(Home::Here, Home::Target)
}

/// What MAIL is told when it is refused, for who asks without a session.
#[must_use]
pub fn refusal(
    snapshot: &Snapshot,
    side: &Side,
    reverse_path: &ReversePath,
    delimiter: Option<char>,
) -> Option<Reply> {
    let sender = reverse_path.mailbox()?;
    let ownership = match side {
        Side::Authenticated(user) => ownership(snapshot, *user, sender, delimiter),
        _ => Ownership::Foreign,
    };
    let decision = decide(&Facts::Mail(Mail {
        service: Service::Smtp,
        side,
        reverse_path,
        ownership,
        home: home(snapshot, side, sender, delimiter),
    }));
    match decision {
        Decision::Accept => None,
        Decision::Disconnect(reply) | Decision::Refuse(reply) => Some(reply),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::tests::site::{Site, mailbox};

    #[test]
    fn a_user_owns_his_addresses_and_his_shared_mailboxes() {
        let site = Site::new(
            "domain example.com aliases=example.org\n\
             user alice@example.com local addresses=alice@*,a@example.org\n\
             user bob@example.com local addresses=bob@*\n\
             mailbox support@example.com addresses=support@* members=alice@example.com\n\
             group team@example.com addresses=team@* members=alice@example.com",
        );
        let Side::Authenticated(alice) = site.side("alice@example.com") else {
            panic!("alice is no user");
        };
        for (address, owned) in [
            ("alice@example.com", true),
            ("Alice@Example.ORG", true),
            ("alice+tag@example.com", true),
            ("\"alice\"@example.com", true),
            ("a@example.org", true),
            ("a@example.com", false),
            ("support@example.org", true),
            ("support+x@example.com", true),
            ("team@example.com", false),
            ("bob@example.com", false),
            ("bob+alice@example.com", false),
            ("+alice@example.com", false),
            ("alice@elsewhere.net", false),
            ("alice%example.com@elsewhere.net", false),
            ("nobody@example.com", false),
            ("postmaster@example.com", false),
        ] {
            let found = ownership(&site.snapshot(), alice, &mailbox(address), Some('+'));
            assert_eq!(found == Ownership::Own, owned, "{address}");
        }
        let tagged = mailbox("alice+tag@example.com");
        let without_delimiter = ownership(&site.snapshot(), alice, &tagged, None);
        assert_eq!(without_delimiter, Ownership::Foreign);
    }

    #[test]
    fn a_server_that_is_listed_twice_is_the_home_of_its_users_under_both_names() {
        let site = Site::new(
            "target old host=10.0.0.7\n\
             peer lyon host=10.0.0.7\n\
             peer nice host=10.0.0.8\n\
             domain example.com protect sharing=nice,lyon",
        );
        for (side, accepted) in [("from:old", true), ("from:nice", true), ("stranger", false)] {
            let path = ReversePath::Mailbox(mailbox("jane@example.com"));
            let refused = refusal(&site.snapshot(), &site.side(side), &path, Some('+'));
            assert_eq!(refused.is_none(), accepted, "{side}");
        }
    }

    #[test]
    fn a_protected_address_is_at_home_where_its_user_lives() {
        let site = Site::new(
            "target old host=10.0.0.7\n\
             target new host=10.0.0.8\n\
             domain example.com aliases=example.org relay=old protect\n\
             domain slave.example relay=old forward-unknown protect\n\
             domain open.example relay=old\n\
             user alice@example.com local addresses=alice@*\n\
             user jdoe@example.com third-party addresses=jdoe@*\n\
             user moved@example.com third-party addresses=moved@* target=new\n\
             user bob@open.example local addresses=bob@*",
        );
        let (old, new) = (
            Home::Target(site.target("old")),
            Home::Target(site.target("new")),
        );
        for (address, expected) in [
            ("alice@example.com", Home::Here),
            ("jdoe@example.com", old),
            ("JDoe+tag@example.org", old),
            ("moved@example.com", new),
            ("nobody@example.com", Home::Here),
            ("nobody@slave.example", old),
            ("bob@open.example", Home::Unprotected),
            ("x@elsewhere.net", Home::Unprotected),
        ] {
            let found = home(
                &site.snapshot(),
                &Side::Stranger,
                &mailbox(address),
                Some('+'),
            );
            assert_eq!(found, expected, "{address}");
            let path = ReversePath::Mailbox(mailbox(address));
            let refused = refusal(&site.snapshot(), &Side::Stranger, &path, Some('+'));
            assert_eq!(
                refused.is_none(),
                expected == Home::Unprotected,
                "{address}"
            );
        }
    }
}
