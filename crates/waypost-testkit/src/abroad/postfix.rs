//! Postfix, as Debian installs it, set up like the others.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use super::{Abilities, Abroad, Onward, Wish};
use crate::place::unused_address;
use crate::postfix::Postfix;

/// A running Postfix with the domain that all have.
pub struct OwnPostfix {
    postfix: Postfix,
    /// What it shows is here.
    _certificate: TempDir,
}

impl Abroad for OwnPostfix {
    const NAME: &'static str = "Postfix";
    const ABILITIES: Abilities = Abilities {
        pipelines: true,
        sends_chunks: false,
        takes_chunks: true,
        serves_tls: true,
        utf8: true,
    };

    fn start(wish: &Wish) -> Result<Self> {
        let (next, port, largest) = (wish.next.ip(), wish.next.port(), wish.largest);
        let way = match wish.onward {
            Onward::Lmtp => format!("lmtp:inet:{next}:{port}"),
            Onward::Smtp | Onward::Secured => format!("smtp:[{next}]:{port}"),
        };
        let mut lines = format!(
            "virtual_mailbox_domains = example.net
virtual_mailbox_maps = inline:{{ {{bob@example.net=example.net/bob/}}, \
             {{later@example.net=example.net/later/}} }}
relay_domains = example.com
relay_recipient_maps =
transport_maps = inline:{{ {{example.com={way}}} }}
message_size_limit = {largest}
virtual_mailbox_limit = 0
mailbox_size_limit = 0
smtputf8_enable = yes
smtpd_recipient_restrictions = check_recipient_access \
             inline:{{ {{later@example.net=451 4.7.1 Not now}} }}, reject_unauth_destination
"
        );
        if wish.onward == Onward::Secured {
            lines.push_str("smtp_tls_security_level = encrypt\n");
        }
        let certificate = tempfile::tempdir()?;
        if let Some(identity) = &wish.identity {
            let both = certificate.path().join("both.pem");
            fs::write(
                &both,
                format!("{}{}", identity.key_pem, identity.certificate_pem),
            )?;
            let place = both.display();
            lines.push_str(&format!(
                "smtpd_tls_chain_files = {place}\nsmtpd_tls_security_level = may\n"
            ));
        }
        Ok(Self {
            postfix: Postfix::start_on(unused_address()?, &lines)?,
            _certificate: certificate,
        })
    }

    fn version(&self) -> Result<String> {
        let output = Command::new("/usr/sbin/postconf")
            .args(["-dh", "mail_version"])
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn smtp(&self) -> SocketAddr {
        self.postfix.smtp()
    }

    fn pid(&self) -> u32 {
        self.postfix.pid()
    }

    fn log(&self) -> String {
        self.postfix.log()
    }

    fn messages(&self, login: &str) -> Vec<String> {
        self.postfix.messages("example.net", login)
    }

    fn relent(&self) -> Result<()> {
        self.postfix
            .reload_with("smtpd_recipient_restrictions = reject_unauth_destination")
    }

    fn hurry(&self) -> Result<()> {
        // It looks at its queue every second.
        Ok(())
    }
}
