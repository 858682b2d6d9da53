//! What each of several sites believes of the others.

use std::fmt;
use std::net::IpAddr;

use crate::chance::Chance;

/// One site: whom it relays to, asks and shares with, and whose users it knows to be elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Belief {
    relay: Option<usize>,
    forwards_unknown: bool,
    is_verified: bool,
    /// In this order.
    sharing: Vec<usize>,
    /// Users of other sites, and where this one believes them to be.
    elsewhere: Vec<(usize, usize)>,
}

/// Several sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrangement(Vec<Belief>);

impl Arrangement {
    /// Draws one for so many sites.
    pub(crate) fn draw(sites: usize, chance: &mut Chance) -> Self {
        let beliefs = (0..sites).map(|own| Belief::draw(own, sites, chance));
        Self(beliefs.collect())
    }

    /// How many sites it has.
    pub(crate) fn sites(&self) -> usize {
        self.0.len()
    }

    /// Everybody, and somebody whom nobody has.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = String> {
        let users = (0..self.0.len()).map(|number| format!("u{number}@example.com"));
        users.chain(["nobody@example.com".to_owned()])
    }

    /// The site file of one of them.
    pub(crate) fn site_file(&self, own: usize, addresses: &[IpAddr], secret: &str) -> String {
        let belief = &self.0[own];
        let mut file = String::new();
        for (other, address) in addresses.iter().enumerate().filter(|(n, _)| *n != own) {
            let (kind, more) = match belief.sharing.contains(&other) {
                true => ("peer", format!("minger_secret = \"{secret}\"\n")),
                false => ("target", String::new()),
            };
            file.push_str(&format!(
                "[[{kind}]]\nname = \"s{other}\"\nhost = \"{address}\"\nport = 2525\n\
                 tls = \"off\"\n{more}"
            ));
        }
        file.push_str("[[domain]]\nname = \"example.com\"\n");
        if let Some(relay) = belief.relay {
            let verify = match belief.is_verified {
                true => "callout",
                false => "none",
            };
            file.push_str(&format!(
                "relay = \"s{relay}\"\nforward_unknown = {}\nverify_unknown = \"{verify}\"\n",
                belief.forwards_unknown
            ));
        }
        let sharing: Vec<String> = belief.sharing.iter().map(|n| format!("\"s{n}\"")).collect();
        if !sharing.is_empty() {
            file.push_str(&format!("sharing = [{}]\n", sharing.join(", ")));
        }
        file.push_str(&user(own, "local", ""));
        for (number, target) in &belief.elsewhere {
            file.push_str(&user(
                *number,
                "third-party",
                &format!("target = \"s{target}\"\n"),
            ));
        }
        file
    }
}

impl Belief {
    fn draw(own: usize, sites: usize, chance: &mut Chance) -> Self {
        let others: Vec<usize> = (0..sites).filter(|other| *other != own).collect();
        let one = |chance: &mut Chance| {
            let drawn = chance.below(others.len().try_into().unwrap_or(1));
            others.get(usize::try_from(drawn).unwrap_or(0)).copied()
        };
        let relay = one(chance).filter(|_| chance.below(4) > 0);
        let mut sharing: Vec<usize> = Vec::new();
        for _ in 0..chance.below(1 + u64::try_from(sites).unwrap_or(0)) {
            let drawn = one(chance);
            sharing.extend(drawn.filter(|drawn| !sharing.contains(drawn)));
        }
        let mut elsewhere = Vec::new();
        for other in &others {
            if chance.below(4) == 0 {
                elsewhere.extend(one(chance).map(|target| (*other, target)));
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

impl fmt::Display for Arrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, belief) in self.0.iter().enumerate() {
            writeln!(f, "  site {number}: {belief:?}")?;
        }
        Ok(())
    }
}

fn user(number: usize, mail: &str, more: &str) -> String {
    format!(
        "[[user]]\ndomain = \"example.com\"\nlogin = \"u{number}\"\nmail = \"{mail}\"\n\
         addresses = [\"u{number}@example.com\"]\n{more}"
    )
}
