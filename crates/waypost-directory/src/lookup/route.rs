//! What a snapshot answers with.

use std::path::PathBuf;

use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::net::Network;
use waypost_proto::route::{TargetId, UserId};

use super::Snapshot;
use super::index::Scope;
use crate::model::{
    DomainId, GatewayId, GatewayVerify, GroupId, Host, MailType, Minger, Quota, RecipientForm,
    SharedId, TlsPin, TlsPolicy, Unreachable, VerifyUnknown,
};
use crate::password::PasswordHash;
use crate::secret::Secret;

/// A served domain, with its relay by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRoute {
    /// Its number.
    pub id: DomainId,
    /// The main name.
    pub name: Domain,
    /// Its other names.
    pub aliases: Vec<Domain>,
    /// "Relay for split domains".
    pub relay: Option<TargetId>,
    /// "Forward unknown addresses to the relay".
    pub forward_unknown: bool,
    /// "Domain Sharing": the peers, in their order; empty: off.
    pub sharing: Vec<TargetId>,
    /// How a stranger's unknown recipient is checked before it is forwarded.
    pub verify_unknown: VerifyUnknown,
    /// Refuse senders of the domain from outside that are not logged in.
    pub protect_senders: bool,
    /// Gets postmaster@ and abuse@ mail that nobody else has.
    pub postmaster: Option<Mailbox>,
    /// Limits of its mailboxes.
    pub quota: Quota,
}

/// A served domain, and the name by which it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct DomainRef<'a> {
    /// The domain.
    pub domain: &'a DomainRoute,
    /// The name asked for: the main name or an alias.
    pub name: &'a Domain,
    pub(crate) scope: Scope,
}

/// What an address belongs to.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// A list of members.
    Group(&'a Group),
    /// A mailbox of several people.
    Shared(&'a Shared),
    /// A person.
    User(UserRoute<'a>),
}

/// A user, as routing needs him.
#[derive(Debug, Clone, Copy)]
pub struct UserRoute<'a> {
    /// His number.
    pub id: UserId,
    /// His domain.
    pub domain: &'a DomainRoute,
    /// The name he logs in with.
    pub login: &'a str,
    /// Where his mailbox is.
    pub mail: MailType,
    /// Neither receives nor logs in.
    pub suspended: bool,
    /// Whether the address asked for goes to the third party.
    pub selected: bool,
    /// His own target; missing: the domain's relay.
    pub target: Option<TargetId>,
    /// Most bytes his mailbox may hold, the domain's default counted in; 0: no limit.
    pub quota_bytes: u64,
    pub(crate) default: Option<(Scope, &'a str)>,
    pub(crate) snapshot: &'a Snapshot,
}

impl UserRoute<'_> {
    /// The address under which he is known elsewhere.
    #[must_use]
    pub fn default_address(&self) -> Option<Mailbox> {
        let (scope, local) = self.default?;
        self.snapshot.mailbox(scope, local)
    }
}

/// A mailbox of several people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Its number.
    pub id: SharedId,
    /// The main name of its domain.
    pub domain: Domain,
    /// Its name: what a user's login is for his mailbox.
    pub name: String,
    /// The users who may send as it.
    pub members: Vec<UserId>,
    /// Most bytes it may hold, the domain's default counted in; 0: no limit.
    pub quota_bytes: u64,
}

/// A list of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// The main name of its domain.
    pub domain: Domain,
    /// Its name.
    pub name: String,
    /// Who gets its mail.
    pub members: Vec<Mailbox>,
    /// Replaces the sender of expanded mail, when set.
    pub owner: Option<Mailbox>,
}

/// Another mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its number.
    pub id: TargetId,
    /// Its name; `host:port` for one that a domain names by its host only.
    pub name: String,
    /// Where it is.
    pub host: Host,
    /// Never 0.
    pub port: u16,
    /// Where its mail comes from, beside its host.
    pub sources: Vec<Network>,
    /// How the connection is secured.
    pub tls: TlsPolicy,
    /// With [`TlsPolicy::Pinned`].
    pub tls_pin: Option<TlsPin>,
    /// Empty: no AUTH.
    pub username: String,
    /// Empty: no AUTH.
    pub password: Secret,
    /// Most connections at a time.
    pub connections: u32,
    /// How it wants third-party users addressed.
    pub recipient: RecipientForm,
    /// Whether mail goes to the smart host when the target does not take it.
    pub smart_host_on_error: bool,
    /// Whether senders wait for its own answer, instead of ours.
    pub cut_through: bool,
    /// The key of the certificate that it shows as a client.
    pub client_pin: Option<TlsPin>,
    /// The name that it logs in with here; empty: it does not.
    pub client_login: String,
    /// With a name.
    pub client_password: Option<PasswordHash>,
    /// Made from a domain's `relay = "host[:port]"`: hidden from lists and export.
    pub implicit: bool,
    /// It is a peer, and how it is asked.
    pub minger: Option<Minger>,
}

/// A domain that lives wholly on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRoute {
    /// Its number.
    pub id: GatewayId,
    /// Its name.
    pub domain: Domain,
    /// Where it lives.
    pub target: TargetId,
    /// How its recipients are verified.
    pub verify: GatewayVerify,
    /// Who is asked, with [`GatewayVerify::Minger`].
    pub minger: GatewayMinger,
    /// The file of addresses, with [`GatewayVerify::List`].
    pub list: Option<PathBuf>,
    /// Verification also asks all peers of the site.
    pub sharing_too: bool,
    /// What happens when who verifies cannot be reached.
    pub unreachable: Unreachable,
}

/// Who is asked over Minger about a gateway domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayMinger {
    /// The gateway's own Minger host, else its target's.
    pub host: Host,
    /// Never 0.
    pub port: u16,
    /// What that server wants from us; empty: it is asked anonymously.
    pub secret: Secret,
}
