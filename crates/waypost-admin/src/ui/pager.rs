//! Ways to the other pages of a list.

use crate::address::address;

/// Where a list begins, and where it goes on.
pub(crate) struct Pager {
    /// The first page; none: this is it.
    pub(crate) first: Option<String>,
    /// The next one; none: this is the last.
    pub(crate) next: Option<String>,
}

impl Pager {
    /// For the list at a path with filters, shown from a cursor on.
    pub(crate) fn of(
        path: &str,
        filters: &[(&str, &str)],
        after: Option<&str>,
        next: Option<&str>,
    ) -> Self {
        let first = after.filter(|after| !after.is_empty());
        Self {
            first: first.map(|_| address(path, filters)),
            next: next.map(|next| {
                let mut fields = filters.to_vec();
                fields.push(("after", next));
                address(path, &fields)
            }),
        }
    }
}
