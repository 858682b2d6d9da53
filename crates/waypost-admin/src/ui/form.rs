//! Forms as they were sent, or as they are shown first.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};

use serde::Deserialize;

use crate::api;
use crate::console::Console;
use crate::input;
use crate::problem::Problem;
use crate::request::Fault;

/// What stands in the fields of a form, and why it was not accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    values: BTreeMap<String, Vec<String>>,
    pub(crate) problem: Option<Problem>,
}

impl Form {
    /// The value of a field; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let values = self.values.get(name);
        values
            .and_then(|values| values.first())
            .map_or("", |value| value.trim())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), vec![value.into()]);
    }

    /// Ticks a field, or does not.
    pub(crate) fn tick(&mut self, name: &str, is_on: bool) {
        if is_on {
            self.set(name, "on");
        } else {
            self.values.remove(name);
        }
    }

    /// Whether a field is ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Whether a field has this value.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == value
    }

    /// The words of a field, by lines, spaces or commas.
    pub(crate) fn parted(&self, name: &str) -> Vec<String> {
        let words = self
            .get(name)
            .split(|c: char| c.is_whitespace() || c == ',');
        let words = words.filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    /// What the object was when the form was made.
    pub(crate) fn revision(&self) -> Option<u64> {
        self.get("revision").parse().ok()
    }

    /// What is wrong with a field.
    pub(crate) fn wrong(&self, name: &str) -> Option<&Fault> {
        self.problem.as_ref()?.of_field(name)
    }

    /// The same form, with why it was not accepted.
    pub(crate) fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }
}

/// What the address of a list says; what else is in it is for others.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sought {
    /// What is looked for.
    pub(crate) text: String,
    /// Where the page begins.
    pub(crate) after: Option<String>,
}

impl Sought {
    /// The same without what is looked for.
    pub(crate) fn page(self) -> api::Page {
        api::Page {
            after: self.after,
            limit: None,
        }
    }
}

impl FromRequest<Console> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Console) -> Result<Self, Problem> {
        let sent = input::Form::<Vec<(String, String)>>::from_request(request, state).await?;
        let mut form = Self::default();
        for (name, value) in sent.0 {
            form.values.entry(name).or_default().push(value);
        }
        Ok(form)
    }
}
