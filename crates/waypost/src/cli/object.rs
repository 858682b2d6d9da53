//! The verbs that all kinds of objects share: list, show, add, set, remove.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::output::{self, table};
use super::{Common, Failure, client};
use crate::control::protocol::{Kind, List, Object, Request};

/// Objects fetched with one request.
const PAGE: usize = 1_000;

/// What can be done with objects of one kind; `F` are its fields.
#[derive(Debug, Subcommand)]
pub(super) enum Verb<F: Args> {
    /// Add one.
    Add {
        /// Its name.
        name: String,
        #[command(flatten)]
        fields: F,
    },
    /// List all, or those of one domain.
    List {
        /// Only those of this domain.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
        /// Print at most so many.
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Remove one.
    Remove {
        /// Its name.
        name: String,
    },
    /// Change the fields that are given; an empty value takes one away.
    Set {
        /// Its name.
        name: String,
        #[command(flatten)]
        fields: F,
    },
    /// Show one with all its fields.
    Show {
        /// Its name.
        name: String,
    },
}

/// The fields of a kind, collected from the command line as the site file names them.
pub(super) trait Fields: Args {
    /// Fields that are replaced, or added to or taken from.
    fn changes(&self) -> Result<Changes, Failure>;
}

/// What of an object changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    set: Map<String, Value>,
    append: Map<String, Value>,
    take: Map<String, Value>,
}

impl Changes {
    /// A field that is replaced, if it was given.
    pub(super) fn set<T: Into<Value> + Clone>(mut self, field: &str, value: Option<&T>) -> Self {
        if let Some(value) = value {
            self.set.insert(field.to_owned(), value.clone().into());
        }
        self
    }

    /// A list that is replaced, if anything was given.
    pub(super) fn list(mut self, field: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            let kept: Vec<&String> = values.iter().filter(|value| !value.is_empty()).collect();
            self.set.insert(field.to_owned(), serde_json::json!(kept));
        }
        self
    }

    /// Values that are added to a list, and taken from it.
    pub(super) fn edit(mut self, field: &str, append: &[String], take: &[String]) -> Self {
        for (values, to) in [(append, &mut self.append), (take, &mut self.take)] {
            if !values.is_empty() {
                to.insert(field.to_owned(), serde_json::json!(values));
            }
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.set.is_empty() && self.append.is_empty() && self.take.is_empty()
    }

    fn object(self, kind: Kind, name: String) -> Object {
        Object {
            kind,
            name,
            fields: self.set,
            append: self.append,
            take: self.take,
        }
    }
}

impl<F: Fields> Verb<F> {
    /// Does it; `columns` are the fields that a list shows.
    pub(super) fn run(self, common: &Common, kind: Kind, columns: &[&str]) -> Result<(), Failure> {
        let (request, done) = match self {
            Self::List { domain, limit } => {
                return list(common, (kind, domain.as_deref()), limit, columns);
            }
            Self::Show { name } => return show(common, kind, name),
            Self::Add { name, fields } => {
                let done = format!("{} {name} added", kind.word());
                (Request::Add(fields.changes()?.object(kind, name)), done)
            }
            Self::Set { name, fields } => {
                let changes = fields.changes()?;
                if changes.is_empty() {
                    let text = format!("nothing to set; see waypost {} set --help", kind.word());
                    return Err(Failure::Usage(text));
                }
                let done = format!("{} {name} changed", kind.word());
                (Request::Set(changes.object(kind, name)), done)
            }
            Self::Remove { name } => {
                let done = format!("{} {name} removed", kind.word());
                (Request::Remove { kind, name }, done)
            }
        };
        let result = client::call(common, &request)?;
        Ok(common.output().result(&result, |_| done)?)
    }
}

/// Prints all objects of a kind, or of one domain.
pub(super) fn list(
    common: &Common,
    (kind, domain): (Kind, Option<&str>),
    limit: Option<usize>,
    columns: &[&str],
) -> Result<(), Failure> {
    let mut all = Vec::new();
    let mut after = 0;
    let most = limit.unwrap_or(usize::MAX);
    while all.len() < most {
        let request = Request::List(List {
            kind,
            domain: domain.map(str::to_owned),
            after,
            limit: PAGE.min(most - all.len()),
        });
        let mut page = client::call(common, &request)?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            all.extend(items);
        }
        match page.get("next").and_then(Value::as_u64) {
            Some(next) => after = u32::try_from(next).unwrap_or(u32::MAX),
            None => break,
        }
    }
    let text = |all: &Vec<Value>| {
        let rows = all.iter().map(|item| {
            let cells = columns.iter().map(|column| cell(item.get(*column)));
            cells.collect()
        });
        table(columns, rows.collect())
    };
    Ok(common.output().result(&all, text)?)
}

fn show(common: &Common, kind: Kind, name: String) -> Result<(), Failure> {
    let object = client::call(common, &Request::Show { kind, name })?;
    Ok(common.output().result(&object, output::fields)?)
}

/// A value as a table shows it.
pub(super) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| cell(Some(item))).collect();
            items.join(" ")
        }
        Some(Value::Object(fields)) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}={}", cell(Some(value))))
                .collect();
            fields.join(" ")
        }
        Some(other) => other.to_string(),
    }
}
