//! Every service of the configuration, bound but not open.

use std::net::SocketAddr;

use waypost_mta::listener::Bound;
use waypost_mta::minger;
use waypost_mta::net::Endpoint;
use waypost_mta::policy::Service;
use waypost_mta::session::{Door, Wrapping};

use crate::config::Config;
use crate::console;

/// Where each service will be found.
pub(crate) struct Doors {
    /// For mail, by the name of the service.
    pub(crate) mail: Vec<(&'static str, Bound)>,
    /// For questions about addresses.
    pub(crate) minger: Vec<minger::Bound>,
    /// For administrators.
    pub(crate) console: Vec<console::Bound>,
}

impl Doors {
    /// Binds everything.
    pub(crate) fn bind(config: &Config) -> anyhow::Result<Self> {
        let door = |service, wrapping| Door { service, wrapping };
        let listen = &config.listen;
        let services = [
            (
                "smtp",
                door(Service::Smtp, Wrapping::OnRequest),
                &listen.smtp,
            ),
            (
                "submission",
                door(Service::Submission, Wrapping::OnRequest),
                &listen.submission,
            ),
            (
                "submissions",
                door(Service::Submission, Wrapping::Implicit),
                &listen.submissions,
            ),
            ("lmtp", door(Service::Lmtp, Wrapping::None), &listen.lmtp),
        ];
        let mut mail = Vec::new();
        for (name, door, endpoints) in services {
            for endpoint in endpoints {
                mail.push((name, Bound::new(door, endpoint)?));
            }
        }
        let minger = listen.minger.iter().copied().map(minger::Bound::new);
        let console = listen.console.iter();
        let console = console.map(|at| console::Bound::new("listen.console", *at));
        Ok(Self {
            mail,
            minger: minger.collect::<Result<_, _>>()?,
            console: console.collect::<Result<_, _>>()?,
        })
    }

    /// Where each service listens, in the order of the configuration.
    pub(crate) fn endpoints(&self) -> Vec<(&'static str, Endpoint)> {
        let mail = self
            .mail
            .iter()
            .map(|(name, bound)| (*name, bound.endpoint.clone()));
        let minger = self
            .minger
            .iter()
            .map(|bound| ("minger", Endpoint::Inet(bound.address)));
        let console = self
            .console
            .iter()
            .map(|bound| ("console", Endpoint::Inet(bound.address)));
        mail.chain(minger).chain(console).collect()
    }

    /// Where mail is taken over TCP: what leads there leads here.
    pub(crate) fn mail_addresses(&self) -> Vec<SocketAddr> {
        let endpoints = self.mail.iter().map(|(_, bound)| &bound.endpoint);
        let addresses = endpoints.filter_map(|endpoint| match endpoint {
            Endpoint::Inet(address) => Some(*address),
            Endpoint::Unix(_) => None,
        });
        addresses.collect()
    }

    /// Where questions about addresses are answered.
    pub(crate) fn minger_addresses(&self) -> Vec<SocketAddr> {
        self.minger.iter().map(|bound| bound.address).collect()
    }
}
