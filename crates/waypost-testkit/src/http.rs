//! An HTTP client for tests: one connection, one request after the other, nothing clever.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::site::Site;
use crate::wait::PATIENCE;

/// What the first administrator has after his first login.
pub const PASSWORD: &str = "long enough to be good 7";

/// One who asks: with a token, with a session, or as nobody.
pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<Channel>>,
    /// `Name: value` of each request.
    headers: Vec<(String, String)>,
    /// With whose certificates, and under which name; none: plain HTTP.
    secured: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// TCP, or TLS over it.
type Channel = Box<dyn Stream>;

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// What was in it.
    pub body: Vec<u8>,
}

impl Client {
    /// Nobody, yet.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
            headers: Vec::new(),
            secured: None,
        }
    }

    /// Nobody, over TLS to a server of this name.
    ///
    /// # Errors
    ///
    /// When the name is none.
    pub fn secured(address: SocketAddr, name: &str, config: Arc<ClientConfig>) -> Result<Self> {
        let name = ServerName::try_from(name.to_owned())?;
        Ok(Self {
            secured: Some((config, name)),
            ..Self::new(address)
        })
    }

    /// Whoever has the token.
    #[must_use]
    pub fn with_token(address: SocketAddr, token: &str) -> Self {
        let mut client = Self::new(address);
        client.says("Authorization", &format!("Bearer {token}"));
        client
    }

    /// The first administrator of a site that has just begun, with [`PASSWORD`] from now on.
    ///
    /// # Errors
    ///
    /// When he is not let in.
    pub fn first_admin(site: &Site) -> Result<Self> {
        let file = site.dir().join("data/admin0-password");
        let password = fs::read_to_string(&file).context("read the one-time password")?;
        let mut client = Self::log_in(site.console(), "admin0", password.trim())?;
        let page = client.get("/password")?.text();
        let csrf = page.split("name=\"csrf\" value=\"").nth(1);
        let csrf = csrf.and_then(|rest| rest.split('"').next());
        let csrf = csrf.context("the page has no anti-forgery token")?;
        client.says("X-CSRF-Token", csrf);
        let words = PASSWORD.replace(' ', "+");
        let form = format!("password={words}&again={words}");
        let answer = client.ask(
            "POST",
            "/password",
            Some(("application/x-www-form-urlencoded", &form)),
        )?;
        ensure!(
            answer.status == 303,
            "the password was not changed: {answer:?}"
        );
        Ok(client)
    }

    /// A session, without the word that its changes need.
    ///
    /// # Errors
    ///
    /// When the login is refused.
    pub fn log_in(address: SocketAddr, login: &str, password: &str) -> Result<Self> {
        let mut client = Self::new(address);
        client.begin(login, password)?;
        Ok(client)
    }

    /// Begins a session; what the server answered.
    ///
    /// # Errors
    ///
    /// When the login is refused.
    pub fn begin(&mut self, login: &str, password: &str) -> Result<Answer> {
        let credentials = serde_json::json!({ "login": login, "password": password });
        let answer = self.send("POST", "/api/v1/session", &credentials)?;
        ensure!(
            answer.status == 200,
            "{login} was not let in: {}",
            answer.text()
        );
        let cookie = answer.header("set-cookie").context("no session")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        self.says("Cookie", &cookie);
        Ok(answer)
    }

    /// Says this in every request from now on.
    pub fn says(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Says this no more.
    pub fn forgets(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
    }

    /// GET.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, None)
    }

    /// A request with a JSON body.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub fn send(&mut self, method: &str, path: &str, body: &serde_json::Value) -> Result<Answer> {
        self.ask(method, path, Some(("application/json", &body.to_string())))
    }

    /// A request with or without a body of a type.
    ///
    /// # Errors
    ///
    /// When there is no answer, also not over a new connection.
    pub fn ask(&mut self, method: &str, path: &str, body: Option<(&str, &str)>) -> Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in &self.headers {
            request += &format!("{name}: {value}\r\n");
        }
        if let Some((kind, text)) = body {
            request += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", text.len());
        }
        request += "\r\n";
        request += body.map_or("", |(_, text)| text);
        if let Some(connection) = self.connection.take()
            && let Ok(answer) = self.exchange(connection, &request)
        {
            return Ok(answer);
        }
        // The server may have closed a connection that was kept.
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let channel: Channel = match &self.secured {
            None => Box::new(stream),
            Some((config, name)) => {
                let tls = ClientConnection::new(Arc::clone(config), name.clone())?;
                Box::new(StreamOwned::new(tls, stream))
            }
        };
        let asked = self.exchange(BufReader::new(channel), &request);
        asked.with_context(|| format!("{method} {path}"))
    }

    fn exchange(&mut self, mut connection: BufReader<Channel>, request: &str) -> Result<Answer> {
        connection.get_mut().write_all(request.as_bytes())?;
        connection.get_mut().flush()?;
        let (answer, stays) = read(&mut connection, request.starts_with("HEAD"))?;
        self.connection = stays.then_some(connection);
        Ok(answer)
    }
}

/// An answer, and whether the connection stays.
fn read(connection: &mut BufReader<Channel>, is_head: bool) -> Result<(Answer, bool)> {
    let status = line(connection)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut answer = Answer {
        status: status.context("no status")?,
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let header = line(connection)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        let name = name.to_lowercase();
        answer.headers.push((name, value.trim().to_owned()));
    }
    if is_head || matches!(answer.status, 204 | 304) {
        return Ok((answer, true));
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let length = usize::from_str_radix(&line(connection)?, 16)?;
            let mut piece = vec![0; length];
            connection.read_exact(&mut piece)?;
            line(connection)?;
            if length == 0 {
                break;
            }
            answer.body.extend(piece);
        }
        return Ok((answer, true));
    }
    let length = answer.header("content-length").map(str::parse);
    match length.transpose()? {
        Some(length) => {
            answer.body.resize(length, 0);
            connection.read_exact(&mut answer.body)?;
            Ok((answer, true))
        }
        None => {
            connection.read_to_end(&mut answer.body)?;
            Ok((answer, false))
        }
    }
}

fn line(connection: &mut BufReader<Channel>) -> Result<String> {
    let mut line = String::new();
    ensure!(
        connection.read_line(&mut line)? > 0,
        "the server closed the connection"
    );
    Ok(line.trim_end().to_owned())
}

impl Answer {
    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| self.text())
    }
}
