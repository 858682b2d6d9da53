//! Waypost and Postfix, set up for the same job: relay `example.com` to a sink, knowing every
//! recipient.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use waypost_testkit::postfix::Postfix;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::Identity;

use crate::minger;

/// What a mail administrator raises when Postfix has to be fast, and nothing that costs safety.
const TUNING: &str = "
default_process_limit = 250
in_flow_delay = 0
initial_destination_concurrency = 50
default_destination_concurrency_limit = 100
smtp_connection_cache_on_demand = yes
smtp_connection_cache_destinations = static:all
smtp_connection_reuse_count_limit = 0
qmgr_message_active_limit = 200000
qmgr_message_recipient_limit = 200000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_junk_command_limit = 1000000
smtpd_recipient_limit = 100000
smtpd_timeout = 300s
message_size_limit = 52428800
mailbox_size_limit = 0
minimal_backoff_time = 300s
maximal_backoff_time = 4000s
queue_run_delay = 300s
max_use = 100000
";

/// What a server is to do.
pub(crate) struct Job {
    /// Users of each domain: `user1` and so on.
    pub(crate) known: u64,
    /// Where mail goes: that of example.com to the only one, else that of `t0.example.com` to the
    /// first, and so on.
    pub(crate) hops: Vec<SocketAddr>,
    /// What it shows; with it, mail comes and leaves under TLS.
    pub(crate) identity: Option<Identity>,
}

impl Job {
    /// Mail for example.com goes there, without TLS.
    pub(crate) fn new(known: u64, hop: SocketAddr) -> Self {
        Self {
            known,
            hops: vec![hop],
            identity: None,
        }
    }

    /// All domains, with their next hops.
    pub(crate) fn domains(&self) -> Vec<(String, SocketAddr)> {
        match self.hops.as_slice() {
            [hop] => vec![("example.com".to_owned(), *hop)],
            hops => (hops.iter().enumerate())
                .map(|(number, hop)| (format!("t{number}.example.com"), *hop))
                .collect(),
        }
    }
}

/// A Postfix for this job; its tables are kept in the folder.
pub(crate) fn postfix(job: &Job, dir: &Path) -> Result<Postfix> {
    let table = dir.join("relay_recipients");
    let (mut known, mut names, mut ways) = (String::new(), String::new(), String::new());
    for (domain, hop) in job.domains() {
        for number in 1..=job.known {
            writeln!(known, "user{number}@{domain} OK")?;
        }
        write!(names, " {domain}")?;
        let (ip, port) = (hop.ip(), hop.port());
        write!(ways, " {{{domain}=relay:[{ip}]:{port}}}")?;
    }
    fs::write(&table, known)?;
    // Its package may have left the machine without a configuration, and postmap wants one.
    let defaults = dir.join("postmap");
    fs::create_dir_all(&defaults)?;
    fs::write(defaults.join("main.cf"), "compatibility_level = 3.6\n")?;
    let status = Command::new("/usr/sbin/postmap")
        .arg("-c")
        .arg(&defaults)
        .arg(format!("hash:{}", table.display()))
        .status();
    anyhow::ensure!(status.context("run postmap")?.success(), "postmap failed");
    let mut lines = format!(
        "{TUNING}
relay_domains ={names}
relay_recipient_maps = hash:{}
transport_maps = inline:{{{ways} }}
smtpd_relay_restrictions = reject_unauth_destination
",
        table.display(),
    );
    if let Some(identity) = &job.identity {
        let shown = shown(identity, dir)?;
        write!(
            lines,
            "smtpd_tls_chain_files = {} {}
smtpd_tls_security_level = may
smtp_tls_security_level = encrypt
smtp_tls_connection_reuse = yes
",
            shown.key.display(),
            shown.certificate.display()
        )?;
    }
    Postfix::start(&lines)
}

/// Files of what a server shows.
struct Shown {
    certificate: PathBuf,
    key: PathBuf,
}

fn shown(identity: &Identity, dir: &Path) -> Result<Shown> {
    let shown = Shown {
        certificate: dir.join("certificate.pem"),
        key: dir.join("key.pem"),
    };
    fs::write(&shown.certificate, &identity.certificate_pem)?;
    fs::write(&shown.key, &identity.key_pem)?;
    fs::set_permissions(&shown.key, fs::Permissions::from_mode(0o600))?;
    Ok(shown)
}

/// How mail goes through Waypost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Handed on while its sender waits; nothing is written to disk.
    CutThrough,
    /// On disk before it is acknowledged.
    Spool,
}

/// A Waypost for this job; what it shows is kept in the folder.
pub(crate) fn waypost(program: &Path, job: &Job, way: Way, dir: &Path) -> Result<Site> {
    let mut plan = plan(program, job)?;
    if let Some(identity) = &job.identity {
        let shown = shown(identity, dir)?;
        let (certificate, key) = (shown.certificate.display(), shown.key.display());
        let files = format!("certificate = \"{certificate}\"\nkey = \"{key}\"\n");
        plan = plan.section("tls", &files);
    }
    match way {
        Way::CutThrough => plan.start(),
        Way::Spool => plan.section("outbound", "cut_through = \"0s\"\n").start(),
    }
}

/// The same by cut-through, before it is started.
pub(crate) fn plan(program: &Path, job: &Job) -> Result<Plan> {
    let tls = match job.identity {
        Some(_) => "required",
        None => "off",
    };
    let mut site = String::new();
    for (number, (domain, hop)) in job.domains().into_iter().enumerate() {
        write!(
            site,
            "[[target]]\nname = \"sink{number}\"\nhost = \"{}\"\nport = {}\n\
             tls = \"{tls}\"\n[[domain]]\nname = \"{domain}\"\nrelay = \"sink{number}\"\n{}",
            hop.ip(),
            hop.port(),
            users(&domain, job.known, "user", "third-party")
        )?;
    }
    Ok(Plan::new(program)?
        .section("queue", "")
        .section(
            "limits",
            "connections_per_client = 2000\nconnection_rate = 0\nmessage_rate = 0\n",
        )
        .section(
            "minger",
            &format!(
                "secrets = [\"{}\"]\nanonymous = true\nrate_peer = 0\nrate_network = 0\n\
                 rate_strangers = 0\nrate_refused = 0\n",
                minger::SECRET
            ),
        )
        .site(&site))
}

/// `NAME1` to `NAMEn` of a domain, as a site file.
pub(crate) fn users(domain: &str, count: u64, name: &str, mail: &str) -> String {
    let user = |number| {
        format!(
            "[[user]]\ndomain = \"{domain}\"\nlogin = \"{name}{number}\"\nmail = \"{mail}\"\n\
             addresses = [\"{name}{number}@{domain}\"]\n"
        )
    };
    (1..=count).map(user).collect()
}
