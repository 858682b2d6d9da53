//! What the server and the console say of requests that are not done.
//!
//! A text that changes its meaning gets another name: the name is its code, which programs know.

use waypost_directory::{AddressError, HostError, Words, wordings};
use waypost_proto::mail::SyntaxError;
use waypost_proto::net::NetworkError;

wordings! {
    pub,

    ADMIN_ABOVE: "is an administrator who may more than you"
        => "leave him out, or ask somebody who may";
    ADMIN_FIELD_UNKNOWN: "is unknown"
        => "write name, role, domains, grants, password, must_change or suspended";
    ALGORITHM_UNKNOWN: "\"{value}\" is no kind of key"
        => "write rsa or ed25519";
    AS_SAID: "{said}"
        => "";
    BOTH_FORWARD:
        "{relay} asks this server about addresses that it does not know itself: with this setting \
         on both sides, mail to a wrong address would go round"
        => "turn it off there, or leave it off here: one side decides";
    CANCELLED: "cancelled; nothing was saved"
        => "";
    CLIENT_NO_ADDRESS: "\"{client}\" is no IP address"
        => "write an IP address such as 192.0.2.1";
    CSV_COLUMN_TWICE: "the column {name} is there twice"
        => "leave one of them out";
    CSV_COLUMN_UNKNOWN: "there is no column \"{name}\""
        => "the first line names the columns: domain, login, name, mail, addresses, relayed, \
            target, quota, suspended; of these, only login must be there";
    CSV_DOMAIN_CLOSED: "you may not change users of this domain"
        => "leave the row out";
    CSV_EMPTY: "the file is empty"
        => "the first line names the columns: domain, login, name, mail, addresses, relayed, \
            target, quota, suspended; of these, only login must be there";
    CSV_LOGIN_MISSING: "is missing"
        => "write the name to log in with";
    CSV_NO_FILE: "Choose a file, or write its text."
        => "";
    CSV_NO_LOGIN: "the column login is missing"
        => "the first line names the columns: domain, login, name, mail, addresses, relayed, \
            target, quota, suspended; of these, only login must be there";
    CSV_QUOTES: "line {line}: the quotes are not closed"
        => "end the value with \"";
    CSV_TARGET_CLOSED: "you may not set the target of users"
        => "leave it as it is";
    CSV_TOO_MANY: "{values} values for {columns} columns"
        => "put quotes around values with a comma in them";
    CSV_TOO_MANY_SEMICOLONS: "{values} values for {columns} columns"
        => "put quotes around values with a semicolon in them";
    DIRECTORY_AWAY: "the directory's store is not available"
        => "";
    DOMAIN_FIELD_CLOSED: "you may not change this"
        => "leave it out, or ask a superadministrator";
    DOMAIN_FIELDS_CLOSED: "you may not change some of the fields"
        => "";
    DOMAIN_MISSING: "the domain is missing"
        => "write NAME@DOMAIN, such as {name}@example.com";
    DOMAIN_NOT_SERVED: "{name} is no domain that is served here"
        => "write the name of a served domain, or an alias of one";
    DOMAIN_NOT_SHARED: "{name} is not shared with any peer"
        => "choose a domain with Domain Sharing";
    DOMAINS_ARE_NONE: "are no domains"
        => "write main names, or * alone";
    DOMAINS_WITH_ROLE: "must be said with the new role"
        => "name his domains, or write * for all";
    FAILED: "the command failed inside the server; see its log"
        => "";
    FIELD_CLOSED: "you may not set this"
        => "leave it as it is";
    FIELD_UNKNOWN: "there is no field \"{field}\""
        => "see the site file's documentation";
    FIGURES_OF_SITE: "numbers over time are counted for the whole site, not for single domains"
        => "ask somebody who may see the whole site";
    FORBIDDEN: "you may not do this"
        => "";
    FORGED: "this change does not carry the session's anti-forgery token; load the page again"
        => "";
    FORM_ONLY: "this address takes a form, and shows no page"
        => "";
    FORM_TOO_LARGE: "the form is larger than {max_bytes}"
        => "";
    FOUND: "found {value}"
        => "";
    FOUND_NO_LIST: "found {value} instead of a list"
        => "";
    FOUND_TWO_PORTS: "found {port}, and the host has port {in_host}"
        => "write the port once";
    GRANTS_UNKNOWN: "are not all known"
        => "write routing, or nothing";
    HOLD_KIND: "this cannot be held"
        => "";
    HOLD_REASON: "is missing"
        => "say in a few words why, for those who find it held";
    HOST_BAD: "\"{value}\" is not a host name, an IP address, host:port or mx:name"
        => "";
    HOST_PORT_BAD: "\"{value}\" has a port that is not between 1 and 65535"
        => "";
    IS_MISSING: "is missing"
        => "";
    JOB_ONCE: "this can be begun once"
        => "";
    JOB_UNKNOWN: "there is no job {id}"
        => "";
    JOBS_TOO_MANY: "too many jobs are running; wait for one to end, or cancel one"
        => "";
    KEY_UNKNOWN: "unknown key"
        => "remove it; there are: {keys}";
    LINES_TWICE: "is there already, on line {line}"
        => "write it once";
    LIST_OF_TEXTS: "is not a list of texts"
        => "write a list";
    LOGIN_AND_DOMAIN: "{name}: write LOGIN@DOMAIN"
        => "";
    LOGIN_WRONG: "login or password is wrong"
        => "";
    LOGINS_TOO_MANY: "too many failed logins; wait and try again"
        => "";
    MESSAGE_HELD: "{id} is held"
        => "`waypost queue release {id}` lets it go";
    MESSAGES_NONE: "name messages, or a filter that means some"
        => "";
    MESSAGES_TOO_MANY: "more than {count} messages"
        => "give a filter instead";
    MESSAGES_UNTICKED: "No message is chosen: tick some, or take all that match."
        => "";
    MOMENT_BAD: "{value} is no moment"
        => "write it like 2026-11-22T06:00:00Z";
    NAME_CLOSED: "its name and its domain cannot be changed"
        => "add another one, and remove this one";
    NETWORK_BAD: "\"{value}\" is not an IP address or a network such as 192.0.2.0/24"
        => "";
    NETWORK_BITS: "\"{value}\" has bits set behind its prefix: {meant} is probably meant"
        => "";
    NETWORK_PREFIX: "\"{value}\" has a prefix length that is not between 0 and {max}"
        => "";
    NO_SUCH: "there is no {object}"
        => "`waypost {kind} list` shows what there is";
    NOBODY_TICKED: "nobody is chosen"
        => "tick somebody";
    NOT_HELD: "{object} is not held"
        => "`waypost queue holds` shows what is";
    NOT_SAVED: "not saved: {count} problems"
        => "";
    NOT_SAVED_ONE: "not saved: 1 problem"
        => "";
    NOTHING_DONE: "nothing was done"
        => "";
    NOTHING_SAID: "nothing is said about it"
        => "";
    NOTHING_TICKED: "nothing is chosen"
        => "choose what to do";
    NUMBER_BAD: "this is no number"
        => "write seconds";
    OBJECT_HELD: "{object} is held"
        => "";
    OWN_PASSWORD_FIRST: "choose a password of your own first"
        => "";
    PAGE_UNKNOWN: "there is no page at this address"
        => "";
    PAGES_TOO_MANY: "too many pages are open; close one and load this page again"
        => "";
    PASSWORD_SHORT: "has fewer than {count} characters"
        => "take a longer one";
    PASSWORD_UNUSABLE: "the password cannot be used: {why}"
        => "";
    PEER_HAS: "{peer} has {address} ({status})"
        => "remove it there, take another address, or save it with --force";
    PEER_UNASKED: "{peer} cannot be asked about {address}: {why}"
        => "see `waypost peer test {peer} {address}` and try again, or save it with --force";
    PEERS_HAVE: "not saved: peers have new addresses already: {count} problems"
        => "";
    PEERS_HAVE_ONE: "not saved: peers have new addresses already: 1 problem"
        => "";
    PEERS_UNASKED: "not saved: peers cannot be asked about new addresses: {count} problems"
        => "";
    PEERS_UNASKED_ONE: "not saved: peers cannot be asked about new addresses: 1 problem"
        => "";
    QUEUE_ID_BAD: "{id} is no queue id"
        => "`waypost queue list` shows those there are";
    QUEUE_ID_GONE: "there is no message {id} in the queue"
        => "";
    QUEUE_NOT_HELD: "message {id} is not held"
        => "`waypost queue list --held` shows what is";
    QUEUE_RECIPIENT_GONE: "message {id} has no recipient {recipient} that waits"
        => "`waypost queue show {id}` shows them";
    RELAYED_NONE: "No address is relayed; no mail would arrive like this."
        => "Tick at least one, or choose “No mail”.";
    ROLE_UNKNOWN: "\"{role}\" is no role"
        => "write one of {roles}";
    SELECTOR_BAD: "\"{value}\" is no selector"
        => "write 1 to 63 of a-z, 0-9 and -, a letter or a digit first and last";
    SERIES_UNKNOWN: "there is no series {name}"
        => "write one of {known}, or the beginning of one with * behind";
    SIGNED_OUT: "log in, or send a valid token"
        => "";
    SIGNING_KEY_EXISTS: "{domain} has a key {selector} already"
        => "name another selector";
    SIGNING_KEY_UNKNOWN: "{domain} has no key {selector}"
        => "`waypost dkim list {domain}` shows what there is";
    SITE_REFUSED: "{file}: {count} problems, nothing was changed"
        => "";
    SITE_REFUSED_ONE: "{file}: 1 problem, nothing was changed"
        => "";
    SYNTAX_BRACKETS: "{quoted}the path is not enclosed in < and >"
        => "";
    SYNTAX_DOMAIN: "{quoted}the domain is not valid"
        => "";
    SYNTAX_DOMAIN_LONG: "{quoted}the domain is longer than 255 octets"
        => "";
    SYNTAX_EMPTY: "{quoted}the address is empty"
        => "";
    SYNTAX_LITERAL: "{quoted}an address literal is not a name of a domain"
        => "";
    SYNTAX_LOCAL: "{quoted}the local part is not valid"
        => "";
    SYNTAX_LOCAL_LONG: "{quoted}the local part is longer than 64 octets"
        => "";
    SYNTAX_NO_AT: "{quoted}the address has no @"
        => "";
    SYNTAX_UTF8: "{quoted}the address needs SMTPUTF8"
        => "";
    TEST_NOT_ASCII: "{to}: a test message goes to addresses in ASCII only"
        => "";
    TOKEN_BEYOND_DOMAINS: "are more than yours"
        => "choose from {domains}";
    TOKEN_BEYOND_GRANTS: "are more than were granted to you"
        => "leave them out";
    TOKEN_BEYOND_ROLE: "is more than you may: {role}"
        => "give that or less";
    TOKEN_NO_ADMIN: "is no administrator"
        => "name one";
    TOKEN_ROLE_UNKNOWN: "is unknown"
        => "write one of {roles}";
    TOKEN_SPAN: "is out of range"
        => "write {from} to {to} seconds";
    TOKEN_UNKNOWN: "there is no token {id}"
        => "";
    TOKENS_TOO_MANY: "has {count} tokens already"
        => "revoke those that nobody uses";
    TRACE_WHAT: "{what}: write a queue id or an address"
        => "";
    TYPE_OTHER: "is of another type"
        => "see /api/openapi.json";
    UNREADABLE: "{said}"
        => "";
    UNTIL_BAD: "this is no time"
        => "write it as 2026-12-24T18:00";
    USER_ABOVE: "{name} is an administrator who may more than you"
        => "";
    USER_DOMAIN_MISSING: "Choose a domain."
        => "";
    USER_GONE: "there is no such user"
        => "load the list again";
    USERS_NONE: "name users, or a filter that means some"
        => "";
    VERB_UNKNOWN: "this cannot be done with messages"
        => "choose hold, release, retry or remove";
    WITHIN_SERVER: "this failed inside the server; see its log"
        => "";
    WRITE_ADDRESS: ""
        => "write an address such as \"jdoe@example.com\" or \"jdoe@*\"";
    WRITE_BRACKETS: ""
        => "write it with double brackets: [[{kind}]]";
    WRITE_CONNECTIONS: ""
        => "write 1 to 10000";
    WRITE_DOMAIN: ""
        => "write a domain such as \"example.com\"";
    WRITE_FLAG: ""
        => "write true or false";
    WRITE_FORM: ""
        => "write \"original\", \"default\" or \"@DOMAIN\"";
    WRITE_GATEWAY_VERIFY: ""
        => "write \"callout\", \"list\", \"minger\" or \"none\"";
    WRITE_HASH: ""
        => "write an argon2id hash ($argon2id$…), or \"file:/PATH\" of a file with one";
    WRITE_HOST: ""
        => "write a host name, an IP address, host:port or mx:NAME";
    WRITE_MAIL: ""
        => "write \"local\", \"third-party\" or \"none\"";
    WRITE_MAILBOX: ""
        => "write an address such as \"jdoe@example.com\"";
    WRITE_MINGER_HOST: ""
        => "write a host name or IP address";
    WRITE_NAME: ""
        => "write a name in quotes";
    WRITE_NAME_AT_DOMAIN: ""
        => "write NAME@DOMAIN";
    WRITE_NETWORKS: ""
        => "write networks such as \"203.0.113.0/24\"";
    WRITE_ONE_OF: ""
        => "write one of {roles}";
    WRITE_OTHER_HASH: ""
        => "give another one";
    WRITE_PATH: ""
        => "write the path of a file";
    WRITE_PEERS: ""
        => "write the names of peers";
    WRITE_PIN: ""
        => "write the SHA-256 of the public key: 64 hexadecimal digits";
    WRITE_PLAIN_DOMAIN: ""
        => "write a domain";
    WRITE_PORT: ""
        => "write 1 to 65535";
    WRITE_RECIPIENT: ""
        => "write an address such as jdoe@example.com";
    WRITE_RELAY: ""
        => "write a target's name, or host[:port]";
    WRITE_SECRET: ""
        => "write the secret, \"file:/PATH\" or \"env:NAME\"";
    WRITE_SENDER: ""
        => "write an address, or <> for the null reverse-path";
    WRITE_SITE_FILE: ""
        => "see the site file's documentation";
    WRITE_SIZE: ""
        => "write a size such as \"2 GiB\", or \"0\" for none";
    WRITE_TABLE: ""
        => "write { key = value, … }";
    WRITE_TABLES: ""
        => "there are [[target]], [[peer]], [[domain]], [[gateway]], [[user]], [[mailbox]], \
            [[group]]";
    WRITE_TARGET: ""
        => "write a target's name";
    WRITE_TEST_TO: ""
        => "write an address, such as alice@example.com";
    WRITE_TLS: ""
        => "write \"off\", \"opportunistic\", \"required\", \"verified\" or \"pinned\"";
    WRITE_UNDER: ""
        => "write it as [[{kind}]] with keys below it";
    WRITE_UNREACHABLE: ""
        => "write \"later\" or \"accept\"";
    WRITE_VERIFY_UNKNOWN: ""
        => "write \"callout\" or \"none\"";
    TRY_LATER: ""
        => "try again later";
}

