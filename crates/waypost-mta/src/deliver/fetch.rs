//! Fetches the policy of a domain over HTTPS (RFC 8461 §3.3).

use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use waypost_proto::mail::Domain;
use waypost_proto::mta_sts::{POLICY_MAX, Policy};

use super::security::Proof;
use super::tls::ClientTls;
use crate::dns::Dns;
use crate::net::{self, Stream};

/// For all of it: mail waits meanwhile (RFC 8461 §3.3 suggests a minute).
const PATIENCE: Duration = Duration::from_secs(30);
/// For one address of the host.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Addresses that are tried.
const ADDRESSES_MAX: usize = 4;
const PORT: u16 = 443;
const PATH: &str = "/.well-known/mta-sts.txt";

/// Fetches policies.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) dns: Dns,
    pub(super) source: Option<IpAddr>,
    pub(super) tls: Arc<ClientTls>,
}

/// A policy, and its text.
pub(super) type Fetched = (Policy, String);

impl Fetch {
    /// The policy that a domain's host hands out.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub(super) async fn policy(&self, domain: &Domain) -> Result<Fetched, String> {
        let fetching = async {
            let host = Domain::parse(&format!("mta-sts.{domain}"));
            let host = host.map_err(|error| error.to_string())?;
            let stream = self.connect(&host).await?;
            let text = exchange(stream, &host).await?;
            let policy = Policy::parse(&text).map_err(|error| error.to_string())?;
            Ok((policy, text))
        };
        let fetched = timeout(PATIENCE, fetching).await;
        fetched.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn connect(&self, host: &Domain) -> Result<TlsStream<Stream>, String> {
        let addresses = self.dns.addresses(host).await;
        let addresses = addresses.map_err(|error| format!("cannot look up {host}: {error}"))?;
        let mut why = String::new();
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            let at = SocketAddr::new(address, PORT);
            let connecting = timeout(CONNECT_PATIENCE, net::connect(at, self.source));
            match connecting.await {
                Ok(Ok(stream)) => {
                    let shaking = self.tls.handshake(stream, host.as_str(), &Proof::Roots);
                    let shaken = shaking.await;
                    return shaken.map_err(|why| format!("TLS with {host}[{address}]: {why}"));
                }
                Ok(Err(error)) => why = format!("connect to {host}[{address}]: {error}"),
                Err(_) => why = format!("connect to {host}[{address}]: no answer in time"),
            }
        }
        Err(why)
    }
}

async fn exchange(stream: TlsStream<Stream>, host: &Domain) -> Result<String, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let request = Request::get(PATH)
        .header(HOST, host.as_str())
        .header(USER_AGENT, "waypost")
        .body(String::new())
        .map_err(|error| error.to_string())?;
    let mut asking = pin!(async {
        let answer = sender.send_request(request).await;
        read(answer.map_err(|error| error.to_string())?).await
    });
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        answer = &mut asking => return answer,
        // What has come is still to be read; and how it ended, the reader learns.
        _ = &mut connection => {}
    }
    asking.await
}

/// The text of a good answer: no other place is gone to (RFC 8461 §3.3).
async fn read(answer: Response<Incoming>) -> Result<String, String> {
    if answer.status() != StatusCode::OK {
        return Err(format!("the answer is {}", answer.status()));
    }
    let kind = answer.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("text/plain") {
        return Err(format!("it is {kind:?} and not text/plain"));
    }
    let mut body = answer.into_body();
    let mut octets = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| error.to_string())?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if octets.len() + piece.len() > POLICY_MAX {
            return Err(format!("it is longer than {POLICY_MAX} octets"));
        }
        octets.extend_from_slice(&piece);
    }
    String::from_utf8(octets).map_err(|_| "it is no text".to_owned())
}
