//! The directory as a whole: apply and export.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use waypost_admin::request::{Apply, Fault, Refused, words};
use waypost_directory::{Actor, Changed};
use waypost_mta::clock::{Clock as _, SystemClock};

use super::{Asked, accounts, later, result_of};
use crate::site_file::{self, Failure, Plan};

/// Steps that an answer names; more than that nobody reads, unless a plan was asked for.
const MAX_STEPS: usize = 1000;

impl Asked {
    pub(super) fn apply(&self, request: &Apply) -> Result<Value, Refused> {
        let site = site_file::read(&request.text).map_err(|faults| refused(request, faults))?;
        let plan = Plan::make(&self.directory, site, request.prune).map_err(|e| later(&e))?;
        let (from, unasked) = self.consult_for(&plan, request)?;
        let actor = Actor {
            name: &self.caller.name,
            from: &from,
            at: SystemClock.wall(),
        };
        let by = (&actor, &self.here as _);
        let mut progress = |done: usize, total: usize| {
            self.report.progress("applying", done as u64, total as u64);
            match self.report.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let done = if request.dry_run {
            plan.rehearse(&self.directory, by, &mut progress)
        } else {
            plan.apply(&self.directory, by, &mut progress)
        };
        let changed = done.map_err(|failure| match failure {
            Failure::Rejected(faults) => refused(request, faults),
            Failure::Cancelled => Refused::of(words::CANCELLED),
            Failure::Unavailable(error) => later(&error),
        })?;
        if !request.dry_run {
            self.forget_touched(plan.touched());
        }
        for note in &changed.notes {
            tracing::warn!("{note}");
        }
        let mut result = result_of(&changed);
        if request.dry_run || plan.len() <= MAX_STEPS {
            result["plan"] = plan.steps().map(|step| step.to_string()).collect();
        }
        if let Some(count) = unasked {
            result["unasked"] = count.into();
        }
        let unasked = unasked.map_or_else(String::new, |count| format!("; {}", unasked_of(count)));
        result["summary"] = format!("{}{unasked}", summary(request, &changed)).into();
        Ok(result)
    }

    /// Asks peers about new addresses of shared domains. Says what the audit keeps of where the
    /// edit came from, and what was left out.
    fn consult_for(
        &self,
        plan: &Plan,
        request: &Apply,
    ) -> Result<(String, Option<usize>), Refused> {
        let from = self.caller.from.clone();
        let new = self.new_addresses(plan.saved())?;
        if new.is_empty() {
            return Ok((from, None));
        }
        let count = new.len();
        if request.dry_run {
            return Ok((from, Some(count)));
        }
        if request.force {
            let unasked = unasked_of(count);
            tracing::warn!("{} applied by force: {unasked}", request.file);
            return Ok((format!("{from}, forced: {unasked}"), Some(count)));
        }
        let objections = self.objections(&new);
        if objections.is_empty() {
            return Ok((from, None));
        }
        Err(accounts::refused(&objections, Some(&request.file)))
    }

    pub(super) fn export(&self) -> Result<Value, Refused> {
        let text = site_file::export(&self.directory).map_err(|error| later(&error))?;
        Ok(json!({ "site_file": text }))
    }
}

fn unasked_of(count: usize) -> String {
    let plural = if count == 1 { "" } else { "es" };
    format!("no peer was asked about {count} new address{plural}")
}

fn summary(request: &Apply, changed: &Changed) -> String {
    let Changed {
        created,
        changed,
        removed,
        ..
    } = changed;
    if created + changed + removed == 0 {
        return "nothing to change".to_owned();
    }
    let when = if request.dry_run { "would be " } else { "" };
    format!("{when}{created} created, {changed} changed, {removed} removed")
}

fn refused(request: &Apply, faults: Vec<Fault>) -> Refused {
    let words = match faults.len() {
        1 => words::SITE_REFUSED_ONE.having("file", &request.file),
        count => words::SITE_REFUSED
            .having("file", &request.file)
            .having("count", count),
    };
    Refused {
        problems: faults,
        ..Refused::of(words)
    }
}
