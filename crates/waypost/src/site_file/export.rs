//! The directory as a site file.

use waypost_directory::{Directory, Object, Page, Stored, Unavailable};

use super::fields;

/// Objects read at a time.
const PAGE: usize = 1000;

const HEAD: &str = "# Made by `waypost export`: applying it to the same directory changes nothing.
# It holds secrets: keep it where only administrators read it.\n";

/// Writes the directory down: targets, peers, domains, gateway domains, users, shared
/// mailboxes and groups.
///
/// # Errors
///
/// [`Unavailable`].
pub(crate) fn export(directory: &Directory) -> Result<String, Unavailable> {
    let mut text = String::from(HEAD);
    each(directory, |stored| write(&mut text, &stored.record))?;
    Ok(text)
}

fn write(text: &mut String, object: &Object) {
    text.push_str(&format!("\n[[{}]]\n", object.kind()));
    for (key, value) in fields::without_defaults(object) {
        text.push_str(&format!("{key} = {value}\n"));
    }
}

/// Every object that a site file can name, page by page.
pub(super) fn each(
    directory: &Directory,
    mut take: impl FnMut(Stored<Object>),
) -> Result<(), Unavailable> {
    pages(|page| directory.targets(page), Object::Target, &mut take)?;
    pages(|page| directory.peers(page), Object::Peer, &mut take)?;
    pages(|page| directory.domains(page), Object::Domain, &mut take)?;
    pages(|page| directory.gateways(page), Object::Gateway, &mut take)?;
    pages(|page| directory.users(page), Object::User, &mut take)?;
    pages(|page| directory.mailboxes(page), Object::Mailbox, &mut take)?;
    pages(|page| directory.groups(page), Object::Group, &mut take)
}

fn pages<T>(
    list: impl Fn(&Page) -> Result<Vec<Stored<T>>, Unavailable>,
    object: impl Fn(T) -> Object,
    take: &mut impl FnMut(Stored<Object>),
) -> Result<(), Unavailable> {
    let mut page = Page {
        domain: None,
        after: 0,
        limit: PAGE,
    };
    loop {
        let stored = list(&page)?;
        let Some(last) = stored.last() else {
            return Ok(());
        };
        page.after = last.id;
        for stored in stored {
            take(Stored {
                id: stored.id,
                revision: stored.revision,
                origin: stored.origin,
                external_id: stored.external_id,
                record: object(stored.record),
            });
        }
    }
}
