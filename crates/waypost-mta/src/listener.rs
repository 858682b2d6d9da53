//! Takes connections.

pub mod proxy;
