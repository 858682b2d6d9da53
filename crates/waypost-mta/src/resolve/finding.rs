//! What `explain` finds and concludes: a code for whoever says it in another language, and English
//! words. Neither depends on the other.

use std::fmt;

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// What another server answers, in words; the answer stands beside it.
    Answer(String),
    /// The recipient has been sent out by so many ways.
    BeenOut(usize),
    /// It has been sent to this server.
    BeenThere(String),
    /// The relay is not asked now, as it will say when it gets the message.
    CalloutLater,
    /// This target has sent it here.
    CameFrom(String),
    /// The relay is not asked, as it has sent the recipient here.
    ForwardFromRelay,
    /// Unknown addresses are not forwarded.
    ForwardOff,
    /// Unknown addresses are forwarded.
    ForwardOn,
    /// A gateway domain, and its target.
    Gateway {
        /// The domain.
        domain: String,
        /// The server it lives on.
        target: String,
    },
    /// Who cannot be verified is accepted.
    GatewayAccepts,
    /// The target of a gateway domain will say itself.
    GatewayUnasked,
    /// A group.
    Group {
        /// Its name.
        group: String,
        /// How many it has.
        members: usize,
    },
    /// A domain that is not served here, and a client that may not send elsewhere.
    MayNotSend(String),
    /// Nobody may be asked now.
    NobodyAsked,
    /// The directory does not know the address.
    NotHere(String),
    /// Neither a target nor a relay.
    NoWay,
    /// On to this target.
    Onward(String),
    /// On to the MX hosts of the domain.
    OnwardMx,
    /// On to the smart host.
    OnwardSmartHost,
    /// A domain that is not served here.
    Outbound(String),
    /// The address with which it leaves.
    OutgoingAddress(String),
    /// A peer that is not asked, as the recipient comes from it.
    PeerIsSource(String),
    /// The relay takes mail for the postmaster.
    PostmasterForwarded,
    /// Whom mail for the postmaster goes to.
    PostmasterGoesTo(String),
    /// The postmaster of the site.
    PostmasterHere,
    /// Who takes mail for the postmaster is refused, with this reply.
    PostmasterRefused(String),
    /// The sender is refused, with this reply.
    SenderRefused(String),
    /// A domain that is served here.
    Served(String),
    /// Another name of a domain that is served here.
    ServedAlias {
        /// The name.
        alias: String,
        /// The domain.
        domain: String,
    },
    /// A shared mailbox.
    SharedMailbox(String),
    /// This target is this server itself.
    TargetIsHere(String),
    /// A local part that is known without its tag.
    Untagged(String),
    /// A user with a mailbox here.
    UserLocal(String),
    /// A user without mail.
    UserNone(String),
    /// A suspended user.
    UserSuspended {
        /// The login.
        login: String,
        /// Where the mailbox is, in words.
        mail: String,
    },
    /// A user with a mailbox on another server.
    UserThirdParty(String),
    /// The same, with an address that does not go there.
    UserUnselected(String),
}

/// What becomes of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// To the mailbox of a user.
    Deliver(String),
    /// To the postmaster mailbox of the site.
    DeliverPostmaster(String),
    /// To a shared mailbox.
    DeliverShared(String),
    /// To so many members.
    Expand(usize),
    /// It is tried later.
    Later,
    /// It is refused.
    Refuse,
    /// To another server.
    Relay {
        /// Its name.
        target: String,
        /// As whom.
        address: String,
    },
    /// To the MX hosts of a domain.
    RelayMx {
        /// The domain.
        domain: String,
        /// As whom.
        address: String,
    },
    /// To the smart host, as this address.
    RelaySmartHost(String),
}

/// A code, English words with places for values, and the values by name.
struct Phrase<'a> {
    code: &'static str,
    words: &'static str,
    values: Vec<(&'static str, Value<'a>)>,
}

/// What stands in a phrase.
enum Value<'a> {
    Text(&'a str),
    Count(usize),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl<'a> Phrase<'a> {
    fn plain(code: &'static str, words: &'static str) -> Self {
        Self {
            code,
            words,
            values: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, text: &'a str) -> Self {
        self.values.push((name, Value::Text(text)));
        self
    }

    fn counting(mut self, name: &'static str, count: usize) -> Self {
        self.values.push((name, Value::Count(count)));
        self
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let values = self.values.iter();
        values
            .map(|(name, value)| (*name, value.to_string()))
            .collect()
    }
}

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = self.words.split('{');
        f.write_str(pieces.next().unwrap_or_default())?;
        for piece in pieces {
            let (name, behind) = piece.split_once('}').unwrap_or((piece, ""));
            if let Some((_, value)) = self.values.iter().find(|(known, _)| *known == name) {
                value.fmt(f)?;
            }
            f.write_str(behind)?;
        }
        Ok(())
    }
}

