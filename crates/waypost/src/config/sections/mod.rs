//! One file per section of the configuration file: its keys, their defaults, what they are for.

mod acme;
mod cache;
mod console;
mod limits;
mod listen;
mod local;
mod log;
mod minger;
mod outbound;
mod queue;
mod tls;
mod top;
mod trust;

pub(crate) use acme::Acme;
pub(crate) use cache::Cache;
pub(crate) use console::Console;
pub(crate) use limits::read as limits;
pub(crate) use listen::Listen;
pub(crate) use local::{Delivery, Local};
pub(crate) use log::{Log, LogFormat};
pub(crate) use minger::Minger;
pub(crate) use outbound::Outbound;
pub(crate) use queue::read as queue;
pub(crate) use tls::Tls;
pub(crate) use top::Top;
pub(crate) use trust::Trust;
