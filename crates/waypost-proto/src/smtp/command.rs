//! Commands: read from a line, and printed as one (RFC 5321 §4.1.1 and the extensions).

use std::fmt;

use memchr::memchr2;
use thiserror::Error;

use super::params::{MailParams, ParamError, RcptParams};
use crate::mail::{ForwardPath, ReversePath, SyntaxError};

/// One command, one variant per verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// `AUTH mechanism [initial-response]` (RFC 4954 §4); the response is in base64.
    Auth {
        /// The name of the mechanism.
        mechanism: &'a str,
        /// The initial response, if there is one.
        initial: Option<&'a str>,
    },
    /// `BDAT size [LAST]` (RFC 3030 §2).
    Bdat {
        /// How many octets follow the command.
        size: u64,
        /// Whether the message ends with them.
        last: bool,
    },
    /// `DATA`
    Data,
    /// `EHLO domain`
    Ehlo(&'a str),
    /// `EXPN string`
    Expn,
    /// `HELO domain`
    Helo(&'a str),
    /// `HELP [string]`
    Help,
    /// `LHLO domain` (RFC 2033 §4.1).
    Lhlo(&'a str),
    /// `MAIL FROM:reverse-path [parameters]`
    Mail {
        /// Where reports go.
        reverse_path: ReversePath,
        /// Behind the path.
        params: MailParams,
    },
    /// `NOOP [string]`
    Noop,
    /// `QUIT`
    Quit,
    /// `RCPT TO:forward-path [parameters]`
    Rcpt {
        /// The recipient.
        forward_path: ForwardPath,
        /// Behind the path.
        params: RcptParams,
    },
    /// `RSET`
    Rset,
    /// `STARTTLS` (RFC 3207 §4).
    StartTls,
    /// `VRFY string`
    Vrfy,
    /// `XCLIENT attribute=value…`
    Xclient(&'a str),
}

/// What is wrong with a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// The verb takes other arguments, or none.
    #[error("the arguments are not valid")]
    Arguments,
    /// BDAT whose size cannot be told: what follows it cannot be read.
    #[error("the chunk size is not valid")]
    ChunkSize,
    /// The recipient.
    #[error("the recipient address is not valid: {0}")]
    ForwardPath(SyntaxError),
    /// An octet that a command cannot hold.
    #[error("the line holds control characters or is not UTF-8")]
    Octets,
    /// An ESMTP parameter.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The sender.
    #[error("the sender address is not valid: {0}")]
    ReversePath(SyntaxError),
    /// Not a verb known here.
    #[error("the command is not recognized")]
    Verb,
}

impl<'a> Command<'a> {
    /// Reads a line without its CRLF.
    ///
    /// A non-ASCII reverse-path needs SMTPUTF8 beside it; for a forward-path the caller knows.
    ///
    /// # Errors
    ///
    /// [`Malformed`]
    pub fn parse(line: &'a [u8]) -> Result<Self, Malformed> {
        if line.iter().any(u8::is_ascii_control) {
            return Err(Malformed::Octets);
        }
        let line = std::str::from_utf8(line).map_err(|_| Malformed::Octets)?;
        let (verb, rest) = match line.split_once(' ') {
            Some((verb, rest)) => (verb, rest.trim_matches(' ')),
            None => (line, ""),
        };
        let mut upper = [0; 8];
        let name = upper.get_mut(..verb.len()).ok_or(Malformed::Verb)?;
        name.copy_from_slice(verb.as_bytes());
        name.make_ascii_uppercase();
        match &*name {
            b"AUTH" => auth(rest),
            b"BDAT" => bdat(rest),
            b"DATA" => bare(rest, Self::Data),
            b"EHLO" => Ok(Self::Ehlo(rest)),
            b"EXPN" => Ok(Self::Expn),
            b"HELO" => Ok(Self::Helo(rest)),
            b"HELP" => Ok(Self::Help),
            b"LHLO" => Ok(Self::Lhlo(rest)),
            b"MAIL" => mail(rest),
            b"NOOP" => Ok(Self::Noop),
            b"QUIT" => bare(rest, Self::Quit),
            b"RCPT" => rcpt(rest),
            b"RSET" => bare(rest, Self::Rset),
            b"STARTTLS" => bare(rest, Self::StartTls),
            b"VRFY" => Ok(Self::Vrfy),
            b"XCLIENT" => Ok(Self::Xclient(rest)),
            _ => Err(Malformed::Verb),
        }
    }
}

fn bare<'a>(rest: &str, command: Command<'a>) -> Result<Command<'a>, Malformed> {
    rest.is_empty()
        .then_some(command)
        .ok_or(Malformed::Arguments)
}

