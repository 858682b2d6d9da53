//! Passwords: from a terminal without echo, from standard input or a file; never an
//! argument.

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::{Failure, output};

/// Asks twice on the terminal, without echo.
pub(super) fn ask() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "standard input is no terminal; use --password-stdin".to_owned(),
        ));
    }
    let first = hidden("Password: ")?;
    if hidden("Again: ")? != first {
        return Err(Failure::failed("the two passwords differ; nothing changed"));
    }
    checked(first)
}

/// The first line of standard input.
pub(super) fn read_stdin() -> Result<String, Failure> {
    checked(line()?)
}

/// The first line of a file, which is not in everybody's sight as an argument is; no name: none.
pub(super) fn in_file(path: Option<&str>) -> Result<Option<String>, Failure> {
    match path {
        None | Some("") => Ok(path.map(str::to_owned)),
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::failed(format!("cannot read {path}: {error}")))?;
            let line = text.lines().next().unwrap_or_default();
            if line.is_empty() {
                return Err(Failure::failed(format!("{path} is empty; nothing changed")));
            }
            Ok(Some(line.to_owned()))
        }
    }
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn checked(password: String) -> Result<String, Failure> {
    if password.is_empty() {
        return Err(Failure::failed("the password is empty; nothing changed"));
    }
    Ok(password)
}

fn hidden(prompt: &str) -> Result<String, Failure> {
    let terminal = io::stdin();
    let before = tcgetattr(&terminal).map_err(io::Error::from)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    output::ask(prompt);
    tcsetattr(&terminal, OptionalActions::Flush, &silent).map_err(io::Error::from)?;
    let answer = line();
    tcsetattr(&terminal, OptionalActions::Flush, &before).map_err(io::Error::from)?;
    output::tell("");
    answer
}
