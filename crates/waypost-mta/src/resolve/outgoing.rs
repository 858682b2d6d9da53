//! Sub-addresses, and the address with which a recipient leaves.

use waypost_directory::{RecipientForm, UserRoute};
use waypost_proto::mail::{LocalPart, Mailbox};

/// A local part without letter case, taken apart at the delimiter.
#[derive(Debug)]
pub(crate) struct Local<'a> {
    /// As written.
    written: &'a str,
    folded: String,
    /// Where the delimiter stands in each of them.
    split: Option<(usize, usize)>,
}

impl<'a> Local<'a> {
    /// Takes a local part apart at the first delimiter that has something before it (RFC 5233 §1).
    pub(crate) fn new(local: &'a LocalPart, delimiter: Option<char>) -> Self {
        let written = local.as_str();
        let folded = local.folded();
        let at = |text: &str| delimiter.and_then(|d| text.find(d)).filter(|at| *at > 0);
        let split = at(written).zip(at(&folded));
        Self {
            written,
            folded,
            split,
        }
    }

    /// All of it, folded.
    pub(crate) fn folded(&self) -> &str {
        &self.folded
    }

    /// Without the tag, folded; none when there is no tag.
    pub(crate) fn without_tag(&self) -> Option<&str> {
        self.split.and_then(|(_, at)| self.folded.get(..at))
    }

    /// The tag as written, delimiter included; empty when there is none.
    pub(super) fn tag(&self) -> &'a str {
        self.split
            .and_then(|(at, _)| self.written.get(at..))
            .unwrap_or_default()
    }
}

/// The address without its tag; none when it has none.
pub(super) fn without_tag(address: &Mailbox, delimiter: Option<char>) -> Option<Mailbox> {
    let local = Local::new(&address.local, delimiter);
    let base = LocalPart::from_unquoted(local.without_tag()?).ok()?;
    Some(Mailbox::new(base, address.domain.clone()))
}

/// The outgoing address of a third-party user, in the form that his target wants.
///
/// `tag` is the part of the received address that was not part of the user's own.
pub(super) fn of_user(
    received: &Mailbox,
    tag: &str,
    user: &UserRoute<'_>,
    form: &RecipientForm,
) -> Mailbox {
    match form {
        RecipientForm::Default => user
            .default_address()
            .map_or_else(|| received.clone(), |default| with_tag(default, tag)),
        RecipientForm::AtDomain(_) | RecipientForm::Original => of_unknown(received, form),
    }
}

/// The outgoing address of a recipient that the directory does not know: as received, except that
/// another domain always replaces its own.
pub(super) fn of_unknown(received: &Mailbox, form: &RecipientForm) -> Mailbox {
    match form {
        RecipientForm::AtDomain(domain) => Mailbox::new(received.local.clone(), domain.clone()),
        RecipientForm::Default | RecipientForm::Original => received.clone(),
    }
}

/// A tag that makes the address too long (RFC 5321 §4.5.3.1.1) is left out.
fn with_tag(address: Mailbox, tag: &str) -> Mailbox {
    if tag.is_empty() {
        return address;
    }
    match LocalPart::from_unquoted(&format!("{}{tag}", address.local.as_str())) {
        Ok(local) => Mailbox::new(local, address.domain),
        Err(_) => address,
    }
}
