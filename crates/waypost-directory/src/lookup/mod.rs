//! The hot path: what the directory knows of a recipient, from memory.
//!
//! A [`Snapshot`] never changes: a write publishes another one, and shares with the one before
//! whatever the write did not touch. Addresses and users lie in one byte arena (`index`), recent
//! changes in a small table above it (`overlay`), so that one edit does not copy a million.

mod index;
pub(crate) mod load;
mod overlay;
mod route;
mod snapshot;

pub(crate) use index::{Index, Scope};
pub use route::{
    DomainRef, DomainRoute, Found, GatewayMinger, GatewayRoute, Group, Shared, Target, UserRoute,
};
pub use snapshot::Snapshot;
