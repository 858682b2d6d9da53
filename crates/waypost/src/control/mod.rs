//! The control socket: how administrative commands reach the running server.

pub(crate) mod protocol;
mod socket;

pub(crate) use socket::{Report, Socket};
