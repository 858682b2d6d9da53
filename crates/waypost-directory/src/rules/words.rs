//! What the rules say.
//!
//! A text that changes its meaning gets another name: the name is its code, which programs know.

use crate::wordings;

wordings! {
    pub(crate),

    ACCEPT_OF_EVERYBODY: "it is one of minger.secrets, which everybody may use"
        => "give each peer a secret of its own, or leave it empty";
    ACCEPT_OF_PEER: "the peer {other} has the same"
        => "give each peer a secret of its own, or leave it empty";
    ADDRESS_NOT_OF_DOMAIN: "{address}: {wanted} is not a name of the domain {main}"
        => "use {main} or one of its aliases, or add the alias to the domain";
    ADDRESS_TAKEN: "{address}: {object} has {there}"
        => "an address belongs to one object: remove it there first, or leave it out here";
    ADDRESSES_NONE: "there is none, so no mail can arrive"
        => "give at least one; the first is the default address";
    ADDRESSES_OVERLAP: "{address} and {other} are the same address at some name"
        => "remove one of them";
    ADMIN_IS_USER: "is for logins without an @"
        => "leave it out: he logs in with the password that he has as a user";
    ADMIN_NEEDS_DOMAIN: "a {role} needs some"
        => "name at least one domain, or write * for all";
    ADMIN_NO_LOGIN: "\"{login}\" is no user's login"
        => "write login@domain for a user, or leave the @ out";
    ADMIN_NO_USER: "is not that of a local user who may log in"
        => "name such a user by his login@domain, or choose a login without an @";
    ALIAS_IS_IP: "{alias} is an IP address"
        => "an alias is a name, such as example.org";
    ALIAS_TWICE: "{alias} is there twice, or is the main name"
        => "remove it once";
    ALIAS_USED: "an alias that {count} addresses use is missing, such as that of {object}"
        => "change or remove these addresses first";
    CLIENT_LOGIN_MISSING: "is missing, and client_password is set"
        => "give both, or none";
    CLIENT_LOGIN_TAKEN: "{other} logs in with the same name"
        => "give each server a name of its own, or remove it there first";
    CLIENT_PASSWORD_MISSING: "is missing, and client_login is set"
        => "give both, or none";
    CLIENT_PIN_TAKEN: "{other} is known by the same key"
        => "give each server a certificate with a key of its own, or remove it there first";
    CONNECTIONS: "{connections} is not possible"
        => "give a number from 1 to {max}; hold the target to pause it";
    DOMAIN_HAS_GROUPS: "the domain has {count} groups, such as {name}"
        => "remove these first";
    DOMAIN_HAS_MAILBOXES: "the domain has {count} shared mailboxes, such as {name}"
        => "remove these first";
    DOMAIN_HAS_USERS: "the domain has {count} users, such as {name}"
        => "remove these first";
    DOMAIN_IS_IP: "is an IP address"
        => "a domain has a name, such as example.com";
    DOMAIN_NAME_TAKEN: "{name} is a name of the domain {other}"
        => "remove it from {other} first, or leave it out here";
    DOMAIN_OF_ADMINS: "it is among the domains of {objects}"
        => "take it out of their domains, or remove them, first";
    DOMAIN_UNKNOWN: "there is no domain with the main name {name}"
        => "add the domain first, or use its main name where an alias stands";
    EDIT_TWICE: "is there twice"
        => "write it once, with everything that it should say";
    EXISTS: "exists already"
        => "change it instead of adding it";
    FORWARD_NEEDS_RELAY: "forward unknown needs a relay"
        => "set relay, or forward_unknown = false";
    GATEWAY_IS_SERVED: "{name} is a name of the served domain {served}"
        => "a domain is either served here or a gateway domain: remove it there first";
    GROUP_IN_ITSELF: "the group would include itself: {path}"
        => "remove one of these members";
    GROUP_OWNER_IS_GROUP: "{owner} is the group itself, which would get its own bounces"
        => "name a person's address";
    HOLD_OF_NOTHING: "there is no {object}"
        => "look at the spelling; `waypost {kind} list` shows those there are";
    HOST_ASKED_BY_GATEWAY:
        "the gateway domain {domain} asks it over Minger, and MX may be several hosts"
        => "give the gateway domain a minger_host first";
    HOST_IS_HERE: "{host} port {port} is this server itself"
        => "name the other server by a name or address that leads to it";
    HOST_IS_HERE_MINGER: "{host} port {port} (Minger) is this server itself"
        => "name the other server by a name or address that leads to it";
    HOST_IS_HOSTNAME:
        "{host} is the name of this server itself (hostname in its configuration), port {port}"
        => "name the other server by a name or address that leads to it";
    HOST_IS_HOSTNAME_MINGER:
        "{host} is the name of this server itself (hostname in its configuration), port {port} \
         (Minger)"
        => "name the other server by a name or address that leads to it";
    HOST_OF_OWN_NAME:
        "{host} is the domain's own name, and it leads to this server, port {port}"
        => "name the other server by a name or address that leads to it";
    HOST_OF_OWN_NAME_MINGER:
        "{host} is the domain's own name, and it leads to this server, port {port} (Minger)"
        => "name the other server by a name or address that leads to it";
    LIST_MISSING: "is missing, and verify is list"
        => "name the file of addresses, such as \"/etc/waypost/branch.addresses\"";
    LIST_NOT_WHOLE: "{path} has no folder"
        => "write the whole path, from / on";
    LOGIN_IS_MAILBOX: "a shared mailbox of the domain has this name"
        => "choose another login, or rename the shared mailbox";
    MEMBER_NEEDS_ADDRESS: "the shared mailbox {name} has him as member under {address}"
        => "keep that address, or change the member there first";
    MEMBER_NO_USER: "{member} is not an address of a user"
        => "name users by one of their addresses; groups and outsiders cannot share it";
    MEMBER_REMOVED: "the shared mailbox {name} has him as member, as {address}"
        => "remove him from its members first";
    MINGER_HOST_IS_MX: "mx:{name} may be several servers, and one is asked"
        => "name the one that answers Minger";
    MINGER_HOST_MISSING: "is missing, and the target is at {host}"
        => "name the one server that answers Minger";
    MINGER_SECRET: "is no secret that servers can use over Minger"
        => "write 16 to 50 visible ASCII characters, without spaces";
    MISSING: "does not exist"
        => "look at the spelling, or add it";
    NAME: "\"{name}\" is not possible"
        => "use 1 to {max} of a-z 0-9 {others}, a letter or digit first";
    NAME_IS_GATEWAY: "{name} is a gateway domain, which lives on another server"
        => "remove the gateway domain first, or leave the name out here";
    NAME_IS_USER: "a user of the domain has this login"
        => "choose another name";
    PASSWORD_IN_CLEAR: "is off, and the password would travel in the clear"
        => "set tls to opportunistic or better, or remove username and password";
    PASSWORD_MISSING: "is missing, and username is set"
        => "give both, or none";
    PEER_IS_MX: "mx:{name} may be several servers, and a peer is one that is asked"
        => "name the server that has the mailboxes and answers Minger";
    PEER_IS_TARGET: "{name} is a target, and no peer"
        => "write it as a [[peer]] with the same name in the site file, which keeps what names it";
    PEER_UNANSWERED:
        "{domain} is shared with it, and it could not ask back: this server does not answer Minger"
        => "set listen.minger in the configuration file, such as minger = [\"0.0.0.0:4069\"] \
            under [listen], and restart";
    PEER_UNKNOWN: "there is no peer \"{name}\""
        => "add the peer first";
    PEER_WITHOUT_SECRET:
        "{domain} is shared with it, and it could not ask back: no secret lets it ask this server"
        => "give the peer a minger_accept, or set secrets or anonymous = true under [minger] in \
            the configuration file";
    PIN_MISSING: "is missing, and tls is pinned"
        => "give the SHA-256 of the server's public key in 64 hexadecimal digits";
    PIN_UNUSED: "is given, and tls is {tls}"
        => "remove it, or set tls = \"pinned\"";
    PORT_ZERO: "is 0"
        => "a port is between 1 and 65535";
    POSTMASTER_IS_ROLE: "{address} is what this setting finds an address for"
        => "name a person's address, or give a user that address";
    QUOTA_ABOVE_MAX: "{own_bytes} are above the domain's {limit} ({max_bytes})"
        => "lower it, or raise {limit}";
    QUOTA_NONE: "the domain has a {limit} ({max_bytes}), so no mailbox is without quota"
        => "give a quota up to the maximum, or leave it out for the domain's default";
    QUOTA_SHARED_DEFAULT: "shared_default ({default_bytes}) is above shared_max ({max_bytes})"
        => "lower shared_default, raise shared_max, or set it to \"0\" for none";
    QUOTA_SHARED_OVER: "{count} mailboxes have more than shared_max, or no quota, such as {name}"
        => "lower or remove their own quota first, or raise shared_max";
    QUOTA_TOO_LARGE: "is too large"
        => "give less than 8 EiB, or \"0\" for none";
    QUOTA_USER_DEFAULT: "user_default ({default_bytes}) is above user_max ({max_bytes})"
        => "lower user_default, raise user_max, or set it to \"0\" for none";
    QUOTA_USER_OVER: "{count} mailboxes have more than user_max, or no quota, such as {name}"
        => "lower or remove their own quota first, or raise user_max";
    RELAY_NEEDED: "{count} third-party users need it, such as {login}"
        => "give these users a target of their own or another mail type first";
    RELAY_UNKNOWN: "there is no target \"{name}\""
        => "add the target first, or write host:port to name a host";
    RELAYED_NOT_HIS: "{address} is not one of the user's addresses"
        => "add it to addresses in the same form, or remove it from relayed";
    REVISION_STALE: "has revision {found} by now, not {wanted}: somebody has changed it"
        => "read it again, and decide again";
    SHARING_UNANSWERED:
        "the peer {peer} could not ask back: this server does not answer Minger"
        => "set listen.minger in the configuration file, such as minger = [\"0.0.0.0:4069\"] \
            under [listen], and restart";
    SHARING_WITHOUT_SECRET:
        "the peer {peer} could not ask back: no secret lets it ask this server"
        => "give the peer a minger_accept, or set secrets or anonymous = true under [minger] in \
            the configuration file";
    SUPERADMINISTRATOR_EVERYWHERE: "a superadministrator is not limited to domains"
        => "write *, or choose another role";
    SUPERADMINISTRATOR_LAST: "no superadministrator who can log in would remain"
        => "give another administrator that role and a password first";
    TARGET_UNKNOWN: "there is no target \"{name}\""
        => "add the target first, or leave it empty for the domain's relay";
    TARGET_USED: "it is used by {objects}"
        => "let these use another one, or none, first";
    TARGET_WAS_PEER: "it is a peer that {domain} is shared with, and would be none any more"
        => "take it out of the domain's sharing first";
    TEXT_CONTROL: "has a control character in it"
        => "remove it";
    TEXT_TOO_LONG: "is longer than {octets} octets"
        => "shorten it";
    THERE_TWICE: "{value} is there twice"
        => "remove it once";
    THIRD_PARTY_ONLY: "is for third-party users only"
        => "remove it, or set mail = \"third-party\"";
    TOKEN_ADMIN_OTHER: "a token stays with the administrator who made it"
        => "remove it, and make another one";
    TOKEN_ADMIN_UNKNOWN: "there is no administrator \"{login}\""
        => "add the administrator first";
    TOKEN_DOMAINS: "are more than those of {login}"
        => "choose from {domains}";
    TOKEN_EXPIRED: "is not in the future"
        => "give a time after now";
    TOKEN_GRANT: "{grant} is not granted to {login}"
        => "leave it out";
    TOKEN_ID: "\"{id}\" is not possible"
        => "use {count} of a-z 2-7";
    TOKEN_ROLE: "{role} is more than {login} may: {owner_role}"
        => "give {owner_role} or less";
    TOKEN_SECRET_TAKEN: "another token has this secret"
        => "make another secret";
    USER_NEEDS_RELAY: "a third-party user needs a relay of the domain, or a target of his own"
        => "set the domain's relay, or the user's target";
    USERNAME_MISSING: "is missing, and password is set"
        => "give both, or none";
}
