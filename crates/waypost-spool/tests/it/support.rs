//! What the tests of the spool share.

use std::path::Path;
use std::time::{Duration, SystemTime};

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Committed, Envelope, Recipient, Settings, Spool, Unavailable};

pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) fn open(dir: &Path) -> Spool {
    Spool::open(dir, Settings::default()).unwrap().0
}

pub(crate) fn envelope(recipient: &str) -> Envelope {
    let address = Mailbox::parse(recipient).unwrap();
    Envelope {
        reverse_path: ReversePath::parse("<sender@example.net>").unwrap(),
        params: MailParams::default(),
        side: Side::Stranger,
        client: "client.example.net[192.0.2.1]".to_owned(),
        protocol: "ESMTP".to_owned(),
        message_key: "<1@example.net>".to_owned(),
        recipients: vec![Recipient::new(
            address,
            now(),
            now() + Duration::from_secs(432_000),
        )],
        hold: None,
        signatures: String::new(),
    }
}

pub(crate) fn commit(spool: &Spool, content: &[u8]) -> Result<Committed, Unavailable> {
    commit_to(spool, content, envelope("jdoe@example.com"))
}

pub(crate) fn commit_to(
    spool: &Spool,
    content: &[u8],
    envelope: Envelope,
) -> Result<Committed, Unavailable> {
    let mut staged = spool.stage(now())?;
    for piece in content.chunks(8192) {
        staged.write(piece)?;
    }
    spool.commit(staged, envelope).wait()
}

/// Content that is different for each number and hard to mistake.
pub(crate) fn content(number: u64, len: usize) -> Vec<u8> {
    let line = format!("Subject: {number}\r\n\r\nline of message {number}\r\n");
    line.bytes().cycle().take(len).collect()
}

/// Waits for something that the spool does by itself.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..12_000 {
        if done() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{what} did not happen");
}
