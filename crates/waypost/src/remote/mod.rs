//! Administers a server from afar: what a command asks goes over the HTTP API, and what comes back
//! is made what the control socket would have said.

mod http;
mod queue;
mod route;
mod shape;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use waypost_admin::request::{
    CacheList, CacheRequest, Cause, Fault, List, Object, Progress, Refused, Request,
};

use crate::cli::Failure;
use http::{Reply, Server};
use route::Call;

/// How often a job is looked at.
const EVERY: Duration = Duration::from_millis(300);
/// Objects of one answer.
const PAGE: usize = 500;
/// Who asks for so many wants all.
const WHOLE: usize = 1_000;
/// Most remembered answers of one list.
const REMEMBERED: usize = 10_000;

/// Where the server is, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `https://HOST[:PORT]`.
    pub(crate) url: String,
    /// The token.
    pub(crate) token: String,
    /// Whose certificates are believed beside those that the system believes.
    pub(crate) ca: Option<PathBuf>,
}

/// Asks the server far away; says how far long work is.
pub(crate) fn call(
    place: &Place,
    request: &Request,
    progress: &dyn Fn(&Progress),
) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let server = Server::new(place)?;
    let asking = Asking { server, progress };
    runtime.block_on(asking.answer(request))
}

struct Asking<'a> {
    server: Server,
    progress: &'a dyn Fn(&Progress),
}

impl Asking<'_> {
    async fn answer(&self, request: &Request) -> Result<Value, Failure> {
        match request {
            Request::Cache(CacheRequest::List(list)) => return self.remembered(list).await,
            Request::List(list) => return self.list(list).await,
            Request::Set(object) if !(object.append.is_empty() && object.take.is_empty()) => {
                return self.edit(object).await;
            }
            _ => {}
        }
        let call = route::of(request)
            .map_err(|why| Failure::failed(format!("this cannot be done over --url: {why}")))?;
        self.ask(&call).await
    }

    /// One request; a job that it begins is followed to its end.
    async fn ask(&self, call: &Call) -> Result<Value, Failure> {
        let reply = self.server.ask(call).await?;
        if reply.status == 202 {
            let begun: Value = reply.json()?;
            let job = begun.get("job").and_then(Value::as_u64);
            let job = job.ok_or_else(|| Failure::failed("the server began no job"))?;
            return self.follow(job).await;
        }
        Ok(call.shape.of(told(&reply)?))
    }

    async fn follow(&self, job: u64) -> Result<Value, Failure> {
        let call = Call::get(format!("/jobs/{job}"));
        loop {
            let job = told(&self.server.ask(&call).await?)?;
            match job["state"].as_str() {
                Some("done") => return Ok(job["result"].clone()),
                Some("failed") => return Err(refusal(&job["problem"])),
                _ => {}
            }
            if let Some(step) = job["step"].as_str() {
                (self.progress)(&Progress {
                    what: step.to_owned(),
                    done: job["done"].as_u64().unwrap_or_default(),
                    total: job["total"].as_u64().unwrap_or_default(),
                });
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// All pages: a cursor of the API is no number, so that nobody could ask for the next one.
    async fn list(&self, list: &List) -> Result<Value, Failure> {
        let most = match list.limit {
            limit if limit < WHOLE => limit,
            _ => usize::MAX,
        };
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let limit = PAGE.min(most - all.len());
            let call = route::list(list, after.as_deref(), limit);
            let mut page = told(&self.server.ask(&call).await?)?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                let said = |item| shape::object(list.kind, item);
                all.extend(items.into_iter().map(said));
            }
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || all.len() >= most {
                return Ok(json!({ "items": all, "next": null }));
            }
        }
    }

    /// As much as is wanted, of as many pages as that needs.
    async fn remembered(&self, list: &CacheList) -> Result<Value, Failure> {
        let most = list.limit.clamp(1, REMEMBERED);
        let mut all = Vec::new();
        let mut after = list.after.clone();
        loop {
            let limit = PAGE.min(most - all.len());
            let call = route::remembered(list, after.as_deref(), limit);
            let mut page = told(&self.server.ask(&call).await?)?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                all.extend(items);
            }
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || all.len() >= most {
                return Ok(json!({ "items": all, "next": after }));
            }
        }
    }

    /// What is added to lists and taken from them is worked out here; nobody may have changed the
    /// object meanwhile.
    async fn edit(&self, object: &Object) -> Result<Value, Failure> {
        let shown = route::show(object.kind, &object.name);
        let present = told(&self.server.ask(&shown).await?)?;
        let mut whole = object.clone();
        let names = object.append.keys().chain(object.take.keys());
        for name in names {
            let given = whole.fields.get(name).or_else(|| present.get(name));
            let list = given.and_then(Value::as_array).cloned();
            let edited = edited(list.unwrap_or_default(), object, name);
            whole.fields.insert(name.clone(), Value::Array(edited));
        }
        whole.append.clear();
        whole.take.clear();
        whole.revision = present["revision"].as_u64();
        self.ask(&route::set(&whole)).await
    }
}

fn edited(mut list: Vec<Value>, object: &Object, name: &str) -> Vec<Value> {
    let of = |fields: &serde_json::Map<String, Value>| {
        let values = fields.get(name).and_then(Value::as_array);
        values.cloned().unwrap_or_default()
    };
    let take = of(&object.take);
    list.retain(|value| !take.contains(value));
    for value in of(&object.append) {
        if !list.contains(&value) {
            list.push(value);
        }
    }
    list
}

/// The value of an answer, or what the server refuses.
fn told(reply: &Reply) -> Result<Value, Failure> {
    match reply.status {
        204 => Ok(json!({})),
        200..300 if reply.is_json => reply.json(),
        200..300 => Ok(Value::String(reply.text())),
        _ => Err(refusal(&reply.json().unwrap_or_else(|_| {
            let detail = format!("the server says {}", reply.status);
            json!({ "status": reply.status, "detail": detail })
        }))),
    }
}

/// A problem as the control socket would have said it.
fn refusal(problem: &Value) -> Failure {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let faults = problem["problems"].as_array().into_iter().flatten();
    let faults = faults.map(|fault| Fault {
        object: text(&fault["object"]),
        line: fault["line"].as_u64().and_then(|line| line.try_into().ok()),
        field: text(&fault["field"]),
        message: text(&fault["message"]),
        mend: text(&fault["mend"]),
        said: Box::default(),
    });
    let cause = match problem["status"].as_u64() {
        Some(429 | 503) => Cause::Later,
        Some(404) => Cause::Missing,
        Some(409) => Cause::Conflict,
        Some(412) => Cause::Stale,
        _ => Cause::Asked,
    };
    crate::cli::refused(&Refused {
        problems: faults.collect(),
        cause,
        ..Refused::new(text(&problem["detail"]))
    })
}