fn auth(rest: &str) -> Result<Command<'_>, Malformed> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), initial, None) => Ok(Command::Auth { mechanism, initial }),
        _ => Err(Malformed::Arguments),
    }
}

/// RFC 3030 §2: `bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF`.
fn bdat(rest: &str) -> Result<Command<'_>, Malformed> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let size = words
        .next()
        .filter(|word| word.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|word| word.parse().ok())
        .ok_or(Malformed::ChunkSize)?;
    match (words.next(), words.next()) {
        (None, _) => Ok(Command::Bdat { size, last: false }),
        (Some(word), None) if word.eq_ignore_ascii_case("LAST") => {
            Ok(Command::Bdat { size, last: true })
        }
        _ => Err(Malformed::ChunkSize),
    }
}

fn mail(rest: &str) -> Result<Command<'_>, Malformed> {
    let (path, params) = path_and_params(rest, "FROM:")?;
    let reverse_path = ReversePath::parse(path).map_err(Malformed::ReversePath)?;
    let params = MailParams::parse(params)?;
    if !params.smtputf8 && !path.is_ascii() {
        return Err(Malformed::ReversePath(SyntaxError::NeedsSmtpUtf8));
    }
    Ok(Command::Mail {
        reverse_path,
        params,
    })
}

fn rcpt(rest: &str) -> Result<Command<'_>, Malformed> {
    let (path, params) = path_and_params(rest, "TO:")?;
    Ok(Command::Rcpt {
        forward_path: ForwardPath::parse(path).map_err(Malformed::ForwardPath)?,
        params: RcptParams::parse(params)?,
    })
}

/// Splits `FROM:<path> params` behind the path.
///
/// Deviates from RFC 5321 §4.1.1.2: spaces between the colon and the path are passed over, as many
/// clients send one.
fn path_and_params<'a>(rest: &'a str, word: &str) -> Result<(&'a str, &'a str), Malformed> {
    let (name, behind) = rest
        .split_at_checked(word.len())
        .ok_or(Malformed::Arguments)?;
    if !name.eq_ignore_ascii_case(word) {
        return Err(Malformed::Arguments);
    }
    let behind = behind.trim_start_matches(' ');
    Ok(behind.split_at(path_end(behind)))
}

/// Where the path ends: behind the first `>` outside quotes; without one, at the first space.
fn path_end(text: &str) -> usize {
    if let Some(at) = memchr2(b'"', b'>', text.as_bytes())
        && text.as_bytes().get(at) == Some(&b'>')
    {
        return at + 1;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    text.find(' ').unwrap_or(text.len())
}

impl fmt::Display for Command<'_> {
    /// The line without its CRLF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth { mechanism, initial } => {
                write!(f, "AUTH {mechanism}")?;
                initial.map_or(Ok(()), |initial| write!(f, " {initial}"))
            }
            Self::Bdat { size, last: false } => write!(f, "BDAT {size}"),
            Self::Bdat { size, last: true } => write!(f, "BDAT {size} LAST"),
            Self::Data => f.write_str("DATA"),
            Self::Ehlo(name) => write!(f, "EHLO {name}"),
            Self::Expn => f.write_str("EXPN"),
            Self::Helo(name) => write!(f, "HELO {name}"),
            Self::Help => f.write_str("HELP"),
            Self::Lhlo(name) => write!(f, "LHLO {name}"),
            Self::Mail {
                reverse_path,
                params,
            } => write!(f, "MAIL FROM:{reverse_path}{params}"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
            Self::Rcpt {
                forward_path,
                params,
            } => write!(f, "RCPT TO:{forward_path}{params}"),
            Self::Rset => f.write_str("RSET"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Vrfy => f.write_str("VRFY"),
            Self::Xclient(attributes) => write!(f, "XCLIENT {attributes}"),
        }
    }
}
