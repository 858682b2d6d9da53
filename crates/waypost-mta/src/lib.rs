//! The mail transfer agent: a line from a listener to the next hop.

pub mod auth;
pub mod bounce;
pub mod clock;
pub mod deliver;
pub mod dns;
pub mod event;
pub mod limits;
pub mod listener;
pub mod net;
pub mod policy;
pub mod queue;
pub mod resolve;
pub mod session;
pub mod tls;
pub mod trace;
