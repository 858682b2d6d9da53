//! Who is calling: a known target, a client of a trusted network, or a stranger.
//!
//! A target is known by its addresses, those of its `host` and its `sources`, or by the key of the
//! certificate that it shows, never by what it says in EHLO. Host names are looked up beforehand, so
//! that a connection waits for no DNS.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use waypost_directory::{Host, Snapshot, TlsPin};
use waypost_proto::net::Network;
use waypost_proto::route::{Side, TargetId};

use super::{Settings, Shared};
use crate::event::{self, Client};

/// The client of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name and address.
    pub client: Client,
    /// The side it is on; a certificate or a login may change that.
    pub side: Side,
    /// Whether it may relay outward without login. A target may be in a trusted network too.
    pub trusted: bool,
    /// Whether it may speak for others with XCLIENT.
    pub proxy: bool,
}

impl Caller {
    /// Recognises a client by its address; none is a client on a Unix socket, which is trusted.
    #[must_use]
    pub fn of(shared: &Shared, address: Option<IpAddr>) -> Self {
        let rules = shared.rules();
        let settings = &rules.settings;
        Self {
            client: Client {
                name: None,
                address,
            },
            side: side_of(shared, settings, address),
            trusted: is_trusted(settings, address),
            proxy: address.is_some_and(|address| is_in(&settings.xclient, address)),
        }
    }

    /// Recognises a target by the certificate that the client has shown, from wherever it calls.
    pub(super) fn shows(&mut self, shared: &Shared, pin: TlsPin) {
        let snapshot = shared.snapshot();
        let found = shared.callers().with_key(&snapshot, pin);
        let Some(target) = found.and_then(|id| snapshot.target(id)) else {
            return;
        };
        event::recognised(&self.client, &target.name);
        self.side = Side::Target(target.id);
    }

    /// The client that a proxy speaks for; the proxy itself may go on to speak for others.
    pub(super) fn instead(&self, shared: &Shared, client: Client) -> Self {
        let rules = shared.rules();
        let address = client.address;
        Self {
            side: side_of(shared, &rules.settings, address),
            trusted: is_trusted(&rules.settings, address),
            proxy: self.proxy,
            client,
        }
    }
}

fn side_of(shared: &Shared, settings: &Settings, address: Option<IpAddr>) -> Side {
    let target = address.and_then(|a| shared.callers().target(&shared.snapshot(), a));
    match target {
        Some(target) => Side::Target(target),
        None if is_trusted(settings, address) => Side::Trusted,
        None => Side::Stranger,
    }
}

fn is_trusted(settings: &Settings, address: Option<IpAddr>) -> bool {
    address.is_none_or(|address| is_in(&settings.trusted, address))
}

