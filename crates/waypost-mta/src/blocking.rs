//! The only place from which work goes to threads that may block.
//!
//! In a simulation it is done at once instead: what threads do is over at another moment each time,
//! and a seed would not show the same twice.

#[cfg(not(feature = "simulation"))]
pub(crate) use tokio::task::spawn_blocking;

#[cfg(feature = "simulation")]
pub(crate) use simulated::spawn_blocking;

#[cfg(feature = "simulation")]
mod simulated {
    use tokio::task::{JoinError, JoinHandle};

    /// Work that is done, or goes on on a thread.
    enum Work<T> {
        Done(T),
        Elsewhere(JoinHandle<T>),
    }

    pub(crate) fn spawn_blocking<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, JoinError>> + Send {
        let work = match turmoil::in_simulation() {
            true => Work::Done(work()),
            false => Work::Elsewhere(tokio::task::spawn_blocking(work)),
        };
        async move {
            match work {
                Work::Done(result) => Ok(result),
                Work::Elsewhere(handle) => handle.await,
            }
        }
    }
}
