//! Answers what administrative commands ask, with the parts that run.

mod accounts;
mod cache;
mod deed;
mod dkim;
mod explain;
mod find;
mod flow;
mod object;
mod overview;
mod peer;
mod peer_test;
mod queue;
mod queue_many;
mod rehearse;
mod relay;
mod site;
mod system;
mod target;
mod target_test;
mod test_message;
mod token;
mod trace;
mod usage;
mod users_file;
mod users_many;
mod wrong;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use waypost_admin::request::{Caller, Cause, Fault, Refused, Report, Request, Saying, words};
use waypost_admin::{Answering, Control};
use waypost_directory::{
    Actor, Breach, Changed, Directory, Edit, EditError, Object, Problem, Rejected, Unavailable,
};
use waypost_mta::asking::Asking;
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::dns::{Dns, HereNow};
use waypost_mta::minger;
use waypost_mta::net::Endpoint;
use waypost_mta::queue::QueueHandle;
use waypost_mta::resolve::Resolver;
use waypost_mta::session::{Shared, Used};
use waypost_proto::mail::Domain;
use waypost_spool::Spool;

use crate::history::History;
use crate::run::Reloader;
use crate::statistics::Statistics;

/// The running parts, as commands see them.
pub(crate) struct Bridge {
    pub(crate) directory: Arc<Directory>,
    pub(crate) spool: Spool,
    pub(crate) resolver: Resolver,
    pub(crate) asking: Arc<Asking>,
    pub(crate) queue: QueueHandle,
    pub(crate) minger: minger::Server,
    pub(crate) shared: Arc<Shared>,
    /// How full mailboxes are; none: another server keeps them.
    pub(crate) used: Option<Arc<Used>>,
    pub(crate) here: HereNow,
    pub(crate) dns: Dns,
    pub(crate) history: Arc<History>,
    pub(crate) statistics: Arc<Statistics>,
    /// When the server was started.
    pub(crate) since: SystemTime,
    pub(crate) hostname: Domain,
    /// Where each service listens.
    pub(crate) endpoints: Vec<(&'static str, Endpoint)>,
    pub(crate) data_dir: PathBuf,
    pub(crate) reloader: Arc<Reloader>,
}

impl Control for Bridge {
    fn answer(self: Arc<Self>, caller: Caller, request: Request, report: Report) -> Answering {
        let asked = Asked {
            bridge: self,
            caller,
            report,
        };
        Box::pin(asked.answer(request))
    }
}

/// One request under way: the running parts, and who asks.
#[derive(Clone)]
struct Asked {
    bridge: Arc<Bridge>,
    caller: Caller,
    report: Report,
}

impl std::ops::Deref for Asked {
    type Target = Bridge;

    fn deref(&self) -> &Bridge {
        &self.bridge
    }
}

impl Asked {
    /// Does what was asked.
    async fn answer(self, request: Request) -> Result<Value, Refused> {
        match request {
            Request::Add(object) => self.blocking(move |asked| asked.add(&object)).await,
            Request::AdminPassword { login, password } => {
                self.blocking(move |asked| asked.set_admin_password(&login, &password))
                    .await
            }
            Request::Apply(request) => self.blocking(move |asked| asked.apply(&request)).await,
            Request::Export => self.blocking(|asked| asked.export()).await,
            Request::Explain(request) => self.explain(&request).await,
            Request::Find(find) => self.blocking(move |asked| asked.find(&find)).await,
            Request::Queue(request) => self.queue(request).await,
            Request::Backup { directory } => {
                self.blocking(move |asked| asked.backup(&directory)).await
            }
            Request::Cache(request) => self.cache(request).await,
            Request::Dkim(request) => self.dkim(request).await,
            Request::Log(wanted) => Ok(self.log(&wanted)),
            Request::Metrics => self.metrics(),
            Request::Overview => self.overview().await,
            Request::Peer(request) => self.peer(request).await,
            Request::System => self.blocking(|asked| Ok(asked.system())).await,
            Request::Target(request) => self.target(request).await,
            Request::Import(import) => self.blocking(move |asked| asked.import(&import)).await,
            Request::List(list) => self.blocking(move |asked| asked.list(&list)).await,
            Request::Rehearse(object) => self.rehearse(object).await,
            Request::Ready => self.blocking(|asked| asked.is_ready()).await,
            Request::Reload => self.reload(),
            Request::Remove(removal) => self.blocking(move |asked| asked.remove(&removal)).await,
            Request::TestMessage { to } => self.test_message(&to).await,
            Request::Set(object) => self.blocking(move |asked| asked.set(&object)).await,
            Request::Statistics(wanted) => Ok(self.statistics(&wanted)),
            Request::Token(request) => self.blocking(move |asked| asked.token(request)).await,
            Request::Trace(trace) => self.blocking(move |asked| asked.trace(&trace)).await,
            Request::Usage { kind, name } => {
                self.blocking(move |asked| asked.usage(kind, &name)).await
            }
            Request::Users(many) => self.blocking(move |asked| asked.users_many(many)).await,
            Request::Show { kind, name } => {
                self.blocking(move |asked| asked.show(kind, &name)).await
            }
        }
    }

