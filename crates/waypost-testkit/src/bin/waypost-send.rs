//! Sends one small message over SMTP, from a source address of one's choice: for `make run`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "saying what the server answered is what it is for"
)]

use std::env;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use waypost_testkit::dialogue::Dialogue;

const USAGE: &str = "usage: waypost-send SOURCE-IP SERVER:PORT SENDER RECIPIENT SUBJECT";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waypost-send: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [source, server, sender, recipient, subject] = arguments.as_slice() else {
        bail!(USAGE);
    };
    let source = source.parse().context(USAGE)?;
    let mut dialogue = Dialogue::open_from(source, server.parse().context(USAGE)?)?;
    let content = format!(
        "From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\n\r\n{subject}.\r\n"
    );
    let (replies, last) = dialogue.submit(sender, &[recipient], &content)?;
    let Some(last) = last else {
        dialogue.say("QUIT")?;
        bail!(
            "{recipient}: {}",
            replies.first().map_or("", |reply| &reply.text)
        );
    };
    println!("{sender} -> {recipient}: {}", last.text);
    dialogue.say("QUIT")?;
    if last.code != 250 {
        bail!("not taken");
    }
    Ok(())
}
