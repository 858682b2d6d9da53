//! What connections cost that do nothing: memory of the server for each of them.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::client_of;
use waypost_testkit::wait;

use crate::results::Results;
use crate::usage::resident_mib;

/// How many there are at a time; the last is what 20,000 descriptors are enough for, as the server
/// keeps two for each.
const COUNTS: [u32; 4] = [10, 100, 1000, 9500];
/// The longest that the last message may take to its mailbox.
const LIMIT: Duration = Duration::from_secs(120);
/// Messages by which the server's own buffers and threads are there before anything is measured.
const FIRST: u32 = 200;

pub(crate) fn run(program: &Path, quick: bool, results: &mut Results) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, all)?;
    println!(
        "\n| idle connections | TLS | server MiB after EHLO | KiB each | KiB each after a message |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for secured in [false, true] {
        for count in COUNTS {
            if quick && count > 1000 {
                continue;
            }
            let [before, greeted, used] = measure(program, count, secured)?;
            let each = |mib: f64| (mib - before) * 1024.0 / f64::from(count);
            println!(
                "| {count} | {secured} | {greeted:.1} | {:.1} | {:.1} |",
                each(greeted),
                each(used)
            );
            let what = if secured { "TLS" } else { "plain" };
            // What a few connections need is lost in what the allocator gives back meanwhile.
            let figures = [("greeted_mib", greeted), ("used_mib", used)];
            results.keep(
                "connections",
                &[("connections", count.into())],
                what,
                &figures,
            )?;
        }
    }
    Ok(())
}

/// Memory of the server before, after EHLO and after a message of each connection, MiB.
fn measure(program: &Path, count: u32, secured: bool) -> Result<[f64; 3]> {
    let site = Plan::new(program)?
        .hostname("mx.example.com")
        .section(
            "limits",
            "connections = 20000\nconnections_per_client = 20000\nconnection_rate = 0\n\
             message_rate = 0\ncommand_timeout = \"10m\"\n",
        )
        .site(
            "[[domain]]\nname = \"example.com\"\n\
             [[user]]\ndomain = \"example.com\"\nlogin = \"jdoe\"\n",
        )
        .start()?;
    let pid = site.pid().context("Waypost is not running")?;
    let config = match secured {
        true => Some(client_of(&site.dir().join("data/tls.crt"))?),
        false => None,
    };
    for _ in 0..FIRST {
        Line::open(site.smtp(), config.as_ref())?.send_message()?;
    }
    wait_until_delivered(&site, FIRST)?;
    let before = resident_mib(pid);
    let mut lines = (0..count)
        .map(|_| Line::open(site.smtp(), config.as_ref()))
        .collect::<Result<Vec<_>>>()?;
    let greeted = resident_mib(pid);
    lines.iter_mut().try_for_each(Line::send_message)?;
    wait_until_delivered(&site, FIRST + count)?;
    Ok([before, greeted, resident_mib(pid)])
}

fn wait_until_delivered(site: &Site, count: u32) -> Result<()> {
    let new = site.dir().join("mail/example.com/jdoe/new");
    wait::until_within(LIMIT, "all messages in the mailbox", || {
        let delivered = fs::read_dir(&new).ok()?.count();
        (delivered >= count as usize).then_some(())
    })?;
    wait::until("an empty queue", || {
        let listed = site.tell(&["queue", "list"]).ok()?;
        (!listed.contains("jdoe@")).then_some(())
    })
}

trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// A client's connection, which has no buffer.
struct Line(Box<dyn Connection>);

impl Line {
    /// Connects and says EHLO, with STARTTLS in between if there is what to believe.
    fn open(server: SocketAddr, config: Option<&Arc<ClientConfig>>) -> Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        let mut plain = Self(Box::new(stream.try_clone()?));
        plain.hear("220")?;
        plain.say("EHLO bench.test\r\n", "250")?;
        let Some(config) = config else {
            return Ok(plain);
        };
        plain.say("STARTTLS\r\n", "220")?;
        let name = ServerName::try_from("mx.example.com")?;
        let tls = ClientConnection::new(Arc::clone(config), name)?;
        let mut line = Self(Box::new(StreamOwned::new(tls, stream)));
        line.say("EHLO bench.test\r\n", "250")?;
        Ok(line)
    }

    fn send_message(&mut self) -> Result<()> {
        self.say("MAIL FROM:<sender@example.net>\r\n", "250")?;
        self.say("RCPT TO:<jdoe@example.com>\r\n", "250")?;
        self.say("DATA\r\n", "354")?;
        let line = "This line is one of many that say the same.\r\n";
        let content = format!("Subject: measured\r\n\r\n{}.\r\n", line.repeat(200));
        self.say(&content, "250")
    }

    fn say(&mut self, words: &str, code: &str) -> Result<()> {
        self.0.write_all(words.as_bytes())?;
        self.0.flush()?;
        self.hear(code)
    }

    /// Reads a reply, all lines of it.
    fn hear(&mut self, code: &str) -> Result<()> {
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = self.0.read(&mut buffer)?;
            anyhow::ensure!(read > 0, "the server closed the connection");
            heard.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&heard);
            let last = text
                .strip_suffix("\r\n")
                .and_then(|text| text.lines().last());
            let Some(last) = last else {
                continue;
            };
            if last.as_bytes().get(3) != Some(&b'-') {
                anyhow::ensure!(last.starts_with(code), "wanted {code}, got {text}");
                return Ok(());
            }
        }
    }
}
