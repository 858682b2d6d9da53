//! Where the pages of objects are.

use crate::address::{address, encoded};
use crate::api::v1::overview::WrongKind;

/// Where what is wrong with something is looked into.
pub(crate) fn of_object(kind: WrongKind, name: &str) -> String {
    match kind {
        WrongKind::Address => address("/explain", &[("address", name)]),
        WrongKind::Domain => format!("/domains/{}", encoded(name)),
        WrongKind::NextHop => address("/queue", &[("next_hop", name)]),
        WrongKind::Peer => format!("/sharing/peers/{}", encoded(name)),
        WrongKind::Server => "/system".to_owned(),
        WrongKind::Target => format!("/targets/{}", encoded(name)),
        WrongKind::User => format!("/users/{}", encoded(name)),
    }
}
