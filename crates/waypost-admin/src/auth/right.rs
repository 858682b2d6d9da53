//! What can be done, and which role may do it.

use waypost_directory::{Grant, Role};

/// Something that can be done; operations of the API name theirs as a scope of their security.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// See users, shared mailboxes and groups.
    AccountRead,
    /// Add, change and remove them.
    AccountWrite,
    /// See administrators, and change them.
    Admin,
    /// See who has changed what.
    AuditRead,
    /// Forget remembered answers.
    CacheDrop,
    /// See them.
    CacheRead,
    /// See domains.
    DomainRead,
    /// Change where a domain's mail goes: relay, forwarding, sharing.
    DomainRoute,
    /// Add and remove domains and their names.
    DomainServe,
    /// Change what concerns a domain alone.
    DomainWrite,
    /// Ask where an address goes, and where a message went.
    Explain,
    /// Log out, change one's password, and have tokens.
    Own,
    /// See the queue.
    QueueRead,
    /// Hold, release, retry and remove messages.
    QueueWrite,
    /// See targets, peers and gateways.
    RouteRead,
    /// Add, change, hold, test and remove them.
    RouteWrite,
    /// Apply a site file, and print one.
    Site,
    /// See how much mail flows.
    StatisticsRead,
    /// See versions, certificates, configuration and log.
    System,
}

impl Right {
    /// All of them.
    pub(crate) const ALL: [Self; 19] = [
        Self::AccountRead,
        Self::AccountWrite,
        Self::Admin,
        Self::AuditRead,
        Self::CacheDrop,
        Self::CacheRead,
        Self::DomainRead,
        Self::DomainRoute,
        Self::DomainServe,
        Self::DomainWrite,
        Self::Explain,
        Self::Own,
        Self::QueueRead,
        Self::QueueWrite,
        Self::RouteRead,
        Self::RouteWrite,
        Self::Site,
        Self::StatisticsRead,
        Self::System,
    ];

    /// The word by which the API's description names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AccountRead => "account-read",
            Self::AccountWrite => "account-write",
            Self::Admin => "admin",
            Self::AuditRead => "audit-read",
            Self::CacheDrop => "cache-drop",
            Self::CacheRead => "cache-read",
            Self::DomainRead => "domain-read",
            Self::DomainRoute => "domain-route",
            Self::DomainServe => "domain-serve",
            Self::DomainWrite => "domain-write",
            Self::Explain => "explain",
            Self::Own => "own",
            Self::QueueRead => "queue-read",
            Self::QueueWrite => "queue-write",
            Self::RouteRead => "route-read",
            Self::RouteWrite => "route-write",
            Self::Site => "site",
            Self::StatisticsRead => "statistics-read",
            Self::System => "system",
        }
    }

    /// Whether a role has it, with what was granted besides.
    pub(crate) fn is_of(self, role: Role, grants: &[Grant]) -> bool {
        match role {
            Role::Superadministrator => true,
            Role::DomainAdministrator => match self {
                Self::DomainRoute => grants.contains(&Grant::Routing),
                Self::Admin | Self::DomainServe | Self::RouteWrite | Self::Site | Self::System => {
                    false
                }
                _ => true,
            },
            Role::UserAdministrator => self == Self::AccountWrite || self.is_reading(),
            Role::Helpdesk => self.is_reading(),
        }
    }

    /// Changes nothing but what is one's own, and shows nothing of the site itself.
    fn is_reading(self) -> bool {
        matches!(
            self,
            Self::AccountRead
                | Self::CacheRead
                | Self::DomainRead
                | Self::Explain
                | Self::Own
                | Self::QueueRead
                | Self::RouteRead
                | Self::StatisticsRead
        )
    }
}