/// What is wrong with an address or a domain; `quoted` stands before it: `"jdoe": `, or nothing.
#[must_use]
pub fn syntax(quoted: &str, error: SyntaxError) -> Words {
    let words = match error {
        SyntaxError::Brackets => SYNTAX_BRACKETS,
        SyntaxError::Domain => SYNTAX_DOMAIN,
        SyntaxError::DomainTooLong => SYNTAX_DOMAIN_LONG,
        SyntaxError::Empty => SYNTAX_EMPTY,
        SyntaxError::LocalPart => SYNTAX_LOCAL,
        SyntaxError::LocalPartTooLong => SYNTAX_LOCAL_LONG,
        SyntaxError::NeedsSmtpUtf8 => SYNTAX_UTF8,
        SyntaxError::NoAt => SYNTAX_NO_AT,
    };
    words.having("quoted", quoted)
}

/// What is wrong with an address of an object.
#[must_use]
pub fn address(quoted: &str, error: AddressError) -> Words {
    match error {
        AddressError::Literal => SYNTAX_LITERAL.having("quoted", quoted),
        AddressError::Syntax(error) => syntax(quoted, error),
    }
}

/// What is wrong with a host.
#[must_use]
pub fn host(value: &str, error: HostError) -> Words {
    let words = match error {
        HostError::Host => HOST_BAD,
        HostError::Port => HOST_PORT_BAD,
    };
    words.quoting("value", value)
}

/// What is wrong with a network.
#[must_use]
pub fn network(value: &str, error: &NetworkError) -> Words {
    match error {
        NetworkError::Address => NETWORK_BAD.quoting("value", value),
        NetworkError::HostBits(meant) => {
            NETWORK_BITS.quoting("value", value).having("meant", meant)
        }
        NetworkError::Prefix(max) => NETWORK_PREFIX.quoting("value", value).having("max", max),
    }
}
