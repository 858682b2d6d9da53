use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use tempfile::TempDir;
use waypost_admin::request::Fault;
use waypost_directory::{Actor, Changed, Directory, Nowhere};

use super::*;

const ACTOR: Actor<'static> = Actor {
    name: "root",
    from: "test",
    at: UNIX_EPOCH,
};

const SITE: &str = r#"
[[target]]
name = "old"
host = "10.0.0.7"
port = 2525
sources = ["203.0.113.0/24"]
tls = "required"
username = "waypost"
password = "secret"
connections = 5
recipient = "@old.example.com"

[[domain]]
name = "example.com"
aliases = ["example.org"]
relay = "old"
sharing = ["oslo", "lyon"]
postmaster = "alice@example.com"
quota = { user_max = "0", user_default = "2 GiB", shared_max = "0", shared_default = "0" }

[[domain]]
name = "branch.example.net"
relay = "mail.example.net:2525"
forward_unknown = true
verify_unknown = "none"
protect_senders = true

[[user]]
domain = "example.com"
login = "jdoe"
name = "Jane \"JD\" Doe"
mail = "third-party"
addresses = ["jdoe@example.com", "john.doe@*", "j.doe@*"]
relayed = ["jdoe@example.com", "john.doe@*"]
quota = "1 GiB"

[[user]]
domain = "example.com"
login = "alice"
password = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$ZHVtbXlkdW1teWR1bW15"

[[user]]
domain = "example.com"
login = "ghost"
mail = "none"
suspended = true

[[mailbox]]
domain = "example.com"
name = "support"
addresses = ["support@*"]
members = ["alice@example.com"]
quota = "0"

[[group]]
domain = "example.com"
name = "team"
members = ["alice@example.com", "jdoe@example.com", "someone@elsewhere.net"]
owner = "alice@example.com"

[[peer]]
name = "lyon"
host = "10.0.0.8:2525"
minger_port = 4070
minger_secret = "0123456789abcdef"
minger_accept = "fedcba9876543210"
minger_domains = ["example.com"]

[[peer]]
name = "oslo"
host = "10.0.0.9"

[[gateway]]
domain = "plain.test"
target = "lyon"

[[gateway]]
domain = "branch.test"
target = "mail.branch.test:2525"
verify = "minger"
minger_host = "10.0.0.10"
minger_port = 4071
minger_secret = "shared-secret-16"
list = "/etc/waypost/branch"
sharing_too = false
unreachable = "accept"
"#;