impl Finding {
    fn phrase(&self) -> Phrase<'_> {
        match self {
            Self::Answer(text) => Phrase::plain("answer", "{text}").with("text", text),
            Self::BeenOut(_)
            | Self::BeenThere(_)
            | Self::CameFrom(_)
            | Self::Onward(_)
            | Self::OnwardMx
            | Self::OnwardSmartHost
            | Self::OutgoingAddress(_)
            | Self::SenderRefused(_)
            | Self::TargetIsHere(_) => self.of_way(),
            Self::CalloutLater
            | Self::ForwardFromRelay
            | Self::ForwardOff
            | Self::ForwardOn
            | Self::Gateway { .. }
            | Self::GatewayAccepts
            | Self::GatewayUnasked
            | Self::NobodyAsked
            | Self::PeerIsSource(_) => self.of_asking(),
            Self::PostmasterForwarded
            | Self::PostmasterGoesTo(_)
            | Self::PostmasterHere
            | Self::PostmasterRefused(_) => self.of_postmaster(),
            _ => self.of_directory(),
        }
    }

    /// Of where it goes, and where it has been.
    fn of_way(&self) -> Phrase<'_> {
        match self {
            Self::BeenOut(count) => {
                let words = "it has been sent out {count} times already";
                Phrase::plain("been-out", words).counting("count", *count)
            }
            Self::BeenThere(server) => {
                let words = "it has been sent to {server} already";
                Phrase::plain("been-there", words).with("server", server)
            }
            Self::CameFrom(target) => {
                Phrase::plain("came-from", "{target} has sent it here").with("target", target)
            }
            Self::Onward(target) => {
                Phrase::plain("onward", "on to {target}").with("target", target)
            }
            Self::OnwardMx => Phrase::plain("onward-mx", "on to the MX hosts of the domain"),
            Self::OutgoingAddress(address) => {
                Phrase::plain("outgoing-address", "{address}").with("address", address)
            }
            Self::SenderRefused(reply) => {
                Phrase::plain("sender-refused", "{reply}").with("reply", reply)
            }
            Self::TargetIsHere(target) => {
                let words = "{target} is this server itself";
                Phrase::plain("target-is-here", words).with("target", target)
            }
            _ => Phrase::plain("onward-smart-host", "on to the smart host"),
        }
    }

    /// Of who is asked.
    fn of_asking(&self) -> Phrase<'_> {
        match self {
            Self::CalloutLater => {
                let words = "not asked: the relay will say when it gets the message";
                Phrase::plain("callout-later", words)
            }
            Self::ForwardFromRelay => {
                let words = "on, but the recipient comes from the relay itself";
                Phrase::plain("forward-from-relay", words)
            }
            Self::ForwardOff => Phrase::plain("forward-off", "off: nobody has it"),
            Self::ForwardOn => Phrase::plain("forward-on", "on: the relay decides"),
            Self::Gateway { domain, target } => {
                Phrase::plain("gateway", "{domain} lives on {target}")
                    .with("domain", domain)
                    .with("target", target)
            }
            Self::GatewayAccepts => {
                Phrase::plain("gateway-accepts", "who cannot be verified is accepted")
            }
            Self::GatewayUnasked => {
                Phrase::plain("gateway-unasked", "nobody is asked: the target will say")
            }
            Self::PeerIsSource(target) => {
                let words = "{target} is not asked: the recipient comes from it";
                Phrase::plain("peer-is-source", words).with("target", target)
            }
            _ => Phrase::plain("nobody-asked", "nobody may be asked now"),
        }
    }

    fn of_postmaster(&self) -> Phrase<'_> {
        match self {
            Self::PostmasterForwarded => {
                Phrase::plain("postmaster-forwarded", "on: the relay takes it")
            }
            Self::PostmasterGoesTo(address) => {
                let words = "mail for postmaster and abuse goes to {address}";
                Phrase::plain("postmaster-goes-to", words).with("address", address)
            }
            Self::PostmasterRefused(reply) => {
                Phrase::plain("postmaster-refused", "which is refused: {reply}")
                    .with("reply", reply)
            }
            _ => Phrase::plain("postmaster-here", "the site's own postmaster mailbox"),
        }
    }

    /// Of what the directory knows.
    fn of_directory(&self) -> Phrase<'_> {
        match self {
            Self::Group { group, members } => {
                let words = "group {group} with {members} members";
                let phrase = Phrase::plain("group", words).with("group", group);
                phrase.counting("members", *members)
            }
            Self::MayNotSend(domain) => {
                let words = "{domain} is not served here, and this client may not send elsewhere";
                Phrase::plain("may-not-send", words).with("domain", domain)
            }
            Self::NotHere(address) => {
                let words = "{address} is not an address here";
                Phrase::plain("not-here", words).with("address", address)
            }
            Self::Outbound(domain) => {
                let words = "{domain} is not served here: outbound mail";
                Phrase::plain("outbound", words).with("domain", domain)
            }
            Self::Served(domain) => {
                Phrase::plain("served", "{domain} is served here").with("domain", domain)
            }
            Self::ServedAlias { alias, domain } => {
                let words = "{alias} is served here, as another name of {domain}";
                let phrase = Phrase::plain("served-alias", words).with("alias", alias);
                phrase.with("domain", domain)
            }
            Self::SharedMailbox(mailbox) => {
                Phrase::plain("shared-mailbox", "shared mailbox {mailbox}").with("mailbox", mailbox)
            }
            Self::Untagged(local) => {
                let words = "{local} is not known, without its tag it is";
                Phrase::plain("untagged", words).with("local", local)
            }
            _ => self.of_user(),
        }
    }

    fn of_user(&self) -> Phrase<'_> {
        match self {
            Self::UserLocal(login) => {
                Phrase::plain("user-local", "user {login}: mailbox here").with("login", login)
            }
            Self::UserNone(login) => {
                Phrase::plain("user-none", "user {login}: no mail").with("login", login)
            }
            Self::UserSuspended { login, mail } => {
                let phrase = Phrase::plain("user-suspended", "suspended user {login}: {mail}");
                phrase.with("login", login).with("mail", mail)
            }
            Self::UserThirdParty(login) => {
                let words = "user {login}: mailbox on another server";
                Phrase::plain("user-third-party", words).with("login", login)
            }
            Self::UserUnselected(login) => {
                let words = "user {login}: mailbox on another server, and this address is not one \
                             that goes there";
                Phrase::plain("user-unselected", words).with("login", login)
            }
            _ => Phrase::plain("no-way", "there is neither a target of his own nor a relay"),
        }
    }

    /// The word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.phrase().code
    }

    /// What stands in it, by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            // Whoever wants it takes the answer itself.
            Self::Answer(_) => Vec::new(),
            _ => self.phrase().parameters(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.phrase().fmt(f)
    }
}

