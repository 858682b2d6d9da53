//! Which addresses lead to this server itself: targets that do are refused when they are saved,
//! and again when they are used.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::{Mutex, PoisonError};

use waypost_directory::{Here, Host};
use waypost_proto::mail::Domain;

/// Addresses whose place is remembered; there are about as many as targets.
const MAX_REMEMBERED: usize = 10_000;

/// Where this server listens. As [`Here`] it answers from memory, for every relayed recipient.
#[derive(Debug)]
pub(crate) struct Listening {
    hostname: Domain,
    bound: Vec<SocketAddr>,
    own: Mutex<HashMap<IpAddr, bool>>,
}

impl Listening {
    pub(crate) fn new(hostname: Domain, bound: Vec<SocketAddr>) -> Self {
        Self {
            hostname,
            bound,
            own: Mutex::default(),
        }
    }

    fn leads_here(&self, address: IpAddr, port: u16) -> bool {
        let mut ports = self.bound.iter().filter(|bound| bound.port() == port);
        ports.any(|bound| {
            bound.ip() == address
                || bound.ip().is_unspecified()
                    && bound.is_ipv4() == address.is_ipv4()
                    && self.is_own(address)
        })
    }

    /// Whether this machine has the address: then a socket can be bound to it.
    fn is_own(&self, address: IpAddr) -> bool {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = own.get(&address) {
            return *known;
        }
        if own.len() >= MAX_REMEMBERED {
            own.clear();
        }
        let found = UdpSocket::bind((address, 0)).is_ok();
        own.insert(address, found);
        found
    }
}

impl Here for Listening {
    fn is_here(&self, host: &Host, port: u16) -> bool {
        match host {
            Host::Address(address) => self.leads_here(*address, port),
            Host::Name(name) => {
                *name == self.hostname && self.bound.iter().any(|bound| bound.port() == port)
            }
            Host::Mx(_) => false,
        }
    }
}

/// The same for who saves: names are looked up, which may take a while.
#[derive(Debug)]
pub(crate) struct LookingUp<'a>(pub(crate) &'a Listening);

impl Here for LookingUp<'_> {
    fn is_here(&self, host: &Host, port: u16) -> bool {
        if self.0.is_here(host, port) {
            return true;
        }
        let Host::Name(name) = host else {
            return false;
        };
        let found = (name.as_str(), port).to_socket_addrs();
        found.is_ok_and(|mut found| found.any(|at| self.0.leads_here(at.ip(), port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(bound: &[&str]) -> Listening {
        let bound = bound.iter().map(|text| text.parse().unwrap()).collect();
        Listening::new(Domain::parse("mx1.example.com").unwrap(), bound)
    }

    #[test]
    fn knows_its_own_addresses_and_name() {
        for (bound, host, port, expected) in [
            ("127.0.0.1:2525", "127.0.0.1", 2525, true),
            ("127.0.0.1:2525", "127.0.0.1", 25, false),
            ("127.0.0.1:2525", "127.0.0.2", 2525, false),
            ("0.0.0.0:2525", "127.0.0.7", 2525, true),
            ("0.0.0.0:2525", "192.0.2.1", 2525, false),
            ("0.0.0.0:2525", "mx1.example.com", 2525, true),
            ("0.0.0.0:2525", "mx2.example.com", 2525, false),
        ] {
            let host = Host::parse(host).unwrap();
            let found = listening(&[bound]).is_here(&host, port);
            assert_eq!(found, expected, "{bound} {host} {port}");
        }
    }

    #[test]
    fn looks_names_up_for_who_saves() {
        let listening = listening(&["127.0.0.1:2525"]);
        let host = Host::parse("localhost").unwrap();
        assert!(!listening.is_here(&host, 2525));
        assert!(LookingUp(&listening).is_here(&host, 2525));
        assert!(!LookingUp(&listening).is_here(&host, 25));
    }
}
