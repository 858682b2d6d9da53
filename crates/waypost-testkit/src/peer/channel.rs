//! A connection of a peer, plain or under TLS.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(super) enum Channel {
    Plain(TcpStream),
    Secured(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Channel {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secured(stream) => &stream.sock,
        }
    }

    pub(super) fn set_nodelay(&self) -> Result<()> {
        self.tcp().set_nodelay(true)
    }

    pub(super) fn shutdown(&self) -> Result<()> {
        self.tcp().shutdown(Shutdown::Both)
    }

    pub(super) fn is_secured(&self) -> bool {
        matches!(self, Self::Secured(_))
    }

    /// The same connection under TLS; the handshake goes on with what is read and written.
    pub(super) fn secured(&self, config: &Arc<ServerConfig>) -> anyhow::Result<Self> {
        let connection = ServerConnection::new(Arc::clone(config))?;
        let stream = StreamOwned::new(connection, self.tcp().try_clone()?);
        Ok(Self::Secured(Box::new(stream)))
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Secured(stream) => stream.read(buffer),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, octets: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(octets),
            Self::Secured(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secured(stream) => stream.flush(),
        }
    }
}
