use std::time::Duration;

use waypost_mta::net::Endpoint;

use super::*;
use crate::config::{Delivery, LogFormat};

fn problems(text: &str) -> Vec<String> {
    match read("w.toml", text) {
        Ok(_) => Vec::new(),
        Err(unreadable) => unreadable
            .problems
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

#[test]
fn reads_the_file_of_the_manual() {
    let text = r#"
hostname = "mx1.example.com"
data_dir = "/var/lib/waypost"

[listen]
smtp        = ["0.0.0.0:25"]
submission  = ["0.0.0.0:587"]
submissions = ["0.0.0.0:465"]
lmtp        = ["unix:/run/waypost/lmtp.sock"]
minger      = ["0.0.0.0:4069", "[::]:4069"]

[trust]
networks = ["127.0.0.0/8", "::1/128"]

[minger]
secrets = ["0123456789abcdef", "fedcba9876543210"]
anonymous = false
allow = ["0.0.0.0/0", "::/0"]
outside_aliases_active = true
timeout = "5s"

[local]
recipient_delimiter = "+"
delivery = "lmtp:unix:/run/dovecot/lmtp"

[outbound]
smart_host = "[relay.example.net]:2525"
source = "192.0.2.1"

[queue]
retry_first = "5m"
retry_max   = "1h10m"
lifetime    = "5d"
delay_notice = "4h"

[cache]
positive = "5d"
refresh = "60s"
negative = "60s"
entries = 1_000_000

[limits]
message_size = "50 MiB"
max_hops = 30

[log]
format = "json"
"#;
    let config = read("w.toml", text).unwrap().config;
    assert_eq!(config.top.hostname.as_str(), "mx1.example.com");
    assert_eq!(config.listen.smtp.len(), 1);
    assert_eq!(
        config.listen.lmtp,
        [Endpoint::Unix("/run/waypost/lmtp.sock".into())]
    );
    assert_eq!(config.listen.minger.len(), 2);
    assert_eq!(config.minger.secrets.len(), 2);
    assert_eq!(config.minger.allow.len(), 2);
    assert_eq!(config.minger.timeout, Duration::from_secs(5));
    let smart_host = config.outbound.smart_host.unwrap();
    assert_eq!(
        (smart_host.host.to_string(), smart_host.port),
        ("relay.example.net".to_owned(), 2525)
    );
    assert_eq!(config.queue.retry_max, Duration::from_secs(70 * 60));
    assert_eq!(
        config.local.delivery,
        Delivery::Lmtp(Endpoint::Unix("/run/dovecot/lmtp".into()))
    );
    assert_eq!(config.limits.message_size, 50 << 20);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn an_empty_file_means_the_defaults() {
    let loaded = read("w.toml", "").unwrap();
    assert!(loaded.settings.iter().all(|s| s.value == s.default));
    assert!(loaded.config.listen.is_empty());
    let names: Vec<String> = loaded.settings.iter().map(Setting::path).collect();
    assert!(
        names.contains(&"limits.message_size".to_owned()),
        "{names:?}"
    );
    assert!(
        names
            .iter()
            .enumerate()
            .all(|(n, name)| !names[..n].contains(name))
    );
}

#[test]
fn names_file_line_key_and_mend_of_every_mistake_at_once() {
    let text = "hostnam = \"a\"\n\n[queue]\nretry_first = \"5 minutes\"\nlifetime = 5\n\n\
                [limits]\nmessage_size = \"50 furlongs\"\nmax_hop = 3\nrecipients = 3\n\n\
                [listen]\nsmtp = [\"25\"]\n";
    assert_eq!(
        problems(text),
        [
            "w.toml:1: hostnam: unknown key; did you mean hostname?",
            "w.toml:4: queue.retry_first: found \"5 minutes\"; write a duration such as \"90s\", \
             \"5m\", \"4h\" or \"5d\"",
            "w.toml:5: queue.lifetime: found 5; write a duration such as \"90s\", \"5m\", \"4h\" \
             or \"5d\"",
            "w.toml:8: limits.message_size: found \"50 furlongs\"; write a size such as \
             \"50 MiB\" or \"2 GB\"",
            "w.toml:9: limits.max_hop: unknown key; did you mean limits.max_hops?",
            "w.toml:10: limits.recipients: found 3; write 100 to 100000",
            "w.toml:13: listen.smtp: found \"25\"; write ADDRESS:PORT such as \"0.0.0.0:25\" or \
             \"[::]:25\", or \"unix:/PATH\"",
        ]
    );
}

#[test]
fn suggests_only_what_is_really_near() {
    for (text, expected) in [
        ("[cache]\nentris = 3", "did you mean cache.entries?"),
        ("[log]\nfoo = 3", "see waypost.toml(5)"),
        ("[tls]\nken = \"a\"", "did you mean tls.key?"),
        ("[tls]\nkids = \"a\"", "see waypost.toml(5)"),
    ] {
        let said = problems(text).join("\n");
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn refuses_what_cannot_be() {
    for (text, expected) in [
        (
            "data_dir = \"data\"",
            "w.toml:1: data_dir: found \"data\"; write a path that begins with \"/\"",
        ),
        (
            "[listen]\nconsole = [\"unix:/run/waypost/console\"]",
            "only lmtp can be on a Unix socket",
        ),
        (
            "[listen]\nsmtp = [\"unix:/a\"]",
            "only lmtp can be on a Unix socket",
        ),
        (
            "[tls]\nkey = \"/etc/passwd\"",
            "w.toml:2: tls.key: found a key without certificate",
        ),
        (
            "[tls]\nkey = \"/nowhere\"\ncertificate = \"/nowhere\"",
            "/nowhere: No such file",
        ),
        (
            "[local]\ndelivery = \"maildir:/var/mail/{login}\"",
            "maildir:/PATH/{domain}/{login}",
        ),
        (
            "[local]\ndelivery = \"mbox:/var/mail\"",
            "maildir:/PATH/{domain}/{login}",
        ),
        ("[local]\nrecipient_delimiter = \"++\"", "one character"),
        ("[outbound]\nsource = \"lo\"", "an IP address"),
        ("[outbound]\nsmart_host = \"a b\"", "host or host:port"),
        (
            "[queue]\nretry_first = \"2h\"",
            "found less than queue.retry_first",
        ),
        (
            "[trust]\nnetworks = [\"10.0.0.0/33\"]",
            "instead of \"10.0.0.0/33\"",
        ),
        ("[trust]\nnetworks = \"10.0.0.0/8\"", "instead of a list"),
        ("[[user]]\nlogin = \"a\"", "`waypost apply`"),
        ("limits = 3", "write it as a section, [limits]"),
        ("a = \n", "w.toml:1: "),
        ("[sharing]\na = 1", "w.toml:1: sharing: unknown key"),
        ("hostname = \"a\\u0000b\"", "control character"),
    ] {
        assert_refused(text, expected);
    }
}

fn assert_refused(text: &str, expected: &str) {
    let problems = problems(text);
    assert!(
        problems.iter().any(|problem| problem.contains(expected)),
        "{text}: {problems:?}"
    );
}

#[test]
fn refuses_what_cannot_be_of_minger() {
    for (text, expected) in [
        (
            "[minger]\nsecrets = [\"short\"]",
            "minger.secrets: found a secret that is too short; write 16 to 50 visible ASCII",
        ),
        (
            "[minger]\nsecrets = [\"0123456789abcdef\", \"0123456789 abcdef\"]",
            "found a secret that holds a character that cannot be used",
        ),
        (
            "[minger]\nallow = [\"10.0.0.0\", \"x\"]",
            "instead of \"x\"",
        ),
        ("[minger]\ntimeout = \"2m\"", "write \"100ms\" to \"1m\""),
        (
            "[listen]\nminger = [\"unix:/a\"]",
            "only lmtp can be on a Unix socket",
        ),
        (
            "[minger]\nsecrets = [\"file:/nowhere\"]",
            "cannot read /nowhere",
        ),
        (
            "[minger]\nsecrets = [\"env:WAYPOST_NOT_SET\"]",
            "WAYPOST_NOT_SET is not set",
        ),
    ] {
        assert_refused(text, expected);
    }
}

#[test]
fn never_shows_a_secret() {
    let loaded = read("w.toml", "[minger]\nsecrets = [\"0123456789abcdef\"]").unwrap();
    let shown = format!("{:?}", loaded);
    assert!(!shown.contains("0123456789abcdef"));
    let secrets = loaded
        .settings
        .iter()
        .find(|s| s.name == "secrets")
        .unwrap();
    assert_eq!(secrets.value, "[\"***\"]");
}

#[test]
fn an_authority_is_checked_before_it_is_asked() {
    let acme = |keys: &str| {
        let top = "hostname = \"mx1.example.com\"\n[acme]\n";
        problems(&format!(
            "{top}directory = \"https://ca.example.net/dir\"\n{keys}"
        ))
    };
    assert_eq!(acme(""), [""; 0]);
    let of = |keys: &str, words: &str| {
        let found = acme(keys).join("\n");
        assert!(found.contains(words), "{keys}: {found}");
    };
    of(
        "names = [\"[192.0.2.1]\"]",
        "which is an address; set acme.names",
    );
    of("http = []", "acme.http: found no listener");
    of("contact = \"nobody\"", "write an address such as");
    of("ca = \"/nowhere.pem\"", "acme.ca: /nowhere.pem: ");
    let plain = problems("[acme]\ndirectory = \"http://ca.example.net/dir\"");
    assert!(
        plain.concat().contains("write https://HOST/PATH"),
        "{plain:?}"
    );
}

#[test]
fn files_and_an_authority_are_not_both_the_source_of_the_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source::SelfSigned {
        directory: dir.path().to_owned(),
        hostname: waypost_proto::mail::Domain::parse("mx1.example.com").unwrap(),
    };
    waypost_mta::tls::Certificate::load(&source).unwrap();
    let files = format!(
        "[tls]\ncertificate = \"{0}/tls.crt\"\nkey = \"{0}/tls.key\"\n",
        dir.path().display()
    );
    assert_eq!(problems(&files), [""; 0]);
    let both = format!("{files}[acme]\ndirectory = \"https://ca.example.net/dir\"\n");
    let found = problems(&both).concat();
    assert!(
        found.contains("remove tls.certificate and tls.key"),
        "{found}"
    );
}
