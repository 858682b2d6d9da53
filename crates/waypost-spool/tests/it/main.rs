//! The spool from outside: what it keeps, and what survives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end here")]

mod crash;
mod custody;
mod power;
mod space;
mod support;
