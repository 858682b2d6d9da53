//! The words in which a route is decided: where a recipient came from, what was decided, why.
//!
//! The resolver makes these values, the spool keeps them, the queue and `explain` read them.

use std::fmt;

use crate::mail::{Domain, Mailbox};
use crate::smtp::reply::Reply;

/// A target's number in the directory; never used again for another target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetId(pub u32);

/// A user's number in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u32);

/// The side a recipient came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Side {
    /// A user of this site, logged in.
    Authenticated(UserId),
    /// This site itself: reports, expansions asked for by the command line.
    Here,
    /// Neither logged in, nor in a trusted network, nor a known target.
    Stranger,
    /// A known target, recognised by address, certificate or login.
    Target(TargetId),
    /// A client in a trusted network.
    Trusted,
}

/// Whose mailbox a delivery here goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Store {
    /// A user's.
    User,
    /// A shared mailbox.
    Shared,
    /// The site's own, for postmaster mail that nobody else takes and for double bounces.
    Postmaster,
}

/// A mailbox of this site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Whose it is.
    pub store: Store,
    /// The main name of the domain, whatever alias the recipient was written with.
    pub domain: Domain,
    /// The login of the user, or the name of the shared mailbox.
    pub login: Box<str>,
    /// Most bytes the mailbox may hold; 0: no limit.
    pub quota_bytes: u64,
    /// The address as accepted, sub-address included.
    pub recipient: Mailbox,
}

/// By which way a relayed recipient leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// The recipient domain's MX hosts (RFC 5321 §5.1).
    Mx,
    /// The site's smart host: a fixed next hop for what has no other route.
    SmartHost,
    /// A target of the directory.
    Target(TargetId),
}

/// A member of a group: an address that is resolved in turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expansion {
    /// The group's address as accepted.
    pub group: Mailbox,
    /// Members, nested groups not yet expanded.
    pub members: Vec<Mailbox>,
    /// Replaces the reverse-path of what is expanded, when set (RFC 5321 §3.9.2).
    pub owner: Option<Mailbox>,
}

/// What was decided for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Into a mailbox here.
    Deliver(Destination),
    /// To the members of a group.
    Expand(Expansion),
    /// No.
    Refuse(Reply),
    /// On to another server, as the given recipient.
    Relay {
        /// The way.
        via: Via,
        /// The outgoing address.
        recipient: Mailbox,
    },
    /// Not now.
    TryLater(Reply),
}

/// The rule that decided, as `why=` in the log and in `explain` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A domain that lives wholly on a target.
    Gateway,
    /// A group of the directory.
    Group,
    /// A local user or a shared mailbox.
    Local,
    /// A recipient that would go back to where it came from.
    Loop,
    /// A user without mail, or an address not selected for the third party.
    NoMail,
    /// The domain is not served here: outbound, or denied.
    NotServed,
    /// postmaster@ or abuse@.
    Postmaster,
    /// A peer of a shared domain has it, or could not be asked.
    Sharing,
    /// A suspended user.
    Suspended,
    /// A third-party user.
    ThirdParty,
    /// Unknown, and the relay decides or has decided.
    ForwardUnknown,
    /// Unknown to everybody.
    Unknown,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Group => "group",
            Self::Local => "local",
            Self::Loop => "loop",
            Self::NoMail => "no-mail",
            Self::NotServed => "not-served",
            Self::Postmaster => "postmaster",
            Self::Sharing => "sharing",
            Self::Suspended => "suspended",
            Self::ThirdParty => "third-party",
            Self::ForwardUnknown => "forward-unknown",
            Self::Unknown => "unknown",
        })
    }
}