pub(crate) fn is_in(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Recognises targets by their addresses and keys.
#[derive(Debug, Default)]
pub struct Callers {
    /// The addresses of host names, as last looked up.
    names: ArcSwap<HashMap<Host, Vec<IpAddr>>>,
    table: ArcSwap<Table>,
}

/// What one snapshot and one round of look-ups say.
#[derive(Debug, Default)]
struct Table {
    change: u64,
    names: Arc<HashMap<Host, Vec<IpAddr>>>,
    sources: Vec<(Network, TargetId)>,
    hosts: HashMap<IpAddr, TargetId>,
    pins: HashMap<TlsPin, TargetId>,
    /// Whether some target has a login.
    logins: bool,
}

impl Callers {
    /// The target that connects from this address; `sources` count before hosts, and of several
    /// the narrowest, then the oldest.
    #[must_use]
    pub fn target(&self, snapshot: &Snapshot, address: IpAddr) -> Option<TargetId> {
        self.table(snapshot).find(address.to_canonical())
    }

    /// The target whose certificate has this key.
    #[must_use]
    pub fn with_key(&self, snapshot: &Snapshot, pin: TlsPin) -> Option<TargetId> {
        self.table(snapshot).pins.get(&pin).copied()
    }

    /// Whether some target is known by its certificate.
    #[must_use]
    pub fn know_keys(&self, snapshot: &Snapshot) -> bool {
        !self.table(snapshot).pins.is_empty()
    }

    /// Whether some target logs in here.
    #[must_use]
    pub fn know_logins(&self, snapshot: &Snapshot) -> bool {
        self.table(snapshot).logins
    }

    fn table(&self, snapshot: &Snapshot) -> Arc<Table> {
        let names = self.names.load();
        let mut table = self.table.load_full();
        if table.change != snapshot.change() || !Arc::ptr_eq(&table.names, &names) {
            table = Arc::new(Table::new(snapshot, Arc::clone(&names)));
            self.table.store(Arc::clone(&table));
        }
        table
    }

    /// The hosts whose addresses must be looked up for this snapshot.
    #[must_use]
    pub fn wanted(snapshot: &Snapshot) -> Vec<Host> {
        let hosts = snapshot.targets().map(|target| &target.host);
        let named = hosts.filter(|host| !matches!(host, Host::Address(_)));
        let mut wanted: Vec<_> = named.cloned().collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }

    /// Takes what was looked up, all hosts at once. A host that could not be looked up keeps the
    /// addresses it had.
    pub fn learn(&self, looked_up: HashMap<Host, Option<Vec<IpAddr>>>) {
        let before = self.names.load_full();
        let names = looked_up.into_iter().filter_map(|(host, addresses)| {
            let addresses = addresses.or_else(|| before.get(&host).cloned())?;
            Some((host, addresses))
        });
        let names: HashMap<_, _> = names.collect();
        if names != *before {
            self.names.store(Arc::new(names));
        }
    }
}

impl Table {
    fn new(snapshot: &Snapshot, names: Arc<HashMap<Host, Vec<IpAddr>>>) -> Self {
        let mut table = Self {
            change: snapshot.change(),
            ..Self::default()
        };
        for target in snapshot.targets() {
            let sources = target.sources.iter().map(|source| (*source, target.id));
            table.sources.extend(sources);
            table.logins |= !target.client_login.is_empty();
            table
                .pins
                .extend(target.client_pin.map(|pin| (pin, target.id)));
            let addresses = match &target.host {
                Host::Address(address) => std::slice::from_ref(address),
                name => names.get(name).map_or(&[][..], Vec::as_slice),
            };
            for address in addresses {
                table
                    .hosts
                    .entry(address.to_canonical())
                    .or_insert(target.id);
            }
        }
        table
            .sources
            .sort_by_key(|(network, id)| (u8::MAX - network.prefix(), *id));
        table.names = names;
        table
    }

    fn find(&self, address: IpAddr) -> Option<TargetId> {
        let source = self
            .sources
            .iter()
            .find(|(network, _)| network.contains(address));
        source
            .map(|(_, id)| *id)
            .or_else(|| self.hosts.get(&address).copied())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use waypost_directory::{Actor, Directory, Edit, Key, Nowhere, Object, TargetRecord, When};

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn put(directory: &Directory, targets: &[(&str, &str, &[&str])]) {
        let edits = targets.iter().map(|(name, host, sources)| {
            let mut target = TargetRecord::new(*name, Host::parse(host).unwrap());
            let networks = sources.iter().map(|text| Network::parse(text).unwrap());
            target.sources = networks.collect();
            Edit::Put(Object::Target(target), When::Absent)
        });
        edit(directory, &edits.collect::<Vec<_>>());
    }

    fn edit(directory: &Directory, edits: &[Edit]) {
        let actor = Actor {
            name: "test",
            from: "test",
            at: SystemTime::UNIX_EPOCH,
        };
        directory.edit(&actor, &Nowhere, edits).unwrap();
    }

    struct Site {
        directory: Directory,
        callers: Callers,
        _dir: tempfile::TempDir,
    }

    impl Site {
        fn new(targets: &[(&str, &str, &[&str])]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let directory = Directory::open(&dir.path().join("directory.db")).unwrap();
            put(&directory, targets);
            Self {
                directory,
                callers: Callers::default(),
                _dir: dir,
            }
        }

        fn who(&self, from: &str) -> Option<String> {
            let snapshot = self.directory.snapshot();
            let id = self.callers.target(&snapshot, address(from))?;
            snapshot.target(id).map(|target| target.name.clone())
        }
    }

    #[test]
    fn a_target_calls_from_its_host_or_its_sources_and_the_narrowest_counts() {
        let site = Site::new(&[
            ("wide", "10.0.0.1", &["192.0.2.0/24"]),
            ("narrow", "10.0.0.2", &["192.0.2.7", "2001:db8::/32"]),
        ]);
        assert_eq!(site.who("10.0.0.1").as_deref(), Some("wide"));
        assert_eq!(site.who("::ffff:10.0.0.2").as_deref(), Some("narrow"));
        assert_eq!(site.who("192.0.2.8").as_deref(), Some("wide"));
        assert_eq!(site.who("192.0.2.7").as_deref(), Some("narrow"));
        assert_eq!(site.who("2001:db8::1").as_deref(), Some("narrow"));
        assert_eq!(site.who("10.0.0.3"), None);
    }

    #[test]
    fn a_change_of_the_directory_counts_at_once() {
        let site = Site::new(&[("one", "10.0.0.1", &[])]);
        assert_eq!(site.who("10.0.0.2"), None);
        put(&site.directory, &[("two", "10.0.0.2", &[])]);
        assert_eq!(site.who("10.0.0.2").as_deref(), Some("two"));
        edit(
            &site.directory,
            &[Edit::Remove(Key::Target("one".into()), When::Any)],
        );
        assert_eq!(site.who("10.0.0.1"), None);
    }

    #[test]
    fn a_name_that_cannot_be_looked_up_keeps_its_addresses() {
        let site = Site::new(&[("named", "old.example.com", &[])]);
        let host = Host::parse("old.example.com").unwrap();
        let wanted = Callers::wanted(&site.directory.snapshot());
        assert_eq!(wanted, std::slice::from_ref(&host));
        let learn = |addresses| {
            site.callers
                .learn(HashMap::from([(host.clone(), addresses)]))
        };
        assert_eq!(site.who("10.0.0.9"), None);
        learn(Some(vec![address("10.0.0.9")]));
        assert_eq!(site.who("10.0.0.9").as_deref(), Some("named"));
        learn(None);
        assert_eq!(site.who("10.0.0.9").as_deref(), Some("named"));
        learn(Some(vec![address("10.0.0.10")]));
        assert_eq!(site.who("10.0.0.9"), None);
    }
}
