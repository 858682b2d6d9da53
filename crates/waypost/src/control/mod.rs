//! The control socket: how administrative commands reach the running server.
//!
//! One request as a JSON line, then progress lines, then one result.

mod socket;

pub(crate) use socket::Socket;
