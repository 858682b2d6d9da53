//! How the sites of a world are wired, and what that makes of their directories.

use std::net::IpAddr;

use waypost_directory::{
    Address, DomainRecord, Edit, GatewayRecord, GatewayVerify, Host, Key, MailType, Object,
    PeerRecord, Relay, Secret, TargetRecord, TlsPolicy, UserRecord, VerifyUnknown, When,
};
use waypost_proto::mail::Domain;
use waypost_testkit::chance::Chance;

/// What sites, and the foreign server, are asked with.
pub(crate) const SECRET: &str = "a-secret-that-is-shared";
/// The domain that the sites serve together.
pub(crate) const SHARED: &str = "example.com";
/// Ports of the foreign host.
pub(crate) const OLD_PORT: u16 = 2525;
pub(crate) const STALL_PORT: u16 = 2526;
pub(crate) const BRANCH_PORT: u16 = 2527;
pub(crate) const BRANCH_MINGER_PORT: u16 = 4070;
/// Connections that the server which stalls gets at most.
const STALL_CONNECTIONS: u32 = 2;

/// Who believes what of whom.
#[derive(Debug, Clone)]
pub(crate) enum Wiring {
    /// Site 0 knows everybody; the others forward to it what they do not know.
    Master,
    /// All share but the last one, which is split from site 0.
    Mixed,
    /// All share.
    Sharing,
    /// Anything, right or wrong.
    Wild(Vec<Belief>),
}

/// What one site of a wild wiring believes.
#[derive(Debug, Clone)]
pub(crate) struct Belief {
    relay: Option<usize>,
    forwards_unknown: bool,
    is_verified: bool,
    /// In this order.
    sharing: Vec<usize>,
    /// Users of other sites, and where this one believes them to be.
    elsewhere: Vec<(usize, usize)>,
}

/// Several sites, and twice as many users, each at home at one of them.
#[derive(Debug, Clone)]
pub(crate) struct Arrangement {
    pub(crate) sites: usize,
    pub(crate) wiring: Wiring,
}

/// Where everybody is.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) sites: Vec<IpAddr>,
    pub(crate) foreign: IpAddr,
    pub(crate) outside: IpAddr,
    pub(crate) inside: IpAddr,
    pub(crate) stores: IpAddr,
}

/// One change of one site's directory.
pub(crate) type Change = (usize, Vec<Edit>);

pub(crate) fn login(user: usize) -> String {
    format!("u{user}")
}

/// Names here are written down, and valid.
pub(crate) fn domain(name: &str) -> Domain {
    Domain::parse(name).expect("a name of the simulation is valid")
}

fn put(object: Object) -> Edit {
    Edit::Put(object, When::Any)
}

fn target(name: &str, host: IpAddr, port: u16) -> TargetRecord {
    TargetRecord {
        port,
        tls: TlsPolicy::Off,
        ..TargetRecord::new(name, Host::Address(host))
    }
}

fn user(number: usize) -> UserRecord {
    let address = Address::parse(&format!("{}@*", login(number)));
    UserRecord {
        addresses: vec![address.expect("an address of the simulation is valid")],
        ..UserRecord::new(domain(SHARED), login(number))
    }
}

fn local(number: usize) -> Edit {
    put(Object::User(user(number)))
}

fn third_party(number: usize, site: usize) -> Edit {
    put(Object::User(UserRecord {
        mail: MailType::ThirdParty,
        target: Some(format!("s{site}")),
        ..user(number)
    }))
}

fn removed(number: usize) -> Edit {
    Edit::Remove(Key::User(domain(SHARED), login(number)), When::Any)
}

