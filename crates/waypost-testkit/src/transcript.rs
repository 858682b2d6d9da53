//! Dialogues as files: `tests/transcripts/*/*.smtp`, in the manner of RFC 5321 Appendix D.
//!
//! ```text
//! # RFC 5321 §4.1.1.3: RCPT needs a transaction.
//! offer: smtp
//! S: 220 ...
//! C: EHLO client.example
//! S: 250 ...
//! C: RCPT TO:<bob@example.com>
//! S: 503 5.5.1 Need MAIL before RCPT
//! ```
//!
//! | line | meaning |
//! | --- | --- |
//! | `# …` | a remark; the first line of the file names the rule |
//! | `offer: …` | words for the server under test: `smtp`, `submission`, `lmtp`, `starttls`, … |
//! | `C: line` | the client sends the line and CRLF |
//! | `c: text` | the client sends the text as it is, with `\r \n \t \0 \\ \xHH` replaced |
//! | `C*20: line` | the same line twenty times; `c*20: text` likewise |
//! | `S: 250 text` | the server's next reply; `...` at its end stands for anything |
//! | `S: closed` | the server closes the connection |
//! | `T:` | both sides start TLS |
//! | `M: line` | a line of the next message that was accepted, in order; `M:` is an empty line |
//! | `m: text` | the same without CRLF; in both, what `c:` replaces is replaced |
//!
//! One `S:` line stands for a whole reply and is compared with its last line; a multi-line reply is
//! compared whole when its lines are given with their `-`. Every accepted message has to be there
//! as `M:` lines, so a transcript without them says that no message got through.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// One thing that happens in a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The client sends these bytes.
    Send(Vec<u8>),
    /// The server sends a reply of these lines.
    Expect(Vec<String>),
    /// The server closes the connection.
    Closed,
    /// Both sides start TLS.
    StartTls,
    /// The next accepted message has this content.
    Message(Vec<u8>),
}

/// A dialogue with its rule.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// Where it was read from.
    pub path: PathBuf,
    /// What the first line says.
    pub rule: String,
    /// Words for the server under test.
    pub offer: Vec<String>,
    /// What happens, each with its line number.
    pub steps: Vec<(usize, Step)>,
}

/// The client's end of a connection to the server under test.
pub trait Connection {
    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    fn send(&mut self, bytes: &[u8]) -> Result<()>;

    /// Waits for the next whole reply; none when the connection is closed instead.
    ///
    /// # Errors
    ///
    /// When neither comes.
    fn reply(&mut self) -> Result<Option<Vec<String>>>;

    /// Starts TLS.
    ///
    /// # Errors
    ///
    /// When the handshake fails.
    fn start_tls(&mut self) -> Result<()>;

    /// The content of every message accepted so far; none where this cannot be seen.
    fn accepted(&mut self) -> Option<Vec<Vec<u8>>>;
}

impl Transcript {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or a line is not understood.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(path, &text)
    }

    /// Reads every `.smtp` file one level below `folder`, in order of their names.
    ///
    /// # Errors
    ///
    /// When a folder or file cannot be read.
    pub fn load_all(folder: &Path) -> Result<Vec<Self>> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let group = entry?.path();
            if group.is_dir() {
                for entry in std::fs::read_dir(group)? {
                    paths.push(entry?.path());
                }
            }
        }
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "smtp")
        });
        paths.sort();
        paths.iter().map(|path| Self::load(path)).collect()
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// When a line is not understood.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let rule = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let mut transcript = Self {
            path: path.to_owned(),
            rule: rule.context("the first line names no rule")?.to_owned(),
            offer: Vec::new(),
            steps: Vec::new(),
        };
        for (at, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            transcript
                .add(at + 1, line)
                .with_context(|| format!("{}:{}", path.display(), at + 1))?;
        }
        Ok(transcript)
    }

    fn add(&mut self, number: usize, line: &str) -> Result<()> {
        let (mark, rest) = line.split_once(':').context("no colon")?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let (mark, times) = match mark.split_once('*') {
            Some((mark, times)) => (mark, times.parse().context("no number behind *")?),
            None => (mark, 1),
        };
        let step = match mark {
            "offer" => {
                self.offer
                    .extend(rest.split_whitespace().map(str::to_owned));
                return Ok(());
            }
            "C" => Step::Send(format!("{rest}\r\n").repeat(times).into_bytes()),
            "c" => Step::Send(unescape(rest)?.repeat(times)),
            "S" if rest == "closed" => Step::Closed,
            "S" => return self.add_reply_line(number, rest),
            "T" => Step::StartTls,
            "M" | "m" => {
                let end: &[u8] = if mark == "M" { b"\r\n" } else { b"" };
                let octets = [&unescape(rest)?, end].concat().repeat(times);
                self.add_content(number, &octets);
                return Ok(());
            }
            _ => bail!("no such mark: {mark}"),
        };
        self.steps.push((number, step));
        Ok(())
    }

    fn add_reply_line(&mut self, number: usize, line: &str) -> Result<()> {
        ensure!(line.len() >= 4, "no reply: {line}");
        let goes_on = |lines: &[String]| {
            let last = lines.last().and_then(|line| line.as_bytes().get(3));
            last == Some(&b'-')
        };
        match self.steps.last_mut() {
            Some((_, Step::Expect(lines))) if goes_on(lines) => lines.push(line.to_owned()),
            _ => self
                .steps
                .push((number, Step::Expect(vec![line.to_owned()]))),
        }
        Ok(())
    }

    fn add_content(&mut self, number: usize, octets: &[u8]) {
        match self.steps.last_mut() {
            Some((_, Step::Message(content))) => content.extend_from_slice(octets),
            _ => self.steps.push((number, Step::Message(octets.to_vec()))),
        }
    }

    /// Plays the client's part and compares what the server says.
    ///
    /// # Errors
    ///
    /// At the first difference, with file, line, and what was said so far.
    pub fn run(&self, connection: &mut dyn Connection) -> Result<()> {
        let mut said = String::new();
        let mut messages = Vec::new();
        for (number, step) in &self.steps {
            play(step, connection, &mut said, &mut messages).with_context(|| {
                format!("{}:{number} ({})\n{said}", self.path.display(), self.rule)
            })?;
        }
        let Some(accepted) = connection.accepted() else {
            return Ok(());
        };
        let text = |content: &Vec<u8>| String::from_utf8_lossy(content).into_owned();
        let accepted: Vec<_> = accepted.iter().map(text).collect();
        let expected: Vec<_> = messages.iter().map(text).collect();
        ensure!(
            accepted == expected,
            "{}: accepted {accepted:?}, not {expected:?}",
            self.path.display()
        );
        Ok(())
    }
}