struct Site {
    directory: Directory,
    _folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(&folder.path().join("directory.db")).unwrap();
        Self {
            directory,
            _folder: folder,
        }
    }

    fn apply(&self, text: &str, prune: bool) -> Result<(Vec<String>, Changed), Vec<Fault>> {
        let site = read(text)?;
        let plan = Plan::make(&self.directory, site, prune).unwrap();
        let steps = plan.steps().map(|step| step.to_string()).collect();
        match plan.apply(&self.directory, (&ACTOR, &Nowhere), &mut |_, _| {
            std::ops::ControlFlow::Continue(())
        }) {
            Ok(changed) => Ok((steps, changed)),
            Err(Failure::Rejected(faults)) => Err(faults),
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn faults(text: &str) -> Vec<String> {
    let faults = read(text).unwrap_err();
    assert!(
        faults.iter().all(|fault| !fault.mend.is_empty()),
        "{faults:?}"
    );
    faults.iter().map(shown).collect()
}

fn shown(fault: &Fault) -> String {
    let Fault {
        object,
        line,
        field,
        message,
        ..
    } = fault;
    format!("{}: {object}: {field}: {message}", line.unwrap_or_default())
}

#[test]
fn a_site_file_is_applied_once_and_its_export_changes_nothing() {
    let site = Site::new();
    let (steps, changed) = site.apply(SITE, false).unwrap();
    assert_eq!((changed.created, steps.len()), (12, 12));
    assert_eq!(steps[0], "create target old");
    let (steps, _) = site.apply(SITE, true).unwrap();
    assert_eq!(steps, [""; 0]);
    let exported = export(&site.directory).unwrap();
    let (steps, _) = site.apply(&exported, true).unwrap();
    assert_eq!(steps, [""; 0], "{exported}");
    let copy = Site::new();
    copy.apply(&exported, true).unwrap();
    assert_eq!(export(&copy.directory).unwrap(), exported);
    assert!(!exported.contains("mail.example.net\"\n"), "{exported}");
}

#[test]
fn a_plan_tells_each_change_before_and_after_without_secrets() {
    let site = Site::new();
    site.apply(SITE, false).unwrap();
    let changed = SITE
        .replace(
            "mail = \"third-party\"\n",
            "mail = \"third-party\"\nsuspended = true\n",
        )
        .replace("password = \"secret\"", "password = \"other\"")
        .replace("\"0123456789abcdef\"", "\"another-secret-17\"")
        .replace("minger_accept = \"fedcba9876543210\"\n", "")
        .replace("[\"oslo\", \"lyon\"]", "[\"lyon\", \"oslo\"]")
        .replace("quota = \"1 GiB\"\n", "")
        .replace("name = \"team\"", "name = \"crew\"");
    let (steps, _) = site.apply(&changed, true).unwrap();
    assert_eq!(
        steps,
        [
            "change target old\n  password: *** → ***",
            "change peer lyon\n  minger_secret: *** → ***\n  minger_accept: *** → \"\"",
            "change domain example.com\n  sharing: [\"oslo\", \"lyon\"] → [\"lyon\", \"oslo\"]",
            "change user jdoe@example.com\n  quota: \"1 GiB\" → not set\n  \
             suspended: false → true",
            "remove group team@example.com",
            "create group crew@example.com",
        ]
    );
}

#[test]
fn without_prune_nothing_is_removed() {
    let site = Site::new();
    site.apply(SITE, false).unwrap();
    let (steps, _) = site.apply("", false).unwrap();
    assert_eq!(steps, [""; 0]);
    let (steps, changed) = site.apply("", true).unwrap();
    assert_eq!((steps.len(), changed.removed), (12, 12));
}

#[test]
fn peers_and_gateway_domains_say_what_is_wrong_with_them() {
    let text = r#"
[[peer]]
name = "lyon"
minger_port = 0

[[gateway]]
domain = "branch.test"
verify = "guess"
unreachable = "never"

[[peer]]
name = "old"
host = "10.0.0.8"

[[target]]
name = "old"
host = "10.0.0.7"
minger_port = 4069
"#;
    assert_eq!(
        faults(text),
        [
            "2: peer lyon: host: is missing",
            "4: peer lyon: minger_port: found 0",
            "6: gateway branch.test: target: is missing",
            "8: gateway branch.test: verify: found \"guess\"",
            "9: gateway branch.test: unreachable: found \"never\"",
            "18: target old: minger_port: unknown key",
        ]
    );
}

#[test]
fn a_target_of_the_file_becomes_a_peer_without_being_removed() {
    let site = Site::new();
    site.apply(SITE, false).unwrap();
    let text = SITE.replacen("[[target]]", "[[peer]]", 1);
    let (steps, _) = site.apply(&text, true).unwrap();
    assert_eq!(
        steps,
        [
            "change peer old\n  minger_port: not set → 4069\n  minger_secret: not set → \"\"\n  \
          minger_accept: not set → \"\"\n  minger_domains: not set → []"
        ]
    );
    let (steps, _) = site.apply(&text, true).unwrap();
    assert!(steps.is_empty(), "{steps:?}");
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = r#"colour = "red"

[[target]]
host = "a b"
port = 0
tls = "yes"

[[target]]
name = "new"
host = "10.0.0.7:25"
port = 26
sources = [
  "10.0.0.0/8",
  "10.0.0.7/8",
]

[[domain]]
name = "example.com"
forward_unknown = "yes"
colour = "red"
quota = { user_max = "many", users = "0" }

[[user]]
domain = "example.com"
login = "jdoe"
mail = "pigeon"
addresses = "jdoe@example.com"
password = "hunter2"

[[user]]
domain = "example.com"
login = "bob"

[[user]]
domain = "example.com"
login = "bob"

[user2]
x = 1
"#;
    assert_eq!(
        faults(text),
        [
            "1: site file: colour: unknown key",
            "3: [[target]]: name: is missing",
            "4: [[target]]: host: \"a b\" is not a host name, an IP address, host:port or mx:name",
            "5: [[target]]: port: found 0",
            "6: [[target]]: tls: found \"yes\"",
            "11: target new: port: found 26, and the host has port 25",
            "14: target new: sources: \"10.0.0.7/8\" has bits set behind its prefix: \
             10.0.0.0/8 is probably meant",
            "19: domain example.com: forward_unknown: found \"yes\"",
            "20: domain example.com: colour: unknown key",
            "21: domain example.com: quota.user_max: found \"many\"",
            "21: domain example.com: quota.users: unknown key",
            "26: user jdoe@example.com: mail: found \"pigeon\"",
            "27: user jdoe@example.com: addresses: found \"jdoe@example.com\" instead of a list",
            "28: user jdoe@example.com: password: the value is not an argon2id hash \
             ($argon2id$v=19$...)",
            "34: user bob@example.com: name: is there already, on line 30",
            "38: site file: user2: unknown key",
        ]
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let faults = read("[[user]]\nlogin = \n").unwrap_err();
    assert_eq!(faults[0].line, Some(2), "{faults:?}");
}

#[test]
fn rules_of_the_directory_are_told_with_the_line_of_the_key() {
    let site = Site::new();
    let text = SITE.replace("relay = \"old\"", "relay = \"none\"");
    let told: Vec<String> = site
        .apply(&text, false)
        .unwrap_err()
        .iter()
        .map(shown)
        .collect();
    assert_eq!(
        told,
        [
            "16: domain example.com: relay: there is no target \"none\"",
            "32: user jdoe@example.com: mail: a third-party user needs a relay of the domain, \
             or a target of his own",
        ]
    );
    assert_eq!(site.directory.snapshot().change(), 0);
}

#[test]
fn a_rehearsal_checks_the_rules_and_changes_nothing() {
    let site = Site::new();
    let file = read(SITE).unwrap();
    let plan = Plan::make(&site.directory, file, false).unwrap();
    let mut told = (0, 0);
    let changed = plan
        .rehearse(&site.directory, (&ACTOR, &Nowhere), &mut |done, total| {
            told = (done, total);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((changed.created, told), (12, (24, 24)));
    assert_eq!(site.directory.snapshot().change(), 0);
}

#[test]
fn secrets_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.secret");
    std::fs::write(&path, "hunter2\n").unwrap();
    let site = Site::new();
    let text = SITE.replace("\"secret\"", &format!("\"file:{}\"", path.display()));
    site.apply(&text, false).unwrap();
    let target = site.directory.target("old").unwrap().unwrap();
    assert_eq!(target.record.password.expose(), "hunter2");
    std::fs::remove_file(&path).unwrap();
    assert!(faults(&text)[0].contains("cannot read"));
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9._-]{0,5}"
}

/// Display name, third-party, suspended, quota, and something for an odd address.
fn details() -> impl Strategy<Value = (String, bool, bool, Option<u64>, String)> {
    let quota = prop::option::of(0_u64..1 << 40);
    (
        "\\PC{0,12}",
        any::<bool>(),
        any::<bool>(),
        quota,
        "[ -~]{1,6}",
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn exports_apply_without_a_change(
        users in prop::collection::btree_map(name(), details(), 0..8),
        aliases in prop::collection::btree_set("[a-z]{1,4}\\.example", 0..3),
        max in 0_u64..1 << 50,
        secrets in prop::collection::btree_set("[!-~]{16,50}", 0..4),
    ) {
        use waypost_directory::{Edit, Host, MailType, Object, PeerRecord, Quota, Relay, Secret};
        use waypost_directory::{GatewayRecord, TargetRecord, UserRecord, When};
        let site = Site::new();
        let domain = waypost_proto::mail::Domain::parse("example.com").unwrap();
        let mut record = waypost_directory::DomainRecord::new(domain.clone());
        record.aliases = aliases
            .iter()
            .map(|alias| waypost_proto::mail::Domain::parse(alias).unwrap())
            .collect();
        record.relay = Some(Relay::parse("10.0.0.7").unwrap());
        record.quota = Quota { shared_max: max, shared_default: max / 2, ..Quota::default() };
        let mut edits = Vec::new();
        for (number, secret) in secrets.iter().rev().enumerate() {
            let host = Host::parse(&format!("10.0.1.{number}")).unwrap();
            let mut peer = PeerRecord::new(TargetRecord::new(format!("p{number}"), host));
            peer.minger_accept = Secret::new(secret.as_str());
            let name = waypost_proto::mail::Domain::parse(&format!("g{number}.test")).unwrap();
            let relay = Relay::Target(peer.target.name.clone());
            let mut gateway = GatewayRecord::new(name, relay);
            gateway.minger_secret = peer.minger_accept.clone();
            record.sharing.insert(0, peer.target.name.clone());
            edits.push(Edit::Put(Object::Peer(peer), When::Any));
            edits.push(Edit::Put(Object::Gateway(gateway), When::Any));
        }
        edits.push(Edit::Put(Object::Domain(record), When::Any));
        for (login, (label, third, suspended, quota, odd)) in users {
            let mut user = UserRecord::new(domain.clone(), login.clone());
            user.name = label;
            user.suspended = suspended;
            user.quota_bytes = quota;
            let quoted = odd.replace('\\', "\\\\").replace('"', "\\\"");
            let odd = format!("\"{login} {quoted}\"@*");
            user.addresses = [format!("{login}.x@*"), odd]
                .iter()
                .filter_map(|text| waypost_directory::Address::parse(text).ok())
                .collect();
            if third {
                user.mail = MailType::ThirdParty;
                user.relayed = Some(user.addresses[..1].to_vec());
            }
            edits.push(Edit::Put(Object::User(user), When::Any));
        }
        site.directory.edit(&ACTOR, &Nowhere, &edits).unwrap();
        let exported = export(&site.directory).unwrap();
        let (steps, _) = site.apply(&exported, true).unwrap();
        prop_assert_eq!(steps, [""; 0], "{}", exported);
        let copy = Site::new();
        copy.apply(&exported, true).unwrap();
        prop_assert_eq!(export(&copy.directory).unwrap(), exported);
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused_with_the_lines_that_are_wrong(
        damage in prop::collection::vec((0_usize..SITE.len(), any::<u8>(), 0_u8..8), 1..6),
    ) {
        let mut octets = SITE.as_bytes().to_vec();
        for (at, octet, how) in damage {
            let at = at.min(octets.len() - 1);
            match how {
                0 => octets.truncate(at.max(1)),
                1..4 => octets.insert(at, octet),
                _ => octets[at] = octet,
            }
        }
        if let Err(faults) = read(&String::from_utf8_lossy(&octets)) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(fault.line.is_some() && !fault.message.is_empty(), "{fault:?}");
            }
        }
    }
}
