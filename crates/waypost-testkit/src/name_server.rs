//! A small name server: answers over UDP from a table that a test may change while it runs.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};

/// A question fits into so many octets (RFC 1035 §4.2.1).
const DATAGRAM_OCTETS: usize = 512;
/// Octets in front of the question (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;
/// Longest string of a TXT record (RFC 1035 §3.3).
const STRING_OCTETS: usize = 255;
/// How long an answer may be kept: not at all, so that a change is seen at once.
const TTL: [u8; 4] = [0; 4];

const A: u16 = 1;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const TLSA: u16 = 52;

/// In the second octet of flags of an answer: it is signed (RFC 4035 §3.2.3).
const AD: u8 = 0x20;
/// In the third octet of the TTL of an OPT record: the client wants to know (RFC 3225 §3).
const DO: u8 = 0x80;

const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;

/// What a name server knows; a name that is not in it does not exist.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    records: HashMap<String, Vec<(u16, Vec<u8>)>>,
    failing: HashSet<String>,
    signed: HashSet<String>,
}

impl Zone {
    /// Adds an A or AAAA record.
    #[must_use]
    pub fn host(self, name: &str, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => self.record(name, A, v4.octets().to_vec()),
            IpAddr::V6(v6) => self.record(name, AAAA, v6.octets().to_vec()),
        }
    }

    /// Adds an MX record; the host `.` says that the domain takes no mail (RFC 7505).
    #[must_use]
    pub fn mx(self, name: &str, preference: u16, host: &str) -> Self {
        let mut octets = preference.to_be_bytes().to_vec();
        octets.extend(wire_name(host));
        self.record(name, MX, octets)
    }

    /// Adds a TXT record.
    #[must_use]
    pub fn txt(self, name: &str, text: &str) -> Self {
        let mut octets = Vec::new();
        for piece in text.as_bytes().chunks(STRING_OCTETS) {
            octets.extend(u8::try_from(piece.len()));
            octets.extend(piece);
        }
        self.record(name, TXT, octets)
    }

    /// Adds a TLSA record for the mail service of a host: usage, selector and matching type, and the
    /// data in hexadecimal.
    #[must_use]
    pub fn tlsa(self, host: &str, numbers: [u8; 3], data: &str) -> Self {
        let digits = data.as_bytes().chunks(2);
        let octets = digits.filter_map(|two| {
            let two = str::from_utf8(two).ok()?;
            u8::from_str_radix(two, 16).ok()
        });
        let octets = numbers.into_iter().chain(octets).collect();
        self.record(&tlsa_name(host), TLSA, octets)
    }

    /// Says of answers about a name that they are signed, to those who ask for that; and so of its
    /// TLSA records.
    #[must_use]
    pub fn signed(mut self, name: &str) -> Self {
        self.signed.insert(name.to_owned());
        self.signed.insert(tlsa_name(name));
        self
    }

    /// Says no longer that the TLSA records of a host are signed.
    #[must_use]
    pub fn unsigned_tlsa(mut self, host: &str) -> Self {
        self.signed.remove(&tlsa_name(host));
        self
    }

    /// Answers every question about the TLSA records of a host with SERVFAIL, as a resolver does
    /// that finds them bogus.
    #[must_use]
    pub fn bogus_tlsa(self, host: &str) -> Self {
        self.failing(&tlsa_name(host))
    }

    /// Answers every question about a name with SERVFAIL.
    #[must_use]
    pub fn failing(mut self, name: &str) -> Self {
        self.failing.insert(name.to_owned());
        self
    }

    fn record(mut self, name: &str, kind: u16, octets: Vec<u8>) -> Self {
        let records = self.records.entry(name.to_owned()).or_default();
        records.push((kind, octets));
        self
    }

    /// The code and the records of an answer.
    fn answer(&self, name: &str, kind: u16) -> (u8, Vec<&[u8]>) {
        if self.failing.contains(name) {
            return (SERVFAIL, Vec::new());
        }
        let Some(records) = self.records.get(name) else {
            return (NXDOMAIN, Vec::new());
        };
        let fitting = records.iter().filter(|(known, _)| *known == kind);
        (0, fitting.map(|(_, octets)| octets.as_slice()).collect())
    }
}

/// A running name server; ended when dropped.
pub struct NameServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    answering: Option<JoinHandle<()>>,
}

struct Shared {
    zone: Mutex<Zone>,
    asked: Mutex<Vec<String>>,
    closing: AtomicBool,
}

impl NameServer {
    /// Starts a name server on a free port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub fn start(zone: Zone) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("bind a name server")?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            zone: Mutex::new(zone),
            asked: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let answering = thread::spawn(move || answer_all(&socket, &of_thread));
        Ok(Self {
            address,
            shared,
            answering: Some(answering),
        })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces all that it knows.
    pub fn change(&self, zone: Zone) {
        *lock(&self.shared.zone) = zone;
    }

    /// The names that it was asked about so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the thread.
        if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
            let _ = socket.send_to(&[], self.address);
        }
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer_all(socket: &UdpSocket, shared: &Shared) {
    let mut datagram = [0; DATAGRAM_OCTETS];
    while let Ok((length, client)) = socket.recv_from(&mut datagram) {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        let question = datagram.get(..length).unwrap_or_default();
        if let Some(reply) = reply(question, shared) {
            // A client that is gone needs no answer.
            let _ = socket.send_to(&reply, client);
        }
    }
}

/// The reply to a datagram; none to what is no question.
fn reply(question: &[u8], shared: &Shared) -> Option<Vec<u8>> {
    let (name, end) = read_name(question)?;
    let kind = question.get(end..end + 2)?;
    let kind = u16::from_be_bytes(kind.try_into().ok()?);
    lock(&shared.asked).push(name.clone());
    let zone = lock(&shared.zone);
    let (code, records) = zone.answer(&name, kind);
    // The question as it came, letter case included; extensions behind it are left out.
    let mut reply = question.get(..end + 4)?.to_vec();
    // A response, authoritative, recursion desired and available.
    let is_signed = zone.signed.contains(&name) && wants_signed(question, end + 4);
    let signed = if is_signed { AD } else { 0 };
    reply.splice(2..4, [0x85, 0x80 | signed | code]);
    reply.splice(6..8, u16::try_from(records.len()).ok()?.to_be_bytes());
    reply.splice(8..HEADER_OCTETS, [0; 4]);
    for octets in records {
        // A pointer to the name in the question, its type, class IN.
        reply.extend([0xc0, 0x0c]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1]);
        reply.extend(TTL);
        reply.extend(u16::try_from(octets.len()).ok()?.to_be_bytes());
        reply.extend(octets);
    }
    Some(reply)
}

/// Whether the record behind the question, if there is one, is an OPT record with DO.
fn wants_signed(question: &[u8], at: usize) -> bool {
    let [high, low] = OPT.to_be_bytes();
    match question.get(at..) {
        Some([0, one, two, _, _, _, _, flags, ..]) if [*one, *two] == [high, low] => {
            flags & DO != 0
        }
        _ => false,
    }
}

fn tlsa_name(host: &str) -> String {
    format!("_25._tcp.{host}")
}

/// The name in lower case, and where it ends.
fn read_name(question: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = HEADER_OCTETS;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        let label = question.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        octets.extend(u8::try_from(label.len()));
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}
