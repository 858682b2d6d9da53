//! The server's side of a session, driven in memory.

mod content;
mod oracle;
mod property;
mod server;
mod transcript;

/// The reader of dialogues, shared with the tests of the whole program; taken as a file because
/// the crate it lives in stands on this one.
#[expect(unreachable_pub, reason = "public where it lives")]
#[path = "../../../waypost-testkit/src/transcript.rs"]
mod dialogue;
