//! Clients that send mail, and note what they are told.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::time::timeout;
use turmoil::net::TcpStream;

use crate::notes::Notes;
use crate::plan::Letter;

/// Who sends: nobody of the sites' domains.
pub(crate) const SENDER: &str = "sender@outside.test";
/// How long a client waits for a reply.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a client comes again when it was told to.
const TRIES: usize = 4;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(15);
/// Octets of a chunk.
const CHUNK: usize = 4000;

/// What became of a try.
enum Told {
    /// The final reply.
    Final(u16),
    /// No final reply: it may be there, or not.
    Nothing,
    /// Content was not sent: it is not there.
    NotSent,
}

/// Sends a letter; those who are put off get another one of another name, some times.
pub(crate) async fn send(notes: Arc<Notes>, letter: Letter, at: IpAddr) {
    let mut to = letter.to.clone();
    for again in 0..TRIES {
        let name = match again {
            0 => letter.name.clone(),
            _ => format!("{}-{again}", letter.name),
        };
        to = one(&notes, &letter, &name, to, at).await;
        if to.is_empty() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One try; gives back whom it was put off for.
async fn one(
    notes: &Notes,
    letter: &Letter,
    name: &str,
    to: Vec<String>,
    at: IpAddr,
) -> Vec<String> {
    let mut dialogue = Dialogue::default();
    let talking = talk(&mut dialogue, letter, name, &to, at);
    let told = match talking.await {
        Ok(told) => told,
        Err(error) => {
            notes.say("client", &format!("{name}: {error}"));
            match dialogue.has_sent {
                true => Told::Nothing,
                false => Told::NotSent,
            }
        }
    };
    let site = letter.site;
    for (recipient, code) in &dialogue.replies {
        notes.say("client", &format!("{name} at s{site}: {recipient} {code}"));
        let reply = (letter.from, recipient.clone(), *code);
        notes.seen().replies.push(reply);
    }
    let those = |wanted: fn(u16) -> bool| -> Vec<String> {
        let replies = dialogue.replies.iter();
        let these = replies.filter(|(_, code)| wanted(*code));
        these.map(|(recipient, _)| recipient.clone()).collect()
    };
    let accepted = those(|code| code / 100 == 2);
    let mut put_off = those(|code| code / 100 == 4);
    match told {
        Told::Final(code) => {
            notes.say("client", &format!("{name} at s{site}: final {code}"));
            match code / 100 {
                2 => {
                    notes.acknowledged(name, &accepted);
                    accepted.iter().for_each(|to| notes.told(name, to));
                }
                4 => {
                    notes.ledger.refused(name, &accepted);
                    put_off.extend(accepted);
                }
                _ => notes.ledger.refused(name, &accepted),
            }
        }
        Told::Nothing => {
            notes.say("client", &format!("{name} at s{site}: no final reply"));
            notes.ledger.uncertain(name, &accepted);
            put_off.extend(accepted);
        }
        Told::NotSent if dialogue.replies.len() < to.len() => {
            notes.ledger.refused(name, &to);
            put_off = to;
        }
        Told::NotSent => notes.ledger.refused(name, &to),
    }
    put_off
}

/// What was said so far.
#[derive(Default)]
struct Dialogue {
    replies: Vec<(String, u16)>,
    /// Whether the end of content was sent, or may have been.
    has_sent: bool,
}

async fn talk(
    dialogue: &mut Dialogue,
    letter: &Letter,
    name: &str,
    to: &[String],
    at: IpAddr,
) -> io::Result<Told> {
    let stream = timeout(PATIENCE, TcpStream::connect((at, 25))).await??;
    let mut wire = Wire(BufStream::new(stream));
    if wire.reply().await? != 220 || wire.command("EHLO client.test").await? != 250 {
        return Ok(Told::NotSent);
    }
    if wire.command(&format!("MAIL FROM:<{SENDER}>")).await? != 250 {
        return Ok(Told::NotSent);
    }
    for recipient in to {
        let code = wire.command(&format!("RCPT TO:<{recipient}>")).await?;
        dialogue.replies.push((recipient.clone(), code));
    }
    if !dialogue.replies.iter().any(|(_, code)| code / 100 == 2) {
        return Ok(Told::NotSent);
    }
    let content = content(name, letter);
    if letter.chunked {
        let count = content.len().div_ceil(CHUNK);
        for (number, chunk) in content.as_bytes().chunks(CHUNK).enumerate() {
            let is_last = number + 1 == count;
            dialogue.has_sent |= is_last;
            let last = if is_last { " LAST" } else { "" };
            wire.0
                .write_all(format!("BDAT {}{last}\r\n", chunk.len()).as_bytes())
                .await?;
            wire.0.write_all(chunk).await?;
            let code = wire.reply().await?;
            if is_last || code / 100 != 2 {
                return Ok(Told::Final(code));
            }
        }
    }
    let code = wire.command("DATA").await?;
    if code != 354 {
        return Ok(Told::Final(code));
    }
    dialogue.has_sent = true;
    wire.0.write_all(content.as_bytes()).await?;
    wire.0.write_all(b".\r\n").await?;
    let code = wire.reply().await?;
    // A good client says goodbye; one that does not is no trouble either.
    let _ = wire.command("QUIT").await;
    Ok(Told::Final(code))
}

fn content(name: &str, letter: &Letter) -> String {
    let mut content = format!("Message-ID: <{name}@outside.test>\r\nSubject: {name}\r\n\r\n");
    while content.len() < letter.size {
        content.push_str("All work and no play makes a dull letter, and this one is no other.\r\n");
    }
    content
}

/// The client's end of a connection.
struct Wire(BufStream<TcpStream>);

impl Wire {
    async fn command(&mut self, line: &str) -> io::Result<u16> {
        self.0.write_all(line.as_bytes()).await?;
        self.0.write_all(b"\r\n").await?;
        self.reply().await
    }

    /// The code of the next reply.
    async fn reply(&mut self) -> io::Result<u16> {
        self.0.flush().await?;
        let mut line = String::new();
        loop {
            line.clear();
            if timeout(PATIENCE, self.0.read_line(&mut line)).await?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|digits| digits.parse().ok());
                return code.ok_or_else(|| io::Error::other(format!("no reply: {line}")));
            }
        }
    }
}
