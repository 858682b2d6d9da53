//! The log on standard error: lines as Postfix and syslog write them, or JSON.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer as _, Registry, reload};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::event::escaped;

use crate::config::{Log, LogFormat};
use crate::history::Tap;
use crate::time;

/// Starts logging for the whole process; the tap sees what is information or more, whatever else
/// is logged.
pub(crate) fn start(log: &Log, hostname: &str, tap: Tap) -> anyhow::Result<Filter> {
    let (filter, handle) = reload::Layer::new(wanted(log)?);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match log.format {
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(false);
            layer.with_filter(filter).boxed()
        }
        LogFormat::Postfix => {
            let lines = Lines {
                prefix: Prefix::of_this_process(hostname),
                pid: std::process::id(),
            };
            layer.event_format(lines).with_filter(filter).boxed()
        }
    };
    let registry = Registry::default().with(layer);
    let tap = tap.with_filter(LevelFilter::INFO);
    tracing::subscriber::set_global_default(registry.with(tap))?;
    Ok(Filter(handle))
}

/// What is logged, while the process runs.
pub(crate) struct Filter(reload::Handle<Targets, Registry>);

impl Filter {
    /// Logs what the configuration says from now on.
    pub(crate) fn replace(&self, log: &Log) -> anyhow::Result<()> {
        Ok(self.0.reload(wanted(log)?)?)
    }
}

fn wanted(log: &Log) -> anyhow::Result<Targets> {
    Ok(match std::env::var("RUST_LOG") {
        Ok(filter) => filter.parse()?,
        Err(_) => log.filter.parse()?,
    })
}

/// Lines in the shape of `2026-11-22T06:22:40Z mx1 waypost/smtpd[123]: text key=value`.
struct Lines {
    prefix: Prefix,
    /// Kept, since asking is a system call.
    pid: u32,
}

/// What stands before the program's name.
enum Prefix {
    /// The journal adds time and host itself, and takes the level as a number.
    Journal,
    /// The host's name behind the time.
    Time(String),
}

impl Prefix {
    fn of_this_process(hostname: &str) -> Self {
        if std::env::var_os("JOURNAL_STREAM").is_some() {
            return Self::Journal;
        }
        let short = hostname.split('.').next().unwrap_or(hostname);
        Self::Time(short.to_owned())
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        match &self.prefix {
            Prefix::Journal => write!(writer, "<{}>", priority(level))?,
            Prefix::Time(host) => {
                write!(writer, "{} {host} ", time::show(SystemClock.wall()))?;
            }
        }
        let program = program(event.metadata().target());
        write!(writer, "{program}[{}]: {}", self.pid, word(level))?;
        // Taken, so that a value that itself logs something finds other room.
        let mut text = TEXT.take();
        text.begin(event);
        event.record(&mut text);
        let written = writeln!(writer, "{}", escaped(text.whole().trim_end()));
        TEXT.set(text);
        written
    }
}

thread_local! {
    /// Room that is used again for the next line.
    static TEXT: Cell<Text> = Cell::default();
}

/// The message, then the fields.
#[derive(Default)]
struct Text {
    whole_line: bool,
    message: String,
    fields: String,
}

impl Text {
    fn begin(&mut self, event: &Event<'_>) {
        // Such a line says by itself what its fields say.
        self.whole_line = event.metadata().fields().field("event").is_some();
        self.message.clear();
        self.fields.clear();
    }

    fn whole(&mut self) -> &str {
        self.message += &self.fields;
        &self.message
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            _ if self.whole_line => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// `waypost/smtpd` for the target `waypost::smtpd`; `waypost` for everything else.
fn program(target: &str) -> String {
    match target.strip_prefix("waypost::") {
        Some(part) if !part.contains("::") => format!("waypost/{part}"),
        _ => "waypost".to_owned(),
    }
}

/// What Postfix writes before a message that is more than information.
fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error: ",
        Level::WARN => "warning: ",
        Level::INFO => "",
        Level::DEBUG => "debug: ",
        Level::TRACE => "trace: ",
    }
}

/// syslog's numbers (RFC 5424 §6.2.1).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}
