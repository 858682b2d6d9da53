//! What is looked for among the objects of the directory.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_directory::MailType;

use super::Kind;

/// Objects that are looked for, a page at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Find {
    /// Domains, groups, shared mailboxes or users.
    pub kind: Kind,
    /// What they must be.
    #[serde(default)]
    pub filter: Filter,
    /// What the page before said comes next.
    #[serde(default)]
    pub after: Option<String>,
    /// Most objects; 0: only counts are wanted.
    pub limit: usize,
    /// Users are counted too.
    #[serde(default)]
    pub count: bool,
}

/// What objects must be to be found; of those that are no users, only domains and text are looked
/// at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// In these domains: those of the administrator who looks; none: all.
    pub scope: Option<Vec<String>>,
    /// In this domain.
    pub domain: Option<String>,
    /// Is in a name or an address.
    pub text: String,
    /// Where the mailbox is.
    pub mail: Option<Mail>,
    /// On this target, by its own or its domain's setting.
    pub target: Option<String>,
    /// Whether suspended.
    pub suspended: Option<bool>,
}

/// Where a user's mailbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mail {
    /// Here.
    Local,
    /// Nowhere.
    None,
    /// On a target.
    ThirdParty,
}

impl Mail {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Local, Self::ThirdParty, Self::None];

    /// The word of the site file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        MailType::from(self).as_str()
    }
}

impl std::fmt::Display for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Mail> for MailType {
    fn from(mail: Mail) -> Self {
        match mail {
            Mail::Local => Self::Local,
            Mail::None => Self::None,
            Mail::ThirdParty => Self::ThirdParty,
        }
    }
}
