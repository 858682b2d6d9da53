//! What sites log, gathered with the moment and the host that said it.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::notes::Notes;

/// Under this name `turmoil` runs the hosts, each in a span of its own.
const HOST_SPAN: &str = "node";

/// How addresses begin that a relay is asked about to see whether its yes means anything.
const PROBE: &str = "waypost-probe-";

/// Writes the lines of sites into the notes.
pub(crate) struct Log {
    notes: Arc<Notes>,
    /// The host that runs.
    host: Mutex<String>,
}

impl Log {
    pub(crate) fn new(notes: Arc<Notes>) -> Self {
        Self {
            notes,
            host: Mutex::default(),
        }
    }
}

/// The fields `message` and `name`.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "name" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

/// The text without what is drawn from the system: addresses that nobody has.
fn without_chance(text: &str) -> String {
    let mut parts = text.split(PROBE);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(PROBE);
        plain.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    plain
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        match metadata.is_span() {
            true => metadata.name() == HOST_SPAN,
            false => metadata.target().starts_with("waypost") && *metadata.level() <= Level::INFO,
        }
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = Text::default();
        span.record(&mut text);
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = text.0;
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = event.metadata();
        let what = format!("{}: {}", metadata.target(), without_chance(&text.0));
        if *metadata.level() == Level::ERROR {
            self.notes.error(&host, &what);
        }
        self.notes.say(&host, &what);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
