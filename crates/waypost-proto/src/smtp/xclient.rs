//! XCLIENT: a trusted proxy tells whom it speaks for (Postfix's XCLIENT_README).

use std::net::IpAddr;

/// What the proxy knows of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// This.
    Known(T),
    /// `[UNAVAILABLE]`: there is nothing to know.
    Unavailable,
    /// `[TEMPUNAVAIL]`: it could not be found out.
    TemporarilyUnavailable,
}

/// The attributes of one XCLIENT command; those not given stay as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Xclient {
    /// `NAME`: the client's host name.
    pub name: Option<Told<Box<str>>>,
    /// `ADDR`: the client's address.
    pub addr: Option<Told<IpAddr>>,
    /// `PORT`: the client's port.
    pub port: Option<Told<u16>>,
    /// `PROTO`: whether the client spoke ESMTP.
    pub extended: Option<Told<bool>>,
    /// `HELO`: the client's greeting name.
    pub helo: Option<Told<Box<str>>>,
    /// `LOGIN`: the login that the proxy has checked.
    pub login: Option<Told<Box<str>>>,
    /// `DESTADDR`: the address the client connected to.
    pub dest_addr: Option<Told<IpAddr>>,
    /// `DESTPORT`: the port the client connected to.
    pub dest_port: Option<Told<u16>>,
}

impl Xclient {
    /// Reads the arguments of the command; none when an attribute is unknown, twice or malformed.
    #[must_use]
    pub fn parse(arguments: &str) -> Option<Self> {
        let mut told = Self::default();
        let mut any = false;
        for argument in arguments.split(' ').filter(|word| !word.is_empty()) {
            let (attribute, value) = argument.split_once('=')?;
            told.set(&attribute.to_ascii_uppercase(), value)?;
            any = true;
        }
        any.then_some(told)
    }

    fn set(&mut self, attribute: &str, value: &str) -> Option<()> {
        match attribute {
            "NAME" => once(&mut self.name, value, word),
            "ADDR" => once(&mut self.addr, value, address),
            "PORT" => once(&mut self.port, value, |v| v.parse().ok()),
            "PROTO" => once(&mut self.extended, value, proto),
            "HELO" => once(&mut self.helo, value, word),
            "LOGIN" => once(&mut self.login, value, word),
            "DESTADDR" => once(&mut self.dest_addr, value, address),
            "DESTPORT" => once(&mut self.dest_port, value, |v| v.parse().ok()),
            _ => None,
        }
    }
}

fn once<T>(
    slot: &mut Option<Told<T>>,
    value: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<()> {
    if slot.is_some() {
        return None;
    }
    *slot = Some(if value.eq_ignore_ascii_case("[UNAVAILABLE]") {
        Told::Unavailable
    } else if value.eq_ignore_ascii_case("[TEMPUNAVAIL]") {
        Told::TemporarilyUnavailable
    } else {
        Told::Known(read(value)?)
    });
    Some(())
}

/// Text as xtext, without control characters.
fn word(value: &str) -> Option<Box<str>> {
    let text = super::params::Xtext::parse(value)?;
    (!text.as_str().is_empty()).then(|| text.as_str().into())
}

fn address(value: &str) -> Option<IpAddr> {
    match value.split_at_checked(5) {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("IPV6:") => v6.parse().ok().map(IpAddr::V6),
        _ => value.parse().ok(),
    }
}

fn proto(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("ESMTP") {
        Some(true)
    } else {
        value.eq_ignore_ascii_case("SMTP").then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_attribute() {
        let told = Xclient::parse(
            "NAME=spike.example ADDR=192.0.2.1 PORT=4711 proto=ESMTP HELO=a+2Bb LOGIN=al \
             DESTADDR=IPV6:2001:db8::1 DESTPORT=25",
        )
        .unwrap();
        assert_eq!(told.name, Some(Told::Known("spike.example".into())));
        assert_eq!(told.addr, Some(Told::Known([192, 0, 2, 1].into())));
        assert_eq!(told.port, Some(Told::Known(4711)));
        assert_eq!(told.extended, Some(Told::Known(true)));
        assert_eq!(told.helo, Some(Told::Known("a+b".into())));
        assert_eq!(told.login, Some(Told::Known("al".into())));
        assert_eq!(told.dest_addr, "2001:db8::1".parse().ok().map(Told::Known));
        assert_eq!(told.dest_port, Some(Told::Known(25)));
        let told = Xclient::parse("NAME=[UNAVAILABLE] HELO=[tempunavail]").unwrap();
        assert_eq!(told.name, Some(Told::Unavailable));
        assert_eq!(told.helo, Some(Told::TemporarilyUnavailable));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for wrong in [
            "",
            " ",
            "NAME",
            "NAME=",
            "NAME=a NAME=b",
            "FOO=bar",
            "ADDR=spike",
            "PORT=70000",
            "PROTO=LMTP",
            "HELO=a+0Ab",
            "ADDR=IPV6:192.0.2.1",
        ] {
            assert_eq!(Xclient::parse(wrong), None, "{wrong:?}");
        }
    }
}
