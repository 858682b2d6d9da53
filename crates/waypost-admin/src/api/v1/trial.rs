//! What came of trying a target.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a target is asked about.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Question {
    /// A recipient to ask it about; none: the postmaster of a domain that goes there.
    pub(crate) address: Option<String>,
}

/// What came of trying a target.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Trial {
    /// Its name.
    pub(crate) target: String,
    /// Mail would go there.
    pub(crate) ok: bool,
    /// Nobody was there.
    pub(crate) unreachable: bool,
    /// What it comes to.
    pub(crate) verdict: Verdict,
    /// What does not keep mail from going there, and should be known.
    pub(crate) warnings: Vec<Warning>,
    /// The addresses that were tried, in order.
    pub(crate) tried: Vec<Tried>,
    /// Everything that was said.
    pub(crate) dialogue: Vec<Spoken>,
    /// The first line that it said.
    pub(crate) greeting: Option<String>,
    /// What it offered.
    pub(crate) offers: Vec<String>,
    /// TLS, where there was any.
    pub(crate) tls: Option<Channel>,
    /// Whether the login was taken; null: there is none, or it was not tried.
    pub(crate) login: Option<bool>,
    /// The recipient that it was asked about.
    pub(crate) recipient: Option<String>,
    /// Whether it takes him.
    pub(crate) recipient_taken: Option<bool>,
    /// What it said.
    pub(crate) recipient_reply: Option<String>,
    /// Whether it takes an address that nobody has.
    pub(crate) takes_everything: Option<bool>,
}

/// What a trial comes to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Verdict {
    /// One word, such as `good` or `unreachable`.
    pub(crate) code: String,
    /// What happened, in the words of who said it.
    pub(crate) detail: String,
    /// What it means.
    pub(crate) says: String,
    /// How to mend it.
    pub(crate) mend: String,
}

/// Something that should be known.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Warning {
    /// `not-encrypted`, `certificate-expired` or `certificate-ends-soon`.
    pub(crate) code: String,
    /// Such as the days that are left.
    pub(crate) detail: String,
}

/// An address that was tried.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Tried {
    /// Host, address and port.
    pub(crate) address: String,
    /// Why that did not do.
    pub(crate) error: Option<String>,
}

/// A line of the dialogue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Spoken {
    /// Who said it.
    pub(crate) who: Speaker,
    /// What; secrets as `***`.
    pub(crate) text: String,
}

/// Who speaks: this server is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Speaker {
    Client,
    Server,
}

/// The channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Channel {
    /// Such as `TLSv1_3`.
    pub(crate) version: String,
    /// The cipher suite.
    pub(crate) cipher: String,
    /// Whether a delivery would use it.
    pub(crate) used: bool,
    /// The certificate that was shown.
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Certificate {
    pub(crate) subject: String,
    /// The names that it is for.
    pub(crate) names: Vec<String>,
    pub(crate) issuer: String,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    /// Whole days; below zero when it is over.
    pub(crate) days_left: i64,
    /// Its key, as `tls_pin` takes it.
    pub(crate) pin: String,
}

impl Trial {
    /// Whether mail goes there all the same.
    pub(crate) fn is_warned(&self) -> bool {
        matches!(
            self.verdict.code.as_str(),
            "accepts-everything" | "recipient-later"
        )
    }
}

impl Certificate {
    /// The days that are left.
    pub(crate) fn days(&self) -> u64 {
        self.days_left.try_into().unwrap_or(0)
    }
}

impl Spoken {
    /// The class of the line.
    pub(crate) fn class(&self) -> &'static str {
        let is_no = self.text.starts_with(['4', '5']);
        match self.who {
            Speaker::Client if self.text.starts_with('[') => "said",
            Speaker::Client => "us",
            Speaker::Server if is_no => "them bad",
            Speaker::Server => "them",
        }
    }
}
