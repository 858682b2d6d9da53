//! Answers what administrative commands ask, with the parts that run.

use serde_json::Value;

use crate::control::Report;
use crate::control::protocol::{Refused, Request};

/// The running parts, as commands see them.
pub(crate) struct Bridge {}

impl Bridge {
    /// Does what was asked.
    pub(crate) async fn answer(&self, request: Request, _report: Report) -> Result<Value, Refused> {
        Err(Refused::new(format!(
            "this build cannot do that yet: {request:?}"
        )))
    }
}
