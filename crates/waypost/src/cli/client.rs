//! Talks to the running server over its control socket.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;
use waypost_admin::request::{Answer, Cause, Fault, Refused, Request};

use super::output::Bar;
use super::{Common, Failure};
use crate::{config, remote};

/// Sends a request and waits for its result; shows progress on a terminal.
pub(crate) fn call(common: &Common, request: &Request) -> Result<Value, Failure> {
    if let Some(place) = common.place()? {
        let bar = Bar::new();
        return remote::call(&place, request, &|step| bar.show(step));
    }
    let loaded = config::load(&common.config).map_err(anyhow::Error::from)?;
    let socket = loaded.config.control_socket();
    let mut stream = UnixStream::connect(&socket).map_err(|e| unreachable(&e, &socket, common))?;
    let mut line = serde_json::to_vec(request).map_err(anyhow::Error::from)?;
    line.push(b'\n');
    stream.write_all(&line).map_err(|e| gone(&e))?;
    answer(BufReader::new(stream))
}

fn answer(mut reader: BufReader<UnixStream>) -> Result<Value, Failure> {
    let bar = Bar::new();
    let mut line = String::new();
    loop {
        line.clear();
        let length = reader.read_line(&mut line).map_err(|e| gone(&e))?;
        if length == 0 {
            return Err(gone(&io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_str(&line).map_err(anyhow::Error::from)? {
            Answer::Error(refused) => return Err(failure(&refused)),
            Answer::Progress(progress) => bar.show(&progress),
            Answer::Result(value) => return Ok(value),
        }
    }
}

/// What the server's refusal means for the exit code and the person.
pub(crate) fn failure(refused: &Refused) -> Failure {
    let lines = refused.problems.iter().map(describe);
    let text: Vec<String> = std::iter::once(refused.message.clone())
        .chain(lines)
        .collect();
    let text = text.join("\n");
    if refused.cause == Cause::Later {
        Failure::Later(text)
    } else {
        Failure::failed(text)
    }
}

fn describe(fault: &Fault) -> String {
    let mut text = String::new();
    if let Some(line) = fault.line {
        text = format!("line {line}: ");
    }
    let Fault {
        object,
        field,
        message,
        mend,
        ..
    } = fault;
    text += object;
    if !field.is_empty() {
        text = format!("{text}: {field}");
    }
    text = format!("{text}: {message}");
    if !mend.is_empty() {
        text = format!("{text}; {mend}");
    }
    text
}

fn unreachable(error: &io::Error, socket: &Path, common: &Common) -> Failure {
    let socket = socket.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure::Later(format!(
            "the server is not running ({socket}: {error}); start it with `waypost serve \
             --config {}` and try again",
            common.config.display()
        )),
        io::ErrorKind::PermissionDenied => Failure::failed(format!(
            "cannot open {socket}: {error}; be root, or the user that the server runs as"
        )),
        _ => Failure::Later(format!("cannot reach the server at {socket}: {error}")),
    }
}

fn gone(error: &io::Error) -> Failure {
    Failure::Later(format!(
        "the server ended the connection ({error}); see its log, then try again"
    ))
}
