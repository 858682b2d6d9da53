//! What other servers said of addresses, kept over restarts by a thread of its own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use waypost_directory::{AnswerKey, AnswerStore, GatewayId, KeptAnswer};
use waypost_mta::resolve::{Answer, Authority, Keep, Kept};
use waypost_proto::route::TargetId;

/// Changes that may wait to be written; more are lost, and their addresses asked about again.
const WAITING: usize = 100_000;
/// Changes are gathered this long, so that busy servers write rarely.
const GATHER: Duration = Duration::from_millis(500);

/// Answers that are restored together, and how many such pieces wait for that.
const PIECE: usize = 10_000;
const PIECES: usize = 2;

type Change = (AnswerKey, Option<KeptAnswer>);

/// The thread that writes, and the way to it.
pub(crate) struct Answers(Mutex<Option<Writer>>);

struct Writer {
    changes: mpsc::Sender<Change>,
    thread: JoinHandle<()>,
}

impl Answers {
    /// Opens the file; what it keeps comes piece by piece, while the server is running already. A
    /// file that cannot be opened is made anew.
    pub(crate) fn open(file: &Path, most: usize) -> anyhow::Result<(Self, Receiver<Vec<Kept>>)> {
        let opened = AnswerStore::open(file).or_else(|error| {
            tracing::warn!("{} is made anew: {error}", file.display());
            std::fs::remove_file(file)
                .with_context(|| format!("cannot remove {}", file.display()))?;
            AnswerStore::open(file).with_context(|| format!("cannot make {}", file.display()))
        });
        let store = opened?;
        // Its room grows with what waits.
        let (changes, waiting) = mpsc::channel(WAITING);
        let (pieces, kept) = sync_channel(PIECES);
        let thread = std::thread::Builder::new()
            .name("answers".to_owned())
            .spawn(move || {
                read(&store, &pieces);
                drop(pieces);
                write(store, waiting, most);
            })
            .context("cannot start the thread that keeps answers")?;
        let writer = Writer { changes, thread };
        Ok((Self(Mutex::new(Some(writer))), kept))
    }

    /// Writes what waits; what comes later is not kept.
    pub(crate) fn close(&self) {
        let writer = self.lock().take();
        if let Some(Writer { changes, thread }) = writer {
            drop(changes);
            thread.thread().unpark();
            // A bug there has been logged by the panic itself.
            let _ = thread.join();
        }
    }

    fn change(&self, key: AnswerKey, answer: Option<KeptAnswer>) {
        if let Some(writer) = &*self.lock() {
            // Full: the disk is slow, and asking again is cheaper than waiting for it.
            let _ = writer.changes.try_send((key, answer));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Writer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keep for Answers {
    fn keep(&self, kept: Kept) {
        let answer = KeptAnswer {
            active: kept.answer == Answer::Active,
            given: kept.given,
        };
        self.change(key(kept.authority, &kept.address), Some(answer));
    }

    fn forget(&self, authority: Authority, address: &str) {
        self.change(key(authority, address), None);
    }
}

/// Reads everything, for whoever restores it; nobody may want it any more.
fn read(store: &AnswerStore, pieces: &SyncSender<Vec<Kept>>) {
    let mut piece = Vec::with_capacity(PIECE);
    let read = store.each(|key, answer| {
        piece.extend(kept((key, answer)));
        if piece.len() >= PIECE {
            let _ = pieces.send(std::mem::take(&mut piece));
        }
    });
    let _ = pieces.send(piece);
    if let Err(error) = read {
        tracing::warn!("answers of other servers from before the restart are lost: {error}");
    }
}

fn write(mut store: AnswerStore, mut waiting: mpsc::Receiver<Change>, most: usize) {
    while let Some((key, answer)) = waiting.blocking_recv() {
        std::thread::park_timeout(GATHER);
        // Of several changes of one answer the last one counts.
        let mut changes = HashMap::from([(key, answer)]);
        let more = std::iter::from_fn(|| waiting.try_recv().ok());
        changes.extend(more.take(WAITING));
        let changes: Vec<_> = changes.into_iter().collect();
        if let Err(error) = store.change(&changes, most) {
            let count = changes.len();
            tracing::warn!("{count} answers of other servers were not kept: {error}");
        }
    }
}

fn key(authority: Authority, address: &str) -> AnswerKey {
    let (word, number) = written(authority);
    AnswerKey {
        authority: word.into(),
        number,
        address: address.into(),
    }
}

/// An authority as a word and a number.
pub(crate) fn written(authority: Authority) -> (&'static str, u32) {
    match authority {
        Authority::Callout(target) => ("callout", target.0),
        Authority::Delivery(target) => ("delivery", target.0),
        Authority::Gateway(gateway) => ("gateway", gateway.0),
        Authority::List(gateway) => ("list", gateway.0),
        Authority::Peer(target) => ("peer", target.0),
    }
}

/// The authority that is written so; none: it is of a later release.
pub(crate) fn authority(word: &str, number: u32) -> Option<Authority> {
    let (target, gateway) = (TargetId(number), GatewayId(number));
    Some(match word {
        "callout" => Authority::Callout(target),
        "delivery" => Authority::Delivery(target),
        "gateway" => Authority::Gateway(gateway),
        "list" => Authority::List(gateway),
        "peer" => Authority::Peer(target),
        _ => return None,
    })
}

fn kept((key, answer): (AnswerKey, KeptAnswer)) -> Option<Kept> {
    Some(Kept {
        authority: authority(&key.authority, key.number)?,
        address: key.address,
        answer: if answer.active {
            Answer::Active
        } else {
            Answer::Unknown
        },
        given: answer.given,
    })
}
