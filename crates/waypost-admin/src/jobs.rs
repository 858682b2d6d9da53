//! Work that takes longer than a request: who began it watches it, and may cancel it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde_json::Value;
use waypost_directory::Role;

use crate::auth::Actor;
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Cancel, Progress, Refused, Report, Request, words};

/// What has ended is kept for so long.
const KEPT: Duration = Duration::from_hours(1);
/// Jobs at a time, those included that have ended.
const MOST: usize = 256;
/// Jobs of one administrator that run at once.
const RUNNING_EACH: usize = 4;

/// All that is under way.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    jobs: BTreeMap<u64, Job>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    /// Who began it; he sees it, and the superadministrator.
    pub(crate) owner: String,
    /// What is done, as the API names it: `site-apply`.
    pub(crate) what: String,
    ended: Option<SystemTime>,
    pub(crate) state: State,
    /// How far it has come, kept when it has ended.
    pub(crate) last: Option<Progress>,
    cancel: Cancel,
    /// What may be begun when this has ended: what it was a rehearsal of.
    next: Option<Arc<Request>>,
}

/// How far it is.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Running(Option<Progress>),
    Done(Value),
    Failed(Refused),
}

impl Console {
    /// Begins a job; its number is the answer.
    pub(crate) fn begin(
        &self,
        actor: &Actor,
        what: &str,
        request: Request,
    ) -> Result<u64, Problem> {
        let (report, mut following) = Report::new();
        let id = self.jobs.add(actor, what, following.cancel(), self.now())?;
        let control = Arc::clone(&self.parts.control);
        let answering = control.answer(actor.caller(), request, report);
        let console = self.clone();
        tokio::spawn(async move {
            let follow = async {
                while let Some(progress) = following.next().await {
                    console.jobs.change(id, |job| job.goes_on(progress));
                }
            };
            let (answer, ()) = tokio::join!(tokio::spawn(answering), follow);
            let answer = answer.unwrap_or_else(|_| Err(Refused::of(words::WITHIN_SERVER)));
            let ended = console.now();
            console.jobs.change(id, |job| job.ends(answer, ended));
        });
        Ok(id)
    }

    /// Begins a rehearsal of what he may then begin; only his last one is kept for that.
    pub(crate) fn rehearse(
        &self,
        actor: &Actor,
        what: &str,
        (rehearsal, next): (Request, Request),
    ) -> Result<u64, Problem> {
        let id = self.begin(actor, what, rehearsal)?;
        let mut table = self.jobs.lock();
        for job in table.jobs.values_mut() {
            if job.owner == actor.login {
                job.next = None;
            }
        }
        if let Some(job) = table.jobs.get_mut(&id) {
            job.next = Some(Arc::new(next));
        }
        Ok(id)
    }

    /// Begins what a job was the rehearsal of.
    pub(crate) fn begin_next(&self, actor: &Actor, id: u64) -> Result<u64, Problem> {
        let job = self
            .job(actor, id)
            .and_then(|job| match job.owner == actor.login {
                true => Ok(job),
                // It would be done as him.
                false => Err(Problem::forbidden()),
            })?;
        let gone = || Problem::of(StatusCode::NOT_FOUND, words::JOB_ONCE);
        let next = job.next.clone().filter(|_| job.ended.is_some());
        let next = next.ok_or_else(gone)?;
        let id = self.begin(actor, &job.what, Request::clone(&next))?;
        self.jobs.change(job.id, |job| job.next = None);
        Ok(id)
    }

    /// The job, if he may see it.
    pub(crate) fn job(&self, actor: &Actor, id: u64) -> Result<Job, Problem> {
        let table = self.jobs.lock();
        let job = table.jobs.get(&id).filter(|job| job.is_seen_by(actor));
        let missing = || {
            Problem::of(
                StatusCode::NOT_FOUND,
                words::JOB_UNKNOWN.having("id", &id.to_string()),
            )
        };
        job.cloned().ok_or_else(missing)
    }

    /// The jobs that he may see, the latest first.
    pub(crate) fn jobs_of(&self, actor: &Actor) -> Vec<Job> {
        let table = self.jobs.lock();
        let jobs = table.jobs.values().rev();
        jobs.filter(|job| job.is_seen_by(actor)).cloned().collect()
    }
}

impl Job {
    fn goes_on(&mut self, progress: Progress) {
        self.last = Some(progress.clone());
        self.state = State::Running(Some(progress));
    }

    fn ends(&mut self, answer: Result<Value, Refused>, at: SystemTime) {
        self.ended = Some(at);
        self.state = match answer {
            Ok(value) => {
                let is_whole = value.get("cancelled").is_none_or(|cut| *cut != true);
                if let Some(last) = self.last.as_mut().filter(|_| is_whole) {
                    // Steps are told when they begin.
                    last.done = last.total;
                }
                State::Done(value)
            }
            Err(refused) => State::Failed(refused),
        };
    }

    fn is_seen_by(&self, actor: &Actor) -> bool {
        self.owner == actor.login || actor.role == Role::Superadministrator
    }

    /// Whether what it was the rehearsal of can be begun.
    pub(crate) fn has_next(&self) -> bool {
        self.next.is_some() && matches!(self.state, State::Done(_))
    }

    /// Asks it to stop; what is done as a whole is then not done at all.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Jobs {
    fn add(
        &self,
        actor: &Actor,
        what: &str,
        cancel: Cancel,
        now: SystemTime,
    ) -> Result<u64, Problem> {
        let mut table = self.lock();
        table.jobs.retain(|_, job| {
            let age = job.ended.and_then(|ended| now.duration_since(ended).ok());
            age.is_none_or(|age| age < KEPT)
        });
        let running = table
            .jobs
            .values()
            .filter(|job| job.owner == actor.login && job.ended.is_none());
        if running.count() >= RUNNING_EACH || table.jobs.len() >= MOST {
            return Err(Problem::of(
                StatusCode::TOO_MANY_REQUESTS,
                words::JOBS_TOO_MANY,
            ));
        }
        table.last += 1;
        let id = table.last;
        let job = Job {
            id,
            owner: actor.login.clone(),
            what: what.to_owned(),
            ended: None,
            state: State::Running(None),
            last: None,
            cancel,
            next: None,
        };
        table.jobs.insert(id, job);
        Ok(id)
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.lock().jobs.get_mut(&id) {
            change(job);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
