//! A client of the laboratory: sends one message, and notes in the ledger what it was told.

use std::net::SocketAddr;

use anyhow::Result;

use crate::dialogue::{Dialogue, Heard};
use crate::ledger::Ledger;

/// Above this many octets content lies in a file of its own.
pub const LARGE: usize = 300_000;

/// How the content is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In two chunks (RFC 3030).
    Bdat,
    /// As it always was (RFC 5321 §4.1.1.4).
    Data,
}

/// A message of the laboratory.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// The word in its subject.
    pub name: &'a str,
    /// Its reverse-path.
    pub sender: &'a str,
    /// Whom it is for.
    pub recipients: &'a [String],
    /// Octets of its body, about.
    pub size: usize,
    /// How it is sent.
    pub way: Way,
}

/// What a client was told in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// 250, queued under this id.
    Taken(String),
    /// Another reply, to the message or to a command in front of it.
    Refused(String),
    /// Nothing: the connection broke. The server may have the message.
    Nothing,
}

impl Told {
    /// A refusal that a client does not come back after.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused(reply) if reply.starts_with('5'))
    }
}

/// Sends a letter; what became of it goes into the ledger.
pub fn send(server: SocketAddr, letter: &Letter<'_>, ledger: &Ledger) -> Told {
    match dialogue(server, letter, ledger) {
        Ok(heard) if heard.code == 250 => {
            ledger.acknowledged(letter.name, letter.recipients);
            let id = heard.text.rsplit(' ').next().unwrap_or_default();
            Told::Taken(id.to_owned())
        }
        Ok(heard) => {
            if heard.code / 100 == 4 {
                ledger.put_off(letter.name, letter.recipients);
            } else {
                ledger.refused(letter.name, letter.recipients);
            }
            Told::Refused(heard.text)
        }
        Err(_) => Told::Nothing,
    }
}

/// The final reply, or the first one that refuses.
fn dialogue(server: SocketAddr, letter: &Letter<'_>, ledger: &Ledger) -> Result<Heard> {
    let (mut client, greeting) = Dialogue::connect(server)?;
    if greeting.code != 220 {
        return Ok(greeting);
    }
    let mut lines = vec!["EHLO client.test".to_owned()];
    lines.push(format!("MAIL FROM:<{}>", letter.sender));
    lines.extend(letter.recipients.iter().map(|to| format!("RCPT TO:<{to}>")));
    for line in &lines {
        let heard = client.say(line)?;
        if heard.code != 250 {
            return Ok(heard);
        }
    }
    let line = format!("{}\r\n", "x".repeat(76));
    let body = line.repeat(letter.size / line.len() + 1);
    let content = format!("Subject: {}\r\n\r\n{body}", letter.name);
    if letter.way == Way::Data {
        let heard = client.say("DATA")?;
        if heard.code != 354 {
            return Ok(heard);
        }
    }
    // From here on the server may have it, whatever is heard.
    ledger.uncertain(letter.name, letter.recipients);
    match letter.way {
        Way::Data => client.send(format!("{content}.\r\n").as_bytes())?,
        Way::Bdat => {
            let (first, last) = content.as_bytes().split_at(content.len() / 2);
            client.send(format!("BDAT {}\r\n", first.len()).as_bytes())?;
            client.send(first)?;
            let heard = client.hear()?;
            if heard.code != 250 {
                return Ok(heard);
            }
            client.send(format!("BDAT {} LAST\r\n", last.len()).as_bytes())?;
            client.send(last)?;
        }
    }
    client.hear()
}
