//! What is asked before many users are changed: who they are, and what becomes of them.

use askama::Template;

use super::{Page, Wanted, action, chosen, relay, relay_word};
use crate::api::v1::users::User;
use crate::auth::Right;
use crate::console::Console;
use crate::input::Fields;
use crate::problem::Problem;
use crate::request::{Filter, Mail, UserAction};

/// Users that a question names.
const NAMED: usize = 10;
/// Targets whose users are counted for a question.
const TARGETS: usize = 50;

/// The question.
#[derive(Template)]
#[template(path = "directory/confirm.html")]
pub(super) struct Confirm<'a> {
    page: &'a Page,
    title: String,
    /// How many there are of each change, where that is known of all.
    counts: Vec<Count>,
    /// The first of them.
    rows: Vec<Row>,
    /// How many more there are.
    more: u64,
    /// What a yes sends.
    hidden: Vec<(&'static str, String)>,
    /// The word on the button.
    yes: String,
    /// Where a no leads.
    back: String,
}

/// So many users are before and after it the same.
struct Count {
    before: String,
    after: String,
    users: u64,
}

/// One user, before and after.
struct Row {
    name: String,
    before: String,
    after: String,
}

/// Makes the question.
pub(super) async fn question<'a>(
    console: &Console,
    page: &'a Page,
    fields: &Fields,
) -> Result<Confirm<'a>, Problem> {
    page.actor.require(Right::AccountWrite)?;
    let (action, word) = action(fields)?;
    let (names, filter) = chosen(fields)?;
    let change = Change {
        console,
        page,
        action,
    };
    let (counts, rows, all) = match filter {
        Some(filter) => change.of_filter(filter).await?,
        None => {
            let rows = change.of_names(&names).await;
            (Vec::new(), rows, names.len() as u64)
        }
    };
    let target = match fields.text("target") {
        "" => page.say("target-relay"),
        target => target.to_owned(),
    };
    let values = [("count", all.into()), ("target", target.as_str().into())];
    let kept = [
        "action",
        "target",
        "all",
        "domain",
        "text",
        "of-mail",
        "of-target",
        "state",
    ];
    let kept = kept
        .into_iter()
        .filter_map(|name| Some((name, fields.given(name)?)));
    let selected = names.into_iter().map(|name| ("select", name));
    Ok(Confirm {
        page,
        title: page.language.with(&format!("bulk-ask-{word}"), &values),
        counts,
        more: all.saturating_sub(rows.len() as u64),
        rows,
        hidden: kept.chain(selected).collect(),
        yes: page.word("bulk", word),
        back: Wanted::of(fields).address("/directory", "users", ""),
    })
}

/// What is to be done with them.
struct Change<'a> {
    console: &'a Console,
    page: &'a Page,
    action: UserAction,
}

