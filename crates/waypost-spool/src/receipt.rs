//! The answer of the writer thread, as a future that needs no particular runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Unavailable;

/// What was asked for is on disk once this is ready with `Ok`.
///
/// Dropping it does not take back what was asked: a commit whose receipt was dropped is in the
/// spool all the same, and is found there at the next start. Await it in a task that is not
/// cancelled half-way.
#[must_use = "nothing is known to be on disk before the receipt is ready"]
#[derive(Debug)]
pub struct Receipt<T> {
    slot: Arc<Slot<T>>,
}

/// The writer's end of a receipt. Dropped without an answer, it answers `Closed`.
#[derive(Debug)]
pub(crate) struct Promise<T> {
    slot: Option<Arc<Slot<T>>>,
}

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    answered: Condvar,
}

#[derive(Debug)]
struct State<T> {
    answer: Option<Result<T, Unavailable>>,
    waker: Option<Waker>,
}

impl<T> Slot<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A receipt and the promise that answers it.
pub(crate) fn pair<T>() -> (Promise<T>, Receipt<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State {
            answer: None,
            waker: None,
        }),
        answered: Condvar::new(),
    });
    let promise = Promise {
        slot: Some(Arc::clone(&slot)),
    };
    (promise, Receipt { slot })
}

impl<T> Promise<T> {
    /// Answers, and wakes who waits.
    pub(crate) fn answer(mut self, answer: Result<T, Unavailable>) {
        self.settle(answer);
    }

    fn settle(&mut self, answer: Result<T, Unavailable>) {
        let Some(slot) = self.slot.take() else {
            return;
        };
        let waker = {
            let mut state = slot.state();
            state.answer = Some(answer);
            state.waker.take()
        };
        slot.answered.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.settle(Err(Unavailable::Closed));
    }
}

impl<T> Receipt<T> {
    /// Blocks the calling thread until the answer is there.
    ///
    /// # Errors
    ///
    /// Why nothing of what was asked counts as stored.
    pub fn wait(self) -> Result<T, Unavailable> {
        let mut state = self.slot.state();
        loop {
            if let Some(answer) = state.answer.take() {
                return answer;
            }
            state = self
                .slot
                .answered
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Receipt<T> {
    /// Blocks the calling thread until the answer is there, and leaves it there.
    pub(crate) fn until_answered(&self) {
        let mut state = self.slot.state();
        while state.answer.is_none() {
            let woken = self.slot.answered.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Future for Receipt<T> {
    type Output = Result<T, Unavailable>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.state();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;
    use std::thread;

    use super::*;

    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    #[test]
    fn a_receipt_is_a_future_that_any_executor_can_poll() {
        let (promise, mut receipt) = pair::<u32>();
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut receipt).poll(&mut cx).is_pending());
        let writer = thread::spawn(|| promise.answer(Ok(7)));
        loop {
            match Pin::new(&mut receipt).poll(&mut cx) {
                Poll::Ready(answer) => break assert_eq!(answer, Ok(7)),
                Poll::Pending => thread::park(),
            }
        }
        writer.join().unwrap();
    }

    #[test]
    fn a_receipt_can_be_waited_for_without_a_runtime() {
        let (promise, receipt) = pair::<u32>();
        let writer = thread::spawn(|| promise.answer(Err(Unavailable::Full)));
        assert_eq!(receipt.wait(), Err(Unavailable::Full));
        writer.join().unwrap();
    }

    #[test]
    fn a_promise_that_is_dropped_answers_that_the_spool_is_closed() {
        let (promise, receipt) = pair::<u32>();
        drop(promise);
        assert_eq!(receipt.wait(), Err(Unavailable::Closed));
    }
}
