//! A plain client that says exactly what a test wants said, and hears exactly what comes back.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use anyhow::{Context as _, Result};

use crate::wait::PATIENCE;

/// A connection to an SMTP or LMTP server.
pub struct Dialogue {
    reader: BufReader<TcpStream>,
}

/// A reply as it came: code and all lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The three-digit code.
    pub code: u16,
    /// All lines with their codes, without CRLF, joined by `\n`.
    pub text: String,
}

impl Dialogue {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub fn connect(server: SocketAddr) -> Result<(Self, Heard)> {
        let stream = TcpStream::connect_timeout(&server, PATIENCE)
            .with_context(|| format!("connect to {server}"))?;
        Self::over(stream)
    }

    /// Connects from the given address, as a site or target of its own does.
    ///
    /// # Errors
    ///
    /// When the address is not of this machine or nobody answers.
    pub fn connect_from(source: IpAddr, server: SocketAddr) -> Result<(Self, Heard)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(source, 0))?;
            socket.connect(server).await?.into_std()
        });
        let stream = stream.with_context(|| format!("connect to {server} from {source}"))?;
        stream.set_nonblocking(false)?;
        Self::over(stream)
    }

    fn over(stream: TcpStream) -> Result<(Self, Heard)> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut dialogue = Self {
            reader: BufReader::new(stream),
        };
        let greeting = dialogue.hear()?;
        Ok((dialogue, greeting))
    }

    /// Connects and says EHLO.
    ///
    /// # Errors
    ///
    /// When the server does not greet and accept EHLO.
    pub fn open(server: SocketAddr) -> Result<Self> {
        let (mut dialogue, greeting) = Self::connect(server)?;
        anyhow::ensure!(greeting.code == 220, "greeting: {}", greeting.text);
        dialogue.expect("EHLO client.test", 250)?;
        Ok(dialogue)
    }

    /// As [`Dialogue::open`], from the given address.
    ///
    /// # Errors
    ///
    /// When the server does not greet and accept EHLO.
    pub fn open_from(source: IpAddr, server: SocketAddr) -> Result<Self> {
        let (mut dialogue, greeting) = Self::connect_from(source, server)?;
        anyhow::ensure!(greeting.code == 220, "greeting: {}", greeting.text);
        dialogue.expect("EHLO client.test", 250)?;
        Ok(dialogue)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.reader.get_mut().write_all(bytes)?;
        Ok(())
    }

    /// Reads one reply.
    ///
    /// # Errors
    ///
    /// When the connection ends or the reply is not one (RFC 5321 §4.2).
    pub fn hear(&mut self) -> Result<Heard> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let read = self.reader.read_line(&mut line).context("read a reply")?;
            anyhow::ensure!(read > 0, "the server closed the connection");
            let line = line.strip_suffix("\r\n").context("a line without CRLF")?;
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let code: u16 = code.with_context(|| format!("not a reply: {line}"))?;
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Heard { code, text });
            }
        }
    }

    /// Sends one command line and reads its reply.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn say(&mut self, command: &str) -> Result<Heard> {
        self.send(format!("{command}\r\n").as_bytes())?;
        self.hear().with_context(|| format!("after {command:?}"))
    }

    /// Sends one command line and wants this code.
    ///
    /// # Errors
    ///
    /// Another reply, shown.
    pub fn expect(&mut self, command: &str, code: u16) -> Result<Heard> {
        let heard = self.say(command)?;
        anyhow::ensure!(heard.code == code, "{command:?} got {}", heard.text);
        Ok(heard)
    }

    /// The connection, once the server has said that TLS may begin.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.reader.into_inner()
    }

    /// Sends a whole message to the recipients; the reply to each RCPT, and the final one if any
    /// recipient was accepted.
    ///
    /// # Errors
    ///
    /// When MAIL is refused or the connection is gone.
    pub fn submit(
        &mut self,
        sender: &str,
        recipients: &[&str],
        content: &str,
    ) -> Result<(Vec<Heard>, Option<Heard>)> {
        self.expect(&format!("MAIL FROM:<{sender}>"), 250)?;
        let mut replies = Vec::new();
        for recipient in recipients {
            replies.push(self.say(&format!("RCPT TO:<{recipient}>"))?);
        }
        if replies.iter().all(|reply| reply.code != 250) {
            self.expect("RSET", 250)?;
            return Ok((replies, None));
        }
        self.expect("DATA", 354)?;
        self.send(content.replace("\r\n.", "\r\n..").as_bytes())?;
        let last = self.say("\r\n.")?;
        Ok((replies, Some(last)))
    }
}
