//! The hot path: what the directory knows of a recipient, from memory.
//!
//! A [`Snapshot`] never changes: a write publishes another one, and shares with the one before
//! whatever the write did not touch. Addresses and users lie in many small shards (`table`, made
//! sense of in `index`), of which a copy shares all but those that it writes. The latest changes
//! are in a small table above them (`overlay`), so that one edit copies neither.

mod index;
pub(crate) mod load;
mod overlay;
mod route;
mod snapshot;
mod table;

pub(crate) use index::Scope;
pub use route::{
    DomainRef, DomainRoute, Found, GatewayMinger, GatewayRoute, Group, Shared, Target, UserRoute,
};
pub use snapshot::Snapshot;
