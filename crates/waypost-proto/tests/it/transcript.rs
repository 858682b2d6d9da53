//! Runs `tests/transcripts` against a session in memory.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::dialogue::{Connection, Transcript};
use crate::server::Server;

struct InMemory {
    server: Server,
    heard: usize,
}

impl Connection for InMemory {
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.server.receive(bytes);
        Ok(())
    }

    fn reply(&mut self) -> Result<Option<Vec<String>>> {
        let reply = self.server.replies().get(self.heard).cloned();
        self.heard += 1;
        ensure!(
            reply.is_some() || self.server.session.is_closed(),
            "the server is silent"
        );
        Ok(reply)
    }

    fn start_tls(&mut self) -> Result<()> {
        self.server.session.secured();
        Ok(())
    }

    fn accepted(&mut self) -> Option<Vec<Vec<u8>>> {
        Some(self.server.messages.clone())
    }
}

#[test]
fn every_transcript_is_followed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts");
    let transcripts = Transcript::load_all(&folder).unwrap();
    assert!(transcripts.len() > 50, "only {}", transcripts.len());
    let mut differences = String::new();
    for transcript in transcripts {
        let server = Server::offering(&transcript.offer);
        let mut connection = InMemory { server, heard: 0 };
        if let Err(difference) = transcript.run(&mut connection) {
            differences += &format!("{difference:#}\n\n");
        }
        let unheard = connection
            .server
            .replies()
            .len()
            .saturating_sub(connection.heard);
        if unheard > 0 {
            differences += &format!("{}: replies left over\n", transcript.path.display());
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
