//! Where mail to an address goes, and why.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_directory::Wording;
use waypost_proto::mail::Mailbox;

use super::super::objects::read;
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right, Sight};
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::request::{Explain, Request, words};

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// The recipient.
    #[param(example = "jdoe@example.com")]
    pub(crate) address: String,
    /// The reverse-path that the message would have; a user here counts as logged in.
    pub(crate) sender: Option<String>,
    /// The IP address of the client that would send it.
    pub(crate) client: Option<String>,
}

/// A recipient's verdict, and every step that led there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Explained {
    /// Who would send it, in words.
    pub(crate) from: String,
    pub(crate) from_kind: FromKind,
    /// Which target would.
    pub(crate) from_name: Option<String>,
    #[serde(flatten)]
    pub(crate) recipient: ExplainedRecipient,
}

/// Who would send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FromKind {
    Here,
    Stranger,
    Target,
    Trusted,
    User,
}

/// One recipient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ExplainedRecipient {
    pub(crate) recipient: String,
    /// What becomes of it, in words.
    pub(crate) verdict: String,
    /// The same as a code: `deliver`, `deliver-shared`, `deliver-postmaster`, `expand`, `relay`,
    /// `relay-mx`, `relay-smart-host`, `refuse`, `later`, or `elsewhere`: a member of a group in
    /// a domain that who asks does not see.
    pub(crate) verdict_code: Option<String>,
    /// With these in it.
    pub(crate) verdict_parameters: BTreeMap<String, String>,
    /// The rule that decided.
    pub(crate) why: String,
    /// What a client is told.
    pub(crate) reply: String,
    /// The answer it rests on, in words.
    pub(crate) proof: Option<String>,
    /// What was looked at, in order.
    pub(crate) steps: Vec<ExplainedStep>,
    /// The members of a group.
    #[schema(no_recursion)]
    pub(crate) members: Vec<Self>,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ExplainedStep {
    pub(crate) tried: String,
    /// In words.
    pub(crate) found: String,
    /// The same as a code.
    pub(crate) code: Option<String>,
    /// With these in it.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Who has answered, when somebody was needed.
    #[serde(default)]
    pub(crate) who: Option<String>,
    /// What he says: `active`, `cannot receive`, `unavailable` or `unknown`.
    #[serde(default)]
    pub(crate) answer: Option<String>,
    /// Where the answer is from: `asked`, `blind`, `cache` or `suspended`.
    #[serde(default)]
    pub(crate) source: Option<String>,
    /// How old it is.
    #[serde(default)]
    pub(crate) age_s: Option<u64>,
    /// How long it was waited for.
    #[serde(default)]
    pub(crate) took_ms: Option<u64>,
    /// His own words.
    #[serde(default)]
    pub(crate) words: Option<String>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Says where mail to an address goes, and why; sends nothing and remembers nothing.
#[utoipa::path(get, path = "/explain", tag = "explain", params(Question),
    security(("token" = ["explain"])),
    responses((status = 200, body = Explained), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Params(question): Params<Question>,
) -> Result<Json<Explained>, Problem> {
    console.explain(&actor, &question).await.map(Json)
}

impl Console {
    /// Where mail to an address in his domains goes.
    pub(crate) async fn explain(
        &self,
        actor: &Actor,
        question: &Question,
    ) -> Result<Explained, Problem> {
        actor.require(Right::Explain)?;
        let address = question.address.trim();
        readable("address", address, words::WRITE_RECIPIENT)?;
        let sight = self.sight(actor).await?;
        if !sight.address(address) && *sight != Sight::All {
            return Err(Problem::forbidden());
        }
        let given = |field: &Option<String>| {
            let text = field.as_deref().map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (sender, client) = (given(&question.sender), given(&question.client));
        check(sender.as_deref(), client.as_deref())?;
        let request = Request::Explain(Explain {
            address: address.to_owned(),
            sender,
            client,
        });
        let mut explained: Explained = read(self.ask(actor, request).await?)?;
        explained.recipient.narrow(&sight);
        Ok(explained)
    }
}

/// Refuses what is no address in a field.
pub(crate) fn readable(
    field: &str,
    text: &str,
    mend: &'static Wording,
) -> Result<Mailbox, Problem> {
    let wrong = |error| Problem::field(field, words::syntax("", error).mended(mend));
    Mailbox::parse(text).map_err(wrong)
}

fn check(sender: Option<&str>, client: Option<&str>) -> Result<(), Problem> {
    if let Some(sender) = sender.filter(|sender| *sender != "<>") {
        readable("sender", sender, words::WRITE_SENDER)?;
    }
    if let Some(client) = client {
        let parsed = client.parse::<std::net::IpAddr>();
        let words = || words::CLIENT_NO_ADDRESS.quoting("client", client);
        parsed.map_err(|_| Problem::field("client", words()))?;
    }
    Ok(())
}

impl ExplainedRecipient {
    /// Says nothing of where members in other domains go.
    fn narrow(&mut self, sight: &Sight) {
        for member in &mut self.members {
            if *sight == Sight::All || sight.address(&member.recipient) {
                member.narrow(sight);
                continue;
            }
            "elsewhere".clone_into(&mut member.verdict);
            member.verdict_code = Some("elsewhere".to_owned());
            member.verdict_parameters.clear();
            member.proof = None;
            member.steps.clear();
            member.members.clear();
        }
    }

    /// Whether nobody gets it, for now or for good.
    pub(crate) fn is_refused(&self) -> bool {
        !self.reply.starts_with('2')
    }
}
