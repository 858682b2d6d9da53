//! One order: an account, an answer for each name, a certificate (RFC 8555 §7).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, Problem, RetryPolicy,
};
use tokio::task::JoinSet;

use super::challenge::Answers;
use super::client::Client;
use super::kept::Folder;
use crate::config::Acme;
use crate::{console, trust};

/// For the authority to look at all names, and to sign.
const LOOKS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(120));

/// Why there is no certificate.
#[derive(Debug)]
pub(super) enum Failed {
    /// Something here.
    Here(anyhow::Error),
    /// The authority does not have the account any more.
    UnknownAccount,
    /// The authority, or the way to it.
    There(Error),
    /// The authority has looked at a name and did not find the answer.
    Unproven(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(problem) if kind(problem) == "accountDoesNotExist" => Self::UnknownAccount,
            _ => Self::There(error),
        }
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Here(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(error) => write!(f, "{error:#}"),
            Self::UnknownAccount => f.write_str("the authority does not know the account"),
            Self::There(error) => write!(f, "{}; {}", said(error), mend(error)),
            Self::Unproven(why) => write!(f, "{why}; {PORT}"),
        }
    }
}

const PORT: &str = "each of acme.names must lead here in DNS, and port 80 there to acme.http";

fn kind(problem: &Problem) -> &str {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    kind.rsplit(':').next().unwrap_or_default()
}

fn said(error: &Error) -> String {
    match error {
        Error::Api(problem) => {
            let detail = problem.detail.as_deref().unwrap_or("it does not say why");
            format!("the authority refuses: {detail} ({})", kind(problem))
        }
        other => other.to_string(),
    }
}

/// What to do about it.
fn mend(error: &Error) -> &'static str {
    let Error::Api(problem) = error else {
        return "look at acme.directory and acme.ca, and whether this server may connect there";
    };
    match kind(problem) {
        "connection" | "dns" | "unauthorized" | "incorrectResponse" => PORT,
        "caa" => "let the CAA records of the names allow this authority",
        "rateLimited" => "too much was asked of it: it takes orders again later",
        "rejectedIdentifier" | "unsupportedIdentifier" | "malformed" => {
            "it gives no certificate for this: look at acme.names"
        }
        "invalidContact" | "unsupportedContact" => "set acme.contact to an address it takes",
        "externalAccountRequired" => {
            "it wants accounts that are made on its own pages: name another in acme.directory"
        }
        _ => "look at what it says, or name another in acme.directory",
    }
}

/// Where orders go, and what is kept of them.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) acme: Acme,
    pub(super) folder: Folder,
}

impl Desk {
    /// Orders a certificate; the file that it is kept in.
    pub(super) async fn order(&self) -> Result<PathBuf, Failed> {
        match self.try_order().await {
            Err(Failed::UnknownAccount) => {
                self.folder.forget_account()?;
                self.try_order().await
            }
            ordered => ordered,
        }
    }

    async fn try_order(&self) -> Result<PathBuf, Failed> {
        let account = self.account().await?;
        let names = self.acme.names.iter();
        let names: Vec<Identifier> = names
            .map(|name| Identifier::Dns(name.as_str().to_owned()))
            .collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let answers = Answers::default();
        let door = self.open(&answers)?;
        prove(&mut order, &answers).await?;
        drop(door);
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&LOOKS).await?;
        Ok(self.folder.keep_certificate(&self.acme, &key, &chain)?)
    }

    /// The account that is kept, or a new one.
    async fn account(&self) -> Result<Account, Failed> {
        let tls = trust::connector(self.acme.ca.as_deref()).context("acme.ca")?;
        let builder = Account::builder_with_http(Box::new(Client(tls)));
        let directory = &self.acme.directory;
        if let Some(kept) = self.folder.account(directory) {
            return Ok(builder.from_credentials(kept).await?);
        }
        let contact = format!("mailto:{}", self.acme.contact);
        let contact: &[&str] = if self.acme.contact.is_empty() {
            &[]
        } else {
            &[&contact]
        };
        let wanted = NewAccount {
            contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let made = builder.create(&wanted, directory.clone(), None).await?;
        let (account, credentials) = made;
        self.folder.keep_account(directory, credentials)?;
        Ok(account)
    }

    /// Answers the authority until it is dropped.
    fn open(&self, answers: &Answers) -> anyhow::Result<JoinSet<()>> {
        let bound = self.acme.http.iter().map(|at| {
            console::Bound::new("acme.http", *at).context(
                "let nothing else listen there, or let another port be forwarded to from port 80",
            )
        });
        let bound = bound.collect::<anyhow::Result<Vec<_>>>()?;
        let mut door = JoinSet::new();
        door.spawn(console::serve_plain(bound, answers.router()));
        Ok(door)
    }
}

/// Shows that every name leads here.
async fn prove(order: &mut Order, answers: &Answers) -> Result<(), Failed> {
    let mut names = order.authorizations();
    while let Some(name) = names.next().await {
        let mut name = name?;
        if name.status != AuthorizationStatus::Pending {
            continue;
        }
        let challenge = name.challenge(ChallengeType::Http01);
        let mut challenge = challenge.ok_or(Error::Unsupported("HTTP-01"))?;
        answers.put(&challenge.token, challenge.key_authorization().as_str());
        challenge.set_ready().await?;
    }
    match order.poll_ready(&LOOKS).await {
        Ok(OrderStatus::Ready) => Ok(()),
        Ok(_) => Err(unproven(order, None).await),
        Err(error) => Err(unproven(order, Some(error)).await),
    }
}

/// Which name, and what the authority has found there.
async fn unproven(order: &mut Order, error: Option<Error>) -> Failed {
    let mut names = order.authorizations();
    while let Some(Ok(mut name)) = names.next().await {
        if name.refresh().await.is_err() {
            break;
        }
        let problem = name.challenges.iter().find_map(|one| one.error.as_ref());
        if let Some(problem) = problem {
            let detail = problem.detail.as_deref().unwrap_or("it does not say why");
            let name = name.identifier();
            return Failed::Unproven(format!("the authority refuses {name}: {detail}"));
        }
    }
    match error {
        Some(error) => error.into(),
        None => Failed::Unproven("the authority refuses the order".to_owned()),
    }
}
