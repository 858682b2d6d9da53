//! Who and where: domains, users, shared mailboxes, groups, targets, peers and gateway
//! domains, and the snapshot that answers at RCPT.
//!
//! Everything is kept in one SQLite file. The rules of the directory are checked where it is
//! written ([`Directory::edit`]), all problems at once; readers take a [`Snapshot`] and neither
//! wait nor ask the store. Calls that touch the store block: callers use a thread that may.

#![deny(missing_docs)]

mod access;
mod answers;
mod batch;
mod directory;
mod edit;
mod error;
mod find;
mod json;
mod lookup;
mod migrate;
mod model;
mod password;
mod rules;
mod secret;
mod sqlite;
#[cfg(test)]
mod tests;
mod wording;

pub use answers::{AnswerKey, AnswerStore, KeptAnswer};
pub use directory::{Directory, Login, NamedUser, Page};
pub use edit::{
    Actor, AuditEntry, AuditQuery, Changed, Deed, DeedOf, Edit, Here, Hindrance, MingerHere,
    Nowhere, Progress, When,
};
pub use error::{Breach, EditError, LoginError, OpenError, Problem, Rejected, Unavailable};
pub use find::{Cursor, FoundPage, ObjectQuery, OnTarget, UserCounts, UserFilter, UserQuery};
pub use lookup::{
    DomainRef, DomainRoute, Found, GatewayMinger, GatewayRoute, Group, Shared, Snapshot, Target,
    UserRoute,
};
pub use model::{
    Address, AddressError, AdminRecord, DomainId, DomainRecord, GatewayId, GatewayRecord,
    GatewayVerify, Grant, GroupId, GroupRecord, Hold, HoldKey, Host, HostError, HostPort, Key,
    Kind, LOCAL, MailType, Minger, Names, Object, PeerRecord, Quota, RecipientForm, Relay, Role,
    Scope, SharedId, SharedRecord, Span, Stored, TargetRecord, TlsPin, TlsPolicy, TokenHash,
    TokenRecord, Unreachable, UserRecord, VerifyUnknown,
};
pub use password::{PasswordError, PasswordHash};
pub use secret::Secret;
pub use wording::{Piece, Wording, WordingValue, Words, pieces};

/// What the rules say, each text with its code.
pub const RULES: &[&Wording] = rules::words::ALL;
