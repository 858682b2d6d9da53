//! The verbs that all kinds of objects share: list, show, add, set, remove.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use waypost_admin::request::{Kind, List, Object, Removal, Request};

use super::output::{self, table};
use super::{Common, Failure, client};

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

/// The command of one kind of objects.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Objects<F: Args> {
    #[command(subcommand)]
    verb: Verb<F>,
}

impl<F: Fields> Objects<F> {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        self.verb.run(common)
    }
}

/// The fields of a kind, collected from the command line as the site file names them.
pub(super) trait Fields: Args {
    /// What the objects are.
    const KIND: Kind;
    /// The fields that a list shows.
    const COLUMNS: &[&str];

    /// Fields that are replaced, or added to or taken from.
    fn changes(&self) -> Result<Changes, Failure>;
}

/// The addresses of an object.
#[derive(Debug, Args)]
pub(super) struct Addresses {
    /// Address, "@*" for all names of the domain; give all, repeat as needed, default first.
    #[arg(long = "address", value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Add an address to the others.
    #[arg(long, value_name = "ADDRESS")]
    add_address: Vec<String>,
    /// Remove an address from the others.
    #[arg(long, value_name = "ADDRESS")]
    remove_address: Vec<String>,
    /// Save new addresses although a peer of the domain has them, or cannot be asked; the audit
    /// keeps that.
    #[arg(long)]
    force: bool,
}

impl Addresses {
    pub(super) fn changes(&self) -> Changes {
        let changes = Changes {
            force: self.force,
            ..Changes::default()
        };
        changes.list("addresses", &self.addresses).edit(
            "addresses",
            &self.add_address,
            &self.remove_address,
        )
    }
}

/// The members of an object.
#[derive(Debug, Args)]
pub(super) struct Members {
    /// Member, by address; give all, repeat as needed.
    #[arg(long = "member", value_name = "ADDRESS")]
    members: Vec<String>,
    /// Add a member to the others.
    #[arg(long, value_name = "ADDRESS")]
    add_member: Vec<String>,
    /// Remove a member from the others.
    #[arg(long, value_name = "ADDRESS")]
    remove_member: Vec<String>,
}

impl Members {
    pub(super) fn changes(&self) -> Changes {
        Changes::default().list("members", &self.members).edit(
            "members",
            &self.add_member,
            &self.remove_member,
        )
    }
}

/// What of an object changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    set: Map<String, Value>,
    append: Map<String, Value>,
    take: Map<String, Value>,
    force: bool,
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

    /// What another part of the command line changes too.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.set.extend(other.set);
        self.append.extend(other.append);
        self.take.extend(other.take);
        self.force |= other.force;
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
            force: self.force,
            revision: None,
        }
    }
}

impl<F: Fields> Verb<F> {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let kind = F::KIND;
        let (request, done) = match self {
            Self::List { domain, limit } => {
                return list(common, (kind, domain.as_deref()), limit, F::COLUMNS);
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
                (
                    Request::Remove(Removal {
                        kind,
                        name,
                        revision: None,
                    }),
                    done,
                )
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
    all.truncate(most);
    let text = |all: &Vec<Value>| {
        let rows = all.iter().map(|item| {
            let cells = columns.iter().map(|column| cell(item.get(*column)));
            cells.collect()
        });
        table(columns, rows.collect())
    };
    Ok(common.output().result(&all, text)?)
}

/// Prints one object.
pub(super) fn show(common: &Common, kind: Kind, name: String) -> Result<(), Failure> {
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
