//! The configuration file: read with its lines ([`raw`]), made whole and checked ([`resolve`]).

mod problem;
mod raw;
mod resolve;
mod secret;
mod sections;
mod written;

pub(crate) use raw::{Heading, Setting};
pub(crate) use resolve::{Config, Loaded, defaults, load};
pub(crate) use secret::read as read_secret;
pub(crate) use sections::{Acme, Console, Delivery, Log, LogFormat};
pub(crate) use written::{Size, json_of, parse_duration};
