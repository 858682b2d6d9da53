//! The PROXY protocol, versions 1 and 2: a load balancer tells whom it speaks for.
//!
//! Read before anything else, to the byte: what follows belongs to TLS or to SMTP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a header of version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Longest header of version 1, CRLF included.
const MAX_LINE_OCTETS: usize = 107;
/// Longest part of a version 2 header behind its first 16 octets that is read: addresses, and
/// whatever a balancer adds about TLS.
const MAX_V2_OCTETS: usize = 4096;

/// Why the header was not understood.
#[derive(Debug, Error)]
pub enum ProxyError {
    /// The connection ended or failed.
    #[error("the connection ended within the PROXY header")]
    Io(#[from] io::Error),
    /// Not a header, or a wrong one.
    #[error("there is no valid PROXY header")]
    Syntax,
}

/// Reads the header; gives the client's address, none when the proxy speaks for itself.
///
/// # Errors
///
/// [`ProxyError`]; the connection cannot be used then.
pub async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<SocketAddr>, ProxyError> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == SIGNATURE {
        return read_v2(stream).await;
    }
    let mut line = start.to_vec();
    while line.last() != Some(&b'\n') {
        if line.len() >= MAX_LINE_OCTETS || !line.starts_with(b"PROXY ") {
            return Err(ProxyError::Syntax);
        }
        line.push(stream.read_u8().await?);
    }
    let text = line.strip_suffix(b"\r\n").ok_or(ProxyError::Syntax)?;
    let text = std::str::from_utf8(text).map_err(|_| ProxyError::Syntax)?;
    parse_v1(text).ok_or(ProxyError::Syntax)
}

fn parse_v1(line: &str) -> Option<Option<SocketAddr>> {
    let mut words = line.split(' ');
    if words.next() != Some("PROXY") {
        return None;
    }
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let source: IpAddr = words.next()?.parse().ok()?;
    let _destination: IpAddr = words.next()?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    let _destination_port: u16 = words.next()?.parse().ok()?;
    let fits = match family {
        "TCP4" => source.is_ipv4(),
        "TCP6" => source.is_ipv6(),
        _ => false,
    };
    let whole = words.next().is_none();
    (fits && whole).then(|| Some(SocketAddr::new(source.to_canonical(), port)))
}

async fn read_v2<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<SocketAddr>, ProxyError> {
    let command = stream.read_u8().await?;
    let family = stream.read_u8().await?;
    let length = usize::from(stream.read_u16().await?);
    if length > MAX_V2_OCTETS {
        return Err(ProxyError::Syntax);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match command {
        // LOCAL: a health check of the balancer itself.
        0x20 => Ok(None),
        0x21 => parse_v2(family, &rest).ok_or(ProxyError::Syntax),
        _ => Err(ProxyError::Syntax),
    }
}

fn parse_v2(family: u8, rest: &[u8]) -> Option<Option<SocketAddr>> {
    let (source, port) = match family {
        0x11 => {
            let (source, behind) = rest.split_first_chunk::<4>()?;
            let port = behind.get(4..6)?;
            (IpAddr::V4(Ipv4Addr::from(*source)), port)
        }
        0x21 => {
            let (source, behind) = rest.split_first_chunk::<16>()?;
            let port = behind.get(16..18)?;
            (IpAddr::V6(Ipv6Addr::from(*source)), port)
        }
        // Unspecified, or not TCP: whom it speaks for is not told.
        _ => return Some(None),
    };
    let port = u16::from_be_bytes(port.try_into().ok()?);
    Some(Some(SocketAddr::new(source.to_canonical(), port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(header: &[u8]) -> Result<(Option<SocketAddr>, Vec<u8>), ProxyError> {
        let bytes = [header, b"EHLO x\r\n"].concat();
        let mut stream = &bytes[..];
        let client = read(&mut stream).await?;
        Ok((client, stream.to_vec()))
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn reads_exactly_the_header() {
        let v4 = [192, 0, 2, 1, 127, 0, 0, 1, 0x12, 0x34, 0, 25, 3, 0, 1, 9];
        let v6 = [&[0x20; 16][..], &[1; 16], &[0, 80, 0, 25]].concat();
        for (header, client) in [
            (
                b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 25\r\n".to_vec(),
                Some("192.0.2.1:4711"),
            ),
            (
                b"PROXY TCP6 2001:db8::1 ::1 4711 25\r\n".to_vec(),
                Some("[2001:db8::1]:4711"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), None),
            (v2(0x21, 0x11, &v4), Some("192.0.2.1:4660")),
            (
                v2(0x21, 0x21, &v6),
                Some("[2020:2020:2020:2020:2020:2020:2020:2020]:80"),
            ),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x21, 0x31, &[0; 216]), None),
        ] {
            let (found, behind) = read_all(&header).await.unwrap();
            assert_eq!(found, client.map(|text| text.parse().unwrap()));
            assert_eq!(behind, b"EHLO x\r\n");
        }
    }

    #[tokio::test]
    async fn refuses_what_is_no_header() {
        for header in [
            &b"EHLO mx.example.com\r\n"[..],
            b"PROXY TCP4 192.0.2.1 127.0.0.1 4711\r\n",
            b"PROXY TCP4 2001:db8::1 ::1 4711 25\r\n",
            b"PROXY TCP4 192.0.2.1 127.0.0.1 99999 25\r\n",
            b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 25 x\r\n",
            b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 25\n",
            &[b"PROXY ".to_vec(), vec![b'x'; 200]].concat(),
            &v2(0x31, 0x11, &[0; 12]),
            &v2(0x22, 0x11, &[0; 12]),
            &v2(0x21, 0x11, &[0; 5]),
            &v2(0x21, 0x11, &[0; 4097]),
        ] {
            read_all(header).await.unwrap_err();
        }
        let mut cut = &b"PROXY TCP4 192.0"[..];
        assert!(matches!(read(&mut cut).await, Err(ProxyError::Io(_))));
    }
}
