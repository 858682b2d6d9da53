//! Several authorities asked at the same time: the first yes decides, in the order of the peers.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::ask::{Answer, Heard, Question};
use super::memory::Memory;

/// How long peers that are earlier in the order may take after a later one said yes.
const GRACE: Duration = Duration::from_millis(200);

/// A question that nobody waits for any more, on its way to an answer.
pub(super) type Late = Pin<Box<dyn Future<Output = (Question, Heard)> + Send>>;

/// What came of questions that were asked together.
pub(super) struct Round {
    /// The answers that were waited for.
    pub(super) heard: Vec<(Question, Heard)>,
    /// The others: whoever has time listens, so that a second yes is noticed.
    pub(super) late: Vec<Late>,
}

/// Asks all at the same time, and waits until the answers decide: a yes counts when everybody
/// earlier in the order has answered, or has had the time of grace.
pub(super) async fn ask_together(memory: &Arc<Memory>, questions: &[Question]) -> Round {
    let mut asking: Vec<Option<Late>> = questions
        .iter()
        .map(|question| Some(ask(Arc::clone(memory), question.clone())))
        .collect();
    let mut heard: Vec<Option<(Question, Heard)>> = questions.iter().map(|_| None).collect();
    let mut grace: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        for (slot, answer) in asking.iter_mut().zip(&mut heard) {
            if let Some(future) = slot
                && let Poll::Ready(said) = pin!(future).poll(cx)
            {
                *answer = Some(said);
                *slot = None;
            }
        }
        let is_yes = |answer: &Option<(Question, Heard)>| {
            matches!(answer, Some((_, heard)) if heard.answer == Answer::Active)
        };
        let before = match heard.iter().position(is_yes) {
            Some(first) => heard.get(..first).unwrap_or_default(),
            None => &heard,
        };
        if before.iter().all(Option::is_some) {
            return Poll::Ready(());
        }
        if before.len() == heard.len() {
            return Poll::Pending;
        }
        let grace = grace.get_or_insert_with(|| Box::pin(sleep(GRACE)));
        grace.as_mut().poll(cx)
    })
    .await;
    Round {
        heard: heard.into_iter().flatten().collect(),
        late: asking.into_iter().flatten().collect(),
    }
}

fn ask(memory: Arc<Memory>, question: Question) -> Late {
    Box::pin(async move {
        let heard = memory.ask(&question).await;
        (question, heard)
    })
}
