//! What the console asks of the running server.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use crate::request::{Caller, Refused, Report, Request};

/// A result that comes when the server has it.
pub type Answering = Pin<Box<dyn Future<Output = Result<Value, Refused>> + Send>>;

/// The running server, as the console and the API see it.
pub trait Control: Send + Sync + 'static {
    /// Does what is asked in the name of the caller; the report hears how far it is.
    ///
    /// The shape of the value is the request's own: a list has `items` and `next`, an object has
    /// the fields of the site file.
    fn answer(self: Arc<Self>, caller: Caller, request: Request, report: Report) -> Answering;
}
