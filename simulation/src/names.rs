//! The name service of the simulation: everybody outside is one host.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_mta::dns::{Answer, Lookup, LookupError, Mx, MxRecords};
use waypost_proto::dane::{Dnssec, Found};
use waypost_proto::mail::Domain;

/// Knows one host, when it answers.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) outside: IpAddr,
    pub(crate) is_silent: Arc<AtomicBool>,
}

impl Names {
    fn say<T>(&self, what: T) -> Result<T, LookupError> {
        match self.is_silent.load(Ordering::Relaxed) {
            true => Err(LookupError::Failed("no name server answers".to_owned())),
            false => Ok(what),
        }
    }
}

impl Lookup for Names {
    fn mx<'a>(&'a self, name: &'a Domain) -> Answer<'a, MxRecords> {
        Box::pin(async move {
            let records = vec![Mx {
                preference: 10,
                host: Some(name.clone()),
            }];
            let dnssec = Dnssec::Insecure;
            self.say(MxRecords { records, dnssec })
        })
    }

    fn addresses<'a>(&'a self, _name: &'a Domain) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move { self.say(vec![self.outside]) })
    }

    fn tlsa<'a>(&'a self, _host: &'a Domain, _port: u16) -> Answer<'a, Found> {
        Box::pin(async move { self.say(Found::Insecure) })
    }

    fn texts<'a>(&'a self, _name: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async move { self.say(Vec::new()) })
    }
}
