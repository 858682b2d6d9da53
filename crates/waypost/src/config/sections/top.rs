//! The keys before the first section.

use std::path::PathBuf;

use waypost_proto::mail::Domain;

use crate::config::raw::{Reader, fixed};

/// Who this site is and where it keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Top {
    /// The name in banners, EHLO and trace fields.
    pub(crate) hostname: Domain,
    /// Where directory, spool, keys and the control socket are.
    pub(crate) data_dir: PathBuf,
}

impl Top {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut top = reader.section("", "");
        let hostname = top.parsed(
            fixed(
                "hostname",
                "The name of this server in banners, EHLO and trace fields. It should be the name \
                 that its address resolves to. Empty: the name that the system has.",
            ),
            "",
            "a host name such as \"mx1.example.com\"",
            |text| match text {
                "" => Some(system_name()),
                text => Domain::parse(text).ok().map(Some),
            },
        );
        let data_dir = top.checked(
            fixed(
                "data_dir",
                "The directory of everything that this server keeps: the directory of users \
                 (directory.sqlite), the spool, the site's key, certificates, the postmaster's \
                 mailbox and control.sock. Only one server at a time uses it. A path \
                 that begins with /.",
            ),
            PathBuf::from("/var/lib/waypost"),
            |path| {
                if path.as_os_str().is_empty() {
                    Err("write the path of a directory".to_owned())
                } else if path.is_relative() {
                    // Commands are given in other directories than the server was started in.
                    Err("write a path that begins with \"/\"".to_owned())
                } else {
                    Ok(())
                }
            },
        );
        let hostname = hostname
            .flatten()
            .or_else(|| Domain::parse("localhost").ok());
        let Some(hostname) = hostname else {
            unreachable!("localhost is a domain");
        };
        Self { hostname, data_dir }
    }
}

/// The host's own name, where it is one that can be said in SMTP.
fn system_name() -> Option<Domain> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Domain::parse(name.trim()).ok()
}