impl Arrangement {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let sites = 2 + chance.below(3) as usize;
        let wiring = match chance.below(8) {
            0..=2 => Wiring::Sharing,
            3 | 4 => Wiring::Master,
            5 if sites > 2 => Wiring::Mixed,
            5 => Wiring::Sharing,
            _ => Wiring::Wild(
                (0..sites)
                    .map(|own| Belief::draw(own, sites, chance))
                    .collect(),
            ),
        };
        Self { sites, wiring }
    }

    pub(crate) fn users(&self) -> usize {
        2 * self.sites
    }

    pub(crate) fn home(&self, user: usize) -> usize {
        user % self.sites
    }

    /// Whether what sites believe of each other is true.
    pub(crate) fn is_sane(&self) -> bool {
        !matches!(self.wiring, Wiring::Wild(_))
    }

    /// What the directory of one site holds in the beginning.
    pub(crate) fn directory(&self, own: usize, at: &Addresses) -> Vec<Edit> {
        let mut edits = foreign(at);
        let others = (0..self.sites).filter(|other| *other != own);
        let peers = self.peers(own);
        for other in others {
            let target = target(&format!("s{other}"), at.sites[other], 25);
            edits.push(put(match peers.contains(&other) {
                true => Object::Peer(PeerRecord {
                    minger_secret: Secret::new(SECRET),
                    ..PeerRecord::new(target)
                }),
                false => Object::Target(target),
            }));
        }
        let mut record = DomainRecord::new(domain(SHARED));
        record.sharing = peers.iter().map(|peer| format!("s{peer}")).collect();
        if let Some((relay, forwards, verified)) = self.relay(own) {
            record.relay = Some(Relay::Target(format!("s{relay}")));
            record.forward_unknown = forwards;
            record.verify_unknown = match verified {
                true => VerifyUnknown::Callout,
                false => VerifyUnknown::None,
            };
        }
        edits.push(put(Object::Domain(record)));
        edits.extend(self.believed(own));
        edits
    }

    /// Whom a site asks over Minger, in its order.
    fn peers(&self, own: usize) -> Vec<usize> {
        let sharing = match &self.wiring {
            Wiring::Master => 0,
            Wiring::Mixed => self.sites - 1,
            Wiring::Sharing => self.sites,
            Wiring::Wild(beliefs) => return beliefs[own].sharing.clone(),
        };
        if own >= sharing {
            return Vec::new();
        }
        (1..sharing).map(|step| (own + step) % sharing).collect()
    }

    /// The split relay, whether it gets what is unknown, and whether it is asked first.
    fn relay(&self, own: usize) -> Option<(usize, bool, bool)> {
        match &self.wiring {
            Wiring::Master if own > 0 => Some((0, true, true)),
            Wiring::Mixed if own + 1 == self.sites => Some((0, true, true)),
            Wiring::Master | Wiring::Mixed | Wiring::Sharing => None,
            Wiring::Wild(beliefs) => {
                let belief = &beliefs[own];
                let relay = belief.relay?;
                Some((relay, belief.forwards_unknown, belief.is_verified))
            }
        }
    }

    /// The users whom a site knows.
    fn believed(&self, own: usize) -> Vec<Edit> {
        let all = || 0..self.users();
        let mut edits: Vec<Edit> = all()
            .filter(|number| self.home(*number) == own)
            .map(local)
            .collect();
        let elsewhere = |number: &usize| match &self.wiring {
            Wiring::Master => own == 0 && self.home(*number) != 0,
            Wiring::Mixed => own == 0 && self.home(*number) + 1 == self.sites,
            Wiring::Sharing | Wiring::Wild(_) => false,
        };
        edits.extend(
            all()
                .filter(elsewhere)
                .map(|number| third_party(number, self.home(number))),
        );
        if let Wiring::Wild(beliefs) = &self.wiring {
            let wrong = beliefs[own].elsewhere.iter();
            edits.extend(wrong.map(|(number, site)| third_party(*number, *site)));
        }
        edits
    }

    /// Moves a user: made at the new site first, taken from the old one last. Nothing where the
    /// wiring has no such move.
    pub(crate) fn moved(&self, number: usize, from: usize, to: usize) -> Vec<Change> {
        match self.wiring {
            Wiring::Sharing => vec![(to, vec![local(number)]), (from, vec![removed(number)])],
            Wiring::Mixed if from + 1 < self.sites && to + 1 < self.sites => {
                vec![(to, vec![local(number)]), (from, vec![removed(number)])]
            }
            Wiring::Master if from == 0 => {
                vec![
                    (to, vec![local(number)]),
                    (0, vec![third_party(number, to)]),
                ]
            }
            Wiring::Master if to == 0 => {
                vec![(0, vec![local(number)]), (from, vec![removed(number)])]
            }
            Wiring::Master => vec![
                (to, vec![local(number)]),
                (0, vec![third_party(number, to)]),
                (from, vec![removed(number)]),
            ],
            Wiring::Mixed | Wiring::Wild(_) => Vec::new(),
        }
    }
}

/// What every site knows of the foreign servers.
fn foreign(at: &Addresses) -> Vec<Edit> {
    let mut stall = target("stall", at.foreign, STALL_PORT);
    stall.connections = STALL_CONNECTIONS;
    let split = |name: &str, relay: &str, verify_unknown| DomainRecord {
        relay: Some(Relay::Target(relay.to_owned())),
        forward_unknown: true,
        verify_unknown,
        ..DomainRecord::new(domain(name))
    };
    let branch = GatewayRecord {
        verify: GatewayVerify::Minger,
        minger_host: Some(Host::Address(at.foreign)),
        minger_port: BRANCH_MINGER_PORT,
        minger_secret: Secret::new(SECRET),
        sharing_too: false,
        ..GatewayRecord::new(domain("branch.test"), Relay::Target("branch".to_owned()))
    };
    vec![
        put(Object::Target(target("old", at.foreign, OLD_PORT))),
        put(Object::Target(stall)),
        put(Object::Target(target("branch", at.foreign, BRANCH_PORT))),
        put(Object::Domain(split(
            "old.test",
            "old",
            VerifyUnknown::Callout,
        ))),
        put(Object::Domain(split(
            "stall.test",
            "stall",
            VerifyUnknown::None,
        ))),
        put(Object::Gateway(branch)),
    ]
}

impl Belief {
    fn draw(own: usize, sites: usize, chance: &mut Chance) -> Self {
        let others: Vec<usize> = (0..sites).filter(|other| *other != own).collect();
        let one = |chance: &mut Chance| others[chance.below(others.len() as u64) as usize];
        let relay = (chance.below(4) > 0).then(|| one(chance));
        let mut sharing: Vec<usize> = Vec::new();
        for _ in 0..chance.below(1 + sites as u64) {
            let drawn = one(chance);
            if !sharing.contains(&drawn) {
                sharing.push(drawn);
            }
        }
        let mut elsewhere = Vec::new();
        for user in (0..2 * sites).filter(|user| user % sites != own) {
            if chance.below(4) == 0 {
                elsewhere.push((user, one(chance)));
            }
        }
        Self {
            relay,
            forwards_unknown: relay.is_some() && chance.below(3) > 0,
            is_verified: chance.below(2) == 0,
            sharing,
            elsewhere,
        }
    }
}
