//! The site file: the directory as one TOML text.
//!
//! [`read`] makes records of it, every mistake at once with its line; [`Plan::make`] compares them
//! with the directory; [`Plan::apply`] makes the changes in one transaction; [`export`] writes the
//! directory down so that applying it changes nothing.

mod export;
mod fields;
mod plan;
mod raw;
mod read;

pub(crate) use export::export;
pub(crate) use fields::{SECRETS, of as fields};
pub(crate) use plan::{Failure, Plan};
pub(crate) use read::read;

#[cfg(test)]
mod tests;
