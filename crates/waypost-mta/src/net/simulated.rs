//! Sockets of the simulated network of `turmoil`.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use turmoil::net::{TcpListener, TcpStream, UdpSocket};

/// Whether a host of a simulation is running on this thread.
pub(super) fn is_here() -> bool {
    turmoil::sim_elapsed().is_some()
}

/// What binding comes to, which waits for nothing in a simulation.
fn at_once<T>(binding: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match pin!(binding).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(bound) => bound,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// A listener.
pub struct Listener(TcpListener);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener")
            .field(&self.0.local_addr())
            .finish()
    }
}

impl Listener {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        at_once(TcpListener::bind(address)).map(Self)
    }

    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

/// A UDP socket, and the one peer that it hears, if it is connected.
pub struct Datagrams {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Datagrams").field(&self.peer).finish()
    }
}

impl Datagrams {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = at_once(UdpSocket::bind(address))?;
        Ok(Self { socket, peer: None })
    }

    pub(super) async fn connect(peer: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.connect(peer).await?;
        Ok(Self {
            socket,
            peer: Some(peer),
        })
    }

    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        let peer = self.peer.ok_or(io::ErrorKind::NotConnected)?;
        self.socket.send_to(datagram, peer).await
    }

    pub(super) async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket
            .recv_from(buffer)
            .await
            .map(|(length, _)| length)
    }

    pub(super) async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.send_to(datagram, to).await
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    pub(super) fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.try_recv_from(buffer)
    }
}
