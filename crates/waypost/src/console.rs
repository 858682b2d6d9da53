//! Serves the console over HTTP: connections, their limits, TLS, and the first administrator.
//!
//! On a loopback address the console speaks plain HTTP, unless that is not wanted; anywhere else it
//! speaks HTTPS with the server's certificate, since passwords and sessions pass over it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use waypost_admin::Origin;
use waypost_directory::{
    Actor, AdminRecord, Directory, Edit, Nowhere, Object, Page, PasswordHash, Role, When,
};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::net::{Endpoint, Listener, Stream};
use waypost_mta::tls::Certificate;

/// Connections at a time; more wait until one is closed.
const CONNECTIONS_MAX: usize = 512;
/// For a TLS handshake, and for the head of a request to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// The head of a request.
const HEAD_MAX: usize = 64 << 10;
/// After an error of the system that more connections would only repeat.
const PAUSE: Duration = Duration::from_secs(1);

/// The login of the first administrator.
const FIRST_ADMIN: &str = "admin0";

/// A console's socket, bound but not open.
pub(crate) struct Bound {
    listener: Listener,
    pub(crate) address: SocketAddr,
}

impl Bound {
    /// Binds it; the key of the configuration is for the error.
    pub(crate) fn new(key: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let listener = Listener::bind(&Endpoint::Inet(address));
        let listener = listener.with_context(|| format!("{key}: cannot use {address}"))?;
        let address = match listener.endpoint()? {
            Endpoint::Inet(bound) => bound,
            Endpoint::Unix(_) => address,
        };
        Ok(Self { listener, address })
    }
}

/// What secures connections.
pub(crate) struct Security {
    pub(crate) certificate: Arc<Certificate>,
    /// Those to loopback addresses too.
    pub(crate) on_loopback: bool,
}

impl Security {
    /// The certificate for connections to this address; none: they are plain HTTP.
    fn at(&self, address: SocketAddr) -> Option<Arc<Certificate>> {
        let is_secured = self.on_loopback || !address.ip().is_loopback();
        is_secured.then(|| Arc::clone(&self.certificate))
    }
}

/// Serves on all of them until it is aborted.
pub(crate) async fn serve(bound: Vec<Bound>, router: Router, security: Security) {
    open(bound, router, |address| security.at(address)).await;
}

/// As [`serve`], in plain HTTP wherever it is.
pub(crate) async fn serve_plain(bound: Vec<Bound>, router: Router) {
    open(bound, router, |_| None).await;
}

async fn open(
    bound: Vec<Bound>,
    router: Router,
    certificate: impl Fn(SocketAddr) -> Option<Arc<Certificate>>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut listeners = JoinSet::new();
    for Bound { listener, address } in bound {
        let door = Door {
            listener,
            router: router.clone(),
            certificate: certificate(address),
            places: Arc::clone(&places),
        };
        listeners.spawn(door.open());
    }
    while listeners.join_next().await.is_some() {}
}

struct Door {
    listener: Listener,
    router: Router,
    /// None: plain HTTP.
    certificate: Option<Arc<Certificate>>,
    places: Arc<Semaphore>,
}

impl Door {
    async fn open(self) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return;
            };
            let (stream, address) = match self.listener.accept().await {
                Ok((stream, Some(address))) => (stream, address),
                Ok((_, None)) => continue,
                Err(error) => {
                    tracing::warn!("no HTTP connection can be accepted: {error}");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let origin = Origin {
                address,
                is_secure: self.certificate.is_some(),
            };
            let router = self.router.clone().layer(axum::Extension(origin));
            let certificate = self.certificate.clone();
            connections.spawn(async move {
                let _place = place;
                if let Err(error) = connection(stream, router, certificate).await {
                    tracing::debug!("HTTP connection from {address}: {error}");
                }
            });
        }
    }
}

async fn connection(
    stream: Stream,
    router: Router,
    certificate: Option<Arc<Certificate>>,
) -> anyhow::Result<()> {
    match certificate {
        None => requests(stream, router).await,
        Some(certificate) => {
            let handshake = certificate.acceptor(false).accept(stream);
            requests(timeout(PATIENCE, handshake).await??, router).await
        }
    }
}

async fn requests<S>(stream: S, router: Router) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

/// Where the first administrator's one-time password is until he has changed it.
pub(crate) fn password_file(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{FIRST_ADMIN}-password"))
}

/// Makes `admin0` with a one-time password, if there is no administrator yet.
pub(crate) fn first_admin(directory: &Directory, data_dir: &Path) -> anyhow::Result<()> {
    let one = Page {
        domain: None,
        after: 0,
        limit: 1,
    };
    if !directory.admins(&one)?.is_empty() {
        return Ok(());
    }
    let password = waypost_admin::secret::one_time_password().context("no random bytes")?;
    let file = password_file(data_dir);
    write_private(&file, &password).with_context(|| format!("cannot write {}", file.display()))?;
    let mut admin = AdminRecord::new(FIRST_ADMIN, Role::Superadministrator);
    admin.password = Some(PasswordHash::make(&password)?);
    admin.must_change = true;
    let actor = Actor {
        name: "waypost",
        from: "first start",
        at: SystemClock.wall(),
    };
    directory
        .edit(
            &actor,
            &Nowhere,
            &[Edit::Put(Object::Admin(admin), When::Absent)],
        )
        .context("cannot make the first administrator")?;
    tracing::info!(
        "{FIRST_ADMIN} was made; the password for the first login is in {}",
        file.display()
    );
    Ok(())
}

/// Takes the one-time password away when it was changed.
pub(crate) fn forget_password(data_dir: &Path, login: &str) {
    if login != FIRST_ADMIN {
        return;
    }
    let file = password_file(data_dir);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(
                "cannot remove {}: {error}; remove it by hand",
                file.display()
            );
        }
        _ => {}
    }
}

fn write_private(file: &Path, password: &str) -> io::Result<()> {
    // One that is left from a start that failed is replaced, whoever made it.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut opened = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    opened.write_all(password.as_bytes())?;
    opened.write_all(b"\n")?;
    opened.sync_all()
}
