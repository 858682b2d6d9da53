//! UDP sockets.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

#[cfg(feature = "simulation")]
use super::simulated;

/// A UDP socket.
#[derive(Debug)]
pub enum Datagrams {
    /// Of this machine.
    Inet(UdpSocket),
    /// Of a simulated one.
    #[cfg(feature = "simulation")]
    Simulated(simulated::Datagrams),
}

impl Datagrams {
    /// Where it is bound.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Inet(socket) => socket.local_addr(),
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.local(),
        }
    }

    /// Sends a datagram to the one peer.
    ///
    /// # Errors
    ///
    /// What the system says, also of a datagram before.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        match self {
            Self::Inet(socket) => socket.send(datagram).await,
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.send(datagram).await,
        }
    }

    /// Waits for a datagram of the one peer; how long it was, or as much of it as there is room for.
    ///
    /// # Errors
    ///
    /// What the system says, also of a datagram that was sent.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Inet(socket) => socket.recv(buffer).await,
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.recv(buffer).await,
        }
    }

    /// Sends a datagram to anybody.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        match self {
            Self::Inet(socket) => socket.send_to(datagram, to).await,
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.send_to(datagram, to).await,
        }
    }

    /// Waits until there may be a datagram.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Inet(socket) => socket.readable().await,
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.readable().await,
        }
    }

    /// Takes a datagram that is there, and says whose it is.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is none; what the system says.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match self {
            Self::Inet(socket) => socket.try_recv_from(buffer),
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.try_recv_from(buffer),
        }
    }
}
