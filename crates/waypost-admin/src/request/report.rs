//! Where long work says how far it is, and hears that it should stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::Progress;

/// Progress kept for a reader who is slow; more is left out.
const PROGRESS_KEPT: usize = 16;

/// The end of the one who works.
#[derive(Debug, Clone)]
pub struct Report {
    progress: mpsc::Sender<Progress>,
    cancelled: Arc<AtomicBool>,
}

/// The end of the one who follows the work.
#[derive(Debug)]
pub struct Following {
    progress: mpsc::Receiver<Progress>,
    cancelled: Arc<AtomicBool>,
}

impl Report {
    /// A report and who follows it.
    #[must_use]
    pub fn new() -> (Self, Following) {
        let (sender, receiver) = mpsc::channel(PROGRESS_KEPT);
        let cancelled = Arc::new(AtomicBool::new(false));
        let report = Self {
            progress: sender,
            cancelled: Arc::clone(&cancelled),
        };
        let following = Following {
            progress: receiver,
            cancelled,
        };
        (report, following)
    }

    /// Says it, unless nobody listens or the reader is slow.
    pub fn progress(&self, what: &str, done: u64, total: u64) {
        // A step that is left out is made good by the next one.
        let _ = self.progress.try_send(Progress {
            what: what.to_owned(),
            done,
            total,
        });
    }

    /// Waits until nobody listens any more.
    pub async fn left(&self) {
        self.progress.closed().await;
    }

    /// Whether the work should stop, leaving nothing half done.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Following {
    /// The next step; none when the work has ended.
    pub async fn next(&mut self) -> Option<Progress> {
        self.progress.recv().await
    }

    /// Listens no more; the work goes on.
    pub fn leave(&mut self) {
        self.progress.close();
    }

    /// What stops the work, for whoever may want to later.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        Cancel(Arc::clone(&self.cancelled))
    }
}

/// Stops a piece of work.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The work stops at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
