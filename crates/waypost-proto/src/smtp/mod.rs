//! SMTP, submission and LMTP: commands, replies and sessions without a socket.

pub mod client;
pub mod command;
pub mod data;
pub mod extension;
pub mod limits;
mod line;
pub mod params;
pub mod replies;
pub mod reply;
pub mod sasl;
pub mod server;
pub mod status;
pub mod xclient;