fn play(
    step: &Step,
    connection: &mut dyn Connection,
    said: &mut String,
    messages: &mut Vec<Vec<u8>>,
) -> Result<()> {
    match step {
        Step::Send(bytes) => {
            let shown = bytes.get(..200).unwrap_or(bytes).escape_ascii();
            writeln!(said, "C: {shown}")?;
            connection.send(bytes)
        }
        Step::Expect(expected) => {
            let reply = connection.reply()?.context("the connection is closed")?;
            reply
                .iter()
                .try_for_each(|line| writeln!(said, "S: {line}"))?;
            ensure!(is_like(&reply, expected), "expected {expected:?}");
            Ok(())
        }
        Step::Closed => match connection.reply()? {
            Some(reply) => bail!("not closed, but {reply:?}"),
            None => Ok(()),
        },
        Step::StartTls => connection.start_tls(),
        Step::Message(content) => {
            messages.push(content.clone());
            Ok(())
        }
    }
}

fn is_like(reply: &[String], expected: &[String]) -> bool {
    let tail = match expected {
        [_] => reply
            .get(reply.len().saturating_sub(1)..)
            .unwrap_or_default(),
        _ => reply,
    };
    let alike = |(line, pattern): (&String, &String)| match pattern.strip_suffix("...") {
        Some(head) => line.starts_with(head),
        None => line == pattern,
    };
    tail.len() == expected.len() && tail.iter().zip(expected).all(alike)
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (letter, behind) = escape.split_at_checked(1).context("nothing behind \\")?;
        rest = behind;
        bytes.push(match letter {
            "r" => b'\r',
            "n" => b'\n',
            "t" => b'\t',
            "0" => 0,
            "\\" => b'\\',
            "x" => {
                let (digits, behind) = rest.split_at_checked(2).context("no digits")?;
                rest = behind;
                u8::from_str_radix(digits, 16)?
            }
            _ => bail!("no such escape: \\{letter}"),
        });
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_line() {
        let text = "# A rule.\noffer: lmtp tls\n\nS: 250-a\nS: 250 b\nC*2: NOOP\n\
                    c: a\\r\\n\\x41\\\\\nT:\nM: one\nM:\nm*2: x\nS: closed\n";
        let read = Transcript::parse(Path::new("x"), text).unwrap();
        assert_eq!(read.rule, "A rule.");
        assert_eq!(read.offer, ["lmtp", "tls"]);
        let steps: Vec<_> = read.steps.into_iter().map(|(_, step)| step).collect();
        assert_eq!(
            steps,
            [
                Step::Expect(vec!["250-a".to_owned(), "250 b".to_owned()]),
                Step::Send(b"NOOP\r\nNOOP\r\n".to_vec()),
                Step::Send(b"a\r\nA\\".to_vec()),
                Step::StartTls,
                Step::Message(b"one\r\n\r\nxx".to_vec()),
                Step::Closed,
            ]
        );
        assert!(Transcript::parse(Path::new("x"), "C: NOOP\n").is_err());
        assert!(Transcript::parse(Path::new("x"), "# r\nX: NOOP\n").is_err());
    }

    #[test]
    fn compares_replies_by_their_last_line_or_whole() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let reply = lines("250-mx\n250 SIZE 1");
        assert!(is_like(&reply, &lines("250 SIZE 1")));
        assert!(is_like(&reply, &lines("250 ...")));
        assert!(is_like(&reply, &lines("250-...\n250 SIZE 1")));
        assert!(!is_like(&reply, &lines("250 SIZE")));
        assert!(!is_like(&reply, &lines("250-a\n250-b\n250 SIZE 1")));
    }
}