impl Conclusion {
    fn phrase(&self) -> Phrase<'_> {
        match self {
            Self::Deliver(mailbox) => {
                Phrase::plain("deliver", "deliver to the mailbox of {mailbox}")
                    .with("mailbox", mailbox)
            }
            Self::DeliverPostmaster(mailbox) => {
                let words = "deliver to the site's postmaster mailbox {mailbox}";
                Phrase::plain("deliver-postmaster", words).with("mailbox", mailbox)
            }
            Self::DeliverShared(mailbox) => {
                let words = "deliver to the shared mailbox {mailbox}";
                Phrase::plain("deliver-shared", words).with("mailbox", mailbox)
            }
            Self::Expand(members) => {
                Phrase::plain("expand", "expand to {members} members").counting("members", *members)
            }
            Self::Later => Phrase::plain("later", "try later"),
            Self::Refuse => Phrase::plain("refuse", "refuse"),
            Self::Relay { target, address } => {
                Phrase::plain("relay", "relay to {target} as {address}")
                    .with("target", target)
                    .with("address", address)
            }
            Self::RelayMx { domain, address } => {
                let words = "relay to the MX hosts of {domain} as {address}";
                let phrase = Phrase::plain("relay-mx", words).with("domain", domain);
                phrase.with("address", address)
            }
            Self::RelaySmartHost(address) => {
                let words = "relay to the smart host as {address}";
                Phrase::plain("relay-smart-host", words).with("address", address)
            }
        }
    }

    /// The word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.phrase().code
    }

    /// What stands in it, by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        self.phrase().parameters()
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.phrase().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> String {
        "x{domain}y".to_owned()
    }

    #[test]
    fn words_and_values_do_not_touch_each_other() {
        let alias = Finding::ServedAlias {
            alias: name(),
            domain: "b.test".to_owned(),
        };
        let words = "x{domain}y is served here, as another name of b.test";
        assert_eq!(alias.to_string(), words);
        assert_eq!(alias.code(), "served-alias");
        let values = [("alias", name()), ("domain", "b.test".to_owned())];
        assert_eq!(alias.parameters(), values);
        let count = Finding::BeenOut(3);
        assert_eq!(count.to_string(), "it has been sent out 3 times already");
        assert_eq!(count.parameters(), [("count", "3".to_owned())]);
    }

    #[test]
    fn every_value_stands_in_the_words_of_its_phrase() {
        let relay = Conclusion::Relay {
            target: "old".to_owned(),
            address: "x@b.test".to_owned(),
        };
        assert_eq!(relay.to_string(), "relay to old as x@b.test");
        let user = Finding::UserSuspended {
            login: "jo".to_owned(),
            mail: "no mail".to_owned(),
        };
        assert_eq!(user.to_string(), "suspended user jo: no mail");
        assert_eq!(user.code(), "user-suspended");
        assert_eq!(Finding::NoWay.code(), "no-way");
        assert_eq!(Finding::OnwardSmartHost.code(), "onward-smart-host");
        assert_eq!(Finding::NobodyAsked.code(), "nobody-asked");
        assert_eq!(Finding::PostmasterHere.code(), "postmaster-here");
    }
}
