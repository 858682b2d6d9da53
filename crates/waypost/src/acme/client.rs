//! HTTPS to an authority.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// For one request with its answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer: a chain of certificates fits many times.
const ANSWER_MAX: usize = 1 << 20;

/// Asks over a connection of its own each time: an order is a dozen requests in two months.
pub(super) struct Client(pub(super) TlsConnector);

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let tls = self.0.clone();
        Box::pin(async move {
            let asked = timeout(PATIENCE, exchange(&tls, request)).await;
            let answer = asked.unwrap_or_else(|_| Err(anyhow!("no answer in {PATIENCE:?}")));
            answer.map_err(|error| Error::Other(format!("{error:#}").into()))
        })
    }
}

async fn exchange(
    tls: &TlsConnector,
    mut request: Request<BodyWrapper<Bytes>>,
) -> anyhow::Result<BytesResponse> {
    let uri = request.uri().clone();
    anyhow::ensure!(uri.scheme_str() == Some("https"), "{uri} is not https");
    let authority = uri.authority().context("a URL without a host")?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let port = authority.port_u16().unwrap_or(443);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    let value = HeaderValue::from_str(authority.as_str())?;
    request.headers_mut().insert(HOST, value);
    let asked = async {
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        let stream = tls
            .connect(ServerName::try_from(host.clone())?, stream)
            .await?;
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
        let connection = tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_MAX).await?;
        connection.abort();
        anyhow::Ok(BytesResponse {
            parts,
            body: Box::new(body),
        })
    };
    asked
        .await
        .with_context(|| format!("cannot ask {authority}"))
}
