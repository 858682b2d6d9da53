//! What a domain's settings come to, in one word each.

/// The settings of a domain from which its role follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routing {
    /// A split relay is set.
    pub has_relay: bool,
    /// Unknown addresses go to it.
    pub forwards: bool,
    /// It is asked first, where strangers write to unknown addresses.
    pub asks: bool,
    /// Peers share the domain.
    pub is_shared: bool,
}

impl Routing {
    /// `master`, `migration`, `slave`, `shared` or `plain`.
    ///
    /// A site that forwards what it does not know, and knows people who live elsewhere, is one
    /// that becomes the master; a slave knows only its own.
    #[must_use]
    pub fn role(self, third_party: u64) -> &'static str {
        match (self.has_relay, self.forwards, self.is_shared) {
            (true, false, _) => "master",
            (true, true, _) if third_party > 0 => "migration",
            (true, true, _) => "slave",
            (false, _, true) => "shared",
            (false, _, false) => "plain",
        }
    }

    /// What becomes of mail to addresses that nobody here has: `refused`, `relay-asked`,
    /// `relay-unasked`, `peers`, `peers-relay-asked` or `peers-relay-unasked`.
    #[must_use]
    pub fn unknown(self) -> &'static str {
        match (self.is_shared, self.has_relay && self.forwards, self.asks) {
            (false, false, _) => "refused",
            (false, true, true) => "relay-asked",
            (false, true, false) => "relay-unasked",
            (true, false, _) => "peers",
            (true, true, true) => "peers-relay-asked",
            (true, true, false) => "peers-relay-unasked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_and_unknown_addresses_follow_from_the_settings() {
        let of = |has_relay, forwards, is_shared| Routing {
            has_relay,
            forwards,
            asks: true,
            is_shared,
        };
        for (routing, third_party, role, unknown) in [
            (of(false, false, false), 0, "plain", "refused"),
            (of(true, false, false), 9, "master", "refused"),
            (of(true, true, false), 0, "slave", "relay-asked"),
            (of(true, true, false), 9, "migration", "relay-asked"),
            (of(false, false, true), 0, "shared", "peers"),
            (of(true, true, true), 0, "slave", "peers-relay-asked"),
        ] {
            assert_eq!(routing.role(third_party), role, "{routing:?}");
            assert_eq!(routing.unknown(), unknown, "{routing:?}");
        }
    }
}
