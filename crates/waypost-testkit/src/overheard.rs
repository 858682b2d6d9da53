//! Somebody between two servers who changes nothing and hears everything.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};

use crate::wait;

/// What was said, piece by piece as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Somebody connected.
    Connected,
    /// By who connected.
    Client(Vec<u8>),
    /// By who was connected to.
    Server(Vec<u8>),
}

/// Listens on an address of its own and hands everything on; ended when dropped.
pub struct Overheard {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    server: SocketAddr,
    pieces: Mutex<Vec<Piece>>,
    streams: Mutex<Vec<TcpStream>>,
    closing: AtomicBool,
}

impl Overheard {
    /// Between whoever connects to this address and that server, which need not run yet.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start(address: IpAddr, server: SocketAddr) -> Result<Self> {
        let address = SocketAddr::new(address, crate::site::SMTP_PORT);
        let listener = TcpListener::bind(address).with_context(|| format!("bind {address}"))?;
        let shared = Arc::new(Shared {
            server,
            pieces: Mutex::default(),
            streams: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let of_acceptor = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &of_acceptor));
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Where it is to be connected to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that was said.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        lock(&self.shared.pieces).clone()
    }

    /// All that clients said, in one text.
    #[must_use]
    pub fn clients(&self) -> String {
        let mut said = Vec::new();
        for piece in self.pieces() {
            if let Piece::Client(octets) = piece {
                said.extend_from_slice(&octets);
            }
        }
        String::from_utf8_lossy(&said).into_owned()
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        let pieces = self.pieces();
        pieces
            .iter()
            .filter(|piece| **piece == Piece::Connected)
            .count()
    }

    /// Whether the client said these two things without a word of the server between them.
    #[must_use]
    pub fn in_one_flight(&self, first: &str, second: &str) -> bool {
        let mut flight = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Client(octets) => flight.push_str(&String::from_utf8_lossy(&octets)),
                Piece::Server(_) | Piece::Connected => flight.clear(),
            }
            let begins = flight.find(first);
            if begins.is_some_and(|at| flight[at..].contains(second)) {
                return true;
            }
        }
        false
    }

    /// Waits until clients have said these words.
    ///
    /// # Errors
    ///
    /// When they do not; what they said is in the error.
    pub fn wait_for(&self, words: &str) -> Result<()> {
        wait::until(&format!("{words:?} to be said"), || {
            self.clients().contains(words).then_some(())
        })
        .with_context(|| format!("{:#?}", self.clients()))
    }
}

impl Drop for Overheard {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for stream in lock(&self.shared.streams).iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((client, _)) = listener.accept() {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        // A client whose server is not there is left alone.
        let _ = join(client, shared);
    }
}

fn join(client: TcpStream, shared: &Arc<Shared>) -> Result<()> {
    let server = TcpStream::connect(shared.server)?;
    lock(&shared.pieces).push(Piece::Connected);
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        lock(&shared.streams).push(stream.try_clone()?);
    }
    let (from_client, from_server) = (client.try_clone()?, server.try_clone()?);
    let heard = Arc::clone(shared);
    thread::spawn(move || pass_on(from_client, server, &heard, Piece::Client));
    let heard = Arc::clone(shared);
    thread::spawn(move || pass_on(from_server, client, &heard, Piece::Server));
    Ok(())
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, shared: &Shared, piece: fn(Vec<u8>) -> Piece) {
    let mut octets = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut octets) {
        lock(&shared.pieces).push(piece(octets[..read].to_vec()));
        if to.write_all(&octets[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
