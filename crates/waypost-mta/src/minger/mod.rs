//! Minger over UDP: asks one server about one address.

pub mod client;

pub use client::{Asked, Client, Trouble};
