//! `waypost admin`

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_admin::request::{Kind, Object, Removal, Request};
use waypost_admin::secret;

use super::{Common, Failure, client, object, output, password};

/// Manage administrators.
///
/// An administrator whose name is LOGIN@DOMAIN is that user, and logs in with that user's password.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Admin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add one; prints a password for the first login, unless one is given.
    Add {
        /// The name to log in with.
        login: String,
        #[command(flatten)]
        fields: AdminFields,
        /// Read the password from standard input instead of making one.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List all.
    List,
    /// Set the password of an administrator; one who is not there is added, with all rights.
    #[command(alias = "passwd")]
    Password {
        /// The name to log in with.
        login: String,
        /// Read the password from standard input instead of asking for it.
        #[arg(long, conflicts_with = "one_time")]
        password_stdin: bool,
        /// Make one for the next login, at which another is chosen, and print it.
        #[arg(long)]
        one_time: bool,
    },
    /// Remove one, with his tokens.
    Remove {
        /// The name to log in with.
        login: String,
    },
    /// Change the fields that are given.
    Set {
        /// The name to log in with.
        login: String,
        #[command(flatten)]
        fields: AdminFields,
        /// He can neither log in nor use a token; false: he can again.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
        suspended: Option<bool>,
    },
    /// Show one.
    Show {
        /// The name to log in with.
        login: String,
    },
}

/// What he may do.
#[derive(Debug, Args)]
struct AdminFields {
    /// His name.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    rights: Rights,
}

/// Role, domains and grants, of administrators and of tokens.
#[derive(Debug, Args)]
pub(super) struct Rights {
    /// What he may do.
    #[arg(long, value_parser = [
        "superadministrator", "domain-administrator", "user-administrator", "helpdesk",
    ])]
    pub(super) role: Option<String>,
    /// His domains, as DOMAIN,DOMAIN; *: all, later ones too.
    #[arg(long, value_name = "DOMAINS", value_delimiter = ',')]
    pub(super) domains: Option<Vec<String>>,
    /// What he may beyond his role: routing (where mail of his domains goes); empty: nothing.
    #[arg(long, value_name = "GRANTS", value_delimiter = ',')]
    pub(super) grants: Option<Vec<String>>,
}

impl Rights {
    /// Grants without the empty one, which stands for none.
    pub(super) fn granted(&self) -> Option<Vec<&String>> {
        let grants = self.grants.as_ref()?.iter();
        Some(grants.filter(|grant| !grant.is_empty()).collect())
    }
}

impl AdminFields {
    fn fields(&self) -> serde_json::Map<String, Value> {
        let rights = &self.rights;
        let given = [
            ("name", self.name.as_ref().map(|name| json!(name))),
            ("role", rights.role.as_ref().map(|role| json!(role))),
            ("domains", rights.domains.as_ref().map(|all| json!(all))),
            ("grants", rights.granted().map(|grants| json!(grants))),
        ];
        let given = given.into_iter();
        given
            .filter_map(|(field, value)| Some((field.to_owned(), value?)))
            .collect()
    }
}

impl Admin {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        match self.verb {
            Verb::Add {
                login,
                fields,
                password_stdin,
            } => add(common, login, &fields, password_stdin),
            Verb::List => {
                let columns = ["login", "role", "domains", "grants", "suspended", "name"];
                object::list(common, (Kind::Admin, None), None, &columns)
            }
            Verb::Password {
                login,
                one_time: true,
                ..
            } => {
                let password = one_time()?;
                let fields = json!({ "password": password, "must_change": true });
                let request = Request::Set(of(login, &fields));
                made(common, &request, &password)
            }
            Verb::Password {
                login,
                password_stdin,
                ..
            } => {
                let password = match password_stdin {
                    true => password::read_stdin()?,
                    false => password::ask()?,
                };
                let done = format!("password of admin {login} set");
                say(common, &Request::AdminPassword { login, password }, done)
            }
            Verb::Remove { login } => {
                let done = format!("admin {login} removed");
                let removal = Removal {
                    kind: Kind::Admin,
                    name: login,
                    revision: None,
                };
                say(common, &Request::Remove(removal), done)
            }
            Verb::Set {
                login,
                fields,
                suspended,
            } => {
                let mut fields = fields.fields();
                fields.extend(suspended.map(|is| ("suspended".to_owned(), json!(is))));
                if fields.is_empty() {
                    let text = "nothing to set; see waypost admin set --help";
                    return Err(Failure::Usage(text.to_owned()));
                }
                let done = format!("admin {login} changed");
                say(common, &Request::Set(of(login, &json!(fields))), done)
            }
            Verb::Show { login } => object::show(common, Kind::Admin, login),
        }
    }
}

fn add(
    common: &Common,
    login: String,
    fields: &AdminFields,
    password_stdin: bool,
) -> Result<(), Failure> {
    let mut fields = json!(fields.fields());
    let done = format!("admin {login} added");
    if login.contains('@') {
        if password_stdin {
            let text = format!("{login} logs in with the user's password; leave it out");
            return Err(Failure::Usage(text));
        }
        return say(common, &Request::Add(of(login, &fields)), done);
    }
    if password_stdin {
        fields["password"] = password::read_stdin()?.into();
        return say(common, &Request::Add(of(login, &fields)), done);
    }
    let password = one_time()?;
    fields["password"] = password.as_str().into();
    fields["must_change"] = true.into();
    made(common, &Request::Add(of(login, &fields)), &password)
}

fn of(login: String, fields: &Value) -> Object {
    Object {
        kind: Kind::Admin,
        name: login,
        fields: fields.as_object().cloned().unwrap_or_default(),
        append: serde_json::Map::new(),
        take: serde_json::Map::new(),
        force: false,
        revision: None,
    }
}

fn one_time() -> Result<String, Failure> {
    secret::one_time_password().map_err(|error| Failure::failed(error.to_string()))
}

/// Asks, and says that it is done.
fn say(common: &Common, request: &Request, done: String) -> Result<(), Failure> {
    let result = client::call(common, request)?;
    Ok(common.output().result(&result, |_| done)?)
}

/// Asks, and prints the password that was made: alone on standard output.
fn made(common: &Common, request: &Request, password: &str) -> Result<(), Failure> {
    let mut result = client::call(common, request)?;
    result["password"] = password.into();
    if !common.json {
        output::tell("the password for the next login, which is shown this once:");
    }
    Ok(common.output().result(&result, |_| password.to_owned())?)
}
