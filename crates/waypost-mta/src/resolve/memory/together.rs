//! A question asked once, however many wait for its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::Key;
use crate::resolve::ask::Heard;

/// The questions that are being asked.
#[derive(Default)]
pub(super) struct Together(Mutex<HashMap<Key, Arc<OnceCell<Heard>>>>);

impl Together {
    /// Waits for the answer with everybody who waits for it; the first one asks, and when he gives
    /// up the next one does.
    pub(super) async fn answer(&self, key: Key, ask: impl Future<Output = Heard>) -> Heard {
        let waiting = Waiting::new(self, key);
        let heard = waiting.cell.get_or_init(|| ask).await;
        heard.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<OnceCell<Heard>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who wait; the last one to go clears the question away.
struct Waiting<'a> {
    together: &'a Together,
    key: Key,
    cell: Arc<OnceCell<Heard>>,
}

impl<'a> Waiting<'a> {
    fn new(together: &'a Together, key: Key) -> Self {
        let cell = Arc::clone(together.lock().entry(key.clone()).or_default());
        Self {
            together,
            key,
            cell,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut asking = self.together.lock();
        let ours = asking
            .get(&self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // The table's share and this one; an answer is taken from memory from now on.
        if ours && (self.cell.initialized() || Arc::strong_count(&self.cell) == 2) {
            asking.remove(&self.key);
        }
    }
}