    /// Runs what asks the store or a disk where it may block.
    async fn blocking<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        blocking(move || work(&self)).await
    }

    fn reload(&self) -> Result<Value, Refused> {
        let notes = self.reloader.reload().map_err(Refused::new)?;
        Ok(json!({ "notes": notes }))
    }

    fn edit(&self, edits: &[Edit], before: &[Object]) -> Result<Value, Refused> {
        self.edit_from(&self.caller.from, edits, before)
    }

    fn edit_from(&self, from: &str, edits: &[Edit], before: &[Object]) -> Result<Value, Refused> {
        let actor = Actor {
            name: &self.caller.name,
            from,
            at: SystemClock.wall(),
        };
        let changed = self
            .directory
            .edit(&actor, &self.here, edits)
            .map_err(refused)?;
        self.forget(edits, before);
        for note in &changed.notes {
            tracing::warn!("{note}");
        }
        Ok(result_of(&changed))
    }

    fn backup(&self, directory: &str) -> Result<Value, Refused> {
        let parts = crate::backup::Parts {
            data_dir: &self.data_dir,
            directory: &self.directory,
            spool: &self.spool,
        };
        let done = parts.write(directory.as_ref(), &self.report);
        done.map_err(|error| Refused::new(format!("{error:#}")))
    }
}

/// Runs what asks the store or a disk where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refused::of(words::FAILED))?
}

fn result_of(changed: &Changed) -> Value {
    json!({
        "created": changed.created,
        "changed": changed.changed,
        "removed": changed.removed,
        "unchanged": changed.unchanged,
        "notes": changed.notes,
    })
}

fn refused(error: EditError) -> Refused {
    match error {
        EditError::Rejected(rejected) => rejection(rejected),
        EditError::Cancelled => Refused::of(words::CANCELLED),
        EditError::Unavailable(unavailable) => later(&unavailable),
    }
}

fn rejection(rejected: Rejected) -> Refused {
    let cause = match rejected.breach() {
        Breach::Exists => Cause::Exists,
        Breach::Missing => Cause::Missing,
        Breach::Stale => Cause::Stale,
        Breach::Rule => Cause::Asked,
    };
    let faults = rejected.problems.into_iter().map(fault);
    Refused::unsaved(faults.collect()).because(cause)
}

pub(crate) fn fault(problem: Problem) -> Fault {
    Fault {
        object: problem.object,
        line: None,
        field: problem.field.to_owned(),
        message: problem.message,
        mend: problem.mend,
        said: Box::new(Saying::from(&problem.words)),
    }
}

fn later(unavailable: &Unavailable) -> Refused {
    let cause = std::error::Error::source(unavailable).map(|cause| format!(": {cause}"));
    Refused {
        message: format!("{unavailable}{}", cause.unwrap_or_default()),
        cause: Cause::Later,
        ..Refused::of(words::DIRECTORY_AWAY)
    }
}
