//! Printing: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use waypost_admin::request::Progress;

use super::object::cell;

/// How the result is printed: for people, or as JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: the value as JSON, or what `text` makes of it.
    pub(crate) fn result<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> io::Result<()> {
        let printed = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            text(value)
        };
        print(&printed)
    }
}

/// Prints text with a line end, if there is any; a reader that went away is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Tells the person at the terminal something that is not the result.
pub(crate) fn tell(text: &str) {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A table without frames, as the field's tools print them.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::TableStyle::new())
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in 0..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_padding((0, 2));
        }
    }
    table.trim_fmt()
}

/// A list of objects as a table of some of their fields.
pub(crate) fn rows(list: &Value, columns: &[&str]) -> String {
    let rows = list.as_array().into_iter().flatten().map(|item| {
        let cells = columns.iter().map(|column| cell(item.get(*column)));
        cells.collect()
    });
    table(columns, rows.collect())
}

/// Shows how far a long command is: a bar on a terminal, nothing elsewhere.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::no_length();
        if !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn show(&self, progress: &Progress) {
        let style = "{msg} {wide_bar} {human_pos}/{human_len} {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            self.0.set_style(style);
        }
        self.0.set_message(progress.what.clone());
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// An object as `field: value` lines; lists have one line per item.
pub(crate) fn fields(object: &Value) -> String {
    let Value::Object(fields) = object else {
        return cell(Some(object));
    };
    let width = fields.keys().map(String::len).max().unwrap_or_default() + 2;
    let mut text = String::new();
    for (name, value) in fields {
        let label = format!("{name}:");
        match value {
            Value::Array(items) if !items.is_empty() => {
                for (n, item) in items.iter().enumerate() {
                    let label = if n == 0 { label.as_str() } else { "" };
                    text += &format!("{label:width$}{}\n", cell(Some(item)));
                }
            }
            value => {
                let line = format!("{label:width$}{}", cell(Some(value)));
                text += line.trim_end();
                text.push('\n');
            }
        }
    }
    text
}

/// Asks the person at the terminal.
pub(crate) fn ask(prompt: &str) {
    let mut out = io::stderr();
    // Who cannot see the question can still answer it.
    let _ = write!(out, "{prompt}").and_then(|()| out.flush());
}
