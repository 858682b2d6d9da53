//! Beside programs that nobody here wrote. Each test prints a row of the table in
//! `docs/interop.md`, which `make interop` writes.

mod clients;
mod next_hop;
mod previous_hop;
mod scanners;

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;
use waypost_testkit::abroad::Abroad;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::wait;

/// Where rows are kept, when somebody wants them.
const ROWS: &str = "WAYPOST_INTEROP";

/// Notes what came out of something that was tried.
#[expect(clippy::print_stdout, reason = "who runs a test sees its row")]
pub(crate) fn note(program: &str, version: &str, role: &str, tried: &str, came_out: &str) {
    let row = format!("| {program} | {version} | {role} | {tried} | {came_out} |");
    println!("{row}");
    if let Some(folder) = std::env::var_os(ROWS) {
        let name = format!("{program} {role} {tried}").replace(['/', ' '], "_");
        fs::write(std::path::Path::new(&folder).join(name), row + "\n").unwrap();
    }
}

/// Hands a server one message: parameters may follow in `from` and `to`, behind the `>`.
fn hand_in(server: SocketAddr, from: &str, to: &[&str], content: &[u8]) -> Result<()> {
    let mut client = Dialogue::open(server)?;
    client.expect(&format!("MAIL FROM:{from}"), 250)?;
    for recipient in to {
        client.expect(&format!("RCPT TO:{recipient}"), 250)?;
    }
    client.expect("DATA", 354)?;
    client.send(content)?;
    client.expect(".", 250)?;
    Ok(())
}

/// A message of this subject and body; no line of it may begin with a dot.
fn written(subject: &str, body: &str) -> String {
    format!(
        "From: bob@example.net\r\nTo: somebody@example.com\r\nSubject: {subject}\r\n\
         Message-ID: <{}@example.net>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n{body}",
        subject.replace(' ', "-")
    )
}

/// Waits for a message with these words in a mailbox of a server abroad.
fn wait_for_mail<A: Abroad>(server: &A, login: &str, words: &[&str]) -> String {
    let found = wait::until(&format!("mail for {login} with {words:?}"), || {
        let mut messages = server.messages(login).into_iter();
        messages.find(|text| words.iter().all(|word| text.contains(word)))
    });
    found.unwrap_or_else(|error| {
        let all = server.messages(login).join("\n----\n");
        panic!("{error}\n{}\n{all}", server.log())
    })
}

/// The body of a message, with lines ended as in a message on its way.
fn body(message: &str) -> String {
    let message = message.replace("\r\n", "\n");
    let body = message.split_once("\n\n").map_or("", |(_, body)| body);
    body.replace('\n', "\r\n")
}

/// The first word behind `with` in the topmost Received field.
fn received_with(message: &str) -> String {
    let text = message.replace(['\r', '\n', '\t'], " ");
    let (_, behind) = text.split_once(" with ").unwrap();
    behind.split([' ', ';']).next().unwrap().to_owned()
}

/// Tests of one program in one role: `name => function, "what was tried"`.
macro_rules! tried {
    ($program:ty, $role:expr, $($name:ident => $tried:expr;)+) => {
        $(
            #[test]
            fn $name() {
                let (version, came_out) = super::$name::<$program>();
                $crate::interop::note(
                    <$program as waypost_testkit::abroad::Abroad>::NAME,
                    &version,
                    $role,
                    $tried,
                    &came_out,
                );
            }
        )+
    };
}
use tried;
