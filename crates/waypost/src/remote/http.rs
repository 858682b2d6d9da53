//! One HTTP request over TLS, or over plain TCP on a loopback address.

use std::fmt::Display;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, IF_MATCH};
use axum::http::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Place;
use super::route::Call;
use crate::cli::Failure;
use crate::trust;

/// For an answer to come; long work is a job, which answers at once.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest answer: a site file of a million users fits.
const ANSWER_MAX: usize = 512 << 20;

/// The server far away.
pub(super) struct Server {
    host: String,
    port: u16,
    /// As `Host` names it.
    authority: String,
    token: String,
    tls: Option<TlsConnector>,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) is_json: bool,
    body: Vec<u8>,
}

impl Server {
    pub(super) fn new(place: &Place) -> Result<Self, Failure> {
        let usage = |why: &str| Failure::Usage(format!("--url {}: {why}", place.url));
        let uri: Uri = place
            .url
            .parse()
            .map_err(|_| usage("write https://HOST or https://HOST:PORT"))?;
        let authority = uri
            .authority()
            .ok_or_else(|| usage("the host is missing"))?;
        if !matches!(uri.path(), "" | "/") || authority.as_str().contains('@') {
            return Err(usage("write no more than https://HOST:PORT"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let (tls, port) = match uri.scheme_str() {
            Some("https") => {
                let tls = trust::connector(place.ca.as_deref());
                let tls = tls.map_err(|error| Failure::failed(format!("--ca {error:#}")))?;
                (Some(tls), 443)
            }
            Some("http") if is_loopback(&host) => (None, 80),
            Some("http") => return Err(usage("the token would go over the network in clear")),
            _ => return Err(usage("write https://HOST:PORT")),
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(port),
            authority: authority.to_string(),
            host,
            token: place.token.clone(),
            tls,
        })
    }

    /// Sends it and waits for what comes back.
    pub(super) async fn ask(&self, call: &Call) -> Result<Reply, Failure> {
        let request = self.request(call)?;
        let asking = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
            let stream = stream.map_err(|error| self.unreachable(&error))?;
            match &self.tls {
                None => self.exchange(stream, request).await,
                Some(tls) => {
                    let name = ServerName::try_from(self.host.clone());
                    let name = name.map_err(|error| self.unreachable(&error))?;
                    let stream = tls.connect(name, stream).await;
                    let stream = stream.map_err(|error| self.unsecured(&error))?;
                    self.exchange(stream, request).await
                }
            }
        };
        match timeout(PATIENCE, asking).await {
            Ok(reply) => reply,
            Err(_) => Err(self.unreachable(&"it does not answer")),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Body>, Failure> {
        let path = match call.path.strip_prefix("//") {
            Some(path) => format!("/{path}"),
            None => format!("/api/v1{}", call.path),
        };
        let mut request = Request::builder()
            .method(call.method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(revision) = call.revision {
            request = request.header(IF_MATCH, format!("\"{revision}\""));
        }
        let body = match &call.body {
            None => Body::empty(),
            Some((kind, text)) => {
                request = request.header(CONTENT_TYPE, *kind);
                Body::from(text.clone())
            }
        };
        let request = request.body(body);
        request.map_err(|error| Failure::Usage(format!("the token cannot be sent: {error}")))
    }

    async fn exchange<S>(&self, stream: S, request: Request<Body>) -> Result<Reply, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let gone = |error: &dyn Display| self.unreachable(error);
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| gone(&error))?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let (parts, body) = answer.map_err(|error| gone(&error))?.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_MAX).await;
        let body = body.map_err(|error| gone(&error))?;
        connection.abort();
        let kind = parts.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Ok(Reply {
            status: parts.status.as_u16(),
            is_json: kind.contains("json"),
            body: body.into(),
        })
    }

    /// Why there is no TLS; a certificate that is not believed will not be later either.
    fn unsecured(&self, error: &io::Error) -> Failure {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(why)) => Failure::failed(format!(
                "the certificate of the server at {} is not believed: {why}; if it is right, give \
                 --ca FILE with it, or with that of the authority that has signed it",
                self.authority
            )),
            _ => self.unreachable(error),
        }
    }

    fn unreachable(&self, error: &dyn Display) -> Failure {
        let Self { authority, .. } = self;
        Failure::Later(format!("cannot reach the server at {authority}: {error}"))
    }
}

impl Reply {
    pub(super) fn json(&self) -> Result<Value, Failure> {
        let read = serde_json::from_slice(&self.body);
        read.map_err(|_| {
            let text = format!("what answers with {} is no Waypost", self.status);
            Failure::failed(text)
        })
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}
