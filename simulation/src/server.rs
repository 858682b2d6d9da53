//! A scripted mail server, over SMTP or LMTP.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use turmoil::net::{TcpListener, TcpStream};
use waypost_testkit::lab::account::{copies, failures};
use waypost_testkit::ledger::subject;

use crate::client::SENDER;
use crate::mood::{Deed, Moment, Mood};
use crate::notes::Notes;

/// Whose mail a server takes.
pub(crate) enum Takes {
    /// Everybody's.
    All,
    /// That of these local parts; others are unknown.
    Only(&'static [&'static str]),
}

/// One server at one port.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) is_lmtp: bool,
    pub(crate) takes: Takes,
    /// Says yes to RCPT for everybody, and takes that mail, until it is calm.
    pub(crate) says_yes: bool,
    pub(crate) mood: Arc<Mood>,
    pub(crate) notes: Arc<Notes>,
}

/// One session.
struct Session {
    server: Arc<Server>,
    io: BufStream<TcpStream>,
    wrong: Option<(Moment, Deed)>,
    mail: String,
    recipients: Vec<String>,
    content: Vec<u8>,
}

/// Whether a session goes on.
type Goes = io::Result<bool>;

/// Serves for ever.
pub(crate) async fn listen(server: Server) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", server.port)).await?;
    let server = Arc::new(server);
    loop {
        let (stream, _) = listener.accept().await?;
        let session = Session {
            wrong: server.mood.draw(),
            server: Arc::clone(&server),
            io: BufStream::new(stream),
            mail: String::new(),
            recipients: Vec::new(),
            content: Vec::new(),
        };
        tokio::spawn(async move {
            // A client that goes away is its own business.
            let _ = session.run().await;
        });
    }
}

impl Session {
    async fn run(mut self) -> io::Result<()> {
        if !self.at(Moment::Connect).await? {
            return Ok(());
        }
        self.say("220 ready").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.io.read_line(&mut line).await? == 0 || !self.command(line.trim_end()).await? {
                return Ok(());
            }
        }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.io.write_all(reply.as_bytes()).await?;
        self.io.write_all(b"\r\n").await?;
        self.io.flush().await
    }

    /// Misbehaves, if this is the moment. Whether the good reply may be given; a deferral has been
    /// said instead of it, and the command line is then over with.
    async fn at(&mut self, moment: Moment) -> Goes {
        let Some((_, deed)) = self.wrong.take_if(|(when, _)| *when == moment) else {
            return Ok(true);
        };
        let (name, notes) = (self.server.name.clone(), Arc::clone(&self.server.notes));
        notes.say(&name, &format!("{deed:?} at {moment:?}"));
        match deed {
            Deed::Close => Ok(false),
            Deed::LoseReply => {
                if moment == Moment::End {
                    self.take();
                }
                Ok(false)
            }
            Deed::Defer => {
                self.say("421 4.3.2 not now").await?;
                Ok(false)
            }
            Deed::Nonsense => {
                self.say("What did you say?").await?;
                Ok(false)
            }
            Deed::Slow(wait) => {
                tokio::time::sleep(wait).await;
                Ok(true)
            }
            Deed::Stall => {
                while !self.server.mood.is_calm() {
                    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                }
                Ok(false)
            }
        }
    }

    async fn command(&mut self, line: &str) -> Goes {
        let upper = line.to_ascii_uppercase();
        let argument = |from: usize| line.get(from..).unwrap_or_default().trim().to_owned();
        match upper.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" | "HELO" | "LHLO" => {
                self.say("250-ready\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250 SIZE 10000000")
                    .await?;
            }
            "MAIL" => {
                if !self.at(Moment::Mail).await? {
                    return Ok(false);
                }
                self.mail = argument(10);
                self.recipients.clear();
                self.content.clear();
                self.say("250 2.1.0 Ok").await?;
            }
            "RCPT" => return self.rcpt(argument(8)).await,
            "DATA" if self.recipients.is_empty() => self.say("554 5.5.1 no recipients").await?,
            "DATA" => return self.data().await,
            "BDAT" => return self.chunk(&upper).await,
            "QUIT" => {
                self.say("221 2.0.0 Bye").await?;
                return Ok(false);
            }
            _ => {
                self.mail.clear();
                self.recipients.clear();
                self.say("250 2.0.0 Ok").await?;
            }
        }
        Ok(true)
    }

    async fn rcpt(&mut self, path: String) -> Goes {
        if !self.at(Moment::Rcpt).await? {
            return Ok(false);
        }
        let path = path.split(' ').next().unwrap_or_default();
        let address = path.trim_matches(['<', '>']).to_owned();
        let local = address.split('@').next().unwrap_or_default();
        let lies = self.server.says_yes && !self.server.mood.is_calm();
        let is_known = match self.server.takes {
            Takes::All => true,
            Takes::Only(these) => these.contains(&local),
        };
        if is_known || lies {
            self.recipients.push(address);
            self.say("250 2.1.5 Ok").await?;
        } else {
            self.say("550 5.1.1 nobody of that name").await?;
        }
        Ok(true)
    }

    async fn data(&mut self) -> Goes {
        if !self.at(Moment::Data).await? {
            return Ok(false);
        }
        self.say("354 go ahead").await?;
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.io.read_until(b'\n', &mut line).await? == 0 {
                return Ok(false);
            }
            if line == b".\r\n" {
                return self.end().await;
            }
            let text = line.strip_prefix(b".").unwrap_or(&line);
            self.content.extend_from_slice(text);
        }
    }

    async fn chunk(&mut self, line: &str) -> Goes {
        let mut words = line.split_whitespace().skip(1);
        let length: usize = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let is_last = words.next() == Some("LAST");
        let mut chunk = vec![0; length];
        self.io.read_exact(&mut chunk).await?;
        if self.recipients.is_empty() {
            self.say("554 5.5.1 no recipients").await?;
            return Ok(true);
        }
        if self.content.is_empty() && !self.at(Moment::Data).await? {
            return Ok(false);
        }
        self.content.extend_from_slice(&chunk);
        if is_last {
            return self.end().await;
        }
        self.say("250 2.0.0 Ok").await?;
        Ok(true)
    }

    async fn end(&mut self) -> Goes {
        if !self.at(Moment::End).await? {
            return Ok(false);
        }
        self.take();
        let replies = match self.server.is_lmtp {
            true => self.recipients.len(),
            false => 1,
        };
        for _ in 0..replies {
            self.say("250 2.0.0 taken").await?;
        }
        self.recipients.clear();
        self.content.clear();
        Ok(true)
    }

    /// The message is here.
    fn take(&self) {
        let text = String::from_utf8_lossy(&self.content);
        let (name, notes) = (&self.server.name, &self.server.notes);
        if self.mail.starts_with("<>") {
            if self.recipients != [SENDER] {
                notes.broke(11, format!("a report goes to {:?}", self.recipients));
            }
            for (message, recipient) in failures(&text) {
                notes.say(name, &format!("report of {message} for {recipient}"));
                let mut seen = notes.seen();
                seen.bounced
                    .push(((message, recipient), text.clone().into_owned()));
            }
            return;
        }
        if subject(&text).is_none() {
            notes.broke(3, format!("{name} got a message without its subject"));
        }
        let recipients = self.recipients.iter().map(String::as_str);
        for (message, recipient) in copies(&text, recipients) {
            notes.taken(&message, &recipient);
            notes.arrived(name, &message, &recipient);
        }
    }
}
