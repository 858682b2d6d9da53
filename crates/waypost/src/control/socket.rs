//! Listens on the control socket; only the server's own user and root are answered.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use waypost_admin::Control;
use waypost_admin::request::{Answer, Caller, REQUEST_MAX, Refused, Report, Request};

/// The owner's alone; root's too, as everything.
const MODE: u32 = 0o600;
/// Commands that run at once.
const COMMANDS_MAX: usize = 32;
/// What a request may hold before it waits for the one place for large ones.
const SMALL_REQUEST: u64 = 1 << 20;
/// For a request to arrive, or an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who asks over the socket, for the audit.
const ADMINISTRATOR: &str = "administrator";
const COMMAND_LINE: &str = "command line";

/// The socket, removed when dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Takes the place of a socket that an earlier process left behind.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let listener = waypost_mta::net::bind_unix(path, MODE)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// Answers for ever.
    pub(crate) async fn serve(self, control: Arc<dyn Control>) {
        let places = Arc::new(Places {
            commands: Semaphore::new(COMMANDS_MAX),
            large: Semaphore::new(1),
        });
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(session(stream, Arc::clone(&control), Arc::clone(&places)));
                }
                Err(error) => {
                    tracing::warn!("control socket cannot accept: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A socket left behind is replaced by the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Places {
    commands: Semaphore,
    large: Semaphore,
}

async fn session(stream: UnixStream, control: Arc<dyn Control>, places: Arc<Places>) {
    let peer = stream.peer_cred();
    let (reader, mut writer) = stream.into_split();
    let own = rustix::process::geteuid().as_raw();
    let answer = match peer.map(|peer| peer.uid()) {
        Ok(uid) if uid == 0 || uid == own => command(reader, &mut writer, &control, &places).await,
        Ok(uid) => Err(Refused::new(format!(
            "user {uid} may not control this server"
        ))),
        Err(error) => Err(Refused::new(format!("cannot tell who asks: {error}"))),
    };
    let answer = match answer {
        Ok(value) => Answer::Result(value),
        Err(refused) => Answer::Error(refused),
    };
    if let Err(error) = send(&mut writer, &answer).await {
        tracing::debug!("control client went away: {error}");
    }
}

async fn command(
    reader: OwnedReadHalf,
    writer: &mut OwnedWriteHalf,
    control: &Arc<dyn Control>,
    places: &Places,
) -> Result<serde_json::Value, Refused> {
    let Ok(_place) = places.commands.try_acquire() else {
        let text = format!("{COMMANDS_MAX} commands are running; try again when one is done");
        return Err(Refused::later(text));
    };
    let request = request(reader, places).await?;
    let (report, mut following) = Report::new();
    let caller = Caller {
        name: ADMINISTRATOR.to_owned(),
        from: COMMAND_LINE.to_owned(),
    };
    let answer = tokio::spawn(Arc::clone(control).answer(caller, request, report));
    while let Some(step) = following.next().await {
        // The command goes on when its client is gone: it is all or nothing.
        let sent = send(writer, &Answer::Progress(step)).await;
        if sent.is_err() {
            following.leave();
            break;
        }
    }
    answer
        .await
        .map_err(|_| Refused::new("the command failed inside the server; see its log"))?
}

async fn request(reader: OwnedReadHalf, places: &Places) -> Result<Request, Refused> {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    read_line(&mut reader, &mut line, SMALL_REQUEST).await?;
    let mut place = None;
    if !line.ends_with(b"\n") {
        place = places.large.acquire().await.ok();
        read_line(&mut reader, &mut line, REQUEST_MAX - SMALL_REQUEST).await?;
    }
    if !line.ends_with(b"\n") {
        let text = format!("the request is longer than {REQUEST_MAX} bytes, or not whole");
        return Err(Refused::new(text));
    }
    let request = serde_json::from_slice(&line);
    drop(place);
    request.map_err(|error| Refused::new(format!("cannot read the request: {error}")))
}

async fn read_line(
    reader: &mut BufReader<OwnedReadHalf>,
    line: &mut Vec<u8>,
    most: u64,
) -> Result<(), Refused> {
    let mut limited = reader.take(most);
    match timeout(PATIENCE, limited.read_until(b'\n', line)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Refused::new(format!("cannot read the request: {error}"))),
        Err(_) => Err(Refused::new("the request did not arrive in time")),
    }
}

async fn send(writer: &mut OwnedWriteHalf, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    timeout(PATIENCE, writer.write_all(&line)).await?
}
