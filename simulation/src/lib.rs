//! Sites in a simulated network and time: a seed draws how they are wired, who sends what, who
//! misbehaves and what breaks when; everything is repaired, and what was promised is looked for.
//!
//! The sites are made of the parts of `waypost-mta` and a real store each; the network is that of
//! `turmoil`, in which an hour passes in a moment. The same seed shows the same again.

#[cfg(not(tokio_unstable))]
compile_error!("build it in the folder simulation, whose .cargo/config.toml sets what it needs");

mod arrangement;
mod client;
mod clock;
mod forger;
mod judge;
mod log;
mod minger;
mod mood;
mod names;
mod notes;
mod plan;
mod server;
mod site;
#[cfg(test)]
mod tests;
mod world;

pub use world::{Run, run};
