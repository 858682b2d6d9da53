//! Values that change while a page is open: fragments of the page, sent as events.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::mpsc;
use tokio::time::interval;

use crate::problem::Problem;
use crate::request::words;

/// How often a value is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How often new lines are looked for.
const OFTEN: Duration = Duration::from_secs(1);
/// Pages that are kept current at a time.
const MOST: usize = 128;
/// Events that wait for a slow browser.
const WAITING: usize = 4;

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Makes the fragment every two seconds, and sends it when it has changed. It ends with an event
/// `end` when there is no fragment any more.
pub(crate) fn fragments<F, Made>(make: F) -> Result<Response, Problem>
where
    F: Fn() -> Made + Send + 'static,
    Made: Future<Output = Option<String>> + Send,
{
    let place = Place::take()?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        let mut ticks = interval(EVERY);
        let mut last = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = sender.closed() => return,
            }
            let Some(fragment) = make().await else {
                // The browser may have gone, too.
                let _ = sender.send(Event::default().event("end").data("")).await;
                return;
            };
            if last.as_ref() != Some(&fragment) {
                let event = Event::default().data(&fragment);
                if sender.send(event).await.is_err() {
                    return;
                }
                last = Some(fragment);
            }
        }
    });
    Ok(stream(receiver))
}

/// Asks every second for what has come since a number, and sends it under the number of its last.
/// It ends when there is nothing to ask any more.
pub(crate) fn appended<F, Made>(mut after: u64, make: F) -> Result<Response, Problem>
where
    F: Fn(u64) -> Made + Send + 'static,
    Made: Future<Output = Option<(u64, String)>> + Send,
{
    let place = Place::take()?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        let mut ticks = interval(OFTEN);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = sender.closed() => return,
            }
            let Some((last, fragment)) = make(after).await else {
                return;
            };
            after = last;
            if !fragment.is_empty() {
                let event = Event::default().id(last.to_string()).data(&fragment);
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        }
    });
    Ok(stream(receiver))
}

fn stream(receiver: mpsc::Receiver<Event>) -> Response {
    let events = Events(receiver);
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

struct Events(mpsc::Receiver<Event>);

impl futures_core::Stream for Events {
    type Item = Result<Event, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// One of the places for open pages.
struct Place;

impl Place {
    fn take() -> Result<Self, Problem> {
        if OPEN.fetch_add(1, Ordering::Relaxed) >= MOST {
            OPEN.fetch_sub(1, Ordering::Relaxed);
            return Err(Problem::of(
                StatusCode::SERVICE_UNAVAILABLE,
                words::PAGES_TOO_MANY,
            ));
        }
        Ok(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}
