//! SMTP, submission and LMTP: commands, replies and sessions without a socket.

pub mod params;
pub mod replies;
pub mod reply;
pub mod status;
