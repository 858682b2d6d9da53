//! From a place to a connection that is ready for a transaction: greeting, TLS, login.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use waypost_directory::TlsPolicy;
use waypost_proto::mail::Domain;
use waypost_proto::smtp::client::{Event, Opening, Session};
use waypost_proto::smtp::reply::RemoteReply;

use super::hosts::{Place, Remote, To, Way};
use super::security::{By, Demand, Need, Security, Terms, TlsVersion};
use super::tls::{ClientTls, version_of};
use super::trial::{Shared, Step, tapped};
use super::{Limits, Settings, Trouble};
use crate::net::{self, Endpoint, Stream};
use crate::{event, metrics};

/// Room for what is read at once; replies are short.
const INPUT_OCTETS: usize = 4096;

/// A stream, secured or not.
#[derive(Debug)]
pub(super) enum Io {
    Plain(Stream),
    Secured(Box<TlsStream<Stream>>),
    /// Taken for a handshake that did not succeed.
    Gone,
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secured(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Secured(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Secured(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secured(stream) => Pin::new(stream).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// A connection with its session.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) io: Io,
    pub(super) session: Session,
    /// As the log names it.
    pub(super) host: String,
    pub(super) input: Box<[u8]>,
    /// How it is secured; none to the mail store here.
    pub(super) security: Option<Security>,
    /// Messages and questions so far.
    pub(super) transactions: u32,
    /// Whether it was used before and kept: then it may have ended meanwhile.
    pub(super) is_kept: bool,
    /// Follows what is said, when it is only tried.
    pub(super) tap: Option<Shared>,
}

impl Connection {
    /// Whether the other end has hung up or said something unasked; asks nobody and waits not.
    pub(super) fn has_ended(&mut self) -> bool {
        let mut octet = [0];
        let mut buf = ReadBuf::new(&mut octet);
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut self.io)
            .poll_read(&mut cx, &mut buf)
            .is_ready()
    }

    /// Says QUIT if that can be done at once, and hangs up.
    pub(super) fn quit(mut self) {
        self.session.quit();
        let said = std::mem::take(self.session.output());
        tapped(self.tap.as_ref(), |tap| tap.transcript.note(true, &said));
        let mut cx = Context::from_waker(Waker::noop());
        // Courtesy: whether it arrives makes no difference.
        let _ = Pin::new(&mut self.io).poll_write(&mut cx, &said);
        let _ = Pin::new(&mut self.io).poll_flush(&mut cx);
    }
}

/// Why a connection is not ready.
enum Failed {
    /// The host said something that ends it.
    Other(Trouble),
    /// TLS could not be had; another connection without it may do.
    Tls(Trouble),
    /// Nobody was there, or nobody who says a word.
    Unreached(Trouble),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Other(trouble)
    }
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    hostname: String,
    source: Option<IpAddr>,
    limits: Limits,
    tls: Arc<ClientTls>,
}

impl Connector {
    pub(super) fn new(settings: &Settings, tls: Arc<ClientTls>) -> Self {
        Self {
            hostname: settings.hostname.to_string(),
            source: settings.source,
            limits: settings.limits.clone(),
            tls,
        }
    }

    /// A connection ready for a transaction, secured as the way demands.
    ///
    /// Opportunistic TLS that fails is left out in a second connection; demanded TLS never is.
    pub(super) async fn open(&self, place: &Place, way: &Way) -> Result<Connection, Trouble> {
        self.open_with(place, way, None).await
    }

    /// The same, followed by a tap.
    pub(super) async fn open_tapped(
        &self,
        place: &Place,
        way: &Way,
        tap: &Shared,
    ) -> Result<Connection, Trouble> {
        self.open_with(place, way, Some(tap)).await
    }

    /// A connection secured whatever the certificate is, to look at it; nothing is said over it.
    pub(super) async fn look_at_certificate(
        &self,
        place: &Place,
        way: &Way,
    ) -> Result<Connection, Trouble> {
        let To::Remote(remote) = &way.to else {
            return Err(Trouble::transient(
                4,
                1,
                "the mail store here has no certificate",
            ));
        };
        let way = Way::remote(Remote {
            tls: TlsPolicy::Required,
            tls_pin: None,
            ..Remote::new(remote.host.clone(), remote.port)
        });
        self.open_with(place, &way, None).await
    }

    async fn open_with(
        &self,
        place: &Place,
        way: &Way,
        tap: Option<&Shared>,
    ) -> Result<Connection, Trouble> {
        let mut terms = Terms::of(place, way)?;
        let failed = loop {
            match self.open_once((place, way), &terms, tap).await {
                Ok(connection) => {
                    if let Some(security) = connection.security {
                        metrics::secured(security);
                    }
                    return Ok(connection);
                }
                Err(Failed::Tls(trouble)) => match terms.weaker() {
                    Some(weaker) => {
                        match &place.demand {
                            Demand::Policy(domain, _) if terms.by() == By::MtaSts => {
                                event::policy_tested(place, domain, &trouble);
                            }
                            _ => event::tls_left_out(place, &trouble),
                        }
                        tapped(tap, |tap| tap.transcript.mark("again without TLS"));
                        terms = weaker.clone();
                    }
                    None => {
                        metrics::not_secured(terms.by());
                        break Failed::Tls(terms.explain(trouble));
                    }
                },
                Err(other) => break other,
            }
        };
        Err(match failed {
            Failed::Other(trouble) | Failed::Tls(trouble) => {
                trouble.at_host(&place.to_string()).unopened()
            }
            Failed::Unreached(trouble) => trouble.unopened(),
        })
    }

