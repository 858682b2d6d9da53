//! The only place that opens sockets.
//!
//! Listeners and connections over TCP and Unix sockets, as one type each, so that what is above
//! does not care which it has; UDP sockets. With the feature `simulation`, whoever runs inside a
//! host of `turmoil` gets sockets of its network instead.

mod datagrams;
#[cfg(feature = "simulation")]
mod simulated;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixListener, UnixStream};

pub use datagrams::Datagrams;

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 1024;
/// Who may connect to a Unix socket: everybody who may enter its directory.
const SOCKET_MODE: u32 = 0o666;

/// Where to listen, or to connect to: `address:port` or `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// An IP address and a port.
    Inet(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// Text that is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected an address and port such as 127.0.0.1:25, or unix:/path/to/socket")]
pub struct EndpointError;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(_) => Err(EndpointError),
            None => text.parse().map(Self::Inet).map_err(|_| EndpointError),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A bound socket.
#[derive(Debug)]
pub enum Listener {
    /// Over TCP.
    Inet(TcpListener),
    /// Over a Unix socket, and its path.
    Unix(UnixListener, PathBuf),
    /// Over the simulated network.
    #[cfg(feature = "simulation")]
    Simulated(simulated::Listener),
}

impl Listener {
    /// Binds and listens; a Unix socket that nobody answers on is replaced.
    ///
    /// # Errors
    ///
    /// What the system says; [`io::ErrorKind::AddrInUse`] when another process answers there.
    pub fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            #[cfg(feature = "simulation")]
            Endpoint::Inet(address) if simulated::is_here() => {
                simulated::Listener::bind(*address).map(Self::Simulated)
            }
            Endpoint::Inet(address) => bind_inet(*address).map(Self::Inet),
            Endpoint::Unix(path) => {
                bind_unix(path, SOCKET_MODE).map(|listener| Self::Unix(listener, path.clone()))
            }
        }
    }

    /// Where it is bound, with the port that the system chose for port 0.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn endpoint(&self) -> io::Result<Endpoint> {
        match self {
            Self::Inet(listener) => listener.local_addr().map(Endpoint::Inet),
            Self::Unix(_, path) => Ok(Endpoint::Unix(path.clone())),
            #[cfg(feature = "simulation")]
            Self::Simulated(listener) => listener.local().map(Endpoint::Inet),
        }
    }

    /// Takes the next connection; also the client's address, none over a Unix socket.
    ///
    /// # Errors
    ///
    /// What the system says; most errors are about the one connection, or pass.
    pub async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Inet(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let address = SocketAddr::new(address.ip().to_canonical(), address.port());
                Ok((Stream::Inet(stream), Some(address)))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), None))
            }
            #[cfg(feature = "simulation")]
            Self::Simulated(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Simulated(stream), Some(address)))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // The next start replaces a socket that is left behind.
            let _ = rustix::fs::unlink(path.as_path());
        }
    }
}

fn bind_inet(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        // So that [::]:25 and 0.0.0.0:25 can both be listened on.
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds a Unix socket that has its mode from the first moment it can be found under its name.
///
/// # Errors
///
/// What the system says; [`io::ErrorKind::AddrInUse`] when another process answers there.
pub fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match rustix::fs::unlink(&fresh) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => (),
        Err(error) => return Err(error.into()),
    }
    let listener = UnixListener::bind(&fresh)?;
    rustix::fs::chmod(&fresh, Mode::from_raw_mode(mode))?;
    rustix::fs::rename(&fresh, path)?;
    Ok(listener)
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Inet(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
    /// Over the simulated network.
    #[cfg(feature = "simulation")]
    Simulated(turmoil::net::TcpStream),
}

impl Stream {
    /// The address of this end; none over a Unix socket.
    #[must_use]
    pub fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => stream.local_addr().ok(),
        }
    }
}

/// Whether a TCP listener can be bound there now; it is closed again at once.
///
/// # Errors
///
/// What the system says.
pub fn try_tcp(address: SocketAddr) -> io::Result<()> {
    std::net::TcpListener::bind(address).map(drop)
}

/// Whether the address is one of this machine's: only those can be bound.
#[must_use]
pub fn is_local(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind((ip, 0)).is_ok()
}

/// Connects over TCP, from the given local address if there is one.
///
/// # Errors
///
/// What the system says.
pub async fn connect(address: SocketAddr, source: Option<IpAddr>) -> io::Result<Stream> {
    #[cfg(feature = "simulation")]
    if simulated::is_here() {
        let stream = turmoil::net::TcpStream::connect(address).await?;
        return Ok(Stream::Simulated(stream));
    }
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A source of the other family cannot reach this address: the system chooses.
    if let Some(source) = source.filter(|source| source.is_ipv4() == address.is_ipv4()) {
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(Stream::Inet(stream))
}

/// Opens a UDP socket that hears this peer only, on a port that the system draws at random; from
/// the given local address if it is of the same family.
///
/// # Errors
///
/// What the system says.
pub async fn connect_udp(peer: SocketAddr, source: Option<IpAddr>) -> io::Result<Datagrams> {
    #[cfg(feature = "simulation")]
    if simulated::is_here() {
        let socket = simulated::Datagrams::connect(peer).await?;
        return Ok(Datagrams::Simulated(socket));
    }
    let any = match peer {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let source = source.filter(|source| source.is_ipv4() == peer.is_ipv4());
    let socket = UdpSocket::bind((source.unwrap_or(any), 0)).await?;
    socket.connect(peer).await?;
    Ok(Datagrams::Inet(socket))
}

/// Binds a UDP socket that hears everybody.
///
/// # Errors
///
/// What the system says.
pub fn bind_udp(address: SocketAddr) -> io::Result<Datagrams> {
    #[cfg(feature = "simulation")]
    if simulated::is_here() {
        return simulated::Datagrams::bind(address).map(Datagrams::Simulated);
    }
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    if address.is_ipv6() {
        // So that [::]:4069 and 0.0.0.0:4069 can both be listened on.
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    UdpSocket::from_std(socket.into()).map(Datagrams::Inet)
}

/// Connects to a Unix socket.
///
/// # Errors
///
/// What the system says.
pub async fn connect_unix(path: &Path) -> io::Result<Stream> {
    UnixStream::connect(path).await.map(Stream::Unix)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Inet(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Inet(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Inet(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Inet(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Inet(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn reads_and_prints_endpoints() {
        for text in ["127.0.0.1:25", "[::1]:25", "unix:/run/waypost/lmtp.sock"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for text in ["", "25", "localhost:25", "unix:relative", "127.0.0.1"] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError), "{text}");
        }
    }

    #[tokio::test]
    async fn connects_from_the_given_source_address() {
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let Endpoint::Inet(address) = listener.endpoint().unwrap() else {
            panic!("not an Internet address");
        };
        let source = Some("127.0.0.2".parse().unwrap());
        let _stream = connect(address, source).await.unwrap();
        let (_, client) = listener.accept().await.unwrap();
        assert_eq!(client.map(|client| client.ip()), source);
    }

    #[tokio::test]
    async fn replaces_a_dead_unix_socket_and_respects_a_living_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let dead = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(dead);
        let living = bind_unix(&path, 0o600).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refused = bind_unix(&path, 0o600).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(living);
    }
}
