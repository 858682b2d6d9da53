//! A host that hands out an MTA-STS policy over HTTPS, on the port that the standard fixes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tls::Identity;
use crate::wait::PATIENCE;

/// The port of HTTPS; binding it needs root.
const PORT: u16 = 443;

/// A good answer with this policy.
#[must_use]
pub fn good(policy: &str) -> String {
    answer("200 OK", "text/plain", policy)
}

/// An answer with a status, a type and a body.
#[must_use]
pub fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nLocation: /other\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A running host; ended when dropped.
pub struct PolicyHost {
    address: SocketAddr,
    shared: Arc<Shared>,
    answering: Option<JoinHandle<()>>,
}

struct Shared {
    answer: Mutex<String>,
    asked: Mutex<Vec<String>>,
    closing: AtomicBool,
    config: Arc<ServerConfig>,
}

impl PolicyHost {
    /// Starts a host on port 443 of this address, with this certificate, that always gives this
    /// answer.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound, which needs root.
    pub fn start(address: IpAddr, identity: &Identity, answer: String) -> Result<Self> {
        let address = SocketAddr::new(address, PORT);
        let listener = TcpListener::bind(address)
            .with_context(|| format!("bind {address}, as HTTPS must: run this test as root"))?;
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            asked: Mutex::default(),
            closing: AtomicBool::new(false),
            config: Arc::clone(&identity.config),
        });
        let of_thread = Arc::clone(&shared);
        let answering = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if of_thread.closing.load(Ordering::SeqCst) {
                    return;
                }
                // A client that does not like the certificate goes away.
                let _ = serve(stream, &of_thread);
            }
        });
        Ok(Self {
            address,
            shared,
            answering: Some(answering),
        })
    }

    /// Gives another answer from now on.
    pub fn change(&self, answer: String) {
        *lock(&self.shared.answer) = answer;
    }

    /// The first lines of all requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for PolicyHost {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let connection = ServerConnection::new(Arc::clone(&shared.config))?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        anyhow::ensure!(reader.read_line(&mut request)? > 0, "the client is gone");
    }
    let first = request.lines().next().unwrap_or_default().to_owned();
    lock(&shared.asked).push(first);
    let answer = lock(&shared.answer).clone();
    let stream = reader.get_mut();
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
