//! Sessions in memory, over a real directory and a real spool in a temporary folder.

mod content;
mod ending;
mod login;
mod recipient;
mod relay;
pub(crate) mod world;