impl Change<'_> {
    /// Those that a filter means: all counted, the first named.
    async fn of_filter(&self, filter: Filter) -> Result<(Vec<Count>, Vec<Row>, u64), Problem> {
        let found = self
            .console
            .counted_users(&self.page.actor, filter.clone(), (None, NAMED));
        let found = found.await?;
        let mut counts = Vec::new();
        match &self.action {
            UserAction::Mail(_) | UserAction::Target(_) => {
                for mail in [Mail::Local, Mail::None] {
                    self.count(&mut counts, self.page.word("mail", mail), found.of(mail));
                }
                self.count_targets(&mut counts, &filter, found.of(Mail::ThirdParty))
                    .await?;
            }
            UserAction::Suspend | UserAction::Resume => {
                for suspended in [false, true] {
                    let is_meant = filter.suspended.is_none_or(|wanted| wanted == suspended);
                    if is_meant {
                        let filter = Filter {
                            suspended: Some(suspended),
                            ..filter.clone()
                        };
                        let users = self.all(filter).await?;
                        self.count(&mut counts, self.state(suspended), users);
                    }
                }
            }
            UserAction::Remove => {
                for mail in Mail::ALL {
                    self.count(&mut counts, self.page.word("mail", mail), found.of(mail));
                }
            }
        }
        let all = found.all();
        let rows = found.items.iter().map(|user| self.row(user)).collect();
        Ok((counts, rows, all))
    }

    /// Third-party users by the servers that they live on; who lives on none that is known is
    /// counted together.
    async fn count_targets(
        &self,
        counts: &mut Vec<Count>,
        filter: &Filter,
        all: u64,
    ) -> Result<(), Problem> {
        let page = self.page;
        let mut left = all;
        let targets = super::targets(self.console, page).await?;
        for target in targets.into_iter().take(TARGETS) {
            let is_meant = filter
                .target
                .as_ref()
                .is_none_or(|wanted| *wanted == target);
            if left == 0 || !is_meant {
                continue;
            }
            let filter = Filter {
                mail: Some(Mail::ThirdParty),
                target: Some(target.clone()),
                ..filter.clone()
            };
            let users = self.all(filter).await?.min(left);
            left -= users;
            self.count(counts, self.third_party(Some(&target)), users);
        }
        self.count(counts, self.third_party(None), left);
        Ok(())
    }

    async fn all(&self, filter: Filter) -> Result<u64, Problem> {
        let actor = &self.page.actor;
        let counted = self.console.counted_users(actor, filter, (None, 0));
        Ok(counted.await?.all())
    }

    fn count(&self, counts: &mut Vec<Count>, before: String, users: u64) {
        if users > 0 {
            let after = self.after(None);
            counts.push(Count {
                before,
                after,
                users,
            });
        }
    }

    /// Those that are named; who is not to be seen is named only.
    async fn of_names(&self, names: &[String]) -> Vec<Row> {
        let mut rows = Vec::new();
        for name in names.iter().take(NAMED) {
            let user = self.console.show::<User>(&self.page.actor, name).await;
            rows.push(match user {
                Ok(user) => self.row(&user),
                Err(_) => Row {
                    name: name.clone(),
                    before: "–".to_owned(),
                    after: self.after(None),
                },
            });
        }
        rows
    }

    fn row(&self, user: &User) -> Row {
        let relay = relay(self.console, &user.domain);
        let before = match &self.action {
            UserAction::Suspend | UserAction::Resume => self.state(user.suspended),
            _ => match (user.mail, &user.target) {
                (Mail::ThirdParty, Some(target)) => self.third_party(Some(target)),
                (Mail::ThirdParty, None) => {
                    self.third_party(Some(&relay_word(self.page, relay.as_ref())))
                }
                (mail, _) => self.page.word("mail", mail),
            },
        };
        Row {
            name: format!("{}@{}", user.login, user.domain),
            before,
            after: self.after(relay.as_ref()),
        }
    }

    /// What becomes of somebody whose domain has this relay.
    fn after(&self, relay: Option<&String>) -> String {
        let page = self.page;
        let relay = || self.third_party(Some(&relay_word(page, relay)));
        match &self.action {
            UserAction::Mail(Mail::ThirdParty) => relay(),
            UserAction::Mail(mail) => page.word("mail", *mail),
            UserAction::Target(target) if target.is_empty() => relay(),
            UserAction::Target(target) => self.third_party(Some(target)),
            UserAction::Suspend => self.state(true),
            UserAction::Resume => self.state(false),
            UserAction::Remove => page.say("bulk-ask-removed"),
        }
    }

    fn third_party(&self, target: Option<&str>) -> String {
        let mail = self.page.word("mail", Mail::ThirdParty);
        match target {
            Some(target) => format!("{mail}, {target}"),
            None => mail,
        }
    }

    fn state(&self, suspended: bool) -> String {
        let word = if suspended { "suspended" } else { "active" };
        self.page.word("state", word)
    }
}
