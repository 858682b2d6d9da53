//! The two servers that are compared, set up for the same job: relay `example.com` to a sink,
//! knowing every recipient.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use waypost_testkit::postfix::Postfix;
use waypost_testkit::site::{Plan, Site};

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

/// A Postfix that knows `user1..userN@example.com` and relays them to `sink`.
pub(crate) fn postfix(known: u64, sink: SocketAddr, dir: &Path) -> Result<Postfix> {
    let table = dir.join("relay_recipients");
    let mut text = String::new();
    for number in 1..=known {
        writeln!(text, "user{number}@example.com OK")?;
    }
    fs::write(&table, text)?;
    let status = Command::new("/usr/sbin/postmap")
        .arg(format!("hash:{}", table.display()))
        .status();
    anyhow::ensure!(status.context("run postmap")?.success(), "postmap failed");
    let routes = format!(
        "{TUNING}
relay_domains = example.com
relay_recipient_maps = hash:{}
transport_maps = inline:{{example.com=relay:[{}]:{}}}
smtpd_relay_restrictions = reject_unauth_destination
",
        table.display(),
        sink.ip(),
        sink.port()
    );
    Postfix::start(&routes)
}

/// How mail goes through Waypost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Handed on while its sender waits; nothing is written to disk.
    CutThrough,
    /// On disk before it is acknowledged.
    Spool,
}

/// A Waypost that knows `user1..userN@example.com` and relays them to `sink`.
pub(crate) fn waypost(program: &Path, known: u64, sink: SocketAddr, way: Way) -> Result<Site> {
    let plan = plan(program, known, sink)?;
    match way {
        Way::CutThrough => plan.start(),
        Way::Spool => plan.section("outbound", "cut_through = \"0s\"\n").start(),
    }
}

/// The same by cut-through, before it is started.
pub(crate) fn plan(program: &Path, known: u64, sink: SocketAddr) -> Result<Plan> {
    let users = users(known, "user", "third-party");
    Ok(Plan::new(program)?
        .section("queue", "")
        .section(
            "limits",
            "connections_per_client = 1000\nconnection_rate = 0\nmessage_rate = 0\n",
        )
        .section(
            "minger",
            &format!(
                "secrets = [\"{}\"]\nanonymous = true\nrate_peer = 0\nrate_network = 0\n\
                 rate_strangers = 0\nrate_refused = 0\n",
                minger::SECRET
            ),
        )
        .site(&format!(
            "[[target]]\nname = \"sink\"\nhost = \"{}\"\nport = {}\ntls = \"off\"\n\
             [[domain]]\nname = \"example.com\"\nrelay = \"sink\"\n{users}",
            sink.ip(),
            sink.port()
        )))
}

/// `NAME1@example.com` to `NAMEn@example.com`, as a site file.
pub(crate) fn users(count: u64, name: &str, mail: &str) -> String {
    let user = |number| {
        format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{name}{number}\"\nmail = \"{mail}\"\n\
             addresses = [\"{name}{number}@example.com\"]\n"
        )
    };
    (1..=count).map(user).collect()
}
