//! The console and the HTTP API: how people and scripts administer a running server.
//!
//! A sibling of the mail transfer agent that knows nothing of it: whatever it wants of the running
//! server it asks through [`Control`], in the same requests that the command line makes.

#![deny(missing_docs)]

mod control;
pub mod request;

pub use control::{Answering, Control};
