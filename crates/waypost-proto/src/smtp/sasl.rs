//! SASL mechanisms as values: PLAIN (RFC 4616) and LOGIN, on the server's side.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// A password or key; prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Keeps the secret.
    #[must_use]
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one place that checks or sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a client says it is, and the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// How it said so.
    pub mechanism: Mechanism,
    /// Whom it wants to act as; empty: as itself.
    pub authzid: Box<str>,
    /// The login.
    pub authcid: Box<str>,
    /// The password.
    pub password: Secret,
}

/// A mechanism offered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// LOGIN, never standardised, spoken everywhere.
    Login,
    /// PLAIN (RFC 4616).
    Plain,
}

impl Mechanism {
    /// The mechanism of a name, in any letter case (RFC 4954 §4).
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("PLAIN") {
            Some(Self::Plain)
        } else if name.eq_ignore_ascii_case("LOGIN") {
            Some(Self::Login)
        } else {
            None
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
        }
    }
}

/// Why an exchange ends without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SaslError {
    /// The client sent `*` (RFC 4954 §4).
    #[error("the client cancelled the exchange")]
    Cancelled,
    /// Not base64, or not what the mechanism says inside it.
    #[error("the response cannot be decoded")]
    Malformed,
}

/// What comes next in an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this challenge, in base64, with 334, and go on with the exchange.
    Challenge(&'static str, Exchange),
    /// The client has said everything.
    Done(Credentials),
}

/// An exchange that waits for the client's next response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// PLAIN: the one message.
    PlainMessage,
    /// LOGIN: the name.
    LoginName,
    /// LOGIN: the password of this name.
    LoginPassword(Box<str>),
}

/// `Username:` in base64.
const LOGIN_NAME_PROMPT: &str = "VXNlcm5hbWU6";
/// `Password:` in base64.
const LOGIN_PASSWORD_PROMPT: &str = "UGFzc3dvcmQ6";

impl Exchange {
    /// Begins an exchange, with the initial response of the AUTH command if there is one.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the initial response is no good.
    pub fn begin(mechanism: Mechanism, initial: Option<&str>) -> Result<Step, SaslError> {
        let (exchange, challenge) = match mechanism {
            Mechanism::Login => (Self::LoginName, LOGIN_NAME_PROMPT),
            Mechanism::Plain => (Self::PlainMessage, ""),
        };
        match initial {
            None => Ok(Step::Challenge(challenge, exchange)),
            // RFC 4954 §4: a single "=" is an initial response of no octets.
            Some("=") => exchange.respond(""),
            Some(response) => exchange.respond(response),
        }
    }

    /// Goes on with the client's response, in base64.
    ///
    /// # Errors
    ///
    /// [`SaslError`]; the exchange is over then.
    pub fn respond(self, response: &str) -> Result<Step, SaslError> {
        if response == "*" {
            return Err(SaslError::Cancelled);
        }
        let decoded = STANDARD
            .decode(response)
            .map_err(|_| SaslError::Malformed)?;
        let text = String::from_utf8(decoded).map_err(|_| SaslError::Malformed)?;
        match self {
            Self::PlainMessage => plain(&text).map(Step::Done),
            Self::LoginName => {
                let exchange = Self::LoginPassword(word(&text)?.into());
                Ok(Step::Challenge(LOGIN_PASSWORD_PROMPT, exchange))
            }
            Self::LoginPassword(authcid) => Ok(Step::Done(Credentials {
                mechanism: Mechanism::Login,
                authzid: Box::default(),
                authcid,
                password: Secret::new(word(&text)?),
            })),
        }
    }
}

/// RFC 4616 §2: `message = [authzid] UTF8NUL authcid UTF8NUL passwd`.
fn plain(message: &str) -> Result<Credentials, SaslError> {
    let mut parts = message.split('\0');
    let (Some(authzid), Some(authcid), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SaslError::Malformed);
    };
    Ok(Credentials {
        mechanism: Mechanism::Plain,
        authzid: authzid.into(),
        authcid: word(authcid)?.into(),
        password: Secret::new(word(password)?),
    })
}

/// A name or password: something, without NUL.
fn word(text: &str) -> Result<&str, SaslError> {
    let good = !text.is_empty() && !text.contains('\0');
    good.then_some(text).ok_or(SaslError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> String {
        STANDARD.encode(text)
    }

    #[test]
    fn plain_takes_its_message_with_the_command_or_after_a_challenge() {
        let message = encode("\0alice\0wonder land");
        let Ok(Step::Done(now)) = Exchange::begin(Mechanism::Plain, Some(&message)) else {
            panic!("not done");
        };
        assert_eq!((&*now.authzid, &*now.authcid), ("", "alice"));
        assert_eq!(now.password.reveal(), "wonder land");
        let Ok(Step::Challenge("", exchange)) = Exchange::begin(Mechanism::Plain, None) else {
            panic!("no challenge");
        };
        assert_eq!(exchange.respond(&message), Ok(Step::Done(now)));
    }

    #[test]
    fn login_asks_for_name_and_password_and_takes_the_name_with_the_command() {
        let Ok(Step::Challenge(prompt, exchange)) = Exchange::begin(Mechanism::Login, None) else {
            panic!("no challenge");
        };
        assert_eq!(STANDARD.decode(prompt).unwrap(), b"Username:");
        let asked = exchange.respond(&encode("alice")).unwrap();
        let given = Exchange::begin(Mechanism::Login, Some(&encode("alice"))).unwrap();
        assert_eq!(asked, given);
        let Step::Challenge(prompt, exchange) = asked else {
            panic!("no challenge");
        };
        assert_eq!(STANDARD.decode(prompt).unwrap(), b"Password:");
        let Ok(Step::Done(credentials)) = exchange.respond(&encode("secret")) else {
            panic!("not done");
        };
        assert_eq!(credentials.password.reveal(), "secret");
    }

    #[test]
    fn refuses_what_is_no_response() {
        let plain = |text: &str| Exchange::PlainMessage.respond(text);
        assert_eq!(plain("*"), Err(SaslError::Cancelled));
        for wrong in [
            "",
            "not base64!",
            &encode("alice\0secret"),
            &encode("\0\0secret"),
            &encode("\0alice\0"),
            &encode("a\0b\0c\0d"),
            "/////w==",
        ] {
            assert_eq!(plain(wrong), Err(SaslError::Malformed), "{wrong:?}");
        }
        let empty_name = Exchange::begin(Mechanism::Login, Some("="));
        assert_eq!(empty_name, Err(SaslError::Malformed));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let message = encode("\0alice\0opensesame");
        let step = Exchange::begin(Mechanism::Plain, Some(&message)).unwrap();
        assert!(!format!("{step:?}").contains("opensesame"));
        assert!(format!("{step:?}").contains("***"));
    }
}
