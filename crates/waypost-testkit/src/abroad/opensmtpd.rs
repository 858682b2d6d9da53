//! OpenSMTPD, unpacked from Debian's opensmtpd.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};

use super::{Abilities, Abroad, Aim, Onward, Wish};
use crate::place::unused_address;
use crate::room::{Lodger, Room};
use crate::site::SMTP_PORT;

const PROGRAM: &str = "/usr/sbin/smtpd";

/// No limits on clients, and as many connections onward as the others may have.
const TUNING: &str = "smtp limit max-mails 1000000
smtp limit max-rcpt 100000
mta limit max-conn-per-host 100
mta limit conn-delay-route 0
mta limit session-mail-max 1000000
mta limit conn-delay-host 0
mta limit conn-delay-source 0
mta limit conn-delay-connector 0
mta limit conn-delay-relay 0
mta limit conn-delay-domain 0
mta limit reconn-delay-route 0
mta limit task-hiwat 20000
mta limit task-lowat 10000
mta limit task-release 1000
mta limit max-conn-per-route 100
mta limit max-conn-per-connector 100
scheduler limit max-inflight 20000
scheduler limit max-schedule 1000
";

/// A running OpenSMTPD.
pub struct OpenSmtpd {
    lodger: Lodger,
    address: SocketAddr,
}

impl OpenSmtpd {
    fn control(&self, words: &[&str]) -> Result<String> {
        // Installed, it would be setgid.
        let group = Room::id(1).to_string();
        let mut all = vec!["setpriv", "--regid", &group, "--clear-groups"];
        all.push("/usr/sbin/smtpctl");
        all.extend(words);
        self.lodger.room.tell(&all)
    }
}

impl Abroad for OpenSmtpd {
    const NAME: &'static str = "OpenSMTPD";
    const ABILITIES: Abilities = Abilities {
        pipelines: false,
        sends_chunks: false,
        takes_chunks: false,
        // Debian's 6.8.0p2 with OpenSSL 3 ends every handshake with an internal error.
        serves_tls: false,
        utf8: false,
    };

    fn start(wish: &Wish) -> Result<Self> {
        let address = SocketAddr::new(unused_address()?, SMTP_PORT);
        let mut room = Room::new(&["opensmtpd", "opensmtpq", "vmail"])?;
        room.show_unpacked("/usr/sbin", &["smtpd", "smtpctl"])?;
        room.show_unpacked("/usr/libexec", &["opensmtpd"])?;
        for (name, at) in [
            ("lib", "/var/lib"),
            ("spool", "/var/spool"),
            ("run", "/run"),
        ] {
            room.folder(name, at, 0)?;
        }
        room.folder("mail", "/var/mail", Room::id(2))?;
        fs::create_dir_all(room.file("lib/opensmtpd/empty"))?;
        fs::write(room.file("run/smtpd.conf"), configuration(address, wish))?;
        fs::write(room.file("run/put-off"), "later@example.net\n")?;
        if let Some(identity) = &wish.identity {
            fs::write(room.file("run/cert.pem"), &identity.certificate_pem)?;
            let key = room.file("run/key.pem");
            fs::write(&key, &identity.key_pem)?;
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        }
        let words = [PROGRAM, "-d", "-f", "/run/smtpd.conf"];
        let lodger = room.serve(&words, address)?;
        Ok(Self { lodger, address })
    }

    fn version(&self) -> Result<String> {
        let output = self.lodger.room.command(&[PROGRAM, "-h"]).output()?;
        let said = crate::room::both(&output);
        let version = said
            .lines()
            .find_map(|line| line.strip_prefix("version: OpenSMTPD "));
        Ok(version
            .context("OpenSMTPD does not name its version")?
            .to_owned())
    }

    fn smtp(&self) -> SocketAddr {
        self.address
    }

    fn pid(&self) -> u32 {
        self.lodger.pid()
    }

    fn log(&self) -> String {
        self.lodger.said()
    }

    fn messages(&self, login: &str) -> Vec<String> {
        crate::maildir::messages(&self.lodger.room.file("mail").join(login))
    }

    fn relent(&self) -> Result<()> {
        fs::write(self.lodger.room.file("run/put-off"), "nobody@example.net\n")?;
        self.control(&["update", "table", "put-off"]).map(|_| ())
    }

    fn hurry(&self) -> Result<()> {
        // It would wait 400 seconds.
        self.control(&["schedule", "all"]).map(|_| ())
    }
}

fn configuration(address: SocketAddr, wish: &Wish) -> String {
    let (ip, port, largest) = (address.ip(), address.port(), wish.largest);
    let next = wish.next;
    let (pki, tls) = match wish.identity {
        Some(_) => (
            "pki opensmtpd.test cert \"/run/cert.pem\"\npki opensmtpd.test key \"/run/key.pem\"\n",
            "tls pki opensmtpd.test ",
        ),
        None => ("", ""),
    };
    let (scheme, demand) = match wish.onward {
        Onward::Smtp => ("smtp+notls", ""),
        Onward::Secured => ("smtp+tls", "tls no-verify "),
        Onward::Lmtp => ("lmtp", ""),
    };
    let tuning = match wish.aim {
        Aim::Seen => "",
        Aim::Speed => TUNING,
    };
    format!(
        r#"{tuning}{pki}table put-off file:/run/put-off
table boxes {{ "bob@example.net" = "vmail", "later@example.net" = "vmail" }}
table names {{ "bob@example.net", "later@example.net" }}
filter put-off phase rcpt-to match rcpt-to <put-off> reject "451 4.7.1 Not now"
smtp max-message-size {largest}
listen on {ip} port {port} {tls}hostname opensmtpd.test filter put-off
action here maildir "/var/mail/%{{dest.user}}" virtual <boxes>
action there relay host "{scheme}://{next}" {demand}src {ip} helo opensmtpd.test
match from any for rcpt-to <names> action here
match from any for domain "example.com" action there
"#
    )
}
