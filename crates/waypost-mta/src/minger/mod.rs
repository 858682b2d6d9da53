//! Minger over UDP: asks one server about one address, and answers others from the directory.

pub mod client;
pub mod counts;
pub mod decide;
pub mod peers;
pub mod rate;
pub mod server;

pub use client::{Asked, Client, Trouble};
pub use decide::Settings;
pub use rate::Rates;
pub use server::{Bound, Parts, Server, Sockets};