    async fn open_once(
        &self,
        (place, way): (&Place, &Way),
        terms: &Terms,
        tap: Option<&Shared>,
    ) -> Result<Connection, Failed> {
        let reached = |step| tapped(tap, |tap| tap.step = step);
        reached(Step::Connect);
        let mut connection = Connection {
            io: Io::Plain(self.connect(place).await.map_err(Failed::Unreached)?),
            session: Session::new(way.dialect, &self.hostname),
            host: place.to_string(),
            security: None,
            input: vec![0; INPUT_OCTETS].into(),
            transactions: 0,
            is_kept: false,
            tap: tap.cloned(),
        };
        reached(Step::Greeting);
        greet(&mut connection, way).await?;
        reached(Step::StartTls);
        let version = self.secure(&mut connection, (place, way), terms).await?;
        if matches!(way.to, To::Remote(_)) {
            connection.security = Some(terms.met(version));
        }
        if let Some((login, password)) = way.login() {
            reached(Step::Login);
            // Without TLS only where the administrator has said so in as many words.
            if version.is_none() && way.tls().0 != TlsPolicy::Off {
                let text = "the login is not sent over a connection that is not encrypted";
                return Err(Trouble::transient(7, 11, text).into());
            }
            if !connection.session.authenticate(login, password.expose()) {
                let text = "the host offers neither AUTH PLAIN nor AUTH LOGIN";
                return Err(Trouble::transient(7, 4, text).into());
            }
            expect(&mut connection, &Event::Authenticated, way).await?;
        }
        reached(Step::Ready);
        Ok(connection)
    }

    async fn connect(&self, place: &Place) -> Result<Stream, Trouble> {
        let connecting = async {
            match &place.endpoint {
                Endpoint::Inet(address) => net::connect(*address, self.source).await,
                Endpoint::Unix(path) => net::connect_unix(path).await,
            }
        };
        match timeout(self.limits.connect_timeout, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                let text = format!("connect to {place}: {error}");
                Err(Trouble::transient(4, 1, text))
            }
            Err(_) => {
                let text = format!("connect to {place}: no answer in time");
                Err(Trouble::transient(4, 1, text))
            }
        }
    }

    /// Secures the connection by its terms; what it speaks then, none: no TLS.
    async fn secure(
        &self,
        connection: &mut Connection,
        (place, way): (&Place, &Way),
        terms: &Terms,
    ) -> Result<Option<TlsVersion>, Failed> {
        match (terms.need, connection.session.offered().starttls) {
            (Need::Never, _) | (Need::WhereOffered, false) => return Ok(None),
            (Need::Always, false) => {
                let text = "TLS is required, but the host does not offer STARTTLS";
                return Err(Failed::Tls(Trouble::transient(7, 4, text)));
            }
            (Need::WhereOffered | Need::Always, true) => {}
        }
        connection.session.start_tls();
        expect(connection, &Event::StartTls, way).await?;
        let Io::Plain(stream) = std::mem::replace(&mut connection.io, Io::Gone) else {
            return Err(Trouble::transient(5, 0, "the host is out of step").into());
        };
        tapped(connection.tap.as_ref(), |tap| {
            tap.step = Step::Handshake;
            tap.transcript.mark("TLS handshake");
        });
        let name = terms
            .server_name()
            .map_or(place.name.as_str(), Domain::as_str);
        let shaking = self.tls.handshake(stream, name, &terms.proof);
        let shaken = timeout(self.limits.handshake_timeout, shaking).await;
        let shaken = shaken.unwrap_or_else(|_| Err("no answer in time".into()));
        let stream = shaken.map_err(|why| {
            let text = format!("TLS handshake with {place}: {why}");
            Failed::Tls(Trouble::transient(7, 5, text))
        })?;
        let version = version_of(&stream);
        connection.io = Io::Secured(Box::new(stream));
        connection.session.secured();
        tapped(connection.tap.as_ref(), |tap| tap.step = Step::Greeting);
        expect(connection, &Event::Ready, way).await?;
        Ok(Some(version))
    }
}

async fn greet(connection: &mut Connection, way: &Way) -> Result<(), Failed> {
    expect(connection, &Event::Ready, way).await
}

/// The reply without what a login consists of, in case the host repeats what it was sent.
fn without_login(reply: RemoteReply, way: &Way) -> RemoteReply {
    let Some((login, password)) = way.login() else {
        return reply;
    };
    let password = password.expose();
    let plain = STANDARD.encode(format!("\0{login}\0{password}"));
    reply.without(&[&plain, &STANDARD.encode(password), password])
}

/// Waits for this event; everything else is a failure.
async fn expect(connection: &mut Connection, wanted: &Event, way: &Way) -> Result<(), Failed> {
    match connection.event().await {
        Ok(event) if event == *wanted => Ok(()),
        Ok(Event::Refused(opening, reply)) => {
            let trouble = Trouble::refused(without_login(reply, way));
            match opening {
                Opening::StartTls => Err(Failed::Tls(trouble.softened())),
                // A wrong password is no fault of the message.
                Opening::Auth => Err(Failed::Other(trouble.softened())),
                _ if way.is_configured => Err(Failed::Other(trouble.softened())),
                Opening::Greeting | Opening::Hello => Err(Failed::Other(trouble)),
            }
        }
        Ok(_) => Err(Trouble::transient(5, 0, "the host is out of step").into()),
        Err(lost) => {
            let host = &connection.host;
            let trouble = Trouble::transient(4, 2, format!("{host}: {lost}"));
            if connection.session.heard() == 0 {
                return Err(Failed::Unreached(trouble));
            }
            if *wanted == Event::StartTls {
                return Err(Failed::Tls(trouble));
            }
            Err(trouble.into())
        }
    }
}
