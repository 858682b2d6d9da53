//! A question that is a page of its own, before something is done that cannot be undone.

use askama::Template;

use super::Page;

/// A question, and what a yes sends.
#[derive(Template)]
#[template(path = "parts/ask.html")]
pub(crate) struct Ask<'a> {
    pub(crate) page: &'a Page,
    pub(crate) title: String,
    /// What follows from a yes, a paragraph each.
    pub(crate) text: Vec<String>,
    /// Where a yes is sent.
    pub(crate) action: String,
    /// What goes with it.
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// The word on the button.
    pub(crate) yes: String,
    /// Where a no leads.
    pub(crate) back: String,
}
