//! One attempt to hand a message to a next hop.
//!
//! Nothing here decides where a message goes or when it is tried again: a [`Job`] comes in, one
//! [`Outcome`] per recipient comes out.

mod job;
mod trouble;

pub use job::{Delivered, Job, JobRecipient, NextHop, Outcome};
pub use trouble::Trouble;
